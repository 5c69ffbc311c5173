import { describe, expect, it } from 'vitest';
import * as abi from '../../src/abi/index.js';
import { Dispatcher } from '../../src/object/dispatcher.js';
import { FOREVER, NO_HANDLE, NOWHERE, TestKernel, type TestProcess } from './harness.js';

const SIGNALED = abi.ZX_EVENT_SIGNALED;
const USER_0 = abi.ZX_USER_SIGNAL_0;
const USER_7 = abi.ZX_USER_SIGNAL_7;

function setUp(limits = {}): { kernel: TestKernel; process: TestProcess; event: number; port: number } {
  const kernel = new TestKernel(limits);
  const process = kernel.process();
  return { kernel, process, event: process.make('event_create', 0), port: process.make('port_create', 0) };
}

/** A handle that may be waited through, to an object that cannot. */
function waitlessPort(process: TestProcess, port: number): number {
  return process.give(process.object(port), abi.ZX_RIGHT_WAIT);
}

describe('zx_object_wait_one', () => {
  it('reports BAD_HANDLE, ACCESS_DENIED, NOT_SUPPORTED, in this order', () => {
    const { process, event, port } = setUp();
    const call = (handle: number): number => process.call('object_wait_one', handle, SIGNALED, 0, NOWHERE);
    expect(call(NO_HANDLE)).toBe(abi.ZX_ERR_BAD_HANDLE);
    expect(call(process.give(process.object(event), abi.ZX_RIGHT_SIGNAL))).toBe(abi.ZX_ERR_ACCESS_DENIED);
    expect(call(port)).toBe(abi.ZX_ERR_ACCESS_DENIED);
    expect(call(waitlessPort(process, port))).toBe(abi.ZX_ERR_NOT_SUPPORTED);
  });

  it('succeeds with a passed deadline when a signal is asserted already, and shows all that are', () => {
    const { process, event } = setUp();
    process.call('object_signal', event, 0, (SIGNALED | USER_7) >>> 0);
    expect(process.call('object_wait_one', event, SIGNALED, 0, process.out)).toBe(abi.ZX_OK);
    expect(process.memory.u32(process.out)).toBe((SIGNALED | USER_7) >>> 0);
  });

  it('writes what is asserted also on TIMED_OUT, at once and later; null asks for nothing', () => {
    const { kernel, process, event } = setUp();
    process.call('object_signal', event, 0, USER_0);
    expect(process.call('object_wait_one', event, SIGNALED, kernel.time, process.out)).toBe(
      abi.ZX_ERR_TIMED_OUT,
    );
    expect(process.memory.u32(process.out)).toBe(USER_0);
    process.memory.setU32s(process.out, 0);
    const call = process.start('object_wait_one', event, SIGNALED, kernel.time + 10, process.out);
    kernel.advanceTo(kernel.time + 9);
    expect(call.status).toBeUndefined();
    kernel.advanceTo(kernel.time + 1);
    expect(call.status).toBe(abi.ZX_ERR_TIMED_OUT);
    expect(process.memory.u32(process.out)).toBe(USER_0);
    expect(process.call('object_wait_one', event, SIGNALED, 0, 0)).toBe(abi.ZX_ERR_TIMED_OUT);
    expect(process.call('object_wait_one', event, SIGNALED, 0, NOWHERE)).toBe(abi.ZX_ERR_INVALID_ARGS);
  });

  it('keeps what it saw when the signal is gone before it continues', () => {
    const { kernel, process, event } = setUp();
    const call = process.start('object_wait_one', event, SIGNALED, FOREVER, process.out);
    expect(call.blocker?.describe()).toBe(`signals 0x8 of object ${process.object(event).koid}`);
    process.object(event).updateSignals(0, SIGNALED);
    process.object(event).updateSignals(SIGNALED, 0);
    kernel.settle();
    expect(call.status).toBe(abi.ZX_OK);
    expect(process.memory.u32(process.out)).toBe(SIGNALED);
    expect(process.object(event).observerCount).toBe(0);
  });

  it('ends with CANCELED when the handle travels away', () => {
    const { process, event } = setUp();
    const [left] = process.makePair('channel_create');
    const call = process.start('object_wait_one', event, SIGNALED, FOREVER, process.out);
    process.memory.setU32s(process.out + 64, event);
    expect(process.call('channel_write', left, 0, 0, 0, process.out + 64, 1)).toBe(abi.ZX_OK);
    expect(call.status).toBe(abi.ZX_ERR_CANCELED);
    expect(process.memory.u32(process.out)).toBe(abi.ZX_SIGNAL_HANDLE_CLOSED);
  });

  it('finishes when the page for the result comes in, with the result of its time', () => {
    const { kernel, process, event } = setUp();
    process.memory.set(1, 'absent');
    const call = process.start('object_wait_one', event, SIGNALED, FOREVER, process.memory.base + 4096);
    process.object(event).updateSignals(0, SIGNALED);
    kernel.settle();
    expect(call.status).toBeUndefined();
    process.object(event).updateSignals(SIGNALED, USER_0);
    process.memory.set(1, 'present');
    kernel.settle();
    expect(call.status).toBe(abi.ZX_OK);
    expect(process.memory.u32(process.memory.base + 4096)).toBe(SIGNALED);
  });
});

describe('zx_object_wait_many', () => {
  it('refuses more than 64 items, bad pointers and bad handles, in this order', () => {
    const { process, event, port } = setUp();
    expect(process.call('object_wait_many', NOWHERE, 65, 0)).toBe(abi.ZX_ERR_OUT_OF_RANGE);
    expect(process.call('object_wait_many', NOWHERE, 1n << 63n, 0)).toBe(abi.ZX_ERR_OUT_OF_RANGE);
    expect(process.call('object_wait_many', NOWHERE, 1, 0)).toBe(abi.ZX_ERR_INVALID_ARGS);
    process.memory.setU32s(process.out, event, SIGNALED, 0, NO_HANDLE, 0, 0);
    expect(process.call('object_wait_many', process.out, 2, 0)).toBe(abi.ZX_ERR_BAD_HANDLE);
    process.memory.setU32s(process.out, event, SIGNALED, 0, port, 0, 0);
    expect(process.call('object_wait_many', process.out, 2, 0)).toBe(abi.ZX_ERR_ACCESS_DENIED);
    process.memory.setU32s(process.out, event, SIGNALED, 0, waitlessPort(process, port), 0, 0);
    expect(process.call('object_wait_many', process.out, 2, 0)).toBe(abi.ZX_ERR_NOT_SUPPORTED);
  });

  it('sleeps when there are no items', () => {
    const { kernel, process } = setUp();
    expect(process.call('object_wait_many', 0, 0, kernel.time)).toBe(abi.ZX_ERR_TIMED_OUT);
    const call = process.start('object_wait_many', 0, 0, kernel.time + 5);
    expect(call.blocker?.describe()).toBe('a deadline');
    kernel.advanceTo(kernel.time + 5);
    expect(call.status).toBe(abi.ZX_ERR_TIMED_OUT);
  });

  it('shows the signals of every item, whichever ended the wait', () => {
    const { kernel, process, event } = setUp();
    const other = process.make('event_create', 0);
    process.call('object_signal', other, 0, USER_0);
    const items = process.out + 64;
    process.memory.setU32s(items, event, SIGNALED, 99, other, SIGNALED, 99);
    const call = process.start('object_wait_many', items, 2, kernel.time + 100);
    expect(call.blocker?.describe()).toContain('and 1 more');
    process.call('object_signal', event, 0, SIGNALED);
    expect(call.status).toBe(abi.ZX_OK);
    expect([process.memory.u32(items + 8), process.memory.u32(items + 20)]).toEqual([SIGNALED, USER_0]);
    process.call('object_signal', event, SIGNALED, 0);
    expect(process.call('object_wait_many', items, 2, 0)).toBe(abi.ZX_ERR_TIMED_OUT);
    expect([process.memory.u32(items + 8), process.memory.u32(items + 20)]).toEqual([0, USER_0]);
    expect(kernel.timers.size).toBe(0);
  });

  it('is cancelled when any of its handles is closed', () => {
    const { process, event } = setUp();
    const other = process.make('event_create', 0);
    const items = process.out + 64;
    process.memory.setU32s(items, event, SIGNALED, 0, other, SIGNALED, 0);
    const call = process.start('object_wait_many', items, 2, FOREVER);
    process.call('handle_close', other);
    expect(call.status).toBe(abi.ZX_ERR_CANCELED);
    expect([process.memory.u32(items + 8), process.memory.u32(items + 20)]).toEqual([
      0,
      abi.ZX_SIGNAL_HANDLE_CLOSED,
    ]);
    expect(process.object(event).observerCount).toBe(0);
  });

  it('takes the same handle twice', () => {
    const { process, event } = setUp();
    const items = process.out + 64;
    process.memory.setU32s(items, event, SIGNALED, 0, event, USER_0, 0);
    const call = process.start('object_wait_many', items, 2, FOREVER);
    process.call('object_signal', event, 0, USER_0);
    expect(call.status).toBe(abi.ZX_OK);
    expect([process.memory.u32(items + 8), process.memory.u32(items + 20)]).toEqual([USER_0, USER_0]);
  });
});

describe('zx_object_wait_async', () => {
  const async = (
    process: TestProcess,
    handle: number,
    port: number,
    options = 0,
    signals = SIGNALED,
  ): number => process.call('object_wait_async', handle, port, 7, signals, options);

  it('reports options first, then the port, then the object', () => {
    const { process, event, port } = setUp();
    expect(async(process, 0, 0, 8)).toBe(abi.ZX_ERR_INVALID_ARGS);
    expect(async(process, 0, 0, abi.ZX_WAIT_ASYNC_TIMESTAMP | abi.ZX_WAIT_ASYNC_BOOT_TIMESTAMP)).toBe(
      abi.ZX_ERR_INVALID_ARGS,
    );
    expect(async(process, 0, 0)).toBe(abi.ZX_ERR_BAD_HANDLE);
    expect(async(process, 0, event)).toBe(abi.ZX_ERR_WRONG_TYPE);
    expect(async(process, 0, process.give(process.object(port), abi.ZX_RIGHT_READ))).toBe(
      abi.ZX_ERR_ACCESS_DENIED,
    );
    expect(async(process, 0, port)).toBe(abi.ZX_ERR_BAD_HANDLE);
    expect(async(process, port, port)).toBe(abi.ZX_ERR_ACCESS_DENIED);
    expect(async(process, waitlessPort(process, port), port)).toBe(abi.ZX_ERR_NOT_SUPPORTED);
  });

  it('fires at once in level mode, later in edge mode, and only once', () => {
    const { process, event, port } = setUp();
    process.call('object_signal', event, 0, SIGNALED);
    expect(async(process, event, port)).toBe(abi.ZX_OK);
    expect(async(process, event, port, abi.ZX_WAIT_ASYNC_EDGE)).toBe(abi.ZX_OK);
    expect(process.call('port_wait', port, 0, process.out)).toBe(abi.ZX_OK);
    expect(process.call('port_wait', port, 0, process.out)).toBe(abi.ZX_ERR_TIMED_OUT);
    process.call('object_signal', event, 0, USER_0);
    process.call('object_signal', event, 0, SIGNALED);
    expect(process.call('port_wait', port, 0, process.out)).toBe(abi.ZX_ERR_TIMED_OUT);
    process.call('object_signal', event, SIGNALED, 0);
    process.call('object_signal', event, 0, SIGNALED);
    expect(process.call('port_wait', port, 0, process.out)).toBe(abi.ZX_OK);
    process.call('object_signal', event, SIGNALED, 0);
    process.call('object_signal', event, 0, SIGNALED);
    expect(process.call('port_wait', port, 0, process.out)).toBe(abi.ZX_ERR_TIMED_OUT);
  });

  it('sends trigger, observed signals, a count of one, and the time only when asked', () => {
    const { kernel, process, event, port } = setUp();
    async(process, event, port, 0, USER_7);
    async(process, event, port, abi.ZX_WAIT_ASYNC_TIMESTAMP, USER_7);
    kernel.time = 0x2_0000_0005;
    process.call('object_signal', event, 0, (USER_7 | USER_0) >>> 0);
    const at = process.out;
    for (const timestamp of [0, 0x2_0000_0005]) {
      expect(process.call('port_wait', port, 0, at)).toBe(abi.ZX_OK);
      expect(process.memory.u64(at + abi.PACKET_KEY)).toBe(7);
      expect(process.memory.u32(at + abi.PACKET_TYPE)).toBe(abi.ZX_PKT_TYPE_SIGNAL_ONE);
      expect(process.memory.u32(at + abi.PACKET_STATUS)).toBe(abi.ZX_OK);
      expect(process.memory.u32(at + abi.PACKET_SIGNAL_TRIGGER)).toBe(USER_7);
      expect(process.memory.u32(at + abi.PACKET_SIGNAL_OBSERVED)).toBe((USER_7 | USER_0) >>> 0);
      expect(process.memory.u64(at + abi.PACKET_SIGNAL_COUNT)).toBe(1);
      expect(process.memory.u64(at + abi.PACKET_SIGNAL_TIMESTAMP)).toBe(timestamp);
      expect(process.memory.u64(at + abi.PACKET_SIGNAL_RESERVED)).toBe(0);
    }
  });

  it('is dropped with the handle it was made through; a queued packet stays', () => {
    const { process, event, port } = setUp();
    const copy = process.make('handle_duplicate', event, abi.ZX_RIGHT_SAME_RIGHTS);
    async(process, copy, port, 0, USER_0);
    async(process, copy, port, 0, USER_7);
    process.call('object_signal', event, 0, USER_0);
    process.call('handle_close', copy);
    process.call('object_signal', event, 0, USER_7);
    expect(process.call('port_wait', port, 0, process.out)).toBe(abi.ZX_OK);
    expect(process.call('port_wait', port, 0, process.out)).toBe(abi.ZX_ERR_TIMED_OUT);
  });

  it('is bounded for each object and for each port; a packet counts until it is read', () => {
    const { process, event, port } = setUp({ observersPerObject: 2, observersPerPort: 3 });
    const other = process.make('event_create', 0);
    expect([async(process, event, port), async(process, event, port), async(process, event, port)]).toEqual([
      abi.ZX_OK,
      abi.ZX_OK,
      abi.ZX_ERR_NO_RESOURCES,
    ]);
    process.call('object_signal', event, 0, SIGNALED);
    expect(async(process, other, port)).toBe(abi.ZX_OK);
    expect(async(process, other, port)).toBe(abi.ZX_ERR_NO_RESOURCES);
    process.call('port_wait', port, 0, process.out);
    expect(async(process, other, port)).toBe(abi.ZX_OK);
    process.call('handle_close', other);
    expect(async(process, event, port)).toBe(abi.ZX_OK);
    expect(async(process, event, port)).toBe(abi.ZX_OK);
    expect(async(process, event, port)).toBe(abi.ZX_ERR_NO_RESOURCES);
  });
});

describe('zx_object_signal and zx_object_signal_peer', () => {
  it('reports BAD_HANDLE, ACCESS_DENIED, NOT_SUPPORTED, INVALID_ARGS, in this order', () => {
    const { process, event, port } = setUp();
    expect(process.call('object_signal', NO_HANDLE, 1, 1)).toBe(abi.ZX_ERR_BAD_HANDLE);
    expect(process.call('object_signal', process.give(process.object(event), abi.ZX_RIGHT_WAIT), 1, 1)).toBe(
      abi.ZX_ERR_ACCESS_DENIED,
    );
    expect(process.call('object_signal', process.give(process.object(port), abi.ZX_RIGHT_SIGNAL), 1, 1)).toBe(
      abi.ZX_ERR_NOT_SUPPORTED,
    );
    expect(process.call('object_signal', event, abi.ZX_OBJECT_READABLE, 0)).toBe(abi.ZX_ERR_INVALID_ARGS);
    expect(process.call('object_signal', event, 0, abi.ZX_SIGNAL_HANDLE_CLOSED)).toBe(
      abi.ZX_ERR_INVALID_ARGS,
    );
  });

  it('clears, then sets', () => {
    const { process, event } = setUp();
    process.call('object_signal', event, 0, (USER_0 | SIGNALED) >>> 0);
    expect(process.call('object_signal', event, USER_0, USER_7)).toBe(abi.ZX_OK);
    expect(process.object(event).signals).toBe((SIGNALED | USER_7) >>> 0);
    expect(process.call('object_signal', event, USER_7, USER_7)).toBe(abi.ZX_OK);
    expect(process.object(event).signals).toBe((SIGNALED | USER_7) >>> 0);
  });

  it('reaches the peer until it is closed, and only where there is one', () => {
    const { process, event } = setUp();
    const [left, right] = process.makePair('eventpair_create');
    const unpeered = process.give(process.object(event), abi.ZX_RIGHT_SIGNAL_PEER);
    expect(process.call('object_signal_peer', event, 0, USER_0)).toBe(abi.ZX_ERR_ACCESS_DENIED);
    expect(process.call('object_signal_peer', unpeered, 1, 0)).toBe(abi.ZX_ERR_NOT_SUPPORTED);
    expect(process.call('object_signal_peer', left, 0, abi.ZX_OBJECT_PEER_CLOSED)).toBe(
      abi.ZX_ERR_INVALID_ARGS,
    );
    expect(process.call('object_signal_peer', left, 0, USER_0)).toBe(abi.ZX_OK);
    expect([process.object(left).signals, process.object(right).signals]).toEqual([0, USER_0]);
    process.call('handle_close', right);
    expect(process.call('object_signal_peer', left, 0, USER_0)).toBe(abi.ZX_ERR_PEER_CLOSED);
  });

  it('does not let a channel’s own signals be set', () => {
    const { process } = setUp();
    const [left] = process.makePair('channel_create');
    expect(process.call('object_signal', left, 0, abi.ZX_CHANNEL_READABLE)).toBe(abi.ZX_ERR_INVALID_ARGS);
    expect(process.call('object_signal', left, 0, abi.ZX_OBJECT_SIGNALED)).toBe(abi.ZX_ERR_INVALID_ARGS);
    expect(process.call('object_signal', left, 0, USER_0)).toBe(abi.ZX_OK);
  });
});

class Family extends Dispatcher {
  override readonly type = abi.ZX_OBJ_TYPE_JOB;
  override readonly defaultRights = abi.ZX_DEFAULT_JOB_RIGHTS;

  constructor(
    kernel: TestKernel,
    private readonly child: Dispatcher,
  ) {
    super(kernel);
  }

  override findChild(koid: number): Dispatcher | null {
    return koid === this.child.koid ? this.child : null;
  }
}

describe('zx_object_get_child', () => {
  it('reports BAD_HANDLE, ACCESS_DENIED, WRONG_TYPE, NOT_FOUND, NO_RESOURCES', () => {
    const { kernel, process, event } = setUp({ handlesPerProcess: 7 });
    const child = process.object(event);
    const family = process.give(new Family(kernel, child));
    const same = abi.ZX_RIGHT_SAME_RIGHTS;
    const get = (handle: number, koid: number | bigint, rights: number): number =>
      process.call('object_get_child', handle, koid, rights, process.out);
    expect(get(NO_HANDLE, child.koid, same)).toBe(abi.ZX_ERR_BAD_HANDLE);
    expect(get(event, child.koid, same)).toBe(abi.ZX_ERR_ACCESS_DENIED);
    expect(get(family, child.koid, abi.ZX_RIGHT_MAP)).toBe(abi.ZX_ERR_ACCESS_DENIED);
    const childless = process.give(child, abi.ZX_RIGHT_ENUMERATE);
    expect(get(childless, child.koid, same)).toBe(abi.ZX_ERR_WRONG_TYPE);
    expect(get(family, 5, same)).toBe(abi.ZX_ERR_NOT_FOUND);
    expect(get(family, BigInt(child.koid) + (1n << 53n), same)).toBe(abi.ZX_ERR_NOT_FOUND);
    expect(get(family, child.koid, same)).toBe(abi.ZX_OK);
    expect(process.object(process.memory.u32(process.out))).toBe(child);
    process.make('event_create', 0);
    process.make('event_create', 0);
    expect(get(family, child.koid, same)).toBe(abi.ZX_ERR_NO_RESOURCES);
  });
});
