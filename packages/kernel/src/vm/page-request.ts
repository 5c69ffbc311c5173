import { ZX_ERR_TIMED_OUT, ZX_OK, type Status } from '../abi/status.js';
import type { Blocker, Waiter } from '../task/waiter.js';
import type { PageSource } from './page-source.js';
import type { OvertimeWait } from './request-overtime.js';

/** What a request asks for: pages that are absent. */
export const ASKS_PAGE = 0;
/** Leave to write pages that are there and not dirty: ZX_PAGER_VMO_DIRTY. */
export const ASKS_WRITE = 1;
/** ASKS_PAGE or ASKS_WRITE. */
export type RequestKind = typeof ASKS_PAGE | typeof ASKS_WRITE;

/** Life states of a request. */
const IDLE = 0;
const OVERLAPPED = 1;
const OUTSTANDING = 2;

/**
 * What one waiter wants of a page source: `count` pages from `position` on, or leave to write to them. Only requests of the same kind
 * meet each other.
 *
 * The life of a request:
 *  1. IDLE: made (`PageSource.request`), known to nobody. Dropping it costs nothing.
 *  2. A waiter blocks on it. If its first page lies in an OUTSTANDING request, it is OVERLAPPED: it hangs on that one and nothing
 *     is sent. Otherwise it is cut where the next outstanding request begins, becomes OUTSTANDING itself, and its range
 *     [start, end) goes to the provider.
 *  3. Pages are supplied (made dirty) or failed; `remaining` shrinks. Meanwhile the waiter is woken
 *     - with the failure, when the first page that it awaits fails (an OVERLAPPED one only in step 4);
 *     - with ZX_OK, when that page is supplied and the request is `early`: the waiter takes what is there, moves `position`
 *       on (`continueAt`) and blocks on the same request again.
 *  4. Nothing remains: the request and all that hang on it are woken and IDLE again. Who still lacks a page asks anew.
 *  5. Or its waiter gives up (kill, deadline, cancel): an OVERLAPPED one just leaves; of an OUTSTANDING one, the first that
 *     hangs on it takes over range and packet; when there is none, the provider takes back what it has not delivered.
 *
 * The range of an OUTSTANDING request belongs to the source, the rest to the waiter.
 */
export class PageRequest implements Blocker, OvertimeWait {
  readonly kind = 'pager';
  readonly deadline = Infinity;
  /** Who waits right now. */
  waiter: Waiter | null = null;

  waitingSince = 0;
  timerIndex = -1;
  timerDeadline = Infinity;
  timerOrder = 0;

  /** [start, end): the range sent, while OUTSTANDING. */
  start = 0;
  end = 0;
  /** Links of the provider's queue of requests that it has yet to deliver. */
  previousUnsent: PageRequest | null = null;
  nextUnsent: PageRequest | null = null;

  private state = IDLE;
  private staysOnWake = false;
  /** Status for an OVERLAPPED waiter whose first page failed. */
  private failure: Status = ZX_OK;
  /** Bounds of what remains of [start, end), as start, end, start, end; null: all of it. */
  private remaining: number[] | null = null;
  private host: PageRequest | null = null;
  /** Those that hang on this one, in the order in which they came. */
  private guests: Set<PageRequest> | null = null;

  /**
   * @param asks for what
   * @param position first page awaited
   * @param count pages wanted from there on
   * @param early wake whenever `position` is supplied, not only at the end
   * @param once who waits for it does not look at it any more once woken, so that it can be used for somebody else
   */
  constructor(
    readonly source: PageSource,
    public asks: RequestKind,
    public position: number,
    public count: number,
    readonly early: boolean,
    private readonly once = false,
  ) {}

  get isOutstanding(): boolean {
    return this.state === OUTSTANDING;
  }

  subscribe(waiter: Waiter): void {
    this.waiter = waiter;
    this.source.overtime?.begin(this);
    if (this.state === IDLE) this.source.issue(this);
  }

  unsubscribe(waiter: Waiter): void {
    if (this.waiter !== waiter) return;
    this.waiter = null;
    if (this.timerIndex >= 0) this.source.overtime?.end(this);
    if (!this.staysOnWake) this.cancel();
  }

  /** For the timer. */
  wake(): void {
    this.source.overtime?.fired(this);
  }

  timeOut(): void {
    this.waiter?.wake(ZX_ERR_TIMED_OUT);
  }

  describe(): string {
    const page = `page ${this.position} of VMO ${this.source.vmoKoid}`;
    return this.asks === ASKS_PAGE ? page : `leave to write ${page}`;
  }

  /**
   * The waiter has what it was woken for and now lacks `page`.
   *
   * @returns true: blocking on this request again waits for it; false: the request is over, make another
   */
  continueAt(page: number, count: number): boolean {
    if (this.state === OUTSTANDING && page >= this.start && page < this.end) {
      this.position = page;
      this.count = count;
      return true;
    }
    this.cancel();
    return false;
  }

  /** Nobody wants the pages any more, or the waiter asks anew. */
  cancel(): void {
    if (this.state === OVERLAPPED) {
      this.host?.guests?.delete(this);
      this.toIdle();
    } else if (this.state === OUTSTANDING) this.source.abandon(this);
  }

  /** For the source: it is sent to the provider. */
  becomeOutstanding(start: number, end: number): void {
    this.state = OUTSTANDING;
    this.start = start;
    this.end = end;
    this.remaining = null;
  }

  /** For the source: `guest` waits for what this request brings. */
  adopt(guest: PageRequest): void {
    guest.state = OVERLAPPED;
    guest.host = this;
    guest.failure = ZX_OK;
    this.guests ??= new Set();
    this.guests.add(guest);
  }

  /** For the source: takes [from, to) off what remains; true when nothing does. */
  resolve(from: number, to: number): boolean {
    if (from <= this.start && to >= this.end) return true;
    this.remaining ??= [this.start, this.end];
    const left: number[] = [];
    for (let index = 0; index < this.remaining.length; index += 2) {
      const start = this.remaining[index];
      const end = this.remaining[index + 1];
      if (start < from) left.push(start, Math.min(end, from));
      if (end > to) left.push(Math.max(start, to), end);
    }
    this.remaining = left;
    return left.length === 0;
  }

  /** For the source: tells those that hang on this request what became of [from, to). */
  informGuests(from: number, to: number, failure: Status): void {
    const { guests } = this;
    if (guests === null) return;
    for (const guest of guests) {
      if (guest.position < from || guest.position >= to) continue;
      guest.failure = failure;
      if (failure !== ZX_OK || !guest.early) continue;
      guests.delete(guest);
      guest.finish(ZX_OK);
    }
  }

  /** For the source: the request is over. */
  finish(status: Status): void {
    const { waiter, guests } = this;
    this.toIdle();
    waiter?.wake(status);
    if (guests !== null) for (const guest of guests) guest.finish(guest.failure);
    if (this.once) this.source.reuse(this);
  }

  /** For the source: wakes the waiter and stays outstanding. */
  wakeEarly(): void {
    this.staysOnWake = true;
    this.waiter?.wake(ZX_OK);
    this.staysOnWake = false;
  }

  /**
   * For the source: this request leaves its range to the first that hangs on it and has not failed.
   *
   * @returns the successor, which is OUTSTANDING; null: there is none, and all that hung on this one are over
   */
  handOver(): PageRequest | null {
    const { guests } = this;
    if (guests === null) return null;
    const successor = PageRequest.firstWithoutFailure(guests);
    if (successor === null) {
      this.guests = null;
      for (const guest of guests) guest.finish(guest.failure);
      return null;
    }
    guests.delete(successor);
    successor.host = null;
    successor.state = OUTSTANDING;
    successor.start = this.start;
    successor.end = this.end;
    successor.remaining = this.remaining;
    successor.guests = guests;
    for (const guest of guests) guest.host = successor;
    this.guests = null;
    return successor;
  }

  /** For the source: known to nobody any more; those that hung on it are the caller's business. */
  toIdle(): void {
    this.state = IDLE;
    this.failure = ZX_OK;
    this.remaining = null;
    this.host = null;
    this.guests = null;
  }

  private static firstWithoutFailure(requests: Iterable<PageRequest>): PageRequest | null {
    for (const request of requests) if (request.failure === ZX_OK) return request;
    return null;
  }
}
