/**
 * The routines called directly: engines may always do without the shortcuts of the descriptions, which take most operands
 * away from some routines in the other tests.
 */
import { describe, expect, it } from 'vitest';
import { HART_FCSR } from '../../src/hart/state.js';
import { FORMAT_DOUBLE, FORMAT_HALF, FORMAT_SINGLE, ROUTINES } from '../../src/isa/semantics.js';
import { defineSoftfloat } from '../../src/softfloat/softfloat.js';
import type { FloatRoutineName } from '../../src/softfloat/softfloat.js';
import { ModuleBuilder } from '../../src/wasm/module-builder.js';
import { boxed } from '../isa/float-operations.js';
import { corners } from '../isa/float-values.js';
import { DOUBLE, HALF, SINGLE } from '../model/float-model.js';
import type { Format, Result } from '../model/float-model.js';
import { compare, convert, fromInteger, minMax, toInteger } from '../model/float-operations.js';

const NAMES = Object.keys(ROUTINES).filter((name): name is FloatRoutineName => !name.startsWith('clmul'));
const MODES = [0, 1, 2, 3, 4];
const FORMATS = [
  ['single', SINGLE, FORMAT_SINGLE],
  ['double', DOUBLE, FORMAT_DOUBLE],
] as const;

/** Calls a routine with cleared flags. */
type Call = (name: FloatRoutineName, ...args: readonly (bigint | number)[]) => Result;

async function routines(): Promise<Call> {
  const module = new ModuleBuilder();
  module.importMemory('m', 'memory', 1, false);
  const declared = {} as Record<FloatRoutineName, number>;
  for (const name of NAMES) {
    const parameters = Array.from({ length: ROUTINES[name].parameters }, () => 'i64' as const);
    declared[name] = module.declare(['i32', ...parameters], ['i64']);
    module.exportFunction(name, declared[name]);
  }
  defineSoftfloat(module, declared);
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
  const { instance } = await WebAssembly.instantiate(module.encode(), { m: { memory } });
  const state = new Uint32Array(memory.buffer);
  return (name, ...args) => {
    state[HART_FCSR] = 0;
    const routine = instance.exports[name] as (hart: number, ...values: readonly bigint[]) => bigint;
    const bits = BigInt.asUintN(64, routine(0, ...args.map(BigInt)));
    return { bits, flags: state[HART_FCSR] };
  };
}

const inBox = (format: Format, { bits, flags }: Result): Result => ({ bits: boxed(format, bits), flags });

describe.each(FORMATS)('of %ss', (_name, format, code) => {
  const values = corners(format);
  const pairs = values.flatMap((a) => values.map((b) => [a, b] as const));
  const box = (bits: bigint): bigint => boxed(format, bits);

  it('comparisons', async () => {
    const call = await routines();
    const relations = [['le', 0, false], ['lt', 1, false], ['eq', 2, true], ['le', 4, true], ['lt', 5, true]] as const; // prettier-ignore
    for (const [relation, number, quiet] of relations) {
      for (const [a, b] of pairs) {
        const expected = compare(format, a, b, relation, quiet);
        expect(call('floatCompare', box(a), box(b), number, code), `${relation} ${a} ${b}`).toEqual(expected);
      }
    }
  });

  it('least and greatest', async () => {
    const call = await routines();
    for (const which of [0, 1, 2, 3]) {
      for (const [a, b] of pairs) {
        const expected = inBox(format, minMax(format, a, b, which % 2 === 1, which > 1));
        expect(call('floatMinMax', box(a), box(b), which, code), `${which} ${a} ${b}`).toEqual(expected);
      }
    }
  });

  it.each(MODES)('to integers and back, in rounding mode %i', async (mode) => {
    const call = await routines();
    const { bits: scale } = fromInteger(format, 1n << 20n, 0, 2);
    const numbers = [
      0n,
      1n,
      -1n,
      1n << 31n,
      -(1n << 31n),
      (1n << 32n) - 1n,
      1n << 62n,
      (1n << 63n) - 1n,
      -(1n << 63n),
    ];
    for (const kind of [0, 1, 2, 3]) {
      for (const a of [...values, scale, ...numbers.map((n) => fromInteger(format, n, 0, 2).bits)]) {
        const expected = toInteger(format, a, mode, kind);
        expect(call('floatToInteger', box(a), mode, kind, code), `${kind} ${a}`).toEqual(expected);
      }
      for (const number of numbers) {
        const expected = inBox(format, fromInteger(format, BigInt.asUintN(64, number), mode, kind));
        expect(call('integerToFloat', number, mode, kind, code), `${kind} ${number}`).toEqual(expected);
      }
    }
  });

  it.each(MODES)('to the other formats, in rounding mode %i', async (mode) => {
    const call = await routines();
    const formats = [[SINGLE, FORMAT_SINGLE], [DOUBLE, FORMAT_DOUBLE], [HALF, FORMAT_HALF]] as const; // prettier-ignore
    for (const [to, toCode] of formats.filter(([other]) => other !== format)) {
      for (const a of values) {
        const expected = inBox(to, convert(format, to, a, mode));
        expect(call('floatConvert', box(a), mode, code, toCode), `${toCode} ${a}`).toEqual(expected);
      }
    }
  });
});
