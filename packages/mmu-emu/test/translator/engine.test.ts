import { describe, expect, it } from 'vitest';
import { DEFAULT_ENGINE } from '../../src/engine.js';
import { assemble, EXIT_BUDGET, Machine, MachineError } from '../../src/index.js';
import type { Engine } from '../../src/index.js';
import { Bench, ORIGIN } from '../run-program.js';

const LOOP = 'loop: addi a0, a0, 1\nj loop';

describe('the engine', () => {
  it('is the one that the machine was made with, and translates when it should', async () => {
    const regions = async (engine: Engine): Promise<number | undefined> => {
      const bench = await Bench.of(LOOP, { engine });
      expect(bench.run(100_000)).toBe(EXIT_BUDGET);
      expect(bench.x('a0')).toBe(50_000n);
      return bench.machine.translation?.translations;
    };
    expect(await regions('interpreter')).toBeUndefined();
    expect(await regions('auto')).toBe(1);
    expect(await regions('translator')).toBeGreaterThanOrEqual(1);
  });

  it('by default translates what is hot, and in the second run of the tests everything', async () => {
    const bench = await Bench.of(LOOP);
    expect(bench.run(20)).toBe(EXIT_BUDGET);
    expect(bench.machine.translation?.translations).toBe(DEFAULT_ENGINE === 'auto' ? 0 : 1);
  });

  it('of another name is refused', async () => {
    const made = Machine.create({ engine: 'jit' as Engine });
    await expect(made).rejects.toThrow(MachineError);
    await expect(made).rejects.toMatchObject({ code: 'bad-option' });
  });

  it('waits until a place was reached many times, and says what it did', async () => {
    const bench = await Bench.of(LOOP, { engine: 'auto' });
    bench.run(2 * 16_000);
    expect(bench.machine.translation).toMatchObject({ regions: 0, translations: 0, bytes: 0 });
    bench.run(2 * 500);
    expect(bench.machine.translation).toMatchObject({
      regions: 1,
      translations: 1,
      modules: 1,
      instructions: 2,
    });
    bench.machine.ram.writable(0);
    expect(bench.machine.translation).toMatchObject({ regions: 0, invalidations: 1 });
  });

  it('shares a module among what becomes hot while there may be none', async () => {
    // Each round makes a place hot: a loop of two instructions in a page that was written from outside.
    const rounds = 560;
    const bench = await Bench.of('loop: addi a0, a0, 1\nbnez a1, loop', { engine: 'auto' });
    bench.setX('a1', 1);
    const { machine } = bench;
    const { bytes } = assemble('loop: addi a0, a0, 1\nbnez a1, loop', { origin: ORIGIN });
    for (let round = 0; round < rounds; round += 1) {
      machine.ram.writable(round % 3).set(bytes);
      bench.pc = BigInt(ORIGIN + (round % 3) * 4096);
      expect(bench.run(33_000)).toBe(EXIT_BUDGET);
    }
    expect(bench.x('a0')).toBe(BigInt(rounds * 16_500));
    expect(machine.translation?.modules).toBe(513);
  });

  it('leaves out what never ran, until it does', async () => {
    const bench = await Bench.of(
      `loop: addi a0, a0, 1
       blt a0, a1, loop
       addi a2, a2, 1
       li a0, 0
       li a1, 1
       j loop`,
      { engine: 'auto' },
    );
    const sizes = () => bench.machine.hotRegions(9).map(({ instructions }) => instructions);
    bench.setX('a1', 50_000n);
    expect(bench.run(2 * 40_000)).toBe(EXIT_BUDGET);
    expect([bench.x('a0'), bench.x('a2'), sizes()]).toEqual([40_000n, 0n, [2]]);
    // The first 10,000 rounds end the loop; from then on a round has six instructions.
    expect(bench.run(2 * 10_000 + 4 + 6 * 30_000)).toBe(EXIT_BUDGET);
    expect([bench.x('a0'), bench.x('a2')]).toEqual([0n, 30_001n]);
    expect(sizes()).toContain(6);
  });
});
