import { describe, expect, it } from 'vitest';
import * as abi from '../../src/abi/index.js';
import { NOWHERE, TestKernel } from './harness.js';

describe('zx_event_create', () => {
  it('refuses options with INVALID_ARGS, then a bad pointer, and leaves nothing behind', () => {
    const kernel = new TestKernel();
    const process = kernel.process();
    expect(process.call('event_create', 1, NOWHERE)).toBe(abi.ZX_ERR_INVALID_ARGS);
    expect(process.call('event_create', 0, NOWHERE)).toBe(abi.ZX_ERR_INVALID_ARGS);
    expect([kernel.liveObjects, process.handles.size]).toEqual([0, 0]);
  });

  it('refuses when the table is full', () => {
    const process = new TestKernel({ handlesPerProcess: 0 }).process();
    expect(process.call('event_create', 0, process.out)).toBe(abi.ZX_ERR_NO_RESOURCES);
  });

  it('gives a handle with the default rights, its low bits set, and no signals', () => {
    const process = new TestKernel().process();
    const event = process.make('event_create', 0);
    expect(event & 3).toBe(3);
    expect(process.handles.get(event)?.rights).toBe(0xd003);
    expect(process.object(event).signals).toBe(0);
    expect(process.object(event).koid).toBeGreaterThanOrEqual(1024);
  });
});

describe('zx_eventpair_create', () => {
  it('refuses options with NOT_SUPPORTED, and a bad second pointer without leaving the first handle', () => {
    const kernel = new TestKernel();
    const process = kernel.process();
    expect(process.call('eventpair_create', 1, process.out, process.out + 4)).toBe(abi.ZX_ERR_NOT_SUPPORTED);
    expect(process.call('eventpair_create', 0, process.out, NOWHERE)).toBe(abi.ZX_ERR_INVALID_ARGS);
    expect([kernel.liveObjects, process.handles.size]).toEqual([0, 0]);
  });

  it('knows its peer, and hears when that is closed', () => {
    const kernel = new TestKernel();
    const process = kernel.process();
    const [left, right] = process.makePair('eventpair_create');
    expect(process.handles.get(left)?.rights).toBe(0xf003);
    expect(process.object(left).relatedKoid).toBe(process.object(right).koid);
    const { koid } = process.object(right);
    process.call('handle_close', right);
    expect(process.object(left).signals).toBe(abi.ZX_EVENTPAIR_PEER_CLOSED);
    expect(process.object(left).relatedKoid).toBe(koid);
    process.call('handle_close', left);
    expect(kernel.liveObjects).toBe(0);
  });

  it('gives both handles when the page of the second result is absent at first', () => {
    const kernel = new TestKernel();
    const process = kernel.process();
    const second = process.memory.base + 4096;
    process.memory.set(1, 'absent');
    const call = process.start('eventpair_create', 0, process.out, second);
    expect(call.status).toBeUndefined();
    process.memory.set(1, 'present');
    kernel.settle();
    expect(call.status).toBe(abi.ZX_OK);
    expect(process.object(process.memory.u32(process.out)).relatedKoid).toBe(
      process.object(process.memory.u32(second)).koid,
    );
  });

  it('takes both handles back when the page of the second result fails', () => {
    const kernel = new TestKernel();
    const process = kernel.process();
    process.memory.set(1, 'absent');
    const call = process.start('eventpair_create', 0, process.out, process.memory.base + 4096);
    process.memory.fail(1, abi.ZX_ERR_IO);
    kernel.settle();
    expect(call.status).toBe(abi.ZX_ERR_INVALID_ARGS);
    expect([kernel.liveObjects, process.handles.size]).toEqual([0, 0]);
  });
});
