import { RangeList } from './range-list.js';

/** Zeros that the pager is to write back when it syncs: growth, and ranges zeroed by `zx_vmo_op_range`. */
export const ZEROS_DIRTY = 0;
/** Zeros past the stream size: never reported. */
export const ZEROS_UNTRACKED = 1;

/** How many zero ranges there are in all, and may be. */
export interface ZeroRangeBudget {
  used: number;
  readonly limit: number;
}

interface ZeroRange {
  start: number;
  end: number;
  kind: number;
  /** [start, begun) is being written back. */
  begun: number;
}

/** What one change can add at most: a range cut in two, with another between the parts. */
const MOST_ADDED = 2;

/** Whether one more change fits. */
export function hasZeroRangeRoom(budget: ZeroRangeBudget): boolean {
  return budget.used + MOST_ADDED <= budget.limit;
}

/**
 * The ranges of a pager's VMO that the kernel itself knows to be zero, without a frame and without a marker: disjoint, ascending,
 * neighbours of one kind merged. A page in a range has no entry in the page list.
 *
 * Of a dirty range a part from its start on may be in writeback: `begin` marks it, and `finish` takes it out, upon which
 * the pager is asked again. Cutting the range (a page of it is written, the VMO shrinks) leaves both parts what they were; new zeros before
 * it end its writeback, those after it do not.
 */
export class ZeroRanges {
  private readonly ranges = new RangeList<ZeroRange>(
    ({ start }) => start,
    ({ end }) => end,
  );
  /** Ranges of kind ZEROS_UNTRACKED, and a page before which there are none of them. */
  private untracked = 0;
  private untrackedFrom = Infinity;

  constructor(private readonly budget: ZeroRangeBudget) {}

  get isEmpty(): boolean {
    return this.ranges.size === 0;
  }

  /** Whether one more change fits; ask before `add`, `fill` and `remove` of less than everything. */
  get hasRoom(): boolean {
    return hasZeroRangeRoom(this.budget);
  }

  covers(page: number): boolean {
    const range = this.ranges.after(page);
    return range !== undefined && range.start <= page;
  }

  /** Start of the first range that reaches into [page, end), at least `page`; `end` when there is none. */
  next(page: number, end: number): number {
    const range = this.ranges.after(page);
    return range === undefined ? end : Math.min(Math.max(range.start, page), end);
  }

  /** End of the run of zeros that begins at `page`, at most `end`; `page` when it is not in a range. */
  endOf(page: number, end: number): number {
    let at = page;
    while (at < end) {
      const range = this.ranges.after(at);
      if (range === undefined || range.start > at) break;
      at = range.end;
    }
    return Math.min(at, end);
  }

  /** Makes [start, end) zeros of this kind; whatever was said of it before is forgotten. */
  add(start: number, end: number, kind: number): void {
    if (start >= end) return;
    this.remove(start, end);
    const { ranges } = this;
    // The first that ends at `start` or later; what follows `start` begins at `end` or later.
    const before = start === 0 ? undefined : ranges.after(start - 1);
    const after = ranges.after(start);
    const joinsBefore = before !== undefined && before.end === start && before.kind === kind;
    const joinsAfter = after !== undefined && after.start === end && after.kind === kind;
    if (joinsBefore) {
      const last = joinsAfter ? after.end : end;
      if (joinsAfter) this.drop(after);
      before.end = last;
    } else if (joinsAfter) {
      after.start = start;
      after.begun = start;
      if (kind === ZEROS_UNTRACKED) this.untrackedFrom = Math.min(this.untrackedFrom, start);
    } else this.insert({ start, end, kind, begun: start });
  }

  /** Makes zeros of this kind of what in [start, end) is in no range. */
  fill(start: number, end: number, kind: number): void {
    for (let at = this.endOf(start, end); at < end; at = this.endOf(at, end)) {
      const stop = this.next(at, end);
      this.add(at, stop, kind);
      at = stop;
    }
  }

  /** Untracked zeros before `end` are dirty from here on. */
  track(end: number): void {
    let at = this.untrackedFrom;
    while (this.untracked !== 0 && at < end) {
      const range = this.ranges.after(at);
      if (range === undefined || range.start >= end) break;
      at = range.end;
      if (range.kind === ZEROS_UNTRACKED) this.add(range.start, Math.min(range.end, end), ZEROS_DIRTY);
    }
    this.untrackedFrom = this.untracked === 0 ? Infinity : Math.max(this.untrackedFrom, end);
  }

  /** [start, end) is no longer known to be zero. */
  remove(start: number, end: number): void {
    if (start >= end) return;
    const { ranges } = this;
    for (let range = ranges.after(start); range !== undefined; range = ranges.after(start)) {
      if (range.start >= end) return;
      const { end: rangeEnd, kind, begun } = range;
      if (range.start < start) {
        cut(range, start);
        if (rangeEnd <= end) continue;
        this.insert({ start: end, end: rangeEnd, kind, begun: Math.max(begun, end) });
        return;
      }
      if (rangeEnd > end) {
        range.start = end;
        range.begun = Math.max(begun, end);
        return;
      }
      this.drop(range);
    }
  }

  /** The writeback of the dirty ranges in [start, end) begins; of those that begin before `start` it does not. */
  begin(start: number, end: number): void {
    const { ranges } = this;
    for (let range = ranges.after(start); range !== undefined; range = ranges.after(range.end)) {
      if (range.start >= end) return;
      if (range.kind !== ZEROS_DIRTY || range.start < start) continue;
      range.begun = Math.max(range.begun, Math.min(range.end, end));
    }
  }

  /**
   * The writeback of [start, end) has ended: what of the ranges that start there was in writeback is no longer known to be zero.
   *
   * @returns what was taken out, as start and end of each part
   */
  finish(start: number, end: number): readonly (readonly [number, number])[] {
    const ended: [number, number][] = [];
    const { ranges } = this;
    for (let at = start, range = ranges.after(at); range !== undefined; range = ranges.after(at)) {
      if (range.start >= end) break;
      at = range.end;
      const last = Math.min(range.begun, end);
      if (range.start < start || range.start >= last) continue;
      ended.push([range.start, last]);
      if (last === range.end) this.drop(range);
      else range.start = last;
    }
    return ended;
  }

  /** The first dirty range that reaches into [page, end), cut to it; null when there is none. */
  nextDirty(page: number, end: number): readonly [number, number] | null {
    const { ranges } = this;
    for (let range = ranges.after(page); range !== undefined; range = ranges.after(range.end)) {
      if (range.start >= end) return null;
      if (range.kind === ZEROS_DIRTY) return [Math.max(range.start, page), Math.min(range.end, end)];
    }
    return null;
  }

  /** The ranges as [start, end, kind]. */
  *entries(): IterableIterator<readonly [number, number, number]> {
    for (const { start, end, kind } of this.ranges) yield [start, end, kind];
  }

  private insert(range: ZeroRange): void {
    this.ranges.insert(range, range.start);
    this.budget.used += 1;
    if (range.kind !== ZEROS_UNTRACKED) return;
    this.untracked += 1;
    this.untrackedFrom = Math.min(this.untrackedFrom, range.start);
  }

  private drop(range: ZeroRange): void {
    this.ranges.remove(range, range.start);
    this.budget.used -= 1;
    if (range.kind === ZEROS_UNTRACKED) this.untracked -= 1;
  }
}

function cut(range: ZeroRange, end: number): void {
  range.end = end;
  range.begun = Math.min(range.begun, end);
}
