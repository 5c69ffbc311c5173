/**
 * Conversions, comparisons and the other operations of floating point, as the manual says them, with exact numbers of
 * bigints. As `float-model.ts`, with nothing of the machine's own.
 */

import { nan, propagate, round, roundUnits, signBit, unpack } from './float-model.js';
import type { FloatValue, Format, Result } from './float-model.js';

const NX = 1;
const NV = 16;

/** Ranges of the integers: w, wu, l, lu. */
const RANGES = [
  [-(1n << 31n), (1n << 31n) - 1n],
  [0n, (1n << 32n) - 1n],
  [-(1n << 63n), (1n << 63n) - 1n],
  [0n, (1n << 64n) - 1n],
] as const;

/** A finite value as a quotient of whole numbers. */
function quotient(value: FloatValue): { readonly n: bigint; readonly d: bigint } {
  if (value.kind !== 'finite') return { n: 0n, d: 1n };
  return value.e >= 0 ? { n: value.n << BigInt(value.e), d: 1n } : { n: value.n, d: 1n << BigInt(-value.e) };
}

/** Rounded to a whole number. */
function whole(value: FloatValue, mode: number): { readonly n: bigint; readonly inexact: boolean } {
  const { n, d } = quotient(value);
  const negative = 'negative' in value && value.negative;
  const magnitude = roundUnits(negative, n, d, mode);
  return { n: negative ? -magnitude : magnitude, inexact: n % d !== 0n };
}

const register = (value: bigint, kind: number): bigint =>
  BigInt.asUintN(64, kind < 2 ? BigInt.asIntN(32, value) : value);

/** `kind` 0 to 3: w, wu, l, lu. */
export function toInteger(format: Format, a: bigint, mode: number, kind: number): Result {
  const value = unpack(format, a);
  const [low, high] = RANGES[kind];
  if (value.kind === 'nan') return { bits: register(high, kind), flags: NV };
  if (value.kind === 'infinity') return { bits: register(value.negative ? low : high, kind), flags: NV };
  const { n, inexact } = whole(value, mode);
  if (n < low) return { bits: register(low, kind), flags: NV };
  if (n > high) return { bits: register(high, kind), flags: NV };
  return { bits: register(n, kind), flags: inexact ? NX : 0 };
}

/** The result modulo 2^32. */
export function toIntegerModular(format: Format, a: bigint): Result {
  const { flags } = toInteger(format, a, 1, 0);
  const value = unpack(format, a);
  const known = value.kind === 'nan' || value.kind === 'infinity';
  return { bits: known ? 0n : register(whole(value, 1).n, 0), flags };
}

export function fromInteger(format: Format, x: bigint, mode: number, kind: number): Result {
  const bits = kind < 2 ? 32 : 64;
  const n = kind % 2 === 0 ? BigInt.asIntN(bits, x) : BigInt.asUintN(bits, x);
  if (n === 0n) return { bits: 0n, flags: 0 };
  return round(format, n < 0n, n < 0n ? -n : n, 1n, 0, mode);
}

export function convert(from: Format, to: Format, a: bigint, mode: number): Result {
  const value = unpack(from, a);
  if (value.kind === 'nan') return propagate(to, value);
  if (value.kind === 'finite') return round(to, value.negative, value.n, 1n, value.e, mode);
  const magnitude =
    value.kind === 'zero' ? 0n : (nan(to) >> BigInt(to.precision - 1)) << BigInt(to.precision - 1);
  return { bits: magnitude | signBit(to, value.negative), flags: 0 };
}

/** Rounded to a whole number of the format; `tells` whether inexactness is a flag. */
export function roundToWhole(format: Format, a: bigint, mode: number, tells: boolean): Result {
  const value = unpack(format, a);
  if (value.kind === 'nan') return propagate(format, value);
  if (value.kind !== 'finite') return { bits: a, flags: 0 };
  const { n, inexact } = whole(value, mode);
  const flags = inexact && tells ? NX : 0;
  if (n === 0n) return { bits: signBit(format, value.negative), flags };
  return { bits: round(format, n < 0n, n < 0n ? -n : n, 1n, 0, mode).bits, flags };
}

/** Less than zero, zero, or more, as a is less than b, equal, or more. */
function order(x: FloatValue, y: FloatValue): number {
  const rank = (v: FloatValue): number => {
    if (v.kind === 'zero' || v.kind === 'nan') return 0;
    const size = v.kind === 'infinity' ? 2 : 1;
    return v.negative ? -size : size;
  };
  const [p, q] = [rank(x), rank(y)];
  if (p !== q || x.kind !== 'finite' || y.kind !== 'finite') return p - q;
  const [a, b] = [quotient(x), quotient(y)];
  const left = a.n * b.d;
  const right = b.n * a.d;
  if (left === right) return 0;
  return left < right !== x.negative ? -1 : 1;
}

/** Bits of a single or double that is to be kept whatever else is a NaN. */
const isNan = (v: FloatValue): boolean => v.kind === 'nan';
const isSignaling = (v: FloatValue): boolean => v.kind === 'nan' && v.signaling;

export type Relation = 'le' | 'lt' | 'eq';

export function compare(format: Format, a: bigint, b: bigint, relation: Relation, quiet: boolean): Result {
  const [x, y] = [unpack(format, a), unpack(format, b)];
  if (isNan(x) || isNan(y)) {
    const invalid = isSignaling(x) || isSignaling(y) || !quiet;
    return { bits: 0n, flags: invalid ? NV : 0 };
  }
  const difference = order(x, y);
  const holds = { le: difference <= 0, lt: difference < 0, eq: difference === 0 }[relation];
  return { bits: holds ? 1n : 0n, flags: 0 };
}

/** `strict`: a NaN among the operands gives a NaN. */
export function minMax(format: Format, a: bigint, b: bigint, greatest: boolean, strict: boolean): Result {
  const [x, y] = [unpack(format, a), unpack(format, b)];
  const flags = isSignaling(x) || isSignaling(y) ? NV : 0;
  if ((isNan(x) && isNan(y)) || (strict && (isNan(x) || isNan(y)))) return { bits: nan(format), flags };
  if (isNan(x)) return { bits: b, flags };
  if (isNan(y)) return { bits: a, flags };
  const difference = order(x, y);
  const aIsLess = difference === 0 ? (a & signBit(format, true)) !== 0n : difference < 0;
  return { bits: aIsLess !== greatest ? a : b, flags };
}

export function classify(format: Format, a: bigint): Result {
  const value = unpack(format, a);
  const at = (negative: boolean, distance: number): Result => ({
    bits: 1n << BigInt(negative ? 3 - distance : 4 + distance),
    flags: 0,
  });
  switch (value.kind) {
    case 'nan':
      return { bits: value.signaling ? 0x100n : 0x200n, flags: 0 };
    case 'zero':
      return at(value.negative, 0);
    case 'infinity':
      return at(value.negative, 3);
    case 'finite':
      return at(value.negative, value.n < 1n << BigInt(format.precision - 1) ? 1 : 2);
  }
}

export function withSign(format: Format, a: bigint, b: bigint, how: 'copy' | 'opposite' | 'product'): Result {
  const sign = signBit(format, true);
  const [x, y] = [(a & sign) !== 0n, (b & sign) !== 0n];
  const minus = { copy: y, opposite: !y, product: x !== y }[how];
  return { bits: (a & ~sign) | (minus ? sign : 0n), flags: 0 };
}
