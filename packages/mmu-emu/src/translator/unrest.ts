/** Changes of a page's translated code after which it has to be twice as hot for every further one. */
const PATIENCE = 8;
/** At most 2 ** this times as hot. */
const MOST_DOUBLINGS = 12;
/** Instructions after which one change is forgotten: in so many, translating again costs a few percent. */
const FORGOTTEN_AFTER = 2 ** 27;
/** Pages whose changes are remembered. */
const MOST_REMEMBERED = 4096;

/** What is known of a frame. */
interface Known {
  /** Changes of its translated code that are not forgotten. */
  changes: number;
  /** When the next of them began to be forgotten, in instructions retired. */
  since: number;
  /** Times that places of it were hot since it was last translated. */
  refusals: number;
}

/**
 * Remembers which frames have code that changes all the time: it is better interpreted.
 *
 * Frames are given to one program after the other, and each that is translated there changes the code once: so changes
 * are forgotten in time, counted in instructions that the machine has retired.
 */
export class Unrest {
  readonly #known = new Map<number, Known>();

  /** Translated code of a frame was changed. @param retired instructions that all harts have retired. */
  note(frame: number, retired: number): void {
    const known = this.#recall(frame, retired);
    if (known !== undefined) {
      known.changes = Math.min(known.changes + 1, PATIENCE + MOST_DOUBLINGS);
      return;
    }
    if (this.#known.size >= MOST_REMEMBERED) this.#known.clear();
    this.#known.set(frame, { changes: 1, since: retired, refusals: 0 });
  }

  /** Whether a frame, of which a place is hot, may be translated. @param retired as of `note`. */
  isCalm(frame: number, retired: number): boolean {
    const known = this.#recall(frame, retired);
    if (known === undefined || known.changes <= PATIENCE) return true;
    known.refusals += 1;
    if (known.refusals < 2 ** (known.changes - PATIENCE)) return false;
    known.refusals = 0;
    return true;
  }

  #recall(frame: number, retired: number): Known | undefined {
    const known = this.#known.get(frame);
    if (known === undefined) return undefined;
    // A machine that was reset or restored begins again elsewhere.
    if (retired < known.since) known.since = retired;
    const forgotten = Math.floor((retired - known.since) / FORGOTTEN_AFTER);
    known.changes -= forgotten;
    known.since += forgotten * FORGOTTEN_AFTER;
    if (known.changes > 0) return known;
    this.#known.delete(frame);
    return undefined;
  }
}
