/**
 * Zbs: single-bit instructions.
 *
 * @see The RISC-V Instruction Set Manual, Volume I, "Zbs: Single-bit instructions"
 */

import { formsOf } from './forms.js';
import type { InstructionSpec } from './instruction.js';
import { SHAMT_6 } from './operands.js';
import { i64 } from './semantics.js';
import type { I64 } from './semantics.js';

const { register, immediate } = formsOf('Zbs');

const bit = (index: I64): I64 => i64.shl(i64.const(1), index);
const clear = (a: I64, b: I64): I64 => i64.and(a, i64.xor(bit(b), i64.const(-1)));
const extract = (a: I64, b: I64): I64 => i64.and(i64.shrU(a, b), i64.const(1));
const invert = (a: I64, b: I64): I64 => i64.xor(a, bit(b));
const put = (a: I64, b: I64): I64 => i64.or(a, bit(b));

export const ZBS: readonly InstructionSpec[] = [
  register('bclr', 0x48001033, clear),
  register('bext', 0x48005033, extract),
  register('binv', 0x68001033, invert),
  register('bset', 0x28001033, put),
  immediate('bclri', 0x48001013, SHAMT_6, clear),
  immediate('bexti', 0x48005013, SHAMT_6, extract),
  immediate('binvi', 0x68001013, SHAMT_6, invert),
  immediate('bseti', 0x28001013, SHAMT_6, put),
];
