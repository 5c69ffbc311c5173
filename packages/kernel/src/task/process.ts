import { PAGE_SIZE } from '@faultline/mmu-emu';
import { ZX_EXCEPTION_CHANNEL_TYPE_DEBUGGER, ZX_EXCEPTION_CHANNEL_TYPE_PROCESS } from '../abi/exceptions.js';
import { ZX_OBJ_TYPE_PROCESS } from '../abi/object-types.js';
import { ZX_DEFAULT_PROCESS_RIGHTS } from '../abi/rights.js';
import { ZX_JOB_NO_PROCESSES, ZX_PROCESS_TERMINATED } from '../abi/signals.js';
import {
  ZX_ERR_ALREADY_BOUND,
  ZX_ERR_BAD_STATE,
  ZX_ERR_INVALID_ARGS,
  ZX_OK,
  ZX_TASK_RETCODE_CRITICAL_PROCESS_KILL,
  type Status,
} from '../abi/status.js';
import {
  ZX_INFO_PROCESS_FLAG_DEBUGGER_ATTACHED,
  ZX_INFO_PROCESS_FLAG_EXITED,
  ZX_INFO_PROCESS_FLAG_STARTED,
} from '../abi/task.js';
import { Dispatcher, type Koid } from '../object/dispatcher.js';
import { HandleTable } from '../object/handle-table.js';
import { ObjectName } from '../object/object-name.js';
import type { CallerProcess, PagerBlocking } from '../syscall/call.js';
import { AddressSpace } from '../vm/address-space.js';
import { VmMapping } from '../vm/vm-mapping.js';
import { describeException, type ExceptionReport } from './exception-report.js';
import { Exceptionate } from './exceptionate.js';
import { FutexTable } from './futex.js';
import type { JobPolicy } from './job-policy.js';
import type { JobDispatcher } from './job.js';
import type { StartRegisters, Thread } from './thread.js';
import { ThreadDispatcher } from './thread-dispatcher.js';

/** Where a process is in its life; see `ProcessDispatcher`. */
export type ProcessState = 'initial' | 'running' | 'dying' | 'dead';

/** What killed a process, for its creator. */
export interface CrashReport {
  readonly threadKoid: Koid;
  readonly threadName: string;
  readonly exception: ExceptionReport;
}

/**
 * A guest process: address space, handles, threads.
 *
 * Its life:
 *  1. initial: made, may get threads and mappings; ends when its last handle closes;
 *  2. `start`: running, whatever handles there are;
 *  3. `exit` or `kill`: dying. The first code counts. Every thread is killed; one that is running just then ends with its step;
 *  4. dead, when the last thread is gone, or at once when there is none: handles are closed, the address space is destroyed,
 *     then ZX_PROCESS_TERMINATED is asserted, and the job forgets it.
 *
 * @see Zircon `zx_process_create`, `zx_process_start`, `zx_process_exit`, `zx_task_kill`
 */
export class ProcessDispatcher extends Dispatcher implements CallerProcess {
  override readonly type = ZX_OBJ_TYPE_PROCESS;
  override readonly defaultRights = ZX_DEFAULT_PROCESS_RIGHTS;
  override readonly objectName: ObjectName;
  readonly handles: HandleTable;
  readonly futexes = new FutexTable();
  readonly threads = new Map<Koid, ThreadDispatcher>();
  /** Its exceptions: as they happen, and those that its threads do not handle. */
  readonly debuggerExceptions = new Exceptionate(ZX_EXCEPTION_CHANNEL_TYPE_DEBUGGER);
  readonly exceptions = new Exceptionate(ZX_EXCEPTION_CHANNEL_TYPE_PROCESS);
  state: ProcessState = 'initial';
  /** i64; 0 until it has ended. */
  returnCode = 0n;
  /** When it was started, nanoseconds; 0 before. */
  startTime = 0;
  /** The exception that ended it. */
  crash: CrashReport | null = null;
  /** Base of the vDSO's mapping; -1 until the first system call has found it. */
  vdsoBase = -1;
  /** ZX_PROP_PROCESS_DEBUG_ADDR and ZX_PROP_PROCESS_BREAK_ON_LOAD: what others left here. */
  debugAddress = 0n;
  breakOnLoad = 0n;
  pagerBlocking: PagerBlocking;
  /** What its job allowed when it was made. */
  readonly policy: JobPolicy;
  /** The job that does not outlive it. */
  private criticalTo: JobDispatcher | null = null;
  private onlyFailure = false;

  /** Tokens that keep all its threads from running. */
  private suspensions = 0;
  private hasCode = false;
  private started = false;
  private finished = false;
  /** Others in the kernel that refer to it. */
  private keepers = 0;
  private isGone = false;

  /** Made by `create`. */
  constructor(
    readonly job: JobDispatcher,
    name: Uint8Array,
    readonly space: AddressSpace,
    pagerBlocking: PagerBlocking,
  ) {
    super(job.core);
    this.objectName = new ObjectName(name);
    this.handles = new HandleTable(
      this.core.limits.handlesPerProcess,
      this.core.totals,
      this.core.limits.handles,
    );
    this.pagerBlocking = pagerBlocking;
    this.policy = job.policy;
    this.core.tasks.processes += 1;
    job.processes.set(this.koid, this);
    job.updateSignals(ZX_JOB_NO_PROCESSES, 0);
  }

  /**
   * A process in its initial state.
   *
   * @param job alive; the caller checked the bound on processes
   * @returns the process; ZX_ERR_NO_MEMORY or ZX_ERR_NO_RESOURCES as of `AddressSpace.create`
   */
  static create(
    job: JobDispatcher,
    name: Uint8Array,
    pagerBlocking: PagerBlocking,
  ): ProcessDispatcher | Status {
    const space = AddressSpace.create(job.core);
    if (typeof space === 'number') return space;
    return new ProcessDispatcher(job, name, space, pagerBlocking);
  }

  override get relatedKoid(): Koid {
    return this.job.koid;
  }

  override findChild(koid: Koid): Dispatcher | null {
    return this.threads.get(koid) ?? null;
  }

  /** `zx_info_process_t.flags` */
  get flags(): number {
    const started = this.started ? ZX_INFO_PROCESS_FLAG_STARTED : 0;
    const exited = this.hasEnded ? ZX_INFO_PROCESS_FLAG_EXITED : 0;
    const debugged = this.debuggerExceptions.isBound ? ZX_INFO_PROCESS_FLAG_DEBUGGER_ATTACHED : 0;
    return started | exited | debugged;
  }

  /** No thread or mapping can be made in it any more. */
  get hasEnded(): boolean {
    return this.state === 'dying' || this.state === 'dead';
  }

  /** Where the vDSO begins; 0 when its code is not mapped. */
  vdsoAddress(): number {
    if (this.hasEnded) return 0;
    for (const [region] of this.space.rootVmar.tree()) {
      if (region instanceof VmMapping && region.fixed) return (region.vpn - region.page) * PAGE_SIZE;
    }
    return 0;
  }

  /** A new thread; the caller checked that the process has not ended, and the bound on threads. */
  createThread(name: Uint8Array): ThreadDispatcher {
    const thread = new ThreadDispatcher(this, name);
    this.threads.set(thread.koid, thread);
    if (this.suspensions > 0) thread.thread.suspend();
    return thread;
  }

  /**
   * Keeps all its threads from running, those that are made meanwhile too.
   *
   * @returns ZX_OK; ZX_ERR_BAD_STATE: it has ended
   */
  suspend(): Status {
    if (this.hasEnded) return ZX_ERR_BAD_STATE;
    this.suspensions += 1;
    if (this.suspensions === 1) for (const { thread } of this.threads.values()) thread.suspend();
    return ZX_OK;
  }

  /** One reason less. */
  unsuspend(): void {
    this.suspensions -= 1;
    if (this.suspensions === 0) for (const { thread } of this.threads.values()) thread.unsuspend();
  }

  /**
   * Starts it with its first thread.
   *
   * @returns ZX_OK; ZX_ERR_BAD_STATE: it is not in its initial state, or the thread is not new
   */
  start(thread: ThreadDispatcher, registers: StartRegisters): Status {
    if (this.state !== 'initial' || thread.thread.state !== 'new') return ZX_ERR_BAD_STATE;
    this.state = 'running';
    this.started = true;
    this.startTime = this.core.clock.now();
    this.core.tasks.running.add(this);
    const { events } = this.core;
    if (events !== null) {
      events({
        type: 'process-start',
        time: this.startTime,
        retired: this.core.retired,
        process: this.koid,
        name: this.objectName.text,
      });
    }
    thread.thread.isFirst = true;
    return thread.start(registers);
  }

  /**
   * Makes a job end with this process.
   *
   * @param onlyFailure an exit with code 0 does not count
   * @returns ZX_OK; ZX_ERR_INVALID_ARGS: the process is not in the job, nor below it; ZX_ERR_ALREADY_BOUND: it is critical already; ZX_ERR_BAD_STATE: it has ended
   */
  setCriticalTo(job: JobDispatcher, onlyFailure: boolean): Status {
    if (this.hasEnded) return ZX_ERR_BAD_STATE;
    let above: JobDispatcher | null = this.job;
    while (above !== null && above !== job) above = above.parent;
    if (above === null) return ZX_ERR_INVALID_ARGS;
    if (this.criticalTo !== null) return ZX_ERR_ALREADY_BOUND;
    this.criticalTo = job;
    this.onlyFailure = onlyFailure;
    return ZX_OK;
  }

  /** Something refers to it besides handles. */
  keep(): void {
    this.keepers += 1;
  }

  /** That no longer does. */
  letGo(): void {
    this.keepers -= 1;
    this.destroyIfUnused();
  }

  /** Ends it; the first code counts. Does nothing when it has ended. */
  kill(code: bigint): void {
    if (this.hasEnded) return;
    this.setCode(code);
    this.state = 'dying';
    for (const { thread } of [...this.threads.values()]) thread.kill();
    this.finishIfEmpty();
  }

  /** An exception that nobody handles ends it. */
  crashed(thread: Thread, exception: ExceptionReport, code: bigint): void {
    const { dispatcher } = thread;
    const threadName = dispatcher.objectName.text;
    if (this.crash === null && !this.hasEnded) {
      this.crash = { threadKoid: dispatcher.koid, threadName, exception };
      this.core.log(
        'error',
        `process ${this.koid} "${this.objectName.text}" thread ${dispatcher.koid} "${threadName}": ${describeException(exception)}`,
      );
    }
    this.kill(code);
  }

  /** One of its threads is gone. The last one takes the process along, with code 0. */
  threadEnded(thread: Thread): void {
    this.threads.delete(thread.dispatcher.koid);
    if (this.state === 'running' && !this.hasLiveThreads()) {
      this.setCode(0n);
      this.state = 'dying';
      for (const other of [...this.threads.values()]) other.thread.kill();
    }
    this.finishIfEmpty();
  }

  protected override onZeroHandles(): void {
    if (this.state === 'initial') this.kill(0n);
    this.destroyIfUnused();
  }

  /** Nothing refers to it any more: it is dead, and has no handle. */
  private destroyIfUnused(): void {
    if (!this.finished || this.isGone || this.handleCount > 0 || this.keepers > 0) return;
    this.isGone = true;
    this.destroyed();
  }

  private hasLiveThreads(): boolean {
    for (const { thread } of this.threads.values()) if (thread.state !== 'new') return true;
    return false;
  }

  private setCode(code: bigint): void {
    if (this.hasCode) return;
    this.hasCode = true;
    this.returnCode = BigInt.asIntN(64, code);
  }

  private finishIfEmpty(): void {
    if (this.state !== 'dying' || this.threads.size > 0) return;
    this.state = 'dead';
    this.core.tasks.forgetSpace(this.space);
    this.debuggerExceptions.shutdown();
    this.exceptions.shutdown();
    this.handles.clear();
    this.space.destroy();
    this.core.tasks.processes -= 1;
    this.core.tasks.running.delete(this);
    const { events } = this.core;
    if (events !== null) {
      events({
        type: 'process-end',
        time: this.core.clock.now(),
        retired: this.core.retired,
        process: this.koid,
        code: Number(this.returnCode),
      });
    }
    this.updateSignals(0, ZX_PROCESS_TERMINATED);
    this.job.processEnded(this);
    this.finished = true;
    if (!this.onlyFailure || this.returnCode !== 0n)
      this.criticalTo?.kill(BigInt(ZX_TASK_RETCODE_CRITICAL_PROCESS_KILL));
    this.destroyIfUnused();
  }
}
