import { ZX_ERR_TIMED_OUT, ZX_EVENT_SIGNALED, ZX_OK } from '@faultline/kernel';
import { PagerError } from './pager-error.js';
import type { PagerHost } from './pager-host.js';

/** A deadline that has been set. */
export interface Deadline {
  cancel(): void;
}

interface Entry extends Deadline {
  /** Nanoseconds on the kernel's clock. */
  readonly time: number;
  readonly expire: () => void;
  cancelled: boolean;
}

/**
 * Deadlines that all lie the same time ahead when they are set, so that they expire in the order in which they were set. One wait of the kernel,
 * on an event that nobody signals, serves all of them; with none set there is no wait, so that an idle service keeps nothing running.
 */
export class DeadlineQueue {
  private readonly event: number;
  private readonly entries: Entry[] = [];
  private first = 0;
  private live = 0;
  private wait: AbortController | null = null;

  /**
   * @param timeout nanoseconds from setting a deadline to its expiry
   * @throws {PagerError} `kernel` when no event could be made
   */
  constructor(
    private readonly host: PagerHost,
    readonly timeout: number,
  ) {
    const { status, handle } = host.eventCreate(0);
    if (status !== ZX_OK) throw new PagerError('kernel', `zx_event_create: ${status}`, { status });
    this.event = handle;
  }

  /** Calls `expire` when the timeout has passed, unless it is cancelled before. */
  add(expire: () => void): Deadline {
    const entry: Entry = {
      time: this.host.clockGetMonotonic() + this.timeout,
      expire,
      cancelled: false,
      cancel: () => {
        if (entry.cancelled) return;
        entry.cancelled = true;
        this.live -= 1;
        if (this.live === 0) this.rest();
      },
    };
    this.entries.push(entry);
    this.live += 1;
    if (this.wait === null) this.waitForFirst();
    return entry;
  }

  /** Forgets all deadlines. */
  close(): void {
    this.rest();
    this.host.handleClose(this.event);
  }

  private rest(): void {
    this.entries.length = 0;
    this.first = 0;
    this.live = 0;
    this.wait?.abort();
    this.wait = null;
  }

  private waitForFirst(): void {
    while (this.entries[this.first].cancelled) this.first += 1;
    if (this.first > 1_024) {
      this.entries.splice(0, this.first);
      this.first = 0;
    }
    const wait = new AbortController();
    this.wait = wait;
    const deadline = this.entries[this.first].time;
    this.host.objectWaitOne(this.event, ZX_EVENT_SIGNALED, { deadline, signal: wait.signal }).then(
      ({ status }) => {
        if (this.wait !== wait) return;
        this.wait = null;
        if (status === ZX_ERR_TIMED_OUT) this.expireUntil(deadline);
      },
      () => undefined, // aborted: this wait is no longer wanted
    );
  }

  private expireUntil(time: number): void {
    while (this.live > 0) {
      const entry = this.entries[this.first];
      if (!entry.cancelled) {
        if (entry.time > time) break;
        entry.cancelled = true;
        this.live -= 1;
        this.first += 1;
        entry.expire();
      } else {
        this.first += 1;
      }
    }
    if (this.live === 0) this.rest();
    else if (this.wait === null) this.waitForFirst();
  }
}
