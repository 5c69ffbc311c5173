import { NODE_ENTRIES, NODE_SHIFT, type PageNodes } from './page-nodes.js';
import { NO_CANDIDATE, QUEUE_ALWAYS_NEED, QUEUE_DONT_NEED, type PageQueues } from './page-queues.js';
import type { PhysicalPages } from './physical-pages.js';

/** When pages are evicted, in free frames. */
export interface EvictionThresholds {
  /** Fewer than these: pages go, by age. */
  readonly low: number;
  /** Until there are so many. */
  readonly high: number;
}

/** Frames that an operation can need between two calls of `makeRoom`: a batch of a write, and page tables. */
const RESERVE = 24;
const SMALLEST_LOW = 32;
/** Frames that are used up before pages with a second chance are looked at again: somebody must have run meanwhile. */
const CHANCE = 4;

/**
 * The thresholds for a machine.
 *
 * @param low 0: one frame in 64, at least 32
 * @param high 0: twice as many
 */
export function evictionThresholds(frames: number, low: number, high: number): EvictionThresholds {
  const below = low === 0 ? Math.max(SMALLEST_LOW, frames >>> 6) : low;
  return { low: below, high: Math.max(below, high === 0 ? 2 * below : high) };
}

/** Something other than a page that can be given up: the contents of an unlocked discardable VMO. */
export interface Discardable {
  readonly vmoKoid: number;
  /** The generation of pages that was the newest when it could first be given up. */
  readonly unlockedIn: number;
  /** How many there are to free. */
  readonly pages: number;
  /** Frees them. */
  discard(): void;
}

/**
 * Frees frames when few are left: clean pages of pagers' VMOs, as long as they can be fetched again or are all that a detached VMO has, and what is discardable.
 *
 * A round goes from the least to the most wanted, and ends when `high` frames are free:
 *  1. pages of which a hint said that nobody needs them;
 *  2. generations from the oldest on, without the newest: in each, first what was discardable by then, then pages, of which those that were
 *     used since they were last looked at get a second chance;
 *  3. only when fewer than a reserve are free after that: the newest generation;
 *  4. and in the end the pages that are always needed.
 * The last 16 pages that came or were used always stay: with fewer, no program gets on, and it is better told that memory is full.
 *
 * **The invariant of eviction.** Frames are freed in `makeRoom` and nowhere else, and it is called only where the running
 * operation holds nothing that could go: no frame number that a look-up returned, no view of user memory, no place in a page list. Allocations
 * themselves never evict; those who allocate in a loop make room before each step. Operations that wait hold nothing
 * either while they wait. What must stay in its frame meanwhile is pinned.
 *
 * @see Zircon, kernel `Evictor`
 */
export class Evictor {
  /** Told of pages that went: koid of the VMO, first page, count; of a discarded VMO, 0 and how many it had. */
  onEvict: ((vmo: number, page: number, pages: number) => void) | null = null;
  /** Pages evicted, and discarded, since the kernel was made. */
  evicted = 0;

  private readonly discardables = new Set<Discardable>();
  /** `PageQueues.moves` after the last round that did not free what it was asked to, or -1; and whether it went for the last pages, too. */
  private fruitlessSince = -1;
  private wentForAll = false;
  /** Fewer free frames than these begin a round. */
  private trigger: number;
  private reserved = 0;
  private runVmo = 0;
  private runPage = 0;
  private runPages = 0;

  constructor(
    private readonly physical: PhysicalPages,
    private readonly nodes: PageNodes,
    private readonly queues: PageQueues,
    private readonly thresholds: EvictionThresholds,
  ) {
    this.trigger = thresholds.low;
  }

  /** Evicts when fewer frames are free than should be. To be called where nothing is held that could go. */
  makeRoom(): void {
    const { freeCount } = this.physical;
    if (freeCount >= this.thresholds.low) this.trigger = this.thresholds.low;
    else if (freeCount < this.trigger) this.round(this.thresholds.high);
  }

  /** Makes sure of `frames` free frames and the reserve, as far as that is possible. As `makeRoom`. */
  makeRoomFor(frames: number): void {
    if (this.physical.freeCount >= Math.max(this.thresholds.low, frames)) return;
    this.reserved = frames;
    this.fruitlessSince = -1;
    this.round(Math.max(this.thresholds.high, frames));
    this.reserved = 0;
  }

  /** It can be given up from now on. */
  addDiscardable(discardable: Discardable): void {
    this.discardables.add(discardable);
    this.lookAgain();
  }

  /** Something has become free to go that the queues do not tell of. */
  lookAgain(): void {
    this.fruitlessSince = -1;
  }

  removeDiscardable(discardable: Discardable): void {
    this.discardables.delete(discardable);
  }

  private round(target: number): void {
    const { physical, queues } = this;
    const least = RESERVE + this.reserved;
    if (this.fruitlessSince === queues.moves && (this.wentForAll || physical.freeCount >= least)) return;
    // Pages that get a second chance fill further generations; they have it until the next round.
    const newest = queues.generation;
    this.sweepQueue(QUEUE_DONT_NEED, target, true);
    for (let age = queues.oldestGeneration; physical.freeCount < target && age < newest; age += 1) {
      this.discardUntil(age, target);
      this.sweepGeneration(age, target, true);
    }
    this.discardUntil(newest - 1, target);
    this.wentForAll = physical.freeCount < least;
    if (this.wentForAll) {
      this.discardUntil(queues.generation, least);
      // Once for those that were not used, then for all.
      this.sweepGeneration(queues.generation, least, true);
      this.sweepGeneration(queues.generation, least, false);
      this.sweepQueue(QUEUE_ALWAYS_NEED, least, false);
    }
    this.reportRun();
    const enough = physical.freeCount >= target;
    this.fruitlessSince = enough ? -1 : queues.moves;
    this.trigger = enough ? this.thresholds.low : Math.max(RESERVE, physical.freeCount - CHANCE);
  }

  private sweepQueue(queue: number, target: number, spareUsed: boolean): void {
    const { physical, queues } = this;
    for (
      let frame = queues.firstOf(queue, 0);
      frame !== NO_CANDIDATE && physical.freeCount < target;
      frame = queues.firstOf(queue, frame + 1)
    ) {
      this.consider(frame, spareUsed);
    }
  }

  private sweepGeneration(generation: number, target: number, spareUsed: boolean): void {
    const { physical, queues } = this;
    for (
      let frame = queues.firstOfGeneration(generation, 0);
      frame !== NO_CANDIDATE && physical.freeCount < target;
      frame = queues.firstOfGeneration(generation, frame + 1)
    ) {
      this.consider(frame, spareUsed);
    }
  }

  /** The turn of a page has come. */
  private consider(frame: number, spareUsed: boolean): void {
    const { physical, queues, nodes } = this;
    if (physical.isHeld(frame)) {
      // It is noted again when it is let go.
      queues.leave(frame);
      return;
    }
    if (queues.isRecent(frame)) return;
    const slot = physical.slotOf(frame);
    const leaf = slot >>> NODE_SHIFT;
    const { owner } = nodes.listOf(leaf);
    if (owner === null) throw new Error(`frame ${frame} is in a list that nobody owns`);
    if (!owner.mayEvict) {
      queues.leave(frame);
      return;
    }
    const page = nodes.base[leaf] + (slot % NODE_ENTRIES);
    if (spareUsed && owner.takeAccessed(page)) {
      queues.touch(frame);
      return;
    }
    owner.evict(page);
    this.evicted += 1;
    this.addToRun(owner.vmoKoid, page);
  }

  /** Discards what could be given up by a generation. */
  private discardUntil(generation: number, target: number): void {
    for (const discardable of this.discardables) {
      if (this.physical.freeCount >= target) return;
      // They are in the order in which they were unlocked.
      if (discardable.unlockedIn > generation) return;
      const { pages } = discardable;
      if (pages === 0) continue;
      this.discardables.delete(discardable);
      discardable.discard();
      this.evicted += pages;
      this.reportRun();
      this.onEvict?.(discardable.vmoKoid, 0, pages);
    }
  }

  private addToRun(vmo: number, page: number): void {
    if (this.onEvict === null) return;
    if (this.runPages !== 0 && vmo === this.runVmo && page === this.runPage + this.runPages) {
      this.runPages += 1;
      return;
    }
    this.reportRun();
    this.runVmo = vmo;
    this.runPage = page;
    this.runPages = 1;
  }

  private reportRun(): void {
    if (this.runPages !== 0) this.onEvict?.(this.runVmo, this.runPage, this.runPages);
    this.runPages = 0;
  }
}
