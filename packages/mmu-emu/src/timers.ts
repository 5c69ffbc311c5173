import type { Timer } from './bus/device-host.js';

/** No deadline. */
const NEVER = Infinity;

class QueuedTimer implements Timer {
  deadline = NEVER;
  readonly fire: () => void;
  readonly #changed: () => void;

  constructor(fire: () => void, changed: () => void) {
    this.fire = fire;
    this.#changed = changed;
  }

  set(deadline: number): void {
    if (deadline === this.deadline) return;
    this.deadline = deadline;
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

  #update(): void {
    this.#changes++;
    this.#next = this.#timers.reduce((least, { deadline }) => Math.min(least, deadline), NEVER);
  }
}
