/**
 * M: integer multiplication and division.
 *
 * Nothing here traps: division by zero gives all ones and the dividend as remainder; the quotient that overflows is
 * the dividend, with remainder zero.
 *
 * @see The RISC-V Instruction Set Manual, Volume I, "M Extension for Integer Multiplication and Division"
 */

import { formsOf } from './forms.js';
import type { InstructionSpec } from './instruction.js';
import { i32, i64 } from './semantics.js';
import type { I32, I64, SemanticsBuilder } from './semantics.js';

const { register, described } = formsOf('M');

const LOW = i64.const(0xffff_ffff);
const SHIFT = i64.const(32);

/** Upper 64 bits of the unsigned product, from four products of 32-bit halves. */
function highUnsigned(s: SemanticsBuilder, a: I64, b: I64): I64 {
  const aLow = s.let(i64.and(a, LOW));
  const aHigh = s.let(i64.shrU(a, SHIFT));
  const bLow = s.let(i64.and(b, LOW));
  const bHigh = s.let(i64.shrU(b, SHIFT));
  const middle = s.let(i64.add(i64.mul(aHigh, bLow), i64.shrU(i64.mul(aLow, bLow), SHIFT)));
  const lower = s.let(i64.add(i64.mul(aLow, bHigh), i64.and(middle, LOW)));
  return i64.add(i64.add(i64.mul(aHigh, bHigh), i64.shrU(middle, SHIFT)), i64.shrU(lower, SHIFT));
}

/** What the upper half is less by when `a` counts as signed: `b` if `a` is negative. */
const signCorrection = (a: I64, b: I64): I64 => i64.and(i64.shrS(a, i64.const(63)), b);

const divide = (a: I64, b: I64): I64 =>
  i64.choose(
    i64.eqz(b),
    i64.const(-1),
    i64.choose(i64.eq(b, i64.const(-1)), i64.sub(i64.const(0), a), i64.divS(a, b)),
  );
const remainder = (a: I64, b: I64): I64 =>
  i64.choose(i64.eqz(b), a, i64.choose(i64.eq(b, i64.const(-1)), i64.const(0), i64.remS(a, b)));
const divideU = (a: I64, b: I64): I64 => i64.choose(i64.eqz(b), i64.const(-1), i64.divU(a, b));
const remainderU = (a: I64, b: I64): I64 => i64.choose(i64.eqz(b), a, i64.remU(a, b));
const divide32 = (a: I32, b: I32): I32 =>
  i32.choose(
    i32.eqz(b),
    i32.const(-1),
    i32.choose(i32.eq(b, i32.const(-1)), i32.sub(i32.const(0), a), i32.divS(a, b)),
  );
const remainder32 = (a: I32, b: I32): I32 =>
  i32.choose(i32.eqz(b), a, i32.choose(i32.eq(b, i32.const(-1)), i32.const(0), i32.remS(a, b)));
const divideU32 = (a: I32, b: I32): I32 => i32.choose(i32.eqz(b), i32.const(-1), i32.divU(a, b));
const remainderU32 = (a: I32, b: I32): I32 => i32.choose(i32.eqz(b), a, i32.remU(a, b));

const word = (name: string, match: number, compute: (a: I32, b: I32) => I32): InstructionSpec =>
  described(name, match, (s) =>
    s.writeRd(i64.extendS(compute(s.let(i32.wrap(s.rs1)), s.let(i32.wrap(s.rs2))))),
  );

export const RV64M: readonly InstructionSpec[] = [
  register('mul', 0x2000033, i64.mul),
  described('mulh', 0x2001033, (s) => {
    const a = s.let(s.rs1);
    const b = s.let(s.rs2);
    const high = highUnsigned(s, a, b);
    s.writeRd(i64.sub(i64.sub(high, signCorrection(a, b)), signCorrection(b, a)));
  }),
  described('mulhsu', 0x2002033, (s) => {
    const a = s.let(s.rs1);
    const b = s.let(s.rs2);
    s.writeRd(i64.sub(highUnsigned(s, a, b), signCorrection(a, b)));
  }),
  described('mulhu', 0x2003033, (s) => s.writeRd(highUnsigned(s, s.let(s.rs1), s.let(s.rs2)))),
  register('div', 0x2004033, divide),
  register('divu', 0x2005033, divideU),
  register('rem', 0x2006033, remainder),
  register('remu', 0x2007033, remainderU),
  word('mulw', 0x200003b, i32.mul),
  word('divw', 0x200403b, divide32),
  word('divuw', 0x200503b, divideU32),
  word('remw', 0x200603b, remainder32),
  word('remuw', 0x200703b, remainderU32),
];
