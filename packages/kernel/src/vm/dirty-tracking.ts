import { ZX_ERR_NO_MEMORY, ZX_OK } from '../abi/status.js';
import { PAGE_CLEAN, dirtyState, frameOf, isFrame, withDirtyState } from './page-entry.js';
import type { PageList } from './page-list.js';
import type { PageSource } from './page-source.js';
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
}

/**
 * What is known of the pages of a pager's own VMO: which of them the pager has to write back, and which are zeros that
 * the kernel itself knows of.
 */
export class DirtyTracking {
  /** Zeros without a frame: those to be written back, and those past the stream size. */
  readonly zeros = new ZeroRanges();
  /** Made by writes through system calls and mappings, by resizing and zeroing: `zx_pager_query_vmo_stats`. */
  modified = false;

  constructor(
    private readonly of: TrackedPages,
    private readonly source: PageSource,
  ) {}

  /**
   * A page supplied by the pager: it is clean. Not taken when there is content already.
   *
   * @param entry of kind frame (which is the list's from here on, if taken) or zero
   * @returns ZX_OK: taken; SUPPLY_UNWANTED; ZX_ERR_NO_MEMORY
   */
  supply(page: number, entry: number): number {
    const { list } = this.of;
    if (list.get(page) !== 0 || this.zeros.covers(page)) return SUPPLY_UNWANTED;
    return list.set(page, withDirtyState(entry, isFrame(entry) ? PAGE_CLEAN : 0)) ? ZX_OK : ZX_ERR_NO_MEMORY;
  }

  /** The VMO has grown: what is new are zeros, to be written back. */
  grown(before: number, after: number): void {
    this.modified = true;
    this.zeros.add(before, after, ZEROS_DIRTY);
  }

  /** The VMO has shrunk, and the pages that it lost are gone: whoever waits for them looks again. */
  shrunk(before: number, after: number): void {
    this.modified = true;
    this.source.resolveAll(after, before, ZX_OK);
  }

  /** Makes whole pages read as zero without touching them; never waits. */
  zeroPages(start: number, end: number): void {
    const { list, vm } = this.of;
    for (let page = start; page < end;) {
      const stop = list.next(page, end);
      this.zeros.add(page, stop, ZEROS_DIRTY);
      if (stop === end) break;
      // Zeros that were supplied stay what they are: clean.
      if (isFrame(list.get(stop))) {
        this.of.changed(stop, stop + 1);
        vm.physical.free(frameOf(list.remove(stop)));
        this.zeros.add(stop, stop + 1, ZEROS_DIRTY);
      }
      page = stop + 1;
    }
    this.modified = true;
    this.source.pagesArrived(start, end);
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
      if (isFrame(entry) && dirtyState(entry) !== PAGE_CLEAN) continue;
      list.remove(page);
      if (isFrame(entry)) vm.physical.free(frameOf(entry));
    }
  }

  private discard(start: number, end: number): void {
    const { list, vm } = this.of;
    list.removeRange(start, end, (_page, entry) => {
      if (isFrame(entry)) vm.physical.free(frameOf(entry));
    });
    this.zeros.remove(start, end);
  }
}
