/**
 * Functions that the routines share: raising flags, taking doubles apart, and rounding exact results to a format.
 *
 * An exact value on its way is a sign, the exponent of its leading bit, and a significand of 64 bits with the leading bit
 * at the top; its lowest bit is also set when anything below it is not zero.
 */

import { HART_FCSR } from '../hart/state.js';
import { call, choose, get, i32c, i64c, load, op, ret, seq, set, store, when } from '../wasm/code.js';
import { FunctionBody } from '../wasm/function-body.js';
import type { Code } from '../wasm/function-body.js';
import type { ModuleBuilder } from '../wasm/module-builder.js';
import { FORMAT_DOUBLE, FORMAT_SINGLE } from '../isa/semantics.js';
import { BOX, BOX_HALF, CANONICAL_NAN_DOUBLE, CANONICAL_NAN_HALF, CANONICAL_NAN_SINGLE, FLAG_INEXACT, FLAG_INVALID, FLAG_OVERFLOW, FLAG_UNDERFLOW, ROUND_DOWN, ROUND_NEAREST_EVEN, ROUND_NEAREST_MAX, ROUND_UP } from './constants.js'; // prettier-ignore
import { makeFloatStateDirty } from './float-state.js';
import { add, and, both, clz, either, eq, FRACTION, geU, gtS, isSignaling, isZero, low, ltS, magnitude, ne, not, or, select, shl, shr, sub, wide } from './expressions.js'; // prettier-ignore

/** Indices of the shared functions. All values are i64 but the hart, which is an i32 address. */
export interface RoundingFunctions {
  /** (hart, flags i32) */
  readonly raise: number;
  /** (double) gives the exponent of its leading bit; not for zero. */
  readonly exponent: number;
  /** (double) gives its significand, leading bit at the top; 0 for zero. */
  readonly significand: number;
  /** (sign, mode, quotient, remainder, half) gives 1 to round the quotient up in magnitude. */
  readonly increment: number;
  /** (significand, count) shifted right by any count, with what is lost kept in the lowest bit. */
  readonly shiftSticky: number;
  /** (hart, sign, exponent, significand, mode, format) gives the register's value. */
  readonly round: number;
  /** (sign, format) */
  readonly infinity: number;
  /** (sign, format) */
  readonly zero: number;
  /** (hart, a, b, c, format) gives the canonical NaN, and raises invalid if an operand is a signaling NaN. */
  readonly propagate: number;
  /** (hart, format) gives the canonical NaN and raises invalid. */
  readonly invalid: number;
}

const many = (count: number): 'i64'[] => Array.from({ length: count }, () => 'i64');

/** Adds the shared functions to a module. */
export function defineRounding(module: ModuleBuilder): RoundingFunctions {
  const functions: RoundingFunctions = {
    raise: module.declare(['i32', 'i32'], []),
    exponent: module.declare(many(1), ['i64']),
    significand: module.declare(many(1), ['i64']),
    increment: module.declare(many(5), ['i64']),
    shiftSticky: module.declare(many(2), ['i64']),
    round: module.declare(['i32', ...many(5)], ['i64']),
    infinity: module.declare(many(2), ['i64']),
    zero: module.declare(many(2), ['i64']),
    propagate: module.declare(['i32', ...many(4)], ['i64']),
    invalid: module.declare(['i32', ...many(1)], ['i64']),
  };
  module.define(functions.raise, buildRaise());
  module.define(functions.exponent, buildExponent());
  module.define(functions.significand, buildSignificand());
  module.define(functions.increment, buildIncrement());
  module.define(functions.shiftSticky, buildShiftSticky());
  module.define(functions.round, buildRound(functions));
  module.define(functions.infinity, buildConstant(0x7ffn << 52n, BOX | 0x7f80_0000n, BOX_HALF | 0x7c00n));
  module.define(functions.zero, buildConstant(0n, BOX, BOX_HALF));
  module.define(functions.propagate, buildPropagate(functions));
  module.define(functions.invalid, buildInvalid(functions));
  return functions;
}

const body = (parameters: number, code: (f: FunctionBody) => Code): FunctionBody => {
  const f = new FunctionBody(parameters);
  code(f)(f);
  return f;
};

const buildRaise = (): FunctionBody =>
  body(2, () =>
    seq(
      store(
        'i32.store',
        get(0),
        op('i32.or', load('i32.load', get(0), HART_FCSR * 4), get(1)),
        HART_FCSR * 4,
      ),
      makeFloatStateDirty(0),
    ),
  );

const exponentField = (a: Code): Code => and(shr(a, 52), 0x7ff);

const buildExponent = (): FunctionBody =>
  body(1, () =>
    choose(
      'i64',
      isZero(exponentField(get(0))),
      sub(i64c(-1011), clz(magnitude(get(0)))),
      sub(exponentField(get(0)), 1023),
    ),
  );

const buildSignificand = (): FunctionBody =>
  body(1, () =>
    choose(
      'i64',
      isZero(exponentField(get(0))),
      shl(magnitude(get(0)), clz(magnitude(get(0)))),
      shl(or(and(get(0), FRACTION), 1n << 52n), 11),
    ),
  );

function buildIncrement(): FunctionBody {
  const [sign, mode, quotient, remainder, half] = [0, 1, 2, 3, 4].map(get) as [Code, Code, Code, Code, Code];
  return body(5, () =>
    seq(
      when(eq(mode, ROUND_NEAREST_EVEN), ret(wide(op('i64.gt_u', add(remainder, and(quotient, 1)), half)))),
      when(eq(mode, ROUND_NEAREST_MAX), ret(wide(geU(remainder, half)))),
      when(eq(mode, ROUND_DOWN), ret(wide(both(low(sign), ne(remainder, 0))))),
      when(eq(mode, ROUND_UP), ret(wide(both(not(low(sign)), ne(remainder, 0))))),
      i64c(0),
    ),
  );
}

const buildShiftSticky = (): FunctionBody =>
  body(2, () =>
    choose(
      'i64',
      gtS(get(1), 63),
      wide(ne(get(0), 0)),
      or(shr(get(0), get(1)), wide(ne(and(get(0), sub(shl(i64c(1), get(1)), 1)), 0))),
    ),
  );

/**
 * Underflow is detected after rounding: a result is tiny when rounding it with an unbounded exponent leaves it below
 * the least normal value.
 */
function buildRound(functions: RoundingFunctions): FunctionBody {
  const f = new FunctionBody(6);
  const [hart, sign, exponent, significand, mode, format] = [0, 1, 2, 3, 4, 5];
  const least = f.local('i64');
  const shift = f.local('i64');
  const kept = f.local('i64');
  const quotient = f.local('i64');
  const remainder = f.local('i64');
  const bits = f.local('i64');
  const limit = f.local('i64');
  const tiny = f.local('i32');
  const mask = (count: Code): Code => sub(shl(i64c(1), count), 1);
  const half = (count: Code): Code => shl(i64c(1), sub(count, 1));
  const rounded = (value: number): Code =>
    add(
      get(quotient),
      call(functions.increment, get(sign), get(mode), get(quotient), get(remainder), half(get(value))),
    );
  const byFormat = (double: number | bigint, single: number | bigint, half: number | bigint): Code =>
    forFormat(get(format), i64c(double), i64c(single), i64c(half));
  seq(
    set(least, byFormat(-1022, -126, -14)),
    set(shift, byFormat(11, 40, 53)),
    set(kept, get(significand)),
    when(
      ltS(get(exponent), get(least)),
      seq(
        set(quotient, shr(get(significand), get(shift))),
        set(remainder, and(get(significand), mask(get(shift)))),
        // Only what rounds up to the least normal value is not tiny.
        set(
          tiny,
          not(
            both(
              eq(get(exponent), sub(get(least), 1)),
              eq(rounded(shift), shl(i64c(1), sub(i64c(64), get(shift)))),
            ),
          ),
        ),
        set(shift, add(get(shift), sub(get(least), get(exponent)))),
        set(exponent, get(least)),
        when(
          gtS(get(shift), 62),
          seq(set(kept, call(functions.shiftSticky, get(kept), sub(get(shift), 62))), set(shift, i64c(62))),
        ),
      ),
    ),
    set(quotient, shr(get(kept), get(shift))),
    set(remainder, and(get(kept), mask(get(shift)))),
    // A carry out of the fraction, and out of the subnormal range, counts the exponent up by itself.
    set(bits, add(shl(sub(get(exponent), get(least)), byFormat(52, 23, 10)), rounded(shift))),
    when(
      ne(get(remainder), 0),
      call(functions.raise, get(hart), select(get(tiny), i32c(FLAG_INEXACT | FLAG_UNDERFLOW), i32c(FLAG_INEXACT))), // prettier-ignore
    ),
    set(limit, byFormat(0x7ffn << 52n, 0x7f80_0000n, 0x7c00n)),
    when(
      geU(get(bits), get(limit)),
      seq(
        call(functions.raise, get(hart), i32c(FLAG_INEXACT | FLAG_OVERFLOW)),
        set(
          bits,
          select(
            either(
              either(eq(get(mode), ROUND_NEAREST_EVEN), eq(get(mode), ROUND_NEAREST_MAX)),
              eq(get(mode), select(low(get(sign)), i64c(ROUND_DOWN), i64c(ROUND_UP))),
            ),
            get(limit),
            sub(get(limit), 1),
          ),
        ),
      ),
    ),
    or(or(get(bits), shl(get(sign), byFormat(63, 31, 15))), byFormat(0, BOX, BOX_HALF)),
  )(f);
  return f;
}

/** One of three values, by format. */
export const forFormat = (format: Code, double: Code, single: Code, half: Code): Code =>
  select(eq(format, FORMAT_DOUBLE), double, select(eq(format, FORMAT_SINGLE), single, half));

/** (sign, format): this value with a sign. */
const buildConstant = (double: bigint, single: bigint, half: bigint): FunctionBody =>
  body(2, () =>
    forFormat(get(1), or(shl(get(0), 63), double), or(shl(get(0), 31), single), or(shl(get(0), 15), half)),
  );

const canonical = (format: Code): Code =>
  forFormat(format, i64c(CANONICAL_NAN_DOUBLE), i64c(CANONICAL_NAN_SINGLE), i64c(CANONICAL_NAN_HALF));

const buildPropagate = (functions: RoundingFunctions): FunctionBody =>
  body(5, () =>
    seq(
      when(
        either(either(isSignaling(get(1)), isSignaling(get(2))), isSignaling(get(3))),
        call(functions.raise, get(0), i32c(FLAG_INVALID)),
      ),
      canonical(get(4)),
    ),
  );

const buildInvalid = (functions: RoundingFunctions): FunctionBody =>
  body(2, () => seq(call(functions.raise, get(0), i32c(FLAG_INVALID)), canonical(get(1))));
