/**
 * The two formats that arithmetic is done in, as expressions over what f registers hold.
 *
 * A register is 64 bits wide. A single in it is in a box: the upper half is all ones. What is not in its box counts as the
 * canonical NaN.
 *
 * @see The RISC-V Instruction Set Manual, Volume I, "NaN Boxing of Narrower Values"
 */

import { f32, f64, FORMAT_DOUBLE, FORMAT_SINGLE, i32, i64 } from './semantics.js';
import type { F32, F64, I32, I64 } from './semantics.js';

/** Upper half of a register that holds a single. */
export const BOX = i64.const(0xffff_ffff_0000_0000n);
const CANONICAL_NAN_SINGLE = i64.const(0xffff_ffff_7fc0_0000n);

/** Operations that WebAssembly has too, rounded to nearest and without flags. */
export type NativeOperation = 'add' | 'sub' | 'mul' | 'div' | 'min' | 'max';

/** A format: how its values are computed with, from register to register. */
export interface FloatFormat {
  /** FORMAT_SINGLE or FORMAT_DOUBLE. */
  readonly code: number;
  /** Of mnemonics. */
  readonly suffix: 's' | 'd';
  readonly extension: 'F' | 'D';
  /** The sign bit. */
  readonly sign: bigint;
  /** Whole numbers of at most this magnitude are exact. */
  readonly exactIntegers: bigint;
  /** In its box, where it needs one. */
  readonly boxed: (a: I64) => I32;
  /** What it counts as: itself, or the canonical NaN. */
  readonly unboxed: (a: I64) => I64;
  readonly native: (operation: NativeOperation, a: I64, b: I64) => I64;
  readonly sqrt: (a: I64) => I64;
  readonly compare: (relation: 'eq' | 'lt' | 'le', a: I64, b: I64) => I32;
  /** No infinity and no NaN. */
  readonly finite: (a: I64) => I32;
  /** Finite and at least twice the least normal number: a rounded result like that neither overflowed nor underflowed. */
  readonly plain: (a: I64) => I32;
  /** As a double, which is exact; of a NaN, some NaN. */
  readonly wide: (a: I64) => F64;
  /** Conditions that hold only where a finite result, rounded to nearest, is what was to be rounded. */
  readonly exact: {
    readonly [operation in 'add' | 'sub' | 'mul' | 'div']: (a: I64, b: I64, result: I64) => I32;
  } & { readonly sqrt: (a: I64, result: I64) => I32 };
  readonly fromSigned: (a: I64) => I64;
  readonly fromUnsigned: (a: I64) => I64;
}

/** What a rounded sum lacks is nought (D. E. Knuth's sum; not a number where something on the way overflows). */
const isExactSum = (a: F64, b: F64, sum: F64): I32 => {
  const part = f64.sub(sum, a);
  return f64.eq(f64.add(f64.sub(a, f64.sub(sum, part)), f64.sub(b, part)), f64.reinterpret(i64.const(0)));
};

/** The fractions of two doubles end so early that 53 bits hold their product: 26 and 27 bits are used. */
const haveShortProduct = (a: I64, b: I64): I32 =>
  i64.eqz(i64.or(i64.shl(a, i64.const(64 - 27)), i64.shl(b, i64.const(64 - 26))));

const asDouble = (a: I64): F64 => f64.reinterpret(a);
const exponentDouble = (a: I64): I64 => i64.and(i64.shrU(a, i64.const(52)), i64.const(0x7ff));

const isPlainDouble = (a: I64): I32 => i64.ltU(i64.sub(exponentDouble(a), i64.const(2)), i64.const(0x7fd));
/** The first is the product of the others, which is exact and does not underflow. */
const isProductDouble = (product: I64, a: I64, b: I64): I32 =>
  i32.and(
    i32.and(haveShortProduct(a, b), isPlainDouble(product)),
    f64.eq(f64.mul(asDouble(a), asDouble(b)), asDouble(product)),
  );

/** Double precision. */
export const DOUBLE: FloatFormat = {
  code: FORMAT_DOUBLE,
  suffix: 'd',
  extension: 'D',
  sign: 1n << 63n,
  exactIntegers: 1n << 53n,
  boxed: () => i32.const(1),
  unboxed: (a) => a,
  native: (operation, a, b) => f64.bits(f64[operation](asDouble(a), asDouble(b))),
  sqrt: (a) => f64.bits(f64.sqrt(asDouble(a))),
  compare: (relation, a, b) => f64[relation](asDouble(a), asDouble(b)),
  finite: (a) => i64.ltU(exponentDouble(a), i64.const(0x7ff)),
  plain: isPlainDouble,
  wide: asDouble,
  exact: {
    add: (a, b, result) => isExactSum(asDouble(a), asDouble(b), asDouble(result)),
    sub: (a, b, result) => isExactSum(asDouble(a), f64.neg(asDouble(b)), asDouble(result)),
    mul: haveShortProduct,
    div: (a, b, result) => isProductDouble(a, result, b),
    sqrt: (a, result) => isProductDouble(a, result, result),
  },
  fromSigned: (a) => f64.bits(f64.fromI64(a)),
  fromUnsigned: (a) => f64.bits(f64.fromU64(a)),
};

const asSingle = (a: I64): F32 => f32.reinterpret(i32.wrap(a));
const inBox = (a: I64): I64 => i64.or(a, BOX);
/** A single as a register holds it. */
export const boxSingle = (a: F32): I64 => inBox(i64.extendU(f32.bits(a)));
const exponentSingle = (a: I64): I64 => i64.and(i64.shrU(a, i64.const(23)), i64.const(0xff));

const wideSingle = (a: I64): F64 => f64.promote(asSingle(a));

const isSumSingle = (a: F64, b: F64, sum: F64): I32 =>
  i32.and(isExactSum(a, b, f64.add(a, b)), f64.eq(f64.add(a, b), sum));

/** Single precision. */
export const SINGLE: FloatFormat = {
  code: FORMAT_SINGLE,
  suffix: 's',
  extension: 'F',
  sign: 1n << 31n,
  exactIntegers: 1n << 24n,
  boxed: (a) => i64.geU(a, BOX),
  unboxed: (a) => i64.choose(i64.geU(a, BOX), a, CANONICAL_NAN_SINGLE),
  native: (operation, a, b) => boxSingle(f32[operation](asSingle(a), asSingle(b))),
  sqrt: (a) => boxSingle(f32.sqrt(asSingle(a))),
  compare: (relation, a, b) => f32[relation](asSingle(a), asSingle(b)),
  finite: (a) => i64.ltU(exponentSingle(a), i64.const(0xff)),
  plain: (a) => i64.ltU(i64.sub(exponentSingle(a), i64.const(2)), i64.const(0xfd)),
  wide: wideSingle,
  // Products of two singles are exact as doubles, and sums where nothing is lacking.
  exact: {
    add: (a, b, result) => isSumSingle(wideSingle(a), wideSingle(b), wideSingle(result)),
    sub: (a, b, result) => isSumSingle(wideSingle(a), f64.neg(wideSingle(b)), wideSingle(result)),
    mul: (a, b, result) => f64.eq(f64.mul(wideSingle(a), wideSingle(b)), wideSingle(result)),
    div: (a, b, result) => f64.eq(f64.mul(wideSingle(result), wideSingle(b)), wideSingle(a)),
    sqrt: (a, result) => f64.eq(f64.mul(wideSingle(result), wideSingle(result)), wideSingle(a)),
  },
  fromSigned: (a) => boxSingle(f32.fromI64(a)),
  fromUnsigned: (a) => boxSingle(f32.fromU64(a)),
};
