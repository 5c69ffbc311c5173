/** Sets of registers, and which ones instructions use. */

import { HART_F, HART_X } from '../hart/state.js';
import type { DecodedInstruction } from '../interpreter/decoder.js';
import type { Shape } from './shape.js';

/** A set of registers: u32 of each file, a bit a register. */
export interface RegisterSet {
  readonly x: number;
  readonly f: number;
}

/** No register. */
export const NO_REGISTERS: RegisterSet = { x: 0, f: 0 };

/** Those of either. */
export const union = (a: RegisterSet, b: RegisterSet): RegisterSet => ({ x: a.x | b.x, f: a.f | b.f });
/** Those of the first that the second has not. */
export const without = (a: RegisterSet, b: RegisterSet): RegisterSet => ({ x: a.x & ~b.x, f: a.f & ~b.f });
/** Whether two sets are the same. */
export const same = (a: RegisterSet, b: RegisterSet): boolean => a.x === b.x && a.f === b.f;

/** The words of the hart's state that a set's registers have. */
export function wordsOf({ x, f }: RegisterSet): number[] {
  const out: number[] = [];
  for (let index = 0; index < 32; index += 1) {
    if ((x >>> index) & 1) out.push(HART_X + 2 * index);
    if ((f >>> index) & 1) out.push(HART_F + 2 * index);
  }
  return out;
}

/** How many registers there are in a set. */
export const registersIn = (registers: RegisterSet): number => wordsOf(registers).length;

/** Registers that an instruction reads; x0 is none. */
export function readsOf({ reads }: Shape, { rs1, rs2, rs3 }: DecodedInstruction): RegisterSet {
  let [x, f] = [0, 0];
  for (const name of reads) {
    if (name === 'rs1') x |= 1 << rs1;
    else if (name === 'rs2') x |= 1 << rs2;
    else if (name === 'frs1') f |= 1 << rs1;
    else if (name === 'frs2') f |= 1 << rs2;
    else if (name === 'frs3') f |= 1 << rs3;
  }
  return { x: x & ~1, f };
}

/** The register that an instruction writes, if it writes one. */
export function writesOf({ writes }: Shape, { rd }: DecodedInstruction): RegisterSet {
  return { x: writes === 'x' ? (1 << rd) & ~1 : 0, f: writes === 'f' ? 1 << rd : 0 };
}
