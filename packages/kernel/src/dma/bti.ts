import { ZX_OBJ_TYPE_BTI } from '../abi/object-types.js';
import { ZX_DEFAULT_BTI_RIGHTS } from '../abi/rights.js';
import type { KernelCore } from '../kernel-core.js';
import { Dispatcher } from '../object/dispatcher.js';
import { ObjectName } from '../object/object-name.js';
import type { PinnedPages } from '../vm/pinned-pages.js';
import type { VmoDispatcher } from '../vm/vm-object.js';
import type { IommuDispatcher } from './iommu.js';

/** Pages that a device may use, and the VMO whose pages they are, which lives as long. */
export class PinnedRange {
  constructor(
    private readonly vmo: VmoDispatcher,
    private readonly pins: PinnedPages,
  ) {
    vmo.retain();
  }

  /** Lets go; to be called once. */
  end(): void {
    this.pins.release();
    this.vmo.release();
  }
}

/**
 * A bus transaction initiator: what a device is to memory. It pins pages of VMOs, and each time gives a token for them (`PmtDispatcher`).
 *
 * Life: until its last handle is closed and no token is left. A token that is closed instead of unpinned leaves its pages in quarantine, since the device may
 * still write to them, until `releaseQuarantine`, or until the last handle is closed: then nobody could release them any more.
 *
 * @see Zircon `zx_bti_create`, `zx_bti_release_quarantine`
 */
export class BtiDispatcher extends Dispatcher {
  override readonly type = ZX_OBJ_TYPE_BTI;
  override readonly defaultRights = ZX_DEFAULT_BTI_RIGHTS;
  override readonly objectName = new ObjectName();
  private tokens = 0;
  private quarantine: PinnedRange[] = [];

  constructor(
    core: KernelCore,
    private readonly iommu: IommuDispatcher,
  ) {
    super(core);
    iommu.countInitiator(1);
  }

  /** Tokens that are neither unpinned nor closed, and those whose pages are in quarantine. */
  get pinnedCount(): number {
    return this.tokens + this.quarantine.length;
  }

  get quarantineCount(): number {
    return this.quarantine.length;
  }

  /** A token was made. */
  tokenMade(): void {
    this.tokens += 1;
  }

  /** A token has ended. @param abandoned its pages, when it was not unpinned */
  tokenEnded(abandoned: PinnedRange | null): void {
    this.tokens -= 1;
    if (abandoned !== null) {
      if (this.handleCount === 0) abandoned.end();
      else this.quarantine.push(abandoned);
    }
    this.endIfUnused();
  }

  releaseQuarantine(): void {
    for (const range of this.quarantine.splice(0)) range.end();
  }

  protected override onZeroHandles(): void {
    this.releaseQuarantine();
    this.endIfUnused();
  }

  private endIfUnused(): void {
    if (this.handleCount !== 0 || this.tokens !== 0) return;
    this.iommu.countInitiator(-1);
    this.destroyed();
  }
}
