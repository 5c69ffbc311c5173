import { PagerError } from './pager-error.js';

/**
 * Fills a list of views with bytes that come in pieces.
 */
export class ChunkCopy {
  /** Bytes copied so far. */
  filled = 0;
  private view = 0;
  private position = 0;

  /** @param length bytes of the views together */
  constructor(
    private readonly into: readonly Uint8Array[],
    private readonly length: number,
  ) {}

  /** @throws {PagerError} `data-integrity`: more bytes than were asked for */
  add(chunk: Uint8Array): void {
    if (chunk.length > this.length - this.filled) {
      throw new PagerError('data-integrity', `more than the ${this.length} bytes asked for`);
    }
    let done = 0;
    while (done < chunk.length) {
      const view = this.into[this.view];
      const count = Math.min(chunk.length - done, view.length - this.position);
      view.set(
        done === 0 && count === chunk.length ? chunk : chunk.subarray(done, done + count),
        this.position,
      );
      done += count;
      this.position += count;
      if (this.position === view.length) {
        this.view += 1;
        this.position = 0;
      }
    }
    this.filled += chunk.length;
  }
}
