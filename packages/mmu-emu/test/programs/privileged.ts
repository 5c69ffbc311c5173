/** Programs of the privileged architecture, translation and protection aside. */
import { check, inMode, interrupt, RAN, trapping } from './frame.js';
import type { Check } from './frame.js';

const set = (csr: string, bits: string | number): string => `li t0, ${bits}\ncsrs ${csr}, t0`;
const clear = (csr: string, bits: string | number): string => `li t0, ${bits}\ncsrc ${csr}, t0`;

const MPP = 0x1800;
const MPRV = 0x2_0000;
const TVM = 0x10_0000;
const TW = 0x20_0000;
const TSR = 0x40_0000;

/** Raises interrupts of the CLINT for machine mode: software, timer. */
const raiseSoftware =
  'li t0, 0x2000000\nli t1, 1\nsw t1, 0(t0)\n1: csrr t1, mip\nandi t1, t1, 8\nbeqz t1, 1b';
const dropSoftware = 'li t0, 0x2000000\nsw x0, 0(t0)\n1: csrr t1, mip\nandi t1, t1, 8\nbnez t1, 1b';
const raiseTimer = 'li t0, 0x2004000\nsd x0, 0(t0)\n1: csrr t1, mip\nandi t1, t1, 128\nbeqz t1, 1b';
const dropTimer = 'li t0, 0x2004000\nli t1, -1\nsd t1, 0(t0)\n1: csrr t1, mip\nandi t1, t1, 128\nbnez t1, 1b';

export const MACHINE: readonly Check[] = [
  check('csrr t5, misa\nsrli t4, t5, 62\nli t0, 0x14112d\nand t5, t5, t0', { t4: 2n, t5: 0x14_112dn }),
  // SXL and UXL are 64 bits; MPP keeps what it is where the mode does not exist; MPRV, TVM, TW and TSR can be set.
  check('csrr t5, mstatus\nsrli t5, t5, 32\nandi t5, t5, 15', 10n),
  check(`${set('mstatus', MPP)}\n${clear('mstatus', 0x800)}\ncsrr t5, mstatus\nli t0, ${MPP}\nand t5, t5, t0`, 0x1800n),
  check(`li t0, ${TVM | TW | TSR}\ncsrs mstatus, t0\ncsrr t5, mstatus\nand t5, t5, t0`, BigInt(TVM | TW | TSR)),
  { ...check('li t0, -1\ncsrw mepc, t0\ncsrr t5, mepc', -2n), notOnQemu: 'it keeps the lowest bit' },
  check('li t0, 0x123456789abcdef0\ncsrw mscratch, t0\ncsrr t5, mscratch', 0x1234_5678_9abc_def0n),
  check('csrr t5, mhartid', 0n),
  check('csrr t4, mvendorid\ncsrr t5, mconfigptr\nor t5, t5, t4', 0n),
  // What machine mode alone may do is illegal below.
  check(inMode('S', 'csrr t0, mstatus'), { s11: 2n, s8: 3n }),
  check(inMode('U', 'csrr t0, mscratch'), { s11: 2n }),
  check(inMode('S', 'mret'), { s11: 2n }),
]; // prettier-ignore

export const SUPERVISOR: readonly Check[] = [
  check(inMode('S', 'csrw sscratch, t0\ncsrr t1, sscratch\nsub t5, t1, t0'), { s11: RAN.S, t5: 0n }),
  // sstatus shows what is the supervisor's: not MPP, MPIE, MIE and MPRV.
  check('li t0, 0x1888\ncsrs mstatus, t0\ncsrr t5, sstatus\nand t5, t5, t0', 0n),
  check('li t0, 0x20000\ncsrs sstatus, t0\ncsrr t5, mstatus\nand t5, t5, t0', 0n),
  check('li t0, 0xc0122\ncsrs sstatus, t0\ncsrr t5, mstatus\nand t5, t5, t0', 0xc_0122n),
  // sret goes to user mode, or stays in supervisor mode, as SPP says; SPIE becomes SIE.
  check(inMode('S', `la t0, 1f\ncsrw sepc, t0\n${clear('sstatus', 0x100)}\nsret\n1:`), { s11: RAN.U }),
  check(inMode('S', `la t0, 1f\ncsrw sepc, t0\n${set('sstatus', 0x120)}\nsret\n1: csrr t5, sstatus\nandi t5, t5, 0x122`), { s11: RAN.S, t5: 0x22n }),
  check(`${set('mstatus', MPRV)}\nla s7, 9f\nla t0, 1f\ncsrw sepc, t0\nsret\n1: ecall\n9:`, { s11: RAN.U }),
]; // prettier-ignore

export const USER: readonly Check[] = [
  check(inMode('U', 'li t5, 7'), { s11: RAN.U, t5: 7n }),
  check(inMode('U', 'csrr t0, sstatus'), { s11: 2n }),
  check(inMode('U', 'mret'), { s11: 2n }),
  check(inMode('U', 'sret'), { s11: 2n }),
  check(inMode('U', 'sfence.vma'), { s11: 2n }),
  check(inMode('U', 'fsflagsi 3\nfrflags t5'), { s11: RAN.U, t5: 3n }),
  // A trap keeps the mode it came from, and the interrupt enable, in mstatus.
  check(`csrsi mstatus, 8\n${inMode('U', 'nop')}`, { s11: RAN.U, s8: 3n }),
  check(`la s7, 9f\nla t0, 1f\ncsrw mtvec, t0\nla t0, 2f\ncsrw mepc, t0\nli t0, ${MPP}\ncsrc mstatus, t0\nmret\n.balign 4\n2: ecall\n.balign 4\n1: csrr t5, mstatus\nsrli t5, t5, 11\nandi t5, t5, 3\n9:`, 0n),
]; // prettier-ignore

/** Where an instruction is, seen from what was recorded. */
const from = (register: string, label = '7b'): string => `la t0, ${label}\nsub t5, ${register}, t0`;

/** A table of vectors: each entry puts its number into t5. */
const VECTORS = (csr: string): string => `
  la t0, 5f
  addi t0, t0, 1
  csrw ${csr}, t0
  j 6f
  .balign 256
  .option push
  .option norvc
5:
  ${Array.from({ length: 12 }, (_, index) => `j ${index === 0 ? '10f' : `1${index}0f`}`).join('\n')}
  .option pop
  ${Array.from({ length: 12 }, (_, index) => `${index === 0 ? 10 : `1${index}0`}: li t5, ${index}\nj 4f`).join('\n')}
4: ${csr === 'mtvec' ? 'j machine_trap' : 'j supervisor_trap'}
6:`;

export const TRAPS: readonly Check[] = [
  check(`${trapping('7: .word 0xffffffff')}\n${from('s9')}`, { s11: 2n, s10: 0xffff_ffffn, t5: 0n }),
  check(`${trapping('7: ebreak')}\n${from('s10')}`, { s11: 3n, t5: 0n }),
  check(inMode('S', 'ecall'), { s11: 9n, s10: 0n }),
  // Access faults of each kind; a jump to nowhere traps there.
  check(trapping('li t0, 0x180004\nlw t1, 0(t0)'), { s11: 5n, s10: 0x18_0004n }),
  check(trapping('li t0, 0x180008\nsd t1, 0(t0)'), { s11: 7n, s10: 0x18_0008n }),
  check(trapping('li t0, 0x180008\namoadd.w t1, t1, (t0)'), { s11: 7n, s10: 0x18_0008n }),
  check(trapping('li t0, 0x18000c\njr t0'), { s11: 1n, s10: 0x18_000cn, s9: 0x18_000cn }),
  // Delegated to the supervisor, from below machine mode only.
  check(`${set('medeleg', 0xb1ff)}\n${inMode('U', 'ecall')}`, { s11: 8n, s8: 1n }),
  check(`${set('medeleg', 4)}\n${inMode('U', '.word 0xffffffff')}`, { s11: 2n, s8: 1n, s10: 0xffff_ffffn }),
  check(`${set('medeleg', 4)}\n${inMode('S', '.word 0xffffffff')}`, { s11: 2n, s8: 1n }),
  check(`${set('medeleg', 4)}\n${trapping('.word 0xffffffff')}`, { s11: 2n, s8: 3n }),
  check(`${set('medeleg', 8)}\n${inMode('U', '.word 0xffffffff')}`, { s11: 2n, s8: 3n }),
  // An environment call of machine mode cannot be delegated.
  {
    ...check(`${set('medeleg', 0x800)}\ncsrr t5, medeleg\nli t0, 0x800\nand t5, t5, t0`, 0n),
    notOnQemu: 'the bit can be set, and means nothing',
  },
  // Vectors: an interrupt goes to base + 4 cause, an exception to the base.
  check(`${VECTORS('mtvec')}\n${raiseSoftware}\n${set('mie', 8)}\n${trapping('csrsi mstatus, 8\nnop')}\nmv t4, t5\n${dropSoftware}`, { s11: interrupt(3), t4: 3n }),
  check(`${VECTORS('mtvec')}\n${set('mip', 0x200)}\n${set('mie', 0x200)}\n${trapping('csrsi mstatus, 8\nnop')}`, { s11: interrupt(9), t5: 9n }),
  check(`${VECTORS('mtvec')}\n${trapping('ecall')}`, { s11: 11n, t5: 0n }),
  check(`${VECTORS('stvec')}\n${set('mideleg', 0x222)}\n${set('mie', 0x20)}\n${set('mip', 0x20)}\n${inMode('U', 'nop')}`, { s11: interrupt(5), s8: 1n, t5: 5n }),
  check(`${VECTORS('stvec')}\n${set('medeleg', 8)}\n${inMode('U', 'ebreak')}`, { s11: 3n, s8: 1n, t5: 0n }),
]; // prettier-ignore

/** Takes one interrupt in machine mode. */
const taken = trapping('csrsi mstatus, 8\nnop\nnop');
const TAKE_ALL = `${set('mie', 0xaaa)}\n${taken}`;

/** The machine's external interrupt: the serial port's transmitter is empty, as the PLIC's source 10 says. */
const raiseExternal = `
  li t0, 0x0c000000
  li t1, 1
  sw t1, 40(t0)
  li t2, 0x2000
  add t2, t2, t0
  li t1, 1 << 10
  sw t1, 0(t2)
  li t0, 0x10000000
  li t1, 2
  sb t1, 1(t0)
  1: csrr t1, mip
  srli t1, t1, 11
  andi t1, t1, 1
  beqz t1, 1b`;
const dropExternal = `
  li t0, 0x10000000
  sb x0, 1(t0)
  li t0, 0x0c200004
  lw t1, 0(t0)
  sw t1, 0(t0)
  li t0, 0x0c002000
  sw x0, 0(t0)`;

export const INTERRUPTS: readonly Check[] = [
  // The order is MEI, MSI, MTI, SEI, SSI, STI.
  check(`${set('mip', 0x222)}\n${raiseTimer}\n${raiseSoftware}\n${raiseExternal}\n${TAKE_ALL}`, { s11: interrupt(11) }),
  check(`${dropExternal}\n${set('mip', 0x222)}\n${TAKE_ALL}`, { s11: interrupt(3) }),
  check(`${dropSoftware}\n${set('mip', 0x222)}\n${TAKE_ALL}`, { s11: interrupt(7) }),
  check(`${dropTimer}\n${set('mip', 0x222)}\n${TAKE_ALL}`, { s11: interrupt(9) }),
  check(`${set('mip', 0x22)}\n${TAKE_ALL}`, { s11: interrupt(1) }),
  check(`${set('mip', 0x20)}\n${TAKE_ALL}`, { s11: interrupt(5) }),
  // Delegated ones have the same order, below all that machine mode takes.
  check(`${set('mideleg', 0x222)}\n${set('mie', 0x222)}\n${set('mip', 0x222)}\n${inMode('U', 'nop')}`, { s11: interrupt(9), s8: 1n }),
  check(`${set('mideleg', 0x222)}\n${set('mie', 0x222)}\n${set('mip', 0x22)}\n${inMode('U', 'nop')}`, { s11: interrupt(1), s8: 1n }),
  check(`${set('mideleg', 0x200)}\n${set('mie', 0x222)}\n${set('mip', 0x222)}\n${inMode('U', 'nop')}`, { s11: interrupt(1), s8: 3n }),
  // Machine mode takes them with MIE, supervisor mode with SIE, modes below always; and never what is delegated further down.
  check(`${set('mie', 0x2)}\n${set('mip', 0x2)}\n${trapping('nop\nnop')}`, { s11: -1n }),
  check(`${set('mie', 0x2)}\n${set('mip', 0x2)}\n${inMode('S', 'nop')}`, { s11: interrupt(1), s8: 3n }),
  check(`${set('mideleg', 2)}\n${set('mie', 0x2)}\n${set('mip', 0x2)}\n${taken}`, { s11: -1n }),
  check(`${set('mideleg', 2)}\n${set('mie', 0x2)}\n${set('mip', 0x2)}\n${inMode('S', 'nop')}`, { s11: RAN.S }),
  check(`${set('mideleg', 2)}\n${set('mie', 0x2)}\n${set('mip', 0x2)}\n${inMode('S', 'csrsi sstatus, 2\nnop')}`, { s11: interrupt(1), s8: 1n }),
  // A supervisor sees and changes what is delegated; of pending ones, its own software interrupt.
  check(`${set('mideleg', 2)}\n${set('mip', 0x222)}\n${inMode('S', 'csrr t5, sip\ncsrwi sip, 0\ncsrr t4, sip')}`, { t5: 2n, t4: 0n }),
  check(`${set('mideleg', 0x222)}\n${inMode('S', 'li t0, -1\ncsrw sie, t0\ncsrr t5, sie')}`, { t5: 0x222n }),
  // What the CLINT and the PLIC raise cannot be written.
  check('li t0, -1\ncsrw mip, t0\ncsrr t5, mip\nandi t5, t5, 0x88', 0n),
]; // prettier-ignore

export const COUNTERS: readonly Check[] = [
  check('li t0, 1 << 40\ncsrw mcycle, t0\ncsrr t5, mcycle\nsrli t5, t5, 40', 1n),
  check('li t0, 1 << 40\ncsrw minstret, t0\ncsrr t5, minstret\nsrli t5, t5, 40', 1n),
  check('csrwi mcountinhibit, 5\ncsrr t0, mcycle\nnop\ncsrr t1, mcycle\ncsrr t2, minstret\nnop\ncsrr t3, minstret\nsub t5, t1, t0\nsub t4, t3, t2', { t5: 0n, t4: 0n }),
  check('csrwi mcountinhibit, 7\ncsrr t5, mcountinhibit\nandi t5, t5, 2', 0n),
  check('csrwi mcountinhibit, 1\ncsrr t0, minstret\nnop\ncsrr t1, minstret\nsltu t5, t0, t1', 1n),
  ...([['cycle', 1], ['time', 2], ['instret', 4]] as const).flatMap(([name, bit]) => [
    check(`li t0, ${7 - bit}\ncsrw mcounteren, t0\n${inMode('S', `csrr t1, ${name}`)}`, { s11: 2n }),
    check(`li t0, ${bit}\ncsrw mcounteren, t0\n${inMode('S', `csrr t1, ${name}`)}`, { s11: RAN.S }),
    check(`li t0, ${bit}\ncsrw mcounteren, t0\nli t0, ${7 - bit}\ncsrw scounteren, t0\n${inMode('U', `csrr t1, ${name}`)}`, { s11: 2n }),
    check(`li t0, ${bit}\ncsrw mcounteren, t0\ncsrw scounteren, t0\n${inMode('U', `csrr t1, ${name}`)}`, { s11: RAN.U }),
  ]),
]; // prettier-ignore

const block = (name: string): string => `la t0, block\n${name} (t0)`;

/** Cache-block operations below machine mode, by a field of menvcfg and senvcfg. */
const gated = (name: string, bit: number): Check[] => [
  check(inMode('S', block(name)), { s11: 2n }),
  check(`${set('menvcfg', bit)}\n${inMode('S', block(name))}`, { s11: RAN.S }),
  check(`${set('menvcfg', bit)}\n${inMode('U', block(name))}`, { s11: 2n }),
  check(`${set('senvcfg', bit)}\n${inMode('U', block(name))}`, { s11: 2n }),
  check(`${set('senvcfg', bit)}\n${set('menvcfg', bit)}\n${inMode('U', block(name))}`, { s11: RAN.U }),
];

export const MENVCFG: readonly Check[] = [
  ...gated('cbo.zero', 0x80),
  ...gated('cbo.clean', 0x40),
  ...gated('cbo.flush', 0x40),
  ...gated('cbo.inval', 0x10),
  check('li t0, 0xe0000000000000f1\ncsrw menvcfg, t0\ncsrr t5, menvcfg\nand t5, t5, t0', BigInt.asIntN(64, 0xe000_0000_0000_00f1n)),
]; // prettier-ignore
export const SENVCFG: readonly Check[] = [
  check('li t0, 0xf1\ncsrw senvcfg, t0\ncsrr t5, senvcfg\nand t5, t5, t0', 0xf1n),
  check(inMode('S', 'csrwi senvcfg, 1\ncsrr t5, senvcfg'), { s11: RAN.S, t5: 1n }),
  check(inMode('U', 'csrr t0, senvcfg'), { s11: 2n }),
  // CBIE = 1: cbo.inval flushes, so that nothing is lost.
  check(`${set('senvcfg', 0x10)}\n${set('menvcfg', 0x30)}\n${inMode('U', `la t0, block\nli t1, 9\nsd t1, 0(t0)\n${block('cbo.inval')}\nld t5, 0(t0)`)}`, { s11: RAN.U, t5: 9n }),
]; // prettier-ignore

const PENDING = `${set('mie', 2)}\n${set('mip', 2)}`;

export const WFI: readonly Check[] = [
  // Something pending ends the wait, enabled by mstatus.MIE or not.
  check(`${PENDING}\n${trapping('wfi\nli t5, 1')}`, { s11: -1n, t5: 1n }),
  check(`${PENDING}\n${set('mideleg', 2)}\n${inMode('S', 'wfi\nli t5, 1')}`, { s11: RAN.S, t5: 1n }),
  check(inMode('U', 'wfi'), { s11: 2n }),
  // The timer ends it: a thousand ticks from now.
  check(`${set('mie', 0x80)}\nli t0, 0x200bff8\nld t1, 0(t0)\naddi t1, t1, 1000\nli t0, 0x2004000\nsd t1, 0(t0)\n${trapping('csrsi mstatus, 8\n1: wfi\nj 1b')}\n${dropTimer}`, { s11: interrupt(7) }),
]; // prettier-ignore
export const TW_TRAPS: readonly Check[] = [
  check(`${PENDING}\n${set('mideleg', 2)}\n${set('mstatus', TW)}\n${inMode('S', 'nop')}`, { s11: RAN.S }),
  check(`${set('mstatus', TW)}\n${inMode('S', 'wfi')}`, { s11: 2n, s10: 0x1050_0073n }),
  check(`${PENDING}\n${set('mstatus', TW)}\n${trapping('wfi')}`, { s11: -1n }),
];
export const TVM_TRAPS: readonly Check[] = [
  check(`${set('mstatus', TVM)}\n${inMode('S', 'csrr t0, satp')}`, { s11: 2n }),
  check(`${set('mstatus', TVM)}\n${inMode('S', 'csrw satp, zero')}`, { s11: 2n }),
  check(`${set('mstatus', TVM)}\n${inMode('S', 'sfence.vma')}`, { s11: 2n }),
  check(`${set('mstatus', TVM)}\n${inMode('S', 'sinval.vma x0, x0')}`, { s11: 2n }),
  check(`${set('mstatus', TVM)}\n${trapping('csrr t0, satp\nsfence.vma')}`, { s11: -1n }),
  check(inMode('S', 'csrr t0, satp\ncsrw satp, zero\nsfence.vma'), { s11: RAN.S }),
];
export const TSR_TRAPS: readonly Check[] = [
  check(`${set('mstatus', TSR)}\n${inMode('S', 'sret')}`, { s11: 2n, s10: 0x1020_0073n }),
  check(`${set('mstatus', TSR)}\n${trapping('la t0, 1f\ncsrw sepc, t0\ncsrsi sstatus, 0\nsret\n1: ecall')}`, {
    s11: RAN.U,
  }),
];

/** The supervisor's own timer: stimecmp, where menvcfg.STCE is set. */
const STCE = 'li t0, 1 << 63\ncsrs menvcfg, t0\n';
export const SSTC: readonly Check[] = [
  check(`${STCE}csrw stimecmp, zero\ncsrr t5, mip\nandi t5, t5, 0x20\nli t0, -1\ncsrw stimecmp, t0\ncsrr t4, mip\nandi t4, t4, 0x20`, { t5: 0x20n, t4: 0n }),
  check(`${STCE}csrwi mcounteren, 2\n${set('mideleg', 0x20)}\n${set('mie', 0x20)}\n${inMode('U', 'nop')}`, { s11: RAN.U }),
  check(`${STCE}csrwi mcounteren, 2\n${set('mideleg', 0x20)}\n${set('mie', 0x20)}\n${inMode('S', 'rdtime t0\naddi t0, t0, 1000\ncsrw stimecmp, t0\n1: wfi\nrdtime t1\nbltu t1, t0, 1b\ncsrsi sstatus, 2\n2: j 2b')}`, { s11: interrupt(5), s8: 1n }),
  // A supervisor has it with menvcfg.STCE and mcounteren.TM only.
  check(inMode('S', 'csrr t0, stimecmp'), { s11: 2n }),
  check(`${STCE}${inMode('S', 'csrr t0, stimecmp')}`, { s11: 2n }),
  check(`${STCE}csrwi mcounteren, 2\n${inMode('S', 'csrr t0, stimecmp')}`, { s11: RAN.S }),
]; // prettier-ignore
