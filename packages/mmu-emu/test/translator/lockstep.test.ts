import { afterAll, describe, expect, it } from 'vitest';
import { EXIT_TRAP, Machine } from '../../src/index.js';
import { DATA_FRAME } from '../mmu/sv39-machine.js';
import { Random } from '../qemu/random.js';
import { answer, DATA_PAGES, disturb, lockstepMachine, stateOf } from './lockstep-machine.js';
import { randomControl } from './random-control.js';

const SEED = Number(process.env['FAULTLINE_SEED']);
const PROGRAMS = Math.max(1, Math.round(60 * Number(process.env['FAULTLINE_LOCKSTEP_SCALE'] ?? 1)));
const RUNS = 60;

const totals = { retired: 0, regions: 0, invalidations: 0, replacements: 0 };

describe('the translator and the interpreter', () => {
  it.each(Array.from({ length: PROGRAMS }, (_, index) => SEED + index))(
    'agree after every run of a random program (seed %i)',
    async (seed) => {
      const random = new Random(Math.imul(seed, 0x9e37_79b1));
      const source = randomControl(random);
      const machines = [
        await lockstepMachine(source, 'interpreter'),
        await lockstepMachine(source, 'translator'),
      ] as const;
      const [plain, translated] = machines;
      for (let run = 0; run < RUNS; run += 1) {
        const budget = random.chance(30) ? 1 + random.below(4) : 1 + random.below(3000);
        const states = machines.map((made) => stateOf(made, made.hart.run(budget)));
        expect(states[1], `run ${run}, budget ${budget}\n${source}`).toEqual(states[0]);
        totals.retired += plain.hart.retired;
        const trapped = states[0].reason === EXIT_TRAP;
        const [what, argument] = [random.below(20), random.bits()];
        for (const made of machines) {
          if (trapped) answer(made);
          disturb(made, what, argument);
        }
      }
      for (let frame = 64; frame < DATA_FRAME + DATA_PAGES; frame += 1) {
        const [left, right] = machines.map(({ machine }) => machine.ram.readable(frame));
        expect(Buffer.compare(left, right), `frame ${frame}`).toBe(0);
      }
      const statistics = translated.machine.translation;
      totals.regions += statistics?.translations ?? 0;
      totals.invalidations += statistics?.invalidations ?? 0;
      totals.replacements += statistics?.replacements ?? 0;
      expect(plain.machine.translation).toBeNull();
    },
  );

  afterAll(() => {
    // Programs that were never translated would agree with anything.
    if (PROGRAMS < 20) return;
    for (const [name, count] of Object.entries(totals)) if (count < 20) throw new Error(`${name}: ${count}`);
  });

  it('make a machine that says which engine it has', async () => {
    expect((await Machine.create({ engine: 'interpreter', ramBytes: 2 ** 20 })).translation).toBeNull();
    expect((await Machine.create({ engine: 'auto', ramBytes: 2 ** 20 })).translation?.regions).toBe(0);
  });
});
