/** VMOs whose words count up from a key. */
import { PAGE } from './vm-fixture.js';

const WORDS = PAGE / 8;

/** A VMO of the test, mapped in its address space. */
export interface PagedVmo {
  readonly handle: number;
  readonly key: bigint;
  /** First word of the pattern: that of the key, moved on for clones. */
  readonly first: bigint;
  readonly base: number;
  readonly pages: number;
}

/** What a page holds. */
export function pattern(vmo: PagedVmo, page: number, count = 1): Uint8Array {
  const words = new BigUint64Array(count * WORDS);
  for (let index = 0; index < words.length; index += 1)
    words[index] = vmo.first + BigInt(page * WORDS + index);
  return new Uint8Array(words.buffer);
}
