import { describe, expect, test } from 'vitest';
import {
  AclintMswi,
  AclintMtimer,
  AclintSswi,
  CLINT_BASE,
  EXIT_BUDGET,
  EXIT_WFI,
  makeClint,
  VirtualClock,
} from '../../src/index.js';
import type { Clock, MachineOptions } from '../../src/index.js';
import { Bench } from '../run-program.js';

const options = (more: MachineOptions = {}): MachineOptions => ({
  mode: 'full-system',
  devices: makeClint(),
  ...more,
});

/** Arms the timer of hart 0 to 1,000 ticks from now and counts until it interrupts; then counts again, once. */
const TIMER = `
  la t0, handler
  csrw mtvec, t0
  li s0, ${CLINT_BASE}
  li s1, ${CLINT_BASE + 0x4000}
  li t0, 0x80
  csrw mie, t0
  li t1, ${CLINT_BASE + 0xbff8}
  ld s2, 0(t1)
  addi t2, s2, 1000
  sd t2, 0(s1)
  csrsi mstatus, 8
1: addi s3, s3, 1
  j 1b
  .balign 4
handler:
  csrr s4, time
  csrr s5, mcause
  csrr s6, mip
  li t0, -1
  sd t0, 0(s1)
  csrr s7, mip
  csrw mie, zero
  wfi
`;

describe('the timer', () => {
  test.each(['interpreter', 'auto', 'translator'] as const)(
    'interrupts at the instruction at which time reaches mtimecmp (%s)',
    async (engine) => {
      // A tick is 100 instructions of a nanosecond.
      const bench = await Bench.of(TIMER, options({ engine }));
      expect(bench.machine.run(200_000)).toBe(EXIT_WFI);
      expect(bench.x('s5')).toBe((1n << 63n) | 7n);
      expect(bench.x('s4') - bench.x('s2')).toBe(1000n);
      // Two instructions a round; those before the loop belong to the same thousand ticks.
      expect(Number(bench.x('s3'))).toBeGreaterThan(49_940);
      expect(Number(bench.x('s3'))).toBeLessThanOrEqual(50_000);
      expect([bench.x('s6'), bench.x('s7')]).toEqual([0x80n, 0n]);
    },
  );

  test('the same when the run is cut into pieces', async () => {
    const whole = await Bench.of(TIMER, options());
    const pieces = await Bench.of(TIMER, options());
    whole.machine.run(200_000);
    for (let i = 0; i < 30_000 && pieces.machine.run(7) === EXIT_BUDGET; i++);
    expect(pieces.x('s3')).toBe(whole.x('s3'));
    expect(pieces.x('s4')).toBe(whole.x('s4'));
  });

  test('mtime moves within a slice, and is the time CSR', async () => {
    const bench = await Bench.of(
      `li s0, ${CLINT_BASE + 0xbff8}
      ld a0, 0(s0)
      li t0, 1000
   1: addi t0, t0, -1
      bnez t0, 1b
      ld a1, 0(s0)
      csrr a2, time
      lw a3, 0(s0)
      lw a4, 4(s0)
      lhu a5, 2(s0)
      wfi`,
      options({ clock: new VirtualClock({ start: 2 ** 43 }), timebaseHz: 1_000_000_000 }),
    );
    bench.machine.run(10_000);
    expect(bench.x('a0')).toBe(2n ** 43n + 2n);
    expect(bench.x('a1') - bench.x('a0')).toBe(2002n);
    expect(bench.x('a2') - bench.x('a1')).toBe(1n);
    expect([bench.x('a3'), bench.x('a4'), bench.x('a5')]).toEqual([2006n, 2048n, 0n]);
  });

  test('while every hart waits the clock skips to the deadline', async () => {
    const clock = new VirtualClock();
    const bench = await Bench.of(
      `li s1, ${CLINT_BASE + 0x4000}
      li t0, 0x80
      csrw mie, t0
      li t1, 5000000
      sd t1, 0(s1)
      wfi
      csrr a0, time
      li t1, -1
      sd t1, 0(s1)
      wfi`,
      options({ clock, timebaseHz: 1000 }),
    );
    expect(bench.machine.run(1000)).toBe(EXIT_WFI);
    expect(bench.x('a0')).toBe(5_000_000n);
    expect(clock.now()).toBeLessThan(5_000_000_000_100);
    expect(bench.machine.nextDeadline).toBe(Infinity);
  });

  test('with a clock that does not skip, the host is told when to go on', async () => {
    let now = 0;
    const clock: Clock = { now: () => now, retire: () => undefined, skipTo: () => false };
    const source = `li s1, ${CLINT_BASE + 0x4000}\nli t0, 0x80\ncsrw mie, t0\nli t1, 7\nsd t1, 0(s1)\nwfi\nli a0, 1\ncsrw mie, zero\nwfi`;
    const bench = await Bench.of(source, options({ clock, timebaseHz: 1_000_000 }));
    expect(bench.machine.run(1000)).toBe(EXIT_WFI);
    expect(bench.machine.nextDeadline).toBe(7000);
    now = 6999;
    expect(bench.machine.run(1000)).toBe(EXIT_WFI);
    expect(bench.x('a0')).toBe(0n);
    now = 7000;
    bench.machine.run(1000);
    expect(bench.x('a0')).toBe(1n);
  });

  test('setting mtime moves the time CSR, and the comparison is made again', async () => {
    const bench = await Bench.of(
      `li s0, ${CLINT_BASE + 0xbff8}
      li s1, ${CLINT_BASE + 0x4000}
      li t0, 0x123456789
      sd t0, 0(s1)
      csrr a0, mip
      sd t0, 0(s0)
      csrr a1, mip
      csrr a2, time
      sw zero, 4(s0)
      csrr a3, mip
      csrr a4, time
      lw a5, 4(s1)
      sw zero, 4(s1)
      csrr a6, mip
      wfi`,
      options(),
    );
    bench.machine.run(1000);
    expect(['a0', 'a1', 'a2', 'a3', 'a4', 'a5', 'a6'].map((name) => bench.x(name))).toEqual([
      0n,
      0x80n,
      0x1_2345_6789n,
      0n,
      0x2345_6789n,
      1n,
      0x80n,
    ]);
  });

  test('a timebase that no nanosecond divides never interrupts early', async () => {
    const bench = await Bench.of(TIMER, options({ timebaseHz: 32_768 }));
    expect(bench.machine.run(50_000_000)).toBe(EXIT_WFI);
    expect(bench.x('s4') - bench.x('s2')).toBe(1000n);
  });
});

describe('software interrupts', () => {
  test('msip keeps bit 0 and shows it in mip; harts that are not there read zero', async () => {
    const bench = await Bench.of(
      `li s0, ${CLINT_BASE}
      li t0, -1
      sw t0, 0(s0)
      lw a0, 0(s0)
      csrr a1, mip
      sd t0, 8(s0)
      lw a2, 8(s0)
      sw zero, 0(s0)
      csrr a3, mip
      wfi`,
      options(),
    );
    bench.machine.run(1000);
    expect(['a0', 'a1', 'a2', 'a3'].map((name) => bench.x(name))).toEqual([1n, 8n, 0n, 0n]);
  });

  test('the ACLINT layout: MSWI, MTIMER and SSWI wherever they are put', async () => {
    const bench = await Bench.of(
      `li s0, 0x2100000
      li t0, 1
      sw t0, 0(s0)
      csrr a0, mip
      sw zero, 0(s0)
      li s1, 0x2200000
      sw t0, 0(s1)
      lw a1, 0(s1)
      csrr a2, mip
      sw zero, 0(s1)
      csrr a3, mip
      csrci mip, 2
      li s2, 0x2300000
      sd zero, 8(s2)
      csrr a4, mip
      ld a5, 0(s2)
      wfi`,
      {
        mode: 'full-system',
        devices: [
          new AclintMswi(0x210_0000),
          new AclintSswi(0x220_0000),
          ...new AclintMtimer(0x230_0000, 0x230_0008).devices,
        ],
      },
    );
    bench.machine.run(1000);
    expect(['a0', 'a1', 'a2', 'a3', 'a4', 'a5'].map((name) => bench.x(name))).toEqual([
      8n,
      0n,
      2n,
      2n,
      0x80n,
      0n,
    ]);
  });
});
