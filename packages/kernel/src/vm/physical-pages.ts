import type { Ram } from '@faultline/mmu-emu';

/** `allocate` found no free frame. */
export const NO_FRAME = -1;

/** States of a frame. */
export const FRAME_FREE = 0;
/** Handed out, and in no page list: page tables, the shared page of zeros, a page on its way from one list to another. */
export const FRAME_WIRED = 1;
/** Holds a page of a page list. */
export const FRAME_PAGE = 2;
/** On loan to a caller of the host, who writes to it. */
export const FRAME_LENT = 3;

/** As in Zircon. */
const MOST_PINS = 31;
const STATE_MASK = 3;
const ONE_PIN = STATE_MASK + 1;
/** Runs looked at before `allocateRun` is content with the longest so far. */
const RUNS_EXAMINED = 64;

/**
 * The frames of guest RAM.
 *
 * The life of a frame:
 *  1. FREE: its bit in the bitmap is set;
 *  2. `allocate` or `allocateRun`: WIRED, it belongs to the caller, its contents are whatever was there;
 *  3. `enlist`: PAGE, it belongs to a page list; `slotOf` leads back there (leaf times 16, plus position);
 *  4. `delist`: WIRED again, for the caller to give to another list or to free;
 *  5. `free`: FREE.
 * A WIRED frame can be lent (`lend`): LENT, and WIRED again when the loan is over (`endLoan`). It is in no list meanwhile, and used for nothing
 * else: a file read that is under way cannot be called back. A pin promises that the page in a frame stays where it is.
 *
 * Bookkeeping is 5 bytes and two bits a frame, in typed arrays.
 */
export class PhysicalPages {
  /** Length of the run that `allocateRun` returned last. */
  runLength = 0;

  /** State in the low bits, and how often the frame is pinned. */
  private readonly states: Uint8Array;
  private readonly slots: Uint32Array;
  /** A set bit is a free frame. */
  private readonly words: Uint32Array;
  /** A set bit is a word of `words` that is not 0. */
  private readonly summary: Uint32Array;
  /** No word before this one of `summary` has a set bit. */
  private lowest = 0;
  /** Where the next search for a run begins, so that runs follow one another and single frames stay below. */
  private runHint: number;
  private free_: number;
  private lent_ = 0;
  private pinned_ = 0;

  /**
   * @param lentLimit frames on loan at most
   * @param pinnedLimit frames pinned at most
   */
  constructor(
    readonly ram: Ram,
    private readonly lentLimit: number,
    private readonly pinnedLimit = Infinity,
  ) {
    const frames = ram.frameCount;
    this.states = new Uint8Array(frames);
    this.slots = new Uint32Array(frames);
    this.words = new Uint32Array((frames + 31) >>> 5);
    this.summary = new Uint32Array((this.words.length + 31) >>> 5);
    for (let frame = 0; frame < frames; frame += 1) this.markFree(frame);
    this.free_ = frames;
    this.runHint = frames >>> 2;
  }

  get frameCount(): number {
    return this.states.length;
  }

  get freeCount(): number {
    return this.free_;
  }

  /** Frames on loan. */
  get lentCount(): number {
    return this.lent_;
  }

  stateOf(frame: number): number {
    return this.states[frame] & STATE_MASK;
  }

  /** A frame with unknown contents, or NO_FRAME. */
  allocate(): number {
    const { summary, words } = this;
    for (let high = this.lowest; high < summary.length; high += 1) {
      const bits = summary[high];
      if (bits === 0) continue;
      this.lowest = high;
      const index = (high << 5) + trailingZeros(bits);
      const frame = (index << 5) + trailingZeros(words[index]);
      this.take(frame);
      return frame;
    }
    this.lowest = summary.length;
    return NO_FRAME;
  }

  /** A frame full of zeros, or NO_FRAME. */
  allocateZeroed(): number {
    const frame = this.allocate();
    if (frame !== NO_FRAME) this.ram.zero(frame);
    return frame;
  }

  /**
   * Adjacent frames with unknown contents, as many as there are together, up to `want`.
   *
   * @returns the first of `runLength` frames, or NO_FRAME
   */
  allocateRun(want: number): number {
    let best = NO_FRAME;
    let bestLength = 0;
    let frame = this.nextFree(this.runHint);
    let wrapped = false;
    for (let examined = 0; examined < RUNS_EXAMINED; examined += 1) {
      if (frame === this.frameCount) {
        if (wrapped) break;
        wrapped = true;
        frame = this.nextFree(0);
        if (frame === this.frameCount) break;
      }
      const length = this.freeRun(frame, want);
      if (length > bestLength) {
        best = frame;
        bestLength = length;
        if (length === want) break;
      }
      frame = this.nextFree(frame + length);
    }
    this.runLength = bestLength;
    if (best === NO_FRAME) return NO_FRAME;
    for (let index = 0; index < bestLength; index += 1) this.take(best + index);
    this.runHint = best + bestLength;
    return best;
  }

  /**
   * `want` adjacent frames with unknown contents, the first at a multiple of `align` pages of the physical address space.
   *
   * @returns the first, or NO_FRAME
   */
  allocateAligned(want: number, align: number): number {
    for (let frame = this.nextFree(0); frame < this.frameCount;) {
      const first = Math.ceil((this.ram.basePpn + frame) / align) * align - this.ram.basePpn;
      const length = first < this.frameCount ? this.freeRun(first, want) : 0;
      if (length === want) {
        for (let index = 0; index < want; index += 1) this.take(first + index);
        return first;
      }
      frame = this.nextFree(first + Math.max(1, length));
    }
    return NO_FRAME;
  }

  /** Gives up a frame that is in no page list. */
  free(frame: number): void {
    const state = this.states[frame];
    if ((state & STATE_MASK) !== FRAME_WIRED) throw new Error(`frame ${frame} is not the caller's to free`);
    if (state !== FRAME_WIRED) throw new Error(`frame ${frame} is pinned`);
    this.release(frame);
  }

  /** The frame now holds a page of a list. @param slot leaf times 16, plus the position in it */
  enlist(frame: number, slot: number): void {
    this.setState(frame, FRAME_PAGE);
    this.slots[frame] = slot;
  }

  /** The frame has left its page list. */
  delist(frame: number): void {
    this.setState(frame, FRAME_WIRED);
  }

  /** Where the page in the frame is listed; of a frame in state WIRED, whatever its owner put there with `setSlot`. */
  slotOf(frame: number): number {
    return this.slots[frame];
  }

  setSlot(frame: number, value: number): void {
    this.slots[frame] = value;
  }

  /** Room for this many more loans. */
  canLend(frames: number): boolean {
    return this.lent_ + frames <= this.lentLimit;
  }

  /** Pinned: the page in it must stay. */
  isHeld(frame: number): boolean {
    return this.states[frame] >= ONE_PIN;
  }

  get pinnedCount(): number {
    return this.pinned_;
  }

  /** Keeps a page where it is. False when it is pinned as often as can be counted, or too many frames are. */
  pin(frame: number): boolean {
    const state = this.states[frame];
    const isPinned = state >= ONE_PIN;
    if (state >= MOST_PINS * ONE_PIN || (!isPinned && this.pinned_ >= this.pinnedLimit)) return false;
    if (!isPinned) this.pinned_ += 1;
    this.states[frame] = state + ONE_PIN;
    return true;
  }

  /** Takes one pin away. */
  unpin(frame: number): void {
    const state = this.states[frame];
    if (state < ONE_PIN) throw new Error(`frame ${frame} is not pinned`);
    this.states[frame] = state - ONE_PIN;
    if (state < 2 * ONE_PIN) this.pinned_ -= 1;
  }

  /** Lends adjacent frames of the caller's, which asked `canLend`. */
  lend(first: number, count: number): void {
    for (let frame = first; frame < first + count; frame += 1) this.states[frame] = FRAME_LENT;
    this.lent_ += count;
  }

  /** They are the caller's again. */
  endLoan(first: number, count: number): void {
    for (let frame = first; frame < first + count; frame += 1) this.states[frame] = FRAME_WIRED;
    this.lent_ -= count;
  }

  private setState(frame: number, state: number): void {
    this.states[frame] = (this.states[frame] & ~STATE_MASK) | state;
  }

  private take(frame: number): void {
    const index = frame >>> 5;
    const left = this.words[index] & ~(1 << (frame & 31));
    this.words[index] = left;
    if (left === 0) this.summary[index >>> 5] = this.summary[index >>> 5] & ~(1 << (index & 31));
    this.states[frame] = FRAME_WIRED;
    this.slots[frame] = 0;
    this.free_ -= 1;
  }

  private release(frame: number): void {
    this.states[frame] = FRAME_FREE;
    this.markFree(frame);
    this.free_ += 1;
  }

  private markFree(frame: number): void {
    const index = frame >>> 5;
    const high = index >>> 5;
    this.words[index] = this.words[index] | (1 << (frame & 31));
    this.summary[high] = this.summary[high] | (1 << (index & 31));
    if (high < this.lowest) this.lowest = high;
  }

  /** The first free frame from `from` on; `frameCount` when there is none. */
  private nextFree(from: number): number {
    if (from >= this.frameCount) return this.frameCount;
    let index = from >>> 5;
    const bits = this.words[index] & (-1 << (from & 31));
    if (bits !== 0) return (index << 5) + trailingZeros(bits);
    for (index += 1; index < this.words.length; index += 1) {
      if ((index & 31) === 0 && this.summary[index >>> 5] === 0) {
        index += 31;
        continue;
      }
      const word = this.words[index];
      if (word !== 0) return (index << 5) + trailingZeros(word);
    }
    return this.frameCount;
  }

  /** Free frames that follow one another from `from` on, at most `most`. */
  private freeRun(from: number, most: number): number {
    let length = 0;
    while (length < most) {
      const frame = from + length;
      if (frame >= this.frameCount) break;
      // The first used frame from here on, within this word.
      const used = ~this.words[frame >>> 5] & (-1 << (frame & 31));
      if (used !== 0) {
        length += trailingZeros(used) - (frame & 31);
        break;
      }
      length += 32 - (frame & 31);
    }
    return Math.min(length, most);
  }
}

function trailingZeros(bits: number): number {
  return 31 - Math.clz32(bits & -bits);
}
