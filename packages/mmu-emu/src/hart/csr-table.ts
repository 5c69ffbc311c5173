/**
 * The control and status registers: where each is, which of its bits can be read and written, who may, and what a write
 * changes beside it. The table lies in the machine's memory, and the code of csr-access.ts goes by it.
 *
 * Hardware performance counters read zero. Fields that do not exist read zero and ignore writes; a write of a mode that
 * does not exist to satp, mtvec or stvec changes nothing, and mstatus.MPP and CBIE keep what they were.
 *
 * ```
 *   CSR_NUMBERS:  u8 for each number: the entry, or 0 where there is no such register
 *   CSR_TABLE:    entries of 32 bytes
 *     u16 byte offset in the state   u8 shift   u8 guard   u8 special   u8 effects   u8 delegated   u8 -
 *     u64 bits that can be read   u64 bits that can be written   u64 bits that are always set
 * ```
 *
 * @see The RISC-V Instruction Set Manual, Volume II, "Control and Status Registers (CSRs)"
 */

import { CSR_NUMBERS, CSR_TABLE } from '../memory-layout.js';
import { MSTATUS_HIGH, MSTATUS_MASK, SSTATUS_HIGH, SSTATUS_MASK } from './mstatus.js';
import { HART_FCSR, HART_ID, HART_MCAUSE, HART_MCOUNTEREN, HART_MCOUNTINHIBIT, HART_MCYCLE_OFFSET, HART_MEDELEG, HART_MENVCFG, HART_MEPC, HART_MIDELEG, HART_MIE, HART_MINSTRET_OFFSET, HART_MIP, HART_MSCRATCH, HART_MSTATUS, HART_MTVAL, HART_MTVEC, HART_PMP_ADDRESS, HART_PMP_CONFIGURATION, HART_SATP, HART_SCAUSE, HART_SCOUNTEREN, HART_SENVCFG, HART_SEPC, HART_SINK, HART_SSCRATCH, HART_STIMECMP, HART_STVAL, HART_STVEC } from './state.js'; // prettier-ignore

/** Who may access a register, beyond what its number says. */
export const GUARD_NONE = 0;
/** Illegal while mstatus.FS is Off. */
export const GUARD_FLOAT = 1;
/** satp: not for a supervisor under mstatus.TVM. */
export const GUARD_TVM = 2;
/** stimecmp: for a supervisor only with menvcfg.STCE and mcounteren.TM. */
export const GUARD_STIMECMP = 3;
/** Counters that can be read below machine mode as mcounteren and scounteren say. */
export const GUARD_COUNTER = 4;

/** What is particular about reading or writing a register. */
export const SPECIAL_NONE = 0;
/** mstatus and sstatus: SD says that FS is Dirty; MPP has a value that does not exist. */
export const SPECIAL_STATUS = 1;
/** A write makes mstatus.FS Dirty. */
export const SPECIAL_FLOAT = 2;
/** mtvec and stvec: writes of modes that do not exist are ignored. */
export const SPECIAL_VECTOR = 3;
export const SPECIAL_SATP = 4;
/** menvcfg and senvcfg: a CBIE that does not exist is ignored. */
export const SPECIAL_CBIE = 5;
/** STIP is the comparison of time and stimecmp, where Sstc is on. */
export const SPECIAL_SIP = 6;
/** The same, and SEIP is what software wrote or a device asks for. */
export const SPECIAL_MIP = 7;
/** A count of cycles or instructions. */
export const SPECIAL_COUNTER = 8;
export const SPECIAL_TIME = 9;
export const SPECIAL_INHIBIT = 10;
/** Registers of physical memory protection: TypeScript writes them. */
export const SPECIAL_PMP = 11;

/** What a write may change for the instructions that follow, beside the register. */
export const AFFECTS_TRANSLATION = 1;
export const AFFECTS_INTERRUPTS = 2;
/** What the TLB holds may not be so any more. */
export const AFFECTS_TLB = 4;
/** When the supervisor's timer goes off. */
export const AFFECTS_TIMER = 8;

/** Bytes of an entry, and where its parts are. */
export const CSR_ENTRY_BYTES = 32;
export const CSR_OFFSET = 0;
export const CSR_SHIFT = 2;
export const CSR_GUARD = 3;
export const CSR_SPECIAL = 4;
export const CSR_EFFECTS = 5;
export const CSR_DELEGATED = 6;
export const CSR_READABLE = 8;
export const CSR_WRITABLE = 16;
export const CSR_CONSTANT = 24;

/** The supervisor's software, timer and external interrupt, in mip. */
export const SOFTWARE_INTERRUPT = 1 << 1;
export const TIMER_INTERRUPT = 1 << 5;
export const EXTERNAL_INTERRUPT = 1 << 9;
export const SUPERVISOR_INTERRUPTS = SOFTWARE_INTERRUPT | TIMER_INTERRUPT | EXTERNAL_INTERRUPT;
export const ALL_INTERRUPTS = 0xaaa;
export const DELEGABLE_EXCEPTIONS = 0xb3ff;

/** In the high word of menvcfg. */
export const MENVCFG_ADUE_HIGH = 1 << 29;
export const MENVCFG_PBMTE_HIGH = 1 << 30;
export const MENVCFG_STCE_HIGH = 0x8000_0000;
export const MENVCFG_HIGH = MENVCFG_ADUE_HIGH + MENVCFG_PBMTE_HIGH + MENVCFG_STCE_HIGH;
/** Of menvcfg and senvcfg: CBIE, what cbo.inval is; CBCFE, cbo.clean and cbo.flush; CBZE, cbo.zero. */
export const ENVCFG_CBIE = 3 << 4;
export const ENVCFG_CBCFE = 1 << 6;
export const ENVCFG_CBZE = 1 << 7;
const ENVCFG_FIOM = 1;
export const ENVCFG_LOW = ENVCFG_FIOM | ENVCFG_CBIE | ENVCFG_CBCFE | ENVCFG_CBZE;

/** Bits of mcountinhibit and of the counter enables. */
export const COUNTER_CYCLE = 1;
export const COUNTER_TIME = 2;
export const COUNTER_INSTRET = 4;

/** RV64 with A, B (Zba, Zbb and Zbs), C, D, F, I, M, S and U. */
const MISA = [...'ABCDFIMSU'].reduce(
  (bits, letter) => bits | (1n << BigInt(letter.charCodeAt(0) - 65)),
  2n << 62n,
);

const ALL = 0xffff_ffff_ffff_ffffn;
const EVEN = ALL - 1n;
const WORD = 0xffff_ffffn;
const inHighWord = (bits: number): bigint => BigInt(bits) << 32n;

interface CsrEntry {
  readonly csr: number;
  /** The last of a range of registers that are all the same; the first is `csr`. */
  readonly last?: number;
  /** Where it is in the state. One that has no place is at HART_SINK and has no bits there. */
  readonly word: number;
  readonly readable: bigint;
  readonly writable: bigint;
  readonly shift?: number;
  readonly constant?: bigint;
  readonly guard?: number;
  readonly special?: number;
  readonly effects?: number;
  /** Only bits that mideleg has are there. */
  readonly delegated?: boolean;
}

/** A register that holds what is written to it, less what the mask takes away. */
const plain = (csr: number, word: number, mask: bigint, more: Partial<CsrEntry> = {}): CsrEntry => ({
  csr,
  word,
  readable: mask,
  writable: mask,
  ...more,
});

/** Registers that always read the same, from one number to another. */
const fixed = (csr: number, last: number, constant: bigint, guard = GUARD_NONE): CsrEntry => ({
  csr,
  last,
  word: HART_SINK,
  readable: 0n,
  writable: 0n,
  constant,
  guard,
});

const counter = (csr: number, word: number, guard = GUARD_NONE): CsrEntry =>
  plain(csr, word, ALL, { special: SPECIAL_COUNTER, guard });

const STATUS = { special: SPECIAL_STATUS, effects: AFFECTS_TRANSLATION | AFFECTS_INTERRUPTS };
const PMP = { special: SPECIAL_PMP, effects: AFFECTS_TRANSLATION | AFFECTS_TLB };
const FLOAT = { guard: GUARD_FLOAT, special: SPECIAL_FLOAT };
const INTERRUPTS = { effects: AFFECTS_INTERRUPTS };

const CSRS: readonly CsrEntry[] = [
  plain(0x001, HART_FCSR, 0x1fn, FLOAT),
  plain(0x002, HART_FCSR, 7n, { ...FLOAT, shift: 5 }),
  plain(0x003, HART_FCSR, 0xffn, FLOAT),
  plain(0x100, HART_MSTATUS, BigInt(SSTATUS_MASK), { ...STATUS, constant: inHighWord(SSTATUS_HIGH) }),
  plain(0x104, HART_MIE, BigInt(ALL_INTERRUPTS), { ...INTERRUPTS, delegated: true }),
  plain(0x105, HART_STVEC, ALL, { special: SPECIAL_VECTOR }),
  plain(0x106, HART_SCOUNTEREN, WORD),
  plain(0x10a, HART_SENVCFG, BigInt(ENVCFG_LOW), { special: SPECIAL_CBIE, effects: AFFECTS_TRANSLATION }),
  plain(0x140, HART_SSCRATCH, ALL),
  plain(0x141, HART_SEPC, EVEN),
  plain(0x142, HART_SCAUSE, ALL),
  plain(0x143, HART_STVAL, ALL),
  plain(0x144, HART_MIP, BigInt(ALL_INTERRUPTS), {
    ...INTERRUPTS,
    writable: BigInt(SOFTWARE_INTERRUPT),
    special: SPECIAL_SIP,
    delegated: true,
  }),
  plain(0x14d, HART_STIMECMP, ALL, { guard: GUARD_STIMECMP, effects: AFFECTS_TIMER }),
  plain(0x180, HART_SATP, ALL, { guard: GUARD_TVM, special: SPECIAL_SATP, effects: AFFECTS_TRANSLATION }),
  plain(0x300, HART_MSTATUS, BigInt(MSTATUS_MASK), { ...STATUS, constant: inHighWord(MSTATUS_HIGH) }),
  fixed(0x301, 0x301, MISA),
  plain(0x302, HART_MEDELEG, BigInt(DELEGABLE_EXCEPTIONS)),
  plain(0x303, HART_MIDELEG, BigInt(SUPERVISOR_INTERRUPTS), INTERRUPTS),
  plain(0x304, HART_MIE, BigInt(ALL_INTERRUPTS), INTERRUPTS),
  plain(0x305, HART_MTVEC, ALL, { special: SPECIAL_VECTOR }),
  plain(0x306, HART_MCOUNTEREN, WORD),
  plain(0x30a, HART_MENVCFG, BigInt(ENVCFG_LOW) | inHighWord(MENVCFG_HIGH), {
    special: SPECIAL_CBIE,
    effects: AFFECTS_TRANSLATION | AFFECTS_TLB | AFFECTS_TIMER,
  }),
  plain(0x320, HART_MCOUNTINHIBIT, BigInt(COUNTER_CYCLE | COUNTER_INSTRET), { special: SPECIAL_INHIBIT }),
  fixed(0x323, 0x33f, 0n),
  plain(0x340, HART_MSCRATCH, ALL),
  plain(0x341, HART_MEPC, EVEN),
  plain(0x342, HART_MCAUSE, ALL),
  plain(0x343, HART_MTVAL, ALL),
  plain(0x344, HART_MIP, BigInt(ALL_INTERRUPTS), {
    ...INTERRUPTS,
    writable: BigInt(SUPERVISOR_INTERRUPTS),
    special: SPECIAL_MIP,
  }),
  plain(0x3a0, HART_PMP_CONFIGURATION, ALL, PMP),
  plain(0x3a2, HART_PMP_CONFIGURATION + 2, ALL, PMP),
  ...Array.from({ length: 16 }, (_, i) => plain(0x3b0 + i, HART_PMP_ADDRESS + 2 * i, ALL, PMP)),
  counter(0xb00, HART_MCYCLE_OFFSET),
  counter(0xb02, HART_MINSTRET_OFFSET),
  fixed(0xb03, 0xb1f, 0n),
  counter(0xc00, HART_MCYCLE_OFFSET, GUARD_COUNTER),
  plain(0xc01, HART_SINK, ALL, { special: SPECIAL_TIME, guard: GUARD_COUNTER }),
  counter(0xc02, HART_MINSTRET_OFFSET, GUARD_COUNTER),
  fixed(0xc03, 0xc1f, 0n, GUARD_COUNTER),
  fixed(0xf11, 0xf13, 0n),
  plain(0xf14, HART_ID, ALL),
  fixed(0xf15, 0xf15, 0n),
];

/** Writes the table into a machine's memory. Entry 0 is no register's. */
export function writeCsrTable(buffer: ArrayBufferLike): void {
  const view = new DataView(buffer);
  CSRS.forEach((entry, index) => {
    for (let csr = entry.csr; csr <= (entry.last ?? entry.csr); csr++)
      view.setUint8(CSR_NUMBERS + csr, index + 1);
    const at = CSR_TABLE + (index + 1) * CSR_ENTRY_BYTES;
    view.setUint16(at + CSR_OFFSET, entry.word * 4, true);
    view.setUint8(at + CSR_SHIFT, entry.shift ?? 0);
    view.setUint8(at + CSR_GUARD, entry.guard ?? GUARD_NONE);
    view.setUint8(at + CSR_SPECIAL, entry.special ?? SPECIAL_NONE);
    view.setUint8(at + CSR_EFFECTS, entry.effects ?? 0);
    view.setUint8(at + CSR_DELEGATED, entry.delegated === true ? 1 : 0);
    view.setBigUint64(at + CSR_READABLE, entry.readable, true);
    view.setBigUint64(at + CSR_WRITABLE, entry.writable, true);
    view.setBigUint64(at + CSR_CONSTANT, entry.constant ?? 0n, true);
  });
}
