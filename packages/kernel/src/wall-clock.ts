import type { Clock } from '@faultline/mmu-emu';

/**
 * Time that passes by itself: the kernel sleeps when nothing can run. It begins at 0 when the clock is made, and never goes back.
 */
export class WallClock implements Clock {
  private readonly start: number;
  private latest = 0;

  /** @param nanoseconds a clock of the host, for instance `() => performance.now() * 1e6` */
  constructor(private readonly nanoseconds: () => number) {
    this.start = nanoseconds();
  }

  /** Whole nanoseconds. */
  now(): number {
    const now = Math.floor(this.nanoseconds() - this.start);
    if (now > this.latest) this.latest = now;
    return this.latest;
  }

  retire(): void {}

  skipTo(): boolean {
    return false;
  }
}
