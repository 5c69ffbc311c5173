import type { Clock } from '@faultline/mmu-emu';
import { TimerQueue, type Timer } from '../task/timer-queue.js';

/** How long a page request may take. */
export interface OvertimeLimits {
  /** Nanoseconds after which, again and again, the log says that somebody waits; 0: never. */
  readonly warnAfter: number;
  /** Nanoseconds after which the wait ends with ZX_ERR_TIMED_OUT; 0: never. */
  readonly failAfter: number;
}

/** A wait for a pager that can take too long. */
export interface OvertimeWait extends Timer {
  /** When it began. */
  waitingSince: number;
  /** What is waited for. */
  describe(): string;
  /** Ends it with ZX_ERR_TIMED_OUT. */
  timeOut(): void;
}

const NANOSECONDS = 1_000_000_000;

/** A warning every 20 s, an end after 300 s. */
export const DEFAULT_OVERTIME: OvertimeLimits = { warnAfter: 20 * NANOSECONDS, failAfter: 300 * NANOSECONDS };

/**
 * Watches over page requests that a pager does not answer. Every waiter has its own time, which begins whenever it blocks.
 *
 * These timers are apart from those of deadlines. They are no reason to let virtual time pass, nor to wait for when nothing else can happen: that is
 * a deadlock, and it is better told at once.
 *
 * @see Zircon kernel options `kernel.userpager.overtime_wait_seconds`, `kernel.userpager.overtime_timeout_seconds`
 */
export class RequestOvertime {
  readonly timers = new TimerQueue();
  /** Nanoseconds from the beginning of a wait until there is something to do. */
  private readonly first: number;

  constructor(
    private readonly clock: Clock,
    private readonly limits: OvertimeLimits,
    private readonly log: (severity: 'warning' | 'error', text: string) => void,
  ) {
    this.first = this.nextAfter(0);
  }

  /** A wait begins. */
  begin(wait: OvertimeWait): void {
    if (this.first === Infinity) return;
    wait.waitingSince = this.clock.now();
    this.timers.arm(wait, wait.waitingSince + this.first);
  }

  /** It is over. */
  end(wait: OvertimeWait): void {
    this.timers.disarm(wait);
  }

  /** For the wait: its timer has fired. */
  fired(wait: OvertimeWait): void {
    const { failAfter } = this.limits;
    this.timers.disarm(wait);
    const waited = this.clock.now() - wait.waitingSince;
    const text = `a pager has not answered for ${Math.floor(waited / NANOSECONDS)} s: ${wait.describe()}`;
    if (failAfter !== 0 && waited >= failAfter) {
      this.log('error', `${text}; the wait ends with ZX_ERR_TIMED_OUT`);
      wait.timeOut();
      return;
    }
    this.log('warning', text);
    this.timers.arm(wait, wait.waitingSince + this.nextAfter(waited));
  }

  /** Nanoseconds from the beginning at which there is something to do, after those that have passed. */
  private nextAfter(waited: number): number {
    const { warnAfter, failAfter } = this.limits;
    const warning = warnAfter === 0 ? Infinity : (Math.floor(waited / warnAfter) + 1) * warnAfter;
    return failAfter === 0 ? warning : Math.min(warning, failAfter);
  }
}
