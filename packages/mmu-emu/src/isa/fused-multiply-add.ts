/**
 * A fused multiply-add out of operations that round.
 *
 * Doubles. The product is p + q and the sum of p and c is s + t, both exactly (T. J. Dekker's product, D. E. Knuth's sum), so
 * what is wanted is s + t + q, rounded once. With w = t + q rounded:
 *
 * - if q or t is 0, w is exact, and s + w is right;
 * - else w is off by at most one part in 2^53. Rounding is monotonic: if s + w(1 + 2^-51) and s + w(1 - 2^-51) round to
 *   the same value, everything between them does. (Where s is small against q, p and c have cancelled, and t is 0.)
 *
 * What fails that test, one case in about 2^50, is the routine's. A product of at least 2^-960 is enough for all products of
 * halves, and q, to be multiples of the least number there is, and so exact. What is too large for its halves, or for the sum,
 * makes the result infinite or none at all, and that is seen in the result; so are infinite operands. A result of nought is
 * exact. Where a factor is nought, the product is, and s + w is s but for the sign of a nought, which is looked at.
 *
 * Singles. The product is exact as a double, and s + t as above. Rounding s to a single is right unless s lies in the very
 * middle of two singles and t says that the sum does not.
 *
 * @see J.-M. Muller et al., "Handbook of Floating-Point Arithmetic", on error-free transformations and on double rounding
 */
import { boxSingle, DOUBLE, SINGLE } from './float-formats.js';
import type { F64, I32, I64, SemanticsBuilder, Shortcut } from './semantics.js';
import { f32, f64, i32, i64 } from './semantics.js';

const double = (bits: bigint): F64 => f64.reinterpret(i64.const(bits));
const ZERO = double(0n);
/** 2^27 + 1: multiplying by it splits a double into halves of 26 bits. */
const SPLITTER = double(0x41a0_0000_0200_0000n);
/** 1 + 2^-51 and 1 - 2^-51. */
const MORE = double(0x3ff0_0000_0000_0002n);
const LESS = double(0x3fef_ffff_ffff_fffcn);

/** 2^-960 without its sign bit. */
const LEAST_PRODUCT = i64.const(BigInt(1023 - 960) << 53n);

const isZero = (a: I64): I32 => i64.eqz(i64.shl(a, i64.const(1)));

/** A rounded value and what it lacks. */
interface Pair {
  readonly value: F64;
  readonly error: F64;
}

function sum(s: SemanticsBuilder, a: F64, b: F64): Pair {
  const value = s.let(f64.add(a, b));
  const part = s.let(f64.sub(value, a));
  return { value, error: s.let(f64.add(f64.sub(a, f64.sub(value, part)), f64.sub(b, part))) };
}

function halves(s: SemanticsBuilder, a: F64): readonly [F64, F64] {
  const scaled = s.let(f64.mul(SPLITTER, a));
  const high = s.let(f64.sub(scaled, f64.sub(scaled, a)));
  return [high, s.let(f64.sub(a, high))];
}

function product(s: SemanticsBuilder, a: F64, b: F64): Pair {
  const value = s.let(f64.mul(a, b));
  const [aHigh, aLow] = halves(s, a);
  const [bHigh, bLow] = halves(s, b);
  const high = f64.sub(f64.mul(aHigh, bHigh), value);
  const middle = f64.add(f64.add(high, f64.mul(aHigh, bLow)), f64.mul(aLow, bHigh));
  return { value, error: s.let(f64.add(middle, f64.mul(aLow, bLow))) };
}

/** A shortcut, and what shows that its value is exact. */
interface FusedShortcut extends Shortcut {
  readonly exact: I32;
}

/** a * b + c of doubles, rounded to nearest, where that sets no flag but NX. */
export function fusedDouble(s: SemanticsBuilder, a: I64, b: I64, c: I64): FusedShortcut {
  const p = product(s, f64.reinterpret(a), f64.reinterpret(b));
  const t = sum(s, p.value, f64.reinterpret(c));
  const w = s.let(f64.add(t.error, p.error));
  const value = s.let(f64.bits(f64.add(t.value, w)));
  const isSettled = i32.choose(
    f64.eq(f64.add(t.value, f64.mul(w, MORE)), f64.add(t.value, f64.mul(w, LESS))),
    i32.const(1),
    i32.or(f64.eq(p.error, ZERO), f64.eq(t.error, ZERO)),
  );
  const isNought = i32.and(isZero(value), i64.eq(value, f64.bits(t.value)));
  const isHarmless = i32.choose(DOUBLE.plain(value), i32.const(1), isNought);
  const isLarge = i64.geU(i64.shl(f64.bits(p.value), i64.const(1)), LEAST_PRODUCT);
  const inRange = i32.choose(isLarge, i32.const(1), i32.or(isZero(a), isZero(b)));
  return {
    condition: i32.and(inRange, i32.and(isSettled, isHarmless)),
    value,
    exact: isZero(i64.or(f64.bits(p.error), f64.bits(t.error))),
  };
}

/** The low bits of a double that a single has not, and those of a value in the middle of two singles. */
const LOST = i64.const(0x1fff_ffffn);
const MIDDLE = i64.const(0x1000_0000n);

/** The same of singles in their boxes. */
export function fusedSingle(s: SemanticsBuilder, a: I64, b: I64, c: I64): FusedShortcut {
  const t = sum(s, s.let(f64.mul(SINGLE.wide(a), SINGLE.wide(b))), SINGLE.wide(c));
  const value = s.let(boxSingle(f32.demote(t.value)));
  const isExact = s.let(f64.eq(t.error, ZERO));
  const isSettled = i32.or(isExact, i32.eqz(i64.eq(i64.and(f64.bits(t.value), LOST), MIDDLE)));
  return {
    condition: i32.or(
      i32.and(isSettled, SINGLE.plain(value)),
      i32.and(isExact, f64.eq(SINGLE.wide(value), t.value)),
    ),
    value,
    exact: i32.and(isExact, f64.eq(SINGLE.wide(value), t.value)),
  };
}
