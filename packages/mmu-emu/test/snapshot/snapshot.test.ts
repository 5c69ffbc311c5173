import { describe, expect, test } from 'vitest';
import {
  EXIT_RESET,
  EXIT_STOP,
  HART_PC,
  Htif,
  Machine,
  makeClint,
  Plic,
  SnapshotError,
  TestFinisher,
  Uart16550,
  VirtioBlock,
  VirtioMmio,
  VIRTIO_BASE,
  VirtualClock,
} from '../../src/index.js';
import type { Device, MachineOptions, StateReader, StateWriter } from '../../src/index.js';
import { Random } from '../qemu/random.js';
import { Bench, ORIGIN } from '../run-program.js';
import { Guest } from './guest.js';

const MEBIBYTE = 2 ** 20;
const OPTIONS = { seed: 1, harts: 2, engine: 'auto' } as const;

/** What a call throws. */
function thrownBy(call: () => unknown): unknown {
  try {
    call();
    return undefined;
  } catch (error) {
    return error;
  }
}

async function thrownLater(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
    return undefined;
  } catch (error) {
    return error;
  }
}

async function snapshotOf(instructions: number): Promise<{ snapshot: Uint8Array; guest: Guest }> {
  const guest = await Guest.of(OPTIONS);
  guest.run(instructions, new Random(1));
  return { snapshot: guest.machine.save(), guest };
}

describe('a snapshot', () => {
  test('leaves out frames of zeros, and gives them back as zeros', async () => {
    const make = () => Machine.create({ ramBytes: 16 * MEBIBYTE });
    const machine = await make();
    const empty = machine.save().length;
    expect(empty).toBeLessThan(64 * 1024);
    machine.ram.writable(5)[4095] = 1;
    machine.ram.writable(4095)[0] = 2;
    const snapshot = machine.save();
    expect(snapshot.length).toBe(empty + 2 * (4096 + 12));
    const other = await make();
    other.ram.writable(0, 4096).fill(0xff);
    other.restore(snapshot);
    expect(Buffer.compare(other.ram.readable(0, 4096), machine.ram.readable(0, 4096))).toBe(0);
  });

  test('comes in pieces too, the same bytes, and is restored from pieces of any size', async () => {
    const { snapshot, guest } = await snapshotOf(10_000);
    const pieces = [...guest.machine.saveInPieces()];
    expect(Buffer.concat(pieces).equals(Buffer.from(snapshot))).toBe(true);
    for (const size of [1, 1000, 65_536]) {
      const fresh = await Guest.empty(OPTIONS);
      async function* cut(): AsyncGenerator<Uint8Array> {
        for (let at = 0; at < snapshot.length; at += size) {
          if (at % 100_000 === 0) await Promise.resolve();
          yield snapshot.subarray(at, at + size);
        }
      }
      await fresh.machine.restoreFrom(cut);
      expect(Buffer.from(fresh.machine.save()).equals(Buffer.from(snapshot)), `pieces of ${size}`).toBe(true);
    }
  });

  test('takes the place of what a machine was doing, however often', async () => {
    const { snapshot, guest } = await snapshotOf(10_000);
    guest.run(20_000, new Random(2));
    const expected = guest.look();
    guest.sent.length = 0;
    for (let time = 0; time < 3; time++) {
      guest.machine.restore(snapshot);
      expect(Buffer.from(guest.machine.save()).equals(Buffer.from(snapshot))).toBe(true);
      guest.run(20_000, new Random(3));
    }
    expect([...guest.look().keys()]).toEqual([...expected.keys()]);
    expect(guest.look().get('ram')).toBe(expected.get('ram'));
    expect(guest.look().get('hart 1')).toBe(expected.get('hart 1'));
  });

  test('of a machine that a device has stopped is one that has stopped', async () => {
    const make = () =>
      Bench.of('li t0, 0x100000\nli t1, 0x73333\nsw t1, 0(t0)', {
        mode: 'full-system',
        devices: [new TestFinisher()],
      });
    const [first, second] = [await make(), await make()];
    expect(first.machine.run(10)).toBe(EXIT_STOP);
    second.machine.restore(first.machine.save());
    expect([second.machine.run(10), second.machine.exitCode, second.machine.retired]).toEqual([
      EXIT_STOP,
      7,
      0,
    ]);
  });

  test('has what HTIF has been asked and not answered', async () => {
    const make = async () => {
      const bench = await Bench.of(
        `la s0, tohost
        la s1, fromhost
        li t0, 0x0100000000000000
        sd t0, 0(s0)
      1: ld a0, 0(s1)
        beqz a0, 1b
        sd zero, 0(s1)
        andi a0, a0, 0xff
        wfi
        .balign 4096
      tohost: .dword 0
      fromhost: .dword 0`,
        { mode: 'full-system' },
      );
      const [tohost, fromhost] = ['tohost', 'fromhost'].map((name) => Number(bench.symbol(name)));
      return { bench, htif: new Htif(bench.machine, { tohost, fromhost }) };
    };
    const [asks, answers] = [await make(), await make()];
    asks.bench.machine.run(1000);
    answers.bench.machine.restore(asks.bench.machine.save());
    answers.htif.receive(Buffer.from('k'));
    answers.bench.machine.run(1000);
    expect(answers.bench.x('a0')).toBe(BigInt('k'.charCodeAt(0)));
  });
});

describe('what cannot be saved or restored', () => {
  const device = (more: Partial<Device> = {}): Device => ({
    name: 'gadget',
    base: 0x2000_0000,
    bytes: 8,
    load: () => 0,
    store: () => undefined,
    ...more,
  });

  test.each<[string, Partial<Device>]>([
    ['neither', {}],
    ['only save', { save: () => undefined }],
    ['only restore', { restore: () => undefined }],
  ])('a device with %s is named', async (_name, more) => {
    const machine = await Machine.create({ ramBytes: MEBIBYTE, devices: [device(more)] });
    const expected = { code: 'unsupported', part: 'the device gadget' };
    for (const call of [
      () => machine.save(),
      () => machine.saveInPieces(),
      () => machine.restore(new Uint8Array()),
      () => machine.reset(),
    ]) {
      expect(thrownBy(call)).toBeInstanceOf(SnapshotError);
      expect(thrownBy(call)).toMatchObject(expected);
    }
    expect(await thrownLater(machine.restoreFrom(() => []))).toMatchObject(expected);
  });

  test('a clock that cannot be saved is named', async () => {
    const clock = { now: () => 0, retire: () => undefined, skipTo: () => false };
    const machine = await Machine.create({ ramBytes: MEBIBYTE, clock });
    expect(thrownBy(() => machine.save())).toMatchObject({ code: 'unsupported', part: 'the clock' });
  });

  test.each<[string, MachineOptions]>([
    ['mode', { mode: 'hosted' }],
    ['ramBytes', { ramBytes: 2 * MEBIBYTE }],
    ['harts', { harts: 3 }],
    ['turnInstructions', { turnInstructions: 5 }],
    ['seed', { seed: 1 }],
    ['adUpdate', { adUpdate: 'hardware' }],
    ['timebaseHz', { timebaseHz: 1 }],
    ['number of parts', { devices: makeClint() }],
  ])('a machine with another %s refuses it, and says which', async (what, options) => {
    const machine = await Machine.create({ ramBytes: MEBIBYTE });
    const other = await Machine.create({ ramBytes: MEBIBYTE, ...options });
    const before = other.save();
    const error = thrownBy(() => other.restore(machine.save()));
    expect(error).toMatchObject({ code: 'other-machine' });
    expect((error as Error).message).toContain(what);
    expect(Buffer.compare(other.save(), before)).toBe(0);
  });

  test('a machine with a device elsewhere refuses it, and one with another engine or shared memory does not', async () => {
    const make = (base: number, more: MachineOptions = {}) =>
      Machine.create({ ramBytes: MEBIBYTE, devices: [new TestFinisher({ base })], ...more });
    const snapshot = (await make(0x1000)).save();
    const elsewhere = await make(0x3000);
    expect(thrownBy(() => elsewhere.restore(snapshot))).toMatchObject({
      code: 'other-machine',
      message:
        'part 7 of the machine is "the device at 0x3000" here, and "the device at 0x1000" in the snapshot',
    });
    const alike = await make(0x1000, { engine: 'interpreter', sharedMemory: true });
    expect(thrownBy(() => alike.restore(snapshot))).toBeUndefined();
  });

  test('a drive of another size is another machine', async () => {
    const make = (bytes: number, readOnly = false) => {
      const store = { bytes, readOnly, read: () => 0, write: () => 0, flush: () => 0 };
      const block = new VirtioMmio((queues) => new VirtioBlock(store, queues), {
        base: VIRTIO_BASE,
        interrupt: () => undefined,
      });
      return Machine.create({ ramBytes: MEBIBYTE, devices: [block] });
    };
    const snapshot = (await make(4096)).save();
    for (const other of [await make(8192), await make(4096, true)]) {
      expect(thrownBy(() => other.restore(snapshot))).toMatchObject({ code: 'other-machine' });
    }
    const same = await make(4096);
    expect(thrownBy(() => same.restore(snapshot))).toBeUndefined();
  });

  test('other bytes, another version and cut bytes are told apart', async () => {
    const { snapshot, guest } = await snapshotOf(100);
    const before = guest.machine.save();
    const attempt = (change: (bytes: Uint8Array) => Uint8Array) =>
      thrownBy(() => guest.machine.restore(change(snapshot.slice())));
    const withByte = (at: number, byte: number) => (bytes: Uint8Array) => {
      bytes[at] = byte;
      return bytes;
    };
    expect(attempt(() => new Uint8Array())).toMatchObject({ code: 'not-a-snapshot' });
    expect(attempt(withByte(3, 0x40))).toMatchObject({ code: 'not-a-snapshot' });
    expect(attempt((bytes) => bytes.subarray(0, 7))).toMatchObject({ code: 'not-a-snapshot' });
    expect(attempt(withByte(8, 2))).toMatchObject({
      code: 'unsupported-version',
      message: 'the snapshot is of version 2; this library reads version 1',
    });
    for (const length of [12, 100, snapshot.length - 1]) {
      expect(attempt((bytes) => bytes.subarray(0, length))).toMatchObject({ code: 'corrupted' });
    }
    expect(attempt((bytes) => Buffer.concat([bytes, Buffer.alloc(1)]))).toMatchObject({ code: 'corrupted' });
    expect(Buffer.compare(guest.machine.save(), before)).toBe(0);
  });

  test('a run in the middle of a snapshot is noticed', async () => {
    const { guest } = await snapshotOf(20_000);
    const pieces = guest.machine.saveInPieces();
    pieces.next();
    guest.machine.run(1);
    expect(thrownBy(() => pieces.next())).toMatchObject({ code: 'running' });
    const late = guest.machine.saveInPieces();
    guest.machine.run(1);
    expect(thrownBy(() => late.next())).toMatchObject({ code: 'running' });
  });

  test('a device that saves in the middle of a run is told so', async () => {
    const errors: unknown[] = [];
    const bench = await Bench.of('li t0, 0x20000000\nsw zero, 0(t0)\nwfi', {
      mode: 'full-system',
      devices: [
        device({
          store: () => void errors.push(thrownBy(() => bench.machine.save())),
          save: () => undefined,
          restore: () => undefined,
        }),
      ],
    });
    bench.machine.run(100);
    expect(errors).toMatchObject([{ code: 'running' }]);
    expect(thrownBy(() => bench.machine.save())).toBeUndefined();
  });

  test('a machine does not run while it is restored; one whose source fails in between stays stopped', async () => {
    const { snapshot } = await snapshotOf(20_000);
    const { machine } = await Guest.empty(OPTIONS);
    let openings = 0;
    let seen: unknown;
    async function* open(): AsyncGenerator<Uint8Array> {
      openings++;
      yield snapshot.subarray(0, snapshot.length / 2);
      await Promise.resolve();
      if (openings === 2) {
        seen = thrownBy(() => machine.run(1));
        throw new Error('the network is down');
      }
      yield snapshot.subarray(snapshot.length / 2);
    }
    const error = await thrownLater(machine.restoreFrom(open));
    expect(error).toMatchObject({ code: 'incomplete', cause: { message: 'the network is down' } });
    expect(seen).toMatchObject({ code: 'running' });
    expect(machine.run(1)).toBe(EXIT_STOP);
    machine.restore(snapshot);
    expect(machine.run(1)).not.toBe(EXIT_STOP);
  });

  test('what a device refuses leaves every device as it was', async () => {
    class Picky implements Device {
      readonly name = 'picky';
      readonly base = 0x3000_0000;
      readonly bytes = 8;
      refuses = false;
      value = 1;
      load = () => this.value;
      store = () => undefined;
      save = (to: StateWriter) => to.u32(this.value);
      restore = (from: StateReader) => {
        this.value = from.u32();
        if (this.refuses && this.value === 1) from.fail('not this one');
      };
    }
    const make = async () => {
      const picky = new Picky();
      const uart = new Uart16550({ transmit: () => undefined });
      const devices = [...makeClint(), new Plic(), uart, picky];
      return { picky, uart, machine: await Machine.create({ ramBytes: MEBIBYTE, devices }) };
    };
    const [one, two] = [await make(), await make()];
    one.uart.receive(Buffer.from('abc'));
    two.uart.receive(Buffer.from('d'));
    two.picky.value = 2;
    two.picky.refuses = true;
    const before = two.machine.save();
    expect(thrownBy(() => two.machine.restore(one.machine.save()))).toMatchObject({
      code: 'corrupted',
      message: "the snapshot's state of picky is corrupted: not this one",
    });
    expect(Buffer.compare(two.machine.save(), before)).toBe(0);
  });
});

describe('a reset', () => {
  test('is asked for by the guest, and begins everything but time anew', async () => {
    const finisher = [new TestFinisher(), ...makeClint()];
    const bench = await Bench.of(
      `rdtime a0
      addi a1, a1, 1
      csrw mscratch, a1
      la t0, word
      ld a2, 0(t0)
      sd a1, 0(t0)
      li t0, 0x100000
      li t1, 0x7777
      sw t1, 0(t0)
      j .
      .balign 8
     word: .dword 0`,
      { mode: 'full-system', devices: finisher, clock: new VirtualClock({ nanosecondsPerInstruction: 100 }) },
    );
    const image = bench.machine.ram.readable(0).slice();
    const times: bigint[] = [];
    for (let boot = 0; boot < 3; boot++) {
      expect(bench.machine.run(1000)).toBe(EXIT_RESET);
      expect([bench.machine.run(1000), bench.machine.retired]).toEqual([EXIT_RESET, expect.any(Number)]);
      expect([bench.x('a1'), bench.x('a2')]).toEqual([1n, 0n]);
      times.push(bench.x('a0'));
      bench.machine.reset();
      expect(bench.machine.ram.readable(0).every((byte) => byte === 0)).toBe(true);
      expect([bench.pc, bench.x('a1')]).toEqual([0n, 0n]);
      bench.machine.ram.writable(0).set(image);
      bench.machine.harts[0].state[HART_PC] = ORIGIN;
    }
    expect(times[1]).toBeGreaterThan(times[0]);
    expect(times[2]).toBeGreaterThan(times[1]);
  });

  test('makes a machine do what it did before, with every device', async () => {
    const guest = await Guest.of(OPTIONS);
    guest.machine.reset();
    guest.load(OPTIONS);
    const fresh = guest.machine.save();
    guest.uart.receive(Buffer.from('typed'));
    guest.run(30_000, new Random(1));
    guest.machine.reset();
    guest.load(OPTIONS);
    // Only the clock has gone on.
    const [clockless, expected] = [guest.look(), (await Guest.of(OPTIONS)).look()];
    for (const [name, state] of expected) {
      if (name !== 'clock' && name !== 'sent') expect(clockless.get(name), name).toBe(state);
    }
    expect(guest.machine.save().length).toBe(fresh.length);
  });
});
