/**
 * The advanced core-local interruptor: software and timer interrupts of harts.
 *
 * @see RISC-V Advanced Core Local Interruptor Specification, "Machine-level Timer Device (MTIMER)",
 * "Machine-level Software Interrupt Device (MSWI)", "Supervisor-level Software Interrupt Device (SSWI)"
 */

import type { AccessWidth, Device } from '../bus/bus.js';
import type { DeviceHost, Timer } from '../bus/device-host.js';
import type { StateReader } from '../snapshot/state-reader.js';
import type { StateWriter } from '../snapshot/state-writer.js';
import { MIP_MSIP, MIP_MTIP, MIP_SSIP } from './interrupt-bits.js';

/** Bytes of the window of software-interrupt registers: 4,095 of 4 bytes, and one reserved. */
const SOFTWARE_BYTES = 0x4000;
const COMPARE_BYTES = 0x7ff8;
const TIME_BYTES = 8;
const MAXIMUM_TICKS = Number.MAX_SAFE_INTEGER;

/** What `AclintMswi` and `AclintSswi` are: one 32-bit register for each hart, of which bit 0 raises an interrupt. Registers of harts that are not there read 0. */
export abstract class SoftwareInterrupts implements Device {
  readonly name: string;
  readonly base: number;
  readonly bytes = SOFTWARE_BYTES;
  readonly #mask: number;
  /** MSWI keeps the bit; a write of 1 to SSWI raises the interrupt, which the hart clears, and the register reads 0. */
  readonly #keeps: boolean;
  #host: DeviceHost | undefined;
  #pending = new Uint8Array(0);

  /** @internal It is one of the two. */
  constructor(name: string, base: number, mask: number, keeps: boolean) {
    this.name = name;
    this.base = base;
    this.#mask = mask;
    this.#keeps = keeps;
  }

  attach(host: DeviceHost): void {
    this.#host = host;
    this.#pending = new Uint8Array(host.hartCount);
  }

  load(offset: number, width: AccessWidth): number {
    const hart = offset >>> 2;
    const low = this.#pending[hart] ?? 0;
    if (width !== 8) return offset % 4 === 0 ? low : 0;
    return low + (this.#pending[hart + 1] ?? 0) * 2 ** 32;
  }

  store(offset: number, width: AccessWidth, value: bigint): void {
    if (offset % 4 !== 0) return;
    this.#write(offset >>> 2, Number(value & 1n));
    if (width === 8) this.#write((offset >>> 2) + 1, Number((value >> 32n) & 1n));
  }

  save(to: StateWriter): void {
    to.bytes(this.#pending);
  }

  restore(from: StateReader): void {
    const pending = from.bytes(this.#pending.length);
    if (pending.length !== this.#pending.length || pending.some((bit) => bit > 1))
      from.fail('no bits of harts');
    this.#pending.set(pending);
  }

  #write(hart: number, bit: number): void {
    if (this.#host === undefined || hart >= this.#pending.length) return;
    if (this.#keeps) {
      this.#pending[hart] = bit;
      this.#host.setInterrupts(hart, this.#mask, bit === 1);
    } else if (bit === 1) {
      this.#host.setInterrupts(hart, this.#mask, true);
    }
  }
}

/** MSWI: machine software interrupts, one register a hart. */
export class AclintMswi extends SoftwareInterrupts {
  /** @param base physical address, a multiple of 8. */
  constructor(base: number) {
    super('aclint-mswi', base, MIP_MSIP, true);
  }
}

/** SSWI: supervisor software interrupts, one register a hart; edges only. */
export class AclintSswi extends SoftwareInterrupts {
  /** @param base physical address, a multiple of 8. */
  constructor(base: number) {
    super('aclint-sswi', base, MIP_SSIP, false);
  }
}

/** The clock of MTIMER: one 64-bit register, the ticks that the `time` CSR counts. */
class TimeRegister implements Device {
  readonly name = 'aclint-mtime';
  readonly bytes = TIME_BYTES;
  readonly base: number;
  readonly #changed: () => void;
  #host: DeviceHost | undefined;

  constructor(base: number, changed: () => void) {
    this.base = base;
    this.#changed = changed;
  }

  attach(host: DeviceHost): void {
    this.#host = host;
  }

  load(offset: number, width: AccessWidth): number {
    const ticks = this.#host?.ticks() ?? 0;
    return width === 8 ? ticks : Math.floor(ticks / 2 ** (8 * offset)) % 2 ** (8 * width);
  }

  store(offset: number, width: AccessWidth, value: bigint): void {
    const host = this.#host;
    if (host === undefined || width < 4) return;
    const mask = BigInt.asUintN(8 * width, -1n) << BigInt(8 * offset);
    const written = (BigInt(host.ticks()) & ~mask) | (value << BigInt(8 * offset));
    host.setTicks(Number(BigInt.asUintN(53, written)));
    this.#changed();
  }

  save(): void {
    // The time is the machine's.
  }

  restore(): void {
    // The time is the machine's.
  }
}

/** The deadlines of MTIMER: one 64-bit register a hart. The timer interrupt is pending while time has reached it. */
class CompareRegisters implements Device {
  readonly name = 'aclint-mtimecmp';
  readonly bytes = COMPARE_BYTES;
  readonly base: number;
  #host: DeviceHost | undefined;
  #deadlines: number[] = [];
  #words = new Uint32Array(0);
  #timers: Timer[] = [];

  constructor(base: number) {
    this.base = base;
  }

  attach(host: DeviceHost): void {
    this.#host = host;
    this.#words = new Uint32Array(2 * host.hartCount).fill(0xffff_ffff);
    this.#deadlines = new Array<number>(host.hartCount).fill(Infinity);
    this.#timers = this.#deadlines.map((_, hart) => host.timer(() => this.update(hart)));
  }

  load(offset: number, width: AccessWidth): number | bigint {
    const word = offset >>> 2;
    if (width < 4 || word >= this.#words.length) return 0;
    if (width === 4) return this.#words[word];
    return (BigInt(this.#words[word + 1]) << 32n) | BigInt(this.#words[word]);
  }

  store(offset: number, width: AccessWidth, value: bigint): void {
    const word = offset >>> 2;
    if (width < 4 || word >= this.#words.length) return;
    this.#words[word] = Number(value & 0xffff_ffffn);
    if (width === 8) this.#words[word + 1] = Number(value >> 32n);
    const hart = word >>> 1;
    this.#noteDeadline(hart);
    this.update(hart);
  }

  save(to: StateWriter): void {
    to.words(this.#words);
  }

  restore(from: StateReader): void {
    from.words(this.#words);
    for (let hart = 0; hart < this.#deadlines.length; hart++) this.#noteDeadline(hart);
  }

  #noteDeadline(hart: number): void {
    const deadline = this.#words[2 * hart] + this.#words[2 * hart + 1] * 2 ** 32;
    this.#deadlines[hart] = deadline > MAXIMUM_TICKS ? Infinity : deadline;
  }

  /** Compares again: time was set, or a deadline. */
  update(hart?: number): void {
    const host = this.#host;
    if (host === undefined) return;
    if (hart === undefined) {
      for (let each = 0; each < this.#timers.length; each++) this.update(each);
      return;
    }
    const deadline = this.#deadlines[hart];
    const reached = host.ticks() >= deadline;
    host.setInterrupts(hart, MIP_MTIP, reached);
    // Where a tick is no whole number of nanoseconds, the clock may be a moment early.
    this.#timers[hart].set(reached ? Infinity : Math.max(host.timeOfTick(deadline), host.now() + 1));
  }
}

/** MTIMER: two windows of registers, so two devices. */
export class AclintMtimer {
  /** What to give to the machine, both. */
  readonly devices: readonly Device[];

  /**
   * @param time physical address of mtime. @param compare physical address of mtimecmp of hart 0; 8 bytes for each hart.
   * Both are multiples of 8.
   */
  constructor(time: number, compare: number) {
    const deadlines = new CompareRegisters(compare);
    this.devices = [deadlines, new TimeRegister(time, () => deadlines.update())];
  }
}
