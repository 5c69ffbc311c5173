/**
 * The registers of physical memory protection, and the list that accesses are checked with.
 *
 * There are 16 entries with a granularity of 4 bytes. A write to a locked entry changes nothing; a locked TOR entry locks
 * the address register before it too. W without R is reserved, and drops W when written.
 *
 * @see The RISC-V Instruction Set Manual, Volume II, "Physical Memory Protection CSRs"
 */

import { PMP_ENTRY_BYTES, PMP_MACHINE_SHIFT } from '../mmu/pmp-check.js';
import { HART_PMP_ADDRESS, HART_PMP_CONFIGURATION, HART_PMP_COUNT, HART_PMP_TABLE } from './state.js';

/** Entries that exist. */
export const PMP_ENTRIES = 16;

const CSR_PMPCFG0 = 0x3a0;
const CSR_PMPADDR0 = 0x3b0;

const READ = 1;
const WRITE = 2;
const PERMISSIONS = 7;
const MATCHING_SHIFT = 3;
const MATCHING = 3 << MATCHING_SHIFT;
const OFF = 0;
const TOR = 1;
const NA4 = 2;
const LOCKED = 0x80;
/** Addresses are bits 55 to 2 of physical ones. */
const ADDRESS_HIGH = 0x3f_ffff;
/** An entry that matches everything and allows everything. */
const EVERYTHING = 0x1f;

/** Physical memory protection of one hart. Values are pairs of u32. */
export class PmpRegisters {
  readonly #state: Uint32Array;
  readonly #bytes: Uint8Array;

  constructor(state: Uint32Array) {
    this.#state = state;
    this.#bytes = new Uint8Array(state.buffer, state.byteOffset + HART_PMP_CONFIGURATION * 4, PMP_ENTRIES);
  }

  /** Lets everybody do everything: where no firmware is there to say so. */
  allowEverything(): void {
    this.#bytes[0] = EVERYTHING;
    this.#state[HART_PMP_ADDRESS] = 0xffff_ffff;
    this.#state[HART_PMP_ADDRESS + 1] = ADDRESS_HIGH;
    this.rebuild();
  }

  /** Writes pmpcfg0, pmpcfg2 or one of pmpaddr0 to pmpaddr15, by number. */
  write(csr: number, low: number, high: number): void {
    if (csr >= CSR_PMPADDR0) this.#writeAddress(csr - CSR_PMPADDR0, low, high);
    else this.#writeConfiguration(csr === CSR_PMPCFG0 ? 0 : 8, low, high);
  }

  /** 8 entries from `first` on. */
  #writeConfiguration(first: number, low: number, high: number): void {
    for (let i = 0; i < 8; i++) {
      const at = first + i;
      if (this.#bytes[at] & LOCKED) continue;
      let value = ((i < 4 ? low : high) >>> (8 * (i & 3))) & (LOCKED | MATCHING | PERMISSIONS);
      if ((value & (READ | WRITE)) === WRITE) value &= ~WRITE;
      this.#bytes[at] = value;
    }
    this.rebuild();
  }

  #writeAddress(entry: number, low: number, high: number): void {
    const next = entry + 1 < PMP_ENTRIES ? this.#bytes[entry + 1] : 0;
    const isBase = (next & LOCKED) !== 0 && (next & MATCHING) >>> MATCHING_SHIFT === TOR;
    if (this.#bytes[entry] & LOCKED || isBase) return;
    this.#state[HART_PMP_ADDRESS + 2 * entry] = low;
    this.#state[HART_PMP_ADDRESS + 2 * entry + 1] = high & ADDRESS_HIGH;
    this.rebuild();
  }

  /** Makes the list that accesses are checked with from the registers. */
  rebuild(): void {
    const state = this.#state;
    let count = 0;
    for (let entry = 0; entry < PMP_ENTRIES; entry++) {
      const configuration = this.#bytes[entry];
      const matching = (configuration & MATCHING) >>> MATCHING_SHIFT;
      if (matching === OFF) continue;
      const address = HART_PMP_ADDRESS + 2 * entry;
      const [low, high] = [state[address], state[address + 1]];
      const at = HART_PMP_TABLE + (count * PMP_ENTRY_BYTES) / 4;
      if (matching === TOR) {
        const baseLow = entry === 0 ? 0 : state[address - 2];
        const baseHigh = entry === 0 ? 0 : state[address - 1];
        // A range that ends before it begins matches nothing.
        if (baseHigh > high || (baseHigh === high && baseLow >= low)) continue;
        this.#putAddress(at, baseLow, baseHigh);
        this.#putAddress(at + 2, low, high);
      } else if (matching === NA4) {
        this.#putAddress(at, low, high);
        this.#putSuccessor(at + 2, low, high);
      } else {
        // The zero above the lowest ones, and those, are where the range goes from all zeros to all ones.
        const nextLow = (low + 1) >>> 0;
        const nextHigh = high + (nextLow === 0 ? 1 : 0);
        this.#putAddress(at, low & nextLow, high & nextHigh);
        this.#putSuccessor(at + 2, low | nextLow, high | nextHigh);
      }
      const permissions = configuration & PERMISSIONS;
      const machine = configuration & LOCKED ? permissions : PERMISSIONS;
      state[at + 4] = permissions | (machine << PMP_MACHINE_SHIFT);
      count++;
    }
    state[HART_PMP_COUNT] = count;
  }

  /** Puts an address, given less its low two bits. */
  #putAddress(at: number, low: number, high: number): void {
    this.#state[at] = low << 2;
    this.#state[at + 1] = (high << 2) | (low >>> 30);
  }

  #putSuccessor(at: number, low: number, high: number): void {
    const nextLow = (low + 1) >>> 0;
    this.#putAddress(at, nextLow, high + (nextLow === 0 ? 1 : 0));
  }
}
