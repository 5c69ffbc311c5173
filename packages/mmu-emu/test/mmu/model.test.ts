import { describe, expect, test } from 'vitest';
import { expectNoDifferences } from '../qemu/differences.js';
import { batches, seededRandom } from '../qemu/scale.js';
import { RandomTranslation } from './random-translation.js';

/** Of a machine: how often its protection is written, then its tables for each of those, then sequences for each of those. */
const PROTECTIONS = 4;
const TABLES = 8;
const SEQUENCES = 40;

/** Every outcome of every kind of access. */
const EXPECTED = [
  ...['done', 'cause 5', 'cause 13'].flatMap((outcome) => [`load ${outcome}`, `lr ${outcome}`]),
  ...['done', 'cause 7', 'cause 15'].flatMap((outcome) =>
    ['store', 'amo', 'zero'].map((kind) => `${kind} ${outcome}`),
  ),
  ...['done', 'cause 1', 'cause 12'].map((outcome) => `fetch ${outcome}`),
  ...['lr cause 4', 'amo cause 6', 'Bare', 'Sv39', 'Sv48', 'Sv57', 'across two pages'],
];

describe('page tables, protection and accesses at random', () => {
  const counts = new Map<string, number>();

  test.for(batches(10))(
    'end as the models say: exception, tval, memory, A and D bits (%i)',
    async (batch, { task }) => {
      const made = await RandomTranslation.of(seededRandom(batch));
      const differences: string[] = [];
      for (let protection = 0; protection < PROTECTIONS && made.protect(); protection++) {
        differences.push(...made.protectionDifferences());
        for (let tables = 0; tables < TABLES && differences.length === 0; tables++) {
          made.map();
          for (let i = 0; i < SEQUENCES && differences.length === 0; i++) {
            const difference = made.sequence();
            if (difference !== undefined) differences.push(difference);
          }
        }
      }
      for (const [name, count] of made.counts) counts.set(name, (counts.get(name) ?? 0) + count);
      expectNoDifferences(task, differences);
    },
  );

  test('come to every outcome', () => {
    expect(EXPECTED.filter((name) => !counts.has(name))).toEqual([]);
  });
});
