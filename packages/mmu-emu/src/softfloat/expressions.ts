/** Short names for the integer arithmetic that the routines are made of, and what a double's bits say. */

import { get, i64c, op, seq, set, when } from '../wasm/code.js';
import type { Code } from '../wasm/function-body.js';

const binary =
  (name: string) =>
  (a: Code, b: Code | number | bigint): Code =>
    op(name, a, typeof b === 'function' ? b : i64c(b));

/** Sum. */
export const add = binary('i64.add');
/** Difference. */
export const sub = binary('i64.sub');
/** Bits of both. */
export const and = binary('i64.and');
/** Bits of either. */
export const or = binary('i64.or');
/** Bits of one. */
export const xor = binary('i64.xor');
/** Shifted left. */
export const shl = binary('i64.shl');
/** Shifted right, zeros from the left. */
export const shr = binary('i64.shr_u');
/** Low half of the product. */
export const mul = binary('i64.mul');
/** 1 if equal. */
export const eq = binary('i64.eq');
/** 1 if not equal. */
export const ne = binary('i64.ne');
/** Signed less. */
export const ltS = binary('i64.lt_s');
/** Signed greater. */
export const gtS = binary('i64.gt_s');
/** Unsigned less. */
export const ltU = binary('i64.lt_u');
/** Unsigned greater. */
export const gtU = binary('i64.gt_u');
/** Unsigned greater or equal. */
export const geU = binary('i64.ge_u');
/** Number of leading zeros. */
export const clz = (a: Code): Code => op('i64.clz', a);
/** 1 if zero. */
export const isZero = (a: Code): Code => op('i64.eqz', a);
/** A condition as a value of 64 bits. */
export const wide = (condition: Code): Code => op('i64.extend_i32_u', condition);
/** Both of two conditions. */
export const both = (a: Code, b: Code): Code => op('i32.and', a, b);
/** One of two conditions. */
export const either = (a: Code, b: Code): Code => op('i32.or', a, b);
/** The opposite of a condition. */
export const not = (a: Code): Code => op('i32.eqz', a);
/** One of two values, both evaluated. */
export const select = (condition: Code, then: Code, otherwise: Code): Code =>
  op('select', then, otherwise, condition);
/** 0 or 1. */
export const low = (a: Code): Code => op('i32.wrap_i64', a);

/** Sign bit of a double. */
const SIGN = 1n << 63n;
/** Bits of infinity. */
const INFINITY = 0x7ffn << 52n;
/** Fraction of a double. */
export const FRACTION = (1n << 52n) - 1n;

/** 1 if a double's sign is minus. */
export const signOf = (a: Code): Code => shr(a, 63);
/** A double without its sign. */
export const magnitude = (a: Code): Code => and(a, SIGN - 1n);
/** 1 if a NaN. */
export const isNan = (a: Code): Code => gtU(magnitude(a), INFINITY);
/** 1 if an infinity. */
export const isInfinite = (a: Code): Code => eq(magnitude(a), INFINITY);
/** 1 if a zero. */
export const isNought = (a: Code): Code => isZero(magnitude(a));
/** 1 if a signaling NaN. */
export const isSignaling = (a: Code): Code => both(isNan(a), isZero(and(a, 1n << 51n)));

/** Exchanges two locals of 64 bits. */
const exchange = (a: number, b: number, spare: number): Code =>
  seq(set(spare, get(a)), set(a, get(b)), set(b, get(spare)));

/** Exchanges several pairs if a condition holds. */
export const exchangeWhen = (condition: Code, spare: number, ...pairs: (readonly [number, number])[]): Code =>
  when(condition, seq(...pairs.map(([a, b]) => exchange(a, b, spare))));
