import { describe, expect, it } from 'vitest';
import * as abi from '../../src/abi/index.js';
import { ZX_RSRC_SYSTEM_VMEX_BASE } from '../../src/abi/resource.js';
import type { Dispatcher } from '../../src/object/dispatcher.js';
import { EventDispatcher } from '../../src/ipc/event.js';
import { ResourceDispatcher } from '../../src/object/resource.js';
import { koidRecords, type InfoTopic, type ObjectProperty } from '../../src/syscall/info-topic.js';
import { handleStats, handleTableRecords, ObjectKnowledge } from '../../src/syscall/object-info.js';
import { NO_HANDLE, NOWHERE, TestCall, TestKernel, type TestProcess } from './harness.js';

function setUp(limits = {}): { kernel: TestKernel; process: TestProcess; event: number } {
  const kernel = new TestKernel(limits);
  const process = kernel.process();
  return { kernel, process, event: process.make('event_create', 0) };
}

/** Where results go. */
function places(process: TestProcess): { buffer: number; actual: number; available: number } {
  return { buffer: process.out + 64, actual: process.out, available: process.out + 8 };
}

describe('zx_object_get_info', () => {
  it('reports an unknown topic, then BAD_HANDLE, then rights', () => {
    const { process, event } = setUp();
    const { buffer } = places(process);
    expect(process.call('object_get_info', NO_HANDLE, 999, buffer, 64, 0, 0)).toBe(abi.ZX_ERR_NOT_SUPPORTED);
    expect(process.call('object_get_info', NO_HANDLE, abi.ZX_INFO_HANDLE_COUNT, buffer, 64, 0, 0)).toBe(
      abi.ZX_ERR_BAD_HANDLE,
    );
    const bare = process.give(process.object(event), abi.ZX_RIGHT_WAIT);
    expect(process.call('object_get_info', bare, abi.ZX_INFO_HANDLE_COUNT, buffer, 64, 0, 0)).toBe(
      abi.ZX_ERR_ACCESS_DENIED,
    );
  });

  it('answers HANDLE_VALID without a buffer, and touches nothing', () => {
    const { process, event } = setUp();
    expect(process.call('object_get_info', event, abi.ZX_INFO_HANDLE_VALID, 0, 0, NOWHERE, NOWHERE)).toBe(
      abi.ZX_OK,
    );
    expect(process.call('object_get_info', NO_HANDLE, abi.ZX_INFO_HANDLE_VALID, 0, 0, 0, 0)).toBe(
      abi.ZX_ERR_BAD_HANDLE,
    );
  });

  it('describes a handle in HANDLE_BASIC, also without any right', () => {
    const { process } = setUp();
    const { buffer, actual, available } = places(process);
    const [left, right] = process.makePair('channel_create');
    const bare = process.give(process.object(left), 0);
    expect(
      process.call('object_get_info', bare, abi.ZX_INFO_HANDLE_BASIC, buffer, 32, actual, available),
    ).toBe(abi.ZX_OK);
    const { memory } = process;
    expect(memory.u64(buffer + abi.HANDLE_BASIC_KOID)).toBe(process.object(left).koid);
    expect(memory.u32(buffer + abi.HANDLE_BASIC_RIGHTS)).toBe(0);
    expect(memory.u32(buffer + abi.HANDLE_BASIC_TYPE)).toBe(abi.ZX_OBJ_TYPE_CHANNEL);
    expect(memory.u64(buffer + abi.HANDLE_BASIC_RELATED_KOID)).toBe(process.object(right).koid);
    expect([memory.u64(actual), memory.u64(available)]).toEqual([1, 1]);
  });

  it('says what is there when the buffer is too small for one record', () => {
    const { process, event } = setUp();
    const { buffer, actual, available } = places(process);
    process.memory.setU64(actual, 77);
    const call = (size: number, at = actual): number =>
      process.call('object_get_info', event, abi.ZX_INFO_HANDLE_BASIC, buffer, size, at, available);
    expect(call(31)).toBe(abi.ZX_ERR_BUFFER_TOO_SMALL);
    expect([process.memory.u64(actual), process.memory.u64(available)]).toEqual([0, 1]);
    expect(call(0, NOWHERE)).toBe(abi.ZX_ERR_INVALID_ARGS);
    expect(call(1 << 20)).toBe(abi.ZX_OK);
  });

  it('finds bad pointers, of the buffer and of the counts', () => {
    const { process, event } = setUp();
    const { buffer, actual } = places(process);
    const call = (...pointers: [number, number, number]): number =>
      process.call(
        'object_get_info',
        event,
        abi.ZX_INFO_HANDLE_COUNT,
        pointers[0],
        4,
        pointers[1],
        pointers[2],
      );
    expect(call(0, actual, actual)).toBe(abi.ZX_ERR_INVALID_ARGS);
    expect(call(NOWHERE, actual, actual)).toBe(abi.ZX_ERR_INVALID_ARGS);
    expect(call(buffer, NOWHERE, actual)).toBe(abi.ZX_ERR_INVALID_ARGS);
    expect(call(buffer, actual, NOWHERE)).toBe(abi.ZX_ERR_INVALID_ARGS);
    expect(call(buffer, 0, 0)).toBe(abi.ZX_OK);
    expect(process.memory.u32(buffer)).toBe(1);
  });

  it('counts handles in messages, too', () => {
    const { process, event } = setUp();
    const { buffer } = places(process);
    const copy = process.make('handle_duplicate', event, abi.ZX_RIGHT_SAME_RIGHTS);
    const [left] = process.makePair('channel_create');
    process.memory.setU32s(process.out, copy);
    process.call('channel_write', left, 0, 0, 0, process.out, 1);
    process.call('object_get_info', event, abi.ZX_INFO_HANDLE_COUNT, buffer, 4, 0, 0);
    expect(process.memory.u32(buffer)).toBe(2);
  });

  it('says what a resource permits', () => {
    const { kernel, process, event } = setUp();
    const { buffer } = places(process);
    const resource = process.give(new ResourceDispatcher(kernel, ZX_RSRC_SYSTEM_VMEX_BASE, 'vmex'));
    const call = (handle: number): number =>
      process.call('object_get_info', handle, abi.ZX_INFO_RESOURCE, buffer, 56, 0, 0);
    expect(call(event)).toBe(abi.ZX_ERR_WRONG_TYPE);
    expect(call(resource)).toBe(abi.ZX_OK);
    expect(process.memory.u32(buffer + abi.INFO_RESOURCE_KIND)).toBe(abi.ZX_RSRC_KIND_SYSTEM);
    expect(process.memory.u64(buffer + abi.INFO_RESOURCE_BASE)).toBe(ZX_RSRC_SYSTEM_VMEX_BASE);
    expect(process.memory.u64(buffer + abi.INFO_RESOURCE_SIZE)).toBe(1);
    expect(new TextDecoder().decode(process.memory.slice(buffer + abi.INFO_RESOURCE_NAME, 5))).toBe('vmex\0');
  });

  it('waits for the page of its buffer, and answers as of the time of the call', () => {
    const { kernel, process, event } = setUp();
    process.memory.set(1, 'absent');
    const buffer = process.memory.base + 4096;
    const call = process.start('object_get_info', event, abi.ZX_INFO_HANDLE_COUNT, buffer, 4, 0, 0);
    expect([call.status, process.memory.requests]).toEqual([undefined, [1]]);
    process.make('handle_duplicate', event, abi.ZX_RIGHT_SAME_RIGHTS);
    process.memory.set(1, 'present');
    kernel.settle();
    expect([call.status, process.memory.u32(buffer)]).toEqual([abi.ZX_OK, 1]);
  });
});

describe('topics of other parts', () => {
  const list: InfoTopic = {
    topic: 500,
    object: EventDispatcher,
    rights: abi.ZX_RIGHT_ENUMERATE,
    recordBytes: 8,
    form: 'list',
    read: (_caller, dispatcher: EventDispatcher, _handle, capacity) =>
      koidRecords([dispatcher.koid, 2, 0x1_0000_0003], capacity),
  };
  const knowledge = new ObjectKnowledge([list], []);

  function getInfo(process: TestProcess, ...args: readonly number[]): number | undefined {
    const words = new Uint32Array(16);
    args.forEach((arg, index) => (words[2 * index] = arg));
    const call = new TestCall(process.kernel);
    const handler = knowledge.calls.find((known) => known.name === 'object_get_info')?.handler;
    if (handler === undefined) throw new Error('no object_get_info');
    call.begin(handler(process.caller(call), words));
    return call.status;
  }

  it('check the type before the rights', () => {
    const { process, event } = setUp();
    const port = process.make('port_create', 0);
    expect(getInfo(process, port, 500, 0, 0, 0, 0)).toBe(abi.ZX_ERR_WRONG_TYPE);
    expect(getInfo(process, event, 500, 0, 0, 0, 0)).toBe(abi.ZX_ERR_ACCESS_DENIED);
  });

  it('give as much of a list as fits, and say how much there is', () => {
    const { process, event } = setUp();
    const { buffer, actual, available } = places(process);
    const full = process.give(process.object(event), abi.ZX_RIGHT_ENUMERATE);
    expect(getInfo(process, full, 500, buffer, 23, actual, available)).toBe(abi.ZX_OK);
    expect([process.memory.u64(actual), process.memory.u64(available)]).toEqual([2, 3]);
    expect(getInfo(process, full, 500, buffer, 64, actual, available)).toBe(abi.ZX_OK);
    expect([0, 8, 16].map((at) => process.memory.u64(buffer + at))).toEqual([
      process.object(event).koid,
      2,
      0x1_0000_0003,
    ]);
    expect(getInfo(process, full, 500, 0, 0, actual, available)).toBe(abi.ZX_OK);
    expect([process.memory.u64(actual), process.memory.u64(available)]).toEqual([0, 3]);
  });

  it('may not be there twice', () => {
    expect(() => new ObjectKnowledge([list, list], [])).toThrow('twice');
    const property: ObjectProperty = { property: abi.ZX_PROP_NAME, object: null, bytes: 8 };
    expect(() => new ObjectKnowledge([], [property])).toThrow('twice');
  });

  it('count handles by type and list them', () => {
    const { process, event } = setUp();
    process.makePair('channel_create');
    const stats = new DataView(handleStats(process.handles.entries()).buffer);
    expect(stats.byteLength).toBe(256);
    expect(stats.getUint32(4 * abi.ZX_OBJ_TYPE_EVENT, true)).toBe(1);
    expect(stats.getUint32(4 * abi.ZX_OBJ_TYPE_CHANNEL, true)).toBe(2);
    const { bytes, available } = handleTableRecords(process.handles.entries(), 1);
    const record = new DataView(bytes.buffer);
    expect([bytes.length, available]).toEqual([abi.HANDLE_EXTENDED_BYTES, 3]);
    expect(record.getUint32(abi.HANDLE_EXTENDED_HANDLE_VALUE, true)).toBe(event);
    expect(record.getUint32(abi.HANDLE_EXTENDED_TYPE, true)).toBe(abi.ZX_OBJ_TYPE_EVENT);
    expect(record.getUint32(abi.HANDLE_EXTENDED_RIGHTS, true)).toBe(abi.ZX_DEFAULT_EVENT_RIGHTS);
    expect(Number(record.getBigUint64(abi.HANDLE_EXTENDED_KOID, true))).toBe(process.object(event).koid);
  });
});

describe('properties', () => {
  const NAME = abi.ZX_PROP_NAME;

  function named(process: TestProcess): { named: number; dispatcher: Dispatcher } {
    const dispatcher = new ResourceDispatcher(process.kernel, ZX_RSRC_SYSTEM_VMEX_BASE, 'first name');
    const rights = dispatcher.defaultRights | abi.ZX_RIGHTS_PROPERTY;
    return { named: process.give(dispatcher, rights), dispatcher };
  }

  it('report a null pointer, BAD_HANDLE, rights, unknown properties, sizes and types, in this order', () => {
    const { process, event } = setUp();
    const at = process.out;
    const eventual = process.give(process.object(event), abi.ZX_RIGHTS_PROPERTY);
    for (const name of ['object_get_property', 'object_set_property']) {
      expect(process.call(name, NO_HANDLE, NAME, 0, 32)).toBe(abi.ZX_ERR_INVALID_ARGS);
      expect(process.call(name, NO_HANDLE, NAME, at, 32)).toBe(abi.ZX_ERR_BAD_HANDLE);
      expect(process.call(name, event, NAME, at, 32)).toBe(abi.ZX_ERR_ACCESS_DENIED);
      expect(process.call(name, eventual, 999, at, 0)).toBe(abi.ZX_ERR_NOT_SUPPORTED);
      expect(process.call(name, eventual, NAME, at, 32)).toBe(abi.ZX_ERR_WRONG_TYPE);
    }
    expect(process.call('object_get_property', eventual, NAME, at, 31)).toBe(abi.ZX_ERR_BUFFER_TOO_SMALL);
  });

  it('give and take a name of at most 31 bytes, up to the first NUL', () => {
    const { process } = setUp();
    const { named: handle, dispatcher } = named(process);
    const at = process.out;
    const text = (): string => new TextDecoder().decode(process.memory.slice(at, 32)).replace(/\0+$/, '');
    expect(process.call('object_get_property', handle, NAME, at, 32)).toBe(abi.ZX_OK);
    expect(text()).toBe('first name');
    const set = (name: string): number => {
      const bytes = new TextEncoder().encode(name);
      process.memory.put(at, bytes);
      return process.call('object_set_property', handle, NAME, at, bytes.length);
    };
    expect(set('x'.repeat(40))).toBe(abi.ZX_OK);
    expect(dispatcher.objectName?.text).toBe('x'.repeat(31));
    expect(set('a\0b')).toBe(abi.ZX_OK);
    expect(dispatcher.objectName?.text).toBe('a');
    expect(set('')).toBe(abi.ZX_OK);
    expect(dispatcher.objectName?.text).toBe('');
    expect(set('zwölf')).toBe(abi.ZX_OK);
    process.call('object_get_property', handle, NAME, at, 100);
    expect(text()).toBe('zwölf');
    expect(process.call('object_get_property', handle, NAME, NOWHERE, 32)).toBe(abi.ZX_ERR_INVALID_ARGS);
    expect(process.call('object_set_property', handle, NAME, NOWHERE, 32)).toBe(abi.ZX_ERR_INVALID_ARGS);
  });
});
