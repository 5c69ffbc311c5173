import { EXIT_BUDGET, EXIT_WFI } from './hart/hart.js';
import type { ExitReason, Hart } from './hart/hart.js';
import type { StateReader } from './snapshot/state-reader.js';
import type { StateWriter } from './snapshot/state-writer.js';

/** How turns are dealt out. */
export interface TurnOptions {
  /** Instructions of a turn. */
  readonly turnInstructions: number;
  /** Not undefined: turns have pseudo-random lengths, from 1 to twice that. */
  readonly seed: number | undefined;
}

/**
 * Lets harts run one after the other, each for a turn.
 *
 * A turn ends when its instructions have retired or the hart waits for an interrupt. Where a budget ends in the middle of
 * a turn, the next run goes on there: the interleaving depends on instructions and the seed only. When every hart waits,
 * the clock is asked to skip to the next deadline.
 */
export class RunLoop {
  readonly #harts: readonly Hart[];
  readonly #skip: () => boolean;
  readonly #options: TurnOptions;
  #index = 0;
  #turnLeft: number;
  #random: number;
  #retired = 0;

  /** @param skip moves the clock to the next deadline; false when there is none, or the clock does not skip. */
  constructor(harts: readonly Hart[], skip: () => boolean, options: TurnOptions) {
    this.#harts = harts;
    this.#skip = skip;
    this.#options = options;
    // The generator must not start at 0.
    this.#random = options.seed === undefined ? 0 : (options.seed ^ 0x9e37_79b9) >>> 0 || 1;
    this.#turnLeft = this.#turnLength();
  }

  /** Instructions retired by the last run. */
  get retired(): number {
    return this.#retired;
  }

  /** Whose turn it is. */
  get current(): Hart {
    return this.#harts[this.#index];
  }

  /** Runs until `budget` instructions have retired, or something else ends it. */
  run(budget: number): ExitReason {
    const harts = this.#harts;
    this.#retired = 0;
    let waiting = 0;
    while (this.#retired < budget) {
      const hart = harts[this.#index];
      const left = budget - this.#retired;
      const reason = hart.run(harts.length === 1 ? left : Math.min(left, this.#turnLeft));
      this.#retired += hart.retired;
      if (harts.length > 1) this.#turnLeft -= hart.retired;
      if (reason !== EXIT_BUDGET && reason !== EXIT_WFI) return reason;
      if (hart.retired > 0) waiting = 0;
      if (reason === EXIT_WFI) {
        waiting++;
        this.#nextTurn();
        if (waiting < harts.length) continue;
        if (!this.#skip()) return EXIT_WFI;
        waiting = 0;
      } else if (this.#turnLeft <= 0) {
        this.#nextTurn();
      }
    }
    return EXIT_BUDGET;
  }

  /** Whose turn it is, how much of it is left, and what follows. */
  save(to: StateWriter): void {
    to.u32(this.#index);
    to.number(this.#turnLeft);
    to.u32(this.#random);
  }

  /** @see save */
  restore(from: StateReader): void {
    this.#index = from.u32(this.#harts.length - 1);
    this.#turnLeft = from.integer(-Number.MAX_SAFE_INTEGER, 2 * this.#options.turnInstructions);
    this.#random = from.u32();
    // From 0 the generator leads nowhere.
    if (this.#options.seed !== undefined && this.#random === 0) from.fail('turns have no seed');
  }

  /** A hart that is alone has one turn, so that its state does not depend on how runs are cut. */
  #nextTurn(): void {
    if (this.#harts.length === 1) return;
    this.#index = (this.#index + 1) % this.#harts.length;
    this.#turnLeft = this.#turnLength();
  }

  #turnLength(): number {
    const { turnInstructions, seed } = this.#options;
    if (seed === undefined) return turnInstructions;
    // Marsaglia's xorshift of 32 bits.
    let x = this.#random;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#random = x >>> 0;
    return 1 + (this.#random % (2 * turnInstructions));
  }
}
