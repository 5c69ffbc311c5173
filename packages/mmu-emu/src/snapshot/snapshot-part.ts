import type { StateReader } from './state-reader.js';
import type { StateWriter } from './state-writer.js';

/** Something whose state belongs to a machine's. */
export interface SnapshotPart {
  /** For error messages; a snapshot fits only a machine with parts of the same names in the same order. */
  readonly name: string;
  /** Writes all that the part's future depends on. Changes nothing. */
  save(to: StateWriter): void;
  /**
   * Takes the values that `save` wrote, in the same order, and checks them: a snapshot may come from anywhere. Tells nobody
   * else: interrupt lines, timers and memory are restored by those that they belong to. When it throws, it is called
   * again, with the state from before.
   * @throws {SnapshotError} `corrupted`, by the reader, or `other-machine`.
   */
  restore(from: StateReader): void;
}
