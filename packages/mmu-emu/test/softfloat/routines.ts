/** The routines in a module of their own, and values that break things. */

import { HART_FCSR } from '../../src/hart/state.js';
import { defineSoftfloat } from '../../src/softfloat/softfloat.js';
import { ModuleBuilder } from '../../src/wasm/module-builder.js';
import { DOUBLE, SINGLE } from '../model/float-model.js';
import type { Format, Result } from '../model/float-model.js';

type Routine = (hart: number, ...args: readonly bigint[]) => bigint;

export interface Softfloat {
  /** Calls a routine with cleared flags; bits are unsigned, without the box of a single. */
  call(name: 'fma' | 'div' | 'sqrt', format: Format, operands: readonly bigint[], mode: number): Result;
}

export async function softfloat(): Promise<Softfloat> {
  const module = new ModuleBuilder();
  module.importMemory('m', 'memory', 1, false);
  const functions = defineSoftfloat(module);
  for (const [name, index] of Object.entries(functions)) module.exportFunction(name, index as number);
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
  const { instance } = await WebAssembly.instantiate(module.encode(), { m: { memory } });
  const state = new Uint32Array(memory.buffer);
  return {
    call: (name, format, operands, mode) => {
      state[HART_FCSR] = 0;
      const single = format === SINGLE;
      const routine = instance.exports[name] as Routine;
      const wide = single ? operands.map(widen) : operands;
      const register = BigInt.asUintN(64, routine(0, ...wide, BigInt(mode), single ? 0n : 1n));
      if (single && register >> 32n !== 0xffff_ffffn) throw new Error('a single is not in its box');
      return { bits: single ? register & 0xffff_ffffn : register, flags: state[HART_FCSR] };
    },
  };
}

const view = new DataView(new ArrayBuffer(8));

/** A single's bits as a double's; a NaN keeps what is in its fraction. */
function widen(bits: bigint): bigint {
  if ((bits & 0x7fff_ffffn) > 0x7f80_0000n) {
    return ((bits >> 31n) << 63n) | (0x7ffn << 52n) | ((bits & 0x7f_ffffn) << 29n);
  }
  view.setUint32(0, Number(bits));
  view.setFloat64(0, view.getFloat32(0));
  return view.getBigUint64(0);
}

/** Zeros, ones, the ends of the ranges, infinities and NaNs, of either sign. */
export function corners(format: Format): bigint[] {
  const fraction = BigInt(format.precision - 1);
  const one = BigInt(format.bias) << fraction;
  const infinity = BigInt(2 * format.bias + 1) << fraction;
  const normal = 1n << fraction;
  const positive = [
    0n, 1n, 2n, normal - 1n, normal, normal + 1n, one - 1n, one, one + 1n, one + normal, one + (normal >> 1n),
    infinity - 1n, infinity, infinity + 1n, infinity + (normal >> 1n), infinity + normal - 1n,
  ]; // prettier-ignore
  const sign = 1n << BigInt(format.width - 1);
  return positive.flatMap((bits) => [bits, bits | sign]);
}

/** Random values: of any exponent, near one another, near the ends, and with runs of equal bits. */
export class RandomFloats {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0 || 1;
  }

  bits(): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return Math.imul(this.#state, 0x9e37_79b1) >>> 0;
  }

  below(limit: number): number {
    return Math.floor((this.bits() / 2 ** 32) * limit);
  }

  value(format: Format, interesting: readonly bigint[]): bigint {
    const choice = this.below(8);
    if (choice === 0) return interesting[this.below(interesting.length)];
    const fractionBits = format.precision - 1;
    const wide = (BigInt(this.bits()) << 32n) | BigInt(this.bits());
    // Short significands make exact results and ties frequent.
    const cleared = choice < 4 ? BigInt(this.below(fractionBits)) : 0n;
    const filled = choice === 4 ? (1n << BigInt(this.below(fractionBits))) - 1n : 0n;
    const raw = BigInt.asUintN(fractionBits, ((wide >> cleared) << cleared) | filled);
    const span = 2 * format.bias + 1;
    const near = choice % 2 === 0 ? format.bias + this.below(60) - 30 : this.below(span);
    const field = choice === 7 ? this.below(4) : near;
    const sign = BigInt(this.below(2)) << BigInt(format.width - 1);
    return sign | (BigInt(field) << BigInt(fractionBits)) | raw;
  }
}

export const FORMATS = { double: DOUBLE, single: SINGLE } as const;
