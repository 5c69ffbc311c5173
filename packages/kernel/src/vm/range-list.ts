/** Items in a chunk at most. */
const MOST = 64;
/** It has to be looked for. */
const UNKNOWN = -1;

/**
 * Items that stand for ranges [start, end), disjoint, not empty, and ascending: found, put in and taken out in the logarithm of their number, and a gap between them in a 64th of it.
 *
 * They lie in chunks of up to 64. An item may change its ends while it is in the list, as long as the order stays as it is; between two items, only
 * the list itself makes room or takes it (`insert`, `remove`), or what is cut off one item is put in as another at once.
 */
export class RangeList<T> {
  /** Never empty ones, but for the first when there are no items. */
  private readonly chunks: T[][] = [[]];
  /** The longest gap before an item of a chunk, by chunk; or UNKNOWN. */
  private readonly gaps: number[] = [UNKNOWN];
  private count = 0;

  /** @param startOf the start of an item's range, and `endOf` its end */
  constructor(
    private readonly startOf: (item: T) => number,
    private readonly endOf: (item: T) => number,
  ) {}

  get size(): number {
    return this.count;
  }

  /** The first item whose end is after `position`. */
  after(position: number): T | undefined {
    const { chunks } = this;
    if (this.count === 0) return undefined;
    const chunk = chunks[chunks.length === 1 ? 0 : this.chunkOf(position)];
    return chunk[this.indexIn(chunk, position)];
  }

  /** Puts an item in; `start` is that of its range. */
  insert(item: T, start: number): void {
    const { chunks } = this;
    const at = chunks.length === 1 ? 0 : this.chunkOf(start);
    const chunk = chunks[at];
    const index = this.indexIn(chunk, start);
    if (index === chunk.length) chunk.push(item);
    else chunk.splice(index, 0, item);
    this.count += 1;
    if (chunk.length > MOST) {
      // Where items come in ascending order, chunks stay full.
      const ascends = index === MOST && at + 1 === chunks.length;
      chunks.splice(at + 1, 0, chunk.splice(ascends ? MOST : MOST >>> 1));
      this.gaps.splice(at + 1, 0, UNKNOWN);
      this.changed(at + 1);
    }
    this.changed(at);
  }

  /** Takes an item out; `start` is that of its range. */
  remove(item: T, start: number): void {
    const { chunks } = this;
    const at = chunks.length === 1 ? 0 : this.chunkOf(start);
    const chunk = chunks[at];
    const index = this.indexIn(chunk, start);
    if (chunk[index] !== item) throw new Error('the item is not in the list, or not where it should be');
    if (index === chunk.length - 1) chunk.pop();
    else chunk.splice(index, 1);
    this.count -= 1;
    this.changed(at);
    if (chunk.length !== 0 || chunks.length === 1) return;
    chunks.splice(at, 1);
    this.gaps.splice(at, 1);
  }

  /** Puts `other`, for the same range, in the place of an item; `start` is that of the range. */
  replace(item: T, other: T, start: number): void {
    const chunk = this.chunks[this.chunkOf(start)];
    const index = this.indexIn(chunk, start);
    if (chunk[index] !== item) throw new Error('the item is not in the list, or not where it should be');
    chunk[index] = other;
  }

  /**
   * The first position from `from` on, a multiple of `align`, where `length` fits before `end` and touches no item. A chunk without such a
   * gap is passed as a whole.
   *
   * @returns -1: nowhere
   */
  firstGap(from: number, end: number, length: number, align: number): number {
    const { chunks, gaps } = this;
    const roundUp = (position: number): number => Math.ceil(position / align) * align;
    if (this.count === 0) return roundUp(from) + length <= end ? roundUp(from) : -1;
    const first = this.chunkOf(from);
    for (let index = first; index < chunks.length; index += 1) {
      if (gaps[index] !== UNKNOWN && gaps[index] < length) continue;
      if (this.longestGap(index) < length) continue;
      // Of the first chunk, the gap before it may begin anywhere.
      let at = roundUp(index === 0 ? from : Math.max(from, this.lastEnd(index - 1)));
      for (const item of chunks[index]) {
        if (at + length <= this.startOf(item)) return at + length <= end ? at : -1;
        at = Math.max(at, roundUp(this.endOf(item)));
      }
    }
    const at = roundUp(Math.max(from, this.lastEnd(chunks.length - 1)));
    return at + length <= end ? at : -1;
  }

  private lastEnd(index: number): number {
    const chunk = this.chunks[index];
    return this.endOf(chunk[chunk.length - 1]);
  }

  private longestGap(index: number): number {
    const known = this.gaps[index];
    if (known !== UNKNOWN) return known;
    let longest = 0;
    let end = index === 0 ? -Infinity : this.lastEnd(index - 1);
    for (const item of this.chunks[index]) {
      longest = Math.max(longest, this.startOf(item) - end);
      end = this.endOf(item);
    }
    this.gaps[index] = longest;
    return longest;
  }

  /** Items of a chunk have come or gone. */
  private changed(index: number): void {
    this.gaps[index] = UNKNOWN;
    if (index + 1 < this.gaps.length) this.gaps[index + 1] = UNKNOWN;
  }

  /** All of them, ascending; the list must not change meanwhile. */
  *[Symbol.iterator](): IterableIterator<T> {
    for (const chunk of this.chunks) yield* chunk;
  }

  /** Takes all out, and returns them, ascending. */
  clear(): T[] {
    const all = this.chunks.flat();
    this.chunks.length = 0;
    this.chunks.push([]);
    this.gaps.length = 0;
    this.gaps.push(UNKNOWN);
    this.count = 0;
    return all;
  }

  /** The first chunk whose last item ends after `position`; the last one when there is none. */
  private chunkOf(position: number): number {
    const { chunks } = this;
    let low = 0;
    let high = chunks.length - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const chunk = chunks[middle];
      if (this.endOf(chunk[chunk.length - 1]) > position) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** Index of the first item of a chunk whose end is after `position`. */
  private indexIn(chunk: readonly T[], position: number): number {
    let low = 0;
    let high = chunk.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.endOf(chunk[middle]) > position) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
