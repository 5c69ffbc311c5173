import { describe, expect, test } from 'vitest';
import { INSTRUCTIONS } from '../../src/index.js';
import { compareCases } from './compare-cases.js';
import { hasQemu, runQemu } from './qemu.js';
import { CaseGenerator, makeImage, Random } from './random-program.js';
import { runImage } from './run-image.js';

const BATCHES = 4;
const CASES = 1000;
/** Instructions a case; the whole run has 120,000. */
const INSTRUCTIONS_A_CASE = 30;

/** Multiplies the number of cases, for runs by hand. */
const SCALE = Number(process.env['FAULTLINE_LOCKSTEP_SCALE'] ?? '1');

const seed = Number(process.env['FAULTLINE_SEED']);

/** Leave the case, wait, or change a register that the cases need; other tests have them. */
const NOT_GENERATED = ['mret', 'sret', 'wfi', 'c.addi16sp'];

describe('random programs', () => {
  const generator = new CaseGenerator(new Random(seed));
  const traps = new Map<number, number>();

  test.for(Array.from({ length: BATCHES * SCALE }, (_, index) => index))(
    'batch %i ends with the registers, memory and traps of QEMU',
    async (_batch, { task }) => {
      const made = makeImage(generator, CASES, INSTRUCTIONS_A_CASE);
      const ours = await runImage(made.image, made.ramBytes);
      expect(ours.exitCode).toBe(0);
      if (!hasQemu(task, `${CASES} random programs compared with QEMU`)) return;
      const reference = runQemu(made.image, made.ramBytes);
      expect(reference.exitCode).toBe(0);
      const { differences, traps: counted } = compareCases(made, reference.ram, ours.ram);
      for (const [cause, count] of counted) traps.set(cause, (traps.get(cause) ?? 0) + count);
      expect(differences.slice(0, 3)).toEqual([]);
    },
  );

  test('contain every instruction of the table and encodings that are none', () => {
    const missing = INSTRUCTIONS.map(({ name }) => name).filter((name) => !generator.counts.has(name));
    expect(missing.sort()).toEqual([...NOT_GENERATED].sort());
    expect(generator.counts.get('illegal')).toBeGreaterThan(100);
    const total = [...generator.counts.values()].reduce((sum, count) => sum + count, 0);
    expect(total).toBeGreaterThanOrEqual(BATCHES * CASES * INSTRUCTIONS_A_CASE);
  });

  test('meet every exception that machine mode can raise without translation', ({ task }) => {
    if (!hasQemu(task, 'traps of random programs counted')) {
      expect(traps.size).toBe(0);
      return;
    }
    // Fetch access, illegal, breakpoint, load misaligned (lr), load access, store misaligned, store access, ecall.
    expect([...traps.keys()].sort((a, b) => a - b)).toEqual([1, 2, 3, 5, 6, 7, 11]);
  });
});
