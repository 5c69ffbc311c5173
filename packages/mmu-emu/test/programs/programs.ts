/**
 * Self-checking programs in the form of the public conformance suites: gp is the number of the test that runs, and what is
 * written to `tohost` says how it ended. They end by the test finisher too, so that other machines can run them.
 */

interface Check {
  readonly code: string;
  /** What t5 is then. */
  readonly expected: bigint;
}

const check = (code: string, expected: bigint): Check => ({ code, expected });
const ONE_SINGLE = 0x3f80_0000n;
const ONE_DOUBLE = 0x3ff0_0000_0000_0000n;

/** By row of what the machine supports. */
const CHECKS: Readonly<Record<string, readonly Check[]>> = {
  I: [
    check('li t0, -1\nsrliw t5, t0, 4', 0x0fff_ffffn),
    check('li t0, 0x80000000\nsraw t5, t0, x0', -0x8000_0000n),
    check('la t0, word\nli t1, 0x8182838485868788\nsd t1, 0(t0)\nlh t5, 2(t0)', -0x7a7an),
    check('la t0, word\nlwu t5, 3(t0)', 0x8283_8485n),
  ],
  M: [
    check('li t0, -7\nli t1, 2\nrem t5, t0, t1', -1n),
    check('li t0, 5\ndivu t5, t0, x0', -1n),
    check('li t0, -1\nmulhu t5, t0, t0', -2n),
  ],
  A: [
    check('la t0, word\nli t1, -5\nsw t1, 0(t0)\nli t2, 3\namomaxu.w t3, t2, (t0)\nlw t5, 0(t0)', -5n),
    check('la t0, word\nlr.d t1, (t0)\nsc.d t5, t1, (t0)', 0n),
    check('la t0, word\nsc.d t5, t1, (t0)', 1n),
  ],
  F: [
    check(`li t0, ${ONE_SINGLE}\nfmv.w.x f0, t0\nfadd.s f1, f0, f0\nfmv.x.w t5, f1`, 0x4000_0000n),
    check('fmv.w.x f0, x0\nfdiv.s f1, f0, f0\nfmv.x.w t5, f1', 0x7fc0_0000n),
    check('fsflagsi 0\nfmv.w.x f0, x0\nfdiv.s f1, f0, f0\nfrflags t5', 16n),
  ],
  D: [
    check(`li t0, ${ONE_DOUBLE}\nfmv.d.x f0, t0\nfmadd.d f1, f0, f0, f0\nfmv.x.d t5, f1`, 0x4000_0000_0000_0000n),
    check('li t0, -3\nfcvt.d.l f0, t0\nfcvt.wu.d t5, f0, rtz', 0n),
  ],
  C: [check('li a0, 31\nc.slli a0, 2\nc.addi a0, -4\nmv t5, a0', 120n)],
  Zba: [check('li t0, 3\nli t1, 100\nsh3add t5, t0, t1', 124n)],
  Zbb: [
    check('li t0, 0x00f0\nclz t5, t0', 56n),
    check('li t0, 0x0102030405060708\nrev8 t5, t0', 0x0807_0605_0403_0201n),
    check('li t0, 0x00ff0000001200\norc.b t5, t0', 0x00_ff00_0000_ff00n),
  ],
  Zbc: [check('li t0, 7\nli t1, 5\nclmul t5, t0, t1', 27n)],
  Zbs: [check('li t0, 0\nbseti t5, t0, 63', -0x8000_0000_0000_0000n)],
  Zicond: [check('li t0, 9\nczero.eqz t5, t0, x0', 0n), check('li t0, 9\nczero.nez t5, t0, x0', 9n)],
  Zfa: [check('fli.d f0, 2.5\nfround.d f1, f0, rne\nfcvt.l.d t5, f1', 2n)],
  Zfhmin: [check('li t0, 0x3c00\nfmv.h.x f0, t0\nfcvt.s.h f1, f0\nfmv.x.w t5, f1', ONE_SINGLE)],
  Zicboz: [check('la t0, block\nli t1, -1\nsd t1, 8(t0)\ncbo.zero (t0)\nld t5, 8(t0)', 0n)],
  'Zimop and Zcb': [
    check('li t5, 5\nmop.r.3 t5, t5', 0n),
    check('li a0, -1\nc.zext.b a0\nmv t5, a0', 255n),
  ],
  privileged: [
    // An exception of machine mode, and of user mode with and without delegation: cause and where it was taken.
    check('li s11, 0\n.word 0\nmv t5, s11', 2n),
    check('la t0, 1f\ncsrw mepc, t0\nli t0, 0x1800\ncsrc mstatus, t0\nli s11, 0\nmret\n1: ecall\nmv t5, s11', 8n),
    check('csrw mscratch, t0\ncsrr t5, mscratch\nsub t5, t5, t0', 0n),
    check('li t0, 0x1000\ncsrs mstatus, t0\nli t0, 0x800\ncsrc mstatus, t0\ncsrr t5, misa\nsrli t5, t5, 62', 2n),
  ],
  'memory management': [
    // A page of a gigabyte, read as a supervisor does; then one that is not there.
    check(`la t0, table\nli t1, (0x80000000 >> 2) | 0xcf\nsd t1, 16(t0)
      srli t1, t0, 12\nli t2, 8 << 60\nor t1, t1, t2\ncsrw satp, t1\nsfence.vma
      la t3, word\nli t1, 77\nsd t1, 0(t3)
      li t1, 0x1800\ncsrc mstatus, t1\nli t1, 0x20800\ncsrs mstatus, t1\nld t5, 0(t3)\nli t1, 0x20000\ncsrc mstatus, t1`, 77n),
    check('li t1, 0x1800\ncsrc mstatus, t1\nli t1, 0x20800\ncsrs mstatus, t1\nli t3, 0xc0000000\nli s11, 0\nld t5, 0(t3)\nmv t5, s11', 13n),
  ],
  'devices and harts': [
    check('csrr t5, mhartid', 0n),
    // The software interrupt of the CLINT, the comparator of its timer, and a serial port that is ready to send.
    check('li t0, 0x2000000\nli t1, 1\nsw t1, 0(t0)\ncsrr t5, mip\nandi t5, t5, 8\nsw x0, 0(t0)', 8n),
    check('li t0, 0x2004000\nsd x0, 0(t0)\ncsrr t5, mip\nandi t5, t5, 128\nli t1, -1\nsd t1, 0(t0)', 128n),
    check('li t0, 0x10000000\nlbu t5, 5(t0)\nandi t5, t5, 0x60', 0x60n),
    check('li t0, 0xc000000\nli t1, 5\nsw t1, 40(t0)\nlw t5, 40(t0)', 5n),
  ],
}; // prettier-ignore

export const PROGRAMS: readonly string[] = Object.keys(CHECKS);

/** The assembly of a program, with one of its tests made to fail if asked for. */
export function programSource(name: string, failing?: number): string {
  const tests = CHECKS[name].map(
    ({ code, expected }, index) => `
    li gp, ${index + 1}
    ${code.replaceAll('\n', '\n    ')}
    li t6, ${index + 1 === failing ? expected + 1n : expected}
    bne t5, t6, fail`,
  );
  return `
  la t0, trap
  csrw mtvec, t0
  li t0, 0x6000
  csrs mstatus, t0
  li t0, -1
  csrw pmpaddr0, t0
  li t0, 0x1f
  csrw pmpcfg0, t0
  ${tests.join('')}
  li t0, 1
  li t1, 0x5555
  j end
fail:
  slli t0, gp, 1
  ori t0, t0, 1
  slli t1, gp, 16
  li t2, 0x3333
  or t1, t1, t2
end:
  la t2, tohost
  sd t0, 0(t2)
  li t2, 0x100000
  sw t1, 0(t2)
1: j 1b
  # Notes the cause in s11 and goes on behind the instruction, in machine mode. All instructions that trap here have four bytes.
  .balign 4
trap:
  csrr s11, mcause
  csrr t6, mepc
  addi t6, t6, 4
  csrw mepc, t6
  li t6, 0x1800
  csrs mstatus, t6
  li t6, 0x20000
  csrc mstatus, t6
  mret
  .balign 64
tohost: .dword 0
  .balign 64
block: .zero 64
word: .zero 16
  .balign 4096
table: .zero 4096`;
}
