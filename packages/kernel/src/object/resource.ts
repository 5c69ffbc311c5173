import { PAGE_SIZE } from '@faultline/mmu-emu';
import { ZX_OBJ_TYPE_RESOURCE } from '../abi/object-types.js';
import { ZX_DEFAULT_RESOURCE_RIGHTS, ZX_RIGHT_NONE, type Rights } from '../abi/rights.js';
import { ZX_RSRC_KIND_MMIO, ZX_RSRC_KIND_SYSTEM } from '../abi/resource.js';
import { ZX_ERR_OUT_OF_RANGE, ZX_ERR_WRONG_TYPE, ZX_OK, type Status } from '../abi/status.js';
import type { KernelCore } from '../kernel-core.js';
import type { ReservedMemory } from '../vm/reserved-memory.js';
import { Dispatcher } from './dispatcher.js';
import type { HandleTable } from './handle-table.js';
import { ObjectName } from './object-name.js';

/**
 * Permission for one thing of the whole system (ZX_RSRC_KIND_SYSTEM), or for a range of physical memory (ZX_RSRC_KIND_MMIO). The kernel makes them for its embedder, who hands them to whom it trusts; there is no
 * call that makes one.
 *
 * @see Zircon Kernel objects, "Resource"
 */
export class ResourceDispatcher extends Dispatcher {
  override readonly type = ZX_OBJ_TYPE_RESOURCE;
  override readonly defaultRights = ZX_DEFAULT_RESOURCE_RIGHTS;
  override readonly objectName: ObjectName;

  /**
   * @param permits `ZX_RSRC_SYSTEM_*_BASE`, or the memory, which it lets go of in the end
   * @param name at most 31 bytes
   */
  constructor(
    core: KernelCore,
    private readonly permits: number | ReservedMemory,
    name: string,
  ) {
    super(core);
    this.objectName = new ObjectName(name);
  }

  /** `ZX_RSRC_KIND_*` */
  get kind(): number {
    return typeof this.permits === 'number' ? ZX_RSRC_KIND_SYSTEM : ZX_RSRC_KIND_MMIO;
  }

  /** `ZX_RSRC_SYSTEM_*_BASE`, or a physical address. */
  get base(): number {
    return typeof this.permits === 'number' ? this.permits : this.permits.base;
  }

  /** 1, or bytes of memory. */
  get size(): number {
    return typeof this.permits === 'number' ? 1 : this.permits.pages * PAGE_SIZE;
  }

  /**
   * Checks a handle that is presented as permission.
   *
   * @returns ZX_OK; ZX_ERR_BAD_HANDLE; ZX_ERR_WRONG_TYPE: no resource, or one of memory; ZX_ERR_ACCESS_DENIED; ZX_ERR_OUT_OF_RANGE: it permits
   * something else
   */
  static check(handles: HandleTable, value: number, base: number, rights: Rights): Status {
    const resource = handles.lookup(value, ResourceDispatcher, rights);
    if (typeof resource === 'number') return resource;
    if (resource.kind !== ZX_RSRC_KIND_SYSTEM) return ZX_ERR_WRONG_TYPE;
    return resource.base === base ? ZX_OK : ZX_ERR_OUT_OF_RANGE;
  }

  /**
   * The memory behind a handle that is presented as permission for [ppn, endPpn), in pages of physical addresses.
   *
   * @returns ZX_ERR_BAD_HANDLE; ZX_ERR_WRONG_TYPE: no resource, or none of memory; ZX_ERR_OUT_OF_RANGE: it permits something else
   */
  static memoryOf(handles: HandleTable, value: number, ppn: number, endPpn: number): ReservedMemory | Status {
    const resource = handles.lookup(value, ResourceDispatcher, ZX_RIGHT_NONE);
    if (typeof resource === 'number') return resource;
    const { permits } = resource;
    if (typeof permits === 'number') return ZX_ERR_WRONG_TYPE;
    const inside = ppn >= permits.firstPpn && endPpn <= permits.firstPpn + permits.pages;
    return inside ? permits : ZX_ERR_OUT_OF_RANGE;
  }

  protected override onZeroHandles(): void {
    if (typeof this.permits !== 'number') this.permits.release();
    this.destroyed();
  }
}
