import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  CONTEXT_WORDS,
  HART_F,
  HART_X,
  Machine,
  MachineError,
  RAM_BASE,
  Uart16550,
  VirtualClock,
} from '../src/index.js';
import type { MachineOptions } from '../src/index.js';

afterEach(() => vi.unstubAllGlobals());

describe('Machine.create', () => {
  it('gives 256 MiB of zeros, one hart, a virtual clock, and a memory that cannot grow', async () => {
    const machine = await Machine.create();
    expect([machine.ram.bytes, machine.ram.frameCount, machine.ram.base]).toEqual([
      2 ** 28,
      65_536,
      RAM_BASE,
    ]);
    expect(machine.harts.length).toBe(1);
    expect(machine.clock).toBeInstanceOf(VirtualClock);
    expect(() => machine.memory.grow(1)).toThrow(RangeError);
    expect(machine.ram.readable(65_535).every((byte) => byte === 0)).toBe(true);
  });

  it('gives shared memory when asked', async () => {
    const machine = await Machine.create({ sharedMemory: true, ramBytes: 2 ** 20 });
    expect(machine.memory.buffer).toBeInstanceOf(SharedArrayBuffer);
    machine.ram.writable(0)[0] = 0x73;
    machine.harts[0].state[0] = RAM_BASE;
    expect(machine.run(1)).toBeGreaterThanOrEqual(0);
  });

  it.each([
    [{ ramBytes: 2 ** 20 - 4096 }, 'ramBytes'],
    [{ ramBytes: 2 ** 20 + 1 }, 'ramBytes'],
    [{ ramBytes: 2 ** 32 }, 'ramBytes'],
    [{ ramBytes: NaN }, 'ramBytes'],
    [{ harts: 0 }, 'harts'],
    [{ harts: 1.5 }, 'harts'],
    [{ timebaseHz: 0 }, 'timebaseHz'],
    [{ mode: 'guest' as 'hosted' }, 'mode'],
    [{ adUpdate: 'both' as 'fault' }, 'adUpdate'],
    [{ mode: 'hosted', devices: [new Uart16550({ transmit: () => undefined })] }, 'devices'],
    [
      {
        devices: [new Uart16550({ transmit: () => undefined }), new Uart16550({ transmit: () => undefined })],
      },
      'devices',
    ],
  ] as readonly [MachineOptions, string][])('refuses %j and names %s', async (options, option) => {
    const error = await Machine.create(options).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(MachineError);
    expect(error).toMatchObject({ code: 'bad-option', option });
  });

  it('says so where there is no WebAssembly', async () => {
    vi.stubGlobal('WebAssembly', undefined);
    await expect(Machine.create({ ramBytes: 2 ** 20 })).rejects.toMatchObject({ code: 'wasm-unavailable' });
  });

  it('says so when the host has no memory for it', async () => {
    const { Module, instantiate, compile } = WebAssembly;
    const Memory = class {
      constructor() {
        throw new RangeError('no');
      }
    };
    vi.stubGlobal('WebAssembly', { Module, instantiate, compile, Memory });
    await expect(Machine.create({ ramBytes: 2 ** 20 })).rejects.toMatchObject({ code: 'out-of-memory' });
  });
});

describe('Ram', () => {
  it('refuses frames that it does not have', async () => {
    const { ram } = await Machine.create({ ramBytes: 2 ** 20 });
    for (const [frame, count] of [
      [-1, 1],
      [256, 1],
      [255, 2],
      [0.5, 1],
      [0, -1],
    ] as const) {
      expect(() => ram.writable(frame, count), `${frame} ${count}`).toThrow(RangeError);
      expect(() => ram.readable(frame, count)).toThrow(RangeError);
      expect(() => ram.zero(frame, count)).toThrow(RangeError);
    }
    expect(() => ram.copy(0, 256)).toThrow(RangeError);
  });

  it('views are of the same bytes, in order, and page-table words are little-endian', async () => {
    const { ram } = await Machine.create({ ramBytes: 2 ** 20 });
    ram.writable(3, 2)[4096] = 0x5a;
    expect(ram.readable(4)[0]).toBe(0x5a);
    ram.copy(7, 4);
    ram.zero(4);
    expect([ram.readable(7)[0], ram.readable(4)[0]]).toEqual([0x5a, 0]);
    ram.writePte(9, 511, 0x0403_0201, 0xf807_0605);
    expect([...ram.readable(9).subarray(4088)]).toEqual([1, 2, 3, 4, 5, 6, 7, 0xf8]);
    expect([ram.readPteLo(9, 511), ram.readPteHi(9, 511)]).toEqual([0x0403_0201, 0xf807_0605]);
  });
});

describe('a thread context', () => {
  it('is the leading words of the state, and keeps the floating-point registers through runs', async () => {
    const machine = await Machine.create({ mode: 'hosted', ramBytes: 2 ** 20 });
    const hart = machine.harts[0];
    const saved = new Uint32Array(CONTEXT_WORDS).map((_, i) => (i < HART_X + 2 ? 0 : i * 3));
    hart.context.set(saved);
    hart.state[0] = RAM_BASE;
    hart.run(10);
    expect([...hart.state.subarray(HART_F, CONTEXT_WORDS)]).toEqual([...saved.subarray(HART_F)]);
    expect(hart.context.length).toBe(CONTEXT_WORDS);
  });
});

describe('VirtualClock', () => {
  it('moves by instructions and skips forward only', () => {
    const clock = new VirtualClock({ start: 100, nanosecondsPerInstruction: 0.5 });
    clock.retire(3);
    expect(clock.now()).toBe(101);
    expect(clock.skipTo(500)).toBe(true);
    expect(clock.skipTo(50)).toBe(true);
    expect(clock.now()).toBe(500);
    expect(() => new VirtualClock({ start: -1 })).toThrow(RangeError);
    expect(() => new VirtualClock({ nanosecondsPerInstruction: NaN })).toThrow(RangeError);
  });
});
