/** Changes of a page's translated code after which it has to be twice as hot for every further one. */
const PATIENCE = 8;
/** At most 2 ** this times as hot. */
const MOST_DOUBLINGS = 12;
/** Pages whose changes are remembered. */
const MOST_REMEMBERED = 4096;

/** Remembers which frames have code that changes all the time: it is better interpreted. */
export class Unrest {
  /** By frame: changes of its translated code, and times that places of it were hot since it was last translated. */
  readonly #known = new Map<number, { changes: number; refusals: number }>();

  /** Translated code of a frame was changed. */
  note(frame: number): void {
    const known = this.#known.get(frame);
    if (known !== undefined) {
      known.changes += 1;
      return;
    }
    if (this.#known.size >= MOST_REMEMBERED) this.#known.clear();
    this.#known.set(frame, { changes: 1, refusals: 0 });
  }

  /** Whether a frame, of which a place is hot, may be translated. */
  isCalm(frame: number): boolean {
    const known = this.#known.get(frame);
    if (known === undefined || known.changes <= PATIENCE) return true;
    known.refusals += 1;
    if (known.refusals < 2 ** Math.min(known.changes - PATIENCE, MOST_DOUBLINGS)) return false;
    known.refusals = 0;
    return true;
  }
}
