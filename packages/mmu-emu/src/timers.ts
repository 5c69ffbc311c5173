import type { Timer } from './bus/device-host.js';
import type { StateReader } from './snapshot/state-reader.js';
import type { StateWriter } from './snapshot/state-writer.js';

/** No deadline. */
const NEVER = Infinity;
/** Later moments are no numbers of nanoseconds that a clock can be one after: there, a machine would wait for ever. */
const LAST = Number.MAX_SAFE_INTEGER;

class QueuedTimer implements Timer {
  deadline = NEVER;
  readonly fire: () => void;
  readonly #changed: () => void;

  constructor(fire: () => void, changed: () => void) {
    this.fire = fire;
    this.#changed = changed;
  }

  set(deadline: number): void {
    // Clocks have whole nanoseconds: between two of them, a moment would never have come.
    const next = deadline > LAST ? NEVER : Math.ceil(deadline);
    if (next === this.deadline) return;
    this.deadline = next;
    this.#changed();
  }

  cancel(): void {
    this.set(NEVER);
  }
}

/**
 * The timers of a machine: one-shot, few (some for each hart), ordered by looking at all of them.
 *
 * `next` is all that the run loop looks at; it is recomputed when a timer changes.
 */
export class Timers {
  readonly #timers: QueuedTimer[] = [];
  #next = NEVER;
  #changes = 0;

  /** Earliest deadline in nanoseconds of the machine's clock; Infinity when there is none. */
  get next(): number {
    return this.#next;
  }

  /** Grows whenever a timer is set, cancelled or fires. */
  get changes(): number {
    return this.#changes;
  }

  /** Adds a timer, not set. `fire` may set it again. */
  add(fire: () => void): Timer {
    const timer = new QueuedTimer(fire, () => this.#update());
    this.#timers.push(timer);
    return timer;
  }

  /** Fires those whose deadline has come, in the order in which they were added. */
  fireDue(now: number): void {
    if (now < this.#next) return;
    for (const timer of this.#timers) {
      if (timer.deadline > now) continue;
      timer.deadline = NEVER;
      timer.fire();
    }
    this.#update();
  }

  /** The deadlines, in the order in which timers were added. */
  save(to: StateWriter): void {
    to.u32(this.#timers.length);
    for (const { deadline } of this.#timers) to.number(deadline);
  }

  /** Sets them again; nothing fires. */
  restore(from: StateReader): void {
    if (from.u32() !== this.#timers.length) from.fail('there are more timers, or fewer');
    for (const timer of this.#timers) {
      timer.deadline = from.number();
      if (timer.deadline !== NEVER && !Number.isSafeInteger(timer.deadline))
        from.fail('a deadline is out of range');
    }
    this.#update();
  }

  #update(): void {
    this.#changes++;
    this.#next = this.#timers.reduce((least, { deadline }) => Math.min(least, deadline), NEVER);
  }
}
