import { ZX_OK, type Status } from '../abi/status.js';
import type { PageRequest } from './page-request.js';

/** What takes requests to whoever answers them. */
export interface RequestCarrier {
  /** A request is outstanding and is to be delivered. */
  send(request: PageRequest): void;
  /** A request is over, or abandoned: if it was not delivered, it never is. */
  withdraw(request: PageRequest): void;
  /** `successor` stands for what `request` asked for; a packet that is under way stays as it is. */
  replace(request: PageRequest, successor: PageRequest): void;
}

/** The outstanding requests of one kind of a page source: disjoint ranges. */
export class OutstandingRequests {
  /** Ascending by start. */
  private readonly requests: PageRequest[] = [];

  constructor(private readonly carrier: RequestCarrier) {}

  get count(): number {
    return this.requests.length;
  }

  /** A waiter blocks on an idle request: it hangs on the one that covers its first page, or is cut and sent. */
  issue(request: PageRequest): void {
    const { position } = request;
    const index = this.firstEndingAfter(position);
    const next = this.requests[index];
    if (next !== undefined && next.start <= position) {
      next.adopt(request);
      return;
    }
    const wanted = position + request.count;
    request.becomeOutstanding(position, next === undefined ? wanted : Math.min(wanted, next.start));
    // Most often there is none, or they come in order.
    if (index === this.requests.length) this.requests.push(request);
    else this.requests.splice(index, 0, request);
    this.carrier.send(request);
  }

  /** What was asked for in [start, end) is there (ZX_OK), or failed; also ZX_OK: whoever waits for it is to look again. */
  resolve(start: number, end: number, failure: Status): void {
    for (let index = this.firstEndingAfter(start); index < this.requests.length;) {
      const request = this.requests[index];
      if (request.start >= end) return;
      const awaited = request.position >= start && request.position < end;
      const done = request.resolve(start, end);
      request.informGuests(start, end, failure);
      if (done) {
        this.removeAt(index);
        this.carrier.withdraw(request);
        request.finish(awaited ? failure : ZX_OK);
        continue;
      }
      if (awaited && failure !== ZX_OK && request.waiter !== null) {
        const { waiter } = request;
        if (this.handOver(index, request)) index += 1;
        waiter.wake(failure);
        continue;
      }
      if (awaited && failure === ZX_OK && request.early) request.wakeEarly();
      index += 1;
    }
  }

  /** Whose waiter gave up. */
  abandon(request: PageRequest): void {
    const index = this.requests.indexOf(request, this.firstEndingAfter(request.start));
    this.handOver(index, request);
  }

  /** All are over, and look again. */
  finishAll(): void {
    for (const request of this.requests.splice(0)) {
      this.carrier.withdraw(request);
      request.finish(ZX_OK);
    }
  }

  /** True when another request stands in for this one; either way it is idle. */
  private handOver(index: number, request: PageRequest): boolean {
    const successor = request.handOver();
    if (successor === null) {
      this.removeAt(index);
      this.carrier.withdraw(request);
    } else {
      this.requests[index] = successor;
      this.carrier.replace(request, successor);
    }
    request.toIdle();
    return successor !== null;
  }

  private removeAt(index: number): void {
    if (index === this.requests.length - 1) this.requests.pop();
    else this.requests.splice(index, 1);
  }

  /** Index of the first outstanding request whose end is after `page`. */
  private firstEndingAfter(page: number): number {
    let low = 0;
    let high = this.requests.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.requests[middle].end > page) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
