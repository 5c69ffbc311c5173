import { describe, expect, test } from 'vitest';
import { reportCounts } from '../../../../scripts/vitest/report-counts.js';
import { EXIT_BUDGET, EXIT_TRAP } from '../../src/index.js';
import { DEFAULT_ENGINE } from '../../src/engine.js';
import { HART_CAUSE, HART_PC, HART_X } from '../../src/hart/state.js';
import { batches, seededRandom } from '../qemu/scale.js';
import { setWordPair, wordPair } from '../run-program.js';
import { NoisyMachine } from './noisy-machine.js';

const BATCHES = 4;
const ROUNDS = 100;
/** Where every line is translated before it runs, noise is slow. */
const BUDGET = DEFAULT_ENGINE === 'auto' ? 4000 : 1000;
/** Nothing can be fetched there: it goes on somewhere else. */
const FETCH_FAULTS = new Set([1, 12]);

describe('memory of noise under a hosted machine', () => {
  test.for(batches(BATCHES))('never makes it throw, overrun or leave RAM (%i)', async (batch, { task }) => {
    const random = seededRandom(batch);
    const adUpdate = batch % 2 === 0 ? 'fault' : 'hardware';
    const made = await NoisyMachine.of(random, { mode: 'hosted', adUpdate });
    const hart = made.machine.harts[0];
    let retired = 0;
    let traps = 0;
    // Runs that did not end as they have to; there are too many runs for an assertion each.
    const wrong: string[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      made.shakeRegisters(hart);
      // Without translation first, then under page tables of noise.
      if (round >= ROUNDS / 2) hart.setAddressSpace(made.tablePpn(), random.below(2 ** 16));
      for (let left = BUDGET; left > 0;) {
        const budget = 1 + random.below(left);
        const reason = hart.run(budget);
        const isRight =
          reason === EXIT_BUDGET
            ? hart.retired === budget
            : reason === EXIT_TRAP && hart.retired >= 0 && hart.retired < budget;
        if (!isRight) wrong.push(`round ${round}: ${reason} after ${hart.retired} of ${budget}`);
        retired += hart.retired;
        left -= hart.retired + 1;
        if (reason === EXIT_BUDGET) continue;
        traps++;
        if (FETCH_FAULTS.has(hart.state[HART_CAUSE])) made.shakeRegisters(hart);
        else setWordPair(hart, HART_PC, wordPair(hart, HART_PC) + 2n);
      }
      expect(hart.state[HART_X] | hart.state[HART_X + 1]).toBe(0);
      if (round % 20 === 0) expect(made.damage()).toEqual([]);
    }
    expect(made.damage()).toEqual([]);
    expect(wrong).toEqual([]);
    expect(traps).toBeGreaterThan(ROUNDS);
    expect(retired).toBeGreaterThan((ROUNDS * BUDGET) / 20);
    reportCounts(task, 'noise', {
      'instructions of a hosted hart': retired,
      'traps of a hosted hart': traps,
    });
  });
});
