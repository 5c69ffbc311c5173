import { ZX_OBJ_TYPE_TIMER } from '../abi/object-types.js';
import { ZX_DEFAULT_TIMER_RIGHTS } from '../abi/rights.js';
import { ZX_TIMER_SIGNALED, ZX_USER_SIGNAL_ALL } from '../abi/signals.js';
import type { KernelCore } from '../kernel-core.js';
import { Dispatcher } from '../object/dispatcher.js';
import type { TimerQueue } from '../task/timer-queue.js';
import { Waiter, type Blocker } from '../task/waiter.js';

/** The one wait of a timer. */
class TimerWait extends Waiter {
  constructor(
    timers: TimerQueue,
    private readonly fired: () => void,
  ) {
    super(timers);
  }

  protected override resume(): void {
    this.fired();
  }
}

/**
 * Asserts ZX_TIMER_SIGNALED when its deadline has come. The slack that it was set with is not made use of.
 *
 * @see Zircon `zx_timer_create`, `zx_timer_set`, `zx_timer_cancel`
 */
export class TimerDispatcher extends Dispatcher {
  override readonly type = ZX_OBJ_TYPE_TIMER;
  override readonly defaultRights = ZX_DEFAULT_TIMER_RIGHTS;
  /** Nanoseconds on the kernel's clock; 0 when it is not set. */
  deadline = 0;
  slack = 0;
  private readonly wait: TimerWait;

  /**
   * @param options `ZX_TIMER_SLACK_*`
   * @param clock `ZX_CLOCK_*`
   */
  constructor(
    core: KernelCore,
    readonly options: number,
    readonly clock: number,
  ) {
    super(core);
    this.wait = new TimerWait(core.timers, () => this.fire());
  }

  override get userSignals(): number {
    return ZX_USER_SIGNAL_ALL;
  }

  /** Starts anew. @param deadline Infinity: never */
  set(deadline: number, slack: number): void {
    this.cancel();
    this.updateSignals(ZX_TIMER_SIGNALED, 0);
    this.deadline = deadline;
    this.slack = slack;
    if (deadline <= this.core.clock.now()) {
      this.fire();
      return;
    }
    const blocker: Blocker = {
      kind: 'sleeping',
      deadline,
      subscribe: () => undefined,
      unsubscribe: () => undefined,
      describe: () => `time ${deadline}`,
    };
    this.wait.block(blocker);
  }

  /** It will not fire; what it has asserted stays. */
  cancel(): void {
    this.wait.abandonWait();
    this.deadline = 0;
    this.slack = 0;
  }

  protected override onZeroHandles(): void {
    this.cancel();
    this.destroyed();
  }

  private fire(): void {
    this.deadline = 0;
    this.slack = 0;
    this.updateSignals(0, ZX_TIMER_SIGNALED);
  }
}
