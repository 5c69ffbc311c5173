import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  assemble,
  Debugger,
  EXIT_DEBUG,
  EXIT_TRAP,
  EXIT_WFI,
  GuestMemory,
  HART_PC,
  Machine,
  MachineError,
  PTE_A,
  PTE_D,
  PTE_R,
  PTE_U,
  PTE_V,
  PTE_W,
  PTE_X,
  RAM_BASE,
  readRegister,
  writeRegister,
} from '../src/index.js';
import type { MachineOptions } from '../src/index.js';
import { HART_CAUSE, HART_TVAL } from '../src/hart/state.js';
import { setWordPair, wordPair } from './run-program.js';

const MEBIBYTE = 2 ** 20;
const LEAST = MEBIBYTE;
const MOST = 3584 * MEBIBYTE;
const PAGE = 4096;
const ENGINES = ['interpreter', 'translator'] as const;

describe('a size of RAM', () => {
  test.each([LEAST, 16 * MEBIBYTE, MOST])('of %i bytes is there to the last byte', async (ramBytes) => {
    const { ram } = await Machine.create({ ramBytes });
    expect([ram.bytes, ram.frameCount]).toEqual([ramBytes, ramBytes / PAGE]);
    ram.writable(ram.frameCount - 1)[PAGE - 1] = 7;
    expect(ram.readable(ram.frameCount - 1)[PAGE - 1]).toBe(7);
    expect(() => ram.readable(ram.frameCount)).toThrow(RangeError);
    expect(() => ram.writable(ram.frameCount - 1, 2)).toThrow(RangeError);
  });

  test.each([
    0,
    -1,
    PAGE,
    LEAST - PAGE,
    LEAST + 1,
    MOST - 1,
    MOST + PAGE,
    2 ** 32,
    2 ** 53,
    Infinity,
    NaN,
    1.5,
  ])('of %d bytes is refused, with the sizes that there are', async (ramBytes) => {
    const error = await Machine.create({ ramBytes }).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(MachineError);
    expect(error).toMatchObject({
      code: 'bad-option',
      option: 'ramBytes',
      message: 'ramBytes must be a multiple of 4096 from 1 MiB to 3.5 GiB',
    });
  });
});

/** A machine in machine mode with a program at an address. */
async function machineWith(source: string, at: number, options: MachineOptions): Promise<Machine> {
  const machine = await Machine.create(options);
  const { bytes } = assemble(source, { origin: at });
  const { ram } = machine;
  const offset = at - RAM_BASE;
  ram
    .writable(Math.floor(offset / PAGE), Math.ceil(((offset % PAGE) + bytes.length) / PAGE))
    .set(bytes, offset % PAGE);
  setWordPair(machine.harts[0], HART_PC, BigInt(at));
  return machine;
}

describe.each(ENGINES)('the end of RAM (%s)', (engine) => {
  describe.each([LEAST, MOST])('of %i bytes', (ramBytes) => {
    const end = RAM_BASE + ramBytes;

    test.each([
      ['ld a0, -8(s0)', undefined],
      ['sd a0, -8(s0)', undefined],
      ['amoadd.d a1, a0, (s1)', undefined],
      ['lbu a0, 0(s0)', [5, 0]],
      ['ld a0, 0(s0)', [5, 0]],
      ['sb a0, 0(s0)', [7, 0]],
      ['sd a0, 0(s0)', [7, 0]],
      ['ld a0, -4(s0)', [5, 0]],
      ['sd a0, -1(s0)', [7, 0]],
      ['lr.d a0, (s0)', [5, 0]],
      ['sc.d a1, a0, (s0)', [7, 0]],
      ['amoadd.d a1, a0, (s0)', [7, 0]],
      ['cbo.zero (s0)', [7, 0]],
      ['jr s0', [1, 0]],
    ] as const)('%s', async (access, fault) => {
      const machine = await machineWith(
        `la t0, handler\ncsrw mtvec, t0\nli s0, ${end}\naddi s1, s0, -8\n${access}\nli s2, 1\n.balign 4\nhandler: csrr s3, mcause\ncsrr s4, mtval\nwfi`,
        RAM_BASE,
        { ramBytes, engine },
      );
      expect(machine.run(1000)).toBe(EXIT_WFI);
      const [hart] = machine.harts;
      const [went, cause, tval] = ['s2', 's3', 's4'].map((name) => readRegister(hart, name));
      if (fault === undefined) expect([went, cause]).toEqual([1n, 0n]);
      else expect([went, cause, tval]).toEqual([0n, BigInt(fault[0]), BigInt(end + fault[1])]);
    });

    test('a program that runs off it faults at the first address that is not there', async () => {
      const machine = await machineWith(`.half 0x0505, 0x0505, 0x0505`, end - 6, { ramBytes, engine });
      const [hart] = machine.harts;
      const handler = assemble('csrr s3, mcause\ncsrr s4, mtval\ncsrr s5, mepc\nwfi', { origin: RAM_BASE });
      machine.ram.writable(0).set(handler.bytes);
      writeRegister(hart, 'mtvec', BigInt(RAM_BASE));
      expect(machine.run(1000)).toBe(EXIT_WFI);
      expect(['a0', 's3', 's4', 's5'].map((name) => readRegister(hart, name))).toEqual([
        3n,
        1n,
        BigInt(end),
        BigInt(end),
      ]);
    });

    test('an instruction half of which is not there faults at that half', async () => {
      const machine = await machineWith(`.half 0x0513`, end - 2, { ramBytes, engine });
      const [hart] = machine.harts;
      const handler = assemble('csrr s3, mcause\ncsrr s4, mtval\ncsrr s5, mepc\nwfi', { origin: RAM_BASE });
      machine.ram.writable(0).set(handler.bytes);
      writeRegister(hart, 'mtvec', BigInt(RAM_BASE));
      expect(machine.run(1000)).toBe(EXIT_WFI);
      expect(['s3', 's4', 's5'].map((name) => readRegister(hart, name))).toEqual([
        1n,
        BigInt(end),
        BigInt(end - 2),
      ]);
    });
  });
});

describe.each(ENGINES)('at the top of 3.5 GiB (%s)', (engine) => {
  const frames = MOST / PAGE;
  /** Root, two tables, code, data, from the last frame down. */
  const [ROOT, MIDDLE, LEAF, CODE_FRAME, DATA_FRAME] = [1, 2, 3, 4, 5].map((down) => frames - down);
  const [CODE, DATA] = [0x1_0000, 0x2_0000];
  const USER = PTE_V | PTE_U | PTE_A;

  /** User code at CODE and data at DATA, whose D bit the walk sets. */
  async function userMachine(source: string): Promise<Machine> {
    const machine = await Machine.create({ mode: 'hosted', ramBytes: MOST, engine, adUpdate: 'hardware' });
    const { ram, harts } = machine;
    const entry = (frame: number, flags: number): readonly [number, number] => {
      const value = (BigInt(ram.basePpn + frame) << 10n) | BigInt(flags);
      return [Number(value & 0xffff_ffffn), Number(value >> 32n)];
    };
    ram.writePte(ROOT, 0, ...entry(MIDDLE, PTE_V));
    ram.writePte(MIDDLE, 0, ...entry(LEAF, PTE_V));
    ram.writePte(LEAF, CODE / PAGE, ...entry(CODE_FRAME, USER | PTE_R | PTE_W | PTE_X | PTE_D));
    ram.writePte(LEAF, DATA / PAGE, ...entry(DATA_FRAME, USER | PTE_R | PTE_W));
    ram.writable(CODE_FRAME).set(assemble(source, { origin: CODE }).bytes);
    harts[0].setAddressSpace(ram.basePpn + ROOT, 1);
    setWordPair(harts[0], HART_PC, BigInt(CODE));
    return machine;
  }

  test('page tables, code that changes itself, and data are used as anywhere else', async () => {
    const machine = await userMachine(
      `
      li s0, ${DATA}
      la s1, changed
      li a0, 0
      li t0, 2000
    1: ld t1, 0(s0)
      addi t1, t1, 3
      sd t1, 0(s0)
      sd t1, 2040(s0)
      amoadd.d zero, t0, (s0)
    changed: addi a0, a0, 1
      addi t0, t0, -1
      li t2, 1000
      bne t0, t2, 2f
      li t3, 0x00550513       # addi a0, a0, 5
      sw t3, 0(s1)
      fence.i
    2: bnez t0, 1b
      ecall
    `,
    );
    expect(machine.run(100_000)).toBe(EXIT_TRAP);
    const [hart] = machine.harts;
    expect([hart.state[HART_CAUSE], readRegister(hart, 'a0')]).toEqual([8, 1000n + 5n * 1000n]);
    const { ram } = machine;
    const data = ram.readable(DATA_FRAME);
    const view = new DataView(data.buffer, data.byteOffset, PAGE);
    expect(view.getBigUint64(0, true)).toBe(3n * 2000n + (2000n * 2001n) / 2n);
    expect(view.getBigUint64(2040, true)).toBe(view.getBigUint64(0, true) - 1n);
    expect(ram.readPteLo(LEAF, DATA / PAGE) & PTE_D).toBe(PTE_D);
    if (engine === 'translator') expect(machine.translation?.retiredTranslated).toBeGreaterThan(5000);
  });

  test('a page that is taken away after a fence faults, as one that was never there', async () => {
    const machine = await userMachine(`li s0, ${DATA}\n1: ld a0, 0(s0)\n addi a1, a1, 1\n j 1b`);
    machine.run(10_000);
    machine.ram.writePte(LEAF, DATA / PAGE, 0, 0);
    machine.harts[0].sfenceVmaPage(DATA);
    expect(machine.run(10_000)).toBe(EXIT_TRAP);
    const [hart] = machine.harts;
    expect([hart.state[HART_CAUSE], wordPair(hart, HART_TVAL)]).toEqual([13, BigInt(DATA)]);
  });

  test('a debugger finds breakpoints, watchpoints and memory there', async () => {
    const machine = await userMachine(`li s0, ${DATA}\n1: sd a1, 8(s0)\n addi a1, a1, 1\n j 1b`);
    const [hart] = machine.harts;
    const debug = await Debugger.attach(machine);
    const physical = BigInt(RAM_BASE + DATA_FRAME * PAGE + 8);
    const watchpoint = debug.addWatchpoint(physical, 8, 'write', 'physical');
    for (let value = 0n; value < 3n; value++) {
      expect(machine.run(1000)).toBe(EXIT_DEBUG);
      expect(debug.stop).toMatchObject({ reason: 'watchpoint', after: value });
    }
    debug.remove(watchpoint);
    debug.addBreakpoint(BigInt(RAM_BASE + CODE_FRAME * PAGE + 8), 'physical');
    expect([machine.run(1000), readRegister(hart, 'pc')]).toEqual([EXIT_DEBUG, BigInt(CODE + 8)]);
    expect(debug.translate(hart, BigInt(DATA))).toBe(physical - 8n);
    expect([...debug.read(hart, physical, 2, 'physical')]).toEqual([2, 0]);
    expect(debug.read(hart, BigInt(RAM_BASE + MOST - 4), 8, 'physical')).toHaveLength(4);
  });
});

test('devices reach the last byte of 3.5 GiB, and not the next', async () => {
  const { ram } = await Machine.create({ ramBytes: MOST });
  const memory = new GuestMemory(ram, () => undefined);
  const end = RAM_BASE + MOST;
  expect(memory.write(end - 8, 8, 0x1234_5678_9abc)).toBe(true);
  expect(memory.read(end - 8, 8)).toBe(0x1234_5678_9abc);
  expect(memory.writable(end - PAGE - 1, PAGE + 1)).toHaveLength(PAGE + 1);
  expect(memory.write(end - 4, 8, 0)).toBe(false);
  expect(memory.read(end, 1)).toBeUndefined();
  expect(memory.writable(end - PAGE, PAGE + 1)).toBeUndefined();
});

describe('a snapshot of a machine with 3.5 GiB', () => {
  const USED = [0, 1, 2 ** 19 - 1, 2 ** 19, MOST / PAGE - 1];
  let machine: Machine;
  beforeAll(async () => {
    machine = await Machine.create({ ramBytes: MOST });
  });
  const hashOf = (frame: number): string =>
    createHash('sha1').update(machine.ram.readable(frame)).digest('hex');

  test(
    'has the frames that are not zero, wherever they are, and nothing else; memory that was not used stays so',
    { timeout: 120_000 },
    async () => {
      const { ram } = machine;
      for (const frame of USED) ram.writable(frame).fill(frame % 255 || 1, 17);
      const expected = USED.map(hashOf);
      const before = process.memoryUsage().rss;
      const snapshot = machine.save();
      // Five frames in four runs; the rest has no more than the caches and registers of a hart.
      expect(snapshot.length).toBeLessThan(64 * 1024 + USED.length * PAGE);
      for (const frame of [...USED, 5, 2 ** 18]) ram.writable(frame).fill(0xee);
      const pieces = [snapshot.subarray(0, 100), snapshot.subarray(100)];
      await machine.restoreFrom(() => pieces);
      expect(USED.map(hashOf)).toEqual(expected);
      expect([5, 2 ** 18].map((frame) => ram.isZero(frame))).toEqual([true, true]);
      expect(Buffer.compare(machine.save(), snapshot)).toBe(0);
      expect(process.memoryUsage().rss - before).toBeLessThan(256 * MEBIBYTE);
    },
  );
});
