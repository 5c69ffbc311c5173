/**
 * Zicond: conditional zero.
 *
 * @see The RISC-V Instruction Set Manual, Volume I, "Zicond Extension for Integer Conditional Operations"
 */

import { formsOf } from './forms.js';
import type { InstructionSpec } from './instruction.js';
import { i64 } from './semantics.js';

const { register } = formsOf('Zicond');

export const ZICOND: readonly InstructionSpec[] = [
  register('czero.eqz', 0x0e005033, (a, b) => i64.choose(i64.eqz(b), i64.const(0), a)),
  register('czero.nez', 0x0e007033, (a, b) => i64.choose(i64.eqz(b), a, i64.const(0))),
];
