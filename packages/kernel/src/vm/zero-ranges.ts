/** Zeros that the pager is to write back when it syncs: growth, and ranges zeroed by `zx_vmo_op_range`. */
export const ZEROS_DIRTY = 0;
/** Zeros past the stream size: never reported. */
export const ZEROS_UNTRACKED = 1;

interface ZeroRange {
  start: number;
  end: number;
  kind: number;
}

/**
 * The ranges of a pager's VMO that the kernel itself knows to be zero, without a frame and without a marker: disjoint, ascending,
 * neighbours of one kind merged. A page in a range has no entry in the page list.
 */
export class ZeroRanges {
  private readonly ranges: ZeroRange[] = [];

  get isEmpty(): boolean {
    return this.ranges.length === 0;
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
      if (joinsAfter) this.ranges.splice(index, 1);
    } else if (joinsAfter) after.start = start;
    else this.ranges.splice(index, 0, { start, end, kind });
  }

  /** [start, end) is no longer known to be zero. */
  remove(start: number, end: number): void {
    if (start >= end) return;
    const first = this.firstEndingAfter(start);
    let index = first;
    while (index < this.ranges.length) {
      const range = this.ranges[index];
      if (range.start >= end) break;
      if (range.start < start && range.end > end) {
        this.ranges.splice(index + 1, 0, { start: end, end: range.end, kind: range.kind });
        range.end = start;
        return;
      }
      if (range.start < start) {
        range.end = start;
        index += 1;
      } else if (range.end > end) {
        range.start = end;
        return;
      } else this.ranges.splice(index, 1);
    }
  }

  /** The ranges as [start, end, kind]. */
  *entries(): IterableIterator<readonly [number, number, number]> {
    for (const { start, end, kind } of this.ranges) yield [start, end, kind];
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
