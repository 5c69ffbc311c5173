import { ZX_ERR_BAD_STATE, ZX_ERR_UNAVAILABLE, ZX_OK, type Status } from '../abi/status.js';
import type { CowPages } from './cow-pages.js';
import type { Discardable } from './evictor.js';

/**
 * The lock of a discardable VMO: while nobody holds it, its contents may be given up.
 *
 * The life of the contents:
 *  1. never locked: they stay;
 *  2. locked, once or more often: they stay;
 *  3. the last lock is gone: from now on they may be discarded, all at once, when frames are needed (`Evictor`);
 *  4. discarded: whoever touches a page gets ZX_ERR_NOT_FOUND;
 *  5. locked again by `lock`, which tells that they were: every page reads as zero, as in a new VMO.
 *
 * @see Zircon ZX_VMO_DISCARDABLE, ZX_VMO_OP_LOCK
 */
export class DiscardLock implements Discardable {
  unlockedIn = 0;
  private locks = 0;

  /** @param vmoKoid for events */
  constructor(
    readonly vmoKoid: number,
    private readonly cow: CowPages,
  ) {}

  /** Pages that would be freed; none while something keeps frames in their place. */
  get pages(): number {
    return this.cow.holds === 0 ? this.cow.list.frames : 0;
  }

  /** @returns whether the contents were discarded since they were locked last */
  lock(): boolean {
    const { cow } = this;
    const lost = cow.isDiscarded;
    cow.isDiscarded = false;
    this.locks += 1;
    cow.vm.evictor.removeDiscardable(this);
    return lost;
  }

  /** @returns ZX_OK; ZX_ERR_UNAVAILABLE: the contents were discarded, and it is not locked */
  tryLock(): Status {
    if (this.cow.isDiscarded) return ZX_ERR_UNAVAILABLE;
    this.lock();
    return ZX_OK;
  }

  /** @returns ZX_OK, or ZX_ERR_BAD_STATE: it was not locked */
  unlock(): Status {
    if (this.locks === 0) return ZX_ERR_BAD_STATE;
    this.locks -= 1;
    if (this.locks === 0) {
      const { evictor, queues } = this.cow.vm;
      this.unlockedIn = queues.generation;
      evictor.addDiscardable(this);
    }
    return ZX_OK;
  }

  discard(): void {
    const { cow } = this;
    cow.evictions += cow.list.frames;
    cow.decommit(0, cow.pages);
    cow.isDiscarded = true;
  }

  /** The VMO ends. */
  end(): void {
    this.cow.vm.evictor.removeDiscardable(this);
  }
}
