import { PAGE_SIZE } from '@faultline/mmu-emu';
import type { PagerBlocking } from '../syscall/call.js';
import type { KernelState } from '../kernel-state.js';
import { ZX_RIGHTS_IO } from '../abi/rights.js';
import { ZX_ERR_INVALID_ARGS, ZX_OK } from '../abi/status.js';
import { VmoDispatcher, type PageLoan } from '../vm/vm-object.js';
import type { StatusResult } from './host-caller.js';
import { HostExceptionCalls } from './host-exception-calls.js';

/** How a host process behaves. */
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
export class HostProcess extends HostExceptionCalls {
  constructor(kernel: KernelState, name: string, options: HostProcessOptions = {}) {
    super(kernel, name, options);
  }

  /**
   * Commits pages of an anonymous VMO and lends their frames: views, one for each run of adjacent frames, to be written to until
   * `release`. Whatever becomes of the VMO meanwhile, the frames are not reused, and `pagerSupplyPages` does not take them
   * (ZX_ERR_BAD_STATE).
   *
   * @param offset bytes, whole pages
   * @param length bytes, whole pages
   * @returns ZX_ERR_INVALID_ARGS: not whole pages; ZX_ERR_BAD_HANDLE, ZX_ERR_WRONG_TYPE, ZX_ERR_ACCESS_DENIED without READ and WRITE;
   * ZX_ERR_NOT_SUPPORTED: not plain anonymous memory; ZX_ERR_BAD_STATE: mapped; ZX_ERR_OUT_OF_RANGE; ZX_ERR_NO_RESOURCES: too many
   * frames on loan; ZX_ERR_NO_MEMORY. The loan is null then.
   */
  vmoLend(vmo: number, offset: number, length: number): StatusResult & { readonly loan: PageLoan | null } {
    if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length) || offset < 0 || length < 0) {
      throw new RangeError(`[${offset}, ${offset} + ${length}) is no range of bytes`);
    }
    if (offset % PAGE_SIZE !== 0 || length % PAGE_SIZE !== 0)
      return { status: ZX_ERR_INVALID_ARGS, loan: null };
    const dispatcher = this.handles.lookup(vmo, VmoDispatcher, ZX_RIGHTS_IO);
    if (typeof dispatcher === 'number') return { status: dispatcher, loan: null };
    const loan = dispatcher.lend(offset / PAGE_SIZE, length / PAGE_SIZE);
    return typeof loan === 'number' ? { status: loan, loan: null } : { status: ZX_OK, loan };
  }

  /**
   * Work is under way outside that may wake the system: while any hold exists, a system in which every thread waits is not deadlocked.
   *
   * @param options.time `stops` (default): virtual time stands still meanwhile, so that a read that takes its time does not look like
   * an age to the guests; `runs`: it does not, for what may never come, such as input from a terminal
   * @returns ends the hold; to be called once, further calls do nothing
   */
  hold(options: { readonly time?: 'stops' | 'runs' } = {}): () => void {
    return this.kernel.work.hold(options.time !== 'runs');
  }
}
