/**
 * Address translation for a debugger: the page tables as they are in memory, without the TLB, without effects, and
 * without regard to what the page permits or to physical memory protection.
 *
 * @see The RISC-V Instruction Set Manual, Volume II, "Virtual Address Translation Process"
 */

import { HART_ROOT, HART_TOP_SHIFT, MODE_TRANSLATED } from '../hart/state.js';
import { PTE_R, PTE_V, PTE_W, PTE_X } from '../mmu/pte.js';
import type { Ram } from '../ram.js';

const PAGE_BITS = 12n;
const LEVEL_BITS = 9n;
const ENTRIES = 512;
const PTE_N = 1n << 63n;
const PPN_MASK = (1n << 44n) - 1n;
const PHYSICAL_BITS = 56n;
/** Svnapot has one size: 16 pages, and this in the lowest four bits of the page number. */
const NAPOT_BITS = 16n;
const NAPOT_PPN = 8n;

/**
 * Physical address of a byte.
 *
 * @param state of the hart. @param mode MODE_* bits: those of its fetches, or of its loads and stores.
 * @param address u64.
 * @returns undefined where nothing is mapped, the entry is reserved, or tables are not in RAM.
 */
export function translateAddress(
  ram: Ram,
  state: Uint32Array,
  mode: number,
  address: bigint,
): bigint | undefined {
  if ((mode & MODE_TRANSLATED) === 0) return address >> PHYSICAL_BITS === 0n ? address : undefined;
  let shift = BigInt(state[HART_TOP_SHIFT]);
  const unused = Number(55n - shift);
  if (BigInt.asUintN(64, BigInt.asIntN(64 - unused, address)) !== address) return undefined;
  let table = (BigInt(state[HART_ROOT + 1]) << 32n) | BigInt(state[HART_ROOT]);
  for (;;) {
    const pte = readEntry(ram, table, Number((address >> shift) & BigInt(ENTRIES - 1)));
    if (pte === undefined || (pte & BigInt(PTE_V)) === 0n) return undefined;
    const permissions = Number(pte & BigInt(PTE_R | PTE_W | PTE_X));
    if (permissions === PTE_W) return undefined;
    const page = ((pte >> 10n) & PPN_MASK) << PAGE_BITS;
    if ((permissions & (PTE_R | PTE_X)) !== 0) return leafAddress(pte, page, shift, address);
    if (shift === PAGE_BITS || pte >> 54n !== 0n) return undefined;
    table = page;
    shift -= LEVEL_BITS;
  }
}

function leafAddress(pte: bigint, page: bigint, shift: bigint, address: bigint): bigint | undefined {
  let bits = shift;
  let base = page;
  if ((pte & PTE_N) !== 0n) {
    if (shift !== PAGE_BITS || ((page >> PAGE_BITS) & 15n) !== NAPOT_PPN) return undefined;
    bits = NAPOT_BITS;
    base = (page >> NAPOT_BITS) << NAPOT_BITS;
  }
  const mask = (1n << bits) - 1n;
  return (base & mask) === 0n ? base | (address & mask) : undefined;
}

function readEntry(ram: Ram, table: bigint, index: number): bigint | undefined {
  const frame = (table >> PAGE_BITS) - BigInt(ram.basePpn);
  if (frame < 0n || frame >= BigInt(ram.frameCount)) return undefined;
  const at = Number(frame);
  return (BigInt(ram.readPteHi(at, index)) << 32n) | BigInt(ram.readPteLo(at, index));
}
