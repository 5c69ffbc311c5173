import type { Clock } from './clock.js';
import type { StateReader } from './snapshot/state-reader.js';
import type { StateWriter } from './snapshot/state-writer.js';

const NANOSECONDS = 1_000_000_000;
const MAXIMUM_TICKS = Number.MAX_SAFE_INTEGER;

/** The `time` CSR: ticks of a fixed frequency, counted by the clock; never going back unless it is set. */
export class Timebase {
  readonly #clock: Clock;
  readonly #hz: number;
  readonly #nanosecondsPerTick: number;
  #offset = 0;
  #last = 0;

  /** @param hz ticks a second, 1 to 10^9. */
  constructor(clock: Clock, hz: number) {
    this.#clock = clock;
    this.#hz = hz;
    this.#nanosecondsPerTick = NANOSECONDS / hz;
  }

  /** Ticks now; below 2^53. */
  ticks(): number {
    const ticks = this.#raw() + this.#offset;
    if (ticks > this.#last) this.#last = ticks;
    return this.#last;
  }

  /** Goes on from this number. */
  setTicks(ticks: number): void {
    this.#offset = ticks - this.#raw();
    this.#last = ticks;
  }

  /** First nanosecond of the clock at which `ticks()` is at least this; Infinity when it never is. */
  timeOfTick(ticks: number): number {
    if (ticks > MAXIMUM_TICKS) return Infinity;
    return Math.ceil((ticks - this.#offset) * this.#nanosecondsPerTick);
  }

  /** What is added to the clock's ticks, and the last ticks that were told. */
  save(to: StateWriter): void {
    to.number(this.#offset);
    to.number(this.#last);
  }

  /** @see save */
  restore(from: StateReader): void {
    this.#offset = from.integer(-MAXIMUM_TICKS, MAXIMUM_TICKS);
    this.#last = from.integer(0, MAXIMUM_TICKS);
  }

  #raw(): number {
    const now = this.#clock.now();
    const perTick = this.#nanosecondsPerTick;
    return Math.floor(Number.isInteger(perTick) ? now / perTick : (now * this.#hz) / NANOSECONDS);
  }
}
