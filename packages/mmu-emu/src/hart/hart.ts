import type { Timer } from '../bus/device-host.js';
import type { Clock } from '../clock.js';
import { HELPER_DONE, HELPER_END_SLICE, HELPER_JUMP, HELPER_TRAP } from '../interpreter/imports.js';
import { RUN_TRAP } from '../interpreter/lower.js';
import { CSR_CLEAR, CSR_READ, CSR_SET, CSR_WRITE } from '../isa/zicsr.js';
import { SFENCE_ADDRESS, SFENCE_ASID } from '../isa/priv.js';
import { HART_BANKS } from '../memory-layout.js';
import { CACHE_BLOCK_BITS } from '../mmu/cache-block.js';
import { Tlb } from '../mmu/tlb.js';
import {
  CAUSE_ILLEGAL_INSTRUCTION,
  PRIVILEGE_MACHINE,
  PRIVILEGE_SUPERVISOR,
  PRIVILEGE_USER,
} from './causes.js';
import {
  AFFECTS_TIMER,
  AFFECTS_TLB,
  AFFECTS_TRANSLATION,
  csrEffect,
  CsrFile,
  ENVCFG_CBCFE,
  ENVCFG_CBIE,
  ENVCFG_CBZE,
  MENVCFG_ADUE_HIGH,
  MENVCFG_PBMTE_HIGH,
  EXTERNAL_INTERRUPT,
  TIMER_INTERRUPT,
} from './csr-file.js';
import { MSTATUS_FS_SHIFT, MSTATUS_MPP, MSTATUS_MPP_SHIFT, MSTATUS_MPRV, MSTATUS_MXR, MSTATUS_SUM, MSTATUS_TSR, MSTATUS_TVM, MSTATUS_TW } from './mstatus.js'; // prettier-ignore
import {
  CONTEXT_WORDS,
  HART_ARGUMENTS,
  HART_BITS,
  HART_CACHE_BLOCKS,
  HART_CAUSE,
  HART_DATA_BANK,
  HART_DATA_MODE,
  HART_EXTERNAL_PIN,
  HART_EXTERNAL_SOFTWARE,
  HART_FETCH_BANK,
  HART_FETCH_MODE,
  HART_HOSTED,
  HART_LEFT,
  HART_MCOUNTEREN,
  HART_MENVCFG,
  HART_MIE,
  HART_MIP,
  HART_MSTATUS,
  HART_PBMT_LIMIT,
  HART_PC,
  HART_PRIVILEGE,
  HART_RESERVATION,
  HART_ROOT,
  HART_SATP,
  HART_SCOUNTEREN,
  HART_SENVCFG,
  HART_SETS_AD,
  HART_STIMECMP,
  HART_TOP_SHIFT,
  HART_TVAL,
  MODE_MACHINE,
  MODE_MXR,
  MODE_SUM,
  MODE_TRANSLATED,
  MODE_USER,
  STATE_WORDS,
} from './state.js';
import { enterTrap, pendingInterrupt, returnFromMachine, returnFromSupervisor } from './trap.js';

/** The budget was used up. */
export const EXIT_BUDGET = 0;
/** A hosted hart trapped: HART_CAUSE and HART_TVAL say why, the pc is the trapping instruction's. */
export const EXIT_TRAP = 1;
/** Nothing to run before an interrupt: wfi, or a trap handler that traps for ever without retiring anything. */
export const EXIT_WFI = 2;
/** A device ended the run; `Machine.exitCode` is what it said. */
export const EXIT_STOP = 3;
/** A debugger stopped the run; `Debugger.stop` says why. */
export const EXIT_DEBUG = 4;
/** Why a run returned. */
export type ExitReason =
  typeof EXIT_BUDGET | typeof EXIT_TRAP | typeof EXIT_WFI | typeof EXIT_STOP | typeof EXIT_DEBUG;

/** What a hart needs of its machine. */
export interface HartEnvironment {
  readonly hosted: boolean;
  readonly hardwareAd: boolean;
  readonly clock: Clock;
  /** Ticks of the timebase now; never less than the last time. */
  ticks(): number;
  /** First moment of the clock (ns) at which `ticks()` is this; Infinity for a number beyond 2^53. */
  timeOfTick(ticks: number): number;
  /** Adds a timer to the machine's. */
  timer(fire: () => void): Timer;
  /** This hart waits: skips to the next deadline, if no other hart has anything to do. False when it did not. */
  skip(): boolean;
  /** Whether a device asked to end the run. */
  stopped(): boolean;
  /** Between slices: code that has become hot may be translated. True when a debugger stops the run. */
  sliceEnded(hart: Hart): boolean;
  /** Before a run: the reservations of other harts end. */
  turnOf(hart: Hart): void;
  /** Before a slice: fires the timers that are due, and gives how many instructions may retire until the next is. */
  untilDeadline(): number;
}

/** Long enough to cost nothing, short enough for the engine to replace the running code by its optimised form. */
const SLICE = 32_768;

/** Traps in a row, with nothing retired between them, after which a hart counts as waiting. */
const FUTILE_TRAPS = 64;

/** What mip and sip have in common: the low eight bits of their numbers. */
const CSR_XIP = 0x44;
/** Floating-point instructions are allowed, and none has run. */
const FS_INITIAL = 1 << MSTATUS_FS_SHIFT;

const SATP_SV39_HIGH = 0x8000_0000;
const SATP_MODE_SHIFT = 28;
const SATP_MODE_SV39 = 8;
/** What the cache-block operations of user mode need in a hosted machine. */
const ALL_CACHE_BLOCKS = ENVCFG_CBIE | ENVCFG_CBCFE | ENVCFG_CBZE;
/** Highest memory type of Svpbmt that exists. */
const PBMT_IO = 2;

/** One hart: its state, its TLB, and how it runs. */
export class Hart {
  readonly id: number;
  /** Architectural state in the machine's memory, u32 words; see HART_* for the places. */
  readonly state: Uint32Array;
  /** The leading CONTEXT_WORDS words of `state`: what a supervisor saves and restores on a thread switch. */
  readonly context: Uint32Array;
  /** @internal Flushed by the machine when a frame becomes code. */
  readonly tlb: Tlb;
  readonly #base: number;
  readonly #environment: HartEnvironment;
  readonly #csrs: CsrFile;
  #core: (hart: number, budget: number) => number = () => 0;
  #retired = 0;
  #total = 0;
  #slice = 0;
  /** Of the current slice, how many instructions the clock knows of. */
  #reported = 0;
  /** Words of the pc at which the hart waits for an interrupt, or -1. An embedder that moves the pc ends the wait. */
  #waitingLow = -1;
  #waitingHigh = -1;
  #futileTraps = 0;
  /** @internal A debugger lets no interrupt be taken. */
  holdsInterrupts = false;
  /** When mip.STIP will be set. */
  readonly #timer: Timer;
  #lastTrapAt = -1;

  /** @internal Harts are made by `Machine.create`. @param base byte address of the hart's area. */
  constructor(id: number, buffer: ArrayBufferLike, base: number, environment: HartEnvironment) {
    this.id = id;
    this.#base = base;
    this.#environment = environment;
    this.state = new Uint32Array(buffer, base, STATE_WORDS);
    this.context = new Uint32Array(buffer, base, CONTEXT_WORDS);
    this.tlb = new Tlb(new Uint32Array(buffer), this.state, base + HART_BANKS);
    this.#csrs = new CsrFile(this.state, {
      hartId: id,
      retired: () => this.totalRetired,
      time: () => this.time(),
    });
    this.#timer = environment.timer(() => this.compareTime());
    this.state[HART_HOSTED] = environment.hosted ? 1 : 0;
    this.state[HART_PRIVILEGE] = environment.hosted ? PRIVILEGE_USER : PRIVILEGE_MACHINE;
    if (environment.hosted) {
      this.state[HART_MCOUNTEREN] = 0xffff_ffff;
      this.state[HART_SCOUNTEREN] = 0xffff_ffff;
      this.state[HART_MENVCFG] = ALL_CACHE_BLOCKS;
      this.state[HART_SENVCFG] = ALL_CACHE_BLOCKS;
      this.#csrs.pmp.allowEverything();
      this.state[HART_MSTATUS] = FS_INITIAL;
    }
    if (environment.hardwareAd) this.state[HART_MENVCFG + 1] = MENVCFG_ADUE_HIGH;
    this.#updateTranslation();
  }

  /** @internal */
  connect(core: (hart: number, budget: number) => number): void {
    this.#core = core;
  }

  /** Instructions retired by the last run. */
  get retired(): number {
    return this.#retired;
  }

  /** @internal Instructions retired in all; within a slice exact wherever HART_LEFT is. */
  get totalRetired(): number {
    return this.#total + this.#slice - this.state[HART_LEFT];
  }

  /**
   * Runs until `budget` instructions (an integer) have retired, or something else ends it. In hosted mode every trap
   * does, and the trapping instruction has not retired; in full-system mode traps enter the guest's handlers.
   *
   * Only this hart runs; `Machine.run` gives each its turn. EXIT_WFI: this hart waits. Reservations of the other harts
   * end.
   */
  run(budget: number): ExitReason {
    this.#retired = 0;
    const { state } = this;
    this.#environment.turnOf(this);
    while (this.#retired < budget) {
      let slice = Math.min(budget - this.#retired, SLICE);
      if (!this.#environment.hosted) {
        slice = Math.min(slice, this.#environment.untilDeadline());
        if (!this.#wake()) {
          if (this.#environment.skip()) continue;
          return EXIT_WFI;
        }
      }
      this.#slice = slice;
      this.#reported = 0;
      state[HART_LEFT] = slice;
      const reason = this.#core(this.#base, slice);
      const done = slice - state[HART_LEFT];
      this.#environment.clock.retire(done - this.#reported);
      this.#retired += done;
      this.#total += done;
      this.#slice = 0;
      state[HART_LEFT] = 0;
      const halted = this.#environment.sliceEnded(this);
      if (reason === RUN_TRAP) {
        state[HART_RESERVATION] = 0;
        return EXIT_TRAP;
      }
      if (this.#environment.stopped()) return EXIT_STOP;
      if (halted) return EXIT_DEBUG;
    }
    return EXIT_BUDGET;
  }

  /**
   * Chooses the address space, as a write of satp for Sv39 does. Translations of other identifiers stay cached, and no
   * fence is implied.
   * @param rootPpn physical page number of the root table. @param asid 0 to 65535.
   */
  setAddressSpace(rootPpn: number, asid: number): void {
    this.state[HART_SATP] = rootPpn;
    this.state[HART_SATP + 1] = (SATP_SV39_HIGH | (asid << 12) | Math.floor(rootPpn / 2 ** 32)) >>> 0;
    this.#updateTranslation();
  }

  /** Forgets every cached translation. */
  sfenceVma(): void {
    this.tlb.flush();
    this.#updateTranslation();
  }

  /** Forgets the translation of the page of a virtual address, in every address space. */
  sfenceVmaPage(vaddr: number): void {
    this.tlb.flushPage(vaddr % 2 ** 32, Math.floor(vaddr / 2 ** 32));
  }

  /** Forgets the translations of one address-space identifier. */
  sfenceVmaAsid(asid: number): void {
    this.tlb.flushAsid(asid);
  }

  /** Nothing to do: stores into code are seen at once, and `Ram` drops decoded code of what it hands out. */
  fenceI(): void {
    this.clearReservation();
  }

  /** Ends a reservation made by lr; a supervisor does this when it switches threads. */
  clearReservation(): void {
    this.state[HART_RESERVATION] = 0;
  }

  /** @internal Raises or lowers interrupt-pending bits of mip. */
  setInterruptPending(mask: number, pending: boolean): void {
    const { state } = this;
    if (mask & EXTERNAL_INTERRUPT) {
      state[HART_EXTERNAL_PIN] = pending ? EXTERNAL_INTERRUPT : 0;
      const external = state[HART_EXTERNAL_PIN] | state[HART_EXTERNAL_SOFTWARE];
      state[HART_MIP] = (state[HART_MIP] & ~EXTERNAL_INTERRUPT) | external;
    }
    const others = mask & ~EXTERNAL_INTERRUPT;
    state[HART_MIP] = pending ? state[HART_MIP] | others : state[HART_MIP] & ~others;
  }

  /** @internal Takes the trap in the state. Not 0 when the hart makes no progress and the slice shall end. */
  takeTrap(): number {
    const { state } = this;
    const now = this.totalRetired;
    this.#futileTraps = now === this.#lastTrapAt ? this.#futileTraps + 1 : 0;
    this.#lastTrapAt = now;
    state[HART_RESERVATION] = 0;
    enterTrap(state, state[HART_CAUSE], false, state[HART_TVAL], state[HART_TVAL + 1]);
    this.#updateTranslation();
    if (this.#futileTraps < FUTILE_TRAPS) return 0;
    this.#wait();
    return 1;
  }

  /** @internal Whether an interrupt waits to be taken, so that the slice shall end. */
  get interruptPending(): boolean {
    return !this.#environment.hosted && pendingInterrupt(this.state) >= 0;
  }

  /** @internal A CSR as machine mode reads it; undefined when there is none. The hart is not running. */
  readCsr(csr: number): bigint | undefined {
    const csrs = this.#csrs;
    if (!csrs.read(csr)) return undefined;
    return (BigInt(csrs.high) << 32n) | BigInt(csrs.low);
  }

  /** @internal Writes a CSR as machine mode does; false when there is none, or it is read only. The hart is not running. */
  writeCsr(csr: number, low: number, high: number): boolean {
    const csrs = this.#csrs;
    if (csr >>> 10 === 3 || !csrs.read(csr)) return false;
    csrs.write(csr, low, high);
    this.tlb.flush();
    this.#updateTranslation();
    if (!this.#environment.hosted) this.compareTime();
    return true;
  }

  /** @internal */
  csrAccess(): number {
    const { state } = this;
    const csrs = this.#csrs;
    const csr = state[HART_ARGUMENTS];
    const kind = state[HART_ARGUMENTS + 2];
    const low = state[HART_ARGUMENTS + 4];
    const high = state[HART_ARGUMENTS + 5];
    const writes = (kind & (CSR_WRITE | CSR_SET | CSR_CLEAR)) !== 0;
    if (!this.#environment.hosted && (csr & 0xff) === CSR_XIP) this.#updateTimer(this.time());
    // A swap that does not read must still find out whether there is such a register; none has an effect when read.
    if (!csrs.accessible(csr, writes) || !csrs.read(csr)) return this.#illegal();
    const oldLow = csrs.low;
    const oldHigh = csrs.high;
    state[HART_ARGUMENTS] = kind & CSR_READ ? oldLow : 0;
    state[HART_ARGUMENTS + 1] = kind & CSR_READ ? oldHigh : 0;
    if (!writes) return HELPER_DONE;
    const modified = csrs.modifiedLow;
    if (kind & CSR_SET) csrs.write(csr, (modified | low) >>> 0, (oldHigh | high) >>> 0);
    else if (kind & CSR_CLEAR) csrs.write(csr, (modified & ~low) >>> 0, (oldHigh & ~high) >>> 0);
    else csrs.write(csr, low, high);
    const effect = csrEffect(csr);
    if (effect === 0) return HELPER_DONE;
    this.#nextPc();
    if (effect & AFFECTS_TLB) this.tlb.flush();
    if (effect & AFFECTS_TRANSLATION) this.#updateTranslation();
    if (effect & AFFECTS_TIMER) {
      this.#updateTimer(this.time());
      // The slice may be longer than there is time.
      return HELPER_END_SLICE;
    }
    return this.interruptPending ? HELPER_END_SLICE : HELPER_JUMP;
  }

  /** @internal */
  mret(): number {
    if (this.state[HART_PRIVILEGE] < PRIVILEGE_MACHINE) return this.#illegal();
    returnFromMachine(this.state);
    return this.#changed();
  }

  /** @internal */
  sret(): number {
    const privilege = this.state[HART_PRIVILEGE];
    const trapped = privilege === PRIVILEGE_SUPERVISOR && (this.state[HART_MSTATUS] & MSTATUS_TSR) !== 0;
    if (privilege < PRIVILEGE_SUPERVISOR || trapped) return this.#illegal();
    returnFromSupervisor(this.state);
    return this.#changed();
  }

  /** @internal */
  wfi(): number {
    const privilege = this.state[HART_PRIVILEGE];
    const limited = (this.state[HART_MSTATUS] & MSTATUS_TW) !== 0;
    if (privilege === PRIVILEGE_USER || (privilege === PRIVILEGE_SUPERVISOR && limited))
      return this.#illegal();
    this.#nextPc();
    if ((this.state[HART_MIP] & this.state[HART_MIE]) !== 0) return HELPER_JUMP;
    this.#wait();
    return HELPER_END_SLICE;
  }

  /** @internal */
  fence(): number {
    const { state } = this;
    const privilege = state[HART_PRIVILEGE];
    const trapped = privilege === PRIVILEGE_SUPERVISOR && (state[HART_MSTATUS] & MSTATUS_TVM) !== 0;
    if (privilege === PRIVILEGE_USER || trapped) return this.#illegal();
    const given = state[HART_ARGUMENTS];
    const asid = state[HART_ARGUMENTS + 4] & 0xffff;
    if (given === 0) this.tlb.flush();
    else if (given === SFENCE_ASID) this.tlb.flushAsid(asid);
    // An address fence reaches global pages only without an ASID; telling more than asked is harmless.
    else
      this.tlb.flushPage(
        state[HART_ARGUMENTS + 2],
        state[HART_ARGUMENTS + 3],
        given & SFENCE_ADDRESS && given & SFENCE_ASID ? asid : undefined,
      );
    this.#nextPc();
    this.#updateTranslation();
    return HELPER_JUMP;
  }

  /** @internal */
  orderInvalidation(): number {
    return this.state[HART_PRIVILEGE] === PRIVILEGE_USER ? this.#illegal() : HELPER_DONE;
  }

  #illegal(): number {
    this.state[HART_CAUSE] = CAUSE_ILLEGAL_INSTRUCTION;
    this.state[HART_TVAL] = this.state[HART_BITS]!;
    this.state[HART_TVAL + 1] = 0;
    return HELPER_TRAP;
  }

  /** Every instruction that has a helper is four bytes long. */
  #nextPc(): void {
    const low = this.state[HART_PC] + 4;
    this.state[HART_PC] = low;
    if (low >= 2 ** 32) this.state[HART_PC + 1]++;
  }

  /** Privilege, translation or interrupt enables may have changed; an interrupt is taken before the next instruction. */
  #changed(): number {
    this.#updateTranslation();
    return this.interruptPending ? HELPER_END_SLICE : HELPER_JUMP;
  }

  /** Sets or clears mip.STIP by the time, where it is that which decides (Sstc), and finds out when it will change. */
  #updateTimer(now: number): void {
    if (!this.#csrs.timerCompares) {
      this.#timer.cancel();
      return;
    }
    const { state } = this;
    const due = state[HART_STIMECMP] + state[HART_STIMECMP + 1] * 2 ** 32;
    if (now >= due) {
      state[HART_MIP] |= TIMER_INTERRUPT;
      this.#timer.cancel();
      return;
    }
    state[HART_MIP] &= ~TIMER_INTERRUPT;
    const environment = this.#environment;
    // Where a tick is no whole number of nanoseconds, the clock may be a moment early.
    this.#timer.set(Math.max(environment.timeOfTick(due), environment.clock.now() + 1));
  }

  /** @internal The timebase has reached stimecmp, or was set. */
  compareTime(): void {
    this.#updateTimer(this.#environment.ticks());
  }

  /** Before a slice: takes a pending interrupt. False when the hart still waits. */
  #wake(): boolean {
    const { state } = this;
    const interrupt = this.holdsInterrupts ? -1 : pendingInterrupt(state);
    if (interrupt >= 0) {
      this.#waitingLow = -1;
      this.#futileTraps = 0;
      enterTrap(state, interrupt, true, 0, 0);
      this.#updateTranslation();
      return true;
    }
    // wfi also ends when the interrupt is pending and enabled in mie but not globally.
    const waiting = this.#waitingLow === state[HART_PC] && this.#waitingHigh === state[HART_PC + 1];
    if (waiting && (state[HART_MIP] & state[HART_MIE]) === 0) return false;
    this.#waitingLow = -1;
    return true;
  }

  #wait(): void {
    this.#waitingLow = this.state[HART_PC]!;
    this.#waitingHigh = this.state[HART_PC + 1]!;
  }

  /** @internal Ticks of the timebase, with the instructions that the slice under way has retired. */
  time(): number {
    const done = this.#slice - this.state[HART_LEFT];
    this.#environment.clock.retire(done - this.#reported);
    this.#reported = done;
    return this.#environment.ticks();
  }

  /** Recomputes what depends on privilege, mstatus, satp and menvcfg. */
  #updateTranslation(): void {
    const { state, tlb } = this;
    const mstatus = state[HART_MSTATUS];
    const privilege = state[HART_PRIVILEGE];
    const low = state[HART_SATP];
    const high = state[HART_SATP + 1];
    const translated = high >>> 31 === 1;
    const dataPrivilege = mstatus & MSTATUS_MPRV ? (mstatus & MSTATUS_MPP) >>> MSTATUS_MPP_SHIFT : privilege;
    let fetchMode = privilege === PRIVILEGE_MACHINE ? MODE_MACHINE : 0;
    if (translated && privilege !== PRIVILEGE_MACHINE) {
      fetchMode = MODE_TRANSLATED | (privilege === PRIVILEGE_USER ? MODE_USER : 0);
    }
    let dataMode = dataPrivilege === PRIVILEGE_MACHINE ? MODE_MACHINE : 0;
    if (translated && dataPrivilege !== PRIVILEGE_MACHINE) {
      dataMode = MODE_TRANSLATED | (mstatus & MSTATUS_MXR ? MODE_MXR : 0);
      if (dataPrivilege === PRIVILEGE_USER) dataMode |= MODE_USER;
      else if (mstatus & MSTATUS_SUM) dataMode |= MODE_SUM;
    }
    state[HART_TOP_SHIFT] = 30 + 9 * ((high >>> SATP_MODE_SHIFT) - SATP_MODE_SV39);
    state[HART_PBMT_LIMIT] = state[HART_MENVCFG + 1] & MENVCFG_PBMTE_HIGH ? PBMT_IO : 0;
    state[HART_CACHE_BLOCKS] = allowedCacheBlocks(state);
    state[HART_ROOT] = low << 12;
    state[HART_ROOT + 1] = (low >>> 20) | ((high & 0xfff) << 12);
    state[HART_FETCH_MODE] = fetchMode;
    state[HART_DATA_MODE] = dataMode;
    state[HART_DATA_BANK] = tlb.select(low, high, dataMode);
    state[HART_FETCH_BANK] =
      fetchMode === dataMode ? state[HART_DATA_BANK] : tlb.select(low, high, fetchMode);
    state[HART_SETS_AD] = state[HART_MENVCFG + 1] & MENVCFG_ADUE_HIGH ? 1 : 0;
  }
}

/** The cache-block operations that the privilege may do, as bits: all in machine mode, otherwise those of xenvcfg. */
function allowedCacheBlocks(state: Uint32Array): number {
  const privilege = state[HART_PRIVILEGE];
  let enabled = ALL_CACHE_BLOCKS;
  if (privilege < PRIVILEGE_MACHINE) enabled &= state[HART_MENVCFG];
  if (privilege < PRIVILEGE_SUPERVISOR) enabled &= state[HART_SENVCFG];
  const { inval, clean, flush, zero } = CACHE_BLOCK_BITS;
  return (
    (enabled & ENVCFG_CBIE ? inval : 0) |
    (enabled & ENVCFG_CBCFE ? clean | flush : 0) |
    (enabled & ENVCFG_CBZE ? zero : 0)
  );
}
