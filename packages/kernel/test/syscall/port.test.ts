import { describe, expect, it } from 'vitest';
import * as abi from '../../src/abi/index.js';
import type { PortDispatcher } from '../../src/ipc/port.js';
import { PageRequestPacket } from '../../src/ipc/port-packet.js';
import { FOREVER, NO_HANDLE, NOWHERE, TestKernel, type TestProcess } from './harness.js';

function setUp(limits = {}): { kernel: TestKernel; process: TestProcess; port: number } {
  const kernel = new TestKernel(limits);
  const process = kernel.process();
  return { kernel, process, port: process.make('port_create', 0) };
}

/** Queues a user packet with this key and a payload that says so. */
function queue(process: TestProcess, port: number, key: number, status = 0): number {
  const at = process.memory.base + 3 * 4096;
  process.memory.setU64(at, key);
  process.memory.setU32s(at + 8, 12345, status);
  for (let word = 0; word < 4; word += 1) process.memory.setU64(at + 16 + 8 * word, key + word);
  return process.call('port_queue', port, at);
}

/** Takes a packet and returns its key, or the status when there is none. */
function take(process: TestProcess, port: number): number {
  const status = process.call('port_wait', port, 0, process.out);
  return status === abi.ZX_OK ? process.memory.u64(process.out) : status;
}

describe('zx_port_create', () => {
  it('takes no options but BIND_TO_INTERRUPT', () => {
    const { process } = setUp();
    expect(process.call('port_create', 2, NOWHERE)).toBe(abi.ZX_ERR_INVALID_ARGS);
    expect(process.call('port_create', 0, NOWHERE)).toBe(abi.ZX_ERR_INVALID_ARGS);
    const port = process.make('port_create', abi.ZX_PORT_BIND_TO_INTERRUPT);
    expect(process.handles.get(port)?.rights).toBe(0x800f);
  });
});

describe('zx_port_queue', () => {
  it('reports BAD_HANDLE, WRONG_TYPE, ACCESS_DENIED, then a bad pointer', () => {
    const { process, port } = setUp();
    expect(process.call('port_queue', NO_HANDLE, NOWHERE)).toBe(abi.ZX_ERR_BAD_HANDLE);
    expect(process.call('port_queue', process.make('event_create', 0), NOWHERE)).toBe(abi.ZX_ERR_WRONG_TYPE);
    const reader = process.give(process.object(port), abi.ZX_RIGHT_READ);
    expect(process.call('port_queue', reader, NOWHERE)).toBe(abi.ZX_ERR_ACCESS_DENIED);
    expect(process.call('port_queue', port, NOWHERE)).toBe(abi.ZX_ERR_INVALID_ARGS);
  });

  it('keeps key, status and payload, and makes the type USER', () => {
    const { process, port } = setUp();
    expect(queue(process, port, 9, -5)).toBe(abi.ZX_OK);
    expect(process.call('port_wait', port, 0, process.out)).toBe(abi.ZX_OK);
    const { memory, out } = process;
    expect([memory.u64(out), memory.u32(out + 8), memory.u32(out + 12) | 0]).toEqual([
      9,
      abi.ZX_PKT_TYPE_USER,
      -5,
    ]);
    expect([0, 1, 2, 3].map((word) => memory.u64(out + 16 + 8 * word))).toEqual([9, 10, 11, 12]);
  });

  it('is bounded: SHOULD_WAIT, until a packet is taken', () => {
    const { process, port } = setUp({ portPackets: 2 });
    expect([queue(process, port, 1), queue(process, port, 2), queue(process, port, 3)]).toEqual([
      abi.ZX_OK,
      abi.ZX_OK,
      abi.ZX_ERR_SHOULD_WAIT,
    ]);
    expect(take(process, port)).toBe(1);
    expect(queue(process, port, 4)).toBe(abi.ZX_OK);
    expect([take(process, port), take(process, port), take(process, port)]).toEqual([
      2,
      4,
      abi.ZX_ERR_TIMED_OUT,
    ]);
  });
});

describe('zx_port_wait', () => {
  it('reports BAD_HANDLE, WRONG_TYPE, ACCESS_DENIED', () => {
    const { process, port } = setUp();
    expect(process.call('port_wait', NO_HANDLE, 0, NOWHERE)).toBe(abi.ZX_ERR_BAD_HANDLE);
    expect(process.call('port_wait', process.make('event_create', 0), 0, NOWHERE)).toBe(
      abi.ZX_ERR_WRONG_TYPE,
    );
    const writer = process.give(process.object(port), abi.ZX_RIGHT_WRITE);
    expect(process.call('port_wait', writer, 0, NOWHERE)).toBe(abi.ZX_ERR_ACCESS_DENIED);
  });

  it('takes a packet even when its deadline has passed; times out otherwise', () => {
    const { kernel, process, port } = setUp();
    expect(process.call('port_wait', port, 0, process.out)).toBe(abi.ZX_ERR_TIMED_OUT);
    queue(process, port, 1);
    expect(process.call('port_wait', port, 0, process.out)).toBe(abi.ZX_OK);
    const call = process.start('port_wait', port, kernel.time + 10, process.out);
    kernel.advanceTo(kernel.time + 10);
    expect(call.status).toBe(abi.ZX_ERR_TIMED_OUT);
  });

  it('loses a packet to a bad pointer', () => {
    const { process, port } = setUp();
    queue(process, port, 1);
    expect(process.call('port_wait', port, 0, NOWHERE)).toBe(abi.ZX_ERR_INVALID_ARGS);
    expect(take(process, port)).toBe(abi.ZX_ERR_TIMED_OUT);
  });

  it('keeps a packet whose buffer lies in an absent page, however often that makes it wait', () => {
    const { kernel, process, port } = setUp();
    const boundary = process.memory.base + 2 * 4096;
    process.memory.set(1, 'absent');
    process.memory.set(2, 'absent');
    queue(process, port, 5);
    queue(process, port, 6);
    const first = process.start('port_wait', port, 0, boundary - 20);
    expect(first.blocker?.describe()).toBe('page 1');
    expect(take(process, port)).toBe(6);
    process.memory.set(1, 'present');
    kernel.settle();
    expect([first.status, first.blocker?.describe()]).toEqual([undefined, 'page 2']);
    process.memory.set(2, 'present');
    kernel.settle();
    expect(first.status).toBe(abi.ZX_OK);
    expect([process.memory.u64(boundary - 20), process.memory.u64(boundary - 20 + 40)]).toEqual([5, 8]);
  });

  it('serves waiters in order, one packet each', () => {
    const { process, port } = setUp();
    const at = (index: number): number => process.out + 64 * index;
    const calls = [0, 1, 2].map((index) => process.start('port_wait', port, FOREVER, at(index)));
    expect(calls[0]?.blocker?.describe()).toBe(`a packet on port ${process.object(port).koid}`);
    queue(process, port, 10);
    expect(calls.map((call) => call.status)).toEqual([abi.ZX_OK, undefined, undefined]);
    queue(process, port, 11);
    queue(process, port, 12);
    expect(calls.map((call) => call.status)).toEqual([abi.ZX_OK, abi.ZX_OK, abi.ZX_OK]);
    expect([0, 1, 2].map((index) => process.memory.u64(at(index)))).toEqual([10, 11, 12]);
  });

  it('passes the wake on when the woken waiter is killed before its turn', () => {
    const { kernel, process, port } = setUp();
    const first = process.start('port_wait', port, FOREVER, process.out);
    const second = process.start('port_wait', port, FOREVER, process.out + 64);
    const dispatcher = process.object(port) as PortDispatcher;
    queueSilently(dispatcher);
    first.kill();
    kernel.settle();
    expect(second.status).toBe(abi.ZX_OK);
  });

  it('waits on when another was faster', () => {
    const { kernel, process, port } = setUp();
    const waiting = process.start('port_wait', port, FOREVER, process.out);
    queueSilently(process.object(port) as PortDispatcher);
    expect((process.object(port) as PortDispatcher).dequeue((packet) => packet.key)).toBe(1n);
    kernel.settle();
    expect(waiting.status).toBeUndefined();
    queue(process, port, 2);
    expect([waiting.status, process.memory.u64(process.out)]).toEqual([abi.ZX_OK, 2]);
  });

  it('ends with CANCELED when the last handle is closed', () => {
    const { kernel, process, port } = setUp();
    const copy = process.make('handle_duplicate', port, abi.ZX_RIGHT_SAME_RIGHTS);
    const waiting = process.start('port_wait', port, FOREVER, process.out);
    process.call('handle_close', port);
    expect(waiting.status).toBeUndefined();
    process.call('handle_close', copy);
    expect(waiting.status).toBe(abi.ZX_ERR_CANCELED);
    expect(kernel.liveObjects).toBe(0);
  });
});

describe('zx_port_cancel and zx_port_cancel_key', () => {
  it('report port before source, and NOT_FOUND when nothing goes', () => {
    const { process, port } = setUp();
    const event = process.make('event_create', 0);
    expect(process.call('port_cancel', NO_HANDLE, NO_HANDLE, 1)).toBe(abi.ZX_ERR_BAD_HANDLE);
    expect(process.call('port_cancel', event, NO_HANDLE, 1)).toBe(abi.ZX_ERR_WRONG_TYPE);
    const reader = process.give(process.object(port), abi.ZX_RIGHT_READ);
    expect(process.call('port_cancel', reader, NO_HANDLE, 1)).toBe(abi.ZX_ERR_ACCESS_DENIED);
    expect(process.call('port_cancel', port, NO_HANDLE, 1)).toBe(abi.ZX_ERR_BAD_HANDLE);
    expect(process.call('port_cancel', port, port, 1)).toBe(abi.ZX_ERR_ACCESS_DENIED);
    const waitable = process.give(process.object(port), abi.ZX_RIGHT_WAIT);
    expect(process.call('port_cancel', port, waitable, 1)).toBe(abi.ZX_ERR_NOT_SUPPORTED);
    expect(process.call('port_cancel', port, event, 1)).toBe(abi.ZX_ERR_NOT_FOUND);
    expect(process.call('port_cancel_key', NO_HANDLE, 1, 1)).toBe(abi.ZX_ERR_INVALID_ARGS);
    expect(process.call('port_cancel_key', NO_HANDLE, 0, 1)).toBe(abi.ZX_ERR_BAD_HANDLE);
    expect(process.call('port_cancel_key', reader, 0, 1)).toBe(abi.ZX_ERR_ACCESS_DENIED);
    expect(process.call('port_cancel_key', port, 0, 1)).toBe(abi.ZX_ERR_NOT_FOUND);
  });

  it('remove waits and queued packets of one object and key only', () => {
    const { process, port } = setUp();
    const events = [process.make('event_create', 0), process.make('event_create', 0)] as const;
    for (const event of events) {
      for (const key of [1, 2]) process.call('object_wait_async', event, port, key, abi.ZX_USER_SIGNAL_0, 0);
    }
    process.call('object_signal', events[0], 0, abi.ZX_USER_SIGNAL_0);
    process.call('object_wait_async', events[0], port, 1, abi.ZX_USER_SIGNAL_7, 0);
    queue(process, port, 1);
    expect(process.call('port_cancel', port, events[0], 1)).toBe(abi.ZX_OK);
    expect(process.call('port_cancel', port, events[0], 1)).toBe(abi.ZX_ERR_NOT_FOUND);
    process.call('object_signal', events[0], 0, abi.ZX_USER_SIGNAL_7);
    process.call('object_signal', events[1], 0, abi.ZX_USER_SIGNAL_0);
    expect([1, 2, 3, 4, 5].map(() => take(process, port))).toEqual([2, 1, 1, 2, abi.ZX_ERR_TIMED_OUT]);
  });

  it('cancel_key removes by key alone, whatever sent it', () => {
    const { process, port } = setUp();
    const event = process.make('event_create', 0);
    process.call('object_wait_async', event, port, 1, abi.ZX_USER_SIGNAL_0, 0);
    queue(process, port, 1);
    queue(process, port, 2);
    expect(process.call('port_cancel_key', port, 0, 1)).toBe(abi.ZX_OK);
    process.call('object_signal', event, 0, abi.ZX_USER_SIGNAL_0);
    expect([take(process, port), take(process, port)]).toEqual([2, abi.ZX_ERR_TIMED_OUT]);
    expect(process.object(event).observerCount).toBe(0);
  });
});

class Request extends PageRequestPacket {
  readonly events: string[] = [];

  constructor(key: bigint) {
    super(key);
  }

  override onDelivered(): void {
    this.events.push('delivered');
  }

  override onDiscarded(): void {
    this.events.push('discarded');
  }
}

/** A packet that arrives without anybody getting a turn. */
function queueSilently(port: PortDispatcher): void {
  port.queue(new Request(1n));
}

describe('page-request packets', () => {
  it('PK-01, PK-02: carry key, command, offset and length in bytes, and zeros elsewhere', () => {
    const { process, port } = setUp();
    const request = new Request(0xffff_ffff_ffff_ff01n);
    request.command = abi.ZX_PAGER_VMO_DIRTY;
    request.page = 0xf_ffff_ffff_ffdf;
    request.pages = 3;
    process.memory.bytes.fill(0xee, 0, 48);
    (process.object(port) as PortDispatcher).queue(request);
    expect(process.call('port_wait', port, 0, process.out)).toBe(abi.ZX_OK);
    const view = new DataView(process.memory.slice(process.out, 48).buffer);
    expect(view.getBigUint64(abi.PACKET_KEY, true)).toBe(0xffff_ffff_ffff_ff01n);
    expect(view.getUint32(abi.PACKET_TYPE, true)).toBe(abi.ZX_PKT_TYPE_PAGE_REQUEST);
    expect(view.getInt32(abi.PACKET_STATUS, true)).toBe(0);
    expect(view.getUint16(abi.PACKET_REQUEST_COMMAND, true)).toBe(2);
    expect(view.getUint16(abi.PACKET_REQUEST_FLAGS, true)).toBe(0);
    expect(view.getUint32(abi.PACKET_REQUEST_RESERVED, true)).toBe(0);
    expect(view.getBigUint64(abi.PACKET_REQUEST_OFFSET, true)).toBe(0xffff_ffff_fffd_f000n);
    expect(view.getBigUint64(abi.PACKET_REQUEST_LENGTH, true)).toBe(0x3000n);
    expect(view.getBigUint64(40, true)).toBe(0n);
  });

  it('are not counted against the bound, not cancelled by key, and come back to their owner', () => {
    const { process, port } = setUp({ portPackets: 0 });
    const dispatcher = process.object(port) as PortDispatcher;
    const requests = [new Request(1n), new Request(1n), new Request(1n)] as const;
    for (const request of requests) expect(dispatcher.queue(request)).toBe(abi.ZX_OK);
    expect(() => dispatcher.queue(requests[0])).toThrow('one queue');
    expect(process.call('port_cancel_key', port, 0, 1)).toBe(abi.ZX_ERR_NOT_FOUND);
    expect(dispatcher.withdraw(requests[1])).toBe(true);
    expect(dispatcher.withdraw(requests[1])).toBe(false);
    expect(take(process, port)).toBe(1);
    process.call('handle_close', port);
    expect(requests.map((request) => request.events)).toEqual([['delivered'], [], ['discarded']]);
    expect(dispatcher.queue(requests[0])).toBe(abi.ZX_ERR_BAD_HANDLE);
    expect([dispatcher.isClosed, dispatcher.length]).toEqual([true, 0]);
  });

  it('may be queued again from within their delivery', () => {
    const { process, port } = setUp();
    const dispatcher = process.object(port) as PortDispatcher;
    const request = new (class extends Request {
      override onDelivered(): void {
        super.onDelivered();
        if (this.events.length > 2) return;
        this.page += 1;
        dispatcher.queue(this);
      }
    })(4n);
    dispatcher.queue(request);
    const pages = [0, 1, 2].map(() => {
      expect(take(process, port)).toBe(4);
      return process.memory.u64(process.out + abi.PACKET_REQUEST_OFFSET) / 4096;
    });
    expect(pages).toEqual([0, 1, 2]);
    expect(take(process, port)).toBe(abi.ZX_ERR_TIMED_OUT);
  });

  it('tell a host listener of every packet', () => {
    const { process, port } = setUp();
    const dispatcher = process.object(port) as PortDispatcher;
    let heard = 0;
    dispatcher.onReadable = () => (heard += 1);
    queue(process, port, 1);
    dispatcher.queue(new Request(2n));
    expect([heard, dispatcher.length]).toEqual([2, 2]);
  });
});
