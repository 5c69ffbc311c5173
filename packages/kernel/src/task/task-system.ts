import type { KernelCore } from '../kernel-core.js';
import type { AddressSpace } from '../vm/address-space.js';
import { JobDispatcher } from './job.js';
import type { ProcessDispatcher } from './process.js';
import type { Scheduler } from './scheduler.js';

/** Processes and threads of a kernel. */
export class TaskSystem {
  readonly rootJob: JobDispatcher;
  /** Processes that are not dead. */
  processes = 0;
  /** Processes that were started and are not dead. */
  readonly running = new Set<ProcessDispatcher>();
  /** System calls made by guests. */
  systemCalls = 0;
  /**
   * Told what was done besides running instructions, in instructions; true when the host is due its turn. The run loop sets it for
   * each of its bursts.
   */
  spend: (cost: number) => boolean = () => false;
  /** Exceptions that ended a process. */
  exceptions = 0;

  constructor(
    core: KernelCore,
    readonly scheduler: Scheduler,
  ) {
    this.rootJob = new JobDispatcher(core, null);
  }

  /** An address space is about to go. */
  forgetSpace(space: AddressSpace): void {
    this.scheduler.forgetSpace(space);
  }
}
