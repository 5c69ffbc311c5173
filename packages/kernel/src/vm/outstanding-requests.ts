import { ZX_OK, type Status } from '../abi/status.js';
import type { PageRequest } from './page-request.js';
import { RangeList } from './range-list.js';

/** What takes requests to whoever answers them. */
export interface RequestCarrier {
  /** A request is outstanding and is to be delivered. */
  send(request: PageRequest): void;
  /** A request is over, or abandoned: if it was not delivered, it never is. */
  withdraw(request: PageRequest): void;
  /** `successor` stands for what `request` asked for; a packet that is under way stays as it is. */
  replace(request: PageRequest, successor: PageRequest): void;
}

/**
 * The outstanding requests of one kind of a page source: disjoint ranges.
 *
 * Most are over before the next is issued. The newest therefore stands beside the list, and goes into it only when another comes, so that a fault
 * that is answered at once costs the same however many wait. For the same reason the list is not searched again where it was found
 * to be empty.
 */
export class OutstandingRequests {
  /** All but the newest. */
  private readonly older = new RangeList<PageRequest>(
    ({ start }) => start,
    ({ end }) => end,
  );
  /** The one that was issued last, if it is still outstanding. */
  private newest: PageRequest | null = null;
  /** Where the list was searched last: none of it lies in [gapStart, gapEnd), and one begins at gapEnd, unless it is Infinity. */
  private gapStart = 0;
  private gapEnd = 0;

  constructor(private readonly carrier: RequestCarrier) {}

  get count(): number {
    return this.older.size + (this.newest === null ? 0 : 1);
  }

  /** A waiter blocks on an idle request: it hangs on the one that covers its first page, or is cut and sent. */
  issue(request: PageRequest): void {
    const { position } = request;
    this.ageNewest();
    if (position < this.gapStart || position >= this.gapEnd) {
      const next = this.older.after(position);
      if (next !== undefined && next.start <= position) {
        next.adopt(request);
        return;
      }
      this.gapStart = position;
      this.gapEnd = next === undefined ? Infinity : next.start;
    }
    request.becomeOutstanding(position, Math.min(position + request.count, this.gapEnd));
    this.newest = request;
    this.carrier.send(request);
  }

  /** What was asked for in [start, end) is there (ZX_OK), or failed; also ZX_OK: whoever waits for it is to look again. */
  resolve(start: number, end: number, failure: Status): void {
    const { newest } = this;
    if (newest !== null && newest.start < end && newest.end > start) {
      if (newest.start <= start && newest.end >= end) {
        this.resolveOne(newest, start, end, failure);
        return;
      }
      this.ageNewest();
    }
    if (start >= this.gapStart && end <= this.gapEnd) return;
    let request = this.older.after(start);
    while (request !== undefined && request.start < end) {
      const { end: stop } = request;
      this.resolveOne(request, start, end, failure);
      request = this.older.after(stop);
    }
  }

  /** Whose waiter gave up. */
  abandon(request: PageRequest): void {
    this.handOver(request);
  }

  /** All are over, and look again. */
  finishAll(): void {
    this.ageNewest();
    this.forgetGap();
    for (const request of this.older.clear()) {
      this.carrier.withdraw(request);
      request.finish(ZX_OK);
    }
  }

  private resolveOne(request: PageRequest, start: number, end: number, failure: Status): void {
    const awaited = request.position >= start && request.position < end;
    const done = request.resolve(start, end);
    request.informGuests(start, end, failure);
    if (done) {
      this.remove(request);
      this.carrier.withdraw(request);
      request.finish(awaited ? failure : ZX_OK);
    } else if (awaited && failure !== ZX_OK && request.waiter !== null) {
      const { waiter } = request;
      this.handOver(request);
      waiter.wake(failure);
    } else if (awaited && failure === ZX_OK && request.early) request.wakeEarly();
  }

  /** Another request stands in for this one, if any hangs on it; either way it is idle. */
  private handOver(request: PageRequest): void {
    const successor = request.handOver();
    if (successor === null) {
      this.remove(request);
      this.carrier.withdraw(request);
    } else {
      if (request === this.newest) this.newest = successor;
      else this.older.replace(request, successor, request.start);
      this.carrier.replace(request, successor);
    }
    request.toIdle();
  }

  private remove(request: PageRequest): void {
    if (request === this.newest) {
      this.newest = null;
      return;
    }
    this.older.remove(request, request.start);
    this.forgetGap();
  }

  /** The newest takes its place in the list, and off the gap in which it lies. */
  private ageNewest(): void {
    const { newest } = this;
    if (newest === null) return;
    this.newest = null;
    this.older.insert(newest, newest.start);
    this.forgetGap();
  }

  private forgetGap(): void {
    this.gapStart = 0;
    this.gapEnd = 0;
  }
}
