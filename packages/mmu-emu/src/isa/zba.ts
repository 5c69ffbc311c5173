/**
 * Zba: address generation.
 *
 * @see The RISC-V Instruction Set Manual, Volume I, "Zba: Address generation"
 */

import { formsOf, low32 } from './forms.js';
import type { InstructionSpec } from './instruction.js';
import { SHAMT_6 } from './operands.js';
import { i64 } from './semantics.js';
import type { I64 } from './semantics.js';

const { register, immediate } = formsOf('Zba');

const shiftAdd =
  (shift: number) =>
  (a: I64, b: I64): I64 =>
    i64.add(i64.shl(a, i64.const(shift)), b);
const shiftAddWord =
  (shift: number) =>
  (a: I64, b: I64): I64 =>
    shiftAdd(shift)(low32(a), b);

export const ZBA: readonly InstructionSpec[] = [
  register('sh1add', 0x20002033, shiftAdd(1)),
  register('sh2add', 0x20004033, shiftAdd(2)),
  register('sh3add', 0x20006033, shiftAdd(3)),
  register('add.uw', 0x0800003b, (a, b) => i64.add(low32(a), b)),
  register('sh1add.uw', 0x2000203b, shiftAddWord(1)),
  register('sh2add.uw', 0x2000403b, shiftAddWord(2)),
  register('sh3add.uw', 0x2000603b, shiftAddWord(3)),
  immediate('slli.uw', 0x0800101b, SHAMT_6, (a, b) => i64.shl(low32(a), b)),
];
