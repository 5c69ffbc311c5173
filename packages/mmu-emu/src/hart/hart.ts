import type { Timer } from '../bus/device-host.js';
import type { Clock } from '../clock.js';
import type { CoreExports } from '../interpreter/imports.js';
import { RUN_TRAP } from '../interpreter/lower.js';
import { HART_BANKS } from '../memory-layout.js';
import { PAGE_SIZE } from '../mmu/pte.js';
import { restoreBanks, saveBanks } from '../mmu/tlb-snapshot.js';
import type { TlbBanks, TlbFrames } from '../mmu/tlb-snapshot.js';
import type { StateReader } from '../snapshot/state-reader.js';
import type { StateWriter } from '../snapshot/state-writer.js';
import { PRIVILEGE_MACHINE, PRIVILEGE_USER } from './causes.js';
import { ENVCFG_CBCFE, ENVCFG_CBIE, ENVCFG_CBZE, EXTERNAL_INTERRUPT, MENVCFG_ADUE_HIGH, MENVCFG_STCE_HIGH, TIMER_INTERRUPT } from './csr-table.js'; // prettier-ignore
import { restoreWords, saveWords } from './hart-snapshot.js';
import { MSTATUS_FS_SHIFT } from './mstatus.js';
import { PmpRegisters } from './pmp.js';
import { CONTEXT_WORDS, HART_ARGUMENTS, HART_EXTERNAL_PIN, HART_EXTERNAL_SOFTWARE, HART_FUTILE_TRAPS, HART_HOSTED, HART_ID, HART_LAST_TRAP, HART_LEFT, HART_MCOUNTEREN, HART_MENVCFG, HART_MIE, HART_MIP, HART_MSTATUS, HART_PC, HART_PRIVILEGE, HART_RESERVATION, HART_SATP, HART_SCOUNTEREN, HART_SENVCFG, HART_SLICE_END, HART_STIMECMP, HART_WAIT_PC, HART_WAITS, STATE_WORDS } from './state.js'; // prettier-ignore
import { FUTILE_TRAPS } from './trap.js';

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
/** A device asked that the machine be reset: see `Machine.reset`. */
export const EXIT_RESET = 5;
/** Why a run returned. */
export type ExitReason =
  | typeof EXIT_BUDGET
  | typeof EXIT_TRAP
  | typeof EXIT_WFI
  | typeof EXIT_STOP
  | typeof EXIT_DEBUG
  | typeof EXIT_RESET;

/** What a hart needs of its machine. */
export interface HartEnvironment {
  readonly hosted: boolean;
  readonly hardwareAd: boolean;
  readonly clock: Clock;
  /** Frames of RAM, as TLBs name them. */
  readonly frames: TlbFrames;
  /** Ticks of the timebase now; never less than the last time. */
  ticks(): number;
  /** First moment of the clock (ns) at which `ticks()` is this; Infinity for a number beyond 2^53. */
  timeOfTick(ticks: number): number;
  /** Adds a timer to the machine's. */
  timer(fire: () => void): Timer;
  /** This hart waits: skips to the next deadline, if no other hart has anything to do. False when it did not. */
  skip(): boolean;
  /** EXIT_STOP or EXIT_RESET when a device asked to end the run. */
  stopped(): ExitReason | undefined;
  /** Between slices: code that has become hot may be translated. True when a debugger stops the run. */
  sliceEnded(hart: Hart): boolean;
  /** Before a run: the reservations of other harts end. */
  turnOf(hart: Hart): void;
  /** Before a slice: fires the timers that are due, and gives how many instructions may retire until the next is. */
  untilDeadline(): number;
}

/** Long enough to cost nothing, short enough for the engine to replace the running code by its optimised form. */
const SLICE = 32_768;

/** Floating-point instructions are allowed, and none has run. */
const FS_INITIAL = 1 << MSTATUS_FS_SHIFT;

const SATP_SV39_HIGH = 0x8000_0000;
/** What the cache-block operations of user mode need in a hosted machine. */
const ALL_CACHE_BLOCKS = ENVCFG_CBIE | ENVCFG_CBCFE | ENVCFG_CBZE;
const ANY_ASID = -1;
/** In place of the offset of a reservation: there is none. */
const NOWHERE = 0xffff_ffff;

/** One hart: its state, its TLB, and how it runs. */
export class Hart {
  readonly id: number;
  /** Architectural state in the machine's memory, u32 words; see HART_* for the places. */
  readonly state: Uint32Array;
  /** The leading CONTEXT_WORDS words of `state`: what a supervisor saves and restores on a thread switch. */
  readonly context: Uint32Array;
  readonly #base: number;
  readonly #environment: HartEnvironment;
  readonly #pmp: PmpRegisters;
  #core: CoreExports | undefined;
  #retired = 0;
  #slice = 0;
  /** Of the current slice, how many instructions the clock knows of. */
  #reported = 0;
  /** @internal A debugger lets no interrupt be taken. */
  holdsInterrupts = false;
  /** When mip.STIP will be set. */
  readonly #timer: Timer;

  /** @internal Harts are made by `Machine.create`. @param base byte address of the hart's area. */
  constructor(id: number, buffer: ArrayBufferLike, base: number, environment: HartEnvironment) {
    this.id = id;
    this.#base = base;
    this.#environment = environment;
    this.state = new Uint32Array(buffer, base, STATE_WORDS);
    this.context = new Uint32Array(buffer, base, CONTEXT_WORDS);
    this.#pmp = new PmpRegisters(this.state);
    this.#timer = environment.timer(() => this.compareTime());
    this.state[HART_ID] = id;
    this.state[HART_LAST_TRAP] = 0xffff_ffff;
    this.state[HART_LAST_TRAP + 1] = 0xffff_ffff;
    this.state[HART_HOSTED] = environment.hosted ? 1 : 0;
    this.state[HART_PRIVILEGE] = environment.hosted ? PRIVILEGE_USER : PRIVILEGE_MACHINE;
    if (environment.hosted) {
      this.state[HART_MCOUNTEREN] = 0xffff_ffff;
      this.state[HART_SCOUNTEREN] = 0xffff_ffff;
      this.state[HART_MENVCFG] = ALL_CACHE_BLOCKS;
      this.state[HART_SENVCFG] = ALL_CACHE_BLOCKS;
      this.#pmp.allowEverything();
      this.state[HART_MSTATUS] = FS_INITIAL;
    }
    if (environment.hardwareAd) this.state[HART_MENVCFG + 1] = MENVCFG_ADUE_HIGH;
  }

  /** @internal Gives the hart its code, or other code from the next slice on. Comes before anything that runs or translates. */
  connect(core: CoreExports): void {
    if (this.#core === undefined) core.updateAddressSpace(this.#base);
    this.#core = core;
  }

  /** Instructions retired by the last run. */
  get retired(): number {
    return this.#retired;
  }

  /** @internal Instructions retired in all; within a slice exact wherever HART_LEFT is. */
  get totalRetired(): number {
    const { state } = this;
    return state[HART_SLICE_END] + state[HART_SLICE_END + 1] * 2 ** 32 - state[HART_LEFT];
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
      const core = this.#connected();
      let slice = Math.min(budget - this.#retired, SLICE);
      if (!this.#environment.hosted) {
        slice = Math.min(slice, this.#environment.untilDeadline());
        if (!this.#wake(core)) {
          if (this.#environment.skip()) continue;
          return EXIT_WFI;
        }
      }
      this.#slice = slice;
      this.#reported = 0;
      state[HART_LEFT] = slice;
      this.#moveSliceEnd(slice);
      const reason = core.run(this.#base, slice);
      const done = slice - state[HART_LEFT];
      this.#environment.clock.retire(done - this.#reported);
      this.#retired += done;
      this.#moveSliceEnd(done - slice);
      this.#slice = 0;
      this.#reported = 0;
      state[HART_LEFT] = 0;
      const halted = this.#environment.sliceEnded(this);
      if (reason === RUN_TRAP) {
        state[HART_RESERVATION] = 0;
        return EXIT_TRAP;
      }
      const stopped = this.#environment.stopped();
      if (stopped !== undefined) return stopped;
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
    this.#connected().updateAddressSpace(this.#base);
  }

  /** Forgets every cached translation. */
  sfenceVma(): void {
    const core = this.#connected();
    core.flushBanks(this.#base, ANY_ASID);
    core.updateAddressSpace(this.#base);
  }

  /** Forgets the translation of the page of a virtual address, in every address space. */
  sfenceVmaPage(vaddr: number): void {
    this.#connected().flushPage(this.#base, vaddr >>> 0, Math.floor(vaddr / 2 ** 32), ANY_ASID);
  }

  /** Forgets the translations of one address-space identifier. */
  sfenceVmaAsid(asid: number): void {
    this.#connected().flushBanks(this.#base, asid);
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

  /** @internal Whether an interrupt waits to be taken, so that the slice shall end. */
  get interruptPending(): boolean {
    return this.#connected().pendingInterrupt(this.#base) >= 0;
  }

  /** @internal A CSR as machine mode reads it; undefined when there is none. The hart is not running. */
  readCsr(csr: number): bigint | undefined {
    const { state } = this;
    if (this.#connected().readCsrOfHost(this.#base, csr) === 0) return undefined;
    return (BigInt(state[HART_ARGUMENTS + 1]) << 32n) | BigInt(state[HART_ARGUMENTS]);
  }

  /** @internal Writes a CSR as machine mode does; false when there is none, or it is read only. The hart is not running. */
  writeCsr(csr: number, low: number, high: number): boolean {
    const { state } = this;
    const core = this.#connected();
    state[HART_ARGUMENTS] = low;
    state[HART_ARGUMENTS + 1] = high;
    if (core.writeCsrOfHost(this.#base, csr) === 0) return false;
    this.sfenceVma();
    if (!this.#environment.hosted) this.compareTime();
    return true;
  }

  /** @internal */
  writePmp(csr: number, low: number, high: number): void {
    this.#pmp.write(csr, low, high);
  }

  /** @internal For snapshots: everything of a hart that does not run. */
  save(to: StateWriter): void {
    const { state } = this;
    saveWords(state, to);
    const reservation = state[HART_RESERVATION];
    to.u32(reservation === 0 ? NOWHERE : reservation - this.#environment.frames.ram);
    saveBanks(this.#banks(), to);
  }

  /** @internal Its timer is restored with the others of the machine, and code before the hart. */
  restore(from: StateReader): void {
    const { state } = this;
    const { frames } = this.#environment;
    restoreWords(state, from);
    const offset = from.u32();
    if (offset !== NOWHERE && offset >= frames.count * PAGE_SIZE) from.fail('a reservation is outside RAM');
    state[HART_RESERVATION] = offset === NOWHERE ? 0 : frames.ram + offset;
    this.#pmp.rebuild();
    this.#connected().updateAddressSpace(this.#base);
    restoreBanks(this.#banks(), from);
  }

  #banks(): TlbBanks {
    const { state } = this;
    const words = new Uint32Array(state.buffer);
    return { words, first: this.#base + HART_BANKS, state, frames: this.#environment.frames };
  }

  #connected(): CoreExports {
    if (this.#core === undefined) throw new Error('the hart has no code yet');
    return this.#core;
  }

  /** Moves the count of instructions at the end of the slice. */
  #moveSliceEnd(by: number): void {
    const { state } = this;
    const count = state[HART_SLICE_END] + state[HART_SLICE_END + 1] * 2 ** 32 + by;
    // Stored modulo 2^32.
    state[HART_SLICE_END] = count;
    state[HART_SLICE_END + 1] = Math.floor(count / 2 ** 32);
  }

  /** Sets or clears mip.STIP by the time, where it is that which decides (Sstc), and finds out when it will change. */
  #updateTimer(now: number): void {
    const { state } = this;
    if ((state[HART_MENVCFG + 1] & MENVCFG_STCE_HIGH) === 0) {
      this.#timer.cancel();
      return;
    }
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

  /** @internal The timebase has reached stimecmp, or either was set. */
  compareTime(): void {
    this.#updateTimer(this.time());
  }

  /** Before a slice: takes a pending interrupt. False when the hart still waits. */
  #wake(core: CoreExports): boolean {
    const { state } = this;
    const enabled = (state[HART_MIP] & state[HART_MIE]) !== 0;
    if (enabled && !this.holdsInterrupts && core.takeInterrupt(this.#base) !== 0) return true;
    if (state[HART_WAITS] === 0) return true;
    // wfi also ends when the interrupt is pending and enabled in mie but not globally.
    const moved = state[HART_WAIT_PC] !== state[HART_PC] || state[HART_WAIT_PC + 1] !== state[HART_PC + 1];
    // A handler that can only trap is left by an interrupt that is taken, and by nothing else.
    const stuck = state[HART_FUTILE_TRAPS] >= FUTILE_TRAPS;
    if (!moved && (stuck || !enabled)) return false;
    state[HART_WAITS] = 0;
    return true;
  }

  /** @internal Ticks of the timebase, with the instructions that the slice under way has retired. */
  time(): number {
    const done = this.#slice - this.state[HART_LEFT];
    this.#environment.clock.retire(done - this.#reported);
    this.#reported = done;
    return this.#environment.ticks();
  }
}
