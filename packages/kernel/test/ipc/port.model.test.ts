import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import * as abi from '../../src/abi/index.js';
import { FOREVER, TestKernel, type TestCall } from '../syscall/harness.js';

/**
 * Random sequences against a description of what a port is: a list of packets and a list of waiters, never both non-empty.
 * Three events are watched with the keys 0 to 2, and closed and made anew now and then.
 */
type Step =
  | { kind: 'queue'; key: number }
  | { kind: 'wait' }
  | { kind: 'take' }
  | { kind: 'watch'; event: number; key: number; edge: boolean }
  | { kind: 'signal'; event: number; set: boolean }
  | { kind: 'renew'; event: number }
  | { kind: 'cancel'; event: number; key: number }
  | { kind: 'cancel-key'; key: number }
  | { kind: 'kill' };

const event = fc.nat(2);
const key = fc.nat(2);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('queue' as const), key }),
  fc.record({ kind: fc.constant('wait' as const) }),
  fc.record({ kind: fc.constant('take' as const) }),
  fc.record({ kind: fc.constant('watch' as const), event, key, edge: fc.boolean() }),
  fc.record({ kind: fc.constant('signal' as const), event, set: fc.boolean() }),
  fc.record({ kind: fc.constant('renew' as const), event }),
  fc.record({ kind: fc.constant('cancel' as const), event, key }),
  fc.record({ kind: fc.constant('cancel-key' as const), key }),
  fc.record({ kind: fc.constant('kill' as const) }),
);

interface ModelPacket {
  key: number;
  /** Which event it tells of; -1: a user packet. */
  source: number;
}

const LIMIT = 6;

function run(steps: readonly Step[]): void {
  const kernel = new TestKernel({ portPackets: LIMIT });
  const process = kernel.process();
  const port = process.make('port_create', 0);
  const events = [0, 1, 2].map(() => process.make('event_create', 0));

  // The model. An event's number grows when it is renewed, so that packets of a former one are told apart.
  let packets: ModelPacket[] = [];
  let watches: ModelPacket[] = [];
  const asserted = [false, false, false];
  const generation = [0, 1, 2];
  let waiters: { call: TestCall; at: number }[] = [];
  let slot = 0;

  const arrive = (packet: ModelPacket): void => {
    const waiter = waiters.shift();
    if (waiter === undefined) packets.push(packet);
    else {
      expect(waiter.call.status).toBe(abi.ZX_OK);
      expect(process.memory.u64(waiter.at)).toBe(packet.key);
    }
  };

  for (const current of steps) {
    switch (current.kind) {
      case 'queue': {
        process.memory.setU64(process.out, current.key);
        const full = packets.filter((packet) => packet.source === -1).length >= LIMIT;
        const status = process.call('port_queue', port, process.out);
        expect(status).toBe(full ? abi.ZX_ERR_SHOULD_WAIT : abi.ZX_OK);
        if (!full) arrive({ key: current.key, source: -1 });
        break;
      }
      case 'wait': {
        slot += 1;
        const at = process.memory.base + 4096 + 64 * (slot % 512);
        const call = process.start('port_wait', port, FOREVER, at);
        const first = packets.shift();
        if (first === undefined) {
          expect(call.status).toBeUndefined();
          waiters.push({ call, at });
        } else {
          expect([call.status, process.memory.u64(at)]).toEqual([abi.ZX_OK, first.key]);
        }
        break;
      }
      case 'take': {
        const status = process.call('port_wait', port, 0, process.out);
        const first = packets.shift();
        expect(status).toBe(first === undefined ? abi.ZX_ERR_TIMED_OUT : abi.ZX_OK);
        if (first !== undefined) expect(process.memory.u64(process.out)).toBe(first.key);
        break;
      }
      case 'watch': {
        const options = current.edge ? abi.ZX_WAIT_ASYNC_EDGE : 0;
        const handle = events[current.event];
        const signals = abi.ZX_EVENT_SIGNALED;
        expect(process.call('object_wait_async', handle, port, current.key, signals, options)).toBe(
          abi.ZX_OK,
        );
        kernel.settle();
        const packet = { key: current.key, source: generation[current.event] };
        if (asserted[current.event] === true && !current.edge) arrive(packet);
        else watches.push(packet);
        break;
      }
      case 'signal': {
        const handle = events[current.event];
        const [clear, set] = current.set ? [0, abi.ZX_EVENT_SIGNALED] : [abi.ZX_EVENT_SIGNALED, 0];
        process.call('object_signal', handle, clear, set);
        const raised = current.set && asserted[current.event] === false;
        asserted[current.event] = current.set;
        if (!raised) break;
        const source = generation[current.event];
        const fired = watches.filter((watch) => watch.source === source);
        watches = watches.filter((watch) => watch.source !== source);
        for (const packet of fired) arrive(packet);
        break;
      }
      case 'renew': {
        process.call('handle_close', events[current.event]);
        events[current.event] = process.make('event_create', 0);
        const source = generation[current.event];
        watches = watches.filter((watch) => watch.source !== source);
        generation[current.event] = source + 3;
        asserted[current.event] = false;
        break;
      }
      case 'cancel': {
        const source = generation[current.event];
        const keep = (packet: ModelPacket): boolean => packet.key !== current.key || packet.source !== source;
        const found = [...packets, ...watches].some((packet) => !keep(packet));
        packets = packets.filter(keep);
        watches = watches.filter(keep);
        const status = process.call('port_cancel', port, events[current.event], current.key);
        expect(status).toBe(found ? abi.ZX_OK : abi.ZX_ERR_NOT_FOUND);
        break;
      }
      case 'cancel-key': {
        const keep = (packet: ModelPacket): boolean => packet.key !== current.key;
        const found = [...packets, ...watches].some((packet) => !keep(packet));
        packets = packets.filter(keep);
        watches = watches.filter(keep);
        const status = process.call('port_cancel_key', port, 0, current.key);
        expect(status).toBe(found ? abi.ZX_OK : abi.ZX_ERR_NOT_FOUND);
        break;
      }
      case 'kill':
        waiters.shift()?.call.kill();
        break;
    }
    expect(waiters.every((waiter) => waiter.call.status === undefined)).toBe(true);
  }
  process.call('handle_close', port);
  expect(waiters.map((waiter) => waiter.call.status)).toEqual(waiters.map(() => abi.ZX_ERR_CANCELED));
  waiters = [];
  expect(events.map((handle) => process.object(handle).observerCount)).toEqual([0, 0, 0]);
  for (const handle of events) process.call('handle_close', handle);
  expect(kernel.liveObjects).toBe(0);
}

describe('a port, against its model', () => {
  it('agrees in every packet, status and waiter', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        run(steps);
      }),
      { numRuns: 500 },
    );
    expect.hasAssertions();
  });
});
