/** As lockstep.test.ts, with everything that a hosted machine has not: modes, interrupts, devices, and harts that share memory. */
import { afterAll, describe, expect, it } from 'vitest';
import { HART_PC, RAM_BASE } from '../../src/index.js';
import { Random } from '../qemu/random.js';
import { wordPair } from '../run-program.js';
import { CODE_FRAMES, fullSystem, machineState, trapsOf, USER_CODE } from './full-system-machine.js';
import { randomControl } from './random-control.js';

const SEED = Number(process.env['FAULTLINE_SEED']);
const PROGRAMS = [0, 1, 2, 3, 4, 5];
const RUNS = 400;
const totals = { traps: 0, translated: 0 };

describe('the translator and the interpreter', () => {
  it.each(PROGRAMS)(
    'agree wherever a run is cut, with interrupts, faults and other harts in between (program %i)',
    async (index) => {
      const harts = 1 + (index % 2) + (index % 4 === 3 ? 1 : 0);
      const random = new Random(Math.imul(SEED + 5000 + index, 0x9e37_79b1));
      const source = randomControl(random);
      const plain = await fullSystem(source, 'interpreter', harts);
      const translated = await fullSystem(source, 'translator', harts);
      const cuts = new Set<bigint>();
      for (let run = 0; run < RUNS; run += 1) {
        const budget = random.chance(80) ? 1 + random.below(40) : 1 + random.below(2000);
        const expected = machineState(plain, plain.run(budget));
        const got = machineState(translated, translated.run(budget));
        expect(got, `run ${run}, budget ${budget}\n${source}`).toEqual(expected);
        const pc = wordPair(plain.currentHart, HART_PC);
        if (pc < BigInt(RAM_BASE)) cuts.add(pc);
      }
      for (let frame = 0; frame < plain.ram.frameCount; frame += 1) {
        const difference = Buffer.compare(plain.ram.readable(frame), translated.ram.readable(frame));
        expect(difference, `frame ${frame}`).toBe(0);
      }
      for (const pc of cuts) expect(Number(pc)).toBeLessThan(USER_CODE + CODE_FRAMES * 4096);
      for (let hart = 0; hart < harts; hart += 1) {
        expect(trapsOf(plain, hart)).toBeGreaterThan(20);
        totals.traps += trapsOf(plain, hart);
      }
      totals.translated += translated.translation?.retiredTranslated ?? 0;
    },
  );

  afterAll(() => {
    for (const [name, count] of Object.entries(totals))
      if (count < 1000) throw new Error(`${name}: ${count}`);
  });
});
