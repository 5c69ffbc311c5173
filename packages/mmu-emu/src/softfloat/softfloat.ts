import type { RoutineName } from '../isa/semantics.js';

import { call, get, i64c, ret, seq, set, when } from '../wasm/code.js';
import { FunctionBody } from '../wasm/function-body.js';
import type { Code } from '../wasm/function-body.js';
import type { ModuleBuilder } from '../wasm/module-builder.js';
import type { WasmType } from '../wasm/opcodes.js';
import { buildDivide, buildFusedMultiplyAdd, buildSquareRoot } from './arithmetic.js';
import { buildClassify, buildCompare, buildMinMax } from './comparison.js';
import { and, isInfinite, isNan, isNought, shl, shr, signOf, xor } from './expressions.js';
import { buildFromInteger, buildRoundToInteger, buildToInteger, buildToIntegerModular } from './integers.js';
import { defineRounding } from './rounding.js';
import { buildWiden } from './widening.js';

/** The routines of floating point. */
export type FloatRoutineName = Exclude<RoutineName, 'clmul' | 'clmulh'>;

const SIGN = 1n << 63n;
const ONE = 0x3ffn << 52n;

/**
 * Defines the routines of floating point, which `declared` gives the indices of, in a module whose memory has the hart's
 * state. What they take and give is said at ROUTINES.
 *
 * Every routine widens its operands to doubles, which is exact, computes with doubles, and rounds the exact result once,
 * to the format.
 */
export function defineSoftfloat(
  module: ModuleBuilder,
  declared: Readonly<Record<FloatRoutineName, number>>,
): void {
  const rounding = defineRounding(module);
  const declare = (count: number): number => {
    const types: WasmType[] = ['i32'];
    for (let i = 0; i < count; i++) types.push('i64');
    return module.declare(types, ['i64']);
  };
  const fma = declare(5);
  const divide = declare(4);
  const squareRoot = declare(3);
  const toInteger = declare(3);
  const roundToInteger = declare(5);
  const compare = declare(3);
  const minMax = declare(6);
  const classify = module.declare(['i64', 'i64'], ['i64']);
  const widenIndex = module.declare(['i64', 'i64'], ['i64']);
  module.define(fma, buildFusedMultiplyAdd(rounding));
  module.define(divide, buildDivide(rounding));
  module.define(squareRoot, buildSquareRoot(rounding));
  module.define(toInteger, buildToInteger(rounding));
  module.define(roundToInteger, buildRoundToInteger(rounding));
  module.define(compare, buildCompare(rounding));
  module.define(minMax, buildMinMax(rounding));
  module.define(classify, buildClassify(rounding));
  module.define(widenIndex, buildWiden());

  const routine = (
    name: FloatRoutineName,
    parameters: number,
    code: (...p: readonly Code[]) => Code,
  ): void => {
    const body = new FunctionBody(parameters + 1);
    code(...Array.from({ length: parameters + 1 }, (_, index) => get(index)))(body);
    module.define(declared[name], body);
  };
  const widen = (a: Code, format: Code): Code => call(widenIndex, a, format);
  const negateWhen = (condition: Code, a: Code): Code => xor(a, shl(condition, 63));

  routine('floatAdd', 4, (h, a, b, mode, format) =>
    call(fma, h, widen(a, format), i64c(ONE), widen(b, format), mode, format),
  );
  routine('floatSubtract', 4, (h, a, b, mode, format) =>
    call(fma, h, widen(a, format), i64c(ONE), xor(widen(b, format), SIGN), mode, format),
  );
  // The zero that is added has the sign of the product, and so changes nothing.
  routine('floatMultiply', 4, (h, a, b, mode, format) =>
    seq(
      set(1, widen(a, format)),
      set(2, widen(b, format)),
      call(fma, h, a, b, and(xor(a, b), SIGN), mode, format),
    ),
  );
  routine('floatDivide', 4, (h, a, b, mode, format) =>
    call(divide, h, widen(a, format), widen(b, format), mode, format),
  );
  routine('floatSquareRoot', 3, (h, a, mode, format) => call(squareRoot, h, widen(a, format), mode, format));
  routine('floatMultiplyAdd', 6, (h, a, b, c, mode, format, negations) =>
    call(
      fma,
      h,
      negateWhen(and(negations, 1), widen(a, format)),
      widen(b, format),
      negateWhen(shr(negations, 1), widen(c, format)),
      mode,
      format,
    ),
  );
  routine('floatCompare', 4, (h, a, b, relation, format) =>
    call(compare, h, widen(a, format), widen(b, format), relation),
  );
  routine('floatMinMax', 4, (h, a, b, which, format) =>
    call(minMax, h, widen(a, format), widen(b, format), a, b, which, format),
  );
  routine('floatClass', 2, (_, a, format) => call(classify, widen(a, format), format));
  routine('floatRound', 4, (h, a, mode, tells, format) =>
    call(roundToInteger, h, widen(a, format), a, mode, tells, format),
  );
  routine('floatToInteger', 4, (h, a, mode, kind, format) =>
    call(toInteger, h, widen(a, format), mode, kind),
  );
  module.define(declared.floatToIntegerModular, buildToIntegerModular(rounding));
  module.define(declared.integerToFloat, buildFromInteger(rounding));
  routine('floatConvert', 4, (h, a, mode, from, to) =>
    seq(
      set(1, widen(a, from)),
      when(isNan(a), ret(call(rounding.propagate, h, a, i64c(0), i64c(0), to))),
      when(isInfinite(a), ret(call(rounding.infinity, signOf(a), to))),
      when(isNought(a), ret(call(rounding.zero, signOf(a), to))),
      call(rounding.round, h, signOf(a), call(rounding.exponent, a), call(rounding.significand, a), mode, to),
    ),
  );
}
