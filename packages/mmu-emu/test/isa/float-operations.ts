/** Every floating-point operation, with what it has to give according to the model in `test/model`. */

import {
  divide,
  DOUBLE,
  fusedMultiplyAdd,
  HALF,
  nan,
  signBit,
  SINGLE,
  squareRoot,
} from '../model/float-model.js';
import type { Format, Result } from '../model/float-model.js';
import { classify, compare, convert, fromInteger, minMax, roundToWhole, toInteger, toIntegerModular, withSign } from '../model/float-operations.js'; // prettier-ignore

/** An instruction, and its model. */
export interface Operation {
  readonly name: string;
  /** Formats of the floating-point operands in order; 'x' for an integer. */
  readonly sources: readonly (Format | 'x')[];
  /** Format of the result; 'x' for an integer. */
  readonly result: Format | 'x';
  /** Takes a rounding mode. */
  readonly rounds: boolean;
  /** The one rounding mode that has to be written. */
  readonly always?: string;
  /** Operands come without boxes: a NaN where the box was not right. */
  readonly model: (operands: readonly bigint[], mode: number) => Result;
}

const one = (format: Format): bigint => BigInt(format.bias) << BigInt(format.precision - 1);
const negated = (format: Format, a: bigint): bigint => a ^ signBit(format, true);

function ofFormat(format: Format, suffix: string): Operation[] {
  const make = (
    name: string,
    count: number,
    rounds: boolean,
    model: Operation['model'],
    result: Format | 'x' = format,
  ): Operation => ({
    name: `${name}.${suffix}`,
    sources: Array<Format>(count).fill(format),
    result,
    rounds,
    model,
  });
  const fma = (name: string, product: boolean, addend: boolean): Operation =>
    make(name, 3, true, ([a, b, c], mode) =>
      fusedMultiplyAdd(format, product ? negated(format, a) : a, b, addend ? negated(format, c) : c, mode),
    );
  const zeroOfProduct = (a: bigint, b: bigint): bigint => (a ^ b) & signBit(format, true);
  const integers = ['w', 'wu', 'l', 'lu'];
  return [
    make('fadd', 2, true, ([a, b], mode) => fusedMultiplyAdd(format, a, one(format), b, mode)),
    make('fsub', 2, true, ([a, b], mode) =>
      fusedMultiplyAdd(format, a, one(format), negated(format, b), mode),
    ),
    make('fmul', 2, true, ([a, b], mode) => fusedMultiplyAdd(format, a, b, zeroOfProduct(a, b), mode)),
    make('fdiv', 2, true, ([a, b], mode) => divide(format, a, b, mode)),
    make('fsqrt', 1, true, ([a], mode) => squareRoot(format, a, mode)),
    fma('fmadd', false, false),
    fma('fmsub', false, true),
    fma('fnmsub', true, false),
    fma('fnmadd', true, true),
    make('fsgnj', 2, false, ([a, b]) => withSign(format, a, b, 'copy')),
    make('fsgnjn', 2, false, ([a, b]) => withSign(format, a, b, 'opposite')),
    make('fsgnjx', 2, false, ([a, b]) => withSign(format, a, b, 'product')),
    make('fmin', 2, false, ([a, b]) => minMax(format, a, b, false, false)),
    make('fmax', 2, false, ([a, b]) => minMax(format, a, b, true, false)),
    make('fle', 2, false, ([a, b]) => compare(format, a, b, 'le', false), 'x'),
    make('flt', 2, false, ([a, b]) => compare(format, a, b, 'lt', false), 'x'),
    make('feq', 2, false, ([a, b]) => compare(format, a, b, 'eq', true), 'x'),
    make('fminm', 2, false, ([a, b]) => minMax(format, a, b, false, true)),
    make('fmaxm', 2, false, ([a, b]) => minMax(format, a, b, true, true)),
    make('fleq', 2, false, ([a, b]) => compare(format, a, b, 'le', true), 'x'),
    make('fltq', 2, false, ([a, b]) => compare(format, a, b, 'lt', true), 'x'),
    make('fround', 1, true, ([a], mode) => roundToWhole(format, a, mode, false)),
    make('froundnx', 1, true, ([a], mode) => roundToWhole(format, a, mode, true)),
    make('fclass', 1, false, ([a]) => classify(format, a), 'x'),
    ...integers.map((name, kind) => ({
      ...make('', 1, true, ([a], mode) => toInteger(format, a, mode, kind), 'x'),
      name: `fcvt.${name}.${suffix}`,
    })),
    ...integers.map((name, kind): Operation => ({
      name: `fcvt.${suffix}.${name}`,
      sources: ['x'],
      result: format,
      rounds: true,
      model: ([x], mode) => fromInteger(format, x, mode, kind),
    })),
  ];
}

const conversion = (name: string, from: Format, to: Format): Operation => ({
  name,
  sources: [from],
  result: to,
  rounds: true,
  model: ([a], mode) => convert(from, to, a, mode),
});

export const OPERATIONS: readonly Operation[] = [
  ...ofFormat(SINGLE, 's'),
  ...ofFormat(DOUBLE, 'd'),
  conversion('fcvt.s.d', DOUBLE, SINGLE),
  conversion('fcvt.d.s', SINGLE, DOUBLE),
  conversion('fcvt.s.h', HALF, SINGLE),
  conversion('fcvt.h.s', SINGLE, HALF),
  conversion('fcvt.d.h', HALF, DOUBLE),
  conversion('fcvt.h.d', DOUBLE, HALF),
  {
    name: 'fcvtmod.w.d',
    sources: [DOUBLE],
    result: 'x',
    rounds: false,
    always: 'rtz',
    model: ([a]) => toIntegerModular(DOUBLE, a),
  },
];

/** As a register holds it. */
export function boxed(format: Format, bits: bigint): bigint {
  const box = format.width === 64 ? 0n : ((1n << BigInt(64 - format.width)) - 1n) << BigInt(format.width);
  return bits | box;
}

/** What a register counts as. */
export function unboxed(format: Format, register: bigint): bigint {
  const bits = BigInt.asUintN(format.width, register);
  return boxed(format, bits) === register ? bits : nan(format);
}
