import { expect, test } from 'vitest';
import { INSTRUCTIONS } from '../../src/index.js';
import { expectNoDifferences } from './differences.js';
import { EXPECTED_FLOAT } from './expected.js';
import { compareFloatSequences, makeFloatSequences, STEPS } from './float-sequences.js';
import { hasQemu, runQemu } from './qemu.js';
import { runImage } from './run-image.js';
import { batches, seededRandom } from './scale.js';
import { Tally } from './tally.js';

const EXTENSION_OF = new Map(INSTRUCTIONS.map(({ name, extension }) => [name, extension]));
const BLOCKS = 500;

test.for(batches(2))(
  'floating-point instructions give the results and flags of QEMU, one by one (%i)',
  async (batch, { task }) => {
    const made = makeFloatSequences(seededRandom(batch), BLOCKS);
    const ours = await runImage(made.image, made.ramBytes);
    expect(ours.exitCode).toBe(0);
    if (!hasQemu(task, `${BLOCKS * STEPS} floating-point instructions compared with QEMU`)) return;
    const reference = runQemu(made.image, made.ramBytes);
    expect(reference.exitCode).toBe(0);
    expectNoDifferences(task, compareFloatSequences(made, reference.ram, ours.ram));
    const counts = new Tally();
    for (const { spec } of made.steps) counts.add(EXTENSION_OF.get(spec.name)!, BLOCKS);
    counts.report(task, 'results and flags of floating-point instructions');
    expect(counts.missing(EXPECTED_FLOAT)).toEqual([]);
  },
);
