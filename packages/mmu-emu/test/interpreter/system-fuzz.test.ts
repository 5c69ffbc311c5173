import { describe, expect, test } from 'vitest';
import { reportCounts } from '../../../../scripts/vitest/report-counts.js';
import { EXIT_BUDGET, EXIT_STOP, EXIT_WFI } from '../../src/index.js';
import { DEFAULT_ENGINE } from '../../src/engine.js';
import { HART_X } from '../../src/hart/state.js';
import { batches, seededRandom } from '../qemu/scale.js';
import { NoisyMachine } from './noisy-machine.js';

const BATCHES = 3;
/** Where every line is translated before it runs, noise is slow. */
const ROUNDS = DEFAULT_ENGINE === 'auto' ? 400 : 100;
const BUDGET = 12_000;
/** Noise that mostly waits for interrupts goes on for more rounds, until so many have used their budget up, and so much was run. */
const LEAST_WHOLE_ROUNDS = ROUNDS / 10;
const LEAST_INSTRUCTIONS = (ROUNDS * BUDGET) / 10;
const MOST_ROUNDS = 20 * ROUNDS;
const OPTIONS = { harts: 2 };

describe('memory of noise, with translation, protection and devices', () => {
  test.for(batches(BATCHES))(
    'never makes the machine throw, overrun or leave RAM (%i)',
    async (batch, { task }) => {
      const random = seededRandom(batch);
      let made = await NoisyMachine.of(random, OPTIONS);
      let retired = 0;
      const reasons = new Map<number, number>();
      const hasEnough = (): boolean =>
        (reasons.get(EXIT_BUDGET) ?? 0) > LEAST_WHOLE_ROUNDS && retired > LEAST_INSTRUCTIONS;
      for (let round = 0; round < ROUNDS || (round < MOST_ROUNDS && !hasEnough()); round++) {
        for (const hart of made.machine.harts) made.shake(hart);
        const budget = 1 + random.below(BUDGET);
        const reason = made.machine.run(budget);
        reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
        expect([EXIT_BUDGET, EXIT_WFI, EXIT_STOP]).toContain(reason);
        expect(made.machine.retired).toBeLessThanOrEqual(budget);
        if (reason === EXIT_BUDGET) expect(made.machine.retired).toBe(budget);
        expect(made.machine.harts.map(({ state }) => state[HART_X] | state[HART_X + 1])).toEqual([0, 0]);
        retired += made.machine.retired;
        if (round % 20 === 0) expect(made.damage()).toEqual([]);
        if (reason === EXIT_STOP || random.chance(2)) {
          expect(made.damage()).toEqual([]);
          made = await NoisyMachine.of(random, OPTIONS);
        }
      }
      expect(made.damage()).toEqual([]);
      expect(hasEnough()).toBe(true);
      reportCounts(task, 'noise', {
        'instructions of two harts in machine, supervisor and user mode': retired,
      });
    },
  );
});
