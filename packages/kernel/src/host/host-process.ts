import type { PagerBlocking } from '../syscall/call.js';
import type { KernelState } from '../kernel-state.js';
import { HostVmCalls } from './host-vm-calls.js';

export interface HostProcessOptions {
  /** Whether its calls may wait for a pager when they do not say so themselves. Default `fail`: ZX_ERR_SHOULD_WAIT. */
  readonly pagerBlocking?: PagerBlocking;
}

/**
 * The system calls for TypeScript, one method each, named and ordered as in Zircon, without out-parameters: results come back as objects
 * with a `status`. Sizes and offsets are numbers or bigints; what no argument of that type can be is a RangeError or TypeError.
 *
 * A host process has a handle table and a koid of its own. It is no task: it cannot be killed or waited for.
 */
export class HostProcess extends HostVmCalls {
  constructor(kernel: KernelState, name: string, options: HostProcessOptions = {}) {
    super(kernel, name, options);
  }

  /** The kernel's clock, nanoseconds. */
  clockGetMonotonic(): number {
    return this.kernel.clock.now();
  }

  /**
   * Work is under way outside that may wake the system: a backing's promise, a read from a terminal. While any hold exists, a system in which every
   * thread waits is not deadlocked, and virtual time stands still.
   *
   * @returns ends the hold; to be called once, further calls do nothing
   */
  hold(): () => void {
    return this.kernel.work.hold();
  }
}
