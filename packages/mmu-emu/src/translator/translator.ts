import { HART_STRADDLER } from '../hart/state.js';
import { ARRIVALS_END, RECORD_BYTES, RECORD_ENTRIES, RECORD_HANDLER, REGION_NUMBERS, SLOT_BYTES, SLOT_FRAME, SLOT_OBSERVERS, SLOT_RECORDS } from '../interpreter/record.js'; // prettier-ignore
import type { CodeObserver } from '../interpreter/code-cache.js';
import { REGION_PARAMETERS, REGION_RESULTS } from '../interpreter/imports.js';
import type { MemoryLayout } from '../memory-layout.js';
import { PAGE_SIZE } from '../mmu/pte.js';
import { RAM_BASE } from '../ram.js';
import { MAXIMUM_PAGES, ModuleBuilder } from '../wasm/module-builder.js';
import { ModuleAllowance } from './module-allowance.js';
import { lowerRegion } from './region-function.js';
import { discoverRegion, outlineOf, regionOf } from './region.js';
import { regionText } from './region-text.js';
import type { HotRegion } from './region-text.js';
import type { Region, RegionOutline } from './region.js';
import { countedExits, countOfExit, wordPairAt } from './translation-statistics.js';
import type { TranslationStatistics } from './translation-statistics.js';
import { Straddles } from './straddles.js';
import { Unrest } from './unrest.js';

/** How the translator works. */
export interface TranslatorOptions {
  /** Arrivals that make a place hot, 1 to 65,534. */
  readonly threshold: number;
  /** Translate at once, not at the end of the slice, and also what has never run. */
  readonly immediate: boolean;
}

const LIMITS = { blocks: 100, instructions: 500, calledInstructions: 48 };

/** Share of the threshold that makes a place of the page worth an entry of a region that begins elsewhere. */
const SEED_SHARE = 16;

/** How often a region is made anew because a jump arrived in the middle of it. */
const MOST_GENERATIONS = 16;

/** Regions that may be live; when there are more, the ones made first go. */
const MOST_REGIONS = REGION_NUMBERS - 1;

/** A region that was made. */
interface LiveRegion {
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

/** Before it is compiled. */
interface NewRegion {
  readonly found: LiveRegion;
  readonly region: Region;
}

/**
 * Makes regions of hot code, and forgets them when the code changes.
 *
 * Life of a region:
 * 1. A jump arrives at a place for the `threshold`-th time: `hot`. The place is queued.
 * 2. At the end of the slice, or of a later one where modules have been made too often (`ModuleAllowance`), the regions of all
 *    queued places become one module with a function each (`sliceEnded`).
 * 3. Each gets a number: its place in the table of functions. The words of its entries (`record.ts`) name it; from here
 *    on the interpreter enters it.
 * 4. Its page is stored to, leaves the cache of code, or the number is needed: the words of its entries count arrivals
 *    again, and the number is free.
 *
 * A region only depends on the bytes of its page, and the page has a slot in the cache of code as long as the region
 * lives: so every store to it is heard of (`CodeObserver`).
 */
export class Translator implements CodeObserver {
  /** The functions, by number; only the interpreter's module imports it. */
  readonly table = new WebAssembly.Table({ element: 'anyfunc', initial: REGION_NUMBERS });
  readonly #memory: WebAssembly.Memory;
  readonly #words: Uint32Array;
  readonly #layout: MemoryLayout;
  readonly #shared: boolean;
  readonly #options: TranslatorOptions;
  /** In the order in which they were made. */
  readonly #live = new Map<number, LiveRegion>();
  readonly #bySlot = new Map<number, Set<LiveRegion>>();
  readonly #unrest = new Unrest();
  readonly #straddles = new Straddles();
  readonly #allowance = new ModuleAllowance();
  readonly #free: number[] = [];
  #nextNumber = 1;
  #queue: number[] = [];
  #bytes = 0;
  #modules = 0;
  #translations = 0;
  #instructions = 0;
  #invalidations = 0;
  #replacements = 0;
  /** Instructions retired in regions that are live no more. */
  #retiredBefore = 0;
  readonly #refusals = new Map<string, number>();

  constructor(memory: WebAssembly.Memory, layout: MemoryLayout, shared: boolean, options: TranslatorOptions) {
    this.#memory = memory;
    this.#words = new Uint32Array(memory.buffer);
    this.#layout = layout;
    this.#shared = shared;
    this.#options = options;
  }

  get threshold(): number {
    return this.#options.threshold;
  }

  /** @param retired instructions that all harts have retired. */
  statistics(retired: number): TranslationStatistics {
    let retiredTranslated = this.#retiredBefore;
    for (const number of this.#live.keys()) retiredTranslated += this.#retiredIn(number);
    return {
      regions: this.#live.size,
      bytes: this.#bytes,
      modules: this.#modules,
      translations: this.#translations,
      instructions: this.#instructions,
      invalidations: this.#invalidations,
      replacements: this.#replacements,
      retired,
      retiredTranslated,
      exits: countedExits(this.#words, this.#layout),
      refusals: Object.fromEntries(this.#refusals),
    };
  }

  /** The regions that can be entered now in which most instructions were retired, at most `count` of them. */
  hottest(count: number): HotRegion[] {
    return [...this.#live.values()]
      .map((found) => ({ found, retired: this.#retiredIn(found.number) }))
      .filter(({ retired }) => retired > 0)
      .sort((a, b) => b.retired - a.retired)
      .slice(0, count)
      .map(({ found: { number, slot, region, entries }, retired }) => {
        const page = RAM_BASE + this.#frameOf(slot) * PAGE_SIZE;
        const { instructions } = region;
        const text = regionText(regionOf(this.#pageOf(slot), region), number, page);
        return { page, entries, instructions, retired, text };
      });
  }

  /** A place is hot: the byte address of its record. Not 0 when a region begins there now. */
  hot(record: number): number {
    if (!this.#unrest.isCalm(this.#frameOf(this.#slotOf(record)))) {
      this.#refuse('changes too often');
      this.#words[this.#wordOf(record)] = 0;
      return 0;
    }
    this.#queue.push(record);
    if (!this.#options.immediate) {
      this.#words[this.#wordOf(record)] = ARRIVALS_END;
      return 0;
    }
    this.#translateQueue();
    return this.#words[this.#wordOf(record)] > ARRIVALS_END ? 1 : 0;
  }

  /** Translates what is queued, if there may be a module now. @param harts those of the machine. */
  sliceEnded(harts: readonly { readonly totalRetired: number }[]): void {
    const straddler = this.#straddler();
    if (this.#queue.length === 0 && straddler === 0) return;
    let retired = 0;
    for (const hart of harts) retired += hart.totalRetired;
    if (straddler !== 0) this.#judge(straddler, retired);
    if (this.#queue.length !== 0 && this.#allowance.take(retired)) this.#translateQueue();
  }

  /** Number of a region that was left in this slice because accesses which share a look-up were in two pages; or 0. */
  #straddler(): number {
    let number = 0;
    for (const hart of this.#layout.harts) {
      const word = (hart >>> 2) + HART_STRADDLER;
      if (this.#words[word] === 0) continue;
      number = this.#words[word];
      this.#words[word] = 0;
    }
    return number;
  }

  /** When regions are left too often for that, this one will be made anew, and its accesses share nothing. */
  #judge(straddler: number, retired: number): void {
    const exits = countOfExit(this.#words, this.#layout, 'severalPages');
    const found = this.#live.get(straddler);
    if (!this.#straddles.areTooMany(exits, retired) || found === undefined) return;
    this.#straddles.forbid(this.#frameOf(found.slot));
    this.#drop(found);
    this.#replacements += 1;
  }

  #translateQueue(): void {
    const queue = this.#queue;
    this.#queue = [];
    const made: NewRegion[] = [];
    for (const record of queue) {
      const found = this.#translate(record);
      if (found !== null) made.push(found);
    }
    const live = made.filter(({ found }) => this.#live.get(found.number) === found);
    if (live.length !== 0) this.#install(live);
  }

  codeChanged(slot: number, from: number, to: number): void {
    const before = this.#invalidations;
    for (const found of this.#bySlot.get(slot) ?? []) {
      const { bounds } = found.region;
      for (let index = 0; index < bounds.length; index += 2) {
        if (bounds[index] >= to || bounds[index + 1] <= from) continue;
        this.#drop(found);
        this.#invalidations += 1;
        break;
      }
    }
    if (this.#invalidations !== before) this.#unrest.note(this.#frameOf(slot));
    // What could not be translated may be another instruction now.
    const first = Math.max(0, (from & ~1) - 2);
    for (let offset = first; offset < to; offset += 2) {
      const word = this.#entryWord(slot, offset);
      if (this.#words[word] <= ARRIVALS_END) this.#words[word] = 0;
    }
  }

  codeDropped(slot: number): void {
    const regions = this.#bySlot.get(slot);
    if (regions === undefined) return;
    this.#invalidations += regions.size;
    for (const found of regions) this.#drop(found);
    this.#bySlot.delete(slot);
  }

  /** Makes the region of a record, without its code; null when there is nothing to translate. */
  #translate(record: number): NewRegion | null {
    const slot = this.#slotOf(record);
    if (this.#frameOf(slot) >= this.#layout.frameCount) return null;
    const offset = ((record - slot - SLOT_RECORDS) / RECORD_BYTES) * 2;
    // The module of a place queued before may have come to include it, or other code may stand there now.
    const word = this.#words[this.#entryWord(slot, offset)];
    if (this.#options.immediate ? word > ARRIVALS_END : word !== ARRIVALS_END) return null;
    const page = this.#pageOf(slot);
    const hasRun = this.#options.immediate ? undefined : (at: number) => this.#hasRun(slot, at);

    let region = discoverRegion(page, [offset], LIMITS, hasRun);
    if (region.blocks.size === 0) {
      this.#noteRefusals(region);
      this.#words[this.#entryWord(slot, offset)] = ARRIVALS_END;
      return null;
    }
    // Where a switch leads to belongs to it, as far as it fits.
    const around = region.computesTargets ? this.#switchAround(slot, region) : null;
    if (region.computesTargets) {
      const seeds = [...(around?.entries ?? []), offset, ...this.#warmPlaces(slot, offset)];
      const whole = discoverRegion(page, seeds, LIMITS, hasRun);
      if (whole.entries.includes(offset)) {
        region = whole;
        if (around !== null) {
          this.#drop(around);
          this.#replacements += 1;
        }
      }
    }
    this.#noteRefusals(region);
    if (!this.#straddles.mayShare(this.#frameOf(slot))) region = { ...region, sharesLookUps: false };
    const number = this.#allocate();
    const generation = around === null ? 0 : around.generation + 1;
    const outline = outlineOf(region);
    const found = { number, slot, region: outline, seed: offset, entries: region.entries, generation };
    this.#live.set(number, found);
    const ofSlot = this.#bySlot.get(slot);
    if (ofSlot === undefined) this.#bySlot.set(slot, new Set([found]));
    else ofSlot.add(found);
    this.#words[(slot + SLOT_OBSERVERS) >>> 2] += 1;
    // Marked now, so that other places in the queue see it; no region is entered before it is installed.
    this.#mark(found);
    return { found, region };
  }

  /** Bytes of a slot's page. */
  #pageOf(slot: number): DataView {
    return new DataView(this.#memory.buffer, this.#layout.ram + this.#frameOf(slot) * PAGE_SIZE, PAGE_SIZE);
  }

  #frameOf(slot: number): number {
    return this.#words[(slot + SLOT_FRAME) >>> 2];
  }

  /** Whether the interpreter has decoded what is there. */
  #hasRun(slot: number, offset: number): boolean {
    const record = slot + SLOT_RECORDS + offset * (RECORD_BYTES / 2);
    return (this.#words[(record + RECORD_HANDLER) >>> 2] & 0xffff) !== 0;
  }

  /** Lets the words of a region's entries name it, but for those that a larger region has: its jumps stay in it. */
  #mark(found: LiveRegion): void {
    found.entries.forEach((entry, index) => {
      const word = this.#entryWord(found.slot, entry);
      const owner = this.#live.get(this.#words[word] >>> 16);
      if (
        entry !== found.seed &&
        owner !== undefined &&
        owner.region.instructions > found.region.instructions
      )
        return;
      this.#words[word] = found.number * 0x1_0000 + index;
    });
  }

  /** Compiles regions, as one module, and lets the interpreter enter them. */
  #install(regions: readonly NewRegion[]): void {
    const module = new ModuleBuilder();
    module.importMemory('m', 'memory', MAXIMUM_PAGES, this.#shared);
    for (const { found, region } of regions) {
      const { body, entries } = lowerRegion(region, found.number);
      const index = module.declare(REGION_PARAMETERS, REGION_RESULTS);
      module.define(index, body);
      module.exportFunction(`r${found.number}`, index);
      Object.assign(found, { entries });
      this.#mark(found);
      this.#instructions += region.instructions;
    }
    const bytes = module.encode();
    this.#bytes += bytes.length;
    this.#modules += 1;
    this.#translations += regions.length;
    const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), { m: { memory: this.#memory } });
    for (const { found } of regions) this.table.set(found.number, instance.exports[`r${found.number}`]);
  }

  /** A region that a new one shares a switch with, if it is worth making it anew. */
  #switchAround(slot: number, region: Region): LiveRegion | null {
    for (const found of this.#bySlot.get(slot) ?? []) {
      if (!found.region.computesTargets || found.generation >= MOST_GENERATIONS) continue;
      const { bounds } = found.region;
      for (let index = 0; index < bounds.length; index += 2) {
        if (region.blocks.has(bounds[index])) return found;
      }
    }
    return null;
  }

  /** Places of the page where jumps have arrived often, but for one. */
  #warmPlaces(slot: number, but: number): number[] {
    const enough = Math.max(1, this.#options.threshold / SEED_SHARE);
    const out: number[] = [];
    const first = this.#entryWord(slot, 0);
    for (let index = 0; index < PAGE_SIZE / 2; index += 1) {
      const arrivals = this.#words[first + index];
      if (arrivals >= enough && arrivals <= ARRIVALS_END && index * 2 !== but) out.push(index * 2);
    }
    return out;
  }

  #allocate(): number {
    if (this.#live.size >= MOST_REGIONS) {
      // A part at a time, so that this is rare.
      let rest = MOST_REGIONS >> 3;
      for (const found of this.#live.values()) {
        if (rest-- === 0) break;
        this.#drop(found);
        this.#replacements += 1;
      }
    }
    return this.#free.pop() ?? this.#nextNumber++;
  }

  #drop(found: LiveRegion): void {
    found.entries.forEach((entry) => {
      const word = this.#entryWord(found.slot, entry);
      if (this.#words[word] >>> 16 === found.number) this.#words[word] = 0;
    });
    this.#live.delete(found.number);
    this.#retiredBefore += this.#retiredIn(found.number);
    this.#words.fill(0, this.#retiredWord(found.number), this.#retiredWord(found.number) + 2);
    this.#bySlot.get(found.slot)?.delete(found);
    this.#words[(found.slot + SLOT_OBSERVERS) >>> 2] -= 1;
    this.table.set(found.number, null);
    this.#free.push(found.number);
  }

  /** Instructions retired in a region. */
  #retiredIn(number: number): number {
    return wordPairAt(this.#words, this.#retiredWord(number));
  }

  #retiredWord(number: number): number {
    return (this.#layout.regionRetired >>> 2) + 2 * number;
  }

  #noteRefusals({ refusals }: Region): void {
    for (const { what } of refusals.values()) this.#refuse(what);
  }

  #refuse(what: string): void {
    this.#refusals.set(what, (this.#refusals.get(what) ?? 0) + 1);
  }

  #slotOf(record: number): number {
    const { slots } = this.#layout;
    return slots + Math.floor((record - slots) / SLOT_BYTES) * SLOT_BYTES;
  }

  /** Index of the word of a record. */
  #wordOf(record: number): number {
    const slot = this.#slotOf(record);
    return this.#entryWord(slot, ((record - slot - SLOT_RECORDS) / RECORD_BYTES) * 2);
  }

  /** Index of the word of a place of a page. */
  #entryWord(slot: number, offset: number): number {
    return (slot + SLOT_RECORDS + RECORD_ENTRIES + offset * 2) >>> 2;
  }
}
