import { describe, expect, it } from 'vitest';
import { divide, fusedMultiplyAdd, squareRoot } from '../model/float-model.js';
import type { Format, Result } from '../model/float-model.js';
import { corners, FORMATS, RandomFloats, softfloat } from './routines.js';

/** Multiplies the number of random cases, for runs by hand. */
const SCALE = Number(process.env['FAULTLINE_FLOAT_SCALE'] ?? '1');
const SEED = Number(process.env['FAULTLINE_SEED'] ?? '1');

const MODELS: readonly {
  readonly name: 'fma' | 'div' | 'sqrt';
  readonly operands: number;
  readonly model: (format: Format, operands: readonly bigint[], mode: number) => Result;
}[] = [
  { name: 'fma', operands: 3, model: (f, [a, b, c], mode) => fusedMultiplyAdd(f, a, b, c, mode) },
  { name: 'div', operands: 2, model: (f, [a, b], mode) => divide(f, a, b, mode) },
  { name: 'sqrt', operands: 1, model: (f, [a], mode) => squareRoot(f, a, mode) },
];

const show = ({ bits, flags }: Result): string => `0x${bits.toString(16)} flags ${flags}`;

describe.each(MODELS)('$name', ({ name, operands, model }) => {
  const cases = Object.entries(FORMATS).flatMap(([format, value]) =>
    [0, 1, 2, 3, 4].map((mode) => [format, mode, value] as const),
  );

  it.each(cases)(
    `of %ss in rounding mode %i has the bits and flags of exact arithmetic (seed ${SEED})`,
    async (_name, mode, format) => {
      const machine = await softfloat();
      const interesting = corners(format);
      const wrong: string[] = [];
      const seen = new Set<number>();
      const check = (values: readonly bigint[]): void => {
        const expected = model(format, values, mode);
        const actual = machine.call(name, format, values, mode);
        seen.add(expected.flags);
        if (actual.bits === expected.bits && actual.flags === expected.flags) return;
        const given = values.map((v) => `0x${v.toString(16)}`).join(' ');
        wrong.push(`${given}: ${show(actual)}, not ${show(expected)}`);
      };
      const random = new RandomFloats(SEED * 31 + mode);
      for (const a of interesting) {
        if (operands === 1) check([a]);
        else
          for (const b of interesting)
            check([a, b, interesting[random.below(interesting.length)]].slice(0, operands));
      }
      for (let i = 0; i < 3000 * SCALE; i++) {
        const values = Array.from({ length: operands }, () => random.value(format, interesting));
        // A sum that nearly cancels.
        if (operands === 3 && random.below(4) === 0) {
          const product = model(format, [values[0], values[1], 0n], random.below(5)).bits;
          values[2] = product ^ (1n << BigInt(format.width - 1)) ^ BigInt(random.below(4));
        }
        check(values);
      }
      expect(wrong.slice(0, 5)).toEqual([]);
      expect([...seen]).toEqual(expect.arrayContaining([0, 1, 16]));
    },
  );
});
