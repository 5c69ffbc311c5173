import {
  ZX_ERR_BAD_STATE,
  ZX_ERR_NOT_SUPPORTED,
  ZX_ERR_NO_MEMORY,
  ZX_OK,
  type Status,
} from '../abi/status.js';
import { CowLookup, LOOKUP_ZERO } from './cow-lookup.js';
import type { CowNode } from './cow-node.js';
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
import { NO_FRAME } from './physical-pages.js';
import type { VmoDispatcher } from './vm-object.js';
import { ZEROS_UNTRACKED, ZeroRanges, hasZeroRangeRoom } from './zero-ranges.js';

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
 */
export class CowPages extends CowLookup {
  override references = 1;
  /** The VMOs that show these pages, in the order in which they came. */
  readonly shownBy = new Set<VmoDispatcher>();
  /** Some VMO that shows these pages can change their number. */
  canResize = false;

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

  /** The contents were changed by a write, of which the pager's statistics tell. */
  markModified(): void {
    if (this.tracking !== null) this.tracking.modified = true;
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
