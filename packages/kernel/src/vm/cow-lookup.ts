import { ZX_ERR_BAD_STATE, ZX_ERR_NOT_FOUND } from '../abi/status.js';
import { CowNode } from './cow-node.js';
import { DirtyTracking } from './dirty-tracking.js';
import { PAGE_DIRTY, dirtyState, frameOf, isFrame } from './page-entry.js';
import { ASKS_PAGE, ASKS_WRITE, type PageRequest } from './page-request.js';
import type { PageSource } from './page-source.js';
import type { VmSystem } from './vm-system.js';

/** A look-up found that the page reads as zero and that no frame stands for it. */
export const LOOKUP_ZERO = -1_000;
/** A look-up found that the pager has to be asked, for the page or for leave to write to it: `CowPages.need`. */
export const LOOKUP_ABSENT = -1_001;
/** What pages are wanted for. */
export type PageUse = 'read' | 'write' | 'commit';

/**
 * What a visible node shows at each of its pages, found through the tree, and the request for what is lacking. Nothing here changes a page.
 *
 * Look-ups return a frame (0 and up), LOOKUP_ZERO, LOOKUP_ABSENT, or a status (below 0, above LOOKUP_ZERO). What the last one found is remembered until the next.
 */
export abstract class CowLookup extends CowNode {
  /** What the pager has to write back; null without a source. */
  readonly tracking: DirtyTracking | null;

  /** What the last look-up found: whose page, where, and its entry (0: none). */
  protected foundOwner: CowNode = this;
  protected foundPage = 0;
  protected foundEntry = 0;
  /** What the pager has to be asked for: `absent` pages, or leave to write `clean` ones, or to make pages of `zeros`. */
  protected foundLacks: 'absent' | 'clean' | 'zeros' = 'absent';

  /**
   * @param pages size
   * @param source where absent pages come from; null for anonymous memory and clones
   * @param rootSource the source at the top of the tree that this will be part of
   */
  constructor(
    vm: VmSystem,
    pages: number,
    source: PageSource | null = null,
    rootSource: PageSource | null = source,
  ) {
    super(vm, pages, source, rootSource);
    this.tracking = source === null ? null : new DirtyTracking(this, source);
    this.zeros = this.tracking?.zeros ?? null;
  }

  /** What a read of the page sees. */
  find(page: number): number {
    let owner: CowNode = this;
    let at = page;
    for (;;) {
      const entry = owner.list.get(at);
      if (entry !== 0) {
        this.foundOwner = owner;
        this.foundPage = at;
        this.foundEntry = entry;
        return isFrame(entry) ? frameOf(entry) : LOOKUP_ZERO;
      }
      if (owner.parent === null || at >= owner.parentLimit) break;
      if (owner.zeros !== null && owner.zeros.covers(at)) break;
      at += owner.parentOffset;
      owner = owner.parent;
    }
    this.foundOwner = owner;
    this.foundPage = at;
    this.foundEntry = 0;
    if (owner.source === null) return owner.isDiscarded ? ZX_ERR_NOT_FOUND : LOOKUP_ZERO;
    if (owner.zeros !== null && owner.zeros.covers(at)) return LOOKUP_ZERO;
    this.foundLacks = 'absent';
    return owner.source.isAttached ? LOOKUP_ABSENT : ZX_ERR_BAD_STATE;
  }

  /** After `find` returned `frame`: of how many pages from `page` on, `most` at most, the frames are adjacent to it. */
  adjacentFrames(page: number, frame: number, most: number): number {
    let frames = 1;
    if (this.foundOwner !== this) {
      while (frames < most && this.find(page + frames) === frame + frames) frames += 1;
      return frames;
    }
    const { list } = this;
    for (; frames < most; frames += 1) {
      const entry = list.get(page + frames);
      if (!isFrame(entry) || frameOf(entry) !== frame + frames) break;
    }
    return frames;
  }

  /** After `find` returned a frame: it may be written without asking here again. */
  get foundIsWritable(): boolean {
    if (this.foundOwner !== this) return false;
    return this.source === null || dirtyState(this.foundEntry) === PAGE_DIRTY;
  }

  /** What the last look-up found is there, but the pager has to be asked before it is used so. */
  protected lacksLeave(pages: 'clean' | 'zeros'): number {
    this.foundLacks = pages;
    return this.source?.isAttached === true ? LOOKUP_ABSENT : ZX_ERR_BAD_STATE;
  }

  /**
   * The request for what the last `find` (or `frameFor...`) found lacking: the page, or leave to write to it; and for what lacks the
   * same after it.
   *
   * @param count pages wanted at most
   * @param early whether to be woken as soon as the first page is there
   * @param previous the request that the caller waited on before, which is used on if it covers the page
   */
  need(page: number, count: number, early: boolean, previous: PageRequest | null = null): PageRequest {
    const source = this.foundOwner.source as PageSource;
    const at = this.foundPage;
    const asks = this.foundLacks === 'absent' ? ASKS_PAGE : ASKS_WRITE;
    const run = count === 1 ? 1 : this.lackingRun(page, page + count);
    if (previous?.asks === asks && previous.continueAt(at, run)) return previous;
    previous?.cancel();
    return source.request(asks, at, run, early);
  }

  /** The request of a fault for what the last `find` (or `frameFor...`) found lacking. */
  needOne(): PageRequest {
    const source = this.foundOwner.source as PageSource;
    return source.requestOne(this.foundLacks === 'absent' ? ASKS_PAGE : ASKS_WRITE, this.foundPage);
  }

  /** As far as the same is lacking as at `page`. */
  private lackingRun(page: number, end: number): number {
    const { tracking } = this;
    if (tracking === null || this.foundLacks === 'absent') return this.runFrom(page, end);
    return this.foundLacks === 'clean'
      ? tracking.cleanRun(page, end)
      : tracking.zeros.endOf(page, end) - page;
  }

  /**
   * Pages from `page` on, up to `end`, of which the same can be said: in the list of the same owner, zeros of the same kind, absent.
   * At least 1.
   */
  runFrom(page: number, end: number): number {
    let owner: CowNode = this;
    let at = page;
    let run = end - page;
    for (;;) {
      const { list, zeros } = owner;
      const next = list.next(at, at + run);
      if (next === at) return list.nextAbsent(at, at + run) - at;
      run = next - at;
      if (zeros !== null) {
        if (zeros.covers(at)) return zeros.endOf(at, at + run) - at;
        run = zeros.next(at, at + run) - at;
      }
      if (owner.parent === null || at >= owner.parentLimit) return run;
      run = Math.min(run, owner.parentLimit - at);
      at += owner.parentOffset;
      owner = owner.parent;
    }
  }

  /** Whether a pager that is there would have to be asked for anything in [start, end). */
  wouldWait(start: number, end: number, use: PageUse): boolean {
    const source = this.rootSource;
    if (source === null || !source.isAttached) return false;
    const trapped = use !== 'read' && source.trapsWrites ? this.tracking : null;
    for (let page = start; page < end;) {
      if (this.find(page) === LOOKUP_ABSENT) return true;
      if (trapped === null || use === 'commit') {
        if (trapped !== null && this.foundEntry === 0) return true;
        page += this.runFrom(page, end);
        continue;
      }
      if (trapped.asksBeforeWrite(this.foundEntry)) return true;
      page += 1;
    }
    return false;
  }

  /** Every run of frames that is seen in [start, end): in whose list it is, its first page there, and its length. */
  eachRun(start: number, end: number, each: (owner: CowNode, page: number, count: number) => void): void {
    for (let page = start; page < end;) {
      this.find(page);
      const run = this.runFrom(page, end);
      if (this.foundEntry !== 0) {
        // Zeros that were supplied are entries as well.
        const { foundOwner, foundPage } = this;
        for (let at = foundPage, stop = foundPage + run; at < stop;) {
          let frames = 0;
          while (at + frames < stop && isFrame(foundOwner.list.get(at + frames))) frames += 1;
          if (frames !== 0) each(foundOwner, at, frames);
          at += frames + 1;
        }
      }
      page += run;
    }
  }
}
