import { ZX_ERR_BAD_STATE, ZX_ERR_NO_MEMORY, ZX_OK, type Status } from '../abi/status.js';
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
import { PageList } from './page-list.js';
import { ASKS_PAGE, ASKS_WRITE, type PageRequest } from './page-request.js';
import type { PageSource } from './page-source.js';
import { NO_FRAME } from './physical-pages.js';
import type { VmSystem } from './vm-system.js';
import { ZEROS_UNTRACKED, ZeroRanges } from './zero-ranges.js';

/** A look-up found that the page reads as zero and that no frame stands for it. */
export const LOOKUP_ZERO = -1_000;
/** A look-up found that the pager has to be asked, for the page or for leave to write to it: `CowPages.need`. */
export const LOOKUP_ABSENT = -1_001;
/** What pages are wanted for. */
export type PageUse = 'read' | 'write' | 'commit';

/** Hears that what is mapped from a range of pages is no longer right. */
export interface PageViewer {
  /** Translations of [start, end) go away. */
  pagesChanged(start: number, end: number): void;
  /** Translations of [start, end) no longer let anybody write. */
  writesTrapped(start: number, end: number): void;
}

/**
 * The pages behind one or more VMOs: an own page list, and for clones what shows through from the parent.
 *
 * - An anonymous one has neither parent nor source: what is not in the list reads as zero.
 * - The root under a pager has a `source`: what is in neither list nor `zeros` is absent and has to be fetched.
 * - A clone has a `parent`: at page p < `parentLimit` without an entry of its own it shows the parent's page p + `parentOffset`,
 *   also when that changes later; from `parentLimit` on it reads as zero. The limit only ever shrinks: what a parent lost by
 *   shrinking stays lost, even if it grows again.
 *
 * Life: made with one reference (the VMO's); slices, references, and children hold further ones; with the last one the frames are freed,
 * the source is closed and the parent loses a reference.
 *
 * Look-ups return a frame (0 and up), LOOKUP_ZERO, LOOKUP_ABSENT, or a status (below 0, above LOOKUP_ZERO).
 */
export class CowPages {
  readonly list: PageList;
  /** Zeros that the kernel knows of, where something else would be seen otherwise; null for anonymous memory without a parent. */
  readonly zeros: ZeroRanges | null;
  /** What the pager has to write back; null without a source. */
  readonly tracking: DirtyTracking | null;
  readonly viewers = new Set<PageViewer>();

  private references = 1;
  private readonly children = new Set<CowPages>();
  /** What the last look-up found: whose page, where, and its entry (0: none). */
  private foundOwner: CowPages = this;
  private foundPage = 0;
  private foundEntry = 0;
  /** What the pager has to be asked for: `absent` pages, or leave to write `clean` ones, or to make pages of `zeros`. */
  private foundLacks: 'absent' | 'clean' | 'zeros' = 'absent';

  /**
   * @param pages size
   * @param source where absent pages come from; null for anonymous memory and clones
   */
  constructor(
    readonly vm: VmSystem,
    public pages: number,
    readonly source: PageSource | null = null,
    private readonly parent: CowPages | null = null,
    private readonly parentOffset = 0,
    private parentLimit = 0,
  ) {
    this.list = new PageList(vm.nodes, vm.physical, this);
    this.tracking = source === null ? null : new DirtyTracking(this, source);
    this.zeros = this.tracking?.zeros ?? (parent === null ? null : new ZeroRanges(vm.zeroRanges));
  }

  /** The source under this chain; null: all of it is anonymous. */
  get rootSource(): PageSource | null {
    let owner: CowPages = this;
    while (owner.parent !== null) owner = owner.parent;
    return owner.source;
  }

  get isClone(): boolean {
    return this.parent !== null;
  }

  get hasChildren(): boolean {
    return this.children.size !== 0;
  }

  addReference(): void {
    this.references += 1;
  }

  removeReference(): void {
    // Up a chain of any length without recursion.
    for (let pages: CowPages | null = this; pages !== null;) {
      pages.references -= 1;
      if (pages.references !== 0) return;
      pages.discard(0, Infinity);
      pages.source?.close();
      const above: CowPages | null = pages.parent;
      above?.children.delete(pages);
      pages = above;
    }
  }

  /**
   * A clone of [offset, offset + pages), which may reach past the end. It hangs on the nearest ancestor that has pages or zeros of its own
   * in that range, so that chains of unmodified clones stay short.
   *
   * @param visibleEnd where what it can see of this one ends: the end of a slice, else of all
   */
  clone(offset: number, pages: number, visibleEnd = this.pages): CowPages {
    let parent: CowPages = this;
    let at = offset;
    let limit = Math.max(0, Math.min(pages, visibleEnd - offset));
    while (parent.parent !== null && !parent.hasOwn(at, at + limit)) {
      limit = Math.max(0, Math.min(limit, parent.parentLimit - at));
      at += parent.parentOffset;
      parent = parent.parent;
    }
    const child = new CowPages(this.vm, pages, null, parent, at, limit);
    parent.children.add(child);
    parent.references += 1;
    return child;
  }

  /** Whether anything of [start, end) is this one's own and hides what is below: pages, or zeros. */
  private hasOwn(start: number, end: number): boolean {
    return this.list.next(start, end) !== end || (this.zeros !== null && this.zeros.next(start, end) !== end);
  }

  /** Copies what anonymous memory has in [offset, offset + pages) into these, still empty pages. */
  copyFrom(from: CowPages, offset: number, pages: number): Status {
    const end = offset + pages;
    for (let page = from.list.next(offset, end); page < end; page = from.list.next(page + 1, end)) {
      const made = this.makeOwn(page - offset, from.find(page), PAGE_UNTRACKED);
      if (made < 0) return made;
    }
    return ZX_OK;
  }

  /** What a read of the page sees. */
  find(page: number): number {
    let owner: CowPages = this;
    let at = page;
    for (;;) {
      const entry = owner.list.get(at);
      if (entry !== 0) {
        this.foundOwner = owner;
        this.foundPage = at;
        this.foundEntry = entry;
        return isFrame(entry) ? frameOf(entry) : LOOKUP_ZERO;
      }
      if (owner.parent === null || at >= owner.parentLimit || (owner.zeros as ZeroRanges).covers(at)) break;
      at += owner.parentOffset;
      owner = owner.parent;
    }
    this.foundOwner = owner;
    this.foundPage = at;
    this.foundEntry = 0;
    if (owner.source === null || (owner.zeros as ZeroRanges).covers(at)) return LOOKUP_ZERO;
    this.foundLacks = 'absent';
    return owner.source.isAttached ? LOOKUP_ABSENT : ZX_ERR_BAD_STATE;
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
    let owner: CowPages = this;
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

  /** Takes a page out for another list: the frame (the caller's from here on), or NO_FRAME when none stands for it. Only of anonymous memory. */
  takeFrame(page: number): number {
    const found = this.find(page);
    if (found < 0) return NO_FRAME;
    if (this.foundOwner === this && this.children.size === 0) {
      this.changed(page, page + 1);
      // Under a clone's own page lies the parent's, which must not come to light.
      this.list.remove(page);
      this.zeros?.add(page, page + 1, ZEROS_UNTRACKED);
      return found;
    }
    const frame = this.vm.physical.allocate();
    if (frame === NO_FRAME) return frame;
    this.vm.physical.ram.copy(frame, found);
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

  /** Frames in [start, end) that must stay where they are. */
  anyHeld(start: number, end: number): boolean {
    const { list } = this;
    for (let page = list.next(start, end); page < end; page = list.next(page + 1, end)) {
      const entry = list.get(page);
      if (isFrame(entry) && this.vm.physical.isHeld(frameOf(entry))) return true;
    }
    return false;
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
    if (this.zeros?.hasRoom === false) return ZX_ERR_NO_MEMORY;
    this.changed(start, end);
    this.discard(start, end);
    this.zeros?.add(start, Math.min(end, this.parentLimit), ZEROS_UNTRACKED);
    return end;
  }

  /** Changes the size. What is cut off is gone, also for the children; what is new reads as zero. */
  resize(pages: number): void {
    const before = this.pages;
    this.pages = pages;
    if (pages > before) {
      this.tracking?.grown(before, pages);
      return;
    }
    this.changed(pages, before);
    this.discard(pages, before);
    for (const child of this.children) {
      child.parentLimit = Math.min(child.parentLimit, Math.max(0, pages - child.parentOffset));
    }
    this.tracking?.shrunk(before, pages);
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

  /** The next write to a page of a pager's [start, end) is to be heard of: clones never write to it. */
  writesTrapped(start: number, end: number): void {
    for (const viewer of this.viewers) viewer.writesTrapped(start, end);
  }

  /** Translations of [start, end) are wrong now, here and wherever these pages show through. */
  changed(start: number, end: number): void {
    for (const viewer of this.viewers) viewer.pagesChanged(start, end);
    if (this.children.size === 0) return;
    const below: [CowPages, number, number][] = [];
    const descend = (pages: CowPages, from: number, to: number): void => {
      for (const child of pages.children) {
        const first = Math.max(from - child.parentOffset, 0);
        const last = Math.min(to - child.parentOffset, child.parentLimit);
        if (first < last) below.push([child, first, last]);
      }
    };
    descend(this, start, end);
    for (let next = below.pop(); next !== undefined; next = below.pop()) {
      const [pages, from, to] = next;
      for (const viewer of pages.viewers) viewer.pagesChanged(from, to);
      descend(pages, from, to);
    }
  }

  /** A frame of its own for a page: a copy of `found`, or zeros. */
  private makeOwn(page: number, found: number, flags: number): number {
    const { physical, counters } = this.vm;
    if (this.zeros?.hasRoom === false && this.zeros.covers(page)) return ZX_ERR_NO_MEMORY;
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

  private discard(start: number, end: number): void {
    this.list.removeRange(start, end, (_page, entry) => this.freeFrame(entry));
    this.zeros?.remove(start, end);
  }

  private freeFrame(entry: number): void {
    if (isFrame(entry)) this.vm.physical.free(frameOf(entry));
  }
}
