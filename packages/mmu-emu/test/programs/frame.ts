/**
 * Self-checking programs in the form of the public conformance suites: gp is the number of the test that runs, and what is
 * written to `tohost` says how it ended: 1 for pass, otherwise the number of the failing test, shifted left by one, plus 1. They
 * end by the test finisher too, so that other machines can run them.
 *
 * Every test begins in machine mode, with all memory open, no translation, nothing enabled, and floating point on. A trap goes
 * to where s7 says, in machine mode, and leaves its cause in s11, tval in s10, epc in s9, and who took it in s8: 3 machine mode,
 * 1 supervisor mode. Until there is one, s8 is 0, and the others are -1. Tests use neither gp nor s7 to s11 otherwise, and the
 * local labels 8 and 9 are the frame's.
 */

/** One test of a program. */
export interface Check {
  readonly code: string;
  /** What registers are then. */
  readonly expected: Readonly<Record<string, bigint>>;
  /** Why QEMU does not do the same. */
  readonly notOnQemu?: string;
}

/** @param expected what t5 is then, or registers by name. */
export const check = (code: string, expected: bigint | Readonly<Record<string, bigint>>): Check => ({
  code,
  expected: typeof expected === 'bigint' ? { t5: expected } : expected,
});

/**
 * Tests from a table: lines of a mnemonic, numbers that it is given, and what t5 is then.
 *
 * @param form the code for a mnemonic and its numbers.
 */
export function table(form: (name: string, ...numbers: string[]) => string, lines: string): Check[] {
  return lines
    .trim()
    .split('\n')
    .map((line) => {
      const [name, ...numbers] = line.trim().split(/\s+/);
      return check(form(name, ...numbers.slice(0, -1)), number(numbers.at(-1) ?? ''));
    });
}

const number = (text: string): bigint => (text.startsWith('-') ? -BigInt(text.slice(1)) : BigInt(text));

/** Goes on behind this code when it traps. */
export const trapping = (code: string): string => `
  la s7, 9f
  ${code}
  9:`;

/** The cause of an environment call, which is what code that has not trapped in a mode ends with. */
export const RAN = { U: 8n, S: 9n } as const;

/** Runs code in a mode; s11 is `RAN` of it then, unless the code trapped. */
export const inMode = (mode: 'U' | 'S', code: string): string => `
  la s7, 9f
  la t0, 8f
  csrw mepc, t0
  li t0, 0x1800
  csrc mstatus, t0
  li t0, ${mode === 'S' ? 0x800 : 0}
  csrs mstatus, t0
  mret
  8: ${code}
  ecall
  9:`;

/** Cause of an interrupt. */
export const interrupt = (number: number): bigint => BigInt.asIntN(64, (1n << 63n) | BigInt(number));

/** What a program is made of, beside its tests. */
export interface FrameParts {
  /** What the harts beside the first do; they wait for ever otherwise. */
  readonly others?: string;
  /** Subroutines and data. */
  readonly more?: string;
  /** Before the first test; a0 and a1 are what the program was entered with. */
  readonly first?: string;
}

/** The assembly of a program, with one of its tests made to fail if asked for. */
export function programSource(checks: readonly Check[], parts: FrameParts = {}, failing?: number): string {
  const tests = checks.map(({ code, expected }, index) => {
    const compared = Object.entries(expected).map(([register, value]) => {
      const wanted = index + 1 === failing ? BigInt.asIntN(64, value + 1n) : value;
      return `li t6, ${wanted}\n  beq ${register}, t6, 9f\n  j fail\n  9:`;
    });
    return `
  li gp, ${index + 1}
  jal reset
  ${code}
  ${compared.join('\n  ')}`;
  });
  return `
start:
  csrr t0, mhartid
  beqz t0, 1f
  j others
1:
  li t0, 0x2004000
  li t1, -1
  sd t1, 0(t0)
  ${parts.first ?? ''}
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
others:
  ${parts.others ?? 'wfi\n  j others'}
${SUBROUTINES}
${parts.more ?? ''}
${DATA}`;
}

const SUBROUTINES = `
reset:
  csrw satp, zero
  csrw mie, zero
  csrw mip, zero
  csrw mideleg, zero
  csrw medeleg, zero
  csrw menvcfg, zero
  csrw senvcfg, zero
  csrw mcounteren, zero
  csrw scounteren, zero
  csrw mcountinhibit, zero
  li t0, -1
  csrw stimecmp, t0
  csrw pmpaddr0, t0
  csrw pmpcfg2, zero
  li t0, 0x1f
  csrw pmpcfg0, t0
  la t0, machine_trap
  csrw mtvec, t0
  la t0, supervisor_trap
  csrw stvec, t0
  li t0, 0x7800
  csrw mstatus, t0
  csrw fcsr, zero
  sfence.vma
  li s7, 0
  li s8, 0
  li s9, -1
  li s10, -1
  li s11, -1
  ret

  .balign 4
machine_trap:
  bnez s8, 1f
  li s8, 3
  csrr s11, mcause
  csrr s10, mtval
  csrr s9, mepc
1:
  csrw mie, zero
  csrw mepc, s7
  li t6, 0x1800
  csrs mstatus, t6
  li t6, 0x20000
  csrc mstatus, t6
  mret

  .balign 4
supervisor_trap:
  li s8, 1
  csrr s11, scause
  csrr s10, stval
  csrr s9, sepc
  csrw sie, zero
  ecall

# Translates by the mode of satp in a0, with a leaf a1 for the page at 0x40000000; 0x80000000 is a gigabyte of the supervisor's
# own, and 0xc0000000 is the same memory for users.
paging:
  la t0, tables
  srli t1, t0, 2
  addi t1, t1, 0x401
  li t2, 0x1000
  sd t1, 0(t0)                # Sv57's root, then Sv48's
  add t0, t0, t2
  addi t1, t1, 0x400
  sd t1, 0(t0)
  add t0, t0, t2              # Sv39's
  addi t1, t1, 0x400
  sd t1, 8(t0)
  li t3, (0x80000000 >> 2) | 0xcf
  sd t3, 16(t0)
  li t3, (0x80000000 >> 2) | 0xdf
  sd t3, 24(t0)
  add t0, t0, t2
  addi t1, t1, 0x400
  sd t1, 0(t0)
  add t0, t0, t2              # the last level
  sd a1, 0(t0)
  la t0, tables
  li t1, 10
  sub t1, t1, a0
  slli t1, t1, 12
  add t0, t0, t1
  srli t0, t0, 12
  slli t1, a0, 60
  or t0, t0, t1
  csrw satp, t0
  sfence.vma
  ret`;

const DATA = `
  .balign 64
tohost: .dword 0
  .balign 64
fromhost: .dword 0
  .balign 64
block: .zero 128
word: .zero 64
  .balign 4096
page: .zero 4096
tables: .zero 20480`;
