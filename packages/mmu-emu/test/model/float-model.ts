/**
 * Floating-point arithmetic with exact rationals of bigints, written from IEEE 754 and the manual, and with nothing of the
 * machine's own. A finite value is n times 2^e; rounding works on the exact quotient of two bigints.
 */

export interface Format {
  /** Bits of the significand, the hidden one counted. */
  readonly precision: number;
  readonly width: number;
  readonly bias: number;
}

export const DOUBLE: Format = { precision: 53, width: 64, bias: 1023 };
export const SINGLE: Format = { precision: 24, width: 32, bias: 127 };
export const HALF: Format = { precision: 11, width: 16, bias: 15 };

export interface Result {
  readonly bits: bigint;
  readonly flags: number;
}

const NX = 1;
const UF = 2;
const OF = 4;
const DZ = 8;
const NV = 16;

export type FloatValue =
  | { readonly kind: 'nan'; readonly signaling: boolean }
  | { readonly kind: 'infinity'; readonly negative: boolean }
  | { readonly kind: 'zero'; readonly negative: boolean }
  | { readonly kind: 'finite'; readonly negative: boolean; readonly n: bigint; readonly e: number };

export function unpack(format: Format, bits: bigint): FloatValue {
  const fractionBits = BigInt(format.precision - 1);
  const negative = (bits >> BigInt(format.width - 1)) & 1n ? true : false;
  const fraction = bits & ((1n << fractionBits) - 1n);
  const field = Number((bits >> fractionBits) & BigInt(2 * format.bias + 1));
  if (field === 2 * format.bias + 1) {
    if (fraction === 0n) return { kind: 'infinity', negative };
    return { kind: 'nan', signaling: fraction >> (fractionBits - 1n) === 0n };
  }
  if (field === 0 && fraction === 0n) return { kind: 'zero', negative };
  const n = field === 0 ? fraction : fraction | (1n << fractionBits);
  return { kind: 'finite', negative, n, e: Math.max(field, 1) - format.bias - format.precision + 1 };
}

export const signBit = (format: Format, negative: boolean): bigint =>
  negative ? 1n << BigInt(format.width - 1) : 0n;
const infinityBits = (format: Format): bigint => BigInt(2 * format.bias + 1) << BigInt(format.precision - 1);
export const infinite = (format: Format, negative: boolean): bigint =>
  infinityBits(format) | signBit(format, negative);
export const nan = (format: Format): bigint => infinityBits(format) | (1n << BigInt(format.precision - 2));
const pow = (e: number): bigint => 1n << BigInt(e);

/** A quotient rounded to a whole number. */
export function roundUnits(negative: boolean, numerator: bigint, denominator: bigint, mode: number): bigint {
  const q = numerator / denominator;
  const twice = 2n * (numerator % denominator);
  if (twice === 0n) return q;
  const up = [
    twice > denominator || (twice === denominator && q % 2n === 1n),
    false,
    negative,
    !negative,
    twice >= denominator,
  ][mode];
  return up ? q + 1n : q;
}

/** n/d times 2^e, in the format. */
export function round(
  format: Format,
  negative: boolean,
  n: bigint,
  d: bigint,
  e: number,
  mode: number,
): Result {
  const least = 1 - format.bias;
  // The exponent of the leading bit, and the unit in which the significand is whole.
  let leading = n.toString(2).length - d.toString(2).length;
  const reaches = (power: number): boolean => (power >= 0 ? n >= d * pow(power) : n * pow(-power) >= d);
  if (!reaches(leading)) leading--;
  const exponent = leading + e;
  const units = (unit: number): { top: bigint; bottom: bigint } => {
    const by = e - unit;
    return by >= 0 ? { top: n * pow(by), bottom: d } : { top: n, bottom: d * pow(-by) };
  };
  const unbounded = units(exponent - format.precision + 1);
  const free = roundUnits(negative, unbounded.top, unbounded.bottom, mode);
  const freeExponent = free === pow(format.precision) ? exponent + 1 : exponent;
  const unit = Math.max(exponent, least) - format.precision + 1;
  const { top, bottom } = units(unit);
  const whole = roundUnits(negative, top, bottom, mode);
  const inexact = top % bottom !== 0n;
  let flags = inexact ? NX : 0;
  if (inexact && freeExponent < least) flags |= UF;
  if (freeExponent > format.bias) {
    const away = mode === 0 || mode === 4 || (mode === 2 && negative) || (mode === 3 && !negative);
    const bits = away ? infinityBits(format) : infinityBits(format) - 1n;
    return { bits: bits | signBit(format, negative), flags: OF | NX };
  }
  const field = whole < pow(format.precision - 1) ? 0n : BigInt(unit + format.precision - 1 - least + 1);
  const hidden = field === 0n ? 0n : pow(format.precision - 1);
  const bits = (field << BigInt(format.precision - 1)) + (whole - hidden);
  return { bits: bits | signBit(format, negative), flags };
}

const invalid = (format: Format): Result => ({ bits: nan(format), flags: NV });
export const propagate = (format: Format, ...values: readonly FloatValue[]): Result => ({
  bits: nan(format),
  flags: values.some((v) => v.kind === 'nan' && v.signaling) ? NV : 0,
});

/** a times b plus c, rounded once. */
export function fusedMultiplyAdd(format: Format, a: bigint, b: bigint, c: bigint, mode: number): Result {
  const [x, y, z] = [a, b, c].map((bits) => unpack(format, bits)) as [FloatValue, FloatValue, FloatValue];
  const kinds = [x.kind, y.kind];
  if (kinds.includes('infinity') && kinds.includes('zero')) return invalid(format);
  if (x.kind === 'nan' || y.kind === 'nan' || z.kind === 'nan') return propagate(format, x, y, z);
  const negative = x.negative !== y.negative;
  if (x.kind === 'infinity' || y.kind === 'infinity') {
    if (z.kind === 'infinity' && z.negative !== negative) return invalid(format);
    return { bits: infinite(format, negative), flags: 0 };
  }
  if (z.kind === 'infinity') return { bits: infinite(format, z.negative), flags: 0 };
  const exact = (v: FloatValue, minus: boolean): { n: bigint; e: number } =>
    v.kind === 'finite' ? { n: minus ? -v.n : v.n, e: v.e } : { n: 0n, e: 0 };
  const [p, q] = [exact(x, false), exact(y, false)];
  const product = { n: (negative ? -1n : 1n) * p.n * q.n, e: p.e + q.e };
  const addend = exact(z, z.negative);
  const e = Math.min(product.e, addend.e);
  const sum = product.n * pow(product.e - e) + addend.n * pow(addend.e - e);
  if (sum !== 0n) return round(format, sum < 0n, sum < 0n ? -sum : sum, 1n, e, mode);
  const bothZero = product.n === 0n && addend.n === 0n;
  const minus = bothZero && negative === z.negative ? negative : mode === 2;
  return { bits: signBit(format, minus), flags: 0 };
}

export function divide(format: Format, a: bigint, b: bigint, mode: number): Result {
  const [x, y] = [unpack(format, a), unpack(format, b)];
  if (x.kind === 'nan' || y.kind === 'nan') return propagate(format, x, y);
  const negative = x.negative !== y.negative;
  if (x.kind === y.kind && x.kind !== 'finite') return invalid(format);
  if (x.kind === 'infinity') return { bits: infinite(format, negative), flags: 0 };
  if (x.kind === 'zero' || y.kind === 'infinity') return { bits: signBit(format, negative), flags: 0 };
  if (y.kind !== 'finite') return { bits: infinite(format, negative), flags: DZ };
  return round(format, negative, x.n, y.n, x.e - y.e, mode);
}

/** The greatest whole number whose square is not above n. */
function wholeRoot(n: bigint): bigint {
  let root = 1n << BigInt(Math.ceil(n.toString(2).length / 2));
  for (;;) {
    const next = (root + n / root) / 2n;
    if (next >= root) return root;
    root = next;
  }
}

export function squareRoot(format: Format, a: bigint, mode: number): Result {
  const x = unpack(format, a);
  if (x.kind === 'nan') return propagate(format, x);
  if (x.kind === 'zero') return { bits: a, flags: 0 };
  if (x.negative) return invalid(format);
  if (x.kind === 'infinity') return { bits: a, flags: 0 };
  // Scaled until the root has far more bits than the format; an inexact root is then told by one bit more.
  const odd = Math.abs(x.e % 2);
  const n = x.n * pow(odd + 240);
  const root = wholeRoot(n);
  const sticky = root * root === n ? 0n : 1n;
  return round(format, false, 2n * root + sticky, 1n, (x.e - odd - 240) / 2 - 1, mode);
}
