import { PAGE_SIZE } from '@faultline/mmu-emu';
import type { PagerBlocking } from '../syscall/call.js';
import { ZX_OK } from '../abi/status.js';
import { supplyFrames } from '../syscall/pager.js';
import { LentFrames, type FrameLoan } from '../vm/lent-frames.js';
import type { StatusResult } from './host-caller.js';
import { HostExceptionCalls } from './host-exception-calls.js';

const DONE: StatusResult = Object.freeze({ status: ZX_OK });

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
  /**
   * Lends frames of guest RAM, to be filled and given to a pager's VMO (`pagerSupplyFrames`), without a VMO of their own. They belong to the
   * borrower until then, or until `release`, however long that takes.
   *
   * @param length bytes, whole pages, at least one
   * @returns ZX_ERR_NO_RESOURCES: too many frames are on loan; ZX_ERR_NO_MEMORY. The loan is null then.
   */
  framesLend(length: number): StatusResult & { readonly loan: FrameLoan | null } {
    if (!Number.isSafeInteger(length) || length <= 0 || length % PAGE_SIZE !== 0)
      throw new RangeError(`${length} is no length of whole pages`);
    const loan = LentFrames.take(this.kernel.vm, length / PAGE_SIZE);
    return typeof loan === 'number' ? { status: loan, loan: null } : { status: ZX_OK, loan };
  }

  /**
   * As `pagerSupplyPages`, from frames on loan: the first `length` bytes of them become [offset, offset + length) of the VMO, and what is left is
   * free again. The loan is over, whatever this returns; nobody may write to its views any more.
   *
   * @param length bytes, at most those of the loan; default: all
   * @returns as `zx_pager_supply_pages`; ZX_ERR_INVALID_ARGS also when the loan is over, or has less
   */
  pagerSupplyFrames(
    pager: number,
    vmo: number,
    offset: number,
    loan: FrameLoan,
    length = loan.length,
  ): StatusResult {
    if (!(loan instanceof LentFrames)) throw new TypeError('the loan is none of `framesLend`');
    const status = supplyFrames(this, pager, vmo, offset, loan, length);
    loan.release();
    return status === ZX_OK ? DONE : { status };
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
