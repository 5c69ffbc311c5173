import { ZX_OBJ_TYPE_RESOURCE } from '../abi/object-types.js';
import { ZX_DEFAULT_RESOURCE_RIGHTS, type Rights } from '../abi/rights.js';
import { ZX_ERR_OUT_OF_RANGE, ZX_OK, type Status } from '../abi/status.js';
import type { KernelCore } from '../kernel-core.js';
import { Dispatcher } from './dispatcher.js';
import type { HandleTable } from './handle-table.js';
import { ObjectName } from './object-name.js';

/**
 * Permission for one thing of the whole system. The kernel makes them for its embedder, who hands them to whom it trusts; there is no
 * call that makes one.
 *
 * @see Zircon Kernel objects, "Resource"
 */
export class ResourceDispatcher extends Dispatcher {
  override readonly type = ZX_OBJ_TYPE_RESOURCE;
  override readonly defaultRights = ZX_DEFAULT_RESOURCE_RIGHTS;
  override readonly objectName: ObjectName;

  /**
   * @param base `ZX_RSRC_SYSTEM_*_BASE`: what it permits, of the kind ZX_RSRC_KIND_SYSTEM
   * @param name at most 31 bytes
   */
  constructor(
    core: KernelCore,
    readonly base: number,
    name: string,
  ) {
    super(core);
    this.objectName = new ObjectName(name);
  }

  /**
   * Checks a handle that is presented as permission.
   *
   * @returns ZX_OK; ZX_ERR_BAD_HANDLE; ZX_ERR_WRONG_TYPE; ZX_ERR_ACCESS_DENIED; ZX_ERR_OUT_OF_RANGE: it permits something else
   */
  static check(handles: HandleTable, value: number, base: number, rights: Rights): Status {
    const resource = handles.lookup(value, ResourceDispatcher, rights);
    if (typeof resource === 'number') return resource;
    return resource.base === base ? ZX_OK : ZX_ERR_OUT_OF_RANGE;
  }

  protected override onZeroHandles(): void {
    this.destroyed();
  }
}
