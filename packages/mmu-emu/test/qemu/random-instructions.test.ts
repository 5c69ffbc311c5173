import { describe, expect, test } from 'vitest';
import { DEFAULT_ENGINE } from '../../src/engine.js';
import { INSTRUCTIONS } from '../../src/index.js';
import { compareCases } from './compare-cases.js';
import { expectNoDifferences } from './differences.js';
import { EXPECTED_EXTENSIONS, EXPECTED_TRAPS } from './expected.js';
import { hasQemu, runQemu } from './qemu.js';
import { CaseGenerator } from './random-program.js';
import { makeImage } from './random-image.js';
import { runImage } from './run-image.js';
import { batches, isLong, seededRandom } from './scale.js';
import { causeName, Tally } from './tally.js';

const INSTRUCTIONS_A_CASE = 30;
/**
 * Batches, cases of each, and runs of each case from other values: more than a million instructions. A long run has fewer
 * programs and runs each more often; where every line is translated before it runs, there are few lines.
 */
const [BATCHES, CASES, RUNS] =
  DEFAULT_ENGINE !== 'auto' ? [2, 60, 25] : isLong ? [1, 600, 60] : [12, 1000, 3];

const EXTENSION_OF = new Map(INSTRUCTIONS.map(({ name, extension }) => [name, extension]));

/** Leave the case, wait, or change a register that the cases need; other tests have them. */
const NOT_GENERATED = ['mret', 'sret', 'wfi', 'c.addi16sp'];

describe('random programs', () => {
  const generated = new Map<string, number>();
  const traps = new Map<number, number>();

  test.for(batches(BATCHES))(
    'batch %i ends with the registers, memory and traps of QEMU',
    async (batch, { task }) => {
      const made = makeImage(
        new CaseGenerator(seededRandom(batch), generated),
        CASES,
        INSTRUCTIONS_A_CASE,
        RUNS,
      );
      const ours = await runImage(made.image, made.ramBytes);
      expect(ours.exitCode).toBe(0);
      if (!hasQemu(task, `${CASES * RUNS} random programs compared with QEMU`)) return;
      const reference = runQemu(made.image, made.ramBytes);
      expect(reference.exitCode).toBe(0);
      const { differences, traps: counted } = compareCases(made, reference.ram, ours.ram);
      for (const [cause, count] of counted) traps.set(cause, (traps.get(cause) ?? 0) + count);
      expectNoDifferences(task, differences);
    },
  );

  test('contain every instruction of the table and encodings that are none', ({ task }) => {
    const counts = new Tally();
    for (const [name, count] of generated) counts.add(EXTENSION_OF.get(name) ?? name, count * RUNS);
    for (const [cause, count] of traps) counts.add(`trap: ${causeName(BigInt(cause))}`, count);
    if (traps.size > 0) counts.report(task, 'instructions by extension, traps in machine mode');
    expect(counts.missing(EXPECTED_EXTENSIONS)).toEqual([]);
    const missing = INSTRUCTIONS.map(({ name }) => name).filter((name) => !generated.has(name));
    expect(missing.sort()).toEqual([...NOT_GENERATED].sort());
    const total = [...generated.values()].reduce((sum, count) => sum + count, 0);
    // Three in a hundred are.
    expect(generated.get('illegal')).toBeGreaterThan(total / 100);
    expect(total).toBeGreaterThanOrEqual(BATCHES * CASES * INSTRUCTIONS_A_CASE);
  });

  test('meet every exception that machine mode can raise without translation', ({ task }) => {
    if (!hasQemu(task, 'traps of random programs counted')) {
      expect(traps.size).toBe(0);
      return;
    }
    const met = [...traps.keys()].map((cause) => causeName(BigInt(cause)));
    expect(met.sort()).toEqual([...EXPECTED_TRAPS].sort());
  });
});
