import type { Status } from '../abi/status.js';
import type { Blocker } from '../task/waiter.js';

/** What runs on the host's side when something happened inside the kernel. Queued where it happens, carried out at safe points. */
export interface HostTask {
  /** Carried out once for each time it was posted; no kernel operation is under way. */
  perform(): void;
}

/** A host call that waits, and can be made to stop. */
export interface WaitingCall {
  readonly process: { readonly koid: number; readonly name: string };
  /** `zx_port_wait` */
  readonly callName: string;
  readonly waitsFor: Blocker | null;
  /** Ends it with a status. */
  cancel(status: Status): void;
}

/** Places of the queue that are kept when it is empty. */
const MOST_KEPT = 1_024;

/**
 * Work for the host's side: host calls whose wait has ended, and listeners of ports.
 *
 * The life of a task:
 *  1. something inside a kernel operation posts it: nothing runs yet;
 *  2. at the next safe point, `settle` performs what was posted, in order, until nothing is left. The run loop settles between
 *     threads; when it is not running, a microtask does, so that no caller of a system call is re-entered.
 */
export class HostWork {
  /** The run loop is in its synchronous part, and settles by itself. */
  driven = false;
  /** Holds that exist: see `hold`. */
  holds = 0;
  /** Of these, the ones that hold virtual time too. */
  timeHolds = 0;
  /** Host calls that wait. */
  readonly waiting = new Set<WaitingCall>();
  /** Told when a host call starts to wait, and when a hold ends. */
  onChange: (() => void) | null = null;

  /** Tasks performed so far. */
  performed = 0;

  /** Tasks at [next, end), null elsewhere: the array is kept when it is empty, since one task at a time comes and goes most often. */
  private readonly queue: (HostTask | null)[] = [];
  private next = 0;
  private end = 0;
  private settling = false;
  private scheduled = false;

  get isEmpty(): boolean {
    return this.next === this.end;
  }

  post(task: HostTask): void {
    this.queue[this.end] = task;
    this.end += 1;
    this.schedule();
  }

  /** Performs everything posted, also what is posted meanwhile. Does nothing when called from a task. */
  settle(): void {
    if (this.settling) return;
    this.settling = true;
    try {
      while (this.next < this.end) {
        const task = this.queue[this.next];
        this.queue[this.next] = null;
        this.next += 1;
        this.performed += 1;
        task?.perform();
      }
      if (this.end > MOST_KEPT) this.queue.length = 0;
      this.next = 0;
      this.end = 0;
    } finally {
      this.settling = false;
      // A task threw: the others still have their turn.
      if (!this.isEmpty) this.schedule();
    }
  }

  /**
   * Something outside is under way that may wake the system.
   *
   * @param holdsTime virtual time stands still meanwhile
   * @returns ends the hold, once
   */
  hold(holdsTime: boolean): () => void {
    const time = holdsTime ? 1 : 0;
    this.holds += 1;
    this.timeHolds += time;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.holds -= 1;
      this.timeHolds -= time;
      this.onChange?.();
    };
  }

  private schedule(): void {
    if (this.driven || this.settling || this.scheduled) return;
    this.scheduled = true;
    queueMicrotask(() => {
      this.scheduled = false;
      this.settle();
    });
  }
}
