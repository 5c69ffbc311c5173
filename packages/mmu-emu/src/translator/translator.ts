import { HART_STRADDLER } from '../hart/state.js';
import { ARRIVALS_END } from '../interpreter/record.js';
import type { CodeObserver } from '../interpreter/code-cache.js';
import type { MemoryLayout } from '../memory-layout.js';
import { PAGE_SIZE } from '../mmu/pte.js';
import { RAM_BASE } from '../ram.js';
import { CodeSlots } from './code-slots.js';
import { compileRegions, functionsOf } from './compile-regions.js';
import type { CompiledRegions } from './compile-regions.js';
import { LiveRegions } from './live-regions.js';
import type { LiveRegion } from './live-regions.js';
import { ModuleAllowance } from './module-allowance.js';
import type { RegionCompiler } from './region-compiler.js';
import { discoverRegion, outlineOf, regionOf } from './region.js';
import { regionText } from './region-text.js';
import type { HotRegion } from './region-text.js';
import type { Region } from './region.js';
import { countedExits, countOfExit } from './translation-statistics.js';
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

/** Modules that are made elsewhere at once: who never takes the answers must not have them pile up. */
const MOST_UNDER_WAY = 8;

/** How often a region is made anew because a jump arrived in the middle of it. */
const MOST_GENERATIONS = 16;

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
 *    queued places become one module with a function each (`sliceEnded`): at once, or in another thread while the machine runs on.
 * 3. Each gets a number: its place in the table of functions. The words of its entries (`record.ts`) name it; from here
 *    on the interpreter enters it.
 * 4. Its page is stored to, leaves the cache of code, or the number is needed: the words of its entries count arrivals
 *    again, and the number is free.
 *
 * A region only depends on the bytes of its page, and the page has a slot in the cache of code as long as the region
 * lives: so every store to it is heard of (`CodeObserver`).
 */
export class Translator implements CodeObserver {
  readonly #memory: WebAssembly.Memory;
  readonly #layout: MemoryLayout;
  readonly #shared: boolean;
  /** Where regions are compiled; null: here, and at once. */
  #compiler: RegionCompiler | null;
  /** Modules that are being made there. */
  #underWay = 0;
  readonly #options: TranslatorOptions;
  /** Instructions that all harts have retired. */
  readonly #retired: () => number;
  readonly #slots: CodeSlots;
  readonly #words: Uint32Array;
  readonly #regions: LiveRegions;
  readonly #unrest = new Unrest();
  readonly #straddles = new Straddles();
  readonly #allowance = new ModuleAllowance();
  #queue: number[] = [];
  #bytes = 0;
  #modules = 0;
  #translations = 0;
  #instructions = 0;
  #invalidations = 0;
  readonly #refusals = new Map<string, number>();

  /**
   * @param retired tells how many instructions all harts have retired.
   * @param compiler compiles regions elsewhere. Not for those that are translated at once.
   */
  constructor(
    memory: WebAssembly.Memory,
    layout: MemoryLayout,
    shared: boolean,
    options: TranslatorOptions,
    retired: () => number,
    compiler: RegionCompiler | null,
  ) {
    this.#compiler = compiler;
    this.#retired = retired;
    this.#memory = memory;
    this.#layout = layout;
    this.#slots = new CodeSlots(memory, layout);
    this.#words = this.#slots.words;
    this.#regions = new LiveRegions(this.#slots, layout);
    this.#shared = shared;
    this.#options = options;
  }

  /** The functions, by number; only the interpreter's module imports it. */
  get table(): WebAssembly.Table {
    return this.#regions.table;
  }

  get threshold(): number {
    return this.#options.threshold;
  }

  /** What was done so far. */
  statistics(): TranslationStatistics {
    return {
      regions: this.#regions.size,
      bytes: this.#bytes,
      modules: this.#modules,
      translations: this.#translations,
      instructions: this.#instructions,
      invalidations: this.#invalidations,
      replacements: this.#regions.replacements,
      retired: this.#retired(),
      retiredTranslated: this.#regions.retired,
      exits: countedExits(this.#words, this.#layout),
      refusals: Object.fromEntries(this.#refusals),
    };
  }

  /** The regions that can be entered now in which most instructions were retired, at most `count` of them. */
  hottest(count: number): HotRegion[] {
    return [...this.#regions.values()]
      .map((found) => ({ found, retired: this.#regions.retiredIn(found) }))
      .filter(({ retired }) => retired > 0)
      .sort((a, b) => b.retired - a.retired)
      .slice(0, count)
      .map(({ found: { number, slot, region, entries }, retired }) => {
        const page = RAM_BASE + this.#slots.frameOf(slot) * PAGE_SIZE;
        const { instructions } = region;
        const text = regionText(regionOf(this.#slots.pageOf(slot), region), number, page);
        return { page, entries, instructions, retired, text };
      });
  }

  /** A place is hot: the byte address of its record. Not 0 when a region begins there now. */
  hot(record: number): number {
    const slot = this.#slots.slotOf(record);
    const word = this.#slots.wordOf(slot, this.#slots.placeOf(record));
    if (!this.#unrest.isCalm(this.#slots.frameOf(slot), this.#retired())) {
      this.#refuse('changes too often');
      this.#words[word] = 0;
      return 0;
    }
    this.#queue.push(record);
    if (!this.#options.immediate) {
      this.#words[word] = ARRIVALS_END;
      return 0;
    }
    this.#translateQueue();
    return this.#words[word] > ARRIVALS_END ? 1 : 0;
  }

  /** Translates what is queued, if there may be a module now. */
  sliceEnded(): void {
    const straddler = this.#straddler();
    if (this.#queue.length === 0 && straddler === 0) return;
    const retired = this.#retired();
    if (straddler !== 0) this.#judge(straddler, retired);
    if (this.#queue.length === 0 || this.#underWay >= MOST_UNDER_WAY) return;
    if (this.#allowance.take(retired)) this.#translateQueue();
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
    const found = this.#regions.get(straddler);
    if (!this.#straddles.areTooMany(exits, retired) || found === undefined) return;
    this.#straddles.forbid(this.#slots.frameOf(found.slot));
    this.#regions.replace(found);
  }

  #translateQueue(): void {
    const queue = this.#queue;
    this.#queue = [];
    const made: NewRegion[] = [];
    for (const record of queue) {
      const found = this.#translate(record);
      if (found !== null) made.push(found);
    }
    this.#compile(made);
  }

  #isLive(found: LiveRegion): boolean {
    return this.#regions.get(found.number) === found;
  }

  /** Compiles regions, as far as they still are live, here or elsewhere. */
  #compile(regions: readonly NewRegion[]): void {
    const live = regions.filter(({ found }) => this.#isLive(found));
    if (live.length === 0) return;
    if (this.#compiler !== null) {
      this.#compileElsewhere(this.#compiler, live);
      return;
    }
    const numbered = live.map(({ found: { number }, region }) => ({ number, region }));
    this.#install(live, compileRegions(numbered, this.#shared));
  }

  /** Lets regions be compiled while the machine runs. Those whose code changes meanwhile are dropped as others are. */
  #compileElsewhere(compiler: RegionCompiler, regions: readonly NewRegion[]): void {
    for (const { found } of regions) this.#regions.hold(found);
    const batch = regions.map(({ found: { number, region, slot } }) => {
      const { buffer, byteOffset } = this.#slots.pageOf(slot);
      return { number, outline: region, page: new Uint8Array(buffer, byteOffset, PAGE_SIZE).slice() };
    });
    this.#underWay += 1;
    compiler.compile({ shared: this.#shared, regions: batch }).then(
      (compiled) => {
        this.#underWay -= 1;
        this.#install(regions, compiled);
      },
      () => {
        this.#underWay -= 1;
        this.#compiler = null;
        this.#compile(regions);
      },
    );
  }

  codeChanged(slot: number, from: number, to: number): void {
    const before = this.#invalidations;
    for (const found of this.#regions.ofSlot(slot)) {
      const { bounds } = found.region;
      for (let index = 0; index < bounds.length; index += 2) {
        if (bounds[index] >= to || bounds[index + 1] <= from) continue;
        this.#regions.drop(found);
        this.#invalidations += 1;
        break;
      }
    }
    if (this.#invalidations !== before) this.#unrest.note(this.#slots.frameOf(slot), this.#retired());
    // What could not be translated may be another instruction now.
    const first = Math.max(0, (from & ~1) - 2);
    for (let offset = first; offset < to; offset += 2) {
      const word = this.#slots.wordOf(slot, offset);
      if (this.#words[word] <= ARRIVALS_END) this.#words[word] = 0;
    }
  }

  codeDropped(slot: number): void {
    for (const found of this.#regions.ofSlot(slot)) {
      this.#regions.drop(found);
      this.#invalidations += 1;
    }
  }

  /** Makes the region of a record, without its code; null when there is nothing to translate. */
  #translate(record: number): NewRegion | null {
    const slot = this.#slots.slotOf(record);
    if (!this.#slots.isRam(slot)) return null;
    const offset = this.#slots.placeOf(record);
    // The module of a place queued before may have come to include it, or other code may stand there now.
    const word = this.#words[this.#slots.wordOf(slot, offset)];
    if (this.#options.immediate ? word > ARRIVALS_END : word !== ARRIVALS_END) return null;
    const page = this.#slots.pageOf(slot);
    const hasRun = this.#options.immediate ? undefined : (at: number) => this.#slots.hasRun(slot, at);

    let region = discoverRegion(page, [offset], LIMITS, hasRun);
    if (region.blocks.size === 0) {
      this.#noteRefusals(region);
      this.#words[this.#slots.wordOf(slot, offset)] = ARRIVALS_END;
      return null;
    }
    // Where a switch leads to belongs to it, as far as it fits.
    const around = region.computesTargets ? this.#switchAround(slot, region) : null;
    if (region.computesTargets) {
      const seeds = [...(around?.entries ?? []), offset, ...this.#warmPlaces(slot, offset)];
      const whole = discoverRegion(page, seeds, LIMITS, hasRun);
      if (whole.entries.includes(offset)) {
        region = whole;
        if (around !== null) this.#regions.replace(around);
      }
    }
    this.#noteRefusals(region);
    if (!this.#straddles.mayShare(this.#slots.frameOf(slot))) region = { ...region, sharesLookUps: false };
    const number = this.#regions.allocate();
    const generation = around === null ? 0 : around.generation + 1;
    const outline = outlineOf(region);
    const found = { number, slot, region: outline, seed: offset, entries: region.entries, generation };
    // Now, so that other places in the queue see it; no region is entered before it is installed.
    this.#regions.add(found);
    return { found, region };
  }

  /** Lets the interpreter enter regions, as far as they still are live. */
  #install(regions: readonly NewRegion[], compiled: CompiledRegions): void {
    this.#bytes += compiled.bytes;
    this.#modules += 1;
    this.#translations += regions.length;
    const functions = functionsOf(compiled, this.#memory);
    regions.forEach(({ found, region }, index) => {
      this.#instructions += region.instructions;
      if (!this.#isLive(found)) return;
      this.#regions.enter(found, compiled.entries[index], functions(found.number));
    });
  }

  /** A region that a new one shares a switch with, if it is worth making it anew. */
  #switchAround(slot: number, region: Region): LiveRegion | null {
    for (const found of this.#regions.ofSlot(slot)) {
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
    const first = this.#slots.wordOf(slot, 0);
    for (let index = 0; index < PAGE_SIZE / 2; index += 1) {
      const arrivals = this.#words[first + index];
      if (arrivals >= enough && arrivals <= ARRIVALS_END && index * 2 !== but) out.push(index * 2);
    }
    return out;
  }

  #noteRefusals({ refusals }: Region): void {
    for (const { what } of refusals.values()) this.#refuse(what);
  }

  #refuse(what: string): void {
    this.#refusals.set(what, (this.#refusals.get(what) ?? 0) + 1);
  }
}
