import {
  ZX_ERR_BAD_STATE,
  ZX_ERR_NOT_FOUND,
  ZX_ERR_NOT_SUPPORTED,
  ZX_ERR_NO_MEMORY,
  ZX_OK,
  type Status,
} from '../abi/status.js';
import { CowNode } from './cow-node.js';
import { DirtyTracking } from './dirty-tracking.js';
import {
  PAGE_ALWAYS_NEED,
  PAGE_CLEAN,
  PAGE_DIRTY,
  PAGE_UNTRACKED,
  dirtyState,
  frameEntry,
  frameOf,
  isFrame,
  withDirtyState,
} from './page-entry.js';
import { ASKS_PAGE, ASKS_WRITE, type PageRequest } from './page-request.js';
import type { PageSource } from './page-source.js';
import { NO_FRAME } from './physical-pages.js';
import type { VmoDispatcher } from './vm-object.js';
import type { VmSystem } from './vm-system.js';
import { ZEROS_UNTRACKED, ZeroRanges, hasZeroRangeRoom } from './zero-ranges.js';

/** A look-up found that the page reads as zero and that no frame stands for it. */
export const LOOKUP_ZERO = -1_000;
/** A look-up found that the pager has to be asked, for the page or for leave to write to it: `CowPages.need`. */
export const LOOKUP_ABSENT = -1_001;
/** What pages are wanted for. */
export type PageUse = 'read' | 'write' | 'commit';

/** Kinds of clones. */
export type CloneKind = 'follow' | 'snapshot';

/**
 * The pages behind one or more VMOs, and how they are read and written: a node of a tree (`CowNode`) that is visible until its last VMO goes.
 *
 * - An anonymous one has neither parent nor source: what is not in the list reads as zero.
 * - The root under a pager has a `source`: what is in neither list nor `zeros` is absent and has to be fetched.
 * - A clone has a `parent`, which shows through where it has no content of its own. A clone that follows (`SNAPSHOT_AT_LEAST_ON_WRITE` under a pager) hangs on a
 *   visible node and sees what becomes of its pages; a snapshot hangs on a hidden node, of which nothing ever changes.
 *
 * Life: made with one reference (the VMO's); slices and references hold further ones; with the last one it ends, or becomes hidden while it
 * has children.
 *
 * Look-ups return a frame (0 and up), LOOKUP_ZERO, LOOKUP_ABSENT, or a status (below 0, above LOOKUP_ZERO).
 */
export class CowPages extends CowNode {
  /** What the pager has to write back; null without a source. */
  readonly tracking: DirtyTracking | null;
  override references = 1;
  /** The VMOs that show these pages, in the order in which they came. */
  readonly shownBy = new Set<VmoDispatcher>();
  /** Some VMO that shows these pages can change their number. */
  canResize = false;

  /** What the last look-up found: whose page, where, and its entry (0: none). */
  private foundOwner: CowNode = this;
  private foundPage = 0;
  private foundEntry = 0;
  /** What the pager has to be asked for: `absent` pages, or leave to write `clean` ones, or to make pages of `zeros`. */
  private foundLacks: 'absent' | 'clean' | 'zeros' = 'absent';

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

  addReference(): void {
    this.references += 1;
  }

  removeReference(): void {
    this.references -= 1;
    if (this.references === 0) this.unreferenced();
  }

  /**
   * Whether a clone can be made, through a VMO that shows all of this or through a slice.
   *
   * @returns ZX_OK; ZX_ERR_NOT_SUPPORTED: only the pages of a node right below a pager's own, or below a hidden node, can be snapshotted, if nobody
   * follows them, and not through a slice; ZX_ERR_BAD_STATE: pages are pinned
   */
  canSnapshot(throughSlice: boolean): Status {
    if (this.source !== null || throughSlice || this.children.size !== 0) return ZX_ERR_NOT_SUPPORTED;
    if (this.parent instanceof CowPages && this.parent.source === null) return ZX_ERR_NOT_SUPPORTED;
    return this.holds === 0 ? ZX_OK : ZX_ERR_BAD_STATE;
  }

  /** It has been snapshotted, or is a snapshot, so that its pages can be shared with others in this way only. */
  get isSnapshotted(): boolean {
    return this.parent !== null && !(this.parent instanceof CowPages);
  }

  /**
   * A clone of [offset, offset + pages), which may reach past the end. It costs the same whatever is resident.
   *
   * One that follows hangs on the nearest ancestor that has content in that range, so that chains of unmodified clones stay short. A
   * snapshot hangs on a hidden node: one that is there already, when this node has written nothing in the range since.
   *
   * @param kind `snapshot` only if `canSnapshot`
   * @param visibleEnd where what it can see of this one ends: the end of a slice, else of all
   */
  clone(kind: CloneKind, offset: number, pages: number, visibleEnd = this.pages): CowPages {
    let parent: CowNode = this;
    let at = offset;
    let limit = Math.max(0, Math.min(pages, visibleEnd - offset));
    if (kind === 'snapshot' && (!this.isSnapshotted || this.hasOwn(at, at + limit))) this.hide();
    while (parent.parent !== null && !parent.hasOwn(at, at + limit)) {
      // What is above the hidden nodes can change.
      if (kind === 'snapshot' && parent.parent instanceof CowPages) break;
      limit = Math.max(0, Math.min(limit, parent.parentLimit - at));
      at += parent.parentOffset;
      parent = parent.parent;
    }
    const child = new CowPages(this.vm, pages, null, this.rootSource);
    child.attach(parent, at, limit);
    return child;
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

  /** What the last look-up found is there, but the pager has to be asked before it is used so. */
  private lacksLeave(pages: 'clean' | 'zeros'): number {
    this.foundLacks = pages;
    return this.source?.isAttached === true ? LOOKUP_ABSENT : ZX_ERR_BAD_STATE;
  }

  /** The contents were changed by a write, of which the pager's statistics tell. */
  markModified(): void {
    if (this.tracking !== null) this.tracking.modified = true;
  }

  /** After `find` returned a frame: it may be written without asking here again. */
  get foundIsWritable(): boolean {
    if (this.foundOwner !== this) return false;
    return this.source === null || dirtyState(this.foundEntry) === PAGE_DIRTY;
  }

  /**
   * The frame to write a page to, which is this list's own from here on: copied from the parent's, made from zeros. Marks it dirty.
   *
   * @returns a frame, LOOKUP_ABSENT, ZX_ERR_BAD_STATE (to be asked for, but the pager is gone) or ZX_ERR_NO_MEMORY
   */
  frameForWrite(page: number): number {
    const found = this.find(page);
    if (found < 0 && found !== LOOKUP_ZERO) return found;
    if (this.tracking?.asksBeforeWrite(this.foundEntry) === true) return this.lacksLeave('clean');
    if (found >= 0 && this.foundOwner === this) {
      if (this.source !== null && dirtyState(this.foundEntry) !== PAGE_DIRTY) {
        this.list.update(page, withDirtyState(this.foundEntry, PAGE_DIRTY));
      }
      return found;
    }
    return this.makeOwn(page, found, this.source === null ? PAGE_UNTRACKED : PAGE_DIRTY);
  }

  /** The frame of a committed page: as `frameForWrite`, but what was clean stays clean. */
  frameForCommit(page: number): number {
    const found = this.find(page);
    if (found < 0 && found !== LOOKUP_ZERO) return found;
    if (found >= 0 && this.foundOwner === this) return found;
    if (this.tracking === null) return this.makeOwn(page, found, PAGE_UNTRACKED);
    if (this.foundEntry !== 0) return this.makeOwn(page, found, PAGE_CLEAN);
    // The page is dirty without a page, and stays dirty with one.
    if (this.tracking.asksBeforeWrite(0)) return this.lacksLeave('zeros');
    return this.makeOwn(page, found, PAGE_DIRTY);
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

  /** Takes a page out for another list: the frame (the caller's from here on), or NO_FRAME when none stands for it, or none is free to copy it to. Only of anonymous memory. */
  takeFrame(page: number): number {
    if (this.find(page) < 0 || (this.parent !== null && !hasZeroRangeRoom(this.vm.zeroRanges)))
      return NO_FRAME;
    const frame = this.frameForWrite(page);
    if (frame < 0) return NO_FRAME;
    this.changed(page, page + 1);
    this.list.remove(page);
    this.hideParent(page, page + 1);
    return frame;
  }

  /** Remembers, at the pages of the pager's VMO that show through in [start, end), that eviction is to spare them. */
  markAlwaysNeed(start: number, end: number): void {
    for (let page = start; page < end; page += 1) {
      const frame = this.find(page);
      if (frame < 0) page += this.runFrom(page, end) - 1;
      else if (this.foundOwner.source !== null) {
        this.foundOwner.list.update(this.foundPage, this.foundEntry | PAGE_ALWAYS_NEED);
      }
    }
  }

  /** Lets the pages of the pager's VMO that show through in [start, end) be the first to be evicted, unless they are used again. */
  markDontNeed(start: number, end: number): void {
    for (let page = start; page < end; page += 1) {
      const frame = this.find(page);
      if (frame < 0) page += this.runFrom(page, end) - 1;
      else if (this.foundOwner.source !== null) {
        this.foundOwner.takeAccessed(this.foundPage);
        this.vm.queues.dontNeed(frame);
      }
    }
  }

  /** Frames in [start, end) that must stay where they are. */
  anyHeld(start: number, end: number): boolean {
    return this.holds !== 0 && this.firstHeld(start, end) < end;
  }

  private firstHeld(start: number, end: number): number {
    const { list } = this;
    for (let page = list.next(start, end); page < end; page = list.next(page + 1, end)) {
      const entry = list.get(page);
      if (isFrame(entry) && this.vm.physical.isHeld(frameOf(entry))) return page;
    }
    return end;
  }

  /** Gives the frames of [start, end) back: anonymous memory reads as zero there. */
  decommit(start: number, end: number): void {
    this.changed(start, end);
    this.discard(start, end);
  }

  /**
   * Makes whole pages read as zero without touching them; never waits.
   *
   * @returns `end`; or a page at which it stopped, because its frame has to stay where it is; or ZX_ERR_NO_MEMORY
   */
  zeroPages(start: number, end: number): number {
    if (this.tracking !== null) return this.tracking.zeroPages(start, end);
    if (this.parent !== null && !hasZeroRangeRoom(this.vm.zeroRanges)) return ZX_ERR_NO_MEMORY;
    this.vm.shares.clear();
    const stop = this.holds === 0 ? end : this.firstHeld(start, end);
    this.changed(start, stop);
    this.discard(start, stop);
    const last = Math.min(stop, this.parentLimit);
    this.hideParent(start, last);
    this.parent?.unseen(start + this.parentOffset, last + this.parentOffset, this);
    return stop;
  }

  /** Changes the size. What is cut off is gone, also for the children; what is new reads as zero. */
  resize(pages: number): void {
    const before = this.pages;
    this.pages = pages;
    if (pages > before) {
      this.tracking?.resized(before, pages);
      return;
    }
    this.changed(pages, before);
    this.discard(pages, before);
    this.shrinkChildren(pages);
    this.vm.shares.clear();
    this.shrinkLimit(pages);
    this.tracking?.resized(before, pages);
  }

  /**
   * The stream size changes from `before` to `after` pages (rounded up): what lies past the smaller of them is gone.
   */
  moveStreamEnd(before: number, after: number): void {
    if (this.tracking === null) this.zeroPages(Math.min(before, after), this.pages);
    else this.tracking.moveStreamEnd(before, after);
  }

  /** Puts a frame that is the caller's in the place of whatever a page of anonymous memory was; ZX_OK, or ZX_ERR_NO_MEMORY (the frame stays the caller's). */
  replace(page: number, frame: number): Status {
    const zeroed = this.zeroPages(page, page + 1);
    if (zeroed < 0) return zeroed;
    if (!this.list.set(page, frameEntry(frame, PAGE_UNTRACKED))) return ZX_ERR_NO_MEMORY;
    this.zeros?.remove(page, page + 1);
    return ZX_OK;
  }

  /** A frame of its own for a page: what the last look-up found, if nobody else sees it; a copy of that, or zeros. */
  private makeOwn(page: number, found: number, flags: number): number {
    const { physical, counters } = this.vm;
    if (this.zeros?.hasRoom === false && this.zeros.covers(page)) return ZX_ERR_NO_MEMORY;
    if (this.parent !== null) this.vm.shares.clear();
    if (found >= 0 && this.foundOwner.isHidden && !this.foundOwner.isSeen(this.foundPage, this)) {
      return this.takeOver(page) ? found : ZX_ERR_NO_MEMORY;
    }
    const frame = physical.allocate();
    if (frame === NO_FRAME) return ZX_ERR_NO_MEMORY;
    if (found >= 0) {
      physical.ram.copy(frame, found);
      counters.pagesCopied += 1;
    } else physical.ram.zero(frame);
    if (!this.list.set(page, frameEntry(frame, flags))) {
      physical.free(frame);
      return ZX_ERR_NO_MEMORY;
    }
    this.zeros?.remove(page, page + 1);
    this.changed(page, page + 1);
    return frame;
  }

  /** Moves the frame that the last look-up found to this list; what is mapped stays right. False when there are no nodes for that. */
  private takeOver(page: number): boolean {
    const { foundOwner, foundPage } = this;
    const entry = foundOwner.list.remove(foundPage);
    if (this.list.set(page, entry)) return true;
    // The node that was freed by taking it out is there to put it back.
    foundOwner.list.set(foundPage, entry);
    return false;
  }

  /** Zeros that hide what the parent has in [start, end). */
  private hideParent(start: number, end: number): void {
    const last = Math.min(end, this.parentLimit);
    if (this.parent === null || start >= last) return;
    this.zeros ??= new ZeroRanges(this.vm.zeroRanges);
    this.zeros.add(start, last, ZEROS_UNTRACKED);
  }
}
