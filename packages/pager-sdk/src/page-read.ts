import type { Deadline } from './deadline-queue.js';
import { LazyAbort } from './lazy-abort.js';
import type { FrameLoan } from './pager-host.js';
import type { ByteRange } from './vmo-backing.js';

/**
 * One read of a backing.
 *
 * Its life:
 *  1. made for a part of a page request; `queued` while the VMO has as many reads under way as it may, or too much is lent;
 *  2. `running`: frames are lent, the backing has been called;
 *  3. `done`: the backing answered, the pages are supplied (or failed); or
 *  3'. `abandoned`: nobody wants the answer any more (too late, detached, closed); the frames stay lent until the backing's promise settles.
 */
export class PageRead {
  /** What the backing is told beside the range. */
  readonly context = new LazyAbort();
  state: 'queued' | 'running' | 'done' | 'abandoned' = 'queued';
  /** Set while running and while abandoned. */
  frames: FrameLoan | null = null;
  deadline: Deadline | null = null;
  /** Parts of later requests that this read covers: they are asked for by themselves if it fails. */
  joined: ByteRange[] | null = null;
  /** Ends the hold on the kernel while a promise is awaited. */
  releaseHold: (() => void) | null = null;
  /** When it was queued or began to be awaited, on the kernel's clock; below 0 before. */
  startTime = -1;

  /**
   * @param offset first byte, of the VMO; a multiple of 4096
   * @param length bytes in whole pages
   * @param demanded leading bytes of them that somebody waits for; the rest is read ahead
   */
  constructor(
    readonly offset: number,
    readonly length: number,
    readonly demanded: number,
  ) {}

  get end(): number {
    return this.offset + this.length;
  }
}
