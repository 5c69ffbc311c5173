/** Modules that may be made in a row. */
const MOST_IN_A_ROW = 512;
/** Instructions after which there may be one more: 10 ms of translated code. */
const INSTRUCTIONS_EACH = 2 ** 24;

/**
 * How many modules may be made. An engine may keep something of every module for as long as the process lives, so a guest that
 * rewrites its code for ever must not have as many as it likes. What is hot meanwhile shares the next one.
 */
export class ModuleAllowance {
  /** When all that may be made in a row may be again, in instructions retired. */
  #whole = 0;
  #retired = 0;

  /** Whether there may be a module now; then it counts. @param retired instructions that all harts have retired. */
  take(retired: number): boolean {
    // A machine that was reset or restored begins again elsewhere.
    if (retired < this.#retired) this.#whole -= this.#retired - retired;
    this.#retired = retired;
    this.#whole = Math.max(this.#whole, retired);
    if (this.#whole - retired > (MOST_IN_A_ROW - 1) * INSTRUCTIONS_EACH) return false;
    this.#whole += INSTRUCTIONS_EACH;
    return true;
  }
}
