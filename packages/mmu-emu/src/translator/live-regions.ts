import { ARRIVALS_END, REGION_NUMBERS } from '../interpreter/record.js';
import type { MemoryLayout } from '../memory-layout.js';
import type { CodeSlots } from './code-slots.js';
import type { RegionOutline } from './region.js';
import { wordPairAt } from './translation-statistics.js';

/** Regions that may be live; when there are more, the ones made first go. */
const MOST_REGIONS = REGION_NUMBERS - 1;

/** A region that was made. */
export interface LiveRegion {
  /** Its place in the table of functions. */
  readonly number: number;
  /** Byte address of its page's slot. */
  readonly slot: number;
  /** The entry for which it was made. */
  readonly seed: number;
  readonly entries: readonly number[];
  readonly region: RegionOutline;
  /** How often it was made anew. */
  readonly generation: number;
}

/**
 * The regions that there are.
 *
 * A number is a region's from `add` to `drop`: the words of its entries name it, its slot is observed, the function that `table` has
 * there is its own once it is compiled, and what it retires is counted in the memory of the machine. Where the machine runs
 * before it is compiled, it is *held*.
 */
export class LiveRegions {
  /** The functions, by number; only the interpreter's module imports it. */
  readonly table = new WebAssembly.Table({ element: 'anyfunc', initial: REGION_NUMBERS });
  /** Those that were dropped for others. */
  replacements = 0;
  readonly #slots: CodeSlots;
  readonly #layout: MemoryLayout;
  /** In the order in which they were made. */
  readonly #live = new Map<number, LiveRegion>();
  readonly #bySlot = new Map<number, Set<LiveRegion>>();
  readonly #held = new Set<LiveRegion>();
  readonly #free: number[] = [];
  #nextNumber = 1;
  /** Instructions retired in regions that are live no more. */
  #retiredBefore = 0;

  constructor(slots: CodeSlots, layout: MemoryLayout) {
    this.#slots = slots;
    this.#layout = layout;
  }

  /** How many can be entered. */
  get size(): number {
    return this.#live.size - this.#held.size;
  }

  get(number: number): LiveRegion | undefined {
    return this.#live.get(number);
  }

  values(): Iterable<LiveRegion> {
    return this.#live.values();
  }

  /** Those of a slot's page. */
  ofSlot(slot: number): Iterable<LiveRegion> {
    return this.#bySlot.get(slot) ?? [];
  }

  /** A number for `add`; where none is free, regions go. */
  allocate(): number {
    if (this.#live.size >= MOST_REGIONS) {
      // A part at a time, so that this is rare.
      let rest = MOST_REGIONS >> 3;
      for (const found of this.#live.values()) {
        if (rest-- === 0) break;
        this.replace(found);
      }
    }
    return this.#free.pop() ?? this.#nextNumber++;
  }

  /** It is live, and the words of its entries name it; it must not be entered before the table has its function. */
  add(found: LiveRegion): void {
    this.#live.set(found.number, found);
    const ofSlot = this.#bySlot.get(found.slot);
    if (ofSlot === undefined) this.#bySlot.set(found.slot, new Set([found]));
    else ofSlot.add(found);
    this.#slots.observe(found.slot, 1);
    this.#mark(found);
  }

  /** Lets the words of a region's entries name it, but for those that a larger region has: its jumps stay in it. */
  #mark(found: LiveRegion): void {
    const { words } = this.#slots;
    found.entries.forEach((entry, index) => {
      const word = this.#slots.wordOf(found.slot, entry);
      const owner = this.#live.get(words[word] >>> 16);
      if (
        entry !== found.seed &&
        owner !== undefined &&
        owner.region.instructions > found.region.instructions
      )
        return;
      words[word] = found.number * 0x1_0000 + index;
    });
  }

  /** Holds it until `enter`: the words of its entries name nothing, and arrivals there are not counted. */
  hold(found: LiveRegion): void {
    this.#unmark(found, ARRIVALS_END);
    this.#held.add(found);
  }

  /** It has its function, and can be entered. @param entries in the order of their numbers. */
  enter(found: LiveRegion, entries: readonly number[], region: unknown): void {
    this.#held.delete(found);
    Object.assign(found, { entries });
    this.#mark(found);
    this.table.set(found.number, region);
  }

  /** The words of its entries count arrivals again, and its number is free. */
  drop(found: LiveRegion): void {
    const { words } = this.#slots;
    this.#unmark(found, 0);
    this.#held.delete(found);
    this.#live.delete(found.number);
    this.#retiredBefore += this.retiredIn(found);
    words.fill(0, this.#retiredWord(found), this.#retiredWord(found) + 2);
    const ofSlot = this.#bySlot.get(found.slot);
    if (ofSlot?.delete(found) === true && ofSlot.size === 0) this.#bySlot.delete(found.slot);
    this.#slots.observe(found.slot, -1);
    this.table.set(found.number, null);
    this.#free.push(found.number);
  }

  /** Gives the words of its entries a value, as far as they name it; or nothing, where it is held. */
  #unmark(found: LiveRegion, value: number): void {
    const { words } = this.#slots;
    const isHeld = this.#held.has(found);
    for (const entry of found.entries) {
      const word = this.#slots.wordOf(found.slot, entry);
      if (words[word] >>> 16 === found.number || (isHeld && words[word] === ARRIVALS_END))
        words[word] = value;
    }
  }

  /** Drops it for another. */
  replace(found: LiveRegion): void {
    this.drop(found);
    this.replacements += 1;
  }

  /** Instructions retired in all regions so far. */
  get retired(): number {
    let retired = this.#retiredBefore;
    for (const found of this.#live.values()) retired += this.retiredIn(found);
    return retired;
  }

  /** Instructions retired in a region. */
  retiredIn(found: LiveRegion): number {
    return wordPairAt(this.#slots.words, this.#retiredWord(found));
  }

  #retiredWord({ number }: LiveRegion): number {
    return (this.#layout.regionRetired >>> 2) + 2 * number;
  }
}
