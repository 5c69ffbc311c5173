import type { StateReader } from './snapshot/state-reader.js';
import type { StateWriter } from './snapshot/state-writer.js';

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
  /** For snapshots, with `restore`; a machine whose clock has not both can be neither saved nor restored. */
  save?(to: StateWriter): void;
  /** Goes on from the time that `save` wrote, which may be before now. As for devices, otherwise. */
  restore?(from: StateReader): void;
}

/** Time that passes only as instructions retire, so that the same run always sees the same times. */
export class VirtualClock implements Clock {
  readonly #nanosecondsPerInstruction: number;
  /** Where it was set last, ns, and the instructions since: a sum of fractions would depend on how runs are cut. */
  #start: number;
  #instructions = 0;

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
    this.#start = start;
    this.#nanosecondsPerInstruction = nanosecondsPerInstruction;
  }

  /** Whole nanoseconds. */
  now(): number {
    return Math.floor(this.#exact());
  }

  retire(instructions: number): void {
    this.#instructions += instructions;
  }

  instructionsUntil(deadline: number): number {
    if (deadline <= this.now()) return 1;
    const count = Math.max(1, Math.ceil((deadline - this.#exact()) / this.#nanosecondsPerInstruction));
    // Rounding may be one off, and not the same way from everywhere: an interrupt comes at one instruction only.
    if (count > 1 && this.#exact(count - 1) >= deadline) return count - 1;
    return this.#exact(count) >= deadline ? count : count + 1;
  }

  skipTo(deadline: number): boolean {
    if (deadline > this.#exact()) {
      this.#start = deadline;
      this.#instructions = 0;
    }
    return true;
  }

  save(to: StateWriter): void {
    to.number(this.#start);
    to.number(this.#instructions);
  }

  restore(from: StateReader): void {
    this.#start = from.number();
    this.#instructions = from.integer(0, Number.MAX_SAFE_INTEGER);
    if (this.#start < 0 || this.#exact() > Number.MAX_SAFE_INTEGER) from.fail('a time is out of range');
  }

  /** Nanoseconds when so many more instructions have retired. */
  #exact(more = 0): number {
    return this.#start + (this.#instructions + more) * this.#nanosecondsPerInstruction;
  }
}
