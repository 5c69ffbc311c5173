/** Random numbers for tests, and values that break things. */
import { corners, RandomFloats } from '../isa/float-values.js';
import { DOUBLE, HALF, SINGLE } from '../model/float-model.js';

const CORNERS = [
  0n, 1n, 2n, 3n, 7n, 8n, 31n, 32n, 63n, 64n, 0x7ffn, 0x800n, 0xfffn, 0x7fff_ffffn, 0x8000_0000n, 0xffff_ffffn,
  0x1_0000_0000n, 0x7fff_ffff_ffff_ffffn, 0x8000_0000_0000_0000n, 0x8000_0000_0000_0001n, 0xffff_ffff_8000_0000n,
  0xffff_ffff_7fff_ffffn, 0xffff_ffff_ffff_fffen, 0xffff_ffff_ffff_ffffn,
]; // prettier-ignore

/** 32 random bits a call; the same sequence for the same seed. */
export class Random {
  #state: number;

  readonly #floats: RandomFloats;

  constructor(seed: number) {
    this.#state = seed | 0 || 1;
    this.#floats = new RandomFloats(seed);
  }

  bits(): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    // The plain sequence has visible structure in neighbouring outputs; a multiplication hides it.
    return Math.imul(this.#state, 0x9e37_79b1) >>> 0;
  }

  below(limit: number): number {
    return Math.floor((this.bits() / 2 ** 32) * limit);
  }

  chance(percent: number): boolean {
    return this.below(100) < percent;
  }

  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)];
  }

  /** What an f register may hold: values of either format, in boxes and out of them. */
  float(): bigint {
    const format = this.pick([DOUBLE, SINGLE, HALF]);
    const bits = this.#floats.value(format, corners(format));
    const unboxed = this.chance(5) ? BigInt(this.bits()) << 32n : -1n;
    return format === DOUBLE ? bits : BigInt.asUintN(64, (unboxed << BigInt(format.width)) | bits);
  }

  value(): bigint {
    if (this.chance(50)) return this.pick(CORNERS);
    const wide = (BigInt(this.bits()) << 32n) | BigInt(this.bits());
    return this.chance(50) ? wide : BigInt.asUintN(64, BigInt.asIntN(32, wide));
  }
}
