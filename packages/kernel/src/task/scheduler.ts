import { HART_CAUSE, HART_X, type Hart } from '@faultline/mmu-emu';
import type { Rng } from '../kernel-core.js';
import type { AddressSpace } from '../vm/address-space.js';
import type { Thread } from './thread.js';
import { WaitQueue, type Waiter } from './waiter.js';

/** How the next thread is chosen. */
export type Schedule =
  /** The one that has waited longest, for a whole slice. */
  | 'round-robin'
  /** Any that is runnable, for any part of a slice, by the numbers that follow from the seed: to explore races, and to repeat them. */
  | { readonly seed: number };

/** What happened in a step of a thread on a hart. */
export const STEP_GO_ON = 0;
/** It waits, or has ended: the hart is free. */
export const STEP_LEFT = 1;

/** It can go on, but the host is due its turn first. */
export const STEP_STAND_BACK = 2;

/** Carries out what a thread cannot do by itself. */
export interface ThreadSteps {
  /** Before it runs: finishes what it waited for. */
  resume(thread: Thread): number;
  /** The hart trapped. */
  trap(cpu: Cpu, thread: Thread): number;
}

/** A hart, and which thread's registers and address space it has. */
export class Cpu {
  /** The thread that is in a step. */
  current: Thread | null = null;
  /** The thread whose registers the hart has; they are stale in `Thread.saved`. */
  loaded: Thread | null = null;
  /** The address space the hart translates with. */
  space: AddressSpace | null = null;
  /** Arguments of a system call: a0 to a7, in place. */
  readonly args: Uint32Array;

  constructor(readonly hart: Hart) {
    this.args = hart.context.subarray(HART_X + 20, HART_X + 36);
  }

  /** Cause of the trap that ended the last run. */
  get cause(): number {
    return this.hart.state[HART_CAUSE];
  }

  /** Puts a thread's registers and address space on the hart. */
  load(thread: Thread): void {
    const { hart } = this;
    if (this.loaded !== thread) {
      if (this.loaded !== null) this.loaded.saved.set(hart.context);
      hart.context.set(thread.saved);
      hart.clearReservation();
      this.loaded = thread;
      thread.cpu = this;
    }
    const { space } = thread.process;
    if (this.space !== space) {
      space.activate(hart);
      this.space = space;
    }
  }
}

/** What a trap costs in instructions, so that a thread that only traps uses its slice up too. */
const TRAP_COST = 500;
/** Exit reasons of `Hart.run`. */
const EXIT_BUDGET = 0;
const EXIT_TRAP = 1;

/** How a scheduler chooses. */
export interface SchedulerOptions {
  readonly schedule: Schedule;
  /** Instructions a thread runs before another has its turn. */
  readonly sliceInstructions: number;
  /** Of the seed, when there is one. */
  readonly rng: Rng | null;
}

/**
 * Who runs: a preemptive scheduler without priorities, the same for one hart and for several.
 *
 * A thread stands in the queue while it is runnable; `turn` takes one out, runs it on a hart until its slice is used up, it waits or it ends. Slices are
 * counted in instructions, so that the same start leads to the same interleaving. Registers stay on the hart when a thread stops, and move only when another runs there.
 *
 * Where memory is so short that a page goes before those who waited for it have their turn, waiting in line would never end. A thread that waits for pages twice without an
 * instruction in between is therefore the first to run when it is woken, every second time, so that nobody else is kept from running by that.
 */
export class Scheduler {
  readonly cpus: readonly Cpu[];
  /** Times that a hart's registers were exchanged. */
  switches = 0;
  /** Told when a thread becomes runnable. */
  onRunnable: (() => void) | null = null;

  private readonly queue = new WaitQueue();
  private length = 0;
  private nextCpu = 0;
  /** The thread that stood back for the host, and what is left of its slice: it goes on first, so that the host's time changes no order. */
  private interrupted: Thread | null = null;
  private interruptedLeft = 0;

  constructor(
    harts: readonly Hart[],
    private readonly steps: ThreadSteps,
    private readonly options: SchedulerOptions,
  ) {
    this.cpus = harts.map((hart) => new Cpu(hart));
  }

  /** Threads that could run. */
  get runnable(): number {
    return this.length + (this.interrupted === null ? 0 : 1);
  }

  /** A thread has become runnable. @param first it stands before all others */
  enqueue(thread: Thread, first = false): void {
    thread.state = 'runnable';
    if (first) this.queue.addFirst(thread);
    else this.queue.add(thread);
    this.length += 1;
    this.onRunnable?.();
  }

  /** Takes a thread out, if it stands in the queue. */
  dequeue(thread: Thread): void {
    if (thread === this.interrupted) this.interrupted = null;
    if (thread.queue !== this.queue) return;
    this.queue.remove(thread);
    this.length -= 1;
  }

  /** An address space is about to go. */
  forgetSpace(space: AddressSpace): void {
    for (const cpu of this.cpus) if (cpu.space === space) cpu.space = null;
  }

  /**
   * Lets one thread run, on the next hart.
   *
   * @param retire told how many instructions each run retired
   * @returns what it took, in instructions; 0 when no thread is runnable
   */
  turn(retire: (instructions: number) => void): number {
    const { interrupted } = this;
    const thread = interrupted ?? this.choose();
    if (thread === null) return 0;
    this.dequeue(thread);
    const slice = interrupted === null ? this.slice() : this.interruptedLeft;
    const left = this.run(this.cpus[this.nextCpu], thread, slice, retire);
    if (this.interrupted === null) this.nextCpu = (this.nextCpu + 1) % this.cpus.length;
    return slice - left;
  }

  private run(cpu: Cpu, thread: Thread, slice: number, retire: (instructions: number) => void): number {
    let left = slice;
    cpu.current = thread;
    thread.state = 'running';
    // Its registers may still be on another hart.
    if (thread.cpu !== null && thread.cpu !== cpu && thread.cpu.loaded === thread) {
      thread.saved.set(thread.cpu.hart.context);
      thread.cpu.loaded = null;
    }
    let step = this.steps.resume(thread);
    while (step === STEP_GO_ON && !thread.dying && left > 0) {
      if (thread.suspensions > 0) {
        thread.rest();
        step = STEP_LEFT;
        break;
      }
      if (cpu.loaded !== thread) this.switches += 1;
      cpu.load(thread);
      const exit = cpu.hart.run(left);
      const { retired } = cpu.hart;
      thread.retired += retired;
      left -= retired;
      retire(retired);
      if (exit === EXIT_BUDGET) break;
      left -= TRAP_COST;
      // Waiting for an interrupt is a hint: there are none here.
      if (exit === EXIT_TRAP) step = this.steps.trap(cpu, thread);
    }
    cpu.current = null;
    if (thread.dying) {
      // It may have begun to wait, or even been woken, in the step in which it was killed.
      this.dequeue(thread);
      thread.terminate();
    } else if (step === STEP_STAND_BACK && left > 0) {
      thread.state = 'runnable';
      this.interrupted = thread;
      this.interruptedLeft = left;
    } else if (step !== STEP_LEFT) {
      this.enqueue(thread);
    }
    return left;
  }

  private choose(): Thread | null {
    const { rng } = this.options;
    let waiter: Waiter | null = this.queue.first;
    if (rng !== null && this.length > 1) {
      for (let skip = rng.next() % this.length; skip > 0 && waiter !== null; skip -= 1)
        waiter = waiter.queueNext;
    }
    return waiter as Thread | null;
  }

  private slice(): number {
    const { rng, sliceInstructions } = this.options;
    return rng === null ? sliceInstructions : 1 + (rng.next() % sliceInstructions);
  }
}
