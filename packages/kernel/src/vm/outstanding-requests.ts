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

/** The outstanding requests of one kind of a page source: disjoint ranges. */
export class OutstandingRequests {
  private readonly requests = new RangeList<PageRequest>(
    ({ start }) => start,
    ({ end }) => end,
  );

  constructor(private readonly carrier: RequestCarrier) {}

  get count(): number {
    return this.requests.size;
  }

  /** A waiter blocks on an idle request: it hangs on the one that covers its first page, or is cut and sent. */
  issue(request: PageRequest): void {
    const { position } = request;
    const next = this.requests.after(position);
    if (next !== undefined && next.start <= position) {
      next.adopt(request);
      return;
    }
    const wanted = position + request.count;
    request.becomeOutstanding(position, next === undefined ? wanted : Math.min(wanted, next.start));
    this.requests.insert(request, position);
    this.carrier.send(request);
  }

  /** What was asked for in [start, end) is there (ZX_OK), or failed; also ZX_OK: whoever waits for it is to look again. */
  resolve(start: number, end: number, failure: Status): void {
    let request = this.requests.after(start);
    while (request !== undefined && request.start < end) {
      const { end: stop } = request;
      const awaited = request.position >= start && request.position < end;
      const done = request.resolve(start, end);
      request.informGuests(start, end, failure);
      if (done) {
        this.requests.remove(request, request.start);
        this.carrier.withdraw(request);
        request.finish(awaited ? failure : ZX_OK);
      } else if (awaited && failure !== ZX_OK && request.waiter !== null) {
        const { waiter } = request;
        this.handOver(request);
        waiter.wake(failure);
      } else if (awaited && failure === ZX_OK && request.early) request.wakeEarly();
      request = this.requests.after(stop);
    }
  }

  /** Whose waiter gave up. */
  abandon(request: PageRequest): void {
    this.handOver(request);
  }

  /** All are over, and look again. */
  finishAll(): void {
    for (const request of this.requests.clear()) {
      this.carrier.withdraw(request);
      request.finish(ZX_OK);
    }
  }

  /** Another request stands in for this one, if any hangs on it; either way it is idle. */
  private handOver(request: PageRequest): void {
    const successor = request.handOver();
    if (successor === null) {
      this.requests.remove(request, request.start);
      this.carrier.withdraw(request);
    } else {
      this.requests.replace(request, successor, request.start);
      this.carrier.replace(request, successor);
    }
    request.toIdle();
  }
}
