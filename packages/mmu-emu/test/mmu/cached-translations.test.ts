import { describe, expect, test } from 'vitest';
import { expectNoDifferences } from '../qemu/differences.js';
import { batches, seededRandom } from '../qemu/scale.js';
import { CachedTranslations } from './cached-translations.js';

const STEPS = 4000;

const EXPECTED = [
  ...['load done', 'load cause 13', 'store done', 'store cause 15', 'amo done', 'amo cause 15'],
  ...['fetch done', 'fetch cause 12'],
  ...['sfence.vma page', 'sfence.vma page, asid', 'sfence.vma asid', 'sfence.vma', 'sinval.vma page, asid'],
];

describe('accesses that the TLB answers', () => {
  const counts = new Map<string, number>();

  test.for(batches(4))(
    'end as if it had not, whatever changed in between with its fence (%i)',
    async (batch, { task }) => {
      const made = await CachedTranslations.of(seededRandom(1000 + batch));
      const differences: string[] = [];
      for (let step = 0; step < STEPS && differences.length === 0; step++) {
        const difference = made.step();
        if (difference !== undefined) differences.push(difference);
      }
      expectNoDifferences(task, differences);
      expect(made.sameMemory).toBe(true);
      for (const [name, count] of made.counts) counts.set(name, (counts.get(name) ?? 0) + count);
      // Otherwise each access was the walk's.
      const { translation } = made.machine;
      if (translation !== null) expect(translation.exits.tlbMiss ?? 0).toBeLessThan(STEPS / 4);
    },
  );

  test('come to every outcome, by every fence', () => {
    expect(EXPECTED.filter((name) => !counts.has(name))).toEqual([]);
  });
});
