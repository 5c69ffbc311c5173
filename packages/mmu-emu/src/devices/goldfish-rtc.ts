import type { AccessWidth, Device } from '../bus/bus.js';
import type { DeviceHost, Timer } from '../bus/device-host.js';
import type { StateReader } from '../snapshot/state-reader.js';
import type { StateWriter } from '../snapshot/state-writer.js';

/** Where QEMU's `virt` machine has its real-time clock. */
export const RTC_BASE = 0x10_1000;

const TIME_LOW = 0x00;
const TIME_HIGH = 0x04;
const ALARM_LOW = 0x08;
const ALARM_HIGH = 0x0c;
const INTERRUPT_ENABLED = 0x10;
const CLEAR_ALARM = 0x14;
const ALARM_STATUS = 0x18;
const CLEAR_INTERRUPT = 0x1c;
const WORD = 0xffff_ffffn;

/** How a real-time clock is set up. */
export interface GoldfishRtcOptions {
  /** Nanoseconds since the beginning of 1970 when the machine's clock says 0. */
  readonly epoch: bigint;
  /** Its interrupt line. */
  readonly interrupt?: (raised: boolean) => void;
  /** Physical address; default {@link RTC_BASE}. */
  readonly base?: number;
}

/**
 * The real-time clock of Android's emulator: nanoseconds since 1970, and an alarm. Time follows the machine's clock.
 *
 * Reading the low half keeps the high half for the read that follows; the alarm is set by writing its high half, then
 * the low one.
 *
 * @see Android Goldfish virtual hardware, "Goldfish real-time clock"; Linux `google,goldfish-rtc` binding
 */
export class GoldfishRtc implements Device {
  readonly name = 'goldfish-rtc';
  readonly base: number;
  readonly bytes = 0x1000;
  readonly #interrupt: (raised: boolean) => void;
  #offset: bigint;
  #host: DeviceHost | undefined;
  #timer: Timer | undefined;
  #keptHigh = 0;
  #timeHigh = 0n;
  #alarmHigh = 0n;
  #alarm = 0n;
  #armed = false;
  #enabled = false;
  #pending = false;

  constructor(options: GoldfishRtcOptions) {
    this.#offset = options.epoch;
    this.#interrupt = options.interrupt ?? (() => undefined);
    this.base = options.base ?? RTC_BASE;
  }

  attach(host: DeviceHost): void {
    this.#host = host;
    this.#timer = host.timer(() => this.#check());
  }

  load(offset: number, width: AccessWidth): number {
    if (width !== 4) return 0;
    switch (offset) {
      case TIME_LOW: {
        const time = this.#time();
        this.#keptHigh = Number(time >> 32n);
        return Number(time & 0xffff_ffffn);
      }
      case TIME_HIGH:
        return this.#keptHigh;
      case ALARM_LOW:
        return Number(this.#alarm & 0xffff_ffffn);
      case ALARM_HIGH:
        return Number(this.#alarm >> 32n);
      case INTERRUPT_ENABLED:
        return this.#enabled ? 1 : 0;
      case ALARM_STATUS:
        return this.#armed ? 1 : 0;
      default:
        return 0;
    }
  }

  store(offset: number, width: AccessWidth, value: bigint): void {
    if (width !== 4) return;
    switch (offset) {
      case TIME_LOW:
        this.#offset += ((this.#timeHigh << 32n) | value) - this.#time();
        break;
      case TIME_HIGH:
        this.#timeHigh = value;
        break;
      case ALARM_LOW:
        this.#alarm = (this.#alarmHigh << 32n) | value;
        this.#armed = true;
        break;
      case ALARM_HIGH:
        this.#alarmHigh = value;
        break;
      case INTERRUPT_ENABLED:
        this.#enabled = (value & 1n) === 1n;
        break;
      case CLEAR_ALARM:
        this.#armed = false;
        break;
      case CLEAR_INTERRUPT:
        this.#pending = false;
        break;
      default:
        return;
    }
    this.#check();
  }

  save(to: StateWriter): void {
    to.u64(BigInt.asUintN(64, this.#offset));
    to.u32(this.#keptHigh);
    for (const value of [this.#timeHigh, this.#alarmHigh, this.#alarm]) to.u64(value);
    for (const bit of [this.#armed, this.#enabled, this.#pending]) to.boolean(bit);
  }

  restore(from: StateReader): void {
    this.#offset = from.u64();
    this.#keptHigh = from.u32();
    this.#timeHigh = from.u64() & WORD;
    this.#alarmHigh = from.u64() & WORD;
    this.#alarm = from.u64();
    this.#armed = from.boolean();
    this.#enabled = from.boolean();
    this.#pending = from.boolean();
  }

  #time(): bigint {
    return BigInt.asUintN(64, this.#offset + BigInt(this.#host?.now() ?? 0));
  }

  /** Rings when the alarm has come, and sets the timer when it has not. */
  #check(): void {
    const now = this.#time();
    if (this.#armed && this.#alarm <= now) {
      this.#armed = false;
      this.#pending = true;
    }
    if (this.#armed) this.#timer?.set((this.#host?.now() ?? 0) + Number(this.#alarm - now));
    else this.#timer?.cancel();
    this.#interrupt(this.#pending && this.#enabled);
  }
}
