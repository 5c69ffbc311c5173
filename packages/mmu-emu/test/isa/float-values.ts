/** Floating-point values that break things. */

import type { Format } from '../model/float-model.js';

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
    const middle = Math.min(60, format.bias);
    const near = choice % 2 === 0 ? format.bias + this.below(middle) - (middle >> 1) : this.below(span);
    const field = choice === 7 ? this.below(4) : near;
    const sign = BigInt(this.below(2)) << BigInt(format.width - 1);
    return sign | (BigInt(field) << BigInt(fractionBits)) | raw;
  }
}
