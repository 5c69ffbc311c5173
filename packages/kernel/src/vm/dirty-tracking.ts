import { ZX_ERR_NOT_FOUND, ZX_ERR_NO_MEMORY, ZX_OK, type Status } from '../abi/status.js';
import {
  PAGE_AWAITING_CLEAN,
  PAGE_CLEAN,
  PAGE_DIRTY,
  dirtyState,
  frameEntry,
  frameOf,
  isFrame,
  withDirtyState,
} from './page-entry.js';
import type { PageList } from './page-list.js';
import type { PageSource } from './page-source.js';
import { NO_FRAME } from './physical-pages.js';
import type { VmSystem } from './vm-system.js';
import { ZEROS_DIRTY, ZEROS_UNTRACKED, ZeroRanges } from './zero-ranges.js';

/** A page that was supplied is there already. */
export const SUPPLY_UNWANTED = 1;

/** The pages that are tracked: a `CowPages` with a source. */
export interface TrackedPages {
  readonly vm: VmSystem;
  readonly list: PageList;
  readonly pages: number;
  /** Translations of [start, end) are wrong now, here and wherever these pages show through. */
  changed(start: number, end: number): void;
  /** The next write to a page of [start, end) is to be heard of. */
  writesTrapped(start: number, end: number): void;
}

/** Pages [start, end) that the pager has to write back; `zeros`: they have no pages. */
export interface DirtyRange {
  readonly start: number;
  readonly end: number;
  readonly zeros: boolean;
}

/**
 * What is known of the pages of a pager's own VMO: which of them the pager has to write back, and which are zeros that
 * the kernel itself knows of.
 *
 * The life of a page:
 *  1. Absent: in neither list nor `zeros`. It is asked for, and supplied: CLEAN, or a zero marker, which is clean and has no frame.
 *  2. A write makes it DIRTY. Where writes are trapped, the pager is asked first, and makes it DIRTY itself (ZX_PAGER_OP_DIRTY).
 *  3. Writeback begins: AWAITING_CLEAN, and no mapping may write to it any more. A write makes it DIRTY again.
 *  4. Writeback ends: what is AWAITING_CLEAN still is CLEAN.
 * Zeros begin as growth or by zeroing, dirty; a write makes a DIRTY page of one; with the end of their writeback they are absent. Those past the
 * stream size are never reported.
 *
 * @see Zircon `zx_pager_op_range`, `zx_pager_query_dirty_ranges`
 */
export class DirtyTracking {
  /** Zeros without a frame: those to be written back, and those past the stream size. */
  readonly zeros: ZeroRanges;
  /** Made by writes through system calls and mappings, by resizing and zeroing: `zx_pager_query_vmo_stats`. */
  modified = false;
  /** Written-back zeros that may still be mapped lie in [staleStart, staleEnd). */
  private staleStart = Infinity;
  private staleEnd = 0;

  constructor(
    private readonly of: TrackedPages,
    private readonly source: PageSource,
  ) {
    this.zeros = new ZeroRanges(of.vm.zeroRanges);
  }

  /** Whether the pager has to be asked before a page is written whose entry this is, 0 for zeros without one. */
  asksBeforeWrite(entry: number): boolean {
    return this.source.trapsWrites && !(isFrame(entry) && dirtyState(entry) === PAGE_DIRTY);
  }

  /** Pages from `page` on, up to `end`, that are there and to be asked for before they are written. */
  cleanRun(page: number, end: number): number {
    const { list } = this.of;
    let at = page;
    while (at < end) {
      const entry = list.get(at);
      if (entry === 0) {
        const zerosEnd = this.zeros.endOf(at, end);
        if (zerosEnd === at) break;
        at = zerosEnd;
      } else if (this.asksBeforeWrite(entry)) at += 1;
      else break;
    }
    return at - page;
  }

  /**
   * A page supplied by the pager: it is clean. Not taken when there is content already.
   *
   * @param entry of kind frame (which is the list's from here on, if taken) or zero
   * @returns ZX_OK: taken; SUPPLY_UNWANTED; ZX_ERR_NO_MEMORY
   */
  supply(page: number, entry: number): number {
    const { list } = this.of;
    if (list.get(page) !== 0 || this.zeros.covers(page)) return SUPPLY_UNWANTED;
    if (!list.set(page, withDirtyState(entry, isFrame(entry) ? PAGE_CLEAN : 0))) return ZX_ERR_NO_MEMORY;
    if (page >= this.staleStart && page < this.staleEnd) this.of.changed(page, page + 1);
    return ZX_OK;
  }

  /**
   * ZX_PAGER_OP_DIRTY: the pages of [start, end) are dirty from here on; zeros get pages. Those who wait for leave to write look again, also
   * when this fails.
   *
   * @returns ZX_OK; ZX_ERR_NOT_FOUND: a page is absent, nothing was done; ZX_ERR_NO_MEMORY: a part may have been done
   */
  makeDirty(start: number, end: number): Status {
    const { evictor, physical } = this.of.vm;
    let missing = this.framesMissing(start, end);
    if (missing > physical.freeCount && missing < physical.frameCount) {
      evictor.makeRoomFor(missing);
      // What went may have been clean pages of this range.
      missing = this.framesMissing(start, end);
    }
    let status: Status = ZX_OK;
    if (missing < 0) status = ZX_ERR_NOT_FOUND;
    else if (missing > physical.freeCount) status = ZX_ERR_NO_MEMORY;
    else status = this.dirtyAll(start, end);
    this.source.writesAllowed(start, end);
    return status;
  }

  /**
   * ZX_PAGER_OP_WRITEBACK_BEGIN of [start, end). Pages that devices may write to stay dirty.
   *
   * @param zerosOnly pages stay as they are
   */
  writebackBegin(start: number, end: number, zerosOnly: boolean): void {
    if (!zerosOnly) this.cleanPages(start, end);
    this.zeros.begin(start, end);
  }

  /** ZX_PAGER_OP_WRITEBACK_END of [start, end): what was in writeback, and was not written to since, is clean; such zeros are absent. */
  writebackEnd(start: number, end: number): void {
    const { list } = this.of;
    for (let page = list.next(start, end); page < end; page = list.next(page + 1, end)) {
      const entry = list.get(page);
      if (isFrame(entry) && dirtyState(entry) === PAGE_AWAITING_CLEAN)
        list.update(page, withDirtyState(entry, PAGE_CLEAN));
    }
    // Whoever has mapped the zeros goes on seeing them, until the pager says what is there.
    for (const [first, last] of this.zeros.finish(start, end)) {
      this.staleStart = Math.min(this.staleStart, first);
      this.staleEnd = Math.max(this.staleEnd, last);
    }
  }

  /** What of [start, end) has to be written back, ascending; neighbours are joined, but not pages with zeros. */
  *dirtyRanges(start: number, end: number): IterableIterator<DirtyRange> {
    let page = -1;
    for (let at = start; at < end;) {
      if (page < at) page = this.nextDirtyPage(at, end);
      const zeros = this.zeros.nextDirty(at, page);
      if (zeros !== null) {
        const [first, last] = zeros;
        yield { start: first, end: last, zeros: true };
        at = last;
      } else {
        if (page === end) return;
        let last = page + 1;
        while (last < end && isDirty(this.of.list.get(last))) last += 1;
        yield { start: page, end: last, zeros: false };
        at = last;
      }
    }
  }

  /**
   * The VMO has another size, which is its stream size as well, and the pages that it lost are gone. What is new, and what was past
   * the stream, are zeros to be written back; whoever waits for what is lost looks again.
   */
  resized(before: number, after: number): void {
    this.modified = true;
    this.zeros.track(after);
    if (after > before) this.zeros.add(before, after, ZEROS_DIRTY);
    else this.source.resolveAll(after, before, ZX_OK);
  }

  /** Whether zeroing [start, end) has to ask the pager: where a page has to stay in its frame, that is a write. */
  asksBeforeZero(start: number, end: number): boolean {
    const { list, vm } = this.of;
    if (!this.source.trapsWrites || !this.source.isAttached) return false;
    for (let page = list.next(start, end); page < end; page = list.next(page + 1, end)) {
      const entry = list.get(page);
      if (isFrame(entry) && vm.physical.isHeld(frameOf(entry)) && this.asksBeforeWrite(entry)) return true;
    }
    return false;
  }

  /**
   * Makes whole pages read as zero without touching them; never waits. Zeros stay what they are, also those that were supplied: clean.
   *
   * @returns `end`; or a page at which it stopped, because its frame has to stay where it is; or ZX_ERR_NO_MEMORY
   */
  zeroPages(start: number, end: number): number {
    const { list, vm } = this.of;
    let page = start;
    let status: Status = ZX_OK;
    for (; page < end; page += 1) {
      if (!this.zeros.hasRoom) {
        status = ZX_ERR_NO_MEMORY;
        break;
      }
      const stop = list.next(page, end);
      this.zeros.fill(page, stop, ZEROS_DIRTY);
      page = stop;
      if (page === end) break;
      const entry = list.get(page);
      if (!isFrame(entry)) continue;
      if (vm.physical.isHeld(frameOf(entry))) break;
      this.of.changed(page, page + 1);
      vm.physical.free(frameOf(list.remove(page)));
      this.zeros.add(page, page + 1, ZEROS_DIRTY);
    }
    this.modified = true;
    this.source.pagesArrived(start, page);
    return status === ZX_OK ? page : status;
  }

  /**
   * The stream size changes from `before` to `after` pages (rounded up): what lies past the smaller of them is gone. What the stream
   * gains are zeros to be written back, what lies past it zeros that nobody is told of.
   */
  moveStreamEnd(before: number, after: number): void {
    const { pages } = this.of;
    const from = Math.min(before, after);
    this.modified = true;
    this.of.changed(from, pages);
    this.discard(from, pages);
    this.zeros.add(before, after, ZEROS_DIRTY);
    this.zeros.add(after, pages, ZEROS_UNTRACKED);
    this.source.pagesArrived(from, pages);
  }

  /** At creation: what lies past the stream size, `after` pages, are zeros that nobody is told of. */
  endStream(after: number): void {
    this.zeros.add(after, this.of.pages, ZEROS_UNTRACKED);
  }

  /** The pager is gone for good: what is clean is dropped, what is not stays, and is mapped again when touched. */
  dropClean(): void {
    const { list, vm } = this.of;
    this.of.changed(0, this.of.pages);
    for (let page = list.next(0, Infinity); page !== Infinity; page = list.next(page + 1, Infinity)) {
      const entry = list.get(page);
      // What is pinned stays for as long as it is.
      if (isDirty(entry) || (isFrame(entry) && vm.physical.isHeld(frameOf(entry)))) continue;
      list.remove(page);
      if (isFrame(entry)) vm.physical.free(frameOf(entry));
    }
  }

  /** Frames that [start, end) lacks, when every page is there, in a list or as zeros; -1 when one is not. */
  private framesMissing(start: number, end: number): number {
    const { list } = this.of;
    let missing = 0;
    for (let page = start; page < end; page += 1) {
      const next = list.next(page, end);
      if (this.zeros.endOf(page, next) < next) return -1;
      missing += next - page;
      page = next;
      if (page < end && !isFrame(list.get(page))) missing += 1;
    }
    return missing;
  }

  private dirtyAll(start: number, end: number): Status {
    const { list } = this.of;
    for (let page = start; page < end; page += 1) {
      const entry = list.get(page);
      if (isFrame(entry)) {
        if (dirtyState(entry) !== PAGE_DIRTY) list.update(page, withDirtyState(entry, PAGE_DIRTY));
        continue;
      }
      const status = this.putZeros(page);
      if (status !== ZX_OK) return status;
    }
    return ZX_OK;
  }

  /** A dirty page instead of a zero marker or of a page in `zeros`. */
  private putZeros(page: number): Status {
    const { list, vm } = this.of;
    if (!this.zeros.hasRoom && this.zeros.covers(page)) return ZX_ERR_NO_MEMORY;
    const frame = vm.physical.allocateZeroed();
    if (frame === NO_FRAME) return ZX_ERR_NO_MEMORY;
    if (!list.set(page, frameEntry(frame, PAGE_DIRTY))) {
      vm.physical.free(frame);
      return ZX_ERR_NO_MEMORY;
    }
    this.zeros.remove(page, page + 1);
    this.of.changed(page, page + 1);
    return ZX_OK;
  }

  private cleanPages(start: number, end: number): void {
    const { list, vm } = this.of;
    let first = -1;
    let last = -1;
    for (let page = list.next(start, end); page < end; page = list.next(page + 1, end)) {
      const entry = list.get(page);
      if (!isFrame(entry) || dirtyState(entry) !== PAGE_DIRTY || vm.physical.isHeld(frameOf(entry))) continue;
      list.update(page, withDirtyState(entry, PAGE_AWAITING_CLEAN));
      if (first < 0) first = page;
      last = page;
    }
    if (first >= 0) this.of.writesTrapped(first, last + 1);
  }

  private nextDirtyPage(from: number, end: number): number {
    const { list } = this.of;
    let page = list.next(from, end);
    while (page < end && !isDirty(list.get(page))) page = list.next(page + 1, end);
    return page;
  }

  private discard(start: number, end: number): void {
    const { list, vm } = this.of;
    list.removeRange(start, end, (_page, entry) => {
      if (isFrame(entry)) vm.physical.free(frameOf(entry));
    });
    this.zeros.remove(start, end);
  }
}

/** Whether the pager has yet to write back the page of an entry. */
function isDirty(entry: number): boolean {
  return isFrame(entry) && dirtyState(entry) !== PAGE_CLEAN;
}
