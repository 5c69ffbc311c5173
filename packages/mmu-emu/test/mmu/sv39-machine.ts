/** A hosted or full-system machine with page tables that a test fills in. */

import { assemble, HART_PC, HART_X, INTEGER_REGISTERS, Machine, PTE_A, PTE_D, PTE_R, PTE_U, PTE_V, PTE_W, PTE_X } from '../../src/index.js'; // prettier-ignore
import type { Hart, MachineOptions } from '../../src/index.js';
import { HART_CAUSE, HART_TVAL } from '../../src/hart/state.js';
import { setWordPair, wordPair } from '../run-program.js';

export const USER = PTE_V | PTE_U | PTE_A | PTE_D;
export const USER_RW = USER | PTE_R | PTE_W;
export const USER_RX = USER | PTE_R | PTE_X;

/** Code is here, readable and executable. */
export const CODE = 0x1_0000n;

/** Frames: 0 root, 1 to 63 tables, 64 code, from 128 data. */
export const CODE_FRAME = 64;
export const DATA_FRAME = 128;

export class Sv39Machine {
  readonly hart: Hart;
  #nextTable = 1;

  private constructor(readonly machine: Machine) {
    this.hart = machine.harts[0]!;
  }

  /** With `source` mapped at CODE for users. */
  static async of(source: string, options: MachineOptions = {}): Promise<Sv39Machine> {
    const made = new Sv39Machine(await Machine.create({ mode: 'hosted', ramBytes: 4 * 2 ** 20, ...options }));
    made.machine.ram.writable(CODE_FRAME, 4).set(assemble(source, { origin: Number(CODE) }).bytes);
    made.map(CODE, CODE_FRAME, USER_RX);
    made.hart.setAddressSpace(made.machine.ram.basePpn, 1);
    made.pc = CODE;
    return made;
  }

  /** Where the entry for an address is, at a level (2 the root), with the tables above it made as needed. */
  entry(vaddr: bigint, level = 0): { readonly frame: number; readonly index: number } {
    const { ram } = this.machine;
    let frame = 0;
    for (let l = 2; l > level; l--) {
      const index = Number((vaddr >> BigInt(12 + 9 * l)) & 511n);
      if ((ram.readPteLo(frame, index) & PTE_V) === 0) {
        this.writeEntry(frame, index, pte(ram.basePpn + this.#nextTable++, PTE_V));
      }
      frame = (ram.readPteLo(frame, index) >>> 10) + (ram.readPteHi(frame, index) << 22) - ram.basePpn;
    }
    return { frame, index: Number((vaddr >> BigInt(12 + 9 * level)) & 511n) };
  }

  /** Maps a page (or a superpage, at level 1 or 2) to a frame. */
  map(vaddr: bigint, frame: number, flags: number, level = 0): void {
    this.setEntry(vaddr, pte(this.machine.ram.basePpn + frame, flags), level);
  }

  setEntry(vaddr: bigint, value: bigint, level = 0): void {
    const { frame, index } = this.entry(vaddr, level);
    this.writeEntry(frame, index, value);
  }

  readEntry(vaddr: bigint, level = 0): bigint {
    const { ram } = this.machine;
    const { frame, index } = this.entry(vaddr, level);
    return (BigInt(ram.readPteHi(frame, index)) << 32n) | BigInt(ram.readPteLo(frame, index));
  }

  writeEntry(frame: number, index: number, value: bigint): void {
    this.machine.ram.writePte(frame, index, Number(value & 0xffff_ffffn), Number(value >> 32n));
  }

  get pc(): bigint {
    return wordPair(this.hart, HART_PC);
  }

  set pc(value: bigint) {
    setWordPair(this.hart, HART_PC, value);
  }

  x(name: string): bigint {
    return wordPair(this.hart, HART_X + 2 * INTEGER_REGISTERS.indexOf(name));
  }

  setX(name: string, value: bigint): void {
    setWordPair(this.hart, HART_X + 2 * INTEGER_REGISTERS.indexOf(name), value);
  }

  get cause(): number {
    return this.hart.state[HART_CAUSE];
  }

  get tval(): bigint {
    return wordPair(this.hart, HART_TVAL);
  }
}

/** An entry of a physical page number and flags. */
export function pte(ppn: number, flags: number): bigint {
  return (BigInt(ppn) << 10n) | BigInt(flags);
}
