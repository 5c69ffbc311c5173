import { describe, expect, test } from 'vitest';
import {
  assemble,
  CLINT_BASE,
  EXIT_BUDGET,
  EXIT_WFI,
  HART_PC,
  Machine,
  VirtPlatform,
} from '../../src/index.js';
import type { Clock } from '../../src/index.js';
import { setWordPair } from '../run-program.js';
import { CountedDevices } from './counted-devices.js';

const ORIGIN = 0x8000_0000;

/** A machine with every device there is, and how often anything outside of it was used. */
async function idleMachine(source: string, harts = 1, clock?: Clock) {
  let outside = 0;
  const count = (): void => void outside++;
  const platform = new VirtPlatform({
    transmit: count,
    console: count,
    random: count,
    stop: count,
    reset: count,
    epoch: 0n,
    drives: [{ bytes: 512, readOnly: false, read: count, write: count, flush: count }],
  });
  const counted = new CountedDevices(platform.devices);
  const machine = await Machine.create({
    ramBytes: 2 ** 20,
    harts,
    devices: counted.devices,
    ...(clock === undefined ? {} : { clock }),
  });
  machine.ram.writable(0).set(assemble(source, { origin: ORIGIN }).bytes);
  for (const hart of machine.harts) setWordPair(hart, HART_PC, BigInt(ORIGIN));
  return { machine, used: () => [counted.accesses, counted.fired, outside] };
}

describe('devices do nothing by themselves', () => {
  test.each([1, 4])('while all of %i harts wait, and no timer is set', async (harts) => {
    const { machine, used } = await idleMachine('csrwi mie, 0\n1: wfi\nj 1b', harts);
    for (let time = 0; time < 100; time++) {
      expect(machine.run(1_000_000)).toBe(EXIT_WFI);
      expect(machine.retired).toBeLessThan(10 * harts);
    }
    expect(machine.nextDeadline).toBe(Infinity);
    expect(used()).toEqual([0, 0, 0]);
  });

  test('while the clock goes on, and nobody can skip it', async () => {
    let now = 0;
    const clock = { now: () => now, retire: () => undefined, skipTo: () => false };
    const { machine, used } = await idleMachine('1: wfi\nj 1b', 2, clock);
    for (; now < 1e12; now += 1e10) expect(machine.run(1_000_000)).toBe(EXIT_WFI);
    expect(used()).toEqual([0, 0, 0]);
  });

  test('while a program computes', async () => {
    const { machine, used } = await idleMachine('1: addi a0, a0, 1\nj 1b');
    expect(machine.run(2_000_000)).toBe(EXIT_BUDGET);
    expect(used()).toEqual([0, 0, 0]);
  });

  test('but for a timer that was set: once, at its time', async () => {
    const { machine, used } = await idleMachine(`
      li t0, ${CLINT_BASE + 0x4000}
      li t1, 1000000
      sd t1, 0(t0)
      li t2, 0x80
      csrw mie, t2
    1: wfi
      addi a0, a0, 1
      li t1, -1
      sd t1, 0(t0)
      csrw mie, zero
    2: wfi
      j 2b`);
    for (let time = 0; time < 10; time++) expect(machine.run(1_000_000)).toBe(EXIT_WFI);
    // Two stores by the program.
    expect(used()).toEqual([2, 1, 0]);
    expect(machine.clock.now()).toBeGreaterThanOrEqual(1_000_000 * 100);
  });
});
