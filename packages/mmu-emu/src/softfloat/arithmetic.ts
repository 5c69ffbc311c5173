/**
 * Fused multiply-add, division and square root of doubles, rounded once to a double or a single.
 *
 * Singles are widened first, which is exact, so one routine serves both formats; addition, subtraction and multiplication
 * are fused multiply-adds too.
 *
 * @see The RISC-V Instruction Set Manual, Volume I, "Single-Precision Floating-Point Computational Instructions"
 * @see IEEE Std 754-2019, "Formats and operations"
 */

import { brIf, call, get, i32c, i64c, loop, op, ret, seq, set, tee, when } from '../wasm/code.js';
import { FunctionBody } from '../wasm/function-body.js';
import type { Code } from '../wasm/function-body.js';
import { FLAG_DIVIDE_BY_ZERO, ROUND_DOWN } from './constants.js';
import { add, and, both, clz, either, eq, exchangeWhen, geU, gtS, isInfinite, isNan, isNought, isZero, low, ltS, ltU, mul, ne, or, shl, shr, signOf, sub, wide, xor } from './expressions.js'; // prettier-ignore
import type { RoundingFunctions } from './rounding.js';

/** Sign of an exact zero that a sum gives. */
const zeroSign = (mode: Code): Code => wide(eq(mode, ROUND_DOWN));

/** `fma(hart, a, b, c, mode, format)`: a times b plus c. */
export function buildFusedMultiplyAdd(functions: RoundingFunctions): FunctionBody {
  const f = new FunctionBody(6);
  const [hart, a, b, c, mode, format] = [0, 1, 2, 3, 4, 5];
  const local = (): number => f.local('i64');
  const sign = local();
  const exponent = local();
  const high = local();
  const lower = local();
  const sign2 = local();
  const exponent2 = local();
  const high2 = local();
  const lower2 = local();
  const spare = local();
  const distance = local();
  const x = local();
  const y = local();
  const finish = (): Code =>
    call(
      functions.round,
      get(hart),
      get(sign),
      get(exponent),
      or(get(high), wide(ne(get(lower), 0))),
      get(mode),
      get(format),
    );
  const HALF = 0xffff_ffffn;

  seq(
    when(
      either(both(isInfinite(get(a)), isNought(get(b))), both(isNought(get(a)), isInfinite(get(b)))),
      ret(call(functions.invalid, get(hart), get(format))),
    ),
    when(
      either(either(isNan(get(a)), isNan(get(b))), isNan(get(c))),
      ret(call(functions.propagate, get(hart), get(a), get(b), get(c), get(format))),
    ),
    set(sign, xor(signOf(get(a)), signOf(get(b)))),
    set(sign2, signOf(get(c))),
    when(
      either(isInfinite(get(a)), isInfinite(get(b))),
      seq(
        when(
          both(isInfinite(get(c)), ne(get(sign), get(sign2))),
          ret(call(functions.invalid, get(hart), get(format))),
        ),
        ret(call(functions.infinity, get(sign), get(format))),
      ),
    ),
    when(isInfinite(get(c)), ret(call(functions.infinity, get(sign2), get(format)))),
    when(
      either(isNought(get(a)), isNought(get(b))),
      seq(
        when(
          isNought(get(c)),
          seq(
            when(ne(get(sign), get(sign2)), set(sign, zeroSign(get(mode)))),
            ret(call(functions.zero, get(sign), get(format))),
          ),
        ),
        ret(
          call(
            functions.round,
            get(hart),
            get(sign2),
            call(functions.exponent, get(c)),
            call(functions.significand, get(c)),
            get(mode),
            get(format),
          ),
        ),
      ),
    ),
    // The product of 128 bits, from halves; its leading bit is moved to the top.
    set(x, call(functions.significand, get(a))),
    set(y, call(functions.significand, get(b))),
    set(spare, mul(and(get(x), HALF), and(get(y), HALF))),
    set(distance, add(mul(shr(get(x), 32), and(get(y), HALF)), shr(get(spare), 32))),
    set(high, add(mul(shr(get(x), 32), shr(get(y), 32)), shr(get(distance), 32))),
    set(distance, add(and(get(distance), HALF), mul(and(get(x), HALF), shr(get(y), 32)))),
    set(high, add(get(high), shr(get(distance), 32))),
    set(lower, or(shl(get(distance), 32), and(get(spare), HALF))),
    set(exponent, add(add(call(functions.exponent, get(a)), call(functions.exponent, get(b))), 1)),
    when(
      isZero(shr(get(high), 63)),
      seq(
        set(high, or(shl(get(high), 1), shr(get(lower), 63))),
        set(lower, shl(get(lower), 1)),
        set(exponent, sub(get(exponent), 1)),
      ),
    ),
    when(isNought(get(c)), ret(finish())),
    set(high2, call(functions.significand, get(c))),
    set(exponent2, call(functions.exponent, get(c))),
    // The greater magnitude goes first.
    exchangeWhen(
      either(
        ltS(get(exponent), get(exponent2)),
        both(
          eq(get(exponent), get(exponent2)),
          either(ltU(get(high), get(high2)), both(eq(get(high), get(high2)), ltU(get(lower), get(lower2)))),
        ),
      ),
      spare,
      [sign, sign2],
      [exponent, exponent2],
      [high, high2],
      [lower, lower2],
    ),
    // Aligned to it; what is shifted out stays in the lowest bit. An operand that loses bits is so far below that at most
    // one leading bit of the difference cancels, so the lowest bit only ever says "not exact".
    set(distance, sub(get(exponent), get(exponent2))),
    when(
      gtS(get(distance), 63),
      seq(
        set(
          lower2,
          or(call(functions.shiftSticky, get(high2), sub(get(distance), 64)), wide(ne(get(lower2), 0))),
        ),
        set(high2, i64c(0)),
      ),
      when(
        ne(get(distance), 0),
        seq(
          set(
            lower2,
            or(
              shl(get(high2), sub(i64c(64), get(distance))),
              call(functions.shiftSticky, get(lower2), get(distance)),
            ),
          ),
          set(high2, shr(get(high2), get(distance))),
        ),
      ),
    ),
    when(
      eq(get(sign), get(sign2)),
      seq(
        set(x, add(get(lower), get(lower2))),
        set(y, add(get(high), get(high2))),
        set(distance, ltUWide(get(y), get(high))),
        set(high, add(get(y), ltUWide(get(x), get(lower)))),
        set(distance, or(get(distance), ltUWide(get(high), get(y)))),
        set(lower, get(x)),
        when(
          low(get(distance)),
          seq(
            set(lower, or(or(shr(get(lower), 1), shl(get(high), 63)), and(get(lower), 1))),
            set(high, or(shr(get(high), 1), 1n << 63n)),
            set(exponent, add(get(exponent), 1)),
          ),
        ),
        ret(finish()),
      ),
    ),
    set(high, sub(sub(get(high), get(high2)), ltUWide(get(lower), get(lower2)))),
    set(lower, sub(get(lower), get(lower2))),
    when(isZero(or(get(high), get(lower))), ret(call(functions.zero, zeroSign(get(mode)), get(format)))),
    when(
      isZero(get(high)),
      seq(set(high, get(lower)), set(lower, i64c(0)), set(exponent, sub(get(exponent), 64))),
    ),
    set(distance, clz(get(high))),
    when(
      ne(get(distance), 0),
      seq(
        set(high, or(shl(get(high), get(distance)), shr(get(lower), sub(i64c(64), get(distance))))),
        set(lower, shl(get(lower), get(distance))),
        set(exponent, sub(get(exponent), get(distance))),
      ),
    ),
    finish(),
  )(f);
  return f;
}

const ltUWide = (a: Code, b: Code): Code => wide(ltU(a, b));

/** `div(hart, a, b, mode, format)`: a divided by b. */
export function buildDivide(functions: RoundingFunctions): FunctionBody {
  const f = new FunctionBody(5);
  const [hart, a, b, mode, format] = [0, 1, 2, 3, 4];
  const sign = f.local('i64');
  const exponent = f.local('i64');
  const rest = f.local('i64');
  const divisor = f.local('i64');
  const quotient = f.local('i64');
  const count = f.local('i32');
  seq(
    when(
      either(isNan(get(a)), isNan(get(b))),
      ret(call(functions.propagate, get(hart), get(a), get(b), i64c(0), get(format))),
    ),
    when(
      either(both(isInfinite(get(a)), isInfinite(get(b))), both(isNought(get(a)), isNought(get(b)))),
      ret(call(functions.invalid, get(hart), get(format))),
    ),
    set(sign, xor(signOf(get(a)), signOf(get(b)))),
    when(isInfinite(get(a)), ret(call(functions.infinity, get(sign), get(format)))),
    when(either(isInfinite(get(b)), isNought(get(a))), ret(call(functions.zero, get(sign), get(format)))),
    when(
      isNought(get(b)),
      seq(
        call(functions.raise, get(hart), i32c(FLAG_DIVIDE_BY_ZERO)),
        ret(call(functions.infinity, get(sign), get(format))),
      ),
    ),
    set(exponent, sub(call(functions.exponent, get(a)), call(functions.exponent, get(b)))),
    set(rest, shr(call(functions.significand, get(a)), 11)),
    set(divisor, shr(call(functions.significand, get(b)), 11)),
    when(
      ltU(get(rest), get(divisor)),
      seq(set(rest, shl(get(rest), 1)), set(exponent, sub(get(exponent), 1))),
    ),
    // One bit before the point, then six digits of ten bits; a rest stays below 2^53, and has room for ten more.
    set(quotient, i64c(1)),
    set(rest, sub(get(rest), get(divisor))),
    set(count, i32c(6)),
    loop(
      'digit',
      set(rest, shl(get(rest), 10)),
      set(quotient, or(shl(get(quotient), 10), op('i64.div_u', get(rest), get(divisor)))),
      set(rest, op('i64.rem_u', get(rest), get(divisor))),
      brIf('digit', tee(count, op('i32.sub', get(count), i32c(1)))),
    ),
    call(
      functions.round,
      get(hart),
      get(sign),
      get(exponent),
      or(shl(get(quotient), 3), wide(ne(get(rest), 0))),
      get(mode),
      get(format),
    ),
  )(f);
  return f;
}

/** `sqrt(hart, a, mode, format)`: the square root, digit by digit. */
export function buildSquareRoot(functions: RoundingFunctions): FunctionBody {
  const f = new FunctionBody(4);
  const [hart, a, mode, format] = [0, 1, 2, 3];
  const exponent = f.local('i64');
  const radicand = f.local('i64');
  const root = f.local('i64');
  const rest = f.local('i64');
  const trial = f.local('i64');
  const count = f.local('i32');
  seq(
    when(isNan(get(a)), ret(call(functions.propagate, get(hart), get(a), i64c(0), i64c(0), get(format)))),
    when(isNought(get(a)), ret(call(functions.zero, signOf(get(a)), get(format)))),
    when(low(signOf(get(a))), ret(call(functions.invalid, get(hart), get(format)))),
    when(isInfinite(get(a)), ret(call(functions.infinity, i64c(0), get(format)))),
    set(exponent, call(functions.exponent, get(a))),
    // 54 bits at the top: an even exponent leaves the first of them zero.
    set(radicand, shl(shr(call(functions.significand, get(a)), 11), add(and(get(exponent), 1), 10))),
    set(exponent, op('i64.shr_s', get(exponent), i64c(1))),
    set(count, i32c(56)),
    loop(
      'digit',
      set(rest, or(shl(get(rest), 2), shr(get(radicand), 62))),
      set(radicand, shl(get(radicand), 2)),
      set(trial, or(shl(get(root), 2), 1)),
      set(root, shl(get(root), 1)),
      when(
        geU(get(rest), get(trial)),
        seq(set(rest, sub(get(rest), get(trial))), set(root, or(get(root), 1))),
      ),
      brIf('digit', tee(count, op('i32.sub', get(count), i32c(1)))),
    ),
    call(
      functions.round,
      get(hart),
      i64c(0),
      get(exponent),
      or(shl(get(root), 8), wide(ne(get(rest), 0))),
      get(mode),
      get(format),
    ),
  )(f);
  return f;
}
