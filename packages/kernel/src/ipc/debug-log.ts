/** The kernel's debug log: a bounded sequence of records, of which the oldest go first. */
import type { Clock } from '@faultline/mmu-emu';
import { ZX_LOG_RECORD_DATA_MAX } from '../abi/abi-limits.js';

/** One line of the log. */
export interface LogRecord {
  /** Position in the log, from 0; a reader that was too slow sees a gap. */
  readonly sequence: number;
  /** `DEBUGLOG_*` */
  readonly severity: number;
  readonly flags: number;
  /** Nanoseconds on the kernel's clock. */
  readonly timestamp: number;
  /** Koids of who wrote it; 0: the kernel. */
  readonly process: number;
  readonly thread: number;
  /** At most 216 bytes. */
  readonly data: Uint8Array;
}

/**
 * The log itself. Readers keep their own positions (`DebugLogDispatcher`) and ask for the record at or after one.
 */
export class DebugLog {
  private readonly ring: LogRecord[] = [];
  private written = 0;
  private readonly listeners = new Set<() => void>();

  /** @param capacity records kept */
  constructor(
    private readonly clock: Clock,
    private readonly capacity: number,
  ) {}

  /** Sequence number of the next record. */
  get end(): number {
    return this.written;
  }

  /** Sequence number of the oldest record kept; equal to `end` when there is none. */
  get start(): number {
    return Math.max(0, this.written - this.capacity);
  }

  /** Appends a record. @param data cut after 216 bytes */
  write(severity: number, flags: number, process: number, thread: number, data: Uint8Array): void {
    const record: LogRecord = {
      sequence: this.written,
      severity,
      flags,
      timestamp: this.clock.now(),
      process,
      thread,
      data: data.slice(0, ZX_LOG_RECORD_DATA_MAX),
    };
    this.ring[this.written % this.capacity] = record;
    this.written += 1;
    for (const listener of this.listeners) listener();
  }

  /** The oldest record from `sequence` on; undefined when all are older. */
  read(sequence: number): LogRecord | undefined {
    if (sequence >= this.written) return undefined;
    return this.ring[Math.max(sequence, this.start) % this.capacity];
  }

  /** Calls back after every record; the result ends that. The callback must not write to the log. */
  listen(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}
