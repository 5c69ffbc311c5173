/**
 * Waiting, written once for guest threads and host callers.
 *
 * A party that can wait is a `Waiter`. It waits for one `Blocker` at a time: a port with no packet, a page request,
 * a futex, a deadline. An operation that may have to wait more than once is a generator (`Operation`): it yields
 * the blocker it must wait for and is resumed with the status that ended the wait. Its local variables are its progress,
 * so what it took before (a packet, say) is never lost when a later step has to wait.
 *
 * The life of a wait:
 *  1. the waiter runs, `blocker` is null;
 *  2. `block(b)`: b's queue holds the waiter, a timer is armed when b has a deadline;
 *  3. `wake(status)`, from the blocker (its condition came true, or it died), the timer (ZX_ERR_TIMED_OUT), or whoever
 *     cancels the wait (ZX_ERR_CANCELED): the waiter leaves the queue and the timer, once, and `resume(status)` makes it runnable.
 */
import type { Status } from '../abi/status.js';
import type { TimerQueue } from './timer-queue.js';

/** What kind of thing a waiter waits for; a thread's `ZX_THREAD_STATE_BLOCKED_*` follows from it. */
export type BlockKind =
  'exception' | 'sleeping' | 'futex' | 'port' | 'channel' | 'wait-one' | 'wait-many' | 'interrupt' | 'pager';

/**
 * What becomes of a wait whose thread is suspended.
 *
 *  - `start-over`: it is given up, and what the thread was doing (an access, a system call) begins again when the thread goes on. Nothing
 *    that such an operation did before its wait may be lost by that.
 *  - `keep-waiting`: the thread is not suspended before the wait has ended, and what it waits for is done.
 *  - `stand-by`: the thread is suspended at once, and what it waits for may come meanwhile.
 */
export type WhenSuspended = 'start-over' | 'keep-waiting' | 'stand-by';

/** Something one or many waiters can wait for. */
export interface Blocker {
  readonly kind: BlockKind;
  /** Nanoseconds on the kernel's clock at which the wait ends with ZX_ERR_TIMED_OUT; Infinity: never. */
  readonly deadline: number;
  /** What a thread that waits for it does when it is suspended; default `start-over`. */
  readonly whenSuspended?: WhenSuspended;
  subscribe(waiter: Waiter): void;
  /** Must accept a waiter that is no longer in its queue. */
  unsubscribe(waiter: Waiter): void;
  /** For reports: a noun phrase, such as `a packet on port 1041`. */
  describe(): string;
}

/** An operation that may wait: yields what it waits for, is resumed with the status that ended the wait, returns its own. */
export type Operation = Generator<Blocker, Status, Status>;

/** Returned by `advance` when the operation waits; positive, so that it is no status of an error. */
export const BLOCKED = 0x7fff_ffff;

/** A guest thread or a host call. */
export abstract class Waiter {
  /** What it waits for; null while it runs or is runnable. */
  blocker: Blocker | null = null;
  /** Links of the `WaitQueue` that holds this waiter. */
  queue: WaitQueue | null = null;
  queuePrevious: Waiter | null = null;
  queueNext: Waiter | null = null;
  /** Position in the timer heap, -1 when no timer is armed; owned by `TimerQueue`. */
  timerIndex = -1;
  timerDeadline = Infinity;
  timerOrder = 0;

  protected constructor(private readonly timers: TimerQueue) {}

  /** Starts waiting. The waiter must not be waiting already. */
  block(blocker: Blocker): void {
    if (this.blocker !== null)
      throw new Error(`a waiter blocked on ${this.blocker.describe()} cannot block again`);
    this.blocker = blocker;
    blocker.subscribe(this);
    // It may have ended the wait right away.
    if (this.blocker === blocker && blocker.deadline !== Infinity) this.timers.arm(this, blocker.deadline);
  }

  /** Ends the wait with `status`; does nothing when the waiter does not wait. */
  wake(status: Status): void {
    const blocker = this.blocker;
    if (blocker === null) return;
    this.blocker = null;
    blocker.unsubscribe(this);
    if (this.timerIndex >= 0) this.timers.disarm(this);
    this.resume(status);
  }

  /** Leaves the wait without resuming: the waiter is being killed. */
  abandonWait(): void {
    const blocker = this.blocker;
    if (blocker === null) return;
    this.blocker = null;
    blocker.unsubscribe(this);
    if (this.timerIndex >= 0) this.timers.disarm(this);
  }

  /** Makes the waiter runnable; it will continue with `status`. Never runs the continuation itself. */
  protected abstract resume(status: Status): void;
}

/**
 * Runs an operation until it ends or waits.
 *
 * @param status what ended the wait that the operation yielded; any value at the first call
 * @returns the operation's status (≤ 0), or `BLOCKED` when `waiter` now waits
 */
export function advance(operation: Operation, waiter: Waiter, status: Status): number {
  const step = operation.next(status);
  if (step.done === true) return step.value;
  waiter.block(step.value);
  return BLOCKED;
}

/** A first-in first-out queue of waiters, linked through them: no allocation, removal in constant time. */
export class WaitQueue {
  private head: Waiter | null = null;
  private tail: Waiter | null = null;

  get isEmpty(): boolean {
    return this.head === null;
  }

  get first(): Waiter | null {
    return this.head;
  }

  add(waiter: Waiter): void {
    if (waiter.queue !== null) throw new Error('a waiter is in one queue at most');
    waiter.queue = this;
    waiter.queuePrevious = this.tail;
    if (this.tail === null) this.head = waiter;
    else this.tail.queueNext = waiter;
    this.tail = waiter;
  }

  /** Puts a waiter before all others. */
  addFirst(waiter: Waiter): void {
    if (waiter.queue !== null) throw new Error('a waiter is in one queue at most');
    waiter.queue = this;
    waiter.queueNext = this.head;
    if (this.head === null) this.tail = waiter;
    else this.head.queuePrevious = waiter;
    this.head = waiter;
  }

  /** Takes a waiter out; does nothing when it is not in this queue. */
  remove(waiter: Waiter): void {
    if (waiter.queue !== this) return;
    if (waiter.queuePrevious === null) this.head = waiter.queueNext;
    else waiter.queuePrevious.queueNext = waiter.queueNext;
    if (waiter.queueNext === null) this.tail = waiter.queuePrevious;
    else waiter.queueNext.queuePrevious = waiter.queuePrevious;
    waiter.queue = null;
    waiter.queuePrevious = null;
    waiter.queueNext = null;
  }

  /** Wakes the first waiter; false when there is none. */
  wakeOne(status: Status): boolean {
    const waiter = this.head;
    if (waiter === null) return false;
    waiter.wake(status);
    this.remove(waiter);
    return true;
  }

  /** Wakes every waiter that is in the queue now. */
  wakeAll(status: Status): number {
    let woken = 0;
    while (this.wakeOne(status)) woken += 1;
    return woken;
  }
}
