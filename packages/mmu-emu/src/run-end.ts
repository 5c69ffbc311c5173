import { EXIT_RESET, EXIT_STOP } from './hart/hart.js';
import type { ExitReason } from './hart/hart.js';
import type { StateReader } from './snapshot/state-reader.js';
import type { StateWriter } from './snapshot/state-writer.js';

/** How a device has ended the run, if one has. The first word counts, until a reset. */
export class RunEnd {
  #stopped = false;
  #exitCode = 0;
  #resetRequested = false;

  /** What was said with `stop`. */
  get exitCode(): number {
    return this.#exitCode;
  }

  /** EXIT_STOP or EXIT_RESET; undefined while nobody has ended the run. */
  get reason(): ExitReason | undefined {
    if (!this.#stopped) return undefined;
    return this.#resetRequested ? EXIT_RESET : EXIT_STOP;
  }

  stop(exitCode: number): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#exitCode = exitCode;
  }

  requestReset(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#resetRequested = true;
  }

  save(to: StateWriter): void {
    to.boolean(this.#stopped);
    to.boolean(this.#resetRequested);
    to.number(this.#exitCode);
  }

  restore(from: StateReader): void {
    this.#stopped = from.boolean();
    this.#resetRequested = from.boolean();
    this.#exitCode = from.number();
  }
}
