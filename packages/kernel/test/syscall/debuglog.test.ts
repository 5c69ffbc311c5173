import { describe, expect, it } from 'vitest';
import * as abi from '../../src/abi/index.js';
import { ResourceDispatcher } from '../../src/object/resource.js';
import { FOREVER, NO_HANDLE, NOWHERE, TestKernel, type TestProcess } from './harness.js';

function setUp(limits = {}): { kernel: TestKernel; process: TestProcess; writer: number; resource: number } {
  const kernel = new TestKernel(limits);
  const process = kernel.process();
  const resource = process.give(new ResourceDispatcher(kernel, abi.ZX_RSRC_SYSTEM_DEBUGLOG_BASE, 'debuglog'));
  return { kernel, process, writer: process.make('debuglog_create', 0, 0), resource };
}

function write(process: TestProcess, log: number, text: string): number {
  const bytes = new TextEncoder().encode(text);
  process.memory.put(process.out + 1024, bytes);
  return process.call('debuglog_write', log, 0, process.out + 1024, bytes.length);
}

/** Reads a record: sequence number and text, or the status. */
function read(process: TestProcess, log: number): [number, string] | number {
  const length = process.call('debuglog_read', log, 0, process.out, 256);
  if (length < 0) return length;
  const text = process.memory.slice(process.out + abi.LOG_RECORD_DATA, length - abi.LOG_RECORD_DATA);
  return [process.memory.u64(process.out), new TextDecoder().decode(text)];
}

describe('zx_debuglog_create', () => {
  it('asks for permission before anything else than writing', () => {
    const { kernel, process, resource } = setUp();
    const create = (permission: number, options: number, at = process.out): number =>
      process.call('debuglog_create', permission, options, at);
    expect(create(0, abi.ZX_LOG_FLAG_READABLE)).toBe(abi.ZX_ERR_BAD_HANDLE);
    expect(create(NO_HANDLE, 1)).toBe(abi.ZX_ERR_BAD_HANDLE);
    expect(create(process.make('event_create', 0), 1)).toBe(abi.ZX_ERR_WRONG_TYPE);
    const vmex = process.give(new ResourceDispatcher(kernel, abi.ZX_RSRC_SYSTEM_VMEX_BASE, 'vmex'));
    expect(create(vmex, 1)).toBe(abi.ZX_ERR_OUT_OF_RANGE);
    expect(create(resource, 1)).toBe(abi.ZX_ERR_INVALID_ARGS);
    expect(create(0, 0, NOWHERE)).toBe(abi.ZX_ERR_INVALID_ARGS);
    expect(create(resource, abi.ZX_LOG_FLAG_READABLE)).toBe(abi.ZX_OK);
    expect(process.handles.get(process.memory.u32(process.out))?.rights).toBe(0xd00f);
    expect(create(0, 0)).toBe(abi.ZX_OK);
    expect(process.handles.get(process.memory.u32(process.out))?.rights).toBe(0xd00b);
  });
});

describe('zx_debuglog_write', () => {
  it('reports options, BAD_HANDLE, WRONG_TYPE, ACCESS_DENIED, a bad pointer', () => {
    const { process, writer } = setUp();
    const call = (log: number, options: number, at: number): number =>
      process.call('debuglog_write', log, options, at, 4);
    expect(call(NO_HANDLE, 1, NOWHERE)).toBe(abi.ZX_ERR_INVALID_ARGS);
    expect(call(NO_HANDLE, 0, NOWHERE)).toBe(abi.ZX_ERR_BAD_HANDLE);
    expect(call(process.make('event_create', 0), 0, NOWHERE)).toBe(abi.ZX_ERR_WRONG_TYPE);
    expect(call(process.give(process.object(writer), abi.ZX_RIGHT_READ), 0, NOWHERE)).toBe(
      abi.ZX_ERR_ACCESS_DENIED,
    );
    expect(call(writer, 0, NOWHERE)).toBe(abi.ZX_ERR_INVALID_ARGS);
    expect(call(writer, 0x10, process.out)).toBe(abi.ZX_OK);
  });
});

describe('zx_debuglog_read', () => {
  it('reports options, BAD_HANDLE, ACCESS_DENIED, SHOULD_WAIT', () => {
    const { process, writer, resource } = setUp();
    const reader = process.make('debuglog_create', resource, abi.ZX_LOG_FLAG_READABLE);
    expect(process.call('debuglog_read', NO_HANDLE, 1, process.out, 256)).toBe(abi.ZX_ERR_INVALID_ARGS);
    expect(process.call('debuglog_read', NO_HANDLE, 0, process.out, 256)).toBe(abi.ZX_ERR_BAD_HANDLE);
    expect(process.call('debuglog_read', writer, 0, process.out, 256)).toBe(abi.ZX_ERR_ACCESS_DENIED);
    expect(process.call('debuglog_read', reader, 0, process.out, 256)).toBe(abi.ZX_ERR_SHOULD_WAIT);
  });

  it('gives whole records: who, when, what; long text is cut', () => {
    const { kernel, process, writer, resource } = setUp();
    const reader = process.make('debuglog_create', resource, abi.ZX_LOG_FLAG_READABLE);
    kernel.time = 0x1_0000_0007;
    expect(write(process, writer, 'x'.repeat(300))).toBe(abi.ZX_OK);
    expect(process.call('debuglog_read', reader, 0, process.out, 256)).toBe(256);
    const view = new DataView(process.memory.slice(process.out, 256).buffer);
    expect(view.getUint16(abi.LOG_RECORD_DATALEN, true)).toBe(216);
    expect(view.getUint8(abi.LOG_RECORD_SEVERITY)).toBe(abi.DEBUGLOG_INFO);
    expect(view.getBigInt64(abi.LOG_RECORD_TIMESTAMP, true)).toBe(0x1_0000_0007n);
    expect(Number(view.getBigUint64(abi.LOG_RECORD_PID, true))).toBe(process.koid);
    expect(Number(view.getBigUint64(abi.LOG_RECORD_TID, true))).toBe(process.koid + 1_000_000);
    write(process, writer, 'short');
    expect(process.call('debuglog_read', reader, 0, process.out, 42)).toBe(42);
    write(process, writer, 'lost');
    expect(process.call('debuglog_read', reader, 0, NOWHERE, 256)).toBe(abi.ZX_ERR_INVALID_ARGS);
    write(process, writer, 'nothing wanted');
    expect(process.call('debuglog_read', reader, 0, NOWHERE, 0)).toBe(0);
    expect(read(process, reader)).toBe(abi.ZX_ERR_SHOULD_WAIT);
  });

  it('is woken by READABLE, each reader for itself, and starts with what is kept', () => {
    const { kernel, process, writer, resource } = setUp();
    write(process, writer, 'early');
    const reader = process.make('debuglog_create', resource, abi.ZX_LOG_FLAG_READABLE);
    expect(process.object(reader).signals).toBe(abi.ZX_LOG_READABLE | abi.ZX_LOG_WRITABLE);
    expect(read(process, reader)).toEqual([0, 'early']);
    expect(process.object(reader).signals).toBe(abi.ZX_LOG_WRITABLE);
    const wait = process.start('object_wait_one', reader, abi.ZX_LOG_READABLE, FOREVER, 0);
    write(process, writer, 'news');
    expect(wait.status).toBe(abi.ZX_OK);
    expect(read(process, reader)).toEqual([1, 'news']);
    process.call('handle_close', reader);
    const objects = kernel.liveObjects;
    write(process, writer, 'nobody listens');
    expect(kernel.liveObjects).toBe(objects);
  });

  it('is bounded: the oldest records go, and leave a gap in the numbers', () => {
    const { process, writer, resource } = setUp({ logRecords: 3 });
    const reader = process.make('debuglog_create', resource, abi.ZX_LOG_FLAG_READABLE);
    for (let index = 0; index < 8; index += 1) write(process, writer, `line ${index}`);
    expect([0, 1, 2, 3].map(() => read(process, reader))).toEqual([
      [5, 'line 5'],
      [6, 'line 6'],
      [7, 'line 7'],
      abi.ZX_ERR_SHOULD_WAIT,
    ]);
  });
});

describe('zx_debug_write', () => {
  it('goes into the log, in as many records as it takes, up to 256 bytes', () => {
    const { process, resource } = setUp();
    const reader = process.make('debuglog_create', resource, abi.ZX_LOG_FLAG_READABLE);
    process.memory.bytes.fill(0x61, 0, 256);
    expect(process.call('debug_write', process.out, 257)).toBe(abi.ZX_ERR_INVALID_ARGS);
    expect(process.call('debug_write', NOWHERE, 1)).toBe(abi.ZX_ERR_INVALID_ARGS);
    expect(process.call('debug_write', process.out, 256)).toBe(abi.ZX_OK);
    expect([read(process, reader), read(process, reader)]).toEqual([
      [0, 'a'.repeat(216)],
      [1, expect.stringMatching(/^a/)],
    ]);
  });
});
