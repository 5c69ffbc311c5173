import { PAGE_ALWAYS_NEED, PAGE_CLEAN, dirtyState, isFrame } from './page-entry.js';

/** `firstOf` found no frame. */
export const NO_CANDIDATE = -1;

/** Not a page that could be fetched again: anonymous, dirty, or pinned. */
const QUEUE_NONE = 0;
/** Spared by eviction until nothing else is left: ZX_VMO_OP_ALWAYS_NEED. */
export const QUEUE_ALWAYS_NEED = 1;
/** The first to go: ZX_VMO_OP_DONT_NEED. */
export const QUEUE_DONT_NEED = 2;
/** The first of the queues that stand for generations; they are used in a ring. */
const FIRST_GENERATION = 3;
const GENERATIONS = 256 - FIRST_GENERATION;

/** The pages that came or were used last, which are never evicted: more than one instruction can need. */
const RECENT = 16;

/**
 * Which pages could be evicted, by age: every frame has a queue, a byte.
 *
 * The life of a page here:
 *  1. It enters the newest generation when it becomes clean in a pager's list: supplied, or written back (`note`). After every
 *     `pagesPerGeneration` arrivals a new generation begins, so that age is counted in arrivals, not in time.
 *  2. It moves to the newest generation again when it is found used (`touch`): by a system call, or by a page table's accessed bit, which
 *     the evictor looks at when the page's turn has come. A used page thus gets a second chance.
 *  3. A hint puts it among those that go first, or last. The latter is for good.
 *  4. It leaves when it becomes dirty or leaves its list.
 *
 * Frames do not know when in their generation they came; within one, they go in the order of their numbers.
 *
 * @see Zircon, kernel `PageQueues`: reclaim queues, isolate queue
 */
export class PageQueues {
  /** Counts every move; whoever found nothing to do need not look again while it stays the same. */
  moves = 0;

  private readonly queues: Uint8Array;
  private readonly counts = new Uint32Array(256);
  /** Numbers of generations, from 0 on without end. */
  private newest = 0;
  private oldest = 0;
  private newestQueue = FIRST_GENERATION;
  private arrivals = 0;
  private readonly recent = new Int32Array(RECENT).fill(-1);
  private nextRecent = 0;

  /**
   * @param frames of all of RAM
   * @param pagesPerGeneration arrivals until the next generation begins, at least 1
   */
  constructor(
    frames: number,
    readonly pagesPerGeneration: number,
  ) {
    this.queues = new Uint8Array(frames);
  }

  /** Pages that could be evicted, those that are always needed included. */
  get size(): number {
    return this.inGenerations + this.counts[QUEUE_DONT_NEED] + this.counts[QUEUE_ALWAYS_NEED];
  }

  /** The number of the newest generation: age is told by comparing with it. */
  get generation(): number {
    return this.newest;
  }

  /** The number of the oldest generation that has pages, or the newest. */
  get oldestGeneration(): number {
    while (this.oldest < this.newest && this.counts[queueOf(this.oldest)] === 0) this.oldest += 1;
    return this.oldest;
  }

  /** For the page list of a pager's VMO: the frame holds a page of which this can be said now. */
  note(frame: number, entry: number): void {
    if (!isFrame(entry) || dirtyState(entry) !== PAGE_CLEAN) {
      this.leave(frame);
      return;
    }
    if ((entry & PAGE_ALWAYS_NEED) !== 0) this.move(frame, QUEUE_ALWAYS_NEED);
    else if (this.queues[frame] === QUEUE_NONE) this.arrive(frame);
  }

  /** The frame cannot be evicted any more. */
  leave(frame: number): void {
    if (this.queues[frame] !== QUEUE_NONE) this.move(frame, QUEUE_NONE);
  }

  /** The page was used. */
  touch(frame: number): void {
    const queue = this.queues[frame];
    if (queue === QUEUE_NONE || queue === QUEUE_ALWAYS_NEED || queue === this.newestQueue) return;
    this.arrive(frame);
  }

  /** Nobody expects to need the page. */
  dontNeed(frame: number): void {
    const queue = this.queues[frame];
    if (queue >= FIRST_GENERATION) this.move(frame, QUEUE_DONT_NEED);
  }

  /** The first frame from `from` on that is in a queue (QUEUE_ALWAYS_NEED or QUEUE_DONT_NEED), or NO_CANDIDATE. */
  firstOf(queue: number, from: number): number {
    return this.counts[queue] === 0 ? NO_CANDIDATE : this.queues.indexOf(queue, from);
  }

  /** The first frame from `from` on that is of a generation, or NO_CANDIDATE. */
  firstOfGeneration(generation: number, from: number): number {
    return this.firstOf(queueOf(generation), from);
  }

  /** Among the last that came or were used. */
  isRecent(frame: number): boolean {
    return this.recent.includes(frame);
  }

  /** Begins a new generation, unless as many are in use as can be told apart. */
  age(): void {
    this.arrivals = 0;
    if (this.newest - this.oldestGeneration >= GENERATIONS - 1) return;
    this.newest += 1;
    this.newestQueue = queueOf(this.newest);
  }

  private get inGenerations(): number {
    let pages = 0;
    for (let queue = FIRST_GENERATION; queue < this.counts.length; queue += 1) pages += this.counts[queue];
    return pages;
  }

  private arrive(frame: number): void {
    if (this.arrivals === this.pagesPerGeneration) this.age();
    this.arrivals += 1;
    this.recent[this.nextRecent] = frame;
    this.nextRecent = (this.nextRecent + 1) % RECENT;
    this.move(frame, this.newestQueue);
  }

  private move(frame: number, queue: number): void {
    const { counts, queues } = this;
    const before = queues[frame];
    if (before === queue) return;
    counts[before] = counts[before] - 1;
    counts[queue] = counts[queue] + 1;
    queues[frame] = queue;
    this.moves += 1;
  }
}

function queueOf(generation: number): number {
  return FIRST_GENERATION + (generation % GENERATIONS);
}
