/**
 * An image that runs one instruction after the other, each in a mode and with control registers of its own, and records
 * the traps and interrupts that follow, the result, and the control registers afterwards.
 *
 * A case begins in machine mode, which sets everything up and goes to the instruction by mret. What follows it is an
 * `ecall`. Interrupts are recorded, disabled, and returned from; the first exception that reaches machine mode ends the
 * case, and one that is delegated is recorded and ended by an `ecall` of the supervisor, which is never delegated.
 */
import { assemble, disassemble, RAM_BASE } from '../../src/index.js';

import type { Random } from './random.js';

/**
 * What a case sets, in the order of its words in memory. `interrupts` are those of machine mode, with their bits of mip, which
 * devices raise.
 */
const INPUTS = [
  'word', 'operand', 'mstatus', 'medeleg', 'mideleg', 'mie', 'mip', 'menvcfg', 'senvcfg', 'mcounteren', 'scounteren',
  'stimecmp', 'mcountinhibit', 'interrupts',
] as const; // prettier-ignore
type Input = (typeof INPUTS)[number];

export interface PrivilegeCase {
  /** 3 machine, 1 supervisor, 0 user. */
  readonly privilege: number;
  readonly inputs: Readonly<Record<Input, bigint>>;
}

/** Control registers that are recorded at the end of a case. */
const RECORDED = [
  'mstatus', 'medeleg', 'mideleg', 'mie', 'mip', 'mtvec', 'mcounteren', 'mcountinhibit', 'menvcfg', 'mscratch', 'mepc',
  'mcause', 'mtval', 'stvec', 'scounteren', 'senvcfg', 'sscratch', 'sepc', 'scause', 'stval', 'satp', 'sstatus', 'sie',
  'sip', 'stimecmp', 'pmpcfg2', 'pmpaddr1', 'pmpaddr8', 'pmpaddr9', 'pmpaddr15',
] as const; // prettier-ignore

/**
 * Bits of a register that are compared, where not all are: counters that QEMU has been told not to have, interrupts and
 * exceptions of extensions that are not here, reserved bits of PMP entries, and the lowest bit of sepc, which QEMU keeps
 * ("Supervisor Exception Program Counter (sepc) Register": it is always zero).
 */
const COMPARED: Readonly<Record<string, bigint>> = {
  mcounteren: 7n,
  scounteren: 7n,
  medeleg: 0xb3ffn,
  mip: 0xaaan,
  mie: 0xaaan,
  sip: 0xaaan,
  sie: 0xaaan,
  mideleg: 0xaaan,
  sepc: -2n,
  menvcfg: (7n << 61n) | 0xf1n,
  pmpcfg2: 0x9f9f_9f9f_9f9f_9f9fn,
};

/** Bits 55 to 2 of an address. */
const PMP_ADDRESS = (1n << 54n) - 1n;

function compared(name: string, value: bigint): bigint {
  if (name.startsWith('pmpaddr')) return value & PMP_ADDRESS;
  return BigInt.asUintN(64, value & (COMPARED[name] ?? -1n));
}

const INPUT_BYTES = 8 * INPUTS.length;
const MAX_EVENTS = 4;
const EVENT_WORDS = 5;
const OUTPUT_EVENTS = 16;
const OUTPUT_REGISTERS = OUTPUT_EVENTS + 8 * EVENT_WORDS * MAX_EVENTS;
const OUTPUT_BYTES = OUTPUT_REGISTERS + 8 * RECORDED.length;

/** A trap or an interrupt, as the mode that took it saw it. */
export interface PrivilegeEvent {
  /** 3 machine, 1 supervisor. */
  readonly taker: number;
  readonly cause: bigint;
  readonly epc: bigint;
  readonly tval: bigint;
  readonly status: bigint;
}

export interface PrivilegeOutcome {
  readonly result: bigint;
  readonly events: readonly PrivilegeEvent[];
  readonly registers: Readonly<Record<string, bigint>>;
}

const A0 = 10;
const A1 = 11;
const SCRATCH_REGISTER = 12;

/** Registers that instructions read and write: those that can end a case in no other way. */
const TARGETS = [
  ['mstatus', 0x300], ['medeleg', 0x302], ['mideleg', 0x303], ['mie', 0x304], ['mcounteren', 0x306], ['menvcfg', 0x30a],
  ['mcountinhibit', 0x320], ['mscratch', 0x340], ['mepc', 0x341], ['mcause', 0x342], ['mtval', 0x343], ['mip', 0x344],
  ['pmpcfg2', 0x3a2], ['pmpaddr1', 0x3b1], ['pmpaddr8', 0x3b8], ['pmpaddr9', 0x3b9], ['pmpaddr15', 0x3bf],
  ['sstatus', 0x100], ['sie', 0x104], ['scounteren', 0x106], ['senvcfg', 0x10a], ['sscratch', 0x140], ['sepc', 0x141],
  ['scause', 0x142], ['stval', 0x143], ['sip', 0x144], ['stimecmp', 0x14d], ['satp', 0x180],
] as const; // prettier-ignore
/** Registers that are only read: their values are the machine's own, or what the test needs. */
const READ_ONLY = [0x105, 0x305, 0xc00, 0xc01, 0xc02, 0xf11, 0xf14, 0xf15, 0x3a0, 0x3b0, 0xb00, 0xb02, 0x301];
/** Registers that exist nowhere. */
const ABSENT = [0x3a1, 0x3a4, 0x3c0, 0x747, 0x5a8, 0x180 ^ 0x80, 0x7ff, 0xfff, 0x200, 0x8ff];

/** Instructions by name, with what they are given. */
const OTHERS: readonly (readonly [name: string, word: number])[] = [
  ['mret', 0x30200073], ['sret', 0x10200073], ['wfi', 0x10500073], ['sfence.vma', 0x12000073],
  ['sfence.vma', 0x12000073 | (A0 << 15)], ['sfence.vma', 0x12000073 | (A0 << 20)], ['sinval.vma', 0x16000073 | (A0 << 15)],
  ['sfence.w.inval', 0x18000073], ['sfence.inval.ir', 0x18100073],
  ['cbo.inval', 0x0000200f | (SCRATCH_REGISTER << 15)], ['cbo.clean', 0x0010200f | (SCRATCH_REGISTER << 15)],
  ['cbo.flush', 0x0020200f | (SCRATCH_REGISTER << 15)], ['cbo.zero', 0x0040200f | (SCRATCH_REGISTER << 15)],
  ['ecall', 0x00000073], ['ebreak', 0x00100073], ['illegal', 0xffff_ffff], ['illegal', 0], ['fence.i', 0x100f],
  ['wrs.nto', 0x00d00073], ['pause', 0x0100000f], ['mnret', 0x70200073], ['uret', 0x00200073],
]; // prettier-ignore

const MSTATUS_WRITABLE = 0x7e_19aan;
const MPP = 0x1800n;
const TVM = 1n << 20n;
const TW = 1n << 21n;
const TSR = 1n << 22n;
const STCE = 1n << 63n;
const PMP_READABLE = 0x0101_0101_0101_0101n;
const SATP = 0x180;

/** A case of a generator. */
export function makePrivilegeCase(random: Random): PrivilegeCase {
  const bits = (mask: bigint): bigint => random.value() & mask;
  const some = (mask: bigint): bigint => (random.chance(40) ? 0n : random.chance(20) ? mask : bits(mask));
  const privilege = random.pick([3, 1, 1, 0, 0]);
  const mstatus = (bits(MSTATUS_WRITABLE) & ~MPP) | (BigInt(privilege) << 11n);
  const inputs: Record<Input, bigint> = {
    word: 0n,
    operand: random.value(),
    mstatus,
    // The supervisor's own ecall reaches machine mode.
    medeleg: some(0xb1ffn),
    mideleg: some(0x222n),
    mie: some(0xaaan),
    mip: some(0x222n),
    menvcfg: some((7n << 61n) | 0xd1n),
    senvcfg: some(0xd1n),
    mcounteren: some(7n),
    scounteren: some(7n),
    stimecmp: random.pick([0n, (1n << 64n) - 1n]),
    mcountinhibit: some(5n),
    interrupts: random.chance(50) ? 0n : bits(0x888n),
  };
  inputs.word = BigInt(
    random.chance(65) ? csrWord(random, inputs, privilege) : otherWord(random, inputs, privilege),
  );
  return { privilege, inputs };
}

function csrWord(random: Random, inputs: Record<Input, bigint>, privilege: number): number {
  const kind = random.below(100);
  const csr = kind < 80 ? random.pick(TARGETS)[1] : random.pick(kind < 90 ? READ_ONLY : ABSENT);
  const form = random.pick([1, 2, 3, 5, 6, 7]);
  const source = form < 4 ? random.pick([A0, A0, A0, 0]) : random.below(32);
  if (csr === SATP) {
    // Where a supervisor goes on with it, only modes that do not exist, or none.
    const modes = privilege === 3 ? [0, 1, 7, 8, 9, 10, 11, 15] : [1, 7, 11, 15];
    inputs.operand = (inputs.operand & ((1n << 60n) - 1n)) | (BigInt(random.pick(modes)) << 60n);
    if (form !== 1) return word(csr, 2, 0);
    return word(csr, 1, A0);
  }
  // What is locked stays so in the cases that follow.
  if (csr === 0x3a2) {
    if (!random.chance(5)) inputs.operand &= 0x1f1f_1f1f_1f1f_1f1fn;
    // What becomes of W without R is not the same.
    const readable = inputs.operand & PMP_READABLE;
    inputs.operand = (inputs.operand & ~(PMP_READABLE << 1n)) | (readable << 1n);
    if (form >= 5) return word(csr, form, (source & ~2) | ((source & 1) << 1));
  }
  if (csr === 0x14d) {
    // Long past, or far away; QEMU looks at it where menvcfg.STCE is not set, too.
    inputs.menvcfg |= STCE;
    inputs.operand = random.chance(50) ? 0n : inputs.operand | (1n << 50n);
    return random.chance(50) ? word(csr, 1, A0) : word(csr, 2, 0);
  }
  // QEMU keeps what is reserved of CBIE, lets a supervisor change UXL, and finds out about STIP only when stimecmp is written.
  if (csr === 0x30a || csr === 0x10a) inputs.operand &= ~(2n << 4n);
  if (csr === 0x300 || csr === 0x100) inputs.operand &= MSTATUS_WRITABLE;
  if (csr === 0x30a) {
    inputs.menvcfg |= STCE;
    if (form === 5) return word(csr, 2, 0);
    inputs.operand = form === 3 ? inputs.operand & ~STCE : inputs.operand | STCE;
    if (form === 1 && source === 0) return word(csr, 1, A0);
  }
  if (READ_ONLY.includes(csr) && csr < 0xc00) return word(csr, 2, 0, 0);
  return word(csr, form, source, READ_ONLY.includes(csr) ? 0 : random.pick([A1, A1, 0]));
}

const word = (csr: number, form: number, source: number, rd = A1): number =>
  ((csr << 20) | (source << 15) | (form << 12) | (rd << 7) | 0x73) >>> 0;

function otherWord(random: Random, inputs: Record<Input, bigint>, privilege: number): number {
  const [name, found] = random.pick(OTHERS);
  if (name === 'wfi') {
    // Something has to end it that is not taken before.
    inputs.mie = 2n;
    inputs.mip |= 2n;
    inputs.mideleg |= 2n;
    inputs.mstatus &= ~0x82n;
  }
  // In user mode these are illegal ("Svinval Extension"), which QEMU does not know.
  if (name.endsWith('inval') || name.endsWith('inval.ir')) return privilege === 0 ? 0x1600_0073 : found >>> 0;
  // QEMU takes the time limit of mstatus.TW for zero, and traps.
  if (name === 'wrs.nto') inputs.mstatus &= ~0x20_0000n;
  if (name === 'mret' && privilege === 3) return 0x0010_0073;
  return found >>> 0;
}

const each = (lines: readonly string[]): string => lines.join('\n');
const load = (input: Input, csr: string): string =>
  `ld t0, ${8 * INPUTS.indexOf(input)}(s0)\ncsrw ${csr}, t0`;

const event = (mode: 'm' | 's', taker: number): string => `
  li t2, ${MAX_EVENTS}
  bgeu s2, t2, 1f
  li t2, ${8 * EVENT_WORDS}
  mul t2, t2, s2
  add t2, t2, s1
  addi s2, s2, 1
  li t3, ${taker}
  sd t3, ${OUTPUT_EVENTS}(t2)
  csrr t3, ${mode}cause
  sd t3, ${OUTPUT_EVENTS + 8}(t2)
  csrr t4, ${mode}epc
  sd t4, ${OUTPUT_EVENTS + 16}(t2)
  csrr t4, ${mode}tval
  sd t4, ${OUTPUT_EVENTS + 24}(t2)
  sd t1, ${OUTPUT_EVENTS + 32}(t2)`;

const SOURCE = `
  li t0, -1
  csrw pmpaddr0, t0
  csrwi pmpcfg0, 0x1f
  li t0, 0x10000000         # the serial port has an interrupt, which is source 10 of the PLIC
  li t1, 2
  sb t1, 1(t0)
  la s3, handler
  la s4, supervisor_handler
  la s5, instruction
  la s6, landing
  li s0, CASES
  li s1, OUTPUTS
  li s7, COUNT
next:
  csrw mie, zero
  csrw menvcfg, zero
  csrw mip, zero
  csrw satp, zero
  csrw mtvec, s3
  csrw stvec, s4
  csrw mepc, s5
  csrw sepc, s6
  ld t0, ${8 * INPUTS.indexOf('interrupts')}(s0)
  srli t1, t0, 3
  andi t1, t1, 1
  li t2, 0x2000000          # msip
  sw t1, 0(t2)
  srli t1, t0, 7
  andi t1, t1, 1
  addi t1, t1, -1
  li t2, 0x2004000          # mtimecmp: long past, or never
  sd t1, 0(t2)
  srli t1, t0, 11
  andi t1, t1, 1
  slli t1, t1, 10
  li t2, 0xc002000          # sources of the PLIC that machine mode has enabled
  sw t1, 0(t2)
  li t1, 1
  li t2, 0xc000028          # QEMU looks at those again only when a priority or a threshold is written
  sw t1, 0(t2)
  li t0, 0x5a5a
  ${each(['mscratch', 'sscratch', 'mcause', 'scause', 'mtval', 'stval'].map((csr) => `csrw ${csr}, t0`))}
  ${each([
    load('medeleg', 'medeleg'),
    load('mideleg', 'mideleg'),
    load('menvcfg', 'menvcfg'),
    load('senvcfg', 'senvcfg'),
    load('mcounteren', 'mcounteren'),
    load('scounteren', 'scounteren'),
    load('mcountinhibit', 'mcountinhibit'),
    load('stimecmp', 'stimecmp'),
    load('mip', 'mip'),
    load('mie', 'mie'),
  ])}
  ld t0, 0(s0)
  sw t0, 0(s5)
  fence.i
  li s2, 0
  la a2, scratch
  li a1, 0x77
  ld a0, 8(s0)
  ${load('mstatus', 'mstatus')}
  mret
  .balign 4
instruction:
  .word 0
landing:
  ecall
  .balign 4
handler:
  csrr t1, mstatus
  li t2, 0x20000
  csrc mstatus, t2
  ${event('m', 3)}
  bgez t3, 1f
  csrw mie, zero
  csrw mstatus, t1
  mret
1:
  sd s2, 0(s1)
  sd a1, 8(s1)
  ${each(RECORDED.map((csr, index) => `csrr t0, ${csr}\nsd t0, ${OUTPUT_REGISTERS + 8 * index}(s1)`))}
  addi s0, s0, ${INPUT_BYTES}
  addi s1, s1, ${OUTPUT_BYTES}
  addi s7, s7, -1
  bnez s7, next
  li t0, 0x100000
  li t1, 0x5555
  sw t1, 0(t0)
1: j 1b
  .balign 4
supervisor_handler:
  csrr t1, sstatus
  ${event('s', 1)}
  bgez t3, 1f
  csrw sie, zero
  sret
1:
  ecall
  .balign 64
scratch:
  .zero 64`;

export interface PrivilegeImage {
  readonly image: Uint8Array;
  readonly ramBytes: number;
  outcomes(ram: Uint8Array): PrivilegeOutcome[];
}

const CASES_OFFSET = 0x1_0000;

/** The image that runs these cases. */
export function makePrivilegeImage(cases: readonly PrivilegeCase[]): PrivilegeImage {
  const outputs = CASES_OFFSET + cases.length * INPUT_BYTES;
  const end = outputs + cases.length * OUTPUT_BYTES;
  const image = new Uint8Array(outputs);
  const view = new DataView(image.buffer);
  const symbols = { CASES: RAM_BASE + CASES_OFFSET, OUTPUTS: RAM_BASE + outputs, COUNT: cases.length };
  image.set(assemble(SOURCE, { origin: RAM_BASE, symbols }).bytes);
  cases.forEach(({ inputs }, index) => {
    INPUTS.forEach((name, i) =>
      view.setBigUint64(CASES_OFFSET + index * INPUT_BYTES + 8 * i, inputs[name], true),
    );
  });
  return {
    image,
    ramBytes: Math.ceil(end / 2 ** 20) * 2 ** 20,
    outcomes(ram) {
      const memory = new DataView(ram.buffer, ram.byteOffset, ram.byteLength);
      return cases.map((_, index) => {
        const at = outputs + index * OUTPUT_BYTES;
        const read = (offset: number): bigint => memory.getBigUint64(at + offset, true);
        const events = Array.from({ length: Number(read(0)) }, (_unused, i) => {
          const [taker, cause, epc, tval, status] = Array.from({ length: EVENT_WORDS }, (_u, w) =>
            read(OUTPUT_EVENTS + 8 * (EVENT_WORDS * i + w)),
          );
          return { taker: Number(taker), cause, epc, tval, status };
        });
        const registers = Object.fromEntries(
          RECORDED.map((name, i) => [name, compared(name, read(OUTPUT_REGISTERS + 8 * i))]),
        );
        return { result: compared(registerOf(cases[index]), read(8)), events, registers };
      });
    },
  };
}

/** The control register that the instruction accesses, if it does. */
function registerOf({ inputs }: PrivilegeCase): string {
  const csr = Number(inputs.word >> 20n);
  return TARGETS.find(([, number]) => number === csr)?.[0] ?? '';
}

/** What of the privileged architecture a case is about: its instruction, the control register, and what forbids them. */
export function labelsOf({ privilege, inputs }: PrivilegeCase): string[] {
  const [name, operands = ''] = disassemble(Number(inputs.word)).text.split(' ');
  const csr = registerOf({ privilege, inputs });
  const labels = name.startsWith('csr') ? [csr === '' ? (operands.split(',')[1] ?? '') : csr] : [name];
  const isForbidden = (bit: bigint): boolean => privilege === 1 && (inputs.mstatus & bit) !== 0n;
  if (isForbidden(TVM) && (csr === 'satp' || /^s(fence|inval)\.vma$/.test(name))) labels.push('TVM');
  if (isForbidden(TW) && name === 'wfi') labels.push('TW');
  if (isForbidden(TSR) && name === 'sret') labels.push('TSR');
  return labels;
}

/** A case as text. */
export function describePrivilegeCase({ privilege, inputs }: PrivilegeCase): string {
  const { word: bits, ...rest } = inputs;
  const values = Object.entries(rest).map(([name, value]) => `${name}=0x${value.toString(16)}`);
  return `${'US?M'[privilege]}: ${disassemble(Number(bits)).text}; ${values.join(' ')}`;
}
