import { PAGE_SHIFT, PAGE_SIZE } from './mmu/pte.js';

/** Physical address of the first byte of RAM. */
export const RAM_BASE = 0x8000_0000;

const FRAME_WORDS = PAGE_SIZE / 4;

/** What must hear of a frame that somebody other than the guest writes. */
export interface FrameObserver {
  /** Forgets decoded code of frames `[frame, frame + count)`. */
  dropCode(frame: number, count: number): void;
}

/**
 * Guest RAM, in frames of 4 KiB numbered from 0. The physical page number of a frame is `basePpn + frame`.
 *
 * Frames are the machine's: views are handed out here only, so that code decoded from a frame is dropped before it
 * changes. No method allocates apart from the views themselves.
 */
export class Ram {
  /** Physical address of the first byte. */
  readonly base = RAM_BASE;
  /** Physical page number of frame 0. */
  readonly basePpn = RAM_BASE / PAGE_SIZE;
  readonly bytes: number;
  readonly frameCount: number;
  readonly #buffer: ArrayBufferLike;
  readonly #offset: number;
  readonly #bytes: Uint8Array;
  readonly #words: Uint32Array;
  readonly #observer: FrameObserver;

  /** @internal RAM is made by `Machine.create`. @param offset where it starts in `buffer`, in bytes. */
  constructor(buffer: ArrayBufferLike, offset: number, bytes: number, observer: FrameObserver) {
    this.bytes = bytes;
    this.frameCount = bytes / PAGE_SIZE;
    this.#buffer = buffer;
    this.#offset = offset;
    this.#bytes = new Uint8Array(buffer, offset, bytes);
    this.#words = new Uint32Array(buffer, offset, bytes >>> 2);
    this.#observer = observer;
  }

  /**
   * View of adjacent frames to write to; decoded code of them is dropped first. Write before the next run, or to frames
   * that no page table reaches. The view stays valid for the life of the machine.
   * @throws {RangeError} when the frames are not all in RAM.
   */
  writable(frame: number, count = 1): Uint8Array {
    const view = this.readable(frame, count);
    this.#observer.dropCode(frame, count);
    return view;
  }

  /**
   * View of adjacent frames to read from; writing through it may leave stale code.
   * @throws {RangeError} when the frames are not all in RAM.
   */
  readable(frame: number, count = 1): Uint8Array {
    this.#check(frame, count);
    return new Uint8Array(this.#buffer, this.#offset + frame * PAGE_SIZE, count * PAGE_SIZE);
  }

  /**
   * Clears adjacent frames.
   * @throws {RangeError} when the frames are not all in RAM.
   */
  zero(frame: number, count = 1): void {
    this.#check(frame, count);
    this.#observer.dropCode(frame, count);
    this.#bytes.fill(0, frame * PAGE_SIZE, (frame + count) * PAGE_SIZE);
  }

  /** Whether a frame holds nothing but zeros. Reading frames that were never touched costs no memory. */
  isZero(frame: number): boolean {
    const words = this.#words;
    const first = frame * FRAME_WORDS;
    for (let at = first; at < first + FRAME_WORDS; at += 8) {
      const some =
        words[at] |
        words[at + 1] |
        words[at + 2] |
        words[at + 3] |
        words[at + 4] |
        words[at + 5] |
        words[at + 6] |
        words[at + 7];
      if (some !== 0) return false;
    }
    return true;
  }

  /**
   * Copies one frame.
   * @throws {RangeError} when a frame is not in RAM.
   */
  copy(toFrame: number, fromFrame: number): void {
    this.#check(toFrame, 1);
    this.#check(fromFrame, 1);
    this.#observer.dropCode(toFrame, 1);
    const from = fromFrame * PAGE_SIZE;
    this.#bytes.copyWithin(toFrame * PAGE_SIZE, from, from + PAGE_SIZE);
  }

  /** Low word of entry `index` (0 to 511) of the page table in a frame. */
  readPteLo(frame: number, index: number): number {
    return this.#words[(frame << (PAGE_SHIFT - 2)) + index * 2];
  }

  /** High word of entry `index` of the page table in a frame. */
  readPteHi(frame: number, index: number): number {
    return this.#words[(frame << (PAGE_SHIFT - 2)) + index * 2 + 1];
  }

  /** Writes entry `index` of the page table in a frame; `lo` and `hi` are u32. The TLB does not notice: fence. */
  writePte(frame: number, index: number, lo: number, hi: number): void {
    this.#observer.dropCode(frame, 1);
    const at = (frame << (PAGE_SHIFT - 2)) + index * 2;
    this.#words[at] = lo;
    this.#words[at + 1] = hi;
  }

  #check(frame: number, count: number): void {
    if (
      !Number.isInteger(frame) ||
      !Number.isInteger(count) ||
      frame < 0 ||
      count < 0 ||
      frame + count > this.frameCount
    ) {
      throw new RangeError(`frames ${frame} to ${frame + count} are not in RAM`);
    }
  }
}
