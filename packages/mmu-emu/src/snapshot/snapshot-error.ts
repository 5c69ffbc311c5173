/** What went wrong with a snapshot, for programs to tell apart. */
export type SnapshotErrorCode =
  | 'not-a-snapshot'
  | 'unsupported-version'
  | 'corrupted'
  | 'other-machine'
  | 'unsupported'
  | 'running'
  | 'incomplete';

/**
 * A machine could not be saved or restored. Unless the code is `incomplete`, the machine is as it was.
 *
 * - `not-a-snapshot`: the bytes do not begin as a snapshot does.
 * - `unsupported-version`: they are of a version that this library does not read.
 * - `corrupted`: they are cut short, go on behind the end, fail their checksum, or hold what no machine saves.
 * - `other-machine`: they are of a machine that was made with other options or devices; the message says which.
 * - `unsupported`: `part` (a device, or the clock) cannot be saved or restored.
 * - `running`: the machine was saved or restored in the middle of a run, or ran between two pieces of a snapshot.
 * - `incomplete`: the source failed, or gave other bytes, when it was read the second time. The machine has been stopped;
 *   restore it from another source. `cause` has the source's error.
 */
export class SnapshotError extends Error {
  override readonly name = 'SnapshotError';
  readonly code: SnapshotErrorCode;
  /** What cannot be saved, for `unsupported`. */
  readonly part: string | undefined;

  constructor(
    code: SnapshotErrorCode,
    message: string,
    details: { readonly part?: string; readonly cause?: unknown } = {},
  ) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined);
    this.code = code;
    this.part = details.part;
  }
}
