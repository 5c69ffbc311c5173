/**
 * Comparison, least and greatest, and classification. Operands are doubles: the routines have widened them.
 *
 * @see The RISC-V Instruction Set Manual, Volume I, "Single-Precision Floating-Point Compare Instructions" and
 * "Single-Precision Floating-Point Classify Instruction"
 */

import { call, choose, get, i32c, i64c, op, ret, seq, set, when } from '../wasm/code.js';
import { FunctionBody } from '../wasm/function-body.js';
import type { Code } from '../wasm/function-body.js';
import { FLAG_INVALID } from './constants.js';
import { and, both, either, eq, isInfinite, isNan, isNought, isSignaling, low, ltS, not, select, shl, signOf, wide, add, sub } from './expressions.js'; // prettier-ignore
import { forFormat } from './rounding.js';
import type { RoundingFunctions } from './rounding.js';

const asDouble = (a: Code): Code => op('f64.reinterpret_i64', a);
const compare = (name: string, a: number, b: number): Code => op(name, asDouble(get(a)), asDouble(get(b)));

/** `compare(hart, a, b, relation)`: relation 0 le, 1 lt, 2 eq; 4 le and 5 lt, quietly. */
export function buildCompare(functions: RoundingFunctions): FunctionBody {
  const f = new FunctionBody(4);
  const [hart, a, b, relation] = [0, 1, 2, 3];
  const loud = op('i64.lt_u', get(relation), i64c(2));
  seq(
    when(
      either(isNan(get(a)), isNan(get(b))),
      seq(
        when(
          either(loud, either(isSignaling(get(a)), isSignaling(get(b)))),
          call(functions.raise, get(hart), i32c(FLAG_INVALID)),
        ),
        ret(i64c(0)),
      ),
    ),
    wide(
      select(
        eq(get(relation), 2),
        compare('f64.eq', a, b),
        select(low(and(get(relation), 1)), compare('f64.lt', a, b), compare('f64.le', a, b)),
      ),
    ),
  )(f);
  return f;
}

/** `minMax(hart, a, b, registerA, registerB, which, format)`: -0 is less than 0, and a number goes before a NaN. */
export function buildMinMax(functions: RoundingFunctions): FunctionBody {
  const f = new FunctionBody(7);
  const [hart, a, b, registerA, registerB, which, format] = [0, 1, 2, 3, 4, 5, 6];
  const first = f.local('i32');
  seq(
    when(
      either(isNan(get(a)), isNan(get(b))),
      seq(
        set(registerA, choose('i64', isNan(get(a)), get(registerB), get(registerA))),
        // Raises invalid if one is signaling.
        set(registerB, call(functions.propagate, get(hart), get(a), get(b), i64c(0), get(format))),
        ret(
          select(
            either(op('i64.gt_u', get(which), i64c(1)), both(isNan(get(a)), isNan(get(b)))),
            get(registerB),
            get(registerA),
          ),
        ),
      ),
    ),
    set(first, either(compare('f64.lt', a, b), both(compare('f64.eq', a, b), low(signOf(get(a)))))),
    select(op('i32.xor', get(first), low(and(get(which), 1))), get(registerA), get(registerB)),
  )(f);
  return f;
}

/** `classify(a, format)`: one bit, as fclass numbers them. */
export function buildClassify(functions: RoundingFunctions): FunctionBody {
  const f = new FunctionBody(2);
  const [a, format] = [0, 1];
  const bit = f.local('i64');
  seq(
    when(isNan(get(a)), ret(select(isSignaling(get(a)), i64c(1 << 8), i64c(1 << 9)))),
    // Distance from the zeros: 0 zero, 1 subnormal, 2 normal, 3 infinite.
    when(
      isNought(get(a)),
      set(bit, i64c(0)),
      when(
        isInfinite(get(a)),
        set(bit, i64c(3)),
        set(
          bit,
          select(
            ltS(call(functions.exponent, get(a)), forFormat(get(format), i64c(-1022), i64c(-126), i64c(-14))),
            i64c(1),
            i64c(2),
          ),
        ),
      ),
    ),
    shl(i64c(1), select(not(low(signOf(get(a)))), add(get(bit), 4), sub(i64c(3), get(bit)))),
  )(f);
  return f;
}
