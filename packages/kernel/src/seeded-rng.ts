import type { Rng } from './kernel-core.js';

/**
 * Random numbers that follow from a seed (sfc32, 128 bits of state): the same seed gives the same numbers on every host.
 * Not for secrets.
 */
export class SeededRng implements Rng {
  private a: number;
  private b: number;
  private c = 0x6c07_8965;
  private counter = 1;

  /** @param seed an integer; 53 bits of it count */
  constructor(seed: number) {
    if (!Number.isSafeInteger(seed)) throw new RangeError(`a seed is an integer, not ${seed}`);
    this.a = seed | 0;
    this.b = Math.floor(seed / 0x1_0000_0000) | 0;
    for (let round = 0; round < 15; round += 1) this.next();
  }

  next(): number {
    const sum = (this.a + this.b + this.counter) | 0;
    this.counter = (this.counter + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = (((this.c << 21) | (this.c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }
}
