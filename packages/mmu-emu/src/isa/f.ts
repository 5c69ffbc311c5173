/**
 * F: single precision.
 *
 * @see The RISC-V Instruction Set Manual, Volume I, "F Extension for Single-Precision Floating-Point"
 */

import { BOX, SINGLE } from './float-formats.js';
import { floatInstructions, floatMemory, floatSpec, opFp } from './float-forms.js';
import type { InstructionSpec } from './instruction.js';
import { FRD, FRS1, RD, RS1 } from './operands.js';
import { i64 } from './semantics.js';

const MASK = 0xfff0707f;

export const RVF: readonly InstructionSpec[] = [
  ...floatMemory('F', 'w', 2, 4, 0xffff_ffff_0000_0000n),
  ...floatInstructions(SINGLE),
  // These move bits, whatever they are.
  floatSpec('fmv.x.w', 'F', opFp(SINGLE, 0x1c), MASK, [RD, FRS1], (s) => s.writeRd(i64.extend32S(s.frs1))),
  floatSpec('fmv.w.x', 'F', opFp(SINGLE, 0x1e), MASK, [FRD, RS1], (s) => s.writeFd(i64.or(s.rs1, BOX))),
];
