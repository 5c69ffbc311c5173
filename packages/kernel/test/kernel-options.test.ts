/** Every option of `Kernel.create`: what it may be, and that everything else is the error `bad-option` with its name. */
import { Machine, VirtualClock } from '@faultline/mmu-emu';
import { beforeAll, describe, expect, it } from 'vitest';
import { Kernel } from '../src/kernel.js';
import { KernelError } from '../src/kernel-error.js';
import type { KernelOptions } from '../src/kernel-options.js';
import { DEFAULT_LIMITS, type KernelLimits } from '../src/limits.js';
import { PAGE } from './support/vm-fixture.js';

let machine: Machine;

beforeAll(async () => {
  machine = await Machine.create({ mode: 'hosted', ramBytes: 2 ** 20, timebaseHz: 1e9 });
});

/** Field and message of the error, or `ok`. */
async function outcome(options: object): Promise<string> {
  try {
    (await Kernel.create({ machine, ...options })).close();
    return 'ok';
  } catch (error) {
    if (!(error instanceof KernelError) || error.code !== 'bad-option') throw error;
    expect(error.message).toMatch(new RegExp(`^${error.field} must be `));
    return error.field;
  }
}

const NO_INTEGERS = [0.5, NaN, Infinity, -Infinity, 2 ** 53, '5', null, {}, true];

/** By option: values that it may have, and values that it may not have. */
const OPTIONS: Record<
  Exclude<keyof KernelOptions, 'ramBytes' | 'harts' | 'sharedMemory' | 'limits'>,
  [good: unknown[], bad: unknown[]]
> = {
  machine: [[], [0, null, 'x', {}]],
  clock: [[], [0, null, {}, new VirtualClock()]],
  rng: [[{ next: () => 1 }], [0, null, {}, () => 1]],
  seed: [
    [0, -1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER],
    NO_INTEGERS.filter((seed) => seed !== null),
  ],
  aslr: [
    [true, false],
    [0, 1, 'x', null, {}],
  ],
  schedule: [
    ['round-robin', { seed: 0 }, { seed: -5 }],
    [0, 'random', null],
  ],
  sliceInstructions: [
    [1, 2, 2 ** 30],
    [0, -1, 2 ** 30 + 1, ...NO_INTEGERS.filter((value) => value !== null)],
  ],
  pagerOvertimeSeconds: [
    [0, 0.5, 1e6],
    [-1, -0.5, 1e6 + 1, NaN, Infinity, '5', null],
  ],
  pagerTimeoutSeconds: [
    [0, 0.5, 1e6],
    [-1, -0.5, 1e6 + 1, NaN, Infinity, '5', null],
  ],
  log: [[() => undefined], [0, null, 'x', {}]],
  onEvent: [[() => undefined], [0, null, 'x', {}]],
  hostYield: [[() => Promise.resolve()], [0, null, 'x', {}]],
  hostTime: [[() => 0], [0, null, 'x', {}]],
  hostSleep: [[() => ({ over: Promise.resolve(), end: () => undefined })], [0, null, 'x', {}]],
};

describe('an option of a kernel', () => {
  it.each(Object.entries(OPTIONS))('%s is checked', async (name, [good, bad]) => {
    for (const value of good) expect([value, await outcome({ [name]: value })]).toEqual([value, 'ok']);
    for (const value of bad) expect([value, await outcome({ [name]: value })]).toEqual([value, name]);
  });

  it('schedule.seed is checked', async () => {
    for (const seed of [...NO_INTEGERS, undefined])
      expect([seed, await outcome({ schedule: { seed } })]).toEqual([seed, 'schedule.seed']);
  });

  it.each([
    ['ramBytes', [0, -4096, 4096, 2 ** 20 + 1, 2 ** 20 + 0.5, NaN, Infinity, 2 ** 53, '5', null]],
    ['harts', [0, -1, 0.5, 9, NaN, Infinity, 2 ** 53, '2', null]],
  ])('%s is checked by the machine', async (name, bad) => {
    for (const value of bad) {
      const error: unknown = await Kernel.create({ [name]: value }).catch((reason: unknown) => reason);
      expect([value, error]).toEqual([
        value,
        expect.objectContaining({ name: 'MachineError', code: 'bad-option', option: name }),
      ]);
    }
  });
});

const NAMES = Object.keys(DEFAULT_LIMITS) as (keyof KernelLimits)[];

describe('a limit', () => {
  it.each(NAMES)('%s is an integer that is not negative', async (name) => {
    for (const value of [-1, ...NO_INTEGERS, undefined])
      expect([value, await outcome({ limits: { [name]: value } })]).toEqual([value, `limits.${name}`]);
  });

  it.each(NAMES)('%s may be tiny or huge, or is refused; no call throws then', async (name) => {
    for (const value of [0, 1, 2, 3, 2 ** 20, 2 ** 32, 2 ** 52, Number.MAX_SAFE_INTEGER]) {
      const verdict = await outcome({ limits: { [name]: value } });
      expect(['ok', `limits.${name}`]).toContain(verdict);
      if (verdict === 'ok') await useEverything({ [name]: value });
    }
  });

  it.each<[keyof KernelLimits, number, number]>([
    ['handlesPerProcess', 0, 2 ** 20],
    ['pageListNodes', 1, 2 ** 26],
    ['logRecords', 1, 2 ** 24],
  ])('%s is from %d to %d', async (name, least, most) => {
    const verdicts = [least - 1, least, most, most + 1].map((value) =>
      outcome({ limits: { [name]: value } }),
    );
    const field = `limits.${name}`;
    expect(await Promise.all(verdicts)).toEqual([field, 'ok', 'ok', field]);
  });

  it('has to have a name, and limits are an object', async () => {
    expect(await outcome({ limits: { bogus: 1 } })).toBe('limits.bogus');
    expect(await outcome({ limits: { toString: 1 } })).toBe('limits.toString');
    expect(await outcome({ limits: 5 })).toBe('limits');
  });
});

/** Something of every kind; statuses are as they may be. */
async function useEverything(limits: Partial<KernelLimits>): Promise<void> {
  for (const hart of machine.harts) hart.sfenceVma();
  const kernel = await Kernel.create({ machine, limits });
  const host = kernel.createHostProcess('test');
  const vmo = host.vmoCreate(4 * PAGE, 0).handle;
  const port = host.portCreate(0).handle;
  const pager = host.pagerCreate(0).handle;
  const paged = host.pagerCreateVmo(pager, 0, port, 1n, 4 * PAGE).handle;
  const { vmar } = host.processCreate(host.rootJob().handle, 'p', 0);
  const waits = [
    host.vmoWrite(vmo, new Uint8Array(2 * PAGE), 0),
    host.vmoOpRange(vmo, 1, 0, 4 * PAGE),
    host.vmoRead(paged, new Uint8Array(PAGE), 0, { mayWaitForPager: true }),
  ];
  host.vmarMap(vmar, 3, 0, vmo, 0, 4 * PAGE);
  host.pagerSupplyPages(pager, paged, 0, PAGE, vmo, 0);
  const { loan } = host.framesLend(PAGE);
  if (loan !== null) host.pagerSupplyFrames(pager, paged, PAGE, loan);
  host.portQueue(port, 1n, 0, new Uint8Array(0));
  host.portTryWait(port);
  const [near] = host.channelCreate(0).handles;
  host.channelWrite(near, 0, Uint8Array.of(1));
  const log = host.debuglogCreate(0, 0).handle;
  host.debuglogWrite(log, 0, Uint8Array.of(1));
  host.objectWaitAsync(host.eventCreate(0).handle, port, 1n, 8, 0);
  await kernel.run();
  kernel.close();
  for (const { status } of await Promise.all(waits)) expect(status).toBeLessThanOrEqual(0);
}
