/**
 * What a register holds, as a double: exact, and a NaN stays signaling or quiet.
 *
 * @see The RISC-V Instruction Set Manual, Volume I, "NaN Boxing of Narrower Values"
 */

import { FORMAT_DOUBLE, FORMAT_SINGLE } from '../isa/semantics.js';
import { choose, get, i64c, op, ret, seq, set, when } from '../wasm/code.js';
import { FunctionBody } from '../wasm/function-body.js';
import type { Code } from '../wasm/function-body.js';
import { BOX, BOX_HALF, CANONICAL_NAN_DOUBLE } from './constants.js';
import { add, and, eq, geU, gtU, ltU, or, shl, shr } from './expressions.js';

const asDouble = (a: Code): Code => op('i64.reinterpret_f64', a);

/**
 * `widen(register, format)`. The fraction of a narrower format is moved up; a subnormal one is a whole number of units.
 */
export function buildWiden(): FunctionBody {
  const f = new FunctionBody(2);
  const [a, format] = [0, 1];
  const magnitude = f.local('i64');
  const sign = f.local('i64');
  const narrow = (box: bigint, width: number, fractionBits: number, bias: number): Code => {
    const infinity = ((1n << BigInt(width - 1 - fractionBits)) - 1n) << BigInt(fractionBits);
    const up = 52 - fractionBits;
    // The least subnormal, as a double.
    const unit = BigInt(1023 - bias + 1 - fractionBits) << 52n;
    return seq(
      when(ltU(get(a), box), ret(i64c(CANONICAL_NAN_DOUBLE))),
      set(magnitude, and(get(a), (1n << BigInt(width - 1)) - 1n)),
      set(sign, shl(and(shr(get(a), width - 1), 1), 63)),
      when(
        geU(get(magnitude), infinity),
        ret(
          or(get(sign), or(shl(and(get(magnitude), (1n << BigInt(fractionBits)) - 1n), up), 0x7ffn << 52n)),
        ),
      ),
      when(
        gtU(get(magnitude), (1n << BigInt(fractionBits)) - 1n),
        ret(or(get(sign), add(shl(get(magnitude), up), BigInt(1023 - bias) << 52n))),
      ),
      or(
        get(sign),
        asDouble(
          op('f64.mul', op('f64.convert_i64_s', get(magnitude)), op('f64.reinterpret_i64', i64c(unit))),
        ),
      ),
    );
  };
  choose(
    'i64',
    eq(get(format), FORMAT_DOUBLE),
    get(a),
    choose('i64', eq(get(format), FORMAT_SINGLE), narrow(BOX, 32, 23, 127), narrow(BOX_HALF, 16, 10, 15)),
  )(f);
  return f;
}
