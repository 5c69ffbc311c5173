/** Operations on ranges of a VMO's pages, for `zx_vmo_op_range`, `zx_vmar_op_range` and changes of size. Pages are the VMO's own numbers. */
import { PAGE_SIZE } from '@faultline/mmu-emu';
import { ZX_ERR_OUT_OF_RANGE, ZX_ERR_SHOULD_WAIT, ZX_OK, type Status } from '../abi/status.js';
import type { Caller } from '../syscall/call.js';
import { PAUSE } from '../task/pause.js';
import type { Operation } from '../task/waiter.js';
import { LOOKUP_ABSENT, LOOKUP_ZERO } from './cow-lookup.js';
import type { PageRequest } from './page-request.js';
import type { VmoDispatcher } from './vm-object.js';

const PAGES_A_TURN = 4096;

/**
 * What a walk does with a page:
 * `commit` gives the VMO a frame of its own for it; `fetch` makes sure that it is there; `hint` does, but for whom it is no
 * failure if it is not.
 */
export type WalkKind = 'commit' | 'fetch' | 'hint';

/** Pages [page, end), which lie in the VMO. */
export interface PageSpan {
  readonly vmo: VmoDispatcher;
  readonly page: number;
  readonly end: number;
}

/**
 * Walks over pages, fetching what is absent: one request for each run. What is cut off meanwhile is left out.
 *
 * @returns ZX_OK; ZX_ERR_SHOULD_WAIT, and nothing was done; ZX_ERR_BAD_STATE; ZX_ERR_NO_MEMORY; what the pager failed a page with; or an operation
 */
export function walkPages(caller: Caller, kind: WalkKind, span: PageSpan): Status | Operation {
  if (isAtOnce(caller, span.vmo)) {
    if (kind === 'commit') return commitAtOnce(caller, [span]);
    const { vmo, page, end } = span;
    // A hint is no reason to fail; what is there stays there.
    if (vmo.cow.wouldWait(vmo.start + page, vmo.start + end, 'read'))
      return kind === 'hint' ? ZX_OK : ZX_ERR_SHOULD_WAIT;
  }
  const walk = new PageWalk(span, kind, false);
  const status = walk.advance();
  return status <= 0 ? status : walk.rest(caller);
}

/**
 * Whether a call is all or nothing: its caller may not wait for the pager, and pages that are there could be evicted as it goes. Then all room is made before the first effect, and
 * nobody has a turn in between.
 */
export function isAtOnce(caller: Caller, vmo: VmoDispatcher): boolean {
  return !caller.mayWaitForPager && vmo.cow.rootSource?.isAttached === true;
}

/**
 * Commits all of several ranges, or nothing because a pager would have to be waited for.
 *
 * @returns ZX_OK; ZX_ERR_SHOULD_WAIT, and nothing was done; ZX_ERR_BAD_STATE, ZX_ERR_NO_MEMORY: what precedes may have been committed
 */
export function commitAtOnce(caller: Caller, spans: readonly PageSpan[]): Status {
  const { evictor, physical } = caller.core.vm;
  let missing = 0;
  for (const { vmo, page, end } of spans)
    missing += end - page - vmo.cow.list.countFrames(vmo.start + page, vmo.start + end);
  if (missing > 0) evictor.makeRoomFor(Math.min(missing, physical.frameCount));
  // What went may have been pages that are wanted.
  for (const { vmo, page, end } of spans)
    if (vmo.cow.wouldWait(vmo.start + page, vmo.start + end, 'commit')) return ZX_ERR_SHOULD_WAIT;
  for (const span of spans) {
    const status = new PageWalk(span, 'commit', true).advance();
    if (status !== ZX_OK) return status;
  }
  return ZX_OK;
}

const NEEDS_PAGE = 1;
const NEEDS_PAUSE = 2;

class PageWalk {
  private readonly vmo: VmoDispatcher;
  private page: number;
  private readonly end: number;

  /** @param atOnce room has been made, and nobody else has a turn: it ends after as many pages as there are frames */
  constructor(
    span: PageSpan,
    private readonly kind: WalkKind,
    private readonly atOnce: boolean,
  ) {
    this.vmo = span.vmo;
    this.page = span.page;
    this.end = span.end;
  }

  advance(): number {
    const { vmo, kind } = this;
    const { cow, start } = vmo;
    let turn = 0;
    for (; this.page < this.stop; turn += 1) {
      if (!this.atOnce) {
        if (turn === PAGES_A_TURN) return NEEDS_PAUSE;
        if (kind === 'commit') vmo.core.vm.evictor.makeRoom();
      }
      const at = start + this.page;
      const frame = kind === 'commit' ? cow.frameForCommit(at) : cow.find(at);
      if (frame === LOOKUP_ABSENT) return NEEDS_PAGE;
      if (frame < 0 && frame !== LOOKUP_ZERO && kind !== 'hint') return frame;
      // Whoever only looks can pass a whole run of the same.
      const run = kind === 'commit' ? 1 : cow.runFrom(at, start + this.stop);
      if (kind === 'hint') cow.markAlwaysNeed(at, at + run);
      this.page += run;
    }
    return ZX_OK;
  }

  *rest(caller: Caller): Operation {
    const { vmo, kind } = this;
    let request: PageRequest | null = null;
    vmo.retain();
    try {
      for (let reason = this.advance(); ; reason = this.advance()) {
        if (reason === NEEDS_PAUSE) yield PAUSE;
        else if (reason !== NEEDS_PAGE) return reason;
        else if (!caller.mayWaitForPager) return kind === 'hint' ? ZX_OK : ZX_ERR_SHOULD_WAIT;
        else {
          request = vmo.cow.need(vmo.start + this.page, this.stop - this.page, false, request);
          const status: Status = yield request;
          if (status === ZX_OK) continue;
          if (kind !== 'hint') return status;
          this.page += 1;
        }
      }
    } finally {
      request?.cancel();
      vmo.release();
    }
  }

  private get stop(): number {
    return Math.min(this.end, this.vmo.pages);
  }
}

/**
 * Makes [from, to) of one page zero, byte positions in it. A page that reads as zero already is left alone.
 *
 * @returns ZX_OK; ZX_ERR_SHOULD_WAIT; ZX_ERR_OUT_OF_RANGE: the page is no longer in the VMO; as `walkPages` otherwise
 */
export function zeroBytes(
  caller: Caller,
  vmo: VmoDispatcher,
  page: number,
  from: number,
  to: number,
): Status | Operation {
  caller.core.vm.evictor.makeRoom();
  return zeroPart(caller, vmo, page, from, to);
}

function zeroPart(
  caller: Caller,
  vmo: VmoDispatcher,
  page: number,
  from: number,
  to: number,
): Status | Operation {
  const status = tryZeroBytes(caller, vmo, page, from, to);
  return status <= 0 ? status : waitZeroBytes(caller, vmo, page, from, to);
}

function tryZeroBytes(caller: Caller, vmo: VmoDispatcher, page: number, from: number, to: number): number {
  if (page >= vmo.pages) return ZX_ERR_OUT_OF_RANGE;
  const { cow } = vmo;
  if (!isAtOnce(caller, vmo)) caller.core.vm.evictor.makeRoom();
  if (cow.find(vmo.start + page) === LOOKUP_ZERO) return ZX_OK;
  const frame = cow.frameForWrite(vmo.start + page);
  if (frame === LOOKUP_ABSENT) return NEEDS_PAGE;
  if (frame < 0) return frame;
  caller.core.vm.physical.ram.writable(frame).fill(0, from, to);
  cow.markModified();
  return ZX_OK;
}

function* waitZeroBytes(
  caller: Caller,
  vmo: VmoDispatcher,
  page: number,
  from: number,
  to: number,
): Operation {
  if (!caller.mayWaitForPager) return ZX_ERR_SHOULD_WAIT;
  let request: PageRequest | null = null;
  vmo.retain();
  try {
    for (;;) {
      const outcome = tryZeroBytes(caller, vmo, page, from, to);
      if (outcome <= 0) return outcome;
      request = vmo.cow.need(vmo.start + page, 1, false, request);
      const status: Status = yield request;
      if (status !== ZX_OK) return status;
    }
  } finally {
    request?.cancel();
    vmo.release();
  }
}

/**
 * Zeroes bytes [offset of page, length bytes on), which lie in the VMO: whole pages without touching them, the rest as writes do.
 *
 * @returns ZX_OK; ZX_ERR_SHOULD_WAIT, and nothing was done; ZX_ERR_OUT_OF_RANGE: the VMO shrank meanwhile; as `walkPages` otherwise
 */
export function zeroRange(
  caller: Caller,
  vmo: VmoDispatcher,
  page: number,
  offset: number,
  length: Span,
): Status | Operation {
  if (length.pages === 0 && length.rest === 0) return ZX_OK;
  const plan = planZero(page, offset, length);
  const { cow, start } = vmo;
  if (isAtOnce(caller, vmo)) {
    if (plan.partial.length !== 0) caller.core.vm.evictor.makeRoomFor(plan.partial.length);
    for (const part of plan.partial) {
      const at = start + part.page;
      if (cow.find(at) !== LOOKUP_ZERO && cow.wouldWait(at, at + 1, 'write')) return ZX_ERR_SHOULD_WAIT;
    }
    if (cow.tracking?.asksBeforeZero(start + plan.first, start + plan.last) === true)
      return ZX_ERR_SHOULD_WAIT;
  }
  if (plan.partial.length === 0) {
    const stop = cow.zeroPages(start + plan.first, start + plan.last);
    if (stop < 0) return stop;
    if (stop === start + plan.last) return ZX_OK;
    return zeroInOrder(caller, vmo, { ...plan, first: stop - start });
  }
  return zeroInOrder(caller, vmo, plan);
}

/** A length in bytes as whole pages and the bytes beyond them, so that it can be up to 2^64. */
export interface Span {
  readonly pages: number;
  readonly rest: number;
}

interface ZeroPlan {
  readonly partial: readonly { readonly page: number; readonly from: number; readonly to: number }[];
  /** Whole pages: [first, last). */
  readonly first: number;
  readonly last: number;
}

function planZero(page: number, offset: number, length: Span): ZeroPlan {
  const tail = offset + length.rest;
  const endPage = page + length.pages + Math.floor(tail / PAGE_SIZE);
  const endOffset = tail % PAGE_SIZE;
  if (endPage === page) return { partial: [{ page, from: offset, to: endOffset }], first: page, last: page };
  const partial: { page: number; from: number; to: number }[] = [];
  if (offset !== 0) partial.push({ page, from: offset, to: PAGE_SIZE });
  if (endOffset !== 0) partial.push({ page: endPage, from: 0, to: endOffset });
  return { partial, first: page + (offset === 0 ? 0 : 1), last: endPage };
}

function* zeroInOrder(caller: Caller, vmo: VmoDispatcher, plan: ZeroPlan): Operation {
  vmo.retain();
  try {
    let whole = plan.first === plan.last;
    for (const { page, from, to } of plan.partial) {
      if (page >= plan.last && !whole) {
        whole = true;
        const status = yield* zeroWhole(caller, vmo, plan.first, plan.last);
        if (status !== ZX_OK) return status;
      }
      const part = zeroPart(caller, vmo, page, from, to);
      const status = typeof part === 'number' ? part : yield* part;
      if (status !== ZX_OK) return status;
    }
    return whole ? ZX_OK : yield* zeroWhole(caller, vmo, plan.first, plan.last);
  } finally {
    vmo.release();
  }
}

/** Pages whose frame has to stay are zeroed where they are, as a write does. */
function* zeroWhole(caller: Caller, vmo: VmoDispatcher, first: number, last: number): Operation {
  for (let page = first; page < last; page += 1) {
    if (last > vmo.pages) return ZX_ERR_OUT_OF_RANGE;
    const stop = vmo.cow.zeroPages(vmo.start + page, vmo.start + last);
    if (stop < 0) return stop;
    page = stop - vmo.start;
    if (page === last) break;
    const part = zeroPart(caller, vmo, page, 0, PAGE_SIZE);
    const status = typeof part === 'number' ? part : yield* part;
    if (status !== ZX_OK) return status;
  }
  return ZX_OK;
}
