import { describe, expect, it } from 'vitest';
import { EXIT_WFI, VirtualClock } from '../../src/index.js';
import { Bench } from '../run-program.js';
import { drop, FULL, REPORT, runToWfi, SET_UP } from './full-system-program.js';

describe('CSRs', () => {
  it('have their reset values and fixed fields', async () => {
    const bench = await runToWfi(
      'csrr a0, misa\ncsrr a1, mhartid\ncsrr a2, mstatus\ncsrr a3, mvendorid\ncsrr a4, satp\nwfi',
    );
    expect(bench.x('a0')).toBe(
      (2n << 62n) | [...'ABCDFIMSU'].reduce((bits, c) => bits | (1n << BigInt(c.charCodeAt(0) - 65)), 0n),
    );
    expect([bench.x('a1'), bench.x('a2'), bench.x('a3'), bench.x('a4')]).toEqual([
      0n,
      0xa_0000_0000n,
      0n,
      0n,
    ]);
  });

  it.each([
    ['mstatus', 0x8000_000a_007e_79aan],
    ['sstatus', 0x8000_0002_000c_6122n],
    ['medeleg', 0xb3ffn],
    ['mideleg', 0x222n],
    ['mie', 0xaaan],
    ['mip', 0x222n],
    ['mepc', 0xffff_ffff_ffff_fffen],
    ['sepc', 0xffff_ffff_ffff_fffen],
    ['mscratch', 0xffff_ffff_ffff_ffffn],
    ['sscratch', 0xffff_ffff_ffff_ffffn],
    ['mcause', 0xffff_ffff_ffff_ffffn],
    ['stval', 0xffff_ffff_ffff_ffffn],
    ['mcounteren', 0xffff_ffffn],
    ['scounteren', 0xffff_ffffn],
    ['menvcfg', 0xe000_0000_0000_00f1n],
    ['senvcfg', 0xf1n],
    ['misa', 0x8000_0000_0014_112fn],
    ['mhpmcounter3', 0n],
    ['mhpmevent3', 0n],
    ['mcountinhibit', 5n],
    ['pmpaddr0', 0x3f_ffff_ffff_ffffn],
    ['pmpaddr14', 0x3f_ffff_ffff_ffffn],
  ])('%s keeps the bits it has and no others', async (name, ones) => {
    const bench = await runToWfi(
      `li a0, -1\ncsrw ${name}, a0\ncsrr a1, ${name}\ncsrw ${name}, zero\ncsrr a2, ${name}\nwfi`,
    );
    expect(bench.x('a1').toString(16)).toBe(ones.toString(16));
    const fixed = { mstatus: 0xa_0000_0000n, sstatus: 0x2_0000_0000n, misa: ones } as Readonly<
      Record<string, bigint>
    >;
    expect(bench.x('a2')).toBe(fixed[name] ?? 0n);
  });

  it('swap, set and clear give the old value; x0 and immediate 0 do not write', async () => {
    const bench = await runToWfi(`
      li a0, 0xf0
      csrw mscratch, a0
      li a1, 0x3c
      csrrs a2, mscratch, a1
      csrrc a3, mscratch, a1
      csrrw a4, mscratch, a1
      csrrwi a5, mscratch, 21
      csrrsi a6, mscratch, 10
      csrrci a7, mscratch, 1
      csrr s2, mscratch
      csrrs s3, mhartid, zero
      csrrci s4, mhartid, 0
      wfi`);
    const values = ['a2', 'a3', 'a4', 'a5', 'a6', 'a7', 's2', 's3', 's4'].map((name) => bench.x(name));
    expect(values).toEqual([0xf0n, 0xfcn, 0xc0n, 0x3cn, 21n, 31n, 30n, 0n, 0n]);
  });

  it('a write to a read-only CSR, and any access to one that does not exist, is illegal', async () => {
    for (const source of [
      'csrw mhartid, a0',
      'csrrsi a0, cycle, 1',
      'csrr a0, 0x3a1',
      'csrr a0, pmpcfg4',
      'csrr a0, pmpaddr16',
      'csrr a0, mseccfg',
      'csrr a0, fflags',
      'csrw 0x7ff, a0',
    ]) {
      const bench = await runToWfi(`${SET_UP}\nbad: ${source}\nwfi\n${REPORT}`);
      expect([bench.x('s0'), bench.x('s1')], source).toEqual([2n, bench.symbol('bad')]);
    }
  });

  it('instret counts what retired before, and a write takes the place of the count', async () => {
    const bench = await runToWfi(`
      csrr a0, minstret
      nop
      csrr a1, minstret
      csrr a2, mcycle
      li a3, -1
      csrw minstret, a3
      csrr a4, minstret
      csrr a5, minstret
      csrr a6, instret
      wfi`);
    const values = ['a0', 'a1', 'a2', 'a4', 'a5', 'a6'].map((name) => bench.x(name));
    expect(values).toEqual([0n, 2n, 3n, 0xffff_ffff_ffff_ffffn, 0n, 1n]);
  });

  it('time follows the clock and the instructions retired, at the rate of the timebase', async () => {
    const clock = new VirtualClock({ start: 5_000_000 });
    const bench = await Bench.of('csrr a0, time\nnop\nnop\ncsrr a1, time\nwfi', {
      ...FULL,
      clock,
      timebaseHz: 1e9,
    });
    expect(bench.run()).toBe(EXIT_WFI);
    expect([bench.x('a0'), bench.x('a1'), clock.now()]).toEqual([5_000_000n, 5_000_003n, 5_000_005]);
    const slow = await Bench.of('csrr a0, time\nwfi', {
      ...FULL,
      clock: new VirtualClock({ start: 12_345 }),
      timebaseHz: 1e7,
    });
    slow.run();
    expect(slow.x('a0')).toBe(123n);
  });

  it('counters are readable in user mode as far as mcounteren and scounteren allow', async () => {
    for (const [machine, supervisor, allowed] of [
      [7, 7, true],
      [7, 5, true],
      [6, 7, false],
      [7, 6, false],
    ] as const) {
      const bench = await runToWfi(`${SET_UP}
        li t0, ${machine}
        csrw mcounteren, t0
        li t0, ${supervisor}
        csrw scounteren, t0
        ${drop(0, 'user')}
        user: csrr a0, cycle
        ecall
        ${REPORT}`);
      expect(bench.x('s0'), `${machine} ${supervisor}`).toBe(allowed ? 8n : 2n);
    }
  });
});
