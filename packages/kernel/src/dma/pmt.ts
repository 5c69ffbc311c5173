import { ZX_OBJ_TYPE_PMT } from '../abi/object-types.js';
import { ZX_DEFAULT_PMT_RIGHTS } from '../abi/rights.js';
import type { KernelCore } from '../kernel-core.js';
import { Dispatcher } from '../object/dispatcher.js';
import type { BtiDispatcher, PinnedRange } from './bti.js';

/**
 * A pinned memory token: stands for pages that a BTI has pinned.
 *
 * Life: until its last handle goes, by `zx_pmt_unpin`, which lets go of the pages, or otherwise, which puts them in the BTI's quarantine.
 *
 * @see Zircon `zx_bti_pin`, `zx_pmt_unpin`
 */
export class PmtDispatcher extends Dispatcher {
  override readonly type = ZX_OBJ_TYPE_PMT;
  override readonly defaultRights = ZX_DEFAULT_PMT_RIGHTS;

  constructor(
    core: KernelCore,
    private readonly bti: BtiDispatcher,
    private range: PinnedRange | null,
  ) {
    super(core);
    bti.tokenMade();
  }

  /** Lets go of the pages; the token is good for nothing more. */
  unpin(): void {
    this.range?.end();
    this.range = null;
  }

  protected override onZeroHandles(): void {
    this.bti.tokenEnded(this.range);
    this.range = null;
    this.destroyed();
  }
}
