/**
 * Zbc: carry-less multiplication.
 *
 * @see The RISC-V Instruction Set Manual, Volume I, "Zbc: Carry-less multiplication"
 */

import { formsOf } from './forms.js';
import type { InstructionSpec } from './instruction.js';
import { i64 } from './semantics.js';

const { described } = formsOf('Zbc');

export const ZBC: readonly InstructionSpec[] = [
  described('clmul', 0x0a001033, (s) => s.writeRd(s.compute('clmul', s.rs1, s.rs2))),
  described('clmulr', 0x0a002033, (s) => {
    const high = s.compute('clmulh', s.rs1, s.rs2);
    const low = s.compute('clmul', s.rs1, s.rs2);
    s.writeRd(i64.or(i64.shl(high, i64.const(1)), i64.shrU(low, i64.const(63))));
  }),
  described('clmulh', 0x0a003033, (s) => s.writeRd(s.compute('clmulh', s.rs1, s.rs2))),
];
