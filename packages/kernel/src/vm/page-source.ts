import { ZX_OK, type Status } from '../abi/status.js';
import { PageRequest } from './page-request.js';

/** What answers the requests of a page source: for now always a pager, through its `PagerProxy`. */
export interface PageProvider {
  /** A request is outstanding and is to be delivered. */
  send(request: PageRequest): void;
  /** A request is over, or abandoned: if it was not delivered, it never is. */
  withdraw(request: PageRequest): void;
  /** `successor` stands for what `request` asked for; a packet that is under way stays as it is. */
  replace(request: PageRequest, successor: PageRequest): void;
  /** No more requests will come: the VMO is detached. */
  sourceDetached(): void;
  /** The pages are gone, nobody can ask any more. */
  sourceClosed(): void;
}

/**
 * The pages of a VMO that are fetched on demand: which requests are outstanding, and who waits for them.
 *
 * Outstanding requests never overlap. A page is asked for once, however many wait for it; neighbouring requests of different
 * waiters are not joined.
 */
export class PageSource {
  /** Ascending by start. */
  private readonly outstanding: PageRequest[] = [];
  private detached = false;
  private closed = false;

  /** Of the VMO made by `zx_pager_create_vmo`. */
  vmoKoid = 0;

  constructor(readonly provider: PageProvider) {}

  /** Whether absent pages can be asked for; when not, they are ZX_ERR_BAD_STATE. */
  get isAttached(): boolean {
    return !this.detached;
  }

  get outstandingCount(): number {
    return this.outstanding.length;
  }

  /** A request for `count` pages from `page` on; it takes effect when a waiter blocks on it. @see PageRequest */
  request(page: number, count: number, early: boolean): PageRequest {
    return new PageRequest(this, page, count, early);
  }

  /** A waiter blocks on an idle request. */
  issue(request: PageRequest): void {
    if (this.detached) {
      // The waiter looks again, and finds out.
      request.finish(ZX_OK);
      return;
    }
    const { position } = request;
    const index = this.firstEndingAfter(position);
    const next = this.outstanding[index];
    if (next !== undefined && next.start <= position) {
      next.adopt(request);
      return;
    }
    const wanted = position + request.count;
    request.becomeOutstanding(position, next === undefined ? wanted : Math.min(wanted, next.start));
    // Most often there is none, or they come in order.
    if (index === this.outstanding.length) this.outstanding.push(request);
    else this.outstanding.splice(index, 0, request);
    this.provider.send(request);
  }

  /**
   * [start, end) was supplied (ZX_OK), or failed, or is no longer part of the VMO (ZX_OK: its waiters look again and find out).
   */
  resolve(start: number, end: number, failure: Status): void {
    for (let index = this.firstEndingAfter(start); index < this.outstanding.length;) {
      const request = this.outstanding[index];
      if (request.start >= end) return;
      const awaited = request.position >= start && request.position < end;
      const done = request.resolve(start, end);
      request.informGuests(start, end, failure);
      if (done) {
        this.removeAt(index);
        this.provider.withdraw(request);
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
    const index = this.outstanding.indexOf(request, this.firstEndingAfter(request.start));
    this.handOver(index, request);
  }

  /** No requests any more: those outstanding are over, and look again. */
  detach(): void {
    if (this.detached) return;
    this.detached = true;
    this.finishAll();
    this.provider.sourceDetached();
  }

  /** The provider ends first. */
  providerClosed(): void {
    this.detached = true;
    this.finishAll();
  }

  /** The pages of the VMO, and with them everybody who could ask, are gone. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.detached = true;
    this.finishAll();
    this.provider.sourceClosed();
  }

  /** True when another request stands in for this one; either way it is idle. */
  private handOver(index: number, request: PageRequest): boolean {
    const successor = request.handOver();
    if (successor === null) {
      this.removeAt(index);
      this.provider.withdraw(request);
    } else {
      this.outstanding[index] = successor;
      this.provider.replace(request, successor);
    }
    request.toIdle();
    return successor !== null;
  }

  private removeAt(index: number): void {
    if (index === this.outstanding.length - 1) this.outstanding.pop();
    else this.outstanding.splice(index, 1);
  }

  private finishAll(): void {
    for (const request of this.outstanding.splice(0)) {
      this.provider.withdraw(request);
      request.finish(ZX_OK);
    }
  }

  /** Index of the first outstanding request whose end is after `page`. */
  private firstEndingAfter(page: number): number {
    let low = 0;
    let high = this.outstanding.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.outstanding[middle].end > page) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
