import type { Clock, StateReader, StateWriter } from '@faultline/mmu-emu';

/** Real time, as a machine in a terminal should see it; it does not pass while a debugger holds the machine. */
export class WallClock implements Clock {
  #start = process.hrtime.bigint();
  #heldAt: bigint | undefined;

  now(): number {
    return Number((this.#heldAt ?? process.hrtime.bigint()) - this.#start);
  }

  hold(): void {
    this.#heldAt ??= process.hrtime.bigint();
  }

  release(): void {
    if (this.#heldAt !== undefined) this.#start += process.hrtime.bigint() - this.#heldAt;
    this.#heldAt = undefined;
  }

  retire(): void {
    // Real time passes by itself.
  }

  skipTo(): boolean {
    return false;
  }

  save(to: StateWriter): void {
    to.number(this.now());
  }

  restore(from: StateReader): void {
    this.#start =
      (this.#heldAt ?? process.hrtime.bigint()) - BigInt(from.integer(0, Number.MAX_SAFE_INTEGER));
  }
}
