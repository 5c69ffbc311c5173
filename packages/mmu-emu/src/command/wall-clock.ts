import type { Clock } from '@faultline/mmu-emu';

/** Real time, as a machine in a terminal should see it. */
export class WallClock implements Clock {
  readonly #start = process.hrtime.bigint();

  now(): number {
    return Number(process.hrtime.bigint() - this.#start);
  }

  retire(): void {
    // Real time passes by itself.
  }

  skipTo(): boolean {
    return false;
  }
}
