/**
 * The translation look-aside buffer, in the machine's memory, read by WebAssembly code and flushed from here.
 *
 * A bank holds the translations of one address space seen with one privilege: its key is satp and the MODE_* bits, so
 * that switching address spaces, or between user and supervisor, only chooses another bank. A hart has BANK_COUNT of
 * them; the one used longest ago is given away.
 *
 * A bank is three direct-mapped arrays, for loads, stores and fetches:
 *
 * ```
 *   entry, 16 bytes:  i64 tag = virtual page address, or -1   i32 addend   i32 frame
 *   loads, stores:    host address = low 32 bits of the virtual address + addend
 *   fetches:          addend = address of the page's slot of decoded records; frame = the frame it must hold
 * ```
 *
 * An entry exists only for what is allowed: a load entry for a readable page with A set, a store entry for a writable
 * one with A and D set whose frame has no decoded code. All are frames of RAM.
 */

import { HART_DATA_BANK, HART_FETCH_BANK, MODE_TRANSLATED } from '../hart/state.js';

/** log2 of the entries of each array. */
export const TLB_ENTRY_BITS = 9;
/** Entries of each array. */
export const TLB_ENTRIES = 1 << TLB_ENTRY_BITS;
export const TLB_ENTRY_BYTES = 16;
/** Offset of each array in a bank. */
export const TLB_LOADS = 0;
export const TLB_STORES = TLB_ENTRIES * TLB_ENTRY_BYTES;
export const TLB_FETCHES = 2 * TLB_ENTRIES * TLB_ENTRY_BYTES;
/** After the arrays: first and last byte of what superpages map, two u64. Pages of 64 KiB count as superpages. */
export const BANK_SUPERPAGES = 3 * TLB_ENTRIES * TLB_ENTRY_BYTES;
export const BANK_BYTES = BANK_SUPERPAGES + 64;
export const BANK_COUNT = 16;

const ARRAY_WORDS = (TLB_ENTRIES * TLB_ENTRY_BYTES) / 4;
const NO_TAG = 0xffff_ffff;

/** The banks of one hart. */
export class Tlb {
  readonly #words: Uint32Array;
  readonly #state: Uint32Array;
  readonly #firstBank: number;
  readonly #satpLow = new Uint32Array(BANK_COUNT);
  readonly #satpHigh = new Uint32Array(BANK_COUNT);
  readonly #modes = new Uint32Array(BANK_COUNT);
  readonly #lastUse = new Float64Array(BANK_COUNT);
  #uses = 0;

  /** @param firstBank byte address of the banks. */
  constructor(words: Uint32Array, state: Uint32Array, firstBank: number) {
    this.#words = words;
    this.#state = state;
    this.#firstBank = firstBank;
    for (let bank = 0; bank < BANK_COUNT; bank++) this.#clear(bank);
  }

  /** Byte address of the bank for this address space and mode; emptied if it was another's. */
  select(satpLow: number, satpHigh: number, mode: number): number {
    // Physical addressing does not depend on satp.
    const low = mode & MODE_TRANSLATED ? satpLow : 0;
    const high = mode & MODE_TRANSLATED ? satpHigh : 0;
    let oldest = 0;
    for (let bank = 0; bank < BANK_COUNT; bank++) {
      if (this.#lastUse[bank] === 0) {
        if (this.#lastUse[oldest] !== 0) oldest = bank;
        continue;
      }
      if (this.#modes[bank] === mode && this.#satpLow[bank] === low && this.#satpHigh[bank] === high) {
        this.#lastUse[bank] = ++this.#uses;
        return this.#address(bank);
      }
      if (this.#lastUse[bank] < this.#lastUse[oldest]) oldest = bank;
    }
    // The bank of the hart's fetches may be chosen while the one of its loads is about to be used.
    if (this.#lastUse[oldest] !== 0) this.#clear(oldest);
    this.#satpLow[oldest] = low;
    this.#satpHigh[oldest] = high;
    this.#modes[oldest] = mode;
    this.#lastUse[oldest] = ++this.#uses;
    return this.#address(oldest);
  }

  /** Forgets every translation. */
  flush(): void {
    for (let bank = 0; bank < BANK_COUNT; bank++) this.#flushBank(bank);
  }

  /** Forgets the translations of an address-space identifier; global ones may go too. */
  flushAsid(asid: number): void {
    for (let bank = 0; bank < BANK_COUNT; bank++) {
      if (this.#asidOf(bank) === asid) this.#flushBank(bank);
    }
  }

  /**
   * Forgets the translation of the page that holds a virtual address, in every address space or in one.
   * @param low low 32 bits of the address; the entry's place depends on no others. @param high the others.
   */
  flushPage(low: number, high: number, asid?: number): void {
    const index = ((low >>> 12) ^ (low >>> (12 + TLB_ENTRY_BITS))) & (TLB_ENTRIES - 1);
    const entry = index * (TLB_ENTRY_BYTES / 4);
    for (let bank = 0; bank < BANK_COUNT; bank++) {
      if (this.#lastUse[bank] === 0 || (asid !== undefined && this.#asidOf(bank) !== asid)) continue;
      const base = this.#address(bank) >>> 2;
      if (this.#mayBeSuperpage(base, low, high)) {
        // Any address of a superpage names all of it.
        this.#flushBank(bank);
        continue;
      }
      for (let array = 0; array < 3; array++) {
        const at = base + array * ARRAY_WORDS + entry;
        this.#words[at] = NO_TAG;
        this.#words[at + 1] = NO_TAG;
      }
    }
  }

  /** Forgets the store entries that reach a frame, given the host address of its first byte. */
  dropStores(hostAddress: number): void {
    const words = this.#words;
    for (let bank = 0; bank < BANK_COUNT; bank++) {
      if (this.#lastUse[bank] === 0) continue;
      const first = (this.#address(bank) + TLB_STORES) >>> 2;
      for (let at = first; at < first + ARRAY_WORDS; at += 4) {
        if ((words[at] + words[at + 2]) >>> 0 === hostAddress && (words[at] & 1) === 0) {
          words[at] = NO_TAG;
          words[at + 1] = NO_TAG;
        }
      }
    }
  }

  #mayBeSuperpage(base: number, low: number, high: number): boolean {
    const words = this.#words;
    const at = base + (BANK_SUPERPAGES >>> 2);
    const before = high < words[at + 1] || (high === words[at + 1] && low < words[at]);
    const after = high > words[at + 3] || (high === words[at + 3] && low > words[at + 2]);
    return !before && !after;
  }

  #asidOf(bank: number): number {
    return this.#modes[bank] & MODE_TRANSLATED ? (this.#satpHigh[bank] >>> 12) & 0xffff : -1;
  }

  #address(bank: number): number {
    return this.#firstBank + bank * BANK_BYTES;
  }

  /** Empties a bank. One that is not in use now is free for another address space. */
  #flushBank(bank: number): void {
    if (this.#lastUse[bank] === 0) return;
    this.#clear(bank);
    const address = this.#address(bank);
    if (this.#state[HART_DATA_BANK] !== address && this.#state[HART_FETCH_BANK] !== address) {
      this.#lastUse[bank] = 0;
    }
  }

  #clear(bank: number): void {
    const first = this.#address(bank) >>> 2;
    this.#words.fill(NO_TAG, first, first + 3 * ARRAY_WORDS);
    const superpages = first + (BANK_SUPERPAGES >>> 2);
    this.#words.fill(NO_TAG, superpages, superpages + 2);
    this.#words.fill(0, superpages + 2, superpages + 4);
  }
}
