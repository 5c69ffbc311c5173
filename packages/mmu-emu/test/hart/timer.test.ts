import { describe, expect, it } from 'vitest';
import { EXIT_WFI, VirtualClock } from '../../src/index.js';
import type { Clock, MachineOptions } from '../../src/index.js';
import { Bench } from '../run-program.js';

/** One tick a nanosecond, one instruction a tick. */
const ticking = (): MachineOptions => ({
  mode: 'full-system',
  clock: new VirtualClock(),
  timebaseHz: 1e9,
});

const ENABLE = `
  li t0, -1
  csrw stimecmp, t0
  li t0, 1 << 63            # menvcfg.STCE
  csrw menvcfg, t0
  la t0, handler
  csrw mtvec, t0
  li t0, 0x20
  csrw mie, t0
`;

const HANDLER = `
  .balign 4
  handler:
  csrr s0, mcause
  csrr s1, mepc
  csrr s2, time
  csrr s3, mip
  li t3, -1
  csrw stimecmp, t3
  csrr s4, mip
  csrw mie, zero
  wfi
`;

async function runToWfi(source: string, options: MachineOptions = ticking()): Promise<Bench> {
  const bench = await Bench.of(source, options);
  expect(bench.run(100_000)).toBe(EXIT_WFI);
  return bench;
}

const TIMER_CAUSE = (1n << 63n) | 5n;

describe('stimecmp', () => {
  it.each([1, 2, 3, 17, 100, 1000, 40_000])(
    'interrupts at the instruction at which time reaches it, %i later',
    async (distance) => {
      const bench = await runToWfi(`${ENABLE}
        csrsi mstatus, 8
        li t2, ${distance}
        csrr t0, time
        add t1, t0, t2
        csrw stimecmp, t1
        1: addi a0, a0, 1
        j 1b
        ${HANDLER}`);
      expect(bench.x('s0')).toBe(TIMER_CAUSE);
      // The csrr of the handler is the third instruction after the interrupt; one too short for the write to be in
      // time is taken after it.
      const first = bench.x('t0') + 3n;
      const due = bench.x('t1') > first ? bench.x('t1') : first;
      expect(bench.x('s2')).toBe(due + 2n);
      expect([bench.x('s3') & 0x20n, bench.x('s4') & 0x20n]).toEqual([0x20n, 0n]);
    },
  );

  it('ends a wfi: a clock that can skips to it', async () => {
    const clock = new VirtualClock();
    const bench = await runToWfi(
      `${ENABLE}
      csrsi mstatus, 8
      li t1, 123456
      csrw stimecmp, t1
      wfi
      after: nop
      ${HANDLER}`,
      { mode: 'full-system', clock, timebaseHz: 1e7 },
    );
    expect([bench.x('s0'), bench.x('s1')]).toEqual([TIMER_CAUSE, bench.symbol('after')]);
    expect(bench.x('s2')).toBe(123_456n);
    expect(clock.now()).toBeGreaterThanOrEqual(12_345_600);
    expect(clock.now()).toBeLessThan(12_345_700);
  });

  it('is waited for by the host where the clock does not skip', async () => {
    let now = 0;
    const clock: Clock = { now: () => now, retire: () => undefined, skipTo: () => false };
    const bench = await Bench.of(
      `${ENABLE}\ncsrsi mstatus, 8\nli t1, 5000\ncsrw stimecmp, t1\nwfi\nnop\n${HANDLER}`,
      { mode: 'full-system', clock, timebaseHz: 1e9 },
    );
    expect(bench.run(1000)).toBe(EXIT_WFI);
    expect(bench.run(1000)).toBe(EXIT_WFI);
    expect(bench.x('s0')).toBe(0n);
    now = 5000;
    expect(bench.run(1000)).toBe(EXIT_WFI);
    expect([bench.x('s0'), bench.x('s2')]).toEqual([TIMER_CAUSE, 5000n]);
  });

  it('makes mip.STIP read-only while menvcfg.STCE is set, and only then', async () => {
    const bench = await runToWfi(`
      li t0, -1
      csrw stimecmp, t0
      csrw mip, t0
      csrr a0, mip
      csrw mip, zero
      csrr a1, mip
      li t1, 1 << 63
      csrw menvcfg, t1
      csrw mip, t0
      csrr a2, mip
      csrw stimecmp, zero
      csrr a3, mip
      csrw mip, zero
      csrr a4, mip
      csrr a5, sip
      csrw mideleg, t0
      csrr a6, sip
      wfi`);
    const values = ['a0', 'a1', 'a2', 'a3', 'a4', 'a5', 'a6'].map((name) => bench.x(name));
    expect(values).toEqual([0x222n, 0n, 0x202n, 0x222n, 0x20n, 0n, 0x20n]);
  });

  it.each([
    [0n, 2, true],
    [1n << 63n, 0, true],
    [1n << 63n, 2, false],
  ])(
    'is the supervisor’s with menvcfg %x and mcounteren %i: illegal %s',
    async (menvcfg, counters, illegal) => {
      const bench = await runToWfi(`
      la t0, report
      csrw mtvec, t0
      li t0, -1
      csrw pmpaddr0, t0
      csrwi pmpcfg0, 0x1f
      li t0, ${menvcfg}
      csrw menvcfg, t0
      li t0, ${counters}
      csrw mcounteren, t0
      li t0, 0x800
      csrw mstatus, t0
      la t0, supervisor
      csrw mepc, t0
      mret
      supervisor: csrw stimecmp, t0
      ecall
      .balign 4
      report: csrr s0, mcause
      wfi`);
      expect(bench.x('s0')).toBe(illegal ? 2n : 9n);
    },
  );
});

describe('mip.SEIP', () => {
  it('is what software wrote or the pin, and setting other bits does not take the pin for software', async () => {
    const bench = await Bench.of(
      `csrr a0, mip
      csrsi mip, 2
      csrr a1, mip
      wfi
      csrr a2, mip
      li t0, 0x200
      csrs mip, t0
      csrr a3, mip
      csrc mip, t0
      csrr a4, mip
      wfi`,
      ticking(),
    );
    const { hart } = bench;
    hart.setInterruptPending(0x200, true);
    expect(bench.run(100)).toBe(EXIT_WFI);
    expect([bench.x('a0'), bench.x('a1')]).toEqual([0x200n, 0x202n]);
    hart.setInterruptPending(0x200, false);
    expect(bench.run(100)).toBe(EXIT_WFI);
    expect([bench.x('a2'), bench.x('a3'), bench.x('a4')]).toEqual([0n, 0n, 0n]);
  });
});
