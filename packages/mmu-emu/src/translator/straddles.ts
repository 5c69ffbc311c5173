/** So many exits are judged together. */
const EXITS = 256;
/** It is too often when there is one for fewer instructions than this: a tenth of the time goes that way then. */
const INSTRUCTIONS_EACH = 2048;
/** Frames that are remembered. */
const MOST_REMEMBERED = 4096;

/**
 * Remembers which frames have code whose accesses share look-ups (access-groups.ts) and lie in two pages too often: there
 * each has its own.
 */
export class Straddles {
  readonly #frames = new Set<number>();
  #exits = 0;
  #retired = 0;

  /** Whether accesses of code in a frame may share look-ups. */
  mayShare(frame: number): boolean {
    return !this.#frames.has(frame);
  }

  /** From now on, those of a frame may not. */
  forbid(frame: number): void {
    if (this.#frames.size >= MOST_REMEMBERED) this.#frames.clear();
    this.#frames.add(frame);
  }

  /**
   * Whether regions have been left for it too often, since there were enough exits last.
   * @param exits so far, of all regions. @param retired instructions so far, of all harts.
   */
  areTooMany(exits: number, retired: number): boolean {
    const [count, instructions] = [exits - this.#exits, retired - this.#retired];
    // A machine that was reset or restored begins again elsewhere.
    const isAnew = count < 0 || instructions < 0;
    if (count < EXITS && !isAnew) return false;
    [this.#exits, this.#retired] = [exits, retired];
    return !isAnew && count * INSTRUCTIONS_EACH > instructions;
  }
}
