/** What a guest can do to make no progress: the run ends all the same. */

import { expect, test } from 'vitest';
import { CLINT_BASE, EXIT_BUDGET, EXIT_WFI, makeClint, VirtualClock } from '../../src/index.js';
import { Random } from '../qemu/random.js';
import { Bench } from '../run-program.js';

test('a handler that only traps waits, also while an interrupt is pending that it does not let through', async () => {
  const bench = await Bench.of(
    `
      li t0, 0x1000             # nothing is there
      csrw mtvec, t0
      li t0, 8
      csrw mie, t0
      li t0, ${CLINT_BASE}
      li t1, 1
      sw t1, 0(t0)              # a software interrupt of its own, with mstatus.MIE clear
      ecall
    `,
    { mode: 'full-system', devices: makeClint() },
  );
  expect(bench.machine.run(1000)).toBe(EXIT_WFI);
  expect(bench.machine.retired).toBeGreaterThan(5);
  expect(bench.machine.run(1000)).toBe(EXIT_WFI);
  expect([bench.machine.retired, bench.pc]).toEqual([0, 0x1000n]);
});

test('a deadline that no clock reaches exactly never comes', async () => {
  const bench = await Bench.of(
    `
      li t0, ${CLINT_BASE + 0x4000}
      li t1, ${2n ** 50n}       # ticks of 100 ns: 2^53 ns are 104 days
      sd t1, 0(t0)
      li t2, 0x80
      csrw mie, t2
      wfi
    `,
    { mode: 'full-system', devices: makeClint() },
  );
  expect([bench.machine.run(1000), bench.machine.run(1000), bench.machine.nextDeadline]).toEqual([
    EXIT_WFI,
    EXIT_WFI,
    Infinity,
  ]);
});

test('an interrupt comes at the same instruction however a run is cut, with fractions of nanoseconds too', async () => {
  const finish = async (seed: number): Promise<bigint[]> => {
    const bench = await Bench.of(
      `
        la t0, handler
        csrw mtvec, t0
        li s0, ${CLINT_BASE + 0x4000}
        li s1, ${CLINT_BASE + 0xbff8}
        li t0, 0x80
        csrw mie, t0
        sd zero, 0(s0)
        csrsi mstatus, 8
     1: addi a0, a0, 1
        j 1b
        .balign 4
      handler:
        slli a1, a1, 5
        xor a1, a1, a0
        csrr t0, mepc
        xor a1, a1, t0
        ld t0, 0(s1)
        addi t0, t0, 3
        sd t0, 0(s0)
        mret
      `,
      {
        mode: 'full-system',
        devices: makeClint(),
        clock: new VirtualClock({ nanosecondsPerInstruction: 0.7 }),
      },
    );
    const random = new Random(seed);
    for (let left = 20_000; left > 0; left -= bench.machine.retired) {
      expect(bench.machine.run(Math.min(left, 1 + random.below(500)))).toBe(EXIT_BUDGET);
    }
    return [bench.x('a0'), bench.x('a1'), bench.pc];
  };
  const expected = await finish(0);
  for (let seed = 1; seed < 8; seed++) expect(await finish(seed)).toEqual(expected);
});
