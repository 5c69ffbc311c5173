/**
 * Zfhmin: half precision, to be kept and converted, but not computed with.
 *
 * @see The RISC-V Instruction Set Manual, Volume I, "Zfh and Zfhmin Extensions for Half-Precision Floating-Point"
 */

import { floatMemory, floatSpec, opFp } from './float-forms.js';
import type { InstructionSpec, Operand } from './instruction.js';
import { FRD, FRS1, RD, ROUNDING, ROUNDING_EXACT, RS1 } from './operands.js';
import { FORMAT_DOUBLE, FORMAT_HALF, FORMAT_SINGLE, i64 } from './semantics.js';

const BOX = 0xffff_ffff_ffff_0000n;
const HALF = { code: FORMAT_HALF };
const MASK = 0xfff0707f;

const conversion = (name: string, from: number, to: number, rounding: Operand): InstructionSpec =>
  floatSpec(name, 'Zfhmin', opFp({ code: to }, 8, 0, from), 0xfff0007f, [FRD, FRS1, rounding], (s) => {
    const mode = s.roundingMode();
    s.writeFd(s.compute('floatConvert', s.frs1, mode, i64.const(from), i64.const(to)));
  });

export const ZFHMIN: readonly InstructionSpec[] = [
  ...floatMemory('Zfhmin', 'h', 1, 2, BOX),
  floatSpec('fmv.x.h', 'Zfhmin', opFp(HALF, 0x1c), MASK, [RD, FRS1], (s) => s.writeRd(i64.extend16S(s.frs1))),
  floatSpec('fmv.h.x', 'Zfhmin', opFp(HALF, 0x1e), MASK, [FRD, RS1], (s) =>
    s.writeFd(i64.or(s.rs1, i64.const(BOX))),
  ),
  conversion('fcvt.s.h', FORMAT_HALF, FORMAT_SINGLE, ROUNDING_EXACT),
  conversion('fcvt.h.s', FORMAT_SINGLE, FORMAT_HALF, ROUNDING),
  conversion('fcvt.d.h', FORMAT_HALF, FORMAT_DOUBLE, ROUNDING_EXACT),
  conversion('fcvt.h.d', FORMAT_DOUBLE, FORMAT_HALF, ROUNDING),
];
