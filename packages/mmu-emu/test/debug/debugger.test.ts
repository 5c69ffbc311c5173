import { describe, expect, test } from 'vitest';
import { Debugger, EXIT_BUDGET, EXIT_DEBUG, EXIT_STOP, EXIT_WFI, Machine, readRegister, TestFinisher, writeRegister } from '../../src/index.js'; // prettier-ignore
import type { MachineOptions } from '../../src/index.js';
import { pte, Sv39Machine, USER_RW, USER_RX } from '../mmu/sv39-machine.js';
import { Bench, ORIGIN } from '../run-program.js';

const FULL: MachineOptions = { mode: 'full-system' };
const at = (bench: Bench, name: string): bigint => bench.symbol(name);

async function debugged(source: string, options: MachineOptions = FULL) {
  const bench = await Bench.of(source, options);
  return { bench, debug: await Debugger.attach(bench.machine) };
}

const LOOP = `
    li a0, 0
    li a1, 1000
  1: addi a0, a0, 1
  here: addi a2, a2, 3
    bne a0, a1, 1b
  end: wfi
    j end`;

describe('breakpoints', () => {
  test('stop before the instruction, every time, and the run goes on as if they were not there', async () => {
    const { bench, debug } = await debugged(LOOP);
    const point = debug.addBreakpoint(at(bench, 'here'));
    for (let turn = 1n; turn <= 5n; turn++) {
      expect(bench.machine.run(1_000_000)).toBe(EXIT_DEBUG);
      expect(debug.stop).toEqual({ reason: 'breakpoint', hart: bench.hart, point });
      expect([bench.pc, bench.x('a0'), bench.x('a2')]).toEqual([at(bench, 'here'), turn, (turn - 1n) * 3n]);
    }
    expect(debug.remove(point)).toBe(true);
    expect(debug.remove(point)).toBe(false);
    expect(bench.machine.run(1_000_000)).toBe(EXIT_WFI);
    expect([bench.x('a0'), bench.x('a2')]).toEqual([1000n, 3000n]);
    expect(readRegister(bench.hart, 'minstret')).toBe(2n + 3000n + 1n);
  });

  test('come in code that was translated already', async () => {
    const { bench, debug } = await debugged(LOOP);
    expect(bench.machine.run(1000)).toBe(EXIT_BUDGET);
    const before = bench.x('a0');
    expect(before).toBeGreaterThan(300n);
    debug.addBreakpoint(at(bench, 'here'));
    bench.machine.run(1_000_000);
    expect([bench.pc, bench.x('a0')]).toEqual([at(bench, 'here'), bench.x('a0')]);
    expect(bench.x('a0') - before).toBeLessThanOrEqual(1n);
  });

  test('at the same place of another page do not stop', async () => {
    const { bench, debug } = await debugged(`${LOOP}\n.balign 4096\nother: nop`);
    const offset = at(bench, 'here') - BigInt(ORIGIN);
    debug.addBreakpoint(BigInt(ORIGIN) + 4096n + offset);
    expect(bench.machine.run(1_000_000)).toBe(EXIT_WFI);
  });

  test('of physical addresses stop wherever the frame is seen', async () => {
    const { bench, debug } = await debugged(LOOP);
    const point = debug.addBreakpoint(at(bench, 'here'), 'physical');
    expect(bench.machine.run(1_000_000)).toBe(EXIT_DEBUG);
    expect(debug.stop).toMatchObject({ reason: 'breakpoint', point });
  });

  test('stop at addresses of the upper half, and so do watchpoints', async () => {
    // The last pages of the address space, which no number is exact for.
    const made = await Sv39Machine.of('nop\nsd zero, 0(s0)\nnop\n1: j 1b');
    const top = 2n ** 64n - 8192n;
    made.map(top, 64, USER_RX);
    made.map(top + 4096n, 70, USER_RW);
    made.pc = top;
    made.setX('s0', top + 4096n + 0x678n);
    const debug = await Debugger.attach(made.machine);
    const point = debug.addBreakpoint(top + 4n);
    const watched = debug.addWatchpoint(top + 4096n + 0x67cn, 1);
    expect(made.machine.run(100)).toBe(EXIT_DEBUG);
    expect(debug.stop).toMatchObject({ reason: 'breakpoint', point });
    expect(made.pc).toBe(top + 4n);
    expect(made.machine.run(100)).toBe(EXIT_DEBUG);
    expect(debug.stop).toMatchObject({ point: watched, address: top + 4096n + 0x678n });
    expect(debug.read(made.hart, 2n ** 64n - 4n, 8)).toHaveLength(4);
  });

  test('stop at a first instruction of a page, at one that crosses pages, and at a compressed one', async () => {
    const { bench, debug } = await debugged(`
      j crossing
      .option norvc
      .balign 4096
      .zero 4092
      .option rvc
      compressed: c.addi a0, 1
      crossing: .word 0x00158593
      first: c.addi a0, 1
      j compressed`);
    expect(at(bench, 'crossing') % 4096n).toBe(4094n);
    for (const name of ['first', 'compressed', 'crossing']) debug.addBreakpoint(at(bench, name));
    const seen: bigint[] = [];
    for (let stop = 0; stop < 4; stop++) {
      expect(bench.machine.run(100)).toBe(EXIT_DEBUG);
      seen.push(bench.pc);
    }
    expect(seen).toEqual(['crossing', 'first', 'compressed', 'crossing'].map((name) => at(bench, name)));
  });

  test('count nothing twice: budgets and instret are those of a run without them', async () => {
    const { bench, debug } = await debugged(LOOP);
    debug.addBreakpoint(at(bench, 'here'));
    let [retired, stops] = [0, 0];
    while (retired < 100) {
      const reason = bench.machine.run(100 - retired);
      retired += bench.machine.retired;
      if (reason === EXIT_DEBUG) stops++;
    }
    const plain = await Bench.of(LOOP, FULL);
    plain.machine.run(100);
    expect([stops, retired, bench.pc, bench.x('a0')]).toEqual([33, 100, plain.pc, plain.x('a0')]);
    expect(readRegister(bench.hart, 'minstret')).toBe(100n);
  });
});

describe('a step', () => {
  test('runs one instruction, whatever it is', async () => {
    const { bench, debug } = await debugged(`
      li a0, 3
      jal ra, there
      c.nop
    there: sd a0, -8(sp)
      wfi
      wfi`);
    bench.setX('sp', ORIGIN + 4096);
    debug.addBreakpoint(at(bench, 'there'));
    const pcs: bigint[] = [];
    for (let step = 0; step < 4; step++) {
      expect(debug.step(bench.hart)).toBe(EXIT_DEBUG);
      expect(debug.stop).toEqual({ reason: 'step', hart: bench.hart });
      pcs.push(bench.pc - BigInt(ORIGIN));
    }
    expect(pcs).toEqual([4n, 10n, 14n, 18n]);
    expect(bench.read(ORIGIN + 4088)).toBe(3n);
    // Waiting for an interrupt does nothing, in a step and before one.
    expect(debug.step(bench.hart)).toBe(EXIT_DEBUG);
    expect(bench.pc).toBe(BigInt(ORIGIN) + 22n);
  });

  test('of an instruction that traps ends before the first one of the handler', async () => {
    const { bench, debug } = await debugged(`
      la t0, handler
      csrw mtvec, t0
      ecall
      .balign 4
    handler: li a0, 1
      wfi`);
    for (let step = 0; step < 3; step++) debug.step(bench.hart);
    const before = readRegister(bench.hart, 'minstret');
    expect(debug.step(bench.hart)).toBe(EXIT_DEBUG);
    expect([bench.pc, bench.x('a0'), readRegister(bench.hart, 'mcause')]).toEqual([
      at(bench, 'handler'),
      0n,
      11n,
    ]);
    expect(readRegister(bench.hart, 'minstret')).toBe(before);
    debug.step(bench.hart);
    expect(bench.x('a0')).toBe(1n);
  });

  test('takes an interrupt only when told to, and then ends at the handler', async () => {
    const { bench, debug } = await debugged('nop\nnop\nnop\n.balign 4\nhandler: nop\nwfi');
    writeRegister(bench.hart, 'mtvec', at(bench, 'handler'));
    writeRegister(bench.hart, 'mie', 2n);
    writeRegister(bench.hart, 'mip', 2n);
    writeRegister(bench.hart, 'mstatus', 8n);
    debug.step(bench.hart);
    expect(bench.pc).toBe(BigInt(ORIGIN + 4));
    debug.step(bench.hart, true);
    expect([bench.pc, readRegister(bench.hart, 'mepc')]).toEqual([at(bench, 'handler'), BigInt(ORIGIN + 4)]);
  });

  test('of one hart leaves the others where they are', async () => {
    const { bench, debug } = await debugged('1: addi a0, a0, 1\nj 1b', { ...FULL, harts: 2 });
    const [, second] = bench.machine.harts;
    expect(writeRegister(second, 'pc', BigInt(ORIGIN))).toBe(true);
    debug.step(second);
    expect([readRegister(second, 'a0'), bench.x('a0')]).toEqual([1n, 0n]);
    expect(debug.run(101, [second])).toBe(EXIT_BUDGET);
    expect([readRegister(second, 'a0'), bench.x('a0')]).toEqual([52n - 1n, 0n]);
  });

  test('ends with the machine when the instruction stops it', async () => {
    const machine = await Machine.create({ ramBytes: 2 ** 20, devices: [new TestFinisher()] });
    const debug = await Debugger.attach(machine);
    const [hart] = machine.harts;
    for (const [name, value] of [
      ['pc', RAM],
      ['t0', 0x10_0000n],
      ['t1', 0x5555n],
    ] as const)
      writeRegister(hart, name, value);
    debug.write(hart, RAM, Uint8Array.of(0x23, 0xa0, 0x62, 0x00)); // sw t1, 0(t0)
    expect(debug.step(hart)).toBe(EXIT_STOP);
  });
});

const RAM = BigInt(ORIGIN);

describe('memory', () => {
  test('is read and written through the translation of the hart, and translated code follows', async () => {
    const made = await Sv39Machine.of('1: addi a0, a0, 1\nj 1b');
    const { machine, hart } = made;
    made.map(0x7000_0000n, 64, USER_RW);
    made.map(0x7000_1000n, 70, USER_RW);
    const debug = await Debugger.attach(machine);
    machine.run(10_000);
    const count = made.x('a0');
    expect(debug.translate(hart, 0x7000_0123n)).toBe(RAM + 64n * 4096n + 0x123n);
    // addi a0, a0, 2, by the other address of the frame.
    expect(debug.write(hart, 0x7000_0000n, Uint8Array.of(0x13, 0x05, 0x25, 0x00))).toBe(4);
    machine.run(10_000);
    expect(made.x('a0')).toBe(count + 10_000n);
    expect(debug.write(hart, 0x7000_0ffen, Uint8Array.of(1, 2, 3, 4))).toBe(4);
    expect([...debug.read(hart, 0x7000_0ffen, 4)]).toEqual([1, 2, 3, 4]);
    expect([...machine.ram.readable(70).subarray(0, 2)]).toEqual([3, 4]);
    // Shorter where nothing is mapped; by physical address; nothing.
    expect(debug.read(hart, 0x7000_1ffen, 4)).toHaveLength(2);
    expect([...debug.read(hart, RAM + 70n * 4096n, 2, 'physical')]).toEqual([3, 4]);
    expect(debug.read(hart, 0x1000_0000n, 4)).toHaveLength(0);
    expect(debug.read(hart, 0x1000_0000n, 4, 'physical')).toHaveLength(0);
    expect(debug.write(hart, 0x1000_0000n, Uint8Array.of(1))).toBe(0);
  });

  test('of superpages, 64 KiB pages and addresses that are not canonical', async () => {
    const made = await Sv39Machine.of('nop', { ramBytes: 4 * 2 ** 20 });
    const { machine, hart } = made;
    const { basePpn } = machine.ram;
    made.map(0x4000_0000n, 512, USER_RW, 1);
    made.setEntry(0x6001_3000n, (1n << 63n) | pte(basePpn + 16 + 8, USER_RW));
    made.setEntry(0x6002_3000n, (1n << 63n) | pte(basePpn + 16 + 4, USER_RW));
    made.map(0x4020_0000n, 1, USER_RW, 1);
    const debug = await Debugger.attach(machine);
    expect(debug.translate(hart, 0x4012_3456n)).toBe(RAM + 0x20_0000n + 0x12_3456n);
    expect(debug.translate(hart, 0x6001_3456n)).toBe(RAM + 0x1_3456n);
    for (const address of [0x6002_3000n, 0x4020_0000n, 1n << 38n, (1n << 64n) - 1n, 0n]) {
      expect(debug.translate(hart, address), address.toString(16)).toBeUndefined();
    }
  });
});

test('a debugger that is detached or replaced stops nothing', async () => {
  const { bench, debug } = await debugged(LOOP);
  debug.addBreakpoint(at(bench, 'here'));
  const second = await Debugger.attach(bench.machine);
  expect(bench.machine.run(100)).toBe(EXIT_BUDGET);
  second.addBreakpoint(at(bench, 'here'));
  expect(bench.machine.run(100)).toBe(EXIT_DEBUG);
  await second.detach();
  expect(bench.machine.run(1_000_000)).toBe(EXIT_WFI);
});

describe('a machine that is reset or restored under a debugger', () => {
  test.each(['interpreter', 'translator'] as const)(
    'stops again where it was stopped before (%s)',
    async (engine) => {
      const bench = await Bench.of('first: addi a0, a0, 1\nsecond: nop\nwfi', {
        mode: 'full-system',
        engine,
      });
      const image = bench.machine.ram.readable(0).slice();
      const debug = await Debugger.attach(bench.machine);
      debug.addBreakpoint(bench.symbol('first'));
      const snapshot = bench.machine.save();
      for (let time = 0; time < 3; time++) {
        expect([bench.machine.run(100), debug.stop?.reason, bench.pc]).toEqual([
          EXIT_DEBUG,
          'breakpoint',
          bench.symbol('first'),
        ]);
        if (time === 0) bench.machine.restore(snapshot);
        else if (time === 1) await bench.machine.restoreFrom(() => [snapshot]);
        else bench.machine.reset();
      }
      bench.machine.ram.writable(0).set(image);
      bench.pc = bench.symbol('first');
      expect([bench.machine.run(100), debug.stop?.reason]).toEqual([EXIT_DEBUG, 'breakpoint']);
      expect([bench.machine.run(100), bench.x('a0')]).toEqual([EXIT_WFI, 1n]);
    },
  );
});
