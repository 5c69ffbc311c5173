import { describe, expect, it } from 'vitest';
import * as abi from '../../src/abi/index.js';
import type { ChannelDispatcher } from '../../src/ipc/channel.js';
import { NO_HANDLE, NOWHERE, TestKernel, type TestProcess } from './harness.js';

interface Pair {
  kernel: TestKernel;
  process: TestProcess;
  left: number;
  right: number;
}

function setUp(limits = {}): Pair {
  const kernel = new TestKernel(limits);
  const process = kernel.process();
  const [left, right] = process.makePair('channel_create');
  return { kernel, process, left, right };
}

const BYTES_AT = 4096;
const HANDLES_AT = 3 * 4096;
const ACTUAL_AT = 256;

/** Writes text with handles. */
function write(process: TestProcess, channel: number, text: string, handles: readonly number[] = []): number {
  const { base } = process.memory;
  const bytes = new TextEncoder().encode(text);
  process.memory.put(base + BYTES_AT, bytes);
  process.memory.setU32s(base + HANDLES_AT, ...handles);
  return process.call(
    'channel_write',
    channel,
    0,
    base + BYTES_AT,
    bytes.length,
    base + HANDLES_AT,
    handles.length,
  );
}

/** Reads a message: its text and handles, or a status. */
function read(process: TestProcess, channel: number): { text: string; handles: number[] } | number {
  const { base } = process.memory;
  const actual = base + ACTUAL_AT;
  const status = process.call(
    'channel_read',
    channel,
    0,
    base + BYTES_AT,
    base + HANDLES_AT,
    4096,
    64,
    actual,
    actual + 4,
  );
  if (status !== abi.ZX_OK) return status;
  const text = new TextDecoder().decode(process.memory.slice(base + BYTES_AT, process.memory.u32(actual)));
  const count = process.memory.u32(actual + 4);
  const handles = Array.from({ length: count }, (_none, index) =>
    process.memory.u32(base + HANDLES_AT + 4 * index),
  );
  return { text, handles };
}

describe('zx_channel_create', () => {
  it('refuses options, gives writable ends that know each other', () => {
    const { process, left, right } = setUp();
    expect(process.call('channel_create', 1, NOWHERE, NOWHERE)).toBe(abi.ZX_ERR_INVALID_ARGS);
    expect(process.handles.get(left)?.rights).toBe(0xf00e);
    expect(process.object(left).signals).toBe(abi.ZX_CHANNEL_WRITABLE);
    expect(process.object(left).relatedKoid).toBe(process.object(right).koid);
  });
});

describe('messages', () => {
  it('arrive in order, with READABLE as long as there are any', () => {
    const { process, left, right } = setUp();
    expect(read(process, right)).toBe(abi.ZX_ERR_SHOULD_WAIT);
    for (const text of ['one', '', 'three']) expect(write(process, left, text)).toBe(abi.ZX_OK);
    expect(process.object(right).signals).toBe(abi.ZX_CHANNEL_READABLE | abi.ZX_CHANNEL_WRITABLE);
    expect(read(process, right)).toEqual({ text: 'one', handles: [] });
    expect(read(process, right)).toEqual({ text: '', handles: [] });
    expect(process.object(right).signals).toBe(abi.ZX_CHANNEL_READABLE | abi.ZX_CHANNEL_WRITABLE);
    expect(read(process, right)).toEqual({ text: 'three', handles: [] });
    expect(process.object(right).signals).toBe(abi.ZX_CHANNEL_WRITABLE);
  });

  it('can be read after the writer is gone; then PEER_CLOSED', () => {
    const { kernel, process, left, right } = setUp();
    write(process, left, 'last words');
    process.call('handle_close', left);
    expect(process.object(right).signals).toBe(abi.ZX_CHANNEL_READABLE | abi.ZX_CHANNEL_PEER_CLOSED);
    expect(write(process, right, 'too late')).toBe(abi.ZX_ERR_PEER_CLOSED);
    expect(read(process, right)).toEqual({ text: 'last words', handles: [] });
    expect(read(process, right)).toBe(abi.ZX_ERR_PEER_CLOSED);
    process.call('handle_close', right);
    expect(kernel.liveObjects).toBe(0);
  });

  it('carry handles, with their rights, out of one table into another', () => {
    const { kernel, process, left, right } = setUp();
    const other = kernel.process();
    const otherEnd = other.handles.add(process.handles.remove(right) as never);
    const event = process.make('event_create', 0);
    const object = process.object(event);
    const narrow = process.make('handle_replace', event, abi.ZX_RIGHT_TRANSFER | abi.ZX_RIGHT_WAIT);
    expect(write(process, left, 'take this', [narrow])).toBe(abi.ZX_OK);
    expect(process.call('handle_close', narrow)).toBe(abi.ZX_ERR_BAD_HANDLE);
    const message = read(other, otherEnd);
    if (typeof message === 'number') throw new Error(`status ${message}`);
    expect(other.object(message.handles[0])).toBe(object);
    expect(other.handles.get(message.handles[0])?.rights).toBe(abi.ZX_RIGHT_TRANSFER | abi.ZX_RIGHT_WAIT);
  });

  it('that nobody reads release their handles when the end is closed', () => {
    const { kernel, process, left, right } = setUp();
    write(process, left, '', [process.make('event_create', 0)]);
    expect(kernel.liveObjects).toBe(3);
    process.call('handle_close', right);
    expect(kernel.liveObjects).toBe(1);
    expect(process.object(left).signals).toBe(abi.ZX_CHANNEL_PEER_CLOSED);
  });

  it('are bounded in number and bytes, each direction for itself', () => {
    const { process, left, right } = setUp({ channelMessages: 3, channelBytes: 100 });
    expect([1, 2, 3, 4].map(() => write(process, left, ''))).toEqual([0, 0, 0, abi.ZX_ERR_SHOULD_WAIT]);
    expect(write(process, right, 'x'.repeat(90))).toBe(abi.ZX_OK);
    const event = process.make('event_create', 0);
    expect(write(process, right, 'x'.repeat(11), [event])).toBe(abi.ZX_ERR_SHOULD_WAIT);
    expect(process.call('handle_close', event)).toBe(abi.ZX_ERR_BAD_HANDLE);
    expect(write(process, right, 'x'.repeat(10))).toBe(abi.ZX_OK);
    read(process, left);
    expect(write(process, right, 'x'.repeat(90))).toBe(abi.ZX_OK);
  });

  it('keep their order in long queues that are emptied and filled', () => {
    const { process, left, right } = setUp();
    const received: string[] = [];
    const sent: string[] = [];
    for (let round = 0; round < 300; round += 1) {
      for (let count = 0; count < 3; count += 1) {
        sent.push(`${round}.${count}`);
        write(process, left, `${round}.${count}`);
      }
      for (let count = 0; count < (round % 2 === 0 ? 2 : 4); count += 1) {
        const message = read(process, right);
        if (typeof message !== 'number') received.push(message.text);
      }
    }
    expect(received).toEqual(sent.slice(0, received.length));
    expect(received.length).toBe(900);
  });
});

describe('zx_channel_read', () => {
  it('reports options, BAD_HANDLE, WRONG_TYPE, ACCESS_DENIED, then what is queued', () => {
    const { process, left, right } = setUp();
    const call = (handle: number, options = 0): number =>
      process.call('channel_read', handle, options, 0, 0, 0, 0, 0, 0);
    expect(call(NO_HANDLE, 2)).toBe(abi.ZX_ERR_INVALID_ARGS);
    expect(call(NO_HANDLE)).toBe(abi.ZX_ERR_BAD_HANDLE);
    expect(call(process.make('event_create', 0))).toBe(abi.ZX_ERR_WRONG_TYPE);
    expect(call(process.give(process.object(left), abi.ZX_RIGHT_WRITE))).toBe(abi.ZX_ERR_ACCESS_DENIED);
    write(process, right, '');
    expect(call(left)).toBe(abi.ZX_OK);
  });

  it('says how large a message is that does not fit, and keeps it unless it may be discarded', () => {
    const { kernel, process, left, right } = setUp();
    const event = process.make('event_create', 0);
    write(process, left, 'hello', [event]);
    const actual = process.out + ACTUAL_AT;
    const call = (bytes: number, handles: number, options = 0): number =>
      process.call(
        'channel_read',
        right,
        options,
        process.out,
        process.out,
        bytes,
        handles,
        actual,
        actual + 4,
      );
    expect(call(4, 1)).toBe(abi.ZX_ERR_BUFFER_TOO_SMALL);
    expect([process.memory.u32(actual), process.memory.u32(actual + 4)]).toEqual([5, 1]);
    expect(call(5, 0)).toBe(abi.ZX_ERR_BUFFER_TOO_SMALL);
    expect(kernel.liveObjects).toBe(3);
    expect(call(0, 0, abi.ZX_CHANNEL_READ_MAY_DISCARD)).toBe(abi.ZX_ERR_BUFFER_TOO_SMALL);
    expect([process.memory.u32(actual), process.memory.u32(actual + 4)]).toEqual([5, 1]);
    expect(kernel.liveObjects).toBe(2);
    expect(read(process, right)).toBe(abi.ZX_ERR_SHOULD_WAIT);
  });

  it('keeps a message whose handles the table has no room for', () => {
    const { process, left, right } = setUp({ handlesPerProcess: 3 });
    write(process, left, 'x', [process.make('event_create', 0)]);
    const filler = process.make('event_create', 0);
    expect(read(process, right)).toBe(abi.ZX_ERR_NO_RESOURCES);
    process.call('handle_close', filler);
    expect(read(process, right)).toMatchObject({ text: 'x', handles: [expect.any(Number)] });
  });

  it('loses a message to a bad pointer, and leaks nothing', () => {
    const { kernel, process, left, right } = setUp();
    const { out } = process;
    for (const [bytes, handles, actual] of [
      [NOWHERE, out, out],
      [0, out, out],
      [out, NOWHERE, out],
      [out, 0, out],
      [out, out, NOWHERE],
    ] as const) {
      write(process, left, 'gone', [process.make('event_create', 0)]);
      expect(process.call('channel_read', right, 0, bytes, handles, 9, 9, actual, 0)).toBe(
        abi.ZX_ERR_INVALID_ARGS,
      );
      expect([kernel.liveObjects, process.handles.size]).toEqual([2, 2]);
    }
    expect(read(process, right)).toBe(abi.ZX_ERR_SHOULD_WAIT);
  });

  it('delivers into absent pages, piece by piece', () => {
    const { kernel, process, left, right } = setUp();
    const { memory } = process;
    const text = 'x'.repeat(3000) + 'y'.repeat(3000);
    const event = process.make('event_create', 0);
    const object = process.object(event);
    write(process, left, text, [event]);
    const bytes = memory.base + 8 * 4096 + 2000;
    const handles = memory.base + 11 * 4096;
    for (const page of [8, 9, 11]) memory.set(page, 'absent');
    const call = process.start('channel_read', right, 0, bytes, handles, 9000, 1, process.out, 0);
    for (const page of [8, 9, 11]) {
      expect([call.status, call.blocker?.describe()]).toEqual([undefined, `page ${page}`]);
      memory.set(page, 'present');
      kernel.settle();
    }
    expect(call.status).toBe(abi.ZX_OK);
    expect(new TextDecoder().decode(memory.slice(bytes, 6000))).toBe(text);
    expect(process.object(memory.u32(handles))).toBe(object);
  });

  it('gives back the handles of a message that its reader was killed over', () => {
    const { kernel, process, left, right } = setUp();
    write(process, left, 'x', [process.make('event_create', 0)]);
    process.memory.set(5, 'absent');
    const at = process.memory.base + 5 * 4096;
    const inBytes = process.start('channel_read', right, 0, at, process.out, 9, 9, process.out + 64, 0);
    expect(inBytes.status).toBeUndefined();
    inBytes.kill();
    expect(kernel.liveObjects).toBe(2);
    write(process, left, 'x', [process.make('event_create', 0)]);
    const inHandles = process.start('channel_read', right, 0, process.out, at, 9, 9, process.out + 64, 0);
    expect([inHandles.status, process.handles.size]).toEqual([undefined, 3]);
    inHandles.kill();
    expect([kernel.liveObjects, process.handles.size]).toEqual([2, 2]);
  });

  it('describes handles in its etc form', () => {
    const { process, left, right } = setUp();
    write(process, left, '', [process.make('event_create', 0)]);
    expect(process.call('channel_read_etc', right, 0, 0, process.out, 0, 1, 0, 0)).toBe(abi.ZX_OK);
    const { memory, out } = process;
    expect(process.object(memory.u32(out)).type).toBe(abi.ZX_OBJ_TYPE_EVENT);
    expect([4, 8, 12].map((at) => memory.u32(out + at))).toEqual([abi.ZX_OBJ_TYPE_EVENT, 0xd003, 0]);
  });
});

describe('zx_channel_write', () => {
  it('reports options, BAD_HANDLE, WRONG_TYPE, ACCESS_DENIED, sizes, pointers, and consumes handles every time', () => {
    const { kernel, process, left } = setUp();
    const { out } = process;
    const list = out + 512;
    const reader = process.give(process.object(left), abi.ZX_RIGHT_READ);
    const other = process.make('event_create', 0);
    const cases: readonly (readonly [number, readonly (number | bigint)[]])[] = [
      [abi.ZX_ERR_INVALID_ARGS, [NO_HANDLE, 4, NOWHERE, 65_537, list, 1]],
      [abi.ZX_ERR_BAD_HANDLE, [NO_HANDLE, 0, NOWHERE, 65_537, list, 1]],
      [abi.ZX_ERR_WRONG_TYPE, [other, 0, NOWHERE, 65_537, list, 1]],
      [abi.ZX_ERR_ACCESS_DENIED, [reader, 0, NOWHERE, 65_537, list, 1]],
      [abi.ZX_ERR_OUT_OF_RANGE, [left, 0, NOWHERE, 65_537, list, 1]],
      [abi.ZX_ERR_OUT_OF_RANGE, [left, 0, NOWHERE, 1, list, 65]],
      [abi.ZX_ERR_INVALID_ARGS, [left, 0, NOWHERE, 1, list, 1]],
    ];
    for (const [status, args] of cases) {
      const before = kernel.liveObjects;
      const event = process.make('event_create', 0);
      process.memory.bytes.fill(0, 512, 1024);
      process.memory.setU32s(list, event);
      expect(process.call('channel_write', ...args)).toBe(status);
      expect(kernel.liveObjects).toBe(before);
    }
    expect(process.call('channel_write', left, 0, 0, 0, NOWHERE, 1)).toBe(abi.ZX_ERR_INVALID_ARGS);
    expect(process.call('channel_write', left, 0, NOWHERE, 0, NOWHERE, 0)).toBe(abi.ZX_OK);
  });

  it('reports the first bad entry, and consumes all the others', () => {
    const { kernel, process, left } = setUp();
    const event = (): number => process.make('event_create', 0);
    const fixed = process.give(process.object(event()), abi.ZX_RIGHT_WAIT);
    const kept = process.handles.size;
    const one = event();
    expect(write(process, left, '', [one, NO_HANDLE, event()])).toBe(abi.ZX_ERR_BAD_HANDLE);
    const twice = event();
    expect(write(process, left, '', [twice, twice])).toBe(abi.ZX_ERR_BAD_HANDLE);
    expect(write(process, left, '', [event(), left])).toBe(abi.ZX_ERR_NOT_SUPPORTED);
    expect(kernel.liveObjects).toBe(2);
    expect(process.handles.size).toBe(kept - 1);
    const [left2] = process.makePair('channel_create');
    expect(write(process, left2, '', [event(), fixed])).toBe(abi.ZX_ERR_ACCESS_DENIED);
    expect(process.call('handle_close', fixed)).toBe(abi.ZX_ERR_BAD_HANDLE);
  });

  it('takes bytes from a vector', () => {
    const { process, left, right } = setUp();
    const { memory, out } = process;
    memory.put(out + 1024, new TextEncoder().encode('worldhello '));
    const vector = (index: number, at: number, length: number, reserved = 0): void => {
      memory.setU64(out + 16 * index, at);
      memory.setU32s(out + 16 * index + 8, length, reserved);
    };
    vector(0, out + 1029, 6);
    vector(1, NOWHERE, 0);
    vector(2, out + 1024, 5);
    expect(process.call('channel_write', left, abi.ZX_CHANNEL_WRITE_USE_IOVEC, out, 3, 0, 0)).toBe(abi.ZX_OK);
    expect(read(process, right)).toEqual({ text: 'hello world', handles: [] });
    const failing = (count: number): number =>
      process.call('channel_write', left, abi.ZX_CHANNEL_WRITE_USE_IOVEC, out, count, 0, 0);
    expect(failing(8193)).toBe(abi.ZX_ERR_OUT_OF_RANGE);
    vector(1, out, 1, 1);
    expect(failing(2)).toBe(abi.ZX_ERR_INVALID_ARGS);
    vector(1, out, 65_536);
    expect(failing(2)).toBe(abi.ZX_ERR_OUT_OF_RANGE);
    vector(1, NOWHERE, 2);
    expect(failing(2)).toBe(abi.ZX_ERR_INVALID_ARGS);
    expect(process.call('channel_write', left, 2, NOWHERE, 1, 0, 0)).toBe(abi.ZX_ERR_INVALID_ARGS);
  });

  it('waits for bytes and handle lists that are absent', () => {
    const { kernel, process, left, right } = setUp();
    const { memory } = process;
    const event = process.make('event_create', 0);
    memory.put(memory.base + 5 * 4096, new TextEncoder().encode('late'));
    memory.setU32s(memory.base + 6 * 4096, event);
    memory.set(5, 'absent');
    memory.set(6, 'absent');
    const at = memory.base + 5 * 4096;
    const call = process.start('channel_write', left, 0, at, 4, at + 4096, 1);
    memory.set(5, 'present');
    kernel.settle();
    expect(call.blocker?.describe()).toBe('page 6');
    expect(process.handles.get(event)).toBeDefined();
    memory.set(6, 'present');
    kernel.settle();
    expect(call.status).toBe(abi.ZX_OK);
    expect(read(process, right)).toMatchObject({ text: 'late' });
  });
});

describe('zx_channel_write_etc', () => {
  const LIST = 2048;

  function dispose(process: TestProcess, channel: number, entries: readonly (readonly number[])[]): number {
    const at = process.out + LIST;
    entries.forEach((entry, index) => process.memory.setU32s(at + 20 * index, ...entry, 0xdead_beef));
    return process.call('channel_write_etc', channel, 0, 0, 0, at, entries.length);
  }

  function results(process: TestProcess, count: number): number[] {
    return Array.from(
      { length: count },
      (_none, index) => process.memory.u32(process.out + LIST + 20 * index + 16) | 0,
    );
  }

  const SAME = abi.ZX_RIGHT_SAME_RIGHTS;

  it('moves and duplicates, with fewer rights where asked', () => {
    const { process, left, right } = setUp();
    const moved = process.make('event_create', 0);
    const copied = process.make('event_create', 0);
    const status = dispose(process, left, [
      [abi.ZX_HANDLE_OP_MOVE, moved, abi.ZX_OBJ_TYPE_EVENT, abi.ZX_RIGHT_WAIT],
      [abi.ZX_HANDLE_OP_DUPLICATE, copied, abi.ZX_OBJ_TYPE_NONE, SAME],
    ]);
    expect(status).toBe(abi.ZX_OK);
    expect([process.handles.get(moved), process.handles.get(copied) !== undefined]).toEqual([
      undefined,
      true,
    ]);
    const message = read(process, right);
    if (typeof message === 'number') throw new Error(`status ${message}`);
    expect(message.handles.map((handle) => process.handles.get(handle)?.rights)).toEqual([
      abi.ZX_RIGHT_WAIT,
      0xd003,
    ]);
  });

  it('says what went wrong with each entry, and returns the first', () => {
    const { kernel, process, left } = setUp();
    const event = (): number => process.make('event_create', 0);
    const object = process.object(event());
    const fixed = process.give(object, abi.ZX_RIGHT_WAIT);
    const unique = process.give(object, abi.ZX_RIGHT_TRANSFER);
    const status = dispose(process, left, [
      [abi.ZX_HANDLE_OP_MOVE, event(), 0, SAME],
      [abi.ZX_HANDLE_OP_MOVE, NO_HANDLE, 0, SAME],
      [abi.ZX_HANDLE_OP_DUPLICATE, left, 0, SAME],
      [abi.ZX_HANDLE_OP_MOVE, event(), abi.ZX_OBJ_TYPE_PORT, SAME],
      [abi.ZX_HANDLE_OP_MOVE, fixed, 0, SAME],
      [abi.ZX_HANDLE_OP_DUPLICATE, unique, 0, SAME],
      [abi.ZX_HANDLE_OP_MOVE, event(), 0, abi.ZX_RIGHT_MAP],
      [2, event(), 0, SAME],
    ]);
    expect(status).toBe(abi.ZX_ERR_BAD_HANDLE);
    expect(results(process, 8)).toEqual([
      abi.ZX_OK,
      abi.ZX_ERR_BAD_HANDLE,
      abi.ZX_ERR_NOT_SUPPORTED,
      abi.ZX_ERR_WRONG_TYPE,
      abi.ZX_ERR_ACCESS_DENIED,
      abi.ZX_ERR_ACCESS_DENIED,
      abi.ZX_ERR_INVALID_ARGS,
      abi.ZX_ERR_INVALID_ARGS,
    ]);
    // Left: both ends, the first event, and the one whose operation is unknown.
    expect(kernel.liveObjects).toBe(4);
  });

  it('consumes what was to be moved, and only that, when the channel is no good', () => {
    const { process } = setUp();
    const moved = process.make('event_create', 0);
    const copied = process.make('event_create', 0);
    const entries = [
      [abi.ZX_HANDLE_OP_MOVE, moved, 0, SAME],
      [abi.ZX_HANDLE_OP_DUPLICATE, copied, 0, SAME],
    ] as const;
    expect(dispose(process, NO_HANDLE, entries)).toBe(abi.ZX_ERR_BAD_HANDLE);
    expect([process.handles.get(moved), process.handles.get(copied) !== undefined]).toEqual([
      undefined,
      true,
    ]);
  });
});

describe('a long list of handles for a message that cannot be sent', () => {
  it('is consumed in turns', () => {
    const { kernel, process, left } = setUp();
    const handles = Array.from({ length: 3000 }, () => process.make('event_create', 0));
    process.memory.setU32s(process.out, ...handles);
    const call = process.start('channel_write', left, 0, 0, 0, process.out, 3000);
    expect(call.status).toBeUndefined();
    for (let turn = 0; turn < 3; turn += 1) kernel.advanceTo(kernel.time);
    expect(call.status).toBe(abi.ZX_ERR_OUT_OF_RANGE);
    expect((process.object(left) as ChannelDispatcher).length).toBe(0);
    expect(kernel.liveObjects).toBe(2);
  });
});
