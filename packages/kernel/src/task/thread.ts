import { CONTEXT_WORDS, HART_PC, HART_X } from '@faultline/mmu-emu';
import { ZX_EXCP_THREAD_EXITING } from '../abi/exceptions.js';
import * as task from '../abi/task.js';
import { ZX_THREAD_RUNNING, ZX_THREAD_SUSPENDED } from '../abi/signals.js';
import { ZX_ERR_BAD_STATE, ZX_ERR_CANCELED, ZX_OK, type Status } from '../abi/status.js';
import type { KernelCore } from '../kernel-core.js';
import type { Caller } from '../syscall/call.js';
import type { ExceptionDispatcher } from './exception-dispatcher.js';
import { wordPair } from './exception-report.js';
import type { ProcessDispatcher } from './process.js';
import type { Cpu, Scheduler } from './scheduler.js';
import type { ThreadDispatcher } from './thread-dispatcher.js';
import type { UserMemory } from './user-memory.js';
import { Waiter, type BlockKind, type Blocker, type Operation } from './waiter.js';

/** Where a thread is in its life; see `Thread`. */
export type ThreadState = 'new' | 'runnable' | 'running' | 'blocked' | 'suspended' | 'dead';

const BLOCKED_STATES: Readonly<Record<BlockKind, number>> = {
  exception: task.ZX_THREAD_STATE_BLOCKED_EXCEPTION,
  sleeping: task.ZX_THREAD_STATE_BLOCKED_SLEEPING,
  futex: task.ZX_THREAD_STATE_BLOCKED_FUTEX,
  port: task.ZX_THREAD_STATE_BLOCKED_PORT,
  channel: task.ZX_THREAD_STATE_BLOCKED_CHANNEL,
  'wait-one': task.ZX_THREAD_STATE_BLOCKED_WAIT_ONE,
  'wait-many': task.ZX_THREAD_STATE_BLOCKED_WAIT_MANY,
  interrupt: task.ZX_THREAD_STATE_BLOCKED_INTERRUPT,
  pager: task.ZX_THREAD_STATE_BLOCKED_PAGER,
};

const A0 = HART_X + 2 * 10;
const A1 = HART_X + 2 * 11;
const SP = HART_X + 2 * 2;
const GP = HART_X + 2 * 3;
const TP = HART_X + 2 * 4;
const TWO_32 = 0x1_0000_0000;
/** The instruction of a system call has no compressed form. */
const ECALL_BYTES = 4n;

/** Registers that a thread starts with, u64 as numbers or bigints. All others are 0. */
export interface StartRegisters {
  readonly pc: number | bigint;
  readonly sp: number | bigint;
  readonly arg1: number | bigint;
  readonly arg2: number | bigint;
  readonly tp?: number | bigint;
  readonly gp?: number | bigint;
}

/**
 * A thread of execution of a guest process: the one who waits, and who makes system calls.
 *
 * Its life:
 *  1. new: no registers yet;
 *  2. `start`: runnable, in the scheduler's queue;
 *  3. running, while the scheduler has it on a hart; its registers may then be the hart's (`Cpu.loaded`);
 *  4. blocked, on a system call (`operation` holds its progress) or on a page fault (resolved again before the instruction is tried again);
 *     runnable again when woken;
 *  5. suspended, while there are tokens that say so (`suspend`, `unsuspend`): it stands between two instructions, and others may read
 *     and write its registers. A wait that can begin again is given up, and its instruction (the access, or the `ecall` of the call)
 *     is carried out again afterwards; one that cannot comes to its end first. @see WhenSuspended
 *  6. dead: by `zx_thread_exit`, by a kill, by the end of its process. What an unfinished operation holds is given back
 *     (`Generator.return`). A thread that is running when it is killed dies at the end of the step it is in.
 */
export class Thread extends Waiter implements Caller {
  state: ThreadState = 'new';
  /** Registers, while no hart has them. */
  readonly saved = new Uint32Array(CONTEXT_WORDS);
  /** Set while it runs: it must not go on. */
  dying = false;
  /** Tokens that keep it from running. */
  suspensions = 0;
  /** The unfinished system call. */
  operation: Operation | null = null;
  /** An exception on its way through the handlers, or what debuggers are told first. */
  notice: Operation | null = null;
  /** The exception that it is in. */
  exception: ExceptionDispatcher | null = null;
  /** It has not run yet. */
  isNew = true;
  /** Its process was started with it. */
  isFirst = false;
  /** The policy that its call went against (`ZX_POL_*`), to be raised when the call returns; -1: none. */
  violation = -1;
  /** Name of the system call it is in, for events. */
  callName = '';
  /** What ended the last wait. */
  wakeStatus: Status = ZX_OK;
  /** Cause of the page fault that it waits to be resolved; 0: it waits in a system call, or not at all. */
  faultCause = 0;
  /** Address of that fault, two words. */
  faultLow = 0;
  faultHigh = 0;
  /** The hart that has, or last had, its registers. */
  cpu: Cpu | null = null;
  /** Instructions retired. */
  retired = 0;
  /** When it was started, nanoseconds. */
  startTime = 0;
  /** `retired` when it began to wait for a page last. */
  private retiredAtWait = -1;
  /** It has waited for pages and got no further: it goes first when it is woken. */
  private goesFirst = false;

  constructor(
    readonly dispatcher: ThreadDispatcher,
    readonly process: ProcessDispatcher,
    readonly scheduler: Scheduler,
  ) {
    super(dispatcher.core.timers);
  }

  get core(): KernelCore {
    return this.dispatcher.core;
  }

  get waiter(): Waiter {
    return this;
  }

  get memory(): UserMemory {
    return this.process.space.memory;
  }

  get mayWaitForPager(): boolean {
    return this.process.pagerBlocking === 'allow';
  }

  get thread(): ThreadDispatcher {
    return this.dispatcher;
  }

  /** Its registers, wherever they are. */
  get registers(): Uint32Array {
    const { cpu } = this;
    return cpu !== null && cpu.loaded === this ? cpu.hart.context : this.saved;
  }

  /** `zx_info_thread_t.state` */
  get zxState(): number {
    switch (this.state) {
      case 'new':
        return task.ZX_THREAD_STATE_NEW;
      case 'runnable':
      case 'running':
        return this.dying ? task.ZX_THREAD_STATE_DYING : task.ZX_THREAD_STATE_RUNNING;
      case 'blocked':
        if (this.exception?.report.type === ZX_EXCP_THREAD_EXITING) return task.ZX_THREAD_STATE_DYING;
        return this.blocker === null ? task.ZX_THREAD_STATE_RUNNING : BLOCKED_STATES[this.blocker.kind];
      case 'suspended':
        return task.ZX_THREAD_STATE_SUSPENDED;
      case 'dead':
        return task.ZX_THREAD_STATE_DEAD;
    }
  }

  /** From new to runnable. */
  start(registers: StartRegisters): void {
    const { saved } = this;
    saved.fill(0);
    setWords(saved, HART_PC, registers.pc);
    setWords(saved, SP, registers.sp);
    setWords(saved, A0, registers.arg1);
    setWords(saved, A1, registers.arg2);
    setWords(saved, TP, registers.tp ?? 0);
    setWords(saved, GP, registers.gp ?? 0);
    this.startTime = this.core.clock.now();
    this.scheduler.enqueue(this);
  }

  /** The result of its system call: a0, as a signed 64-bit value. */
  setResult(value: number): void {
    const { registers } = this;
    registers[A0] = value >>> 0;
    registers[A0 + 1] = Math.floor(value / TWO_32);
  }

  /** Waits for something; the scheduler takes it off its hart. */
  override block(blocker: Blocker): void {
    const { events } = this.core;
    if (events !== null) {
      events({
        type: 'block',
        time: this.core.clock.now(),
        retired: this.core.retired,
        process: this.process.koid,
        thread: this.dispatcher.koid,
        on: blocker.describe(),
      });
    }
    const forPager = blocker.kind === 'pager';
    this.goesFirst = forPager && !this.goesFirst && this.retired === this.retiredAtWait;
    if (forPager) this.retiredAtWait = this.retired;
    // Before, because what it waits for may have come already: then it is runnable when this returns.
    this.state = 'blocked';
    super.block(blocker);
    if (this.suspensions > 0) this.comeToRest();
  }

  /**
   * One more reason not to run. It takes effect at once, or as soon as what it is in the middle of is done.
   *
   * @returns ZX_OK; ZX_ERR_BAD_STATE: it has ended, or is about to
   */
  suspend(): Status {
    if (this.state === 'dead' || this.dying) return ZX_ERR_BAD_STATE;
    this.suspensions += 1;
    if (this.suspensions === 1) this.comeToRest();
    return ZX_OK;
  }

  /** One reason less. */
  unsuspend(): void {
    this.suspensions -= 1;
    if (this.suspensions > 0 || this.state !== 'suspended') return;
    this.dispatcher.updateSignals(ZX_THREAD_SUSPENDED, ZX_THREAD_RUNNING);
    if (this.blocker !== null) this.state = 'blocked';
    else this.scheduler.enqueue(this);
  }

  /** Others may look at its registers, and change them. */
  get isStopped(): boolean {
    return this.state === 'suspended' || this.blocker?.kind === 'exception';
  }

  /** Its registers were written: what it was in the middle of is not carried on. */
  redirected(): void {
    if (this.state !== 'suspended') return;
    this.abandonWait();
    const { operation } = this;
    this.operation = null;
    operation?.return(ZX_ERR_CANCELED);
  }

  /** Stops where it is; it is in no queue, or waits for what may come meanwhile. */
  rest(): void {
    this.state = 'suspended';
    this.dispatcher.updateSignals(ZX_THREAD_RUNNING, ZX_THREAD_SUSPENDED);
  }

  /** Suspends it if it can stop where it is. */
  private comeToRest(): void {
    if (this.state === 'runnable') {
      if (!this.isBetweenInstructions) return;
      this.faultCause = 0;
      this.scheduler.dequeue(this);
      this.rest();
      return;
    }
    const { blocker } = this;
    if (this.state !== 'blocked' || blocker === null || blocker.whenSuspended === 'keep-waiting') return;
    if (blocker.whenSuspended !== 'stand-by') this.startOver();
    this.rest();
  }

  /** It could run on, and nothing is left to be done in the kernel. */
  private get isBetweenInstructions(): boolean {
    if (this.operation !== null || this.notice !== null) return false;
    return this.faultCause === 0 || this.wakeStatus === ZX_OK;
  }

  /** Gives up what it waits for: the instruction that led to it will be carried out again. */
  private startOver(): void {
    this.abandonWait();
    this.faultCause = 0;
    const { operation, registers } = this;
    if (operation === null) return;
    this.operation = null;
    operation.return(ZX_ERR_CANCELED);
    setWords(registers, HART_PC, wordPair(registers, HART_PC) - ECALL_BYTES);
  }

  /** Ends it; at once, or, when it runs just now, at the end of the step it is in. */
  kill(): void {
    if (this.state === 'dead') return;
    if (this.state === 'running') {
      this.dying = true;
      return;
    }
    this.scheduler.dequeue(this);
    this.terminate();
  }

  /** Ends it now; it is not running. */
  terminate(): void {
    this.abandonWait();
    this.state = 'dead';
    const { operation, notice } = this;
    this.operation = null;
    this.notice = null;
    operation?.return(ZX_ERR_CANCELED);
    notice?.return(ZX_ERR_CANCELED);
    if (this.cpu !== null && this.cpu.loaded === this) this.cpu.loaded = null;
    this.dispatcher.terminated();
    this.process.threadEnded(this);
  }

  protected override resume(status: Status): void {
    this.wakeStatus = status;
    if (this.state === 'suspended') return;
    const { events } = this.core;
    if (events !== null) {
      events({
        type: 'wake',
        time: this.core.clock.now(),
        retired: this.core.retired,
        process: this.process.koid,
        thread: this.dispatcher.koid,
        status,
      });
    }
    this.scheduler.enqueue(this, this.goesFirst);
  }
}

/** Writes a u64. */
export function setWords(words: Uint32Array, index: number, value: number | bigint): void {
  if (typeof value === 'bigint') {
    words[index] = Number(value & 0xffff_ffffn);
    words[index + 1] = Number((value >> 32n) & 0xffff_ffffn);
  } else {
    words[index] = value >>> 0;
    words[index + 1] = Math.floor(value / TWO_32);
  }
}
