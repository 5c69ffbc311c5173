/**
 * Between integers and floating point, and rounding to whole numbers.
 *
 * Operands are doubles: the routines have widened them.
 *
 * @see The RISC-V Instruction Set Manual, Volume I, "Single-Precision Floating-Point Conversion and Move Instructions"
 */

import { brIf, block, call, choose, get, i32c, i64c, op, ret, seq, set, when } from '../wasm/code.js';
import { FunctionBody } from '../wasm/function-body.js';
import type { Code } from '../wasm/function-body.js';
import { FLAG_INEXACT, FLAG_INVALID, ROUND_TOWARDS_ZERO } from './constants.js';
import { add, and, both, clz, either, eq, gtS, gtU, isInfinite, isNan, isNought, low, ltS, ne, not, select, shl, shr, signOf, sub, wide } from './expressions.js'; // prettier-ignore
import type { RoundingFunctions } from './rounding.js';

/** Half of the unit that `increment` gets remainders in. */
const HALF = 1n << 62n;

interface Parts {
  readonly sign: number;
  readonly exponent: number;
  readonly quotient: number;
  readonly remainder: number;
}

const declareParts = (f: FunctionBody): Parts => ({
  sign: f.local('i64'),
  exponent: f.local('i64'),
  quotient: f.local('i64'),
  remainder: f.local('i64'),
});

/** Takes a finite value below 2^64 that is not zero apart: a whole number, and a remainder in units of 2^-63. */
function takeApart(functions: RoundingFunctions, a: number, parts: Parts): Code {
  const significand = (): Code => call(functions.significand, get(a));
  const { exponent, quotient, remainder } = parts;
  return seq(
    set(parts.sign, signOf(get(a))),
    set(exponent, call(functions.exponent, get(a))),
    when(
      ltS(get(exponent), 0),
      seq(
        set(quotient, i64c(0)),
        set(remainder, call(functions.shiftSticky, significand(), sub(i64c(0), get(exponent)))),
      ),
      seq(
        set(quotient, shr(significand(), sub(i64c(63), get(exponent)))),
        set(
          remainder,
          select(eq(get(exponent), 63), i64c(0), shr(shl(significand(), add(get(exponent), 1)), 1)),
        ),
      ),
    ),
  );
}

const roundUp = (functions: RoundingFunctions, mode: Code, parts: Parts): Code =>
  set(
    parts.quotient,
    add(
      get(parts.quotient),
      call(functions.increment, get(parts.sign), mode, get(parts.quotient), get(parts.remainder), i64c(HALF)),
    ),
  );

/** By kind: w, wu, l, lu. */
const byKind = (kind: Code, values: readonly [bigint, bigint, bigint, bigint]): Code =>
  select(
    low(and(shr(kind, 1), 1)),
    select(low(and(kind, 1)), i64c(values[3]), i64c(values[2])),
    select(low(and(kind, 1)), i64c(values[1]), i64c(values[0])),
  );

/** `toInteger(hart, a, mode, kind)`: what does not fit, and NaN, is the nearest end of the range, and invalid. */
export function buildToInteger(functions: RoundingFunctions): FunctionBody {
  const f = new FunctionBody(4);
  const [hart, a, mode, kind] = [0, 1, 2, 3];
  const parts = declareParts(f);
  const { sign, exponent, quotient, remainder } = parts;
  const most = byKind(get(kind), [0x7fff_ffffn, -1n, 0x7fff_ffff_ffff_ffffn, -1n]);
  const least = byKind(get(kind), [-0x8000_0000n, 0n, -0x8000_0000_0000_0000n, 0n]);
  // Magnitudes.
  const greatest = byKind(get(kind), [0x7fff_ffffn, 0xffff_ffffn, 0x7fff_ffff_ffff_ffffn, -1n]);
  const lowest = byKind(get(kind), [0x8000_0000n, 0n, 0x8000_0000_0000_0000n, 0n]);
  block(
    'invalid',
    set(sign, i64c(0)),
    brIf('invalid', isNan(get(a))),
    when(isNought(get(a)), ret(i64c(0))),
    set(sign, signOf(get(a))),
    brIf('invalid', gtS(call(functions.exponent, get(a)), 63)),
    takeApart(functions, a, parts),
    roundUp(functions, get(mode), parts),
    brIf('invalid', gtU(get(quotient), select(low(get(sign)), lowest, greatest))),
    when(ne(get(remainder), 0), call(functions.raise, get(hart), i32c(FLAG_INEXACT))),
    set(quotient, select(low(get(sign)), sub(i64c(0), get(quotient)), get(quotient))),
    ret(select(eq(get(kind), 1), op('i64.extend32_s', get(quotient)), get(quotient))),
  )(f);
  set(exponent, select(low(get(sign)), least, most))(f);
  call(functions.raise, get(hart), i32c(FLAG_INVALID))(f);
  get(exponent)(f);
  return f;
}

/**
 * `modular(hart, a)`: the low 32 bits of the whole number towards zero, sign-extended. Flags as fcvt.w.d.
 *
 * @see The RISC-V Instruction Set Manual, Volume I, "Zfa: Additional Floating-Point Instructions"
 */
export function buildToIntegerModular(functions: RoundingFunctions): FunctionBody {
  const f = new FunctionBody(2);
  const [hart, a] = [0, 1];
  const parts = declareParts(f);
  const { sign, exponent, quotient, remainder } = parts;
  const result = f.local('i64');
  seq(
    when(isNought(get(a)), ret(i64c(0))),
    when(
      either(isNan(get(a)), isInfinite(get(a))),
      seq(call(functions.raise, get(hart), i32c(FLAG_INVALID)), ret(i64c(0))),
    ),
    when(
      gtS(call(functions.exponent, get(a)), 63),
      seq(
        call(functions.raise, get(hart), i32c(FLAG_INVALID)),
        set(exponent, sub(call(functions.exponent, get(a)), 63)),
        // Only multiples of 2^32 are left then.
        when(gtS(get(exponent), 31), ret(i64c(0))),
        set(result, shl(call(functions.significand, get(a)), get(exponent))),
        set(sign, signOf(get(a))),
      ),
      seq(
        takeApart(functions, a, parts),
        set(result, get(quotient)),
        when(
          gtU(get(quotient), add(get(sign), 0x7fff_ffff)),
          call(functions.raise, get(hart), i32c(FLAG_INVALID)),
          when(ne(get(remainder), 0), call(functions.raise, get(hart), i32c(FLAG_INEXACT))),
        ),
      ),
    ),
    op('i64.extend32_s', select(low(get(sign)), sub(i64c(0), get(result)), get(result))),
  )(f);
  return f;
}

/** `fromInteger(hart, x, mode, kind, format)`: x as the kind says, rounded. */
export function buildFromInteger(functions: RoundingFunctions): FunctionBody {
  const f = new FunctionBody(5);
  const [hart, x, mode, kind, format] = [0, 1, 2, 3, 4];
  const sign = f.local('i64');
  const zeros = f.local('i64');
  seq(
    when(
      not(low(shr(get(kind), 1))),
      set(x, select(low(get(kind)), and(get(x), 0xffff_ffffn), op('i64.extend32_s', get(x)))),
    ),
    set(sign, wide(both(not(low(and(get(kind), 1))), ltS(get(x), 0)))),
    when(low(get(sign)), set(x, sub(i64c(0), get(x)))),
    when(eq(get(x), 0), ret(call(functions.zero, i64c(0), get(format)))),
    set(zeros, clz(get(x))),
    call(functions.round, get(hart), get(sign), sub(i64c(63), get(zeros)), shl(get(x), get(zeros)), get(mode), get(format)), // prettier-ignore
  )(f);
  return f;
}

/** `roundToInteger(hart, a, register, mode, tells, format)`: a, which is what the register holds, as a whole number. */
export function buildRoundToInteger(functions: RoundingFunctions): FunctionBody {
  const f = new FunctionBody(6);
  const [hart, a, register, mode, tells, format] = [0, 1, 2, 3, 4, 5];
  const parts = declareParts(f);
  const { sign, quotient, remainder, exponent } = parts;
  seq(
    when(isNan(get(a)), ret(call(functions.propagate, get(hart), get(a), i64c(0), i64c(0), get(format)))),
    when(either(isNought(get(a)), isInfinite(get(a))), ret(get(register))),
    when(gtS(call(functions.exponent, get(a)), 51), ret(get(register))),
    takeApart(functions, a, parts),
    roundUp(functions, get(mode), parts),
    when(
      both(ne(get(remainder), 0), ne(get(tells), 0)),
      call(functions.raise, get(hart), i32c(FLAG_INEXACT)),
    ),
    set(exponent, sub(i64c(63), clz(get(quotient)))),
    choose(
      'i64',
      eq(get(quotient), 0),
      call(functions.zero, get(sign), get(format)),
      call(
        functions.round,
        get(hart),
        get(sign),
        get(exponent),
        shl(get(quotient), sub(i64c(63), get(exponent))),
        i64c(ROUND_TOWARDS_ZERO),
        get(format),
      ),
    ),
  )(f);
  return f;
}
