/**
 * Translations in snapshots: every entry that can still be used, with its frame. A guest may rely on what it has changed in
 * its page tables not being seen before it fences, so that translations are not forgotten.
 */

import { HART_BANK_USES, HART_DATA_BANK, HART_DATA_MODE, HART_FETCH_BANK, HART_FETCH_MODE, HART_SATP, MODE_TRANSLATED } from '../hart/state.js'; // prettier-ignore
import type { StateReader } from '../snapshot/state-reader.js';
import type { StateWriter } from '../snapshot/state-writer.js';
import { PAGE_SHIFT, PAGE_SIZE } from './pte.js';
import { BANK_BYTES, BANK_COUNT, BANK_LAST_USE, BANK_MODE, BANK_SATP, BANK_SUPERPAGES, TLB_ENTRIES, TLB_ENTRY_BITS, TLB_MULTIPLIER, TLB_STORE_TO_CODE, TLB_TARGETS } from './tlb.js'; // prettier-ignore

/** Words of a tag, and of a target. */
const STEP_WORDS = 2;
/** From a tag to its target, and from a cache to the next. */
const TARGET_WORDS = TLB_TARGETS / 4;
const CACHE_WORDS = 2 * TARGET_WORDS;
/** Numbers of two of the three caches. */
const [STORES, FETCHES] = [1, 2];
const NO_TAG = 0xffff_ffff;
/** In place of the number of an entry: there are no more. */
const NO_MORE = TLB_ENTRIES;

/** How entries name frames. */
export interface TlbFrames {
  /** Host address of frame 0. */
  readonly ram: number;
  readonly count: number;
  /** Byte address of the decoded code of a frame; undefined when there is none. */
  slotOf(frame: number): number | undefined;
  /** There will be a store entry for a frame; false when there must be none. */
  allowStores(frame: number): boolean;
}

/** The banks of one hart. */
export interface TlbBanks {
  /** The machine's memory. */
  readonly words: Uint32Array;
  /** Byte address of the first bank. */
  readonly first: number;
  /** The hart's state. */
  readonly state: Uint32Array;
  readonly frames: TlbFrames;
}

/** Writes the banks of a hart that does not run. */
export function saveBanks({ words, first, state, frames }: TlbBanks, to: StateWriter): void {
  to.number(state[HART_BANK_USES] + state[HART_BANK_USES + 1] * 2 ** 32);
  for (const place of [HART_DATA_BANK, HART_FETCH_BANK]) to.u32((state[place] - first) / BANK_BYTES);
  for (let bank = 0; bank < BANK_COUNT; bank++) {
    const base = (first + bank * BANK_BYTES) >>> 2;
    const lastUse = base + BANK_LAST_USE / 4;
    to.number(words[lastUse] + words[lastUse + 1] * 2 ** 32);
    if (words[lastUse] === 0 && words[lastUse + 1] === 0) continue;
    to.words(words.subarray(base + BANK_SUPERPAGES / 4, base + BANK_SUPERPAGES / 4 + 4));
    to.words(words.subarray(base + BANK_SATP / 4, base + BANK_SATP / 4 + 2));
    to.u32(words[base + BANK_MODE / 4]);
    for (let cache = 0; cache < 3; cache++) {
      for (let entry = 0; entry < TLB_ENTRIES; entry++) {
        const at = base + cache * CACHE_WORDS + entry * STEP_WORDS;
        const low = words[at];
        if (low & 1) continue;
        const addend = words[at + TARGET_WORDS];
        const page = low - (low % PAGE_SIZE);
        const isFetch = cache === FETCHES;
        const frame = isFetch
          ? words[at + TARGET_WORDS + 1]
          : ((page + addend - frames.ram) >>> 0) >>> PAGE_SHIFT;
        // The slot may have been given to another frame since.
        if (isFetch && frames.slotOf(frame) !== addend) continue;
        to.words([entry, low, words[at + 1], frame]);
      }
      to.u32(NO_MORE);
    }
  }
}

/** @see saveBanks. Decoded code is there already, and the state has the mode and the address space of the hart. */
export function restoreBanks(banks: TlbBanks, from: StateReader): void {
  const { words, first, state } = banks;
  const uses = from.integer(0, Number.MAX_SAFE_INTEGER);
  putPair(state, HART_BANK_USES, uses);
  const [data, fetch] = [from.u32(BANK_COUNT - 1), from.u32(BANK_COUNT - 1)];
  for (let bank = 0; bank < BANK_COUNT; bank++) {
    const base = (first + bank * BANK_BYTES) >>> 2;
    const lastUse = from.integer(0, uses);
    putPair(words, base + BANK_LAST_USE / 4, lastUse);
    if (lastUse !== 0) restoreBank(banks, base, from);
  }
  for (const [bank, place, mode] of [
    [data, HART_DATA_BANK, HART_DATA_MODE],
    [fetch, HART_FETCH_BANK, HART_FETCH_MODE],
  ] as const) {
    const base = (first + bank * BANK_BYTES) >>> 2;
    const isTranslated = (state[mode] & MODE_TRANSLATED) !== 0;
    const isUsed = words[base + BANK_LAST_USE / 4] !== 0 || words[base + BANK_LAST_USE / 4 + 1] !== 0;
    const isRight =
      isUsed &&
      words[base + BANK_MODE / 4] === state[mode] &&
      words[base + BANK_SATP / 4] === (isTranslated ? state[HART_SATP] : 0) &&
      words[base + BANK_SATP / 4 + 1] === (isTranslated ? state[HART_SATP + 1] : 0);
    if (!isRight) from.fail('translations are of another address space');
    state[place] = base * 4;
  }
}

function restoreBank({ words, frames }: TlbBanks, base: number, from: StateReader): void {
  words.fill(NO_TAG, base, base + 3 * CACHE_WORDS);
  from.words(words.subarray(base + BANK_SUPERPAGES / 4, base + BANK_SUPERPAGES / 4 + 4));
  from.words(words.subarray(base + BANK_SATP / 4, base + BANK_SATP / 4 + 2));
  words[base + BANK_MODE / 4] = from.u32();
  for (let cache = 0; cache < 3; cache++) {
    for (let entry = from.u32(NO_MORE); entry !== NO_MORE; entry = from.u32(NO_MORE)) {
      const [low, high, frame] = [from.u32(), from.u32(), from.u32(frames.count - 1)];
      // The low bits of a page's address are 0, but for one of stores, and the others choose its place.
      const mark = cache === STORES ? low & TLB_STORE_TO_CODE : 0;
      const page = low - mark;
      if (page % PAGE_SIZE !== 0 || placeOf(page) !== entry) from.fail('a translation is at the wrong place');
      const slot = cache === FETCHES ? frames.slotOf(frame) : undefined;
      if (cache === FETCHES && slot === undefined) continue;
      if (cache === STORES && mark === 0 && !frames.allowStores(frame)) continue;
      const at = base + cache * CACHE_WORDS + entry * STEP_WORDS;
      words[at] = low;
      words[at + 1] = high;
      words[at + TARGET_WORDS] = slot ?? frames.ram + frame * PAGE_SIZE - page;
      words[at + TARGET_WORDS + 1] = frame;
    }
  }
}

/** Number of the entry for a page, by the low 32 bits of its address. */
function placeOf(low: number): number {
  return Math.imul(low, TLB_MULTIPLIER) >>> (32 - TLB_ENTRY_BITS);
}

function putPair(words: Uint32Array, at: number, value: number): void {
  words[at] = value % 2 ** 32;
  words[at + 1] = Math.floor(value / 2 ** 32);
}
