import { STATE_WORDS } from './hart/state.js';
import { REGION_NUMBERS, SLOT_BYTES } from './interpreter/record.js';
import { BANK_BYTES, BANK_COUNT } from './mmu/tlb.js';
import { PAGE_SIZE } from './mmu/pte.js';

/** Offset of the TLB banks in a hart's area. */
export const HART_BANKS = roundUp(STATE_WORDS * 4, PAGE_SIZE);
/** Bytes of one hart: state, then TLB banks. */
export const HART_BYTES = HART_BANKS + BANK_BYTES * BANK_COUNT;

/** Where the marks of a debugger lie, in the page before the first hart; see interpreter/debug-hooks.ts. */
export const DEBUG_INSTRUCTIONS = 1024;
export const DEBUG_ACCESSES = 3072;

/** The table of CSRs, see hart/csr-table.ts: a byte for each number, then what they name. */
export const CSR_NUMBERS = PAGE_SIZE;
export const CSR_TABLE = 2 * PAGE_SIZE;

const WASM_PAGE = 65536;
const FIRST_HART = 3 * PAGE_SIZE;

/** Where everything lies in the machine's one memory; byte addresses and byte sizes. */
export interface MemoryLayout {
  readonly harts: readonly number[];
  /** One u16 a frame of RAM. */
  readonly frameInfo: number;
  readonly frameCount: number;
  readonly slots: number;
  readonly slotCount: number;
  /** One u64 a number of a region: instructions retired in it. */
  readonly regionRetired: number;
  readonly ram: number;
  readonly ramBytes: number;
  /** Size of the memory in WebAssembly pages of 64 KiB. */
  readonly pages: number;
}

/** Lays out the memory of a machine. Nothing moves later and the memory never grows. */
export function layOutMemory(ramBytes: number, hartCount: number, slotCount: number): MemoryLayout {
  const harts = Array.from({ length: hartCount }, (_, i) => FIRST_HART + i * HART_BYTES);
  const frameCount = ramBytes / PAGE_SIZE;
  const frameInfo = FIRST_HART + hartCount * HART_BYTES;
  const slots = roundUp(frameInfo + frameCount * 2, 64);
  const regionRetired = roundUp(slots + slotCount * SLOT_BYTES, 64);
  const ram = roundUp(regionRetired + REGION_NUMBERS * 8, WASM_PAGE);
  const pages = Math.ceil((ram + ramBytes) / WASM_PAGE);
  return { harts, frameInfo, frameCount, slots, slotCount, regionRetired, ram, ramBytes, pages };
}

function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}
