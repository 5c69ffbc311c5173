import { ZX_OBJ_TYPE_IOMMU } from '../abi/object-types.js';
import { ZX_DEFAULT_IOMMU_RIGHTS } from '../abi/rights.js';
import type { KernelCore } from '../kernel-core.js';
import { Dispatcher } from '../object/dispatcher.js';

/**
 * An IOMMU that translates nothing: what devices would use are physical addresses.
 *
 * @see Zircon `zx_iommu_create`, ZX_IOMMU_TYPE_STUB
 */
export class IommuDispatcher extends Dispatcher {
  override readonly type = ZX_OBJ_TYPE_IOMMU;
  override readonly defaultRights = ZX_DEFAULT_IOMMU_RIGHTS;
  private transactionInitiators = 0;

  constructor(core: KernelCore) {
    super(core);
  }

  /** A BTI refers to it (1), or does no longer (-1). */
  countInitiator(change: 1 | -1): void {
    this.transactionInitiators += change;
    this.endIfUnused();
  }

  protected override onZeroHandles(): void {
    this.endIfUnused();
  }

  private endIfUnused(): void {
    if (this.handleCount === 0 && this.transactionInitiators === 0) this.destroyed();
  }
}
