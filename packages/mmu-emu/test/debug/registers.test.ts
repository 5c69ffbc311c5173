import { describe, expect, test } from 'vitest';
import { EXIT_WFI, readRegister, writeRegister } from '../../src/index.js';
import { Bench, ORIGIN } from '../run-program.js';

const FULL = { mode: 'full-system' } as const;

describe('registers by name', () => {
  test('are what the program left in them', async () => {
    const bench = await Bench.of('li a0, -1\ncsrwi mscratch, 21\nwfi', FULL);
    expect(bench.run()).toBe(EXIT_WFI);
    const values = ['pc', 'a0', 'x10', 'zero', 'mscratch', 'privilege', 'mhartid', 'satp', 'ft0'].map(
      (name) => readRegister(bench.hart, name),
    );
    expect(values).toEqual([BigInt(ORIGIN + 12), 2n ** 64n - 1n, 2n ** 64n - 1n, 0n, 21n, 3n, 0n, 0n, 0n]);
    expect([readRegister(bench.hart, 'frob'), readRegister(bench.hart, 'vstart')]).toEqual([
      undefined,
      undefined,
    ]);
  });

  test('can be set, and the program goes on with them', async () => {
    const bench = await Bench.of('addi a0, a0, 1\ncsrr a1, mscratch\nwfi\nnop\nli a2, 9\nwfi', FULL);
    expect(writeRegister(bench.hart, 'a0', -2n)).toBe(true);
    expect(writeRegister(bench.hart, 'mscratch', 0x1234_5678_9abc_def0n)).toBe(true);
    bench.run();
    expect([readRegister(bench.hart, 'a0'), readRegister(bench.hart, 'a1')]).toEqual([
      2n ** 64n - 1n,
      0x1234_5678_9abc_def0n,
    ]);
    expect(writeRegister(bench.hart, 'pc', BigInt(ORIGIN + 16))).toBe(true);
    bench.run();
    expect(bench.x('a2')).toBe(9n);
  });

  test('CSRs keep the bits they have, and what depends on them follows', async () => {
    const bench = await Bench.of('1: j 1b\n.balign 4\nhandler: csrr a0, mcause\ncsrw mie, zero\nwfi', FULL);
    expect(writeRegister(bench.hart, 'mepc', 3n)).toBe(true);
    expect(readRegister(bench.hart, 'mepc')).toBe(2n);
    writeRegister(bench.hart, 'mtvec', bench.symbol('handler'));
    writeRegister(bench.hart, 'mie', 2n);
    writeRegister(bench.hart, 'mip', 2n);
    writeRegister(bench.hart, 'mstatus', 8n);
    expect(bench.run(1000)).toBe(EXIT_WFI);
    expect(bench.x('a0')).toBe((1n << 63n) | 1n);
  });

  test('a counter goes on from the number it is set to', async () => {
    const bench = await Bench.of('nop\ncsrr a0, minstret\ncsrr a1, mcycle\nwfi', FULL);
    expect(writeRegister(bench.hart, 'minstret', 100n)).toBe(true);
    expect(writeRegister(bench.hart, 'mcycle', 2n ** 40n)).toBe(true);
    expect([readRegister(bench.hart, 'minstret'), readRegister(bench.hart, 'mcycle')]).toEqual([
      100n,
      2n ** 40n,
    ]);
    bench.run();
    expect([bench.x('a0'), bench.x('a1')]).toEqual([101n, 2n ** 40n + 2n]);
  });

  test('some cannot be set', async () => {
    const bench = await Bench.of('wfi', FULL);
    const names = ['zero', 'x0', 'mhartid', 'cycle', 'privilege', 'frob'];
    expect(names.map((name) => writeRegister(bench.hart, name, 5n))).toEqual(names.map(() => false));
    expect(readRegister(bench.hart, 'zero')).toBe(0n);
  });

  test('a floating-point register that is set is dirty, so that a guest saves it; where FS is Off it stays so', async () => {
    const bench = await Bench.of('csrr a0, mstatus\nfmv.x.d a1, fa0\nwfi', FULL);
    const [OFF, INITIAL, CLEAN, DIRTY] = [0n, 1n, 2n, 3n];
    for (const [before, after] of [
      [OFF, OFF],
      [INITIAL, DIRTY],
      [CLEAN, DIRTY],
      [DIRTY, DIRTY],
    ]) {
      writeRegister(bench.hart, 'mstatus', before << 13n);
      expect(writeRegister(bench.hart, 'a5', 1n)).toBe(true);
      expect(((readRegister(bench.hart, 'mstatus') ?? 0n) >> 13n) & 3n).toBe(before);
      expect(writeRegister(bench.hart, 'fa0', 0x1234n + before)).toBe(true);
      expect(((readRegister(bench.hart, 'mstatus') ?? 0n) >> 13n) & 3n).toBe(after);
      expect(readRegister(bench.hart, 'fa0')).toBe(0x1234n + before);
    }
    bench.run();
    // SD, and FS.
    expect([bench.x('a0') >> 63n, (bench.x('a0') >> 13n) & 3n, bench.x('a1')]).toEqual([1n, 3n, 0x1237n]);
  });
});
