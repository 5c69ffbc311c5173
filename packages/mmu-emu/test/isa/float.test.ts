import { describe, expect, it } from 'vitest';
import { DOUBLE } from '../model/float-model.js';
import type { Format } from '../model/float-model.js';
import { convert } from '../model/float-operations.js';
import { OPERATIONS, boxed, unboxed } from './float-operations.js';
import type { Operation } from './float-operations.js';
import { corners, RandomFloats } from './float-values.js';
import { VectorBench } from './float-vectors.js';
import type { Outcome, Vector } from './float-vectors.js';

/** Multiplies the number of random cases, for runs by hand. */
const SCALE = Number(process.env['FAULTLINE_FLOAT_SCALE'] ?? '1');
const SEED = Number(process.env['FAULTLINE_SEED'] ?? '1');
const RANDOM_CASES = 500;

const MODES = ['rne', 'rtz', 'rdn', 'rup', 'rmm'];
const INTEGER_CORNERS = [0n, 1n, 2n, 3n, 31n, 32n, 53n, 62n, 63n, 24n, 25n, 54n].flatMap((bit) =>
  [-1n, 0n, 1n].flatMap((by) => [(1n << bit) + by, -(1n << bit) + by]),
);

/** Text of the instruction: sources in order from fa0 or a2, the result in fa3 or a3. */
function textOf(operation: Operation, mode: string | undefined): string {
  const sources = operation.sources.map((source, i) => (source === 'x' ? 'a2' : `fa${i}`));
  const operands = [operation.result === 'x' ? 'a3' : 'fa3', ...sources];
  return `${operation.name} ${[...operands, ...(mode === undefined ? [] : [mode])].join(', ')}`;
}

/** Where values begin to overflow, underflow, or be halfway between two of a narrower result, and their neighbours. */
function narrowCorners(source: Format, result: Format | 'x'): bigint[] {
  if (result === 'x' || result.width >= source.width) return [];
  const half = 1n << BigInt(source.precision - result.precision - 1);
  return corners(result).flatMap((narrow) => {
    const { bits } = convert(result, source, narrow, 0);
    return [-half, 0n, half].flatMap((by) =>
      [-1n, 0n, 1n].map((more) => BigInt.asUintN(source.width, bits + by + more)),
    );
  });
}

/**
 * Fused operands of which the product is a half unit of the addend, less an error that is too small for any double: by
 * signs, (1 + u) 2^-511 times (1 - u) 2^-511, and (1 + u) 2^-969.
 */
const LOST_ERRORS = [0n, 1n, 2n, 3n].map((signs) => [
  0x2000_0000_0000_0001n | ((signs & 1n) << 63n),
  0x1fff_ffff_ffff_fffen,
  0x0360_0000_0000_0001n | ((signs >> 1n) << 63n),
]);

/** Operand registers of the cases. */
function operandsOf(operation: Operation, random: RandomFloats): bigint[][] {
  const interesting = operation.sources.map((source) => {
    if (source === 'x') return INTEGER_CORNERS.map((value) => BigInt.asUintN(64, value));
    return [...corners(source), ...narrowCorners(source, operation.result)];
  });
  const box = (values: readonly bigint[]): bigint[] =>
    values.map((value, i) => {
      const source = operation.sources[i];
      if (source === 'x') return value;
      // Now and then a narrow value without its box.
      return source.width < 64 && random.below(24) === 0
        ? value | (BigInt(random.bits()) << 32n)
        : boxed(source, value);
    });
  const any = (i: number): bigint => interesting[i][random.below(interesting[i].length)];
  const cases: bigint[][] = [];
  for (const a of interesting[0]) {
    if (interesting.length === 1) cases.push(box([a]));
    else
      for (const b of interesting[1]) cases.push(box([a, b, ...(interesting.length === 3 ? [any(2)] : [])]));
  }
  if (operation.sources.length === 3 && operation.sources[0] === DOUBLE) cases.push(...LOST_ERRORS);
  for (let i = 0; i < RANDOM_CASES * SCALE; i++) {
    const values = operation.sources.map((source, place) => {
      if (source !== 'x') return random.value(source, interesting[place]);
      const wide = (BigInt(random.bits()) << 32n) | BigInt(random.bits());
      return BigInt.asUintN(64, BigInt.asIntN(64, wide) >> BigInt(random.below(64)));
    });
    nearlyCancel(operation, values, random);
    nearlyTie(operation, values, random);
    cases.push(box(values));
  }
  return cases;
}

/** Of a fused operation, now and then, an addend that is almost the opposite of the product; of others, almost equal operands. */
function nearlyCancel(operation: Operation, values: bigint[], random: RandomFloats): void {
  if (values.length < 2 || random.below(4) !== 0) return;
  const format = operation.sources[0] as Format;
  const [a, b] = values;
  const base = values.length === 3 ? operation.model([a, b, 0n], random.below(5)).bits : a;
  values[values.length - 1] =
    base ^ (BigInt(random.below(2)) << BigInt(format.width - 1)) ^ BigInt(random.below(4));
}

/**
 * Of a fused operation, now and then, a product that is almost, or exactly, half of the addend's last place: where rounding
 * turns on the least bit of the product.
 */
function nearlyTie(operation: Operation, values: bigint[], random: RandomFloats): void {
  if (values.length !== 3 || random.below(4) !== 0) return;
  const { width, precision, bias } = operation.sources[0] as Format;
  const fraction = BigInt(precision - 1);
  const field = (exponent: number): bigint => BigInt(exponent) << fraction;
  const sign = (): bigint => BigInt(random.below(2)) << BigInt(width - 1);
  const nearOne = (exponent: number): bigint => field(exponent) + BigInt(random.below(5)) - 2n;
  const [left, right] = [bias - random.below(20), bias - random.below(20)];
  values[0] = sign() | nearOne(left);
  values[1] = sign() | nearOne(right);
  const place = left + right - bias + precision - random.below(2);
  values[2] = sign() | field(place) | (values[2] & ((1n << fraction) - 1n));
}

/** Runs an operation in a mode; gives accounts of what is wrong. */
function check(
  bench: VectorBench,
  index: number,
  operation: Operation,
  mode: number,
  dynamic: boolean,
  flags: Set<number>,
): string[] {
  const random = new RandomFloats(SEED * 31 + index * 8 + mode);
  const vectors = operandsOf(operation, random).map((operands): Vector => {
    const f: [bigint, bigint, bigint] = [0n, 0n, 0n];
    operation.sources.forEach((source, i) => (source === 'x' ? undefined : (f[i] = operands[i])));
    const x = operation.sources[0] === 'x' ? operands[0] : 0n;
    // A mode that the instruction names counts whatever fcsr says, reserved modes included.
    const frm = dynamic || !operation.rounds ? mode : random.below(8);
    const before = [0, 1, random.below(32)][random.below(3)];
    return { f, x, fcsr: (frm << 5) | before };
  });
  const wrong: string[] = [];
  bench.run(index, vectors).forEach((actual, i) => {
    const vector = vectors[i];
    const given = operation.sources.map((source, place) =>
      source === 'x' ? vector.x : unboxed(source, vector.f[place]),
    );
    const expected = operation.model(given, mode);
    flags.add(expected.flags);
    const outcome: Outcome = {
      f: operation.result === 'x' ? POISON : boxed(operation.result, expected.bits),
      x: operation.result === 'x' ? expected.bits : POISON,
      fcsr: vector.fcsr | expected.flags,
    };
    if (show(outcome) === show(actual) || wrong.length > 4) return;
    const operands = operation.sources.map(
      (source, place) => `0x${(source === 'x' ? vector.x : vector.f[place]).toString(16)}`,
    );
    wrong.push(`${operands.join(' ')} fcsr ${vector.fcsr}: ${show(actual)}, not ${show(outcome)}`);
  });
  return wrong;
}

/** What destinations hold before. */
const POISON = 0x1234_5678_9abc_def0n;
const show = ({ f, x, fcsr }: Outcome): string => `f 0x${f.toString(16)} x 0x${x.toString(16)} fcsr ${fcsr}`;

describe('floating-point operations', () => {
  it.each(OPERATIONS.map((operation) => [operation.name, operation] as const))(
    `%s has the bits and flags of exact arithmetic, in every rounding mode (seed ${SEED})`,
    async (_name, operation) => {
      const modes = MODES.map((_, mode) => mode);
      const texts = operation.rounds
        ? [...MODES.map((mode) => textOf(operation, mode)), textOf(operation, 'dyn')]
        : [textOf(operation, operation.always)];
      const bench = await VectorBench.of(texts);
      const flags = new Set<number>();
      if (!operation.rounds) {
        expect(check(bench, 0, operation, 3, false, flags)).toEqual([]);
        return;
      }
      for (const mode of modes) {
        expect(check(bench, mode, operation, mode, false, flags), MODES[mode]).toEqual([]);
        expect(check(bench, MODES.length, operation, mode, true, flags), `dyn ${MODES[mode]}`).toEqual([]);
      }
      expect(flags.size).toBeGreaterThan(0);
    },
  );
});
