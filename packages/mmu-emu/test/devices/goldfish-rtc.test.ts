import { describe, expect, test } from 'vitest';
import { EXIT_WFI, GoldfishRtc, Plic, PLIC_BASE, RTC_BASE, VirtualClock } from '../../src/index.js';
import { Bench } from '../run-program.js';

const EPOCH = 0x18d0_0000_ffff_fff0n;

describe('the real-time clock', () => {
  test('gives nanoseconds since 1970: the low half first, the high half as it was then', async () => {
    const bench = await Bench.of(
      `li s0, ${RTC_BASE}
      lwu a0, 0(s0)
      .rept
      lwu a1, 4(s0)
      lwu a2, 0(s0)
      lwu a3, 4(s0)
      wfi`.replace('.rept', 'nop\n'.repeat(20)),
      { mode: 'full-system', devices: [new GoldfishRtc({ epoch: EPOCH })] },
    );
    bench.machine.run(100);
    const first = (bench.x('a1') << 32n) | bench.x('a0');
    const second = (bench.x('a3') << 32n) | bench.x('a2');
    expect(first - EPOCH).toBeLessThan(10n);
    expect(first).toBeGreaterThanOrEqual(EPOCH);
    expect(second - first).toBe(22n);
    expect(bench.x('a3')).toBe(0x18d0_0001n);
  });

  test('is set by the high half, then the low one', () => {
    const rtc = new GoldfishRtc({ epoch: EPOCH });
    rtc.store(4, 4, 5n);
    rtc.store(0, 4, 7n);
    expect([rtc.load(0, 4), rtc.load(4, 4), rtc.load(0, 8)]).toEqual([7, 5, 0]);
  });

  test('rings at its alarm, at the nanosecond, and is silent when it is not enabled or cleared', async () => {
    const plic = new Plic();
    const clock = new VirtualClock();
    const rtc = new GoldfishRtc({ epoch: EPOCH, interrupt: plic.line(11) });
    const bench = await Bench.of(
      `li s0, ${RTC_BASE}
      li s1, ${PLIC_BASE}
      li t0, 1
      sw t0, 44(s1)
      li t1, ${PLIC_BASE + 0x2000}
      li t0, 2048
      sw t0, 0(t1)
      csrw mie, t0
      li t0, 0x18d00001
      sw t0, 12(s0)
      li t0, 0x1000
      sw t0, 8(s0)
      li t0, 1
      sw t0, 16(s0)
      lw a0, 24(s0)
      wfi
      csrr a1, mip
      lw a2, 24(s0)
      sw zero, 16(s0)
      csrr a3, mip
      sw t0, 16(s0)
      csrr a4, mip
      sw t0, 28(s0)
      csrr a5, mip
      lw a6, 8(s0)
      lw a7, 12(s0)
      wfi`,
      { mode: 'full-system', clock, devices: [rtc, plic] },
    );
    expect(bench.machine.run(1000)).toBe(EXIT_WFI);
    expect(clock.now()).toBeGreaterThanOrEqual(0x1010);
    expect(clock.now()).toBeLessThan(0x1020);
    expect(['a0', 'a1', 'a2', 'a3', 'a4', 'a5'].map((name) => bench.x(name))).toEqual([
      1n,
      0x800n,
      0n,
      0n,
      0x800n,
      0n,
    ]);
    expect([bench.x('a6'), bench.x('a7')]).toEqual([0x1000n, 0x18d0_0001n]);
  });

  test('an alarm that is taken back does not ring', async () => {
    const levels: boolean[] = [];
    const clock = new VirtualClock();
    const rtc = new GoldfishRtc({ epoch: 0n, interrupt: (raised) => levels.push(raised) });
    const bench = await Bench.of(
      `li s0, ${RTC_BASE}\nli t0, 1\nsw t0, 16(s0)\nsw zero, 12(s0)\nli t1, 5000\nsw t1, 8(s0)\nsw t0, 20(s0)\nwfi`,
      { mode: 'full-system', clock, devices: [rtc] },
    );
    expect(bench.machine.run(10_000)).toBe(EXIT_WFI);
    expect(levels.includes(true)).toBe(false);
    expect(rtc.load(0x18, 4)).toBe(0);
  });
});
