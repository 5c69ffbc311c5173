/** Items in a chunk at most. */
const MOST = 64;

/**
 * Items that stand for ranges [start, end), disjoint, not empty, and ascending: found, put in and taken out in the logarithm of their number.
 *
 * They lie in chunks of up to 64. An item may change its ends while it is in the list, as long as the order stays as it is.
 */
export class RangeList<T> {
  /** Never empty ones, but for the first when there are no items. */
  private readonly chunks: T[][] = [[]];
  private count = 0;

  /** @param endOf the end of an item's range */
  constructor(private readonly endOf: (item: T) => number) {}

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
    if (chunk.length > MOST) chunks.splice(at + 1, 0, chunk.splice(MOST >>> 1));
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
    if (chunk.length === 0 && chunks.length > 1) chunks.splice(at, 1);
  }

  /** Puts `other`, for the same range, in the place of an item; `start` is that of the range. */
  replace(item: T, other: T, start: number): void {
    const chunk = this.chunks[this.chunkOf(start)];
    const index = this.indexIn(chunk, start);
    if (chunk[index] !== item) throw new Error('the item is not in the list, or not where it should be');
    chunk[index] = other;
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
