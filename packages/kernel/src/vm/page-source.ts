import { ZX_OK, type Status } from '../abi/status.js';
import { OutstandingRequests, type RequestCarrier } from './outstanding-requests.js';
import { ASKS_PAGE, PageRequest, type RequestKind } from './page-request.js';
import type { RequestOvertime } from './request-overtime.js';

/** What answers the requests of a page source: for now always a pager, through its `PagerProxy`. */
export interface PageProvider extends RequestCarrier {
  /** No more requests will come: the VMO is detached. */
  sourceDetached(): void;
  /** The pages are gone, nobody can ask any more. */
  sourceClosed(): void;
}

/**
 * The pages of a VMO that are fetched on demand: which requests are outstanding, and who waits for them.
 *
 * There are two kinds, for pages and for leave to write, and nothing of one concerns the other. Outstanding requests of one kind never
 * overlap. A page is asked for once, however many wait for it; neighbouring requests of different waiters are not joined.
 */
export class PageSource {
  private readonly reads: OutstandingRequests;
  private readonly writes: OutstandingRequests;
  private detached = false;
  private closed = false;
  private orphaned = false;

  /** A request of a fault that is over, for the next fault. */
  private spare: PageRequest | null = null;

  /** Of the VMO made by `zx_pager_create_vmo`. */
  vmoKoid = 0;

  /**
   * @param trapsWrites the pager is asked before a page becomes dirty: ZX_VMO_TRAP_DIRTY
   * @param overtime watches over waits; null: they may take as long as they like
   */
  constructor(
    readonly provider: PageProvider,
    readonly trapsWrites: boolean,
    readonly overtime: RequestOvertime | null = null,
  ) {
    this.reads = new OutstandingRequests(provider);
    this.writes = new OutstandingRequests(provider);
  }

  /** Whether absent pages can be asked for; when not, they are ZX_ERR_BAD_STATE. */
  get isAttached(): boolean {
    return !this.detached;
  }

  /**
   * Whether clean pages may be given up: those that can be asked for again, and what a detached VMO has left. Pages stay when the pager has closed its handle without
   * having detached the VMO, since whoever has the VMO goes on using them.
   */
  get mayEvict(): boolean {
    return !this.orphaned;
  }

  get outstandingCount(): number {
    return this.reads.count + this.writes.count;
  }

  /** A request for `count` pages from `page` on; it takes effect when a waiter blocks on it. @see PageRequest */
  request(kind: RequestKind, page: number, count: number, early: boolean): PageRequest {
    return new PageRequest(this, kind, page, count, early);
  }

  /** A request of a fault, for one page: whoever blocks on it forgets it when woken. */
  requestOne(kind: RequestKind, page: number): PageRequest {
    const { spare } = this;
    if (spare === null) return new PageRequest(this, kind, page, 1, true, true);
    this.spare = null;
    spare.asks = kind;
    spare.position = page;
    return spare;
  }

  /** For the request of a fault: it is over. */
  reuse(request: PageRequest): void {
    this.spare = request;
  }

  /** A waiter blocks on an idle request. */
  issue(request: PageRequest): void {
    // Of a source without a pager, the waiter looks again, and finds out.
    if (this.detached) request.finish(ZX_OK);
    else this.ofKind(request.asks).issue(request);
  }

  /** [start, end) is there: supplied, or zero. */
  pagesArrived(start: number, end: number): void {
    this.reads.resolve(start, end, ZX_OK);
  }

  /** [start, end) may be written, or whoever wants to must look again. */
  writesAllowed(start: number, end: number): void {
    this.writes.resolve(start, end, ZX_OK);
  }

  /** Requests of both kinds in [start, end) have failed, or the pages are no longer part of the VMO (ZX_OK: their waiters look again and find out). */
  resolveAll(start: number, end: number, failure: Status): void {
    this.reads.resolve(start, end, failure);
    this.writes.resolve(start, end, failure);
  }

  /** Whose waiter gave up. */
  abandon(request: PageRequest): void {
    this.ofKind(request.asks).abandon(request);
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
    this.orphaned = !this.detached;
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

  private ofKind(kind: RequestKind): OutstandingRequests {
    return kind === ASKS_PAGE ? this.reads : this.writes;
  }

  private finishAll(): void {
    this.reads.finishAll();
    this.writes.finishAll();
  }
}
