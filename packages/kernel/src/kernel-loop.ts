import { KernelError } from './kernel-error.js';
import type { KernelState } from './kernel-state.js';
import type { HostEnvironment } from './host/host-environment.js';
import type { Koid } from './object/dispatcher.js';

/** A thread of a process that waits, or a call of the host. */
export interface WaitingThread {
  /** Koid and name of the process. */
  readonly process: Koid;
  readonly processName: string;
  /** Koid and name of the thread; of a host call 0 and the name of the call. */
  readonly thread: Koid;
  readonly name: string;
  /** What it waits for, as a noun phrase. */
  readonly on: string;
}

/** How a run of the kernel ended. */
export interface RunResult {
  /**
   * `exited`: no process runs any more. `deadlock`: every thread waits for something that nothing can bring about. `stopped`: `stop`
   * was called, or the signal aborted.
   */
  readonly outcome: 'exited' | 'deadlock' | 'stopped';
  /** Threads that wait or are suspended, in the order of their processes, then calls of the host. */
  readonly waiting: readonly WaitingThread[];
}

type BurstEnd = 'exited' | 'stopped' | 'idle' | 'due';

/** What things cost besides the instructions that guests retire, in instructions. */
const TURN_COST = 200;
const HOST_TASK_COST = 3_000;

/**
 * The loop that lets guests run.
 *
 * Each burst is synchronous: host work, timers, one thread's turn, again and again, until the host is due its turn or nothing can run. When every
 * thread waits, the host gets its turn, and then
 *  - what was made runnable meanwhile runs;
 *  - virtual time moves on to the next deadline, unless the host holds it;
 *  - on a wall clock the loop sleeps until the next deadline, or until something happens;
 *  - when there is no deadline, and no hold either, this is a deadlock.
 */
export class KernelLoop {
  private running = false;
  private stopping = false;
  /** Ends the sleep of an idle loop. */
  private wakeUp: (() => void) | null = null;
  private pumping = false;

  constructor(
    private readonly state: KernelState,
    private readonly host: HostEnvironment,
  ) {
    state.work.onChange = () => this.changed();
    state.tasks.scheduler.onRunnable = () => this.wakeUp?.();
  }

  get isRunning(): boolean {
    return this.running;
  }

  /** Ends the run, at the end of the turn that is under way. */
  stop(): void {
    this.stopping = true;
    this.wakeUp?.();
  }

  async run(signal: AbortSignal | undefined): Promise<RunResult> {
    if (this.running) throw new KernelError('already-running', 'the kernel runs already');
    this.running = true;
    this.stopping = signal?.aborted === true;
    const abort = (): void => this.stop();
    signal?.addEventListener('abort', abort, { once: true });
    try {
      const outcome = await this.runToEnd();
      return { outcome, waiting: outcome === 'exited' ? [] : this.waiting() };
    } finally {
      signal?.removeEventListener('abort', abort);
      this.running = false;
      this.changed();
    }
  }

  private async runToEnd(): Promise<RunResult['outcome']> {
    for (;;) {
      const end = this.burst();
      if (end === 'exited' || end === 'stopped') return end;
      await this.host.yield();
      if (end === 'idle' && this.isIdle() && !(await this.passTime())) return 'deadlock';
    }
  }

  /** Runs until the host is due, nothing can run, or everything is over. */
  private burst(): BurstEnd {
    const { work, tasks, timers, overtime, clock } = this.state;
    const { scheduler } = tasks;
    const retire = (instructions: number): void => {
      this.state.retired += instructions;
    };
    const due = this.host.startTurn();
    tasks.spend = due;
    let { performed } = work;
    work.driven = true;
    try {
      if (overtime.timers.next !== Infinity) overtime.timers.expire(clock.now());
      for (;;) {
        work.settle();
        if (timers.next !== Infinity) timers.expire(clock.now());
        if (this.stopping) return 'stopped';
        if (tasks.running.size === 0 && work.isEmpty) return 'exited';
        if (scheduler.runnable > 0) {
          const ran = scheduler.turn(retire);
          const tasksDone = work.performed - performed;
          performed = work.performed;
          if (due(ran + TURN_COST + tasksDone * HOST_TASK_COST)) return 'due';
        } else if (work.isEmpty) {
          return 'idle';
        }
      }
    } finally {
      work.driven = false;
    }
  }

  private isIdle(): boolean {
    const { work, tasks } = this.state;
    return work.isEmpty && tasks.scheduler.runnable === 0 && tasks.running.size > 0 && !this.stopping;
  }

  /** Everybody waits. @returns false: for ever */
  private async passTime(): Promise<boolean> {
    const { timers, overtime, clock, work } = this.state;
    if (timers.next !== Infinity) {
      if (work.timeHolds === 0 && clock.skipTo(timers.next)) return true;
    } else if (work.holds === 0) return false;
    await this.sleepUntil(Math.min(timers.next, overtime.timers.next));
    return true;
  }

  /** Until a deadline on a wall clock, or until something happens. */
  private async sleepUntil(deadline: number): Promise<void> {
    const { clock } = this.state;
    const now = clock.now();
    // Only virtual time can be skipped, and be held; asked to skip to now, it stays where it is. Sleeping does not move it.
    const stands = clock.skipTo(now);
    const sleep = this.host.sleep(stands ? Infinity : deadline - now);
    this.wakeUp = sleep.end;
    await sleep.over;
    this.wakeUp = null;
  }

  /** A host call waits, a hold ended, or the loop ended: somebody may have to see to the timers. */
  private changed(): void {
    if (this.running) this.wakeUp?.();
    else if (!this.pumping && this.state.work.waiting.size > 0 && this.state.timers.next !== Infinity)
      void this.pump();
  }

  /** While the loop does not run, deadlines of host calls still pass. */
  private async pump(): Promise<void> {
    const { work, timers, overtime, clock } = this.state;
    this.pumping = true;
    try {
      while (work.waiting.size > 0 && timers.next !== Infinity) {
        await this.host.yield();
        if (this.running) return;
        if (timers.next > clock.now() && !(work.timeHolds === 0 && clock.skipTo(timers.next))) {
          await this.sleepUntil(timers.next);
        }
        if (this.running) return;
        timers.expire(clock.now());
        overtime.timers.expire(clock.now());
        work.settle();
      }
    } finally {
      this.pumping = false;
    }
  }

  private waiting(): WaitingThread[] {
    const found: WaitingThread[] = [];
    for (const process of this.state.tasks.running) {
      for (const { thread, objectName, koid } of process.threads.values()) {
        const isSuspended = thread.state === 'suspended';
        if (thread.blocker === null && !isSuspended) continue;
        found.push({
          process: process.koid,
          processName: process.objectName.text,
          thread: koid,
          name: objectName.text,
          on: isSuspended ? 'the end of its suspension' : (thread.blocker?.describe() ?? ''),
        });
      }
    }
    for (const call of this.state.work.waiting) {
      const { process, callName, waitsFor } = call;
      found.push({
        process: process.koid,
        processName: process.name,
        thread: 0,
        name: callName,
        on: waitsFor?.describe() ?? 'its turn',
      });
    }
    return found;
  }
}
