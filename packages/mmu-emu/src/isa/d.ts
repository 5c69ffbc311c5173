/**
 * D: double precision.
 *
 * @see The RISC-V Instruction Set Manual, Volume I, "D Extension for Double-Precision Floating-Point"
 */

import { boxSingle, DOUBLE, SINGLE } from './float-formats.js';
import { floatInstructions, floatMemory, floatSpec, nearest, opFp } from './float-forms.js';
import type { InstructionSpec } from './instruction.js';
import { FRD, FRS1, RD, ROUNDING, ROUNDING_EXACT, RS1 } from './operands.js';
import { f32, f64, FORMAT_DOUBLE, FORMAT_SINGLE, i32, i64 } from './semantics.js';

const MASK = 0xfff0707f;
const MASK_ROUNDED = 0xfff0007f;

export const RVD: readonly InstructionSpec[] = [
  ...floatMemory('D', 'd', 3, 8, 0n),
  ...floatInstructions(DOUBLE),
  floatSpec('fmv.x.d', 'D', opFp(DOUBLE, 0x1c), MASK, [RD, FRS1], (s) => s.writeRd(s.frs1)),
  floatSpec('fmv.d.x', 'D', opFp(DOUBLE, 0x1e), MASK, [FRD, RS1], (s) => s.writeFd(s.rs1)),
  floatSpec('fcvt.s.d', 'D', opFp(SINGLE, 8, 0, 1), MASK_ROUNDED, [FRD, FRS1, ROUNDING], (s) => {
    const mode = s.roundingMode();
    const a = s.let(s.frs1);
    const value = s.let(boxSingle(f32.demote(f64.reinterpret(a))));
    const shortcut = { condition: i32.and(nearest(s, mode), SINGLE.plain(value)), value };
    s.writeFd(s.computeUnless(shortcut, 'floatConvert', a, mode, i64.const(FORMAT_DOUBLE), i64.const(FORMAT_SINGLE))); // prettier-ignore
  }),
  floatSpec('fcvt.d.s', 'D', opFp(DOUBLE, 8, 0, 0), MASK_ROUNDED, [FRD, FRS1, ROUNDING_EXACT], (s) => {
    const mode = s.roundingMode();
    const a = s.let(s.frs1);
    const value = f64.bits(SINGLE.wide(a));
    const shortcut = { condition: i32.and(SINGLE.boxed(a), SINGLE.compare('eq', a, a)), value };
    s.writeFd(s.computeUnless(shortcut, 'floatConvert', a, mode, i64.const(FORMAT_SINGLE), i64.const(FORMAT_DOUBLE))); // prettier-ignore
  }),
];
