import {
  HART_EXTERNAL_PIN,
  HART_EXTERNAL_SOFTWARE,
  HART_FCSR,
  HART_MCAUSE,
  HART_MCOUNTEREN,
  HART_MCOUNTINHIBIT,
  HART_MCYCLE_OFFSET,
  HART_MEDELEG,
  HART_MENVCFG,
  HART_MEPC,
  HART_MIDELEG,
  HART_MIE,
  HART_MINSTRET_OFFSET,
  HART_MIP,
  HART_MSCRATCH,
  HART_MSTATUS,
  HART_MTVAL,
  HART_MTVEC,
  HART_PMP_ADDRESS,
  HART_PMP_CONFIGURATION,
  HART_PRIVILEGE,
  HART_SATP,
  HART_SCAUSE,
  HART_SCOUNTEREN,
  HART_SENVCFG,
  HART_SEPC,
  HART_SSCRATCH,
  HART_STIMECMP,
  HART_STVAL,
  HART_STVEC,
} from './state.js';
import { PRIVILEGE_MACHINE, PRIVILEGE_SUPERVISOR, PRIVILEGE_USER } from './causes.js';
import {
  MSTATUS_FS,
  MSTATUS_HIGH,
  MSTATUS_MASK,
  MSTATUS_MPP,
  MSTATUS_SD_HIGH,
  MSTATUS_TVM,
  SSTATUS_HIGH,
  SSTATUS_MASK,
} from './mstatus.js';

import { PmpRegisters } from './pmp.js';

/** What CSRs need of the hart around them. Counts are numbers below 2^53. */
export interface CsrEnvironment {
  readonly hartId: number;
  /** Instructions retired before the one that reads. */
  retired(): number;
  /** Ticks of the timebase. */
  time(): number;
}

/** RV64 with A, B (Zba, Zbb and Zbs), C, D, F, I, M, S and U. */
const MISA_LOW = [...'ABCDFIMSU'].reduce((bits, letter) => bits | (1 << (letter.charCodeAt(0) - 65)), 0);
const MISA_HIGH = 0x8000_0000;

const ALL = 0xffff_ffff;
const DELEGABLE_EXCEPTIONS = 0xb3ff;
/** Software, timer and external interrupts of the supervisor. */
export const SUPERVISOR_INTERRUPTS = 0x222;
const ALL_INTERRUPTS = 0xaaa;
const SOFTWARE_INTERRUPT = 1 << 1;
/** The supervisor's timer interrupt, in mip. */
export const TIMER_INTERRUPT = 1 << 5;
/** The supervisor's external interrupt, in mip. */
export const EXTERNAL_INTERRUPT = 1 << 9;
const SATP_MODE_SHIFT = 28;
const SATP_MODE_BARE = 0;
const SATP_MODE_SV39 = 8;
const SATP_MODE_SV57 = 10;
/** In the high word of menvcfg. */
export const MENVCFG_ADUE_HIGH = 1 << 29;
export const MENVCFG_PBMTE_HIGH = 1 << 30;
export const MENVCFG_STCE_HIGH = 0x8000_0000;
/** Of menvcfg and senvcfg: CBIE, what cbo.inval is; CBCFE, cbo.clean and cbo.flush; CBZE, cbo.zero. */
export const ENVCFG_CBIE = 3 << 4;
export const ENVCFG_CBCFE = 1 << 6;
export const ENVCFG_CBZE = 1 << 7;
const MENVCFG_HIGH = MENVCFG_ADUE_HIGH | MENVCFG_PBMTE_HIGH | MENVCFG_STCE_HIGH;
const ENVCFG_FIOM = 1;
const ENVCFG_LOW = ENVCFG_FIOM | ENVCFG_CBIE | ENVCFG_CBCFE | ENVCFG_CBZE;
const CBIE_RESERVED = 2 << 4;
const TVEC_MODE = 3;
const TVEC_VECTORED = 1;
const COUNTER_CYCLE = 1;
const COUNTER_TIME = 2;
const COUNTER_INSTRET = 4;

const CSR_STIMECMP = 0x14d;
const FFLAGS = 0x1f;
const FRM_SHIFT = 5;
const FCSR = 0xff;

/** CSRs that hold what is written to them, less what their masks (low, high word) take away. */
const PLAIN: readonly (readonly [csr: number, word: number, low: number, high: number])[] = [
  [0x106, HART_SCOUNTEREN, ALL, 0],
  [0x140, HART_SSCRATCH, ALL, ALL],
  [0x141, HART_SEPC, ALL - 1, ALL],
  [0x142, HART_SCAUSE, ALL, ALL],
  [0x143, HART_STVAL, ALL, ALL],
  [CSR_STIMECMP, HART_STIMECMP, ALL, ALL],
  [0x302, HART_MEDELEG, DELEGABLE_EXCEPTIONS, 0],
  [0x303, HART_MIDELEG, SUPERVISOR_INTERRUPTS, 0],
  [0x304, HART_MIE, ALL_INTERRUPTS, 0],
  [0x306, HART_MCOUNTEREN, ALL, 0],
  [0x340, HART_MSCRATCH, ALL, ALL],
  [0x341, HART_MEPC, ALL - 1, ALL],
  [0x342, HART_MCAUSE, ALL, ALL],
  [0x343, HART_MTVAL, ALL, ALL],
];

/** The same by CSR number: looked up at every access. No plain CSR is at word 0. */
const PLAIN_WORD = new Uint16Array(4096);
const PLAIN_LOW = new Uint32Array(4096);
const PLAIN_HIGH = new Uint32Array(4096);
for (const [csr, word, low, high] of PLAIN) {
  PLAIN_WORD[csr] = word;
  PLAIN_LOW[csr] = low;
  PLAIN_HIGH[csr] = high;
}

const CSR_FFLAGS = 0x001;
const CSR_FRM = 0x002;
const CSR_FCSR = 0x003;
const CSR_SSTATUS = 0x100;
const CSR_SIE = 0x104;
const CSR_STVEC = 0x105;
const CSR_SENVCFG = 0x10a;
const CSR_SIP = 0x144;
const CSR_SATP = 0x180;
const CSR_MSTATUS = 0x300;
const CSR_MISA = 0x301;
const CSR_MIDELEG = 0x303;
const CSR_MIE = 0x304;
const CSR_MTVEC = 0x305;
const CSR_MENVCFG = 0x30a;
const CSR_MCOUNTINHIBIT = 0x320;
const CSR_MIP = 0x344;
const CSR_PMPCFG0 = 0x3a0;
const CSR_PMPCFG2 = 0x3a2;
const CSR_PMPADDR0 = 0x3b0;
const CSR_PMPADDR15 = 0x3bf;
const CSR_MCYCLE = 0xb00;
const CSR_MINSTRET = 0xb02;
const CSR_CYCLE = 0xc00;
const CSR_TIME = 0xc01;
const CSR_INSTRET = 0xc02;
const CSR_MVENDORID = 0xf11;
const CSR_MHARTID = 0xf14;
const CSR_MCONFIGPTR = 0xf15;

/** Counters that can be inhibited: their bits in mcountinhibit, and where they are. */
const COUNTERS = [
  [COUNTER_CYCLE, HART_MCYCLE_OFFSET],
  [COUNTER_INSTRET, HART_MINSTRET_OFFSET],
] as const;

/** Bits of {@link csrEffect}. */
export const AFFECTS_TRANSLATION = 1;
export const AFFECTS_INTERRUPTS = 2;
/** What the TLB holds may not be so any more. */
export const AFFECTS_TLB = 4;
/** When the supervisor's timer goes off. */
export const AFFECTS_TIMER = 8;

/** What a write of a CSR may change for the instructions that follow, beside the register. */
export function csrEffect(csr: number): number {
  switch (csr) {
    case CSR_MSTATUS:
    case CSR_SSTATUS:
      return AFFECTS_TRANSLATION | AFFECTS_INTERRUPTS;
    case CSR_SATP:
    case CSR_SENVCFG:
      return AFFECTS_TRANSLATION;
    case CSR_STIMECMP:
      return AFFECTS_TIMER;
    case CSR_MENVCFG:
      return AFFECTS_TRANSLATION | AFFECTS_TLB | AFFECTS_TIMER;
    case CSR_PMPCFG0:
    case CSR_PMPCFG2:
      return AFFECTS_TRANSLATION | AFFECTS_TLB;
    case CSR_SIE:
    case CSR_SIP:
    case CSR_MIE:
    case CSR_MIP:
    case CSR_MIDELEG:
      return AFFECTS_INTERRUPTS;
    default:
      return within(csr, CSR_PMPADDR0, CSR_PMPADDR15) ? AFFECTS_TRANSLATION | AFFECTS_TLB : 0;
  }
}

const within = (csr: number, first: number, last: number): boolean => csr >= first && csr <= last;

/**
 * The control and status registers of one hart. Values are pairs of u32; a read leaves its result in `low` and `high`.
 *
 * Hardware performance counters read zero. Fields that do not exist read zero and ignore writes; a write of a mode that
 * does not exist to satp, mtvec or stvec changes nothing, and mstatus.MPP and CBIE keep what they were.
 *
 * @see The RISC-V Instruction Set Manual, Volume II, "Control and Status Registers (CSRs)"
 */
export class CsrFile {
  /** Result of the last read. */
  low = 0;
  high = 0;
  /** What an instruction that sets or clears bits starts from: of mip, SEIP is only what software has written. */
  modifiedLow = 0;
  readonly #state: Uint32Array;
  readonly #environment: CsrEnvironment;
  /** Physical memory protection. */
  readonly pmp: PmpRegisters;

  constructor(state: Uint32Array, environment: CsrEnvironment) {
    this.#state = state;
    this.pmp = new PmpRegisters(state);
    this.#environment = environment;
  }

  /** Whether mip.STIP is the outcome of comparing time and stimecmp, and nothing that is written (Sstc). */
  get timerCompares(): boolean {
    return (this.#state[HART_MENVCFG + 1] & MENVCFG_STCE_HIGH) !== 0;
  }

  /** Whether the current privilege may access a CSR at all, reading or writing. */
  accessible(csr: number, write: boolean): boolean {
    const privilege = this.#state[HART_PRIVILEGE];
    if (privilege < ((csr >>> 8) & 3)) return false;
    if (write && csr >>> 10 === 3) return false;
    if (within(csr, CSR_FFLAGS, CSR_FCSR)) return (this.#state[HART_MSTATUS] & MSTATUS_FS) !== 0;
    if (csr === CSR_SATP) {
      return !(privilege === PRIVILEGE_SUPERVISOR && this.#state[HART_MSTATUS] & MSTATUS_TVM);
    }
    if (csr === CSR_STIMECMP && privilege === PRIVILEGE_SUPERVISOR) {
      return this.timerCompares && (this.#state[HART_MCOUNTEREN] & COUNTER_TIME) !== 0;
    }
    if (within(csr, 0xc00, 0xc1f)) return this.#counterEnabled(csr & 31, privilege);
    return true;
  }

  /** Reads a CSR, whatever the privilege; false when it does not exist. */
  read(csr: number): boolean {
    const state = this.#state;
    const plain = PLAIN_WORD[csr];
    if (plain !== 0) return this.#give(state[plain], state[plain + 1]);
    switch (csr) {
      case CSR_MSTATUS:
        return this.#give(state[HART_MSTATUS], MSTATUS_HIGH | this.#dirty());
      case CSR_SSTATUS:
        return this.#give(state[HART_MSTATUS] & SSTATUS_MASK, SSTATUS_HIGH | this.#dirty());
      case CSR_FFLAGS:
        return this.#give(state[HART_FCSR] & FFLAGS, 0);
      case CSR_FRM:
        return this.#give(state[HART_FCSR] >>> FRM_SHIFT, 0);
      case CSR_FCSR:
        return this.#give(state[HART_FCSR], 0);
      case CSR_SIE:
        return this.#give(state[HART_MIE] & state[HART_MIDELEG], 0);
      case CSR_SIP:
        return this.#give(state[HART_MIP] & state[HART_MIDELEG], 0);
      case CSR_MIP: {
        this.#give(state[HART_MIP], 0);
        this.modifiedLow = (this.low & ~EXTERNAL_INTERRUPT) | state[HART_EXTERNAL_SOFTWARE];
        return true;
      }
      case CSR_SATP:
        return this.#give(state[HART_SATP], state[HART_SATP + 1]);
      case CSR_STVEC:
        return this.#give(state[HART_STVEC], state[HART_STVEC + 1]);
      case CSR_MTVEC:
        return this.#give(state[HART_MTVEC], state[HART_MTVEC + 1]);
      case CSR_SENVCFG:
        return this.#give(state[HART_SENVCFG], 0);
      case CSR_MCOUNTINHIBIT:
        return this.#give(state[HART_MCOUNTINHIBIT], 0);
      case CSR_PMPCFG0:
        return this.#give(state[HART_PMP_CONFIGURATION], state[HART_PMP_CONFIGURATION + 1]);
      case CSR_PMPCFG2:
        return this.#give(state[HART_PMP_CONFIGURATION + 2], state[HART_PMP_CONFIGURATION + 3]);
      case CSR_MISA:
        return this.#give(MISA_LOW, MISA_HIGH);
      case CSR_MENVCFG:
        return this.#give(state[HART_MENVCFG], state[HART_MENVCFG + 1]);
      case CSR_MHARTID:
        return this.#give(this.#environment.hartId, 0);
      case CSR_CYCLE:
      case CSR_MCYCLE:
        return this.#giveCounter(COUNTER_CYCLE, HART_MCYCLE_OFFSET);
      case CSR_INSTRET:
      case CSR_MINSTRET:
        return this.#giveCounter(COUNTER_INSTRET, HART_MINSTRET_OFFSET);
      case CSR_TIME: {
        const ticks = this.#environment.time();
        return this.#give(ticks >>> 0, Math.floor(ticks / 2 ** 32));
      }
      default:
        if (within(csr, CSR_PMPADDR0, CSR_PMPADDR15)) {
          const word = HART_PMP_ADDRESS + 2 * (csr - CSR_PMPADDR0);
          return this.#give(state[word], state[word + 1]);
        }
        return this.#isZero(csr) && this.#give(0, 0);
    }
  }

  /** Writes a CSR that exists and is not read-only. */
  write(csr: number, low: number, high: number): void {
    const state = this.#state;
    const plain = PLAIN_WORD[csr];
    if (plain !== 0) {
      state[plain] = low & PLAIN_LOW[csr];
      state[plain + 1] = high & PLAIN_HIGH[csr];
      return;
    }
    switch (csr) {
      case CSR_MSTATUS:
        this.#writeMstatus(low, MSTATUS_MASK);
        break;
      case CSR_SSTATUS:
        this.#writeMstatus(low, SSTATUS_MASK);
        break;
      case CSR_FFLAGS:
        this.#writeFcsr(low, FFLAGS);
        break;
      case CSR_FRM:
        this.#writeFcsr(low << FRM_SHIFT, FCSR & ~FFLAGS);
        break;
      case CSR_FCSR:
        this.#writeFcsr(low, FCSR);
        break;
      case CSR_SIE:
        this.#merge(HART_MIE, low, state[HART_MIDELEG]);
        break;
      case CSR_SIP:
        this.#merge(HART_MIP, low, state[HART_MIDELEG] & SOFTWARE_INTERRUPT);
        break;
      case CSR_MIP:
        this.#merge(
          HART_MIP,
          low,
          SOFTWARE_INTERRUPT | EXTERNAL_INTERRUPT | (this.timerCompares ? 0 : TIMER_INTERRUPT),
        );
        state[HART_EXTERNAL_SOFTWARE] = low & EXTERNAL_INTERRUPT;
        state[HART_MIP] |= state[HART_EXTERNAL_PIN];
        break;
      case CSR_SATP: {
        const mode = high >>> SATP_MODE_SHIFT;
        if (mode !== SATP_MODE_BARE && !within(mode, SATP_MODE_SV39, SATP_MODE_SV57)) break;
        state[HART_SATP] = low;
        state[HART_SATP + 1] = high;
        break;
      }
      case CSR_MENVCFG:
        this.#writeEnvironment(HART_MENVCFG, low);
        state[HART_MENVCFG + 1] = high & MENVCFG_HIGH;
        break;
      case CSR_SENVCFG:
        this.#writeEnvironment(HART_SENVCFG, low);
        break;
      case CSR_STVEC:
        this.#writeVector(HART_STVEC, low, high);
        break;
      case CSR_MTVEC:
        this.#writeVector(HART_MTVEC, low, high);
        break;
      case CSR_PMPCFG0:
        this.pmp.writeConfiguration(0, low, high);
        break;
      case CSR_PMPCFG2:
        this.pmp.writeConfiguration(8, low, high);
        break;
      case CSR_MCOUNTINHIBIT:
        this.#writeInhibit(low);
        break;
      case CSR_MCYCLE:
        this.#writeCounter(COUNTER_CYCLE, HART_MCYCLE_OFFSET, low, high);
        break;
      case CSR_MINSTRET:
        this.#writeCounter(COUNTER_INSTRET, HART_MINSTRET_OFFSET, low, high);
        break;
      default:
        if (within(csr, CSR_PMPADDR0, CSR_PMPADDR15)) this.pmp.writeAddress(csr - CSR_PMPADDR0, low, high);
        // The others always read zero.
        break;
    }
  }

  #isZero(csr: number): boolean {
    return (
      within(csr, CSR_MVENDORID, CSR_MCONFIGPTR) ||
      within(csr, 0x323, 0x33f) ||
      within(csr, 0xb03, 0xb1f) ||
      within(csr, 0xc03, 0xc1f)
    );
  }

  #counterEnabled(bit: number, privilege: number): boolean {
    if (privilege === PRIVILEGE_MACHINE) return true;
    if (!((this.#state[HART_MCOUNTEREN] >>> bit) & 1)) return false;
    return privilege !== PRIVILEGE_USER || ((this.#state[HART_SCOUNTEREN] >>> bit) & 1) === 1;
  }

  #writeMstatus(low: number, mask: number): void {
    const old = this.#state[HART_MSTATUS];
    let next = (old & ~mask) | (low & mask);
    // The mode between supervisor and machine does not exist.
    if ((next & MSTATUS_MPP) === 2 << 11) next = (next & ~MSTATUS_MPP) | (old & MSTATUS_MPP);
    this.#state[HART_MSTATUS] = next;
  }

  #writeEnvironment(word: number, low: number): void {
    const old = this.#state[word];
    const next = low & ENVCFG_LOW;
    const reserved = (next & ENVCFG_CBIE) === CBIE_RESERVED;
    this.#state[word] = reserved ? (next & ~ENVCFG_CBIE) | (old & ENVCFG_CBIE) : next;
  }

  #writeVector(word: number, low: number, high: number): void {
    if ((low & TVEC_MODE) > TVEC_VECTORED) return;
    this.#state[word] = low;
    this.#state[word + 1] = high;
  }

  /** Counters that stop, or go on, do so after this instruction. */
  #writeInhibit(value: number): void {
    const state = this.#state;
    const changed = (state[HART_MCOUNTINHIBIT] ^ value) & (COUNTER_CYCLE | COUNTER_INSTRET);
    for (const [bit, word] of COUNTERS) {
      if (!(changed & bit)) continue;
      const count = this.#environment.retired() + 1;
      if (value & bit) this.#giveSum(count, word);
      else this.#giveDifference(count, state[word], state[word + 1]);
      state[word] = this.low;
      state[word + 1] = this.high;
    }
    state[HART_MCOUNTINHIBIT] ^= changed;
  }

  /** SD. */
  #dirty(): number {
    return (this.#state[HART_MSTATUS] & MSTATUS_FS) === MSTATUS_FS ? MSTATUS_SD_HIGH : 0;
  }

  #writeFcsr(value: number, mask: number): void {
    this.#merge(HART_FCSR, value, mask);
    this.#state[HART_MSTATUS] |= MSTATUS_FS;
  }

  #merge(word: number, value: number, mask: number): void {
    this.#state[word] = (this.#state[word] & ~mask) | (value & mask);
  }

  /** The value stands from the next instruction on: this one is not counted. */
  #writeCounter(bit: number, word: number, low: number, high: number): void {
    if (this.#state[HART_MCOUNTINHIBIT] & bit) this.#give(low, high);
    else this.#giveDifference(this.#environment.retired() + 1, low, high);
    this.#state[word] = this.low;
    this.#state[word + 1] = this.high;
  }

  /** Value of a counter, which its words hold if it stands still, and otherwise hold less the instructions retired. */
  #giveCounter(bit: number, word: number): true {
    if (this.#state[HART_MCOUNTINHIBIT] & bit) return this.#give(this.#state[word], this.#state[word + 1]);
    return this.#giveSum(this.#environment.retired(), word);
  }

  #giveDifference(count: number, low: number, high: number): true {
    const difference = low - (count % 2 ** 32);
    return this.#give(difference, high - Math.floor(count / 2 ** 32) - (difference < 0 ? 1 : 0));
  }

  #giveSum(count: number, offset: number): true {
    const low = (count % 2 ** 32) + this.#state[offset];
    const carry = low >= 2 ** 32 ? 1 : 0;
    return this.#give(low >>> 0, (Math.floor(count / 2 ** 32) + this.#state[offset + 1] + carry) >>> 0);
  }

  #give(low: number, high: number): true {
    this.low = low >>> 0;
    this.modifiedLow = this.low;
    this.high = high >>> 0;
    return true;
  }
}
