import { EXIT_BUDGET, EXIT_DEBUG, EXIT_WFI } from '../hart/hart.js';
import type { ExitReason, Hart } from '../hart/hart.js';
import { HART_DATA_MODE, HART_FETCH_MODE, HART_PC, HART_WAITS } from '../hart/state.js';
import { DEBUG_READ, DEBUG_WRITE } from '../interpreter/debug-hooks.js';
import type { Machine, MachineDebugger } from '../machine.js';
import { PAGE_SIZE } from '../mmu/pte.js';
import { translateAddress } from './address-translation.js';
import { InstructionTrace } from './instruction-trace.js';
import type { TraceEvent } from './instruction-trace.js';
import { PointTable } from './points.js';
import type { AddressKind, Breakpoint, WatchedAccess, Watchpoint } from './points.js';

/** Why a debugger stopped the machine, and on which hart. */
export type DebugStop =
  /** Before the instruction at the breakpoint. */
  | { readonly reason: 'breakpoint'; readonly hart: Hart; readonly point: Breakpoint }
  /** After the instruction that touched what is watched. */
  | {
      readonly reason: 'watchpoint';
      readonly hart: Hart;
      readonly point: Watchpoint;
      /** The access as a whole: its address, its size in bytes (1 to 8; 64 for a block of zeros), and what it does. */
      readonly address: bigint;
      readonly bytes: number;
      readonly access: 'read' | 'write' | 'atomic';
      /** What was there before, and what is there now, unsigned; undefined for devices. */
      readonly before: bigint | undefined;
      readonly after: bigint | undefined;
    }
  /** After one instruction; before the first of a handler when the instruction trapped. */
  | { readonly reason: 'step'; readonly hart: Hart };

/** How far a hart had come: where, and after how many instructions. */
interface Moment {
  readonly pc: bigint;
  readonly retired: number;
}

const WIDEST_VALUE = 8;
/** Instructions of a turn when only some harts run. */
const TURN = 4096;

/**
 * Breakpoints, watchpoints, single steps, a trace, and the memory of a machine as a hart sees it.
 *
 * `Machine.run` returns EXIT_DEBUG when one of them stops it, and `stop` says why. While there is a breakpoint, a watchpoint
 * or a trace, and during a step, harts run in a variant of the interpreter that looks for them, whatever the machine's
 * engine is; otherwise the engine runs as if there were no debugger. What the guest does is the same in all.
 *
 * A hart does not stop for a breakpoint at the instruction at which it has just been stopped by one or by a step.
 */
export class Debugger {
  readonly machine: Machine;
  readonly #points: PointTable;
  #switch: (on: boolean) => void = () => undefined;
  #stop: DebugStop | undefined;
  /** The slice under way ends because of `#stop`. */
  #stopping = false;
  #trace: InstructionTrace | undefined;
  /** Set during a step. */
  #stepFrom: Moment | undefined;
  /** By hart: where no breakpoint stops it. */
  readonly #passed: (Moment | undefined)[] = [];
  #watched: (DebugStop & { readonly reason: 'watchpoint' }) | undefined;

  /** Connects a debugger to a machine that is not running; the one that was connected before is no longer. */
  static async attach(machine: Machine): Promise<Debugger> {
    const made = new Debugger(machine);
    const hooks: MachineDebugger = {
      instruction: (hart) => made.#instruction(hart),
      access: (hart, vaddr, bytes, kind) => made.#access(hart, vaddr, bytes, kind),
      accessed: (hart, value) => made.#accessed(hart, value),
      exception: (hart) => made.#trace?.exception(hart),
      sliceEnded: (hart) => made.#sliceEnded(hart),
      replaced: () => made.#replaced(),
    };
    made.#switch = await machine.connectDebugger(hooks);
    return made;
  }

  private constructor(machine: Machine) {
    this.machine = machine;
    this.#points = new PointTable(machine.memory.buffer);
  }

  /** Disconnects: no breakpoint, watchpoint or trace has an effect any more. */
  async detach(): Promise<void> {
    this.clear();
    this.trace(undefined);
    this.#switch = await this.machine.connectDebugger(undefined);
  }

  /** After EXIT_DEBUG: why. */
  get stop(): DebugStop | undefined {
    return this.#stop;
  }

  /**
   * Stops before each execution of the instruction at an address, on any hart. It takes no place in memory: it works in
   * code that is not loaded yet, or that is read only.
   * @param address u64.
   */
  addBreakpoint(address: bigint, addressKind: AddressKind = 'virtual'): Breakpoint {
    const point: Breakpoint = { kind: 'breakpoint', address: BigInt.asUintN(64, address), addressKind };
    this.#points.add(point);
    this.#update();
    return point;
  }

  /**
   * Stops after each instruction that touches `[address, address + bytes)` with a load, a store or an atomic; what the
   * fetch, page-table walks and devices do is not looked at.
   * @param address u64. @param bytes 1 or more.
   * @throws {RangeError} when `bytes` is no such number.
   */
  addWatchpoint(
    address: bigint,
    bytes: number,
    access: WatchedAccess = 'write',
    addressKind: AddressKind = 'virtual',
  ): Watchpoint {
    if (!Number.isSafeInteger(bytes) || bytes < 1) throw new RangeError('a watchpoint has one byte or more');
    const at = BigInt.asUintN(64, address);
    const point: Watchpoint = { kind: 'watchpoint', address: at, bytes, access, addressKind };
    this.#points.add(point);
    this.#update();
    return point;
  }

  /** Takes a breakpoint or watchpoint away; false when it is not there. */
  remove(point: Breakpoint | Watchpoint): boolean {
    const removed = this.#points.remove(point);
    this.#update();
    return removed;
  }

  /** Takes all breakpoints and watchpoints away. */
  clear(): void {
    this.#points.clear();
    this.#update();
  }

  /**
   * Tells of every instruction that retires and every trap, or of none any more. `told` is called while the machine runs:
   * it must not run it.
   */
  trace(told: ((event: TraceEvent) => void) | undefined): void {
    const fetch = (hart: Hart, pc: bigint): number => this.#fetch(hart, pc);
    this.#trace = told === undefined ? undefined : new InstructionTrace(this.machine.harts, fetch, told);
    this.#points.marksEverything = told !== undefined;
    this.#update();
  }

  /**
   * As `Machine.run`, for all harts or some of them; the others stand still.
   * @param harts a subset of the machine's; default all.
   */
  run(budget: number, harts: readonly Hart[] = this.machine.harts): ExitReason {
    const { machine } = this;
    if (harts.length === machine.harts.length) return machine.run(budget);
    let left = budget;
    while (left > 0) {
      const before = left;
      for (const hart of harts) {
        if (left === 0) break;
        const reason = hart.run(Math.min(left, TURN));
        left -= hart.retired;
        if (reason !== EXIT_BUDGET && reason !== EXIT_WFI) return reason;
      }
      // When they all wait, time goes on to what may wake them.
      if (left < before) continue;
      const { clock, nextDeadline } = machine;
      if (nextDeadline === Infinity || !clock.skipTo(nextDeadline)) return EXIT_WFI;
    }
    return EXIT_BUDGET;
  }

  /**
   * Runs one instruction of a hart. EXIT_DEBUG when that is done, or an exception has led to a handler instead; anything else
   * as for `Hart.run`. A breakpoint at the instruction does not count, a watchpoint does. A hart that waited for an interrupt
   * waits no longer: wfi may end for any reason.
   * @param interrupts whether an interrupt that is pending is taken first, which ends the step at its handler; default no.
   */
  step(hart: Hart, interrupts = false): ExitReason {
    this.#stepFrom = this.#momentOf(hart);
    hart.state[HART_WAITS] = 0;
    hart.holdsInterrupts = !interrupts;
    this.#points.marksEverything = true;
    this.#switch(true);
    const reason = hart.run(1);
    this.#stepFrom = undefined;
    hart.holdsInterrupts = false;
    this.#points.marksEverything = this.#trace !== undefined;
    this.#update();
    if (reason !== EXIT_BUDGET) return reason;
    this.#stopAt({ reason: 'step', hart });
    return EXIT_DEBUG;
  }

  /**
   * Physical address of a virtual one, by the page tables in memory as the hart's fetches are translated now: the TLB, what
   * pages permit, and mstatus.MPRV play no part.
   * @returns undefined where nothing is mapped.
   */
  translate(hart: Hart, address: bigint): bigint | undefined {
    return translateAddress(this.machine.ram, hart.state, hart.state[HART_FETCH_MODE], address);
  }

  /**
   * A copy of bytes of RAM, page by page as `translate` finds them; shorter than asked for where a page is not mapped or not
   * in RAM: devices are not read.
   */
  read(hart: Hart, address: bigint, bytes: number, addressKind: AddressKind = 'virtual'): Uint8Array {
    const out = new Uint8Array(bytes);
    let done = 0;
    for (const view of this.#pieces(hart, address, bytes, addressKind, false)) {
      out.set(view, done);
      done += view.length;
    }
    return out.subarray(0, done);
  }

  /**
   * Writes bytes of RAM. Code that was decoded or translated from them is forgotten, and reservations end.
   * @returns how many bytes were written, from the first: less than all as for `read`.
   */
  write(hart: Hart, address: bigint, bytes: Uint8Array, addressKind: AddressKind = 'virtual'): number {
    let done = 0;
    for (const other of this.machine.harts) other.clearReservation();
    for (const view of this.#pieces(hart, address, bytes.length, addressKind, true)) {
      view.set(bytes.subarray(done, done + view.length));
      done += view.length;
    }
    return done;
  }

  /** Views of RAM for a range, up to the first page that there is none for. */
  *#pieces(
    hart: Hart,
    address: bigint,
    bytes: number,
    addressKind: AddressKind,
    writes: boolean,
  ): Generator<Uint8Array> {
    const { ram } = this.machine;
    for (let done = 0; done < bytes;) {
      const at = BigInt.asUintN(64, address + BigInt(done));
      const paddr = addressKind === 'physical' ? at : this.translate(hart, at);
      if (paddr === undefined) return;
      const offset = Number(paddr) - ram.base;
      if (offset < 0 || offset >= ram.bytes) return;
      const inFrame = offset % PAGE_SIZE;
      const count = Math.min(bytes - done, PAGE_SIZE - inFrame);
      const frame = Math.floor(offset / PAGE_SIZE);
      const view = writes ? ram.writable(frame) : ram.readable(frame);
      yield view.subarray(inFrame, inFrame + count);
      done += count;
    }
  }

  /** Lets harts run in the variant that looks for points, or in the machine's engine. */
  #update(): void {
    this.#switch(this.#points.size !== 0 || this.#trace !== undefined);
  }

  #momentOf(hart: Hart): Moment {
    const { state } = hart;
    const pc = (BigInt(state[HART_PC + 1]) << 32n) | BigInt(state[HART_PC]);
    return { pc, retired: hart.totalRetired };
  }

  /** Stops a hart at the instruction at its pc. */
  #stopAt(stop: DebugStop): void {
    this.#stop = stop;
    this.#passed[stop.hart.id] = this.#momentOf(stop.hart);
  }

  #instruction(hart: Hart): number {
    const moment = this.#momentOf(hart);
    const { pc, retired } = moment;
    const from = this.#stepFrom;
    if (from !== undefined) {
      // Nothing has retired, and it is elsewhere: in the handler of a trap.
      if (pc !== from.pc) {
        this.#stopAt({ reason: 'step', hart });
        this.#stopping = true;
        return 1;
      }
    } else {
      const passed = this.#passed[hart.id];
      const point =
        passed?.pc === pc && passed.retired === retired ? undefined : this.#breakpointAt(hart, pc);
      if (point !== undefined) {
        this.#stopAt({ reason: 'breakpoint', hart, point });
        this.#stopping = true;
        return 1;
      }
    }
    this.#trace?.instruction(hart);
    return 0;
  }

  #breakpointAt(hart: Hart, pc: bigint): Breakpoint | undefined {
    const found = this.#points.breakpointAt(pc, 'virtual');
    if (found !== undefined || !this.#points.hasPhysicalBreakpoints) return found;
    const paddr = this.translate(hart, pc);
    return paddr === undefined ? undefined : this.#points.breakpointAt(paddr, 'physical');
  }

  #access(hart: Hart, address: bigint, bytes: number, kind: number): number {
    this.#watched = undefined;
    const point = this.#watchpointFor(hart, address, bytes, kind);
    if (point !== undefined) {
      const access = kind === DEBUG_READ ? 'read' : kind === DEBUG_WRITE ? 'write' : 'atomic';
      const before = this.#valueAt(hart, address, bytes);
      this.#watched = { reason: 'watchpoint', hart, point, address, bytes, access, before, after: undefined };
    }
    this.#trace?.access(address, bytes, kind);
    return point !== undefined || this.#trace !== undefined ? 1 : 0;
  }

  #accessed(hart: Hart, value: bigint): number {
    this.#trace?.accessed(value);
    const watched = this.#watched;
    if (watched === undefined) return 0;
    this.#watched = undefined;
    this.#stop = { ...watched, after: this.#valueAt(hart, watched.address, watched.bytes) };
    this.#stopping = true;
    return 1;
  }

  #watchpointFor(hart: Hart, address: bigint, bytes: number, kind: number): Watchpoint | undefined {
    for (const point of this.#points.watchpoints) {
      const wanted = point.access === 'read' ? DEBUG_READ : point.access === 'write' ? DEBUG_WRITE : kind;
      if ((wanted & kind) === 0) continue;
      if (this.#overlaps(hart, address, bytes, point)) return point;
    }
    return undefined;
  }

  #overlaps(hart: Hart, address: bigint, bytes: number, point: Watchpoint): boolean {
    const end = point.address + BigInt(point.bytes);
    if (point.addressKind === 'virtual') return address < end && point.address < address + BigInt(bytes);
    // The second part of an access that crosses a page may be anywhere.
    for (let done = 0; done < bytes;) {
      const at = address + BigInt(done);
      const count = Math.min(bytes - done, PAGE_SIZE - Number(at % BigInt(PAGE_SIZE)));
      const paddr = this.#dataAddress(hart, at);
      if (paddr !== undefined && paddr < end && point.address < paddr + BigInt(count)) return true;
      done += count;
    }
    return false;
  }

  #dataAddress(hart: Hart, address: bigint): bigint | undefined {
    return translateAddress(this.machine.ram, hart.state, hart.state[HART_DATA_MODE], address);
  }

  /** Little-endian value of up to eight bytes of RAM that a load would see; wider ones are given by their lowest eight. */
  #valueAt(hart: Hart, address: bigint, bytes: number): bigint | undefined {
    let value = 0n;
    for (let index = Math.min(bytes, WIDEST_VALUE) - 1; index >= 0; index--) {
      const paddr = this.#dataAddress(hart, address + BigInt(index));
      if (paddr === undefined) return undefined;
      const [byte] = this.read(hart, paddr, 1, 'physical');
      if (byte === undefined) return undefined;
      value = (value << 8n) | BigInt(byte);
    }
    return value;
  }

  #fetch(hart: Hart, pc: bigint): number {
    const [low = 0, high = 0, ...rest] = this.read(hart, pc, 4);
    const [third = 0, fourth = 0] = rest;
    return (low | (high << 8) | (third << 16) | (fourth << 24)) >>> 0;
  }

  /** No hart stands where it was stopped. */
  #replaced(): void {
    this.#passed.length = 0;
    this.#trace?.replaced();
  }

  #sliceEnded(hart: Hart): boolean {
    this.#trace?.sliceEnded(hart);
    const stopping = this.#stopping;
    this.#stopping = false;
    return stopping;
  }
}
