import { describe, expect, it } from 'vitest';
import * as abi from '../../src/abi/index.js';
import { EventDispatcher } from '../../src/ipc/event.js';
import { Handle } from '../../src/object/handle-table.js';
import { ObjectName } from '../../src/object/object-name.js';
import type { Caller } from '../../src/syscall/call.js';
import * as values from '../../src/syscall/user-values.js';
import { NOWHERE, TestCall, TestKernel, type TestProcess } from './harness.js';

function setUp(limits = {}): {
  kernel: TestKernel;
  process: TestProcess;
  begin: (body: (caller: Caller) => ReturnType<typeof values.outBytes>) => TestCall;
} {
  const kernel = new TestKernel(limits);
  const process = kernel.process();
  return {
    kernel,
    process,
    begin: (body) => {
      const call = new TestCall(kernel);
      call.begin(body(process.caller(call)));
      return call;
    },
  };
}

describe('values given to user memory', () => {
  it('have their width and order', () => {
    const { process, begin } = setUp();
    const at = process.out;
    begin((caller) => values.outU32(caller, at, -2));
    begin((caller) => values.outU64(caller, at + 8, 2 ** 53 - 1));
    begin((caller) => values.outPages(caller, at + 16, abi.ZX_VMO_MAX_PAGES));
    begin((caller) => values.outU64Words(caller, at + 24, 1, 0x8000_0000));
    const view = new DataView(process.memory.slice(at, 32).buffer);
    expect([view.getInt32(0, true), view.getUint32(4, true)]).toEqual([-2, 0]);
    expect(view.getBigUint64(8, true)).toBe((1n << 53n) - 1n);
    expect(view.getBigUint64(16, true)).toBe(0xffff_ffff_fffe_0000n);
    expect(view.getBigUint64(24, true)).toBe((1n << 63n) + 1n);
  });

  it('are nothing when they are optional and the pointer is null', () => {
    const { begin } = setUp();
    expect(begin((caller) => values.outOptionalU32(caller, 0, 1)).status).toBe(abi.ZX_OK);
    expect(begin((caller) => values.outOptionalU64(caller, 0, 1)).status).toBe(abi.ZX_OK);
    expect(begin((caller) => values.outOptionalU64(caller, NOWHERE, 1)).status).toBe(abi.ZX_ERR_INVALID_ARGS);
    expect(begin((caller) => values.outU64(caller, 0, 1)).status).toBe(abi.ZX_ERR_INVALID_ARGS);
  });

  it('that cross into an absent page keep their beginning, whatever others give meanwhile', () => {
    const { kernel, process, begin } = setUp();
    const boundary = process.memory.base + 4096;
    process.memory.set(1, 'absent');
    const late = begin((caller) => values.outU64(caller, boundary - 4, 0x1234_5678_9abc));
    begin((caller) => values.outU64(caller, process.out, 0));
    expect(late.status).toBeUndefined();
    process.memory.set(1, 'present');
    kernel.settle();
    expect([late.status, process.memory.u64(boundary - 4)]).toEqual([abi.ZX_OK, 0x1234_5678_9abc]);
  });

  it('go on in order after a wait, and stop at the first that cannot be given', () => {
    const { kernel, process, begin } = setUp();
    const { base } = process.memory;
    const one = Uint8Array.of(1);
    process.memory.set(2, 'absent');
    process.memory.set(3, 'read-only');
    const parts = [base, base + 2 * 4096, 0, base + 3 * 4096, base + 8].map((address) => ({
      address,
      bytes: one,
    }));
    const call = begin((caller) => values.outParts(caller, parts));
    expect(call.blocker?.describe()).toBe('page 2');
    process.memory.set(2, 'present');
    kernel.settle();
    expect(call.status).toBe(abi.ZX_ERR_INVALID_ARGS);
    expect([0, 2 * 4096, 3 * 4096, 8].map((offset) => process.memory.bytes[offset])).toEqual([1, 1, 0, 0]);
  });
});

describe('handles given to user memory', () => {
  it('are released when the table has filled up meanwhile', () => {
    const { kernel, begin } = setUp({ handlesPerProcess: 0 });
    const status = begin((caller) =>
      values.outHandle(caller, NOWHERE, new Handle(new EventDispatcher(kernel), 0)),
    );
    expect([status.status, kernel.liveObjects]).toEqual([abi.ZX_ERR_NO_RESOURCES, 0]);
  });

  it('are not taken back twice when another thread closed them while the page was awaited', () => {
    const { kernel, process, begin } = setUp();
    process.memory.set(1, 'absent');
    const at = process.memory.base + 4096;
    const call = begin((caller) => values.outHandle(caller, at, new Handle(new EventDispatcher(kernel), 0)));
    const [value] = [...process.handles.entries()][0] ?? [0];
    process.call('handle_close', value);
    const successor = process.make('event_create', 0);
    process.memory.fail(1, abi.ZX_ERR_IO);
    kernel.settle();
    expect(call.status).toBe(abi.ZX_ERR_INVALID_ARGS);
    expect([process.handles.get(successor) !== undefined, kernel.liveObjects]).toEqual([true, 1]);
  });
});

describe('values taken from user memory', () => {
  it('arrive whole after a wait in their middle', () => {
    const { kernel, process, begin } = setUp();
    const at = process.memory.base + 4096 - 2;
    process.memory.setU32s(at - 2, 0xaabb_ccdd, 0x1122_3344);
    process.memory.set(1, 'absent');
    let seen = 0;
    const call = begin((caller) =>
      values.withU32(caller, at, (value) => {
        seen = value;
        return abi.ZX_OK;
      }),
    );
    expect([call.status, seen]).toEqual([undefined, 0]);
    process.memory.set(1, 'present');
    kernel.settle();
    expect([call.status, seen]).toEqual([abi.ZX_OK, 0x3344_aabb]);
    expect(begin((caller) => values.withU32(caller, NOWHERE, () => abi.ZX_OK)).status).toBe(
      abi.ZX_ERR_INVALID_ARGS,
    );
  });

  it('as names are cut, and read no further than that', () => {
    const { process, begin } = setUp();
    const names: string[] = [];
    const end = process.memory.base + 16 * 4096;
    process.memory.put(end - 31, new TextEncoder().encode('x'.repeat(31)));
    process.memory.put(process.out, new TextEncoder().encode('ab\0cd'));
    const take = (at: number, length: number): number | undefined =>
      begin((caller) =>
        values.withName(caller, at, length, (name) => {
          names.push(new TextDecoder().decode(name));
          return abi.ZX_OK;
        }),
      ).status;
    expect([take(end - 31, 2 ** 40), take(process.out, 5), take(NOWHERE, 0)]).toEqual([0, 0, 0]);
    expect(take(end - 30, 31)).toBe(abi.ZX_ERR_INVALID_ARGS);
    expect(names).toEqual(['x'.repeat(31), 'ab', '']);
  });

  it('and structures keep the sign and size of what was written', () => {
    const view = new DataView(new ArrayBuffer(8));
    for (const value of [0, -1, 1, -(2 ** 40), 2 ** 52 + 1, -(2 ** 53 - 1)]) {
      values.setI64(view, 0, value);
      expect(Number(view.getBigInt64(0, true))).toBe(value);
    }
    for (const value of [0, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1]) {
      values.setU64(view, 0, value);
      expect(values.getU64(view, 0)).toBe(value);
    }
  });
});

describe('results that follow each other', () => {
  it('settle to the last, at once or later', () => {
    const { kernel, process, begin } = setUp();
    const double = (status: number): number => 2 * status;
    expect(values.andThen(-3, double)).toBe(-6);
    process.memory.set(1, 'absent');
    const at = process.memory.base + 4096;
    const call = begin((caller) =>
      values.andThen(values.outU32(caller, at, 1), (first) =>
        values.andThen(values.outU32(caller, at + 4, 2), (second) => first + second - 7),
      ),
    );
    process.memory.set(1, 'present');
    kernel.settle();
    expect([call.status, process.memory.u32(at), process.memory.u32(at + 4)]).toEqual([-7, 1, 2]);
  });
});

describe('an object’s name', () => {
  it('is 32 bytes with NUL, whatever it was made of', () => {
    expect(new ObjectName('kernel').text).toBe('kernel');
    expect(new ObjectName().text).toBe('');
    const long = new ObjectName('ä'.repeat(20));
    expect([long.bytes.length, long.bytes[31], long.bytes.indexOf(0)]).toEqual([32, 0, 31]);
    long.set(Uint8Array.of(65, 0, 66));
    expect(long.text).toBe('A');
  });
});
