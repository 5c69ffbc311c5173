import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { ZX_CHANNEL_MAX_MSG_BYTES } from '../../src/abi/abi-limits.js';
import { ChannelDispatcher } from '../../src/ipc/channel.js';
import { CHANNEL_CALLS } from '../../src/syscall/channel.js';
import { DEBUGLOG_CALLS } from '../../src/syscall/debuglog.js';
import { EVENT_CALLS } from '../../src/syscall/event.js';
import { HANDLE_CALLS } from '../../src/syscall/handle.js';
import { OBJECT_CALLS } from '../../src/syscall/object.js';
import { PORT_CALLS } from '../../src/syscall/port.js';
import { SYSTEM_CALLS } from '../../src/syscall/system.js';
import { TestKernel, type TestCall } from './harness.js';

/**
 * Whatever a program passes: every call ends in a status or waits, nothing throws, and when the processes are gone, so is
 * everything that they made.
 */
const NAMES = [
  ...HANDLE_CALLS,
  ...OBJECT_CALLS,
  ...EVENT_CALLS,
  ...CHANNEL_CALLS,
  ...PORT_CALLS,
  ...DEBUGLOG_CALLS,
  ...SYSTEM_CALLS,
].map((call) => call.name);

/** An argument, as what it is meant to be taken for. */
type Value =
  | { kind: 'handle'; pick: number }
  | { kind: 'pointer'; page: number; offset: number }
  | { kind: 'number'; value: bigint };

const value: fc.Arbitrary<Value> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('handle' as const), pick: fc.nat(40) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('pointer' as const),
      page: fc.nat(17),
      offset: fc.oneof(fc.constantFrom(0, 4, 8, 64, 4088, 4092, 4095), fc.nat(4095)),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('number' as const),
      value: fc.oneof(
        fc.constantFrom(0n, 1n, 2n, 3n, 4n, 8n, 31n, 32n, 64n, 65n, 100n, 4096n),
        fc.constantFrom(BigInt(ZX_CHANNEL_MAX_MSG_BYTES), 65_537n, 0x8000_0000n, 0xffff_ffffn, 1n << 38n),
        fc.constantFrom((1n << 63n) - 1n, 1n << 63n, (1n << 64n) - 1n, 0xff00_0008n, 0xd003n),
        fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
      ),
    }),
  },
);

type Step =
  | { kind: 'call'; name: string; process: number; args: Value[] }
  | { kind: 'page'; process: number; page: number; state: 'present' | 'absent' | 'read-only' | 'unmapped' }
  | { kind: 'words'; process: number; page: number; words: Value[] }
  | { kind: 'time'; passes: number }
  | { kind: 'kill'; pick: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant('call' as const),
      name: fc.constantFrom(...NAMES),
      process: fc.nat(1),
      args: fc.array(value, { minLength: 8, maxLength: 8 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('page' as const),
      process: fc.nat(1),
      page: fc.nat(15),
      state: fc.constantFrom('present', 'present', 'absent', 'read-only', 'unmapped'),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('words' as const),
      process: fc.nat(1),
      page: fc.nat(15),
      words: fc.array(value, { maxLength: 24 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('time' as const), passes: fc.nat(100) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('kill' as const), pick: fc.nat(40) }) },
);

function run(steps: readonly Step[], calls: Map<string, number>): number {
  const kernel = new TestKernel({ handlesPerProcess: 24, objects: 40, portPackets: 4, channelMessages: 4 });
  const processes = [kernel.process(), kernel.process()] as const;
  for (const process of processes) {
    process.make('event_create', 0);
    process.make('port_create', 0);
    process.makePair('channel_create');
    process.makePair('eventpair_create');
  }
  let pending: TestCall[] = [];
  const channels = new Set<ChannelDispatcher>();
  const resolve = (process: (typeof processes)[number], argument: Value): bigint => {
    if (argument.kind === 'number') return argument.value;
    if (argument.kind === 'pointer')
      return BigInt(process.memory.base + 4096 * argument.page + argument.offset);
    const handles = [...process.handles.entries()];
    return BigInt(handles[argument.pick % Math.max(handles.length, 1)]?.[0] ?? 3);
  };
  for (const current of steps) {
    if (current.kind === 'call') {
      const process = processes[current.process];
      const call = process.start(current.name, ...current.args.map((argument) => resolve(process, argument)));
      calls.set(current.name, (calls.get(current.name) ?? 0) + 1);
      if (call.status === undefined) pending.push(call);
      else if (call.status > 0) expect(current.name).toBe('debuglog_read');
      else expect(Number.isInteger(call.status)).toBe(true);
    } else if (current.kind === 'page') {
      processes[current.process]?.memory.set(current.page, current.state);
      kernel.settle();
    } else if (current.kind === 'words') {
      const process = processes[current.process];
      current.words.forEach((word, index) => {
        const low = Number(resolve(process, word) & 0xffff_ffffn);
        process.memory.setU32s(process.memory.base + 4096 * current.page + 4 * index, low);
      });
    } else if (current.kind === 'time') kernel.advanceTo(kernel.time + current.passes);
    else pending[current.pick % Math.max(pending.length, 1)]?.kill();
    pending = pending.filter((call) => call.status === undefined);
    expect(kernel.liveObjects).toBeLessThanOrEqual(40);
    for (const process of processes) {
      expect(process.handles.size).toBeLessThanOrEqual(24);
      for (const [, { dispatcher }] of process.handles.entries()) {
        if (dispatcher instanceof ChannelDispatcher) channels.add(dispatcher);
      }
    }
  }
  for (const call of pending) call.kill();
  for (const process of processes) process.handles.clear();
  kernel.settle();
  // Ends that only each other's messages hold: nobody closes them, as on Zircon.
  for (const channel of channels) while (typeof channel.peek() !== 'number') channel.take().discard();
  return kernel.liveObjects;
}

describe('the edge of the system calls', () => {
  it('answers anything with a status or a wait, within its bounds, and leaks nothing', () => {
    const calls = new Map<string, number>();
    fc.assert(
      fc.property(fc.array(step, { minLength: 10, maxLength: 120 }), (steps) => {
        expect(run(steps, calls)).toBe(0);
      }),
      { numRuns: 400 },
    );
    expect([...calls.keys()].sort()).toEqual([...NAMES].sort());
  });
});
