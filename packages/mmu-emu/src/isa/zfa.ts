/**
 * Zfa: additional floating-point instructions, for singles and doubles.
 *
 * @see The RISC-V Instruction Set Manual, Volume I, "Zfa: Additional Floating-Point Instructions"
 */

import { DOUBLE, SINGLE } from './float-formats.js';
import type { FloatFormat } from './float-formats.js';
import { floatCompare, floatMinMax, floatSpec, opFp } from './float-forms.js';
import type { InstructionSpec } from './instruction.js';
import { FLI_CONSTANT, FRD, FRS1, RD, ROUNDING, ROUNDING_TOWARDS_ZERO } from './operands.js';
import { i32, i64 } from './semantics.js';
import type { I64, SemanticsBuilder } from './semantics.js';

/** The constants of fli, by number. The second is the least normal number of the format. */
export const FLI_CONSTANTS: readonly (number | 'min')[] = [
  -1, 'min', 2 ** -16, 2 ** -15, 2 ** -8, 2 ** -7, 2 ** -4, 2 ** -3, 0.25, 0.3125, 0.375, 0.4375, 0.5, 0.625, 0.75, 0.875,
  1, 1.25, 1.5, 1.75, 2, 2.5, 3, 4, 8, 16, 128, 256, 2 ** 15, 2 ** 16, Infinity, NaN,
]; // prettier-ignore

const LEAST = { s: 2 ** -126, d: 2 ** -1022 } as const;
const NAN = { s: 0xffff_ffff_7fc0_0000n, d: 0x7ff8_0000_0000_0000n } as const;
const BOX = 0xffff_ffff_0000_0000n;

/** A constant as a register holds it. */
function constantOf(format: FloatFormat, index: number): I64 {
  const constant = FLI_CONSTANTS[index];
  const value = constant === 'min' ? LEAST[format.suffix] : constant;
  // What bits a host gives a NaN is its own affair.
  if (Number.isNaN(value)) return i64.const(NAN[format.suffix]);
  const view = new DataView(new ArrayBuffer(8));
  if (format === DOUBLE) {
    view.setFloat64(0, value);
    return i64.const(view.getBigUint64(0));
  }
  view.setFloat32(0, value);
  return i64.const(BOX | BigInt(view.getUint32(0)));
}

/** The constant of a number, which is found by its bits. */
function choose(s: SemanticsBuilder, format: FloatFormat, from: number, count: number): I64 {
  if (count === 1) return constantOf(format, from);
  const half = count / 2;
  const bit = i32.wrap(i64.and(s.rs1Index, i64.const(half)));
  return i64.choose(bit, choose(s, format, from + half, half), choose(s, format, from, half));
}

function instructions(format: FloatFormat): InstructionSpec[] {
  const { suffix } = format;
  const code = i64.const(format.code);
  const round = (name: string, number: number, tells: number): InstructionSpec =>
    floatSpec(
      `${name}.${suffix}`,
      'Zfa',
      opFp(format, 8, 0, number),
      0xfff0007f,
      [FRD, FRS1, ROUNDING],
      (s) => {
        const mode = s.roundingMode();
        s.writeFd(s.compute('floatRound', s.frs1, mode, i64.const(tells), code));
      },
    );
  return [
    floatSpec(`fli.${suffix}`, 'Zfa', opFp(format, 0x1e, 0, 1), 0xfff0707f, [FRD, FLI_CONSTANT], (s) =>
      s.writeFd(choose(s, format, 0, FLI_CONSTANTS.length)),
    ),
    floatMinMax(format, 'Zfa', 'fminm', 2, 'min'),
    floatMinMax(format, 'Zfa', 'fmaxm', 3, 'max'),
    round('fround', 4, 0),
    round('froundnx', 5, 1),
    floatCompare(format, 'Zfa', 'fleq', 4, 'le'),
    floatCompare(format, 'Zfa', 'fltq', 5, 'lt'),
  ];
}

export const ZFA: readonly InstructionSpec[] = [
  ...instructions(SINGLE),
  ...instructions(DOUBLE),
  {
    ...floatSpec(
      'fcvtmod.w.d',
      'Zfa',
      opFp(DOUBLE, 0x18, 1, 8),
      0xfff0707f,
      [RD, FRS1, ROUNDING_TOWARDS_ZERO],
      (s) => s.writeRd(s.compute('floatToIntegerModular', s.frs1)),
    ),
    constraints: [{ name: 'rm', not: [0, 2, 3, 4, 5, 6, 7] }],
  },
];
