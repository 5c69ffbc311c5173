/** What the tests of full-system mode are put together from. */
import { expect } from 'vitest';
import { EXIT_WFI } from '../../src/index.js';
import type { MachineOptions } from '../../src/index.js';
import { Bench } from '../run-program.js';

export const FULL: MachineOptions = { mode: 'full-system' };

/** Runs machine-mode code that ends in wfi. */
export async function runToWfi(source: string, options: MachineOptions = {}): Promise<Bench> {
  const bench = await Bench.of(source, { ...FULL, ...options });
  expect(bench.run()).toBe(EXIT_WFI);
  return bench;
}

/** A handler that keeps what it was told and waits. */
export const REPORT = `
  .balign 4
report:
  csrr s0, mcause
  csrr s1, mepc
  csrr s2, mtval
  csrr s3, mstatus
  csrw mie, zero
  wfi
  .balign 4
supervisor_report:
  csrr s0, scause
  csrr s1, sepc
  csrr s2, stval
  csrr s3, sstatus
  li s4, 1
  j .
`;

/** Sets mtvec and stvec, and lets supervisor and user reach all of memory. */
export const SET_UP = `
  li t0, -1
  csrw pmpaddr0, t0
  csrwi pmpcfg0, 0x1f
  la t0, report
  csrw mtvec, t0
  la t0, supervisor_report
  csrw stvec, t0
`;

/** Goes to a label in supervisor (1) or user (0) mode. */
export const drop = (privilege: 0 | 1, label: string): string => `
  li t0, 0x1800
  csrc mstatus, t0
  li t0, ${privilege << 11}
  csrs mstatus, t0
  la t0, ${label}
  csrw mepc, t0
  mret
`;
