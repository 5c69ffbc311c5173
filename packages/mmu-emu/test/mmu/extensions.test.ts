/** What QEMU leaves unshown of Svnapot, Svinval and the counters, by hand. */
import { describe, expect, it } from 'vitest';
import { EXIT_WFI } from '../../src/index.js';
import { Bench } from '../run-program.js';

const ROOT = 0x8008_0000;
const TRAPS = `
  .balign 4
  handler:
  csrr s0, mcause
  csrr s1, mtval
  wfi`;

async function run(source: string): Promise<Bench> {
  const bench = await Bench.of(source, { mode: 'full-system' });
  expect(bench.run(100_000)).toBe(EXIT_WFI);
  return bench;
}

describe('Svnapot', () => {
  /** Sv39 with 16 entries for the 64 KiB at 0x80090000, each with N set and `size` in its lowest four page-number bits. */
  const program = (size: number, body: string): string => `
    la t0, handler
    csrw mtvec, t0
    li t0, -1
    csrw pmpaddr0, t0
    csrwi pmpcfg0, 0x1f
    li t0, ${ROOT}
    li t1, ${(ROOT / 4096 + 1) * 1024 + 1}
    sd t1, 0(t0)
    li t0, ${ROOT + 0x1000}
    li t1, ${(ROOT / 4096 + 2) * 1024 + 1}
    sd t1, 0(t0)
    li t0, ${ROOT + 0x2000}
    li t1, ${(1n << 63n) | (BigInt(0x9_0000 / 4096 + size + 0x8_0000) << 10n) | 0xcfn}
    addi t2, t0, 128
    1: sd t1, 0(t0)
    addi t0, t0, 8
    bne t0, t2, 1b
    li a0, 0x80090000
    li t2, 0
    li t3, 16
    1: sd t2, 8(a0)
    li t1, 4096
    add a0, a0, t1
    addi t2, t2, 1
    bne t2, t3, 1b
    li t0, 8 << 60 | ${ROOT / 4096}
    csrw satp, t0
    sfence.vma
    li t0, 0x20800
    csrs mstatus, t0
    ${body}
    wfi
    ${TRAPS}`;

  it('takes the lowest four bits of the page from the address', async () => {
    const bench = await run(
      program(
        8,
        `li a0, 8
        li s2, 0
        li s3, 0
        1: ld a1, 0(a0)
        xor a1, a1, s2
        or s3, s3, a1
        li t1, 4096
        add a0, a0, t1
        addi s2, s2, 1
        li t1, 16
        bne s2, t1, 1b`,
      ),
    );
    expect([bench.x('s0'), bench.x('s2'), bench.x('s3')]).toEqual([0n, 16n, 0n]);
  });

  it('page-faults at every other size', async () => {
    for (const size of [0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15]) {
      const bench = await run(program(size, 'li a0, 0x3000\nld a1, 0(a0)'));
      expect([size, bench.x('s0'), bench.x('s1')]).toEqual([size, 13n, 0x3000n]);
    }
  });

  it('is forgotten whole by a fence for any of its addresses', async () => {
    const bench = await run(
      program(
        8,
        `li a0, 0x3008
        ld a1, 0(a0)
        li t0, 0x20000
        csrc mstatus, t0
        li t0, ${ROOT + 0x2000}
        sd zero, 24(t0)
        li t1, 0x9000
        sfence.vma t1
        li t0, 0x20000
        csrs mstatus, t0
        ld a2, 0(a0)`,
      ),
    );
    expect([bench.x('a1'), bench.x('s0'), bench.x('s1')]).toEqual([3n, 13n, 0x3008n]);
  });
});

describe('Svinval', () => {
  it.each([
    ['sfence.w.inval', 1, 9n],
    ['sfence.inval.ir', 1, 9n],
    ['sfence.w.inval', 0, 2n],
    ['sfence.inval.ir', 0, 2n],
    ['sinval.vma zero, zero', 0, 2n],
    ['sinval.vma zero, zero', 1, 2n],
  ] as const)('%s from privilege %i with TVM ends in %i', async (instruction, privilege, cause) => {
    const bench = await run(`
      la t0, handler
      csrw mtvec, t0
      li t0, -1
      csrw pmpaddr0, t0
      csrwi pmpcfg0, 0x1f
      li t0, ${(1 << 20) | (privilege << 11)}
      csrw mstatus, t0
      la t0, there
      csrw mepc, t0
      mret
      there: ${instruction}
      ecall
      ${TRAPS}`);
    expect(bench.x('s0')).toBe(cause);
  });
});

describe('mcountinhibit', () => {
  it('stops each counter after the instruction that says so, and lets it go on from there', async () => {
    const bench = await run(`
      csrwi mcountinhibit, 4   # instruction 0; minstret is 1 after it
      nop
      csrr a0, minstret
      csrr a1, mcycle          # 3 before it
      csrwi mcountinhibit, 1   # 4; mcycle is 5 after it, minstret goes on
      csrr a2, minstret
      csrr a3, mcycle
      csrr a4, minstret
      csrwi mcycle, 9
      csrr a5, mcycle
      csrwi mcountinhibit, 0
      csrr a6, mcycle
      wfi`);
    const values = ['a0', 'a1', 'a2', 'a3', 'a4', 'a5', 'a6'].map((name) => bench.x(name));
    expect(values).toEqual([1n, 3n, 1n, 5n, 3n, 9n, 9n]);
  });
});
