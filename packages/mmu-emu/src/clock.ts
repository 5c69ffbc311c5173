/** Injected time: nanoseconds since an arbitrary start, monotonic, exact below 2^53 ns (104 days). */
export interface Clock {
  now(): number;
  /**
   * Called with the instructions a run retired. A virtual clock moves on by them; a wall clock ignores it. Called in the
   * middle of a run too, before the machine reads the time.
   */
  retire(instructions: number): void;
  /**
   * How many instructions have to retire until `now()` is `deadline` (ns) or later; at least 1. A clock that does not go
   * by instructions has no such method; the machine then looks at it every few ten thousand instructions.
   */
  instructionsUntil?(deadline: number): number;
  /**
   * A machine with nothing to run asks to move on to its next deadline (ns). A virtual clock does so and returns true;
   * a wall clock returns false: the host must wait.
   */
  skipTo(deadline: number): boolean;
}

/** Time that passes only as instructions retire, so that the same run always sees the same times. */
export class VirtualClock implements Clock {
  #now: number;
  readonly #nanosecondsPerInstruction: number;

  /**
   * @param options.start ns; default 0.
   * @param options.nanosecondsPerInstruction default 1; may be a fraction, not negative.
   * @throws {RangeError} when an option is negative or not finite.
   */
  constructor(options: { start?: number; nanosecondsPerInstruction?: number } = {}) {
    const { start = 0, nanosecondsPerInstruction = 1 } = options;
    for (const value of [start, nanosecondsPerInstruction]) {
      if (!Number.isFinite(value) || value < 0) throw new RangeError('times are finite and not negative');
    }
    this.#now = start;
    this.#nanosecondsPerInstruction = nanosecondsPerInstruction;
  }

  /** Whole nanoseconds. */
  now(): number {
    return Math.floor(this.#now);
  }

  retire(instructions: number): void {
    this.#now += instructions * this.#nanosecondsPerInstruction;
  }

  instructionsUntil(deadline: number): number {
    if (deadline <= this.#now) return 1;
    return Math.max(1, Math.ceil((deadline - this.#now) / this.#nanosecondsPerInstruction));
  }

  skipTo(deadline: number): boolean {
    if (deadline > this.#now) this.#now = deadline;
    return true;
  }
}
