import type { DeadlineQueue } from './deadline-queue.js';
import type { LentFrames } from './lent-frames.js';
import type { PagerHost } from './pager-host.js';
import type { MetricsRecorder } from './pager-metrics.js';
import type { ByteRange } from './vmo-backing.js';
import type { Status } from '@faultline/kernel';

/** A request, or a part of one, that was failed, or something else that went wrong in a backing. */
export interface RequestFailure {
  /** Key of the VMO. */
  readonly key: bigint;
  /** Its name; empty when it was given none. */
  readonly name: string;
  /** What was to be read: bytes, whole pages. */
  readonly range: ByteRange;
  /** Leading bytes of it that were supplied nevertheless. */
  readonly suppliedBytes: number;
  /** What whoever waited was told. */
  readonly status: Status;
  /** What the backing threw or rejected with, or a PagerError. */
  readonly error: unknown;
}

/** What the VMOs of a service share. */
export interface PagerServiceCore {
  readonly host: PagerHost;
  /** Handle of the pager. */
  readonly pager: number;
  /** Handle of the port that page requests come to. */
  readonly port: number;
  readonly frames: LentFrames;
  readonly metrics: MetricsRecorder;
  /** Null without a timeout. */
  readonly deadlines: DeadlineQueue | null;
  readonly maxReadBytes: number;
  readonly readAheadBytes: number;
  readonly maxConcurrentReads: number;
  report(failure: RequestFailure): void;
  /** `offerRoom` will call `startPending` of it. */
  waitForRoom(reads: PendingReads): void;
  offerRoom(): void;
}

/** Reads of a VMO that wait until frames or a place among the concurrent ones are free. */
export interface PendingReads {
  /** @returns whether any are left */
  startPending(): boolean;
}
