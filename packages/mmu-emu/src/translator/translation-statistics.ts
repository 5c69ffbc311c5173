import { FAILED_ACCESSES, REGION_EXITS, regionExitNumber } from '../interpreter/region-exits.js';
import type { FailedAccess, RegionExit } from '../interpreter/region-exits.js';
import { HART_REGION_EXITS } from '../hart/state.js';
import type { MemoryLayout } from '../memory-layout.js';

/**
 * Why translated code was left.
 *
 * - A jump led out of the region: `otherPage`; `otherRegion`, elsewhere in the page; `computedJump`, to what is no entry.
 * - The budget might not suffice (`budget`); an instruction crosses into the next page (`pageCrossing`); the region is as
 *   large as it may be (`regionLimit`).
 * - An instruction that is not translated: `csr`, `system` (environment calls, returns from traps, waits, fences of
 *   translation), `fence` (fence.i, cache blocks), `routine` (a computation that is always long), `illegal`.
 * - An access that the TLB does not answer: `tlbMiss`, `misaligned`, `device`, `storeToCode` (or to a watched page),
 *   `protection` (physical memory protection divides the page), `fault`. Accesses that share a look-up lie in two pages
 *   (`severalPages`).
 * - Floating point: mstatus.FS is not Dirty yet (`floatState`), a reserved `roundingMode`, or, by the name of the routine
 *   that then decides, no proof that WebAssembly's own operation is right (`floatAdd`, ...).
 */
export type TranslationExit =
  | 'otherPage'
  | 'otherRegion'
  | 'computedJump'
  | 'budget'
  | 'pageCrossing'
  | 'regionLimit'
  | 'csr'
  | 'system'
  | 'fence'
  | 'routine'
  | 'illegal'
  | 'floatState'
  | 'roundingMode'
  | 'severalPages'
  | 'tlbMiss'
  | 'misaligned'
  | 'device'
  | 'storeToCode'
  | 'protection'
  | 'fault'
  | 'clmul'
  | 'clmulh'
  | 'floatAdd'
  | 'floatSubtract'
  | 'floatMultiply'
  | 'floatDivide'
  | 'floatSquareRoot'
  | 'floatMultiplyAdd'
  | 'floatCompare'
  | 'floatMinMax'
  | 'floatClass'
  | 'floatRound'
  | 'floatToInteger'
  | 'floatToIntegerModular'
  | 'integerToFloat'
  | 'floatConvert';

/** What the translator has done since the machine was made. */
export interface TranslationStatistics {
  /** Regions that can be entered now. */
  readonly regions: number;
  /** Bytes of WebAssembly of all modules that were made. */
  readonly bytes: number;
  readonly modules: number;
  /** Regions that were made, and guest instructions in them. */
  readonly translations: number;
  readonly instructions: number;
  /** Regions that were dropped because their code changed, or went out of the cache of code. */
  readonly invalidations: number;
  /** Regions that were dropped to make room, for one that holds more, or for one whose accesses share no look-ups. */
  readonly replacements: number;
  /** Instructions that all harts have retired, and those of them that were retired in translated code. */
  readonly retired: number;
  readonly retiredTranslated: number;
  /** How often translated code was left, by reason: those that occurred. */
  readonly exits: Readonly<Partial<Record<TranslationExit, number>>>;
  /**
   * How often translation stopped at something, by the name of the instruction that is not translated there, `illegal`,
   * `crosses the page`, `region limit`, or `changes too often` for code that was left to the interpreter for a while.
   */
  readonly refusals: Readonly<Record<string, number>>;
}

/** Sums up the counters that the interpreter keeps in the state of each hart. */
export function countedExits(words: Uint32Array, layout: MemoryLayout): TranslationStatistics['exits'] {
  const exits: Partial<Record<TranslationExit, number>> = {};
  for (const name of [...REGION_EXITS, ...FAILED_ACCESSES]) {
    if (name === 'lookUp') continue;
    const count = countOfExit(words, layout, name);
    if (count > 0) exits[name] = count;
  }
  return exits;
}

/** How often translated code was left for one reason. */
export function countOfExit(
  words: Uint32Array,
  layout: MemoryLayout,
  exit: RegionExit | FailedAccess,
): number {
  let count = 0;
  for (const hart of layout.harts) {
    count += wordPairAt(words, (hart >>> 2) + HART_REGION_EXITS + 2 * regionExitNumber(exit));
  }
  return count;
}

/** A counter of two words, exact below 2^53. */
export function wordPairAt(words: Uint32Array, index: number): number {
  return words[index] + words[index + 1] * 2 ** 32;
}
