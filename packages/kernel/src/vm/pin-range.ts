/** Pinning of a range of a VMO's pages, waiting for its pager where that is needed. */
import {
  ZX_ERR_OUT_OF_RANGE,
  ZX_ERR_SHOULD_WAIT,
  ZX_ERR_UNAVAILABLE,
  ZX_OK,
  type Status,
} from '../abi/status.js';
import type { Caller } from '../syscall/call.js';
import { PAUSE } from '../task/pause.js';
import type { Operation } from '../task/waiter.js';
import { LOOKUP_ABSENT } from './cow-lookup.js';
import type { PageRequest } from './page-request.js';
import { PinnedPages } from './pinned-pages.js';
import type { VmoDispatcher } from './vm-object.js';

const NEEDS_PAGE = 1;
const NEEDS_PAUSE = 2;
const PAGES_A_TURN = 4096;

/**
 * Makes pages of a VMO present, for writing dirty as well, and pins each as soon as it is. One that is pinned stays as it is while others are
 * waited for.
 */
export class PinRange {
  readonly pins: PinnedPages;
  private page: number;

  /** [page, page + count) lies in the VMO. */
  constructor(
    private readonly vmo: VmoDispatcher,
    private readonly write: boolean,
    page: number,
    private readonly count: number,
  ) {
    this.page = page;
    this.pins = new PinnedPages(vmo.cow);
  }

  /**
   * Pins the range, or nothing of it.
   *
   * @returns ZX_OK: `pins` is the caller's to release; ZX_ERR_OUT_OF_RANGE: the VMO shrank; ZX_ERR_SHOULD_WAIT; ZX_ERR_UNAVAILABLE: a page is pinned
   * too often, or too many are; ZX_ERR_NO_MEMORY; ZX_ERR_BAD_STATE: the pager is gone; what it failed a page with; or an operation
   */
  run(caller: Caller): Status | Operation {
    const { vmo, page, count, write } = this;
    const first = vmo.start + page;
    if (!caller.mayWaitForPager && vmo.cow.wouldWait(first, first + count, write ? 'write' : 'commit')) {
      this.pins.release();
      return ZX_ERR_SHOULD_WAIT;
    }
    const status = this.advance();
    return status <= 0 ? this.ended(status) : this.rest(caller, status);
  }

  private advance(): number {
    const { vmo, pins } = this;
    const { evictor } = vmo.core.vm;
    const end = this.page + this.count - pins.frames.length;
    for (let turn = 0; this.page < end; turn += 1) {
      if (this.page >= vmo.pages) return ZX_ERR_OUT_OF_RANGE;
      if (turn === PAGES_A_TURN) return NEEDS_PAUSE;
      evictor.makeRoom();
      const at = vmo.start + this.page;
      const frame = this.write ? vmo.cow.frameForWrite(at) : vmo.cow.frameForCommit(at);
      if (frame === LOOKUP_ABSENT) return NEEDS_PAGE;
      if (frame < 0) return frame;
      if (!pins.add(frame)) return ZX_ERR_UNAVAILABLE;
      this.page += 1;
    }
    return ZX_OK;
  }

  private *rest(caller: Caller, first: number): Operation {
    const { vmo } = this;
    let request: PageRequest | null = null;
    let done = false;
    vmo.retain();
    try {
      for (let reason = first; ; reason = this.advance()) {
        if (reason === NEEDS_PAUSE) yield PAUSE;
        else if (reason !== NEEDS_PAGE) {
          done = true;
          return this.ended(reason);
        } else {
          if (!caller.mayWaitForPager) return ZX_ERR_SHOULD_WAIT;
          const left = this.count - this.pins.frames.length;
          const most = Math.min(left, vmo.pages - this.page);
          request = vmo.cow.need(vmo.start + this.page, most, false, request);
          const status: Status = yield request;
          if (status !== ZX_OK) return status;
        }
      }
    } finally {
      request?.cancel();
      // Also when whoever waits is killed.
      if (!done) this.pins.release();
      vmo.release();
    }
  }

  private ended(status: Status): Status {
    if (status !== ZX_OK) this.pins.release();
    else if (this.write) this.vmo.cow.markModified();
    return status;
  }
}
