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
  private readonly ranges: ZeroRange[] = [];

  constructor(private readonly budget: ZeroRangeBudget) {}

  get isEmpty(): boolean {
    return this.ranges.length === 0;
  }

  /** Whether one more change fits; ask before `add`, `fill` and `remove` of less than everything. */
  get hasRoom(): boolean {
    return hasZeroRangeRoom(this.budget);
  }

  covers(page: number): boolean {
    const range = this.ranges[this.firstEndingAfter(page)];
    return range !== undefined && range.start <= page;
  }

  /** Start of the first range that reaches into [page, end), at least `page`; `end` when there is none. */
  next(page: number, end: number): number {
    const range = this.ranges[this.firstEndingAfter(page)];
    return range === undefined ? end : Math.min(Math.max(range.start, page), end);
  }

  /** End of the run of zeros that begins at `page`, at most `end`; `page` when it is not in a range. */
  endOf(page: number, end: number): number {
    let at = page;
    for (let index = this.firstEndingAfter(page); index < this.ranges.length; index += 1) {
      const range = this.ranges[index];
      if (range.start > at) break;
      at = range.end;
    }
    return Math.min(at, end);
  }

  /** Makes [start, end) zeros of this kind; whatever was said of it before is forgotten. */
  add(start: number, end: number, kind: number): void {
    if (start >= end) return;
    this.remove(start, end);
    const index = this.firstEndingAfter(start);
    const before = this.ranges[index - 1];
    const after = this.ranges[index];
    const joinsBefore = before !== undefined && before.end === start && before.kind === kind;
    const joinsAfter = after !== undefined && after.start === end && after.kind === kind;
    if (joinsBefore) {
      before.end = joinsAfter ? after.end : end;
      if (joinsAfter) this.drop(index);
    } else if (joinsAfter) {
      after.start = start;
      after.begun = start;
    } else this.insert(index, { start, end, kind, begun: start });
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
    const untracked = this.ranges.filter(({ start, kind }) => kind === ZEROS_UNTRACKED && start < end);
    for (const range of untracked) this.add(range.start, Math.min(range.end, end), ZEROS_DIRTY);
  }

  /** [start, end) is no longer known to be zero. */
  remove(start: number, end: number): void {
    if (start >= end) return;
    let index = this.firstEndingAfter(start);
    while (index < this.ranges.length) {
      const range = this.ranges[index];
      if (range.start >= end) break;
      if (range.start < start && range.end > end) {
        this.insert(index + 1, {
          start: end,
          end: range.end,
          kind: range.kind,
          begun: Math.max(range.begun, end),
        });
        cut(range, start);
        return;
      }
      if (range.start < start) {
        cut(range, start);
        index += 1;
      } else if (range.end > end) {
        range.start = end;
        range.begun = Math.max(range.begun, end);
        return;
      } else this.drop(index);
    }
  }

  /** The writeback of the dirty ranges in [start, end) begins; of those that begin before `start` it does not. */
  begin(start: number, end: number): void {
    for (let index = this.firstEndingAfter(start); index < this.ranges.length; index += 1) {
      const range = this.ranges[index];
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
    for (let index = this.firstEndingAfter(start); index < this.ranges.length;) {
      const range = this.ranges[index];
      if (range.start >= end) break;
      const last = Math.min(range.begun, end);
      if (range.start < start || range.start >= last) {
        index += 1;
        continue;
      }
      ended.push([range.start, last]);
      if (last === range.end) this.drop(index);
      else {
        range.start = last;
        index += 1;
      }
    }
    return ended;
  }

  /** The first dirty range that reaches into [page, end), cut to it; null when there is none. */
  nextDirty(page: number, end: number): readonly [number, number] | null {
    for (let index = this.firstEndingAfter(page); index < this.ranges.length; index += 1) {
      const range = this.ranges[index];
      if (range.start >= end) return null;
      if (range.kind === ZEROS_DIRTY) return [Math.max(range.start, page), Math.min(range.end, end)];
    }
    return null;
  }

  /** The ranges as [start, end, kind]. */
  *entries(): IterableIterator<readonly [number, number, number]> {
    for (const { start, end, kind } of this.ranges) yield [start, end, kind];
  }

  private insert(index: number, range: ZeroRange): void {
    this.ranges.splice(index, 0, range);
    this.budget.used += 1;
  }

  private drop(index: number): void {
    this.ranges.splice(index, 1);
    this.budget.used -= 1;
  }

  /** Index of the first range whose end is after `page`. */
  private firstEndingAfter(page: number): number {
    let low = 0;
    let high = this.ranges.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.ranges[middle].end > page) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

function cut(range: ZeroRange, end: number): void {
  range.end = end;
  range.begun = Math.min(range.begun, end);
}
