import { describe, expect, test } from 'vitest';
import type { MachineOptions } from '../../src/index.js';
import { Random } from '../qemu/random.js';
import { Guest } from './guest.js';

const SEED = Number(process.env['FAULTLINE_SEED']);
const SCALE = Number(process.env['FAULTLINE_LOCKSTEP_SCALE'] ?? 1);
const PROGRAMS = Math.max(1, Math.round(2 * SCALE));
const INSTRUCTIONS = 30_000;
const SNAPSHOTS = 3;

type EngineName = NonNullable<MachineOptions['engine']>;

describe.each([1, 2, 3])('a machine with %i harts', (harts) => {
  test.each(
    Array.from({ length: PROGRAMS }, (_, index) => SEED + index).flatMap((seed) =>
      (['interpreter', 'translator'] as const).map((engine) => [engine, seed] as const),
    ),
  )('goes on from a snapshot as if nothing had been (%s, seed %i)', async (engine, seed) => {
    const random = new Random(Math.imul(seed, 0x85eb_ca6b) ^ harts);
    const options = {
      seed,
      harts,
      nanosecondsPerInstruction: [1, 0.7, 13][random.below(3)],
      ...(random.chance(50) ? { turnSeed: seed } : {}),
    };
    const points = Array.from({ length: SNAPSHOTS }, () => 1 + random.below(INSTRUCTIONS - 1));
    points.sort((a, b) => a - b);
    const typed = Array.from({ length: 3 }, () => 1 + random.below(INSTRUCTIONS - 1));
    // Turns and time do not depend on how runs are cut, so input comes at the same instruction in every run.
    const events = [...new Set([...points, ...typed])].sort((a, b) => a - b);
    /** From one instruction to another, with the input that comes there. */
    const runFrom = (guest: Guest, from: number, to: number): void => {
      let at = from;
      for (const next of [...events.filter((event) => event > from && event < to), to]) {
        guest.run(next - at, random);
        at = next;
        if (typed.includes(at)) guest.uart.receive(Buffer.from('typed'));
      }
    };

    const undisturbed = await Guest.of({ ...options, engine });
    runFrom(undisturbed, 0, INSTRUCTIONS);
    const expected = undisturbed.look();
    expect(undisturbed.sent.length).toBeGreaterThan(10);

    const saved = await Guest.of({ ...options, engine });
    let at = 0;
    for (const point of points) {
      runFrom(saved, at, point);
      at = point;
      const snapshot = saved.machine.save();
      const engines: readonly EngineName[] = ['interpreter', 'translator', 'auto'];
      const fresh = await Guest.empty({ ...options, engine: engines[random.below(3)] });
      fresh.machine.restore(snapshot);
      fresh.sent.push(...saved.sent);
      expect(Buffer.compare(fresh.machine.save(), snapshot), `at ${point}`).toBe(0);
      runFrom(fresh, point, INSTRUCTIONS);
      expect(fresh.look(), `from ${point}`).toEqual(expected);
    }
    runFrom(saved, at, INSTRUCTIONS);
    expect(saved.look()).toEqual(expected);
  });
});
