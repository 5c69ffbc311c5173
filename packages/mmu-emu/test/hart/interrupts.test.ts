/** Which of several interrupts a hart takes. */
import { describe, expect, it } from 'vitest';
import { EXIT_WFI } from '../../src/index.js';
import type { Device } from '../../src/index.js';
import { Bench } from '../run-program.js';

/** "Machine Interrupt (mip and mie) Registers": MEI, MSI, MTI, SEI, SSI, STI. */
const ORDER = [11, 3, 7, 9, 1, 5];
const SUPERVISOR = 0x222;
const PAIRS = ORDER.flatMap((first, index) =>
  ORDER.slice(index + 1).map((second) => [first, second] as const),
);
const RAISER = 0x1000_0000;

/** A device that raises the interrupts that are written to it. */
function raiser(): Device {
  let raise: (mask: number) => void = () => undefined;
  return {
    name: 'raiser',
    base: RAISER,
    bytes: 8,
    attach: (host) => (raise = (mask) => host.setInterrupts(0, mask, true)),
    load: () => 0,
    store: (_offset, _width, value) => raise(Number(value)),
    save: () => undefined,
    restore: () => undefined,
  };
}

/** Raises interrupts with all of them enabled, some delegated, and lets a mode take one: who took it, and its number. */
async function taken(
  pending: number,
  delegated: number,
  mode: 'M' | 'U',
): Promise<readonly [string, number]> {
  const bench = await Bench.of(
    `
    li t0, -1
    csrw pmpaddr0, t0
    csrwi pmpcfg0, 0x1f
    la t0, machine
    csrw mtvec, t0
    la t0, supervisor
    csrw stvec, t0
    li t0, ${RAISER}
    li t1, ${pending & ~SUPERVISOR}
    sd t1, 0(t0)
    li t0, ${pending & SUPERVISOR}
    csrw mip, t0
    li t0, ${delegated}
    csrw mideleg, t0
    li t0, 0xaaa
    csrw mie, t0
    li t0, 0x1800
    csrc mstatus, t0
    li t0, ${mode === 'M' ? 0x1800 : 0} | 0x80
    csrs mstatus, t0
    la t0, here
    csrw mepc, t0
    mret
    here: j here
    .balign 4
    machine: csrr a0, mcause
    li a1, 3
    csrw mie, zero
    1: wfi
    j 1b
    .balign 4
    supervisor: csrr a0, scause
    li a1, 1
    csrw sie, zero
    1: wfi
    j 1b`,
    { mode: 'full-system', devices: [raiser()] },
  );
  expect([EXIT_WFI, 0]).toContain(bench.run(200));
  expect(bench.x('a0') >> 63n).toBe(1n);
  return [bench.x('a1') === 3n ? 'M' : 'S', Number(bench.x('a0') & 0xffn)];
}

describe('of two interrupts', () => {
  it.each(PAIRS)('machine mode takes %i before %i', async (first, second) => {
    expect(await taken((1 << first) | (1 << second), 0, 'M')).toEqual(['M', first]);
    expect(await taken((1 << first) | (1 << second), 0, 'U')).toEqual(['M', first]);
  });

  it.each(PAIRS.filter(([first]) => ((1 << first) & SUPERVISOR) !== 0))(
    'the supervisor takes %i before %i',
    async (first, second) => {
      expect(await taken((1 << first) | (1 << second), SUPERVISOR, 'U')).toEqual(['S', first]);
    },
  );

  it.each(PAIRS.filter(([first]) => ((1 << first) & SUPERVISOR) !== 0))(
    'what is not delegated goes before what is: %i and %i',
    async (first, second) => {
      const pending = (1 << first) | (1 << second);
      expect(await taken(pending, 1 << first, 'U')).toEqual(['M', second]);
      expect(await taken(pending, 1 << second, 'M')).toEqual(['M', first]);
    },
  );
});
