import { ZX_EXCEPTION_CHANNEL_TYPE_JOB, ZX_EXCEPTION_CHANNEL_TYPE_JOB_DEBUGGER } from '../abi/exceptions.js';
import { ZX_OBJ_TYPE_JOB } from '../abi/object-types.js';
import { ZX_DEFAULT_JOB_RIGHTS } from '../abi/rights.js';
import { ZX_JOB_NO_JOBS, ZX_JOB_NO_PROCESSES, ZX_JOB_TERMINATED } from '../abi/signals.js';
import { ZX_ERR_BAD_STATE, ZX_OK, type Status } from '../abi/status.js';
import type { KernelCore } from '../kernel-core.js';
import { Dispatcher, type Koid } from '../object/dispatcher.js';
import { ObjectName } from '../object/object-name.js';
import { Exceptionate } from './exceptionate.js';
import { JobPolicy, type PolicyRule } from './job-policy.js';
import type { ProcessDispatcher } from './process.js';

/** Jobs within jobs at most. */
export const JOB_HEIGHT_MAX = 32;

/**
 * A group of processes and jobs that can be killed together. The root job belongs to the kernel and lives as long.
 *
 * Its life: made under a parent; `kill` ends everything below it, and it takes nothing new; dead once everything below
 * is, then ZX_JOB_TERMINATED is asserted. A job that is neither referred to by a handle nor has anything below it is forgotten.
 *
 * @see Zircon `zx_job_create`, `zx_task_kill`
 */
export class JobDispatcher extends Dispatcher {
  override readonly type = ZX_OBJ_TYPE_JOB;
  override readonly defaultRights = ZX_DEFAULT_JOB_RIGHTS;
  override readonly objectName = new ObjectName();
  readonly processes = new Map<Koid, ProcessDispatcher>();
  readonly jobs = new Map<Koid, JobDispatcher>();
  /** Exceptions of processes below it: starts of processes, and what those do not handle. */
  readonly debuggerExceptions = new Exceptionate(ZX_EXCEPTION_CHANNEL_TYPE_JOB_DEBUGGER);
  readonly exceptions = new Exceptionate(ZX_EXCEPTION_CHANNEL_TYPE_JOB);
  /** Jobs that may be below this one, on top of each other. */
  readonly height: number;
  returnCode = 0n;
  /** What is allowed here; processes and jobs have it from the moment that they are made. */
  policy: JobPolicy;
  private killed = false;
  private isGone = false;

  /** @param parent null for the root job */
  constructor(
    core: KernelCore,
    readonly parent: JobDispatcher | null,
  ) {
    super(core);
    this.policy = parent?.policy ?? JobPolicy.OPEN;
    this.height = parent === null ? JOB_HEIGHT_MAX : parent.height - 1;
    this.signals = ZX_JOB_NO_JOBS | ZX_JOB_NO_PROCESSES;
    if (parent !== null) {
      parent.jobs.set(this.koid, this);
      parent.updateSignals(ZX_JOB_NO_JOBS, 0);
    }
  }

  /** It was killed: nothing can be made in it. */
  get hasEnded(): boolean {
    return this.killed;
  }

  override findChild(koid: Koid): Dispatcher | null {
    return this.processes.get(koid) ?? this.jobs.get(koid) ?? null;
  }

  /**
   * Adds rules, before anything is made in it.
   *
   * @returns ZX_OK; ZX_ERR_BAD_STATE: it has processes or jobs, or was killed; else as of `JobPolicy.extended`
   */
  setPolicy(rules: readonly PolicyRule[], absolute: boolean): Status {
    if (this.killed || this.processes.size > 0 || this.jobs.size > 0) return ZX_ERR_BAD_STATE;
    const policy = this.policy.extended(rules, absolute);
    if (typeof policy === 'number') return policy;
    this.policy = policy;
    return ZX_OK;
  }

  /** Kills everything below; the first code counts. */
  kill(code: bigint): void {
    if (this.killed) return;
    this.killed = true;
    this.returnCode = code;
    for (const job of [...this.jobs.values()]) job.kill(code);
    for (const process of [...this.processes.values()]) process.kill(code);
    this.finishIfEmpty();
  }

  processEnded(process: ProcessDispatcher): void {
    this.processes.delete(process.koid);
    if (this.processes.size === 0) this.updateSignals(0, ZX_JOB_NO_PROCESSES);
    this.finishIfEmpty();
  }

  protected override onZeroHandles(): void {
    this.finishIfEmpty();
  }

  private jobEnded(job: JobDispatcher): void {
    this.jobs.delete(job.koid);
    if (this.jobs.size === 0) this.updateSignals(0, ZX_JOB_NO_JOBS);
    this.finishIfEmpty();
  }

  private finishIfEmpty(): void {
    if (this.processes.size > 0 || this.jobs.size > 0) return;
    if (this.killed && (this.signals & ZX_JOB_TERMINATED) === 0) {
      this.shutExceptions();
      this.updateSignals(0, ZX_JOB_TERMINATED);
      if (this.parent !== null) this.parent.jobEnded(this);
    }
    if (this.handleCount > 0 || this.isGone || this.parent === null) return;
    this.isGone = true;
    this.shutExceptions();
    if (!this.killed) this.parent.jobEnded(this);
    this.destroyed();
  }

  private shutExceptions(): void {
    this.debuggerExceptions.shutdown();
    this.exceptions.shutdown();
  }
}
