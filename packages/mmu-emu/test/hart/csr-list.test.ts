/** Control and status registers against the list of riscv-opcodes. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { EXIT_WFI } from '../../src/index.js';
import { csrByName, csrName } from '../../src/assembler/csr-names.js';
import { Bench } from '../run-program.js';

const LIST = new Map(
  readFileSync(new URL('../data/riscv-opcodes/csrs.csv', import.meta.url), 'utf8')
    .trim()
    .split('\n')
    .map((line) => {
      const [number = '', name = ''] = line.split(',').map((part) => part.trim().replaceAll('"', ''));
      return [Number(number), name] as const;
    }),
);

/** Families: the first and last number of those that exist. */
const EXISTING = [
  [0x001, 0x003], // fflags, frm, fcsr
  [0x100, 0x100], [0x104, 0x106], [0x10a, 0x10a], // sstatus, sie, stvec, scounteren, senvcfg
  [0x140, 0x144], [0x14d, 0x14d], [0x180, 0x180], // sscratch to sip, stimecmp, satp
  [0x300, 0x306], [0x30a, 0x30a], [0x320, 0x320], // mstatus to mcounteren, menvcfg, mcountinhibit
  [0x323, 0x33f], [0x340, 0x344], // mhpmevent3 to 31, mscratch to mip
  [0x3a0, 0x3a0], [0x3a2, 0x3a2], [0x3b0, 0x3bf], // pmpcfg0, pmpcfg2, pmpaddr0 to 15
  [0xb00, 0xb00], [0xb02, 0xb1f], // mcycle, minstret, mhpmcounter3 to 31
  [0xc00, 0xc1f], // cycle, time, instret, hpmcounter3 to 31
  [0xf11, 0xf15], // mvendorid to mconfigptr
] as const; // prettier-ignore
const exists = (csr: number): boolean => EXISTING.some(([first, last]) => csr >= first && csr <= last);

describe('control and status registers', () => {
  it('have the names of riscv-opcodes, where they have one', () => {
    const missing: string[] = [];
    for (let csr = 0; csr < 4096; csr++) {
      if (exists(csr)) expect(csrName(csr), csr.toString(16)).toBe(LIST.get(csr));
      const name = csrName(csr);
      if (!name.startsWith('0x') && csrByName(name) !== csr) missing.push(name);
    }
    expect(missing).toEqual([]);
  });

  it('exist for machine mode, or raise an illegal instruction: all 4096 of them', async () => {
    const bench = await Bench.of(
      `la t0, handler
      csrw mtvec, t0
      li t0, 0x2000            # floating point is on
      csrs mstatus, t0
      la s0, there
      li s1, 0x2573            # csrrs a0, csr, zero, without the number
      li s2, 0
      li s3, 4096
      la s4, results
      1: slli t0, s2, 20
      or t0, t0, s1
      sw t0, 0(s0)
      fence.i
      li s5, 1
      there: .word 0
      sb s5, 0(s4)
      addi s4, s4, 1
      addi s2, s2, 1
      bne s2, s3, 1b
      wfi
      .balign 4
      handler: csrr s5, mcause
      csrr t1, mepc
      addi t1, t1, 4
      csrw mepc, t1
      mret
      results: .zero 4096`,
      { mode: 'full-system' },
    );
    expect(bench.run(1_000_000)).toBe(EXIT_WFI);
    const view = bench.machine.ram.readable(0, 4);
    const start = Number(bench.symbol('results') - 0x8000_0000n);
    const wrong: string[] = [];
    for (let csr = 0; csr < 4096; csr++) {
      if (view[start + csr] !== (exists(csr) ? 1 : 2)) wrong.push(csrName(csr));
    }
    expect(wrong).toEqual([]);
  });
});
