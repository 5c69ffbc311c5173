import { describe, expect, test } from 'vitest';
import { Debugger, EXIT_DEBUG, EXIT_TRAP, EXIT_WFI } from '../../src/index.js';
import type { MachineOptions, WatchedAccess } from '../../src/index.js';
import { Sv39Machine, USER_RW, USER_RX } from '../mmu/sv39-machine.js';
import { Bench } from '../run-program.js';

const FULL: MachineOptions = { mode: 'full-system' };

/** Each label names the instruction that follows; the watched bytes are the first four of `data`. */
const ACCESSES = `
    la s0, data
    li t0, 0x10
  load: ld t1, 0(s0)
  store: sd t0, 0(s0)
  byte: sb zero, 3(s0)
  beside: sd t0, 8(s0)
  above: sw t0, 4(s0)
  across: sd t0, -4(s0)
  add: amoadd.d t2, t0, (s0)
  reserve: lr.d t3, (s0)
  conditional: sc.d t4, t0, (s0)
  fails: sc.d t4, zero, (s0)
  zero: cbo.zero (s0)
  done: wfi
    .balign 64
    .zero 64
  data: .dword 5, 6`;

const WRITES = {
  store: 'write of 8: 5 10',
  byte: 'write of 1: 0 0',
  across: 'write of 8: 1000000000 10',
  add: 'atomic of 8: 1000000000 1000000010',
  conditional: 'write of 8: 1000000010 10',
  zero: 'write of 64: 10 0',
};
const READS = {
  load: 'read of 8: 5 5',
  add: 'atomic of 8: 1000000000 1000000010',
  reserve: 'read of 8: 1000000010 1000000010',
};
const EXPECTED: Readonly<Record<WatchedAccess, Readonly<Record<string, string>>>> = {
  write: WRITES,
  read: READS,
  access: { ...WRITES, ...READS },
};

describe('watchpoints', () => {
  test.each([
    ['write', 'virtual'],
    ['write', 'physical'],
    ['read', 'virtual'],
    ['access', 'virtual'],
    ['access', 'physical'],
  ] as const)(
    'for %s by %s address stop after each instruction that touches the bytes',
    async (access, kind) => {
      const bench = await Bench.of(ACCESSES, FULL);
      const debug = await Debugger.attach(bench.machine);
      const point = debug.addWatchpoint(bench.symbol('data'), 4, access, kind);
      // An instruction has retired when it stops: the pc is that of the next label.
      const labels = [...bench.symbols].sort(([, one], [, other]) => one - other);
      const found: Record<string, string> = {};
      while (bench.machine.run(1000) === EXIT_DEBUG) {
        const { stop } = debug;
        if (stop?.reason !== 'watchpoint') throw new Error('stopped for another reason');
        expect(stop.point).toBe(point);
        const after = labels.findIndex(([, value]) => BigInt(value) === bench.pc);
        found[labels[after - 1][0]] =
          `${stop.access} of ${stop.bytes}: ${stop.before?.toString(16)} ${stop.after?.toString(16)}`;
      }
      expect(found).toEqual(EXPECTED[access]);
      expect(bench.pc).toBe(bench.symbol('done') + 4n);
    },
  );

  test('do not stop at an access that faults', async () => {
    const made = await Sv39Machine.of('li t0, 0x20000\nsd t0, 0(t0)\nsd zero, 0(t0)\nend: ecall');
    made.map(0x2_0000n, 128, USER_RX);
    const debug = await Debugger.attach(made.machine);
    debug.addWatchpoint(0x2_0000n, 8, 'access');
    expect([made.machine.run(100), made.cause]).toEqual([EXIT_TRAP, 15]);
    made.map(0x2_0000n, 128, USER_RW);
    made.hart.sfenceVma();
    expect(made.machine.run(100)).toBe(EXIT_DEBUG);
    expect(debug.stop).toMatchObject({ address: 0x2_0000n, before: 0n, after: 0x2_0000n });
  });

  test('of a physical address see it through another mapping, and in the second page of an access', async () => {
    const made = await Sv39Machine.of('li t0, 0x20000\nsd t0, 0(t0)\nsd t0, -4(t0)\necall');
    made.map(0x1_f000n, 140, USER_RW);
    made.map(0x2_0000n, 128, USER_RW);
    const debug = await Debugger.attach(made.machine);
    const paddr = 0x8000_0000n + 128n * 4096n;
    debug.addWatchpoint(paddr + 1n, 1, 'write', 'physical');
    expect(made.machine.run(100)).toBe(EXIT_DEBUG);
    expect(debug.stop).toMatchObject({ address: 0x2_0000n, bytes: 8 });
    expect(made.machine.run(100)).toBe(EXIT_DEBUG);
    expect(debug.stop).toMatchObject({
      address: 0x1_fffcn,
      before: 0x2_0000_0000_0000n,
      after: 0x2_0000n,
    });
    expect(made.machine.run(100)).toBe(EXIT_TRAP);
  });

  test('of a whole page and more are watched everywhere', async () => {
    const bench = await Bench.of(
      'li s0, 0x80010000\nsd zero, 0(s0)\nsd zero, -8(s0)\nli s1, 0x80012000\nsd zero, -1(s1)\nsd zero, 0(s1)\nwfi',
      FULL,
    );
    const debug = await Debugger.attach(bench.machine);
    debug.addWatchpoint(0x8001_0000n, 8192);
    const addresses: bigint[] = [];
    while (bench.machine.run(1000) === EXIT_DEBUG) {
      if (debug.stop?.reason === 'watchpoint') addresses.push(debug.stop.address);
    }
    expect(addresses).toEqual([0x8001_0000n, 0x8001_1fffn]);
    expect(() => debug.addWatchpoint(0n, 0)).toThrow(RangeError);
  });

  test('stop the hart that touched', async () => {
    const bench = await Bench.of(
      'csrr t0, mhartid\nla s0, data\nbeqz t0, 1f\nsd t0, 0(s0)\n1: wfi\nj 1b\n.balign 8\ndata: .dword 0',
      { ...FULL, harts: 2, turnInstructions: 3 },
    );
    const [, second] = bench.machine.harts;
    second.state[0] = 0x8000_0000;
    const debug = await Debugger.attach(bench.machine);
    debug.addWatchpoint(bench.symbol('data'), 8);
    expect(bench.machine.run(1000)).toBe(EXIT_DEBUG);
    expect(debug.stop?.hart).toBe(second);
    expect(bench.machine.run(1000)).toBe(EXIT_WFI);
  });
});
