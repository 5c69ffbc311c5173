/**
 * Fused multiply-add out of WebAssembly's operations, for what they can do: rounding to nearest, with the inexact flag set
 * already, on operands and results far from the ends of the range. Anything else is left to the exact routine.
 *
 * The sum of the parts of the product and the addend is kept exactly, as a rounded value and what is missing from it. The
 * missing part is rounded to odd, so that the last addition, which rounds to nearest, gives what rounding once would.
 *
 * @see S. Boldo, G. Melquiond, "Emulation of a FMA and correctly rounded sums: proved algorithms using rounding to odd",
 * IEEE Transactions on Computers 57 (4), 2008
 */

import { HART_FCSR } from '../hart/state.js';
import { FORMAT_DOUBLE } from '../isa/semantics.js';
import { call, get, i32c, i64c, load, op, ret, seq, set, when } from '../wasm/code.js';
import { FunctionBody } from '../wasm/function-body.js';
import type { Code } from '../wasm/function-body.js';
import { BOX, FLAG_INEXACT, ROUND_NEAREST_EVEN } from './constants.js';
import { add, and, both, either, eq, geU, isNought, isZero, ltU, not, or, select, shl, shr, sub, xor } from './expressions.js'; // prettier-ignore

const fAdd = (a: Code, b: Code): Code => op('f64.add', a, b);
const fSub = (a: Code, b: Code): Code => op('f64.sub', a, b);
const fMul = (a: Code, b: Code): Code => op('f64.mul', a, b);
const fromBits = (a: Code): Code => op('f64.reinterpret_i64', a);
const toBits = (a: Code): Code => op('i64.reinterpret_f64', a);

/** 2^27 + 1: splits a double into halves of 26 bits. */
const SPLITTER = fromBits(i64c(0x41a0_0000_0200_0000n));
/** Exponents of factors from 2^-300 to 2^300, of addends from 2^-600 to 2^600: nothing that is computed leaves the range. */
const FACTOR_LIMIT = 300;
const ADDEND_LIMIT = 600;

/** `multiplyAdd(hart, a, b, c, mode, format, negations)`: what registers hold. `exact` is the same, of anything. */
export function buildFastMultiplyAdd(exact: number): FunctionBody {
  const f = new FunctionBody(7);
  const [hart, a, b, c, mode, format, negations] = [0, 1, 2, 3, 4, 5, 6];
  const bits = f.local('i64');
  const double = (): number => f.local('f64');
  const [x, y, z, product, rest, high, low1, sum, low2, xHigh, yHigh] = Array.from({ length: 11 }, double) as [
    number, number, number, number, number, number, number, number, number, number, number,
  ]; // prettier-ignore

  /** `sum` and `error` are exactly p + q. */
  const twoSum = (into: number, error: number, p: number, q: number): Code =>
    seq(
      set(into, fAdd(get(p), get(q))),
      set(xHigh, fSub(get(into), get(p))),
      set(error, fAdd(fSub(get(p), fSub(get(into), get(xHigh))), fSub(get(q), get(xHigh)))),
    );
  /** Makes `value` odd if it is not exact; `error` is what is missing. */
  const roundToOdd = (value: number, error: number): Code =>
    when(
      both(not(op('f64.eq', get(error), fromBits(i64c(0)))), isZero(and(toBits(get(value)), 1))),
      set(
        value,
        fromBits(
          add(
            toBits(get(value)),
            select(isZero(shr(xor(toBits(get(value)), toBits(get(error))), 63)), i64c(1), i64c(-1)),
          ),
        ),
      ),
    );
  const split = (whole: number, into: number): Code =>
    set(into, fSub(fMul(SPLITTER, get(whole)), fSub(fMul(SPLITTER, get(whole)), get(whole))));
  const exponent = (value: Code): Code => and(shr(value, 52), 0x7ff);
  const near = (value: number, limit: number): Code =>
    ltU(sub(exponent(get(value)), 1023 - limit), 2 * limit);
  const negated = (value: number, bit: number): Code =>
    xor(get(value), shl(and(shr(get(negations), bit), 1), 63));
  const promoted = (value: number): Code =>
    op('f64.promote_f32', op('f32.reinterpret_i32', op('i32.wrap_i64', get(value))));
  const negatedValue = (value: Code, bit: number): Code =>
    fromBits(xor(toBits(value), shl(and(shr(get(negations), bit), 1), 63)));
  const plain = (field: Code, last: number): Code => ltU(sub(field, 2), last - 2);

  const doubles = when(
    both(both(near(a, FACTOR_LIMIT), near(b, FACTOR_LIMIT)), either(near(c, ADDEND_LIMIT), isNought(get(c)))),
    seq(
      set(x, fromBits(negated(a, 0))),
      set(y, fromBits(get(b))),
      set(z, fromBits(negated(c, 1))),
      set(product, fMul(get(x), get(y))),
      split(x, xHigh),
      split(y, yHigh),
      set(low1, fSub(get(x), get(xHigh))),
      set(low2, fSub(get(y), get(yHigh))),
      set(rest, fSub(fMul(get(xHigh), get(yHigh)), get(product))),
      set(rest, fAdd(fAdd(get(rest), fMul(get(xHigh), get(low2))), fMul(get(low1), get(yHigh)))),
      set(rest, fAdd(get(rest), fMul(get(low1), get(low2)))),
      twoSum(high, low1, z, rest),
      twoSum(sum, low2, product, high),
      twoSum(z, rest, low1, low2),
      roundToOdd(z, rest),
      set(bits, toBits(fAdd(get(sum), get(z)))),
      when(plain(exponent(get(bits)), 0x7ff), ret(get(bits))),
    ),
  );
  const singles = when(
    geU(and(and(get(a), get(b)), get(c)), BOX),
    seq(
      set(product, fMul(negatedValue(promoted(a), 0), promoted(b))),
      set(z, negatedValue(promoted(c), 1)),
      twoSum(sum, rest, product, z),
      roundToOdd(sum, rest),
      set(bits, op('i64.extend_i32_u', op('i32.reinterpret_f32', op('f32.demote_f64', get(sum))))),
      when(plain(and(shr(get(bits), 23), 0xff), 0xff), ret(or(get(bits), BOX))),
    ),
  );
  seq(
    when(
      both(
        eq(get(mode), ROUND_NEAREST_EVEN),
        op('i32.and', load('i32.load', get(hart), HART_FCSR * 4), i32c(FLAG_INEXACT)),
      ),
      when(eq(get(format), FORMAT_DOUBLE), doubles, singles),
    ),
    call(exact, get(hart), get(a), get(b), get(c), get(mode), get(format), get(negations)),
  )(f);
  return f;
}
