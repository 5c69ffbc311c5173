import { describe, expect, it } from 'vitest';
import * as abi from '../../src/abi/index.js';
import { EventDispatcher } from '../../src/ipc/event.js';
import { FOREVER, NO_HANDLE, NOWHERE, TestKernel, type TestProcess } from './harness.js';

function setUp(limits = {}): { kernel: TestKernel; process: TestProcess; event: number } {
  const kernel = new TestKernel(limits);
  const process = kernel.process();
  return { kernel, process, event: process.make('event_create', 0) };
}

describe('zx_handle_close', () => {
  it('closes once; the invalid handle is no error', () => {
    const { kernel, process, event } = setUp();
    expect(process.call('handle_close', event)).toBe(abi.ZX_OK);
    expect(process.call('handle_close', event)).toBe(abi.ZX_ERR_BAD_HANDLE);
    expect(process.call('handle_close', 0)).toBe(abi.ZX_OK);
    expect(kernel.liveObjects).toBe(0);
  });

  it('ends waits made through the handle, and leaves those made through another', () => {
    const { process, event } = setUp();
    const copy = process.make('handle_duplicate', event, abi.ZX_RIGHT_SAME_RIGHTS);
    const first = process.start('object_wait_one', event, abi.ZX_EVENT_SIGNALED, FOREVER, process.out + 64);
    const second = process.start('object_wait_one', copy, abi.ZX_EVENT_SIGNALED, FOREVER, process.out + 68);
    process.call('handle_close', event);
    expect(first.status).toBe(abi.ZX_ERR_CANCELED);
    expect(process.memory.u32(process.out + 64)).toBe(abi.ZX_SIGNAL_HANDLE_CLOSED);
    expect(second.status).toBeUndefined();
    process.call('object_signal', copy, 0, abi.ZX_EVENT_SIGNALED);
    expect(second.status).toBe(abi.ZX_OK);
  });
});

describe('zx_handle_close_many', () => {
  it('closes every valid entry, also beside bad ones', () => {
    const { kernel, process, event } = setUp();
    const other = process.make('event_create', 0);
    process.memory.setU32s(process.out, event, 0, 3, other);
    expect(process.call('handle_close_many', process.out, 4)).toBe(abi.ZX_ERR_BAD_HANDLE);
    expect(kernel.liveObjects).toBe(0);
  });

  it('finds a repeated entry bad, and an empty list good', () => {
    const { process, event } = setUp();
    process.memory.setU32s(process.out, event, event);
    expect(process.call('handle_close_many', process.out, 2)).toBe(abi.ZX_ERR_BAD_HANDLE);
    expect(process.call('handle_close_many', NOWHERE, 0)).toBe(abi.ZX_OK);
  });

  it('reads a long list in turns and stops where the memory does', () => {
    const { kernel, process } = setUp();
    const handles = Array.from({ length: 1500 }, () => process.make('event_create', 0));
    process.memory.setU32s(process.out, ...handles);
    const call = process.start('handle_close_many', process.out, 1n << 60n);
    expect(call.status).toBeUndefined();
    for (let turns = 0; call.status === undefined && turns < 100; turns += 1) kernel.advanceTo(kernel.time);
    expect(call.status).toBe(abi.ZX_ERR_INVALID_ARGS);
    expect(process.handles.size).toBe(1);
  });

  it('waits for a page of the list that is absent', () => {
    const { kernel, process, event } = setUp();
    const boundary = process.memory.base + 4096;
    const other = process.make('event_create', 0);
    process.memory.setU32s(boundary - 4, event, other);
    process.memory.set(1, 'absent');
    const call = process.start('handle_close_many', boundary - 4, 2);
    expect(call.status).toBeUndefined();
    process.memory.set(1, 'present');
    kernel.settle();
    expect(call.status).toBe(abi.ZX_OK);
    expect(kernel.liveObjects).toBe(0);
  });
});

describe('zx_handle_duplicate', () => {
  it('reports errors in order: BAD_HANDLE, ACCESS_DENIED, INVALID_ARGS for rights, NO_RESOURCES, INVALID_ARGS for the pointer', () => {
    const { process, event } = setUp({ handlesPerProcess: 3 });
    expect(process.call('handle_duplicate', NO_HANDLE, abi.ZX_RIGHT_MAP, NOWHERE)).toBe(
      abi.ZX_ERR_BAD_HANDLE,
    );
    const fixed = process.make('handle_duplicate', event, abi.ZX_RIGHT_WAIT);
    expect(process.call('handle_duplicate', fixed, abi.ZX_RIGHT_MAP, NOWHERE)).toBe(abi.ZX_ERR_ACCESS_DENIED);
    expect(process.call('handle_duplicate', event, abi.ZX_RIGHT_MAP, NOWHERE)).toBe(abi.ZX_ERR_INVALID_ARGS);
    const same = abi.ZX_RIGHT_SAME_RIGHTS;
    expect(process.call('handle_duplicate', event, (same | 1) >>> 0, process.out)).toBe(
      abi.ZX_ERR_INVALID_ARGS,
    );
    expect(process.call('handle_duplicate', event, same, NOWHERE)).toBe(abi.ZX_ERR_INVALID_ARGS);
    process.make('handle_duplicate', event, same);
    expect(process.call('handle_duplicate', event, same, NOWHERE)).toBe(abi.ZX_ERR_NO_RESOURCES);
    expect(process.handles.size).toBe(3);
  });

  it('gives exactly the rights asked for', () => {
    const { process, event } = setUp();
    const rights = abi.ZX_RIGHT_WAIT | abi.ZX_RIGHT_SIGNAL;
    const copy = process.make('handle_duplicate', event, rights);
    expect(process.handles.get(copy)?.rights).toBe(rights);
    const none = process.make('handle_duplicate', event, 0);
    expect(process.handles.get(none)?.rights).toBe(0);
  });
});

describe('zx_handle_replace', () => {
  it('consumes the source on success, on refused rights, and on a bad pointer', () => {
    const { kernel, process, event } = setUp();
    const replaced = process.make('handle_replace', event, abi.ZX_RIGHT_SAME_RIGHTS);
    expect(process.call('handle_close', event)).toBe(abi.ZX_ERR_BAD_HANDLE);
    const narrow = process.make('handle_replace', replaced, abi.ZX_RIGHT_WAIT);
    expect(process.call('handle_replace', narrow, abi.ZX_RIGHT_SIGNAL, process.out)).toBe(
      abi.ZX_ERR_INVALID_ARGS,
    );
    expect(kernel.liveObjects).toBe(0);
    const other = process.make('event_create', 0);
    expect(process.call('handle_replace', other, abi.ZX_RIGHT_SAME_RIGHTS, NOWHERE)).toBe(
      abi.ZX_ERR_INVALID_ARGS,
    );
    expect(kernel.liveObjects).toBe(0);
    expect(process.call('handle_replace', other, 0, process.out)).toBe(abi.ZX_ERR_BAD_HANDLE);
  });

  it('works in a full table', () => {
    const { process, event } = setUp({ handlesPerProcess: 1 });
    expect(process.make('handle_replace', event, abi.ZX_RIGHT_WAIT)).not.toBe(event);
  });
});

describe('zx_handle_check_valid', () => {
  it('tells zero, wrong bits, unknown and known apart', () => {
    const { process, event } = setUp();
    expect(process.call('handle_check_valid', 0)).toBe(abi.ZX_ERR_INVALID_ARGS);
    expect(process.call('handle_check_valid', event & ~1)).toBe(abi.ZX_ERR_OUT_OF_RANGE);
    expect(process.call('handle_check_valid', NO_HANDLE)).toBe(abi.ZX_ERR_NOT_FOUND);
    expect(process.call('handle_check_valid', event)).toBe(abi.ZX_OK);
  });
});

describe('bounds of handles and objects', () => {
  it('refuses objects beyond the kernel’s bound with NO_MEMORY', () => {
    const { process } = setUp({ objects: 2 });
    expect(process.call('eventpair_create', 0, process.out, process.out + 4)).toBe(abi.ZX_ERR_NO_MEMORY);
    process.make('event_create', 0);
    expect(process.call('event_create', 0, process.out)).toBe(abi.ZX_ERR_NO_MEMORY);
  });

  it('ends a chain of channels whose messages hold each other, twenty thousand deep', () => {
    const { kernel, process } = setUp({ handlesPerProcess: 8 });
    let [outer, outerPeer] = process.makePair('channel_create');
    const first = outer;
    for (let depth = 0; depth < 20_000; depth += 1) {
      const [inner, innerPeer] = process.makePair('channel_create');
      process.memory.setU32s(process.out + 64, inner);
      expect(process.call('channel_write', outerPeer, 0, 0, 0, process.out + 64, 1)).toBe(abi.ZX_OK);
      process.call('handle_close', outerPeer);
      outer = inner;
      outerPeer = innerPeer;
    }
    process.call('handle_close', outerPeer);
    expect(kernel.liveObjects).toBe(20_002);
    process.call('handle_close', first);
    expect(kernel.liveObjects).toBe(1);
  });

  it('does not count an object twice that is named by several handles', () => {
    const kernel = new TestKernel();
    const process = kernel.process();
    const event = new EventDispatcher(kernel);
    const values = [process.give(event), process.give(event)];
    expect(kernel.liveObjects).toBe(1);
    for (const value of values) process.call('handle_close', value);
    expect(kernel.liveObjects).toBe(0);
  });
});
