/**
 * The carry-less product of two 64-bit values: 127 bits, computed bit by bit.
 *
 * @see The RISC-V Instruction Set Manual, Volume I, "Zbc: Carry-less multiplication"
 */

import { brIf, get, i64c, loop, op, seq, set, tee, when } from '../wasm/code.js';
import { FunctionBody } from '../wasm/function-body.js';
import type { Code } from '../wasm/function-body.js';

/** Adds up `term` for every bit i of b that is set. */
function build(from: number, term: (a: Code, i: Code) => Code): FunctionBody {
  const f = new FunctionBody(3);
  const [a, b] = [1, 2];
  const i = f.local('i64');
  const sum = f.local('i64');
  seq(
    set(i, i64c(from)),
    loop(
      'bit',
      when(
        op('i32.wrap_i64', op('i64.and', op('i64.shr_u', get(b), get(i)), i64c(1))),
        set(sum, op('i64.xor', get(sum), term(get(a), get(i)))),
      ),
      brIf('bit', op('i64.ne', tee(i, op('i64.add', get(i), i64c(1))), i64c(64))),
    ),
    get(sum),
  )(f);
  return f;
}

/** `clmul(hart, a, b)`: the low half. */
export const buildCarryLessLow = (): FunctionBody => build(0, (a, i) => op('i64.shl', a, i));

/** `clmulh(hart, a, b)`: the high half. Bit 0 of b adds nothing to it, and a shift by 64 would be none. */
export const buildCarryLessHigh = (): FunctionBody =>
  build(1, (a, i) => op('i64.shr_u', a, op('i64.sub', i64c(64), i)));
