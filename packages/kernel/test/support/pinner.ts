/** H-14: pins pages as a driver does: by a BTI on an IOMMU that translates nothing. */
import { ZX_BTI_PERM_READ, ZX_BTI_PERM_WRITE } from '../../src/abi/bti.js';
import { ZX_RSRC_SYSTEM_IOMMU_BASE } from '../../src/abi/resource.js';
import type { Status } from '../../src/abi/status.js';
import type { HostProcess } from '../../src/host/host-process.js';
import { type PagedVmo } from './paged-vmo.js';
import { Call } from './pager-actors.js';
import { ok } from './user-pager.js';

const PAGE = 4096;

/** A pin, which may wait for the pager. */
export class Pin extends Call {
  addresses: readonly number[] = [];
  private pmt = 0;

  constructor(
    private readonly host: HostProcess,
    result: ReturnType<HostProcess['btiPin']>,
  ) {
    super(
      result.then((pinned) => {
        this.pmt = pinned.handle;
        this.addresses = pinned.addresses;
        return pinned;
      }),
    );
  }

  unpin(): Status {
    return this.host.pmtUnpin(this.pmt).status;
  }

  /** Closes the token, without letting go of the pages. */
  abandon(): void {
    this.host.handleClose(this.pmt);
  }
}

export class Pinner {
  readonly bti: number;

  constructor(private readonly host: HostProcess) {
    const resource = ok(host.systemResource(ZX_RSRC_SYSTEM_IOMMU_BASE)).handle;
    const iommu = ok(host.iommuCreate(resource)).handle;
    this.bti = ok(host.btiCreate(iommu, 0, 1)).handle;
    host.handleClose(iommu);
    host.handleClose(resource);
  }

  pinForRead(vmo: Pick<PagedVmo, 'handle'>, page: number, count: number): Pin {
    return this.pin(vmo, page, count, ZX_BTI_PERM_READ);
  }

  pinForWrite(vmo: Pick<PagedVmo, 'handle'>, page: number, count: number): Pin {
    return this.pin(vmo, page, count, ZX_BTI_PERM_READ | ZX_BTI_PERM_WRITE);
  }

  pin(vmo: Pick<PagedVmo, 'handle'>, page: number, count: number, options: number): Pin {
    return new Pin(this.host, this.host.btiPin(this.bti, options, vmo.handle, page * PAGE, count * PAGE));
  }
}
