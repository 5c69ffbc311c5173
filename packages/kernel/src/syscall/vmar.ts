/** Virtual memory address regions and mappings. `vmar_op_range` is in `vmar-op-range.ts`. */
import { ZX_POL_VMAR_WX } from '../abi/policy.js';
import {
  ZX_RIGHT_EXECUTE,
  ZX_RIGHT_MAP,
  ZX_RIGHT_NONE,
  ZX_RIGHT_OP_CHILDREN,
  ZX_RIGHT_READ,
  ZX_RIGHT_WRITE,
  type Rights,
} from '../abi/rights.js';
import {
  ZX_ERR_ACCESS_DENIED,
  ZX_ERR_INVALID_ARGS,
  ZX_ERR_NOT_SUPPORTED,
  ZX_ERR_OUT_OF_RANGE,
  ZX_OK,
  type Status,
} from '../abi/status.js';
import {
  ZX_VM_ALIGN_BASE,
  ZX_VM_ALIGN_MASK,
  ZX_VM_ALIGN_MAX_LOG2,
  ZX_VM_ALIGN_MIN_LOG2,
  ZX_VM_ALLOW_FAULTS,
  ZX_VM_CAN_MAP_EXECUTE,
  ZX_VM_CAN_MAP_READ,
  ZX_VM_CAN_MAP_SPECIFIC,
  ZX_VM_CAN_MAP_WRITE,
  ZX_VM_FAULT_BEYOND_STREAM_SIZE,
  ZX_VM_MAP_RANGE,
  ZX_VM_OFFSET_IS_UPPER_LIMIT,
  ZX_VM_PERM_EXECUTE,
  ZX_VM_PERM_READ,
  ZX_VM_PERM_READ_IF_XOM_UNSUPPORTED,
  ZX_VM_PERM_WRITE,
  ZX_VM_REQUIRE_NON_RESIZABLE,
  ZX_VM_SPECIFIC,
  ZX_VM_SPECIFIC_OVERWRITE,
} from '../abi/vm.js';
import { Handle } from '../object/handle-table.js';
import type { Operation } from '../task/waiter.js';
import { PERMISSIONS_MASK, type Permissions } from '../vm/vm-mapping.js';
import type { VmoDispatcher } from '../vm/vm-object.js';
import { VMAR_FLAGS, type Placement, type VmarDispatcher } from '../vm/vmar.js';
import { numberArg, pageArg, pageOffsetArg, type Caller, type SystemCall } from './call.js';
import { andThen, handleRoom, outHandle, outPages } from './user-values.js';
import { sizeArg, vmarHandle, vmoHandle } from './vm-args.js';

const CAN_MAP_PERMISSIONS = ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE | ZX_VM_CAN_MAP_EXECUTE;
const PLACES = ZX_VM_SPECIFIC | ZX_VM_SPECIFIC_OVERWRITE | ZX_VM_OFFSET_IS_UPPER_LIMIT;
const MAP_OPTIONS =
  PERMISSIONS_MASK |
  PLACES |
  ZX_VM_MAP_RANGE |
  ZX_VM_REQUIRE_NON_RESIZABLE |
  ZX_VM_ALLOW_FAULTS |
  ZX_VM_PERM_READ_IF_XOM_UNSUPPORTED |
  ZX_VM_FAULT_BEYOND_STREAM_SIZE |
  ZX_VM_ALIGN_MASK;
const ALLOCATE_OPTIONS = VMAR_FLAGS | ZX_VM_SPECIFIC | ZX_VM_OFFSET_IS_UPPER_LIMIT | ZX_VM_ALIGN_MASK;
/** Page indices end here: a position that is larger does not fit into 64 bits. */
const PAGES_END = 2 ** 52;

/** The rights that stand for permissions. */
function rightsFor(permissions: Permissions): Rights {
  return (
    ((permissions & ZX_VM_PERM_READ) !== 0 ? ZX_RIGHT_READ : 0) |
    ((permissions & ZX_VM_PERM_WRITE) !== 0 ? ZX_RIGHT_WRITE : 0) |
    ((permissions & ZX_VM_PERM_EXECUTE) !== 0 ? ZX_RIGHT_EXECUTE : 0)
  );
}

/** The permissions that rights allow. */
function permissionsOf(rights: Rights): Permissions {
  return (
    ((rights & ZX_RIGHT_READ) !== 0 ? ZX_VM_PERM_READ : 0) |
    ((rights & ZX_RIGHT_WRITE) !== 0 ? ZX_VM_PERM_WRITE : 0) |
    ((rights & ZX_RIGHT_EXECUTE) !== 0 ? ZX_VM_PERM_EXECUTE : 0)
  );
}

/** The CAN_MAP_* flags that permissions need. */
function canMapFor(permissions: Permissions): number {
  return (
    ((permissions & ZX_VM_PERM_READ) !== 0 ? ZX_VM_CAN_MAP_READ : 0) |
    ((permissions & ZX_VM_PERM_WRITE) !== 0 ? ZX_VM_CAN_MAP_WRITE : 0) |
    ((permissions & ZX_VM_PERM_EXECUTE) !== 0 ? ZX_VM_CAN_MAP_EXECUTE : 0)
  );
}

/** PERM_READ_IF_XOM_UNSUPPORTED: Sv39 can do without reading, our page tables cannot; the flag always adds READ. */
function withRead(options: number): number {
  return (options & ZX_VM_PERM_READ_IF_XOM_UNSUPPORTED) !== 0 ? options | ZX_VM_PERM_READ : options;
}

function needsRead(options: number): boolean {
  return (options & (ZX_VM_PERM_WRITE | ZX_VM_PERM_EXECUTE)) !== 0 && (options & ZX_VM_PERM_READ) === 0;
}

/** Where options and offset say that a region goes; ZX_ERR_INVALID_ARGS. */
function placementOf(options: number, offsetPage: number, offsetRest: number): Placement | Status {
  const log2 = (options & ZX_VM_ALIGN_MASK) >>> ZX_VM_ALIGN_BASE;
  if (log2 !== 0 && (log2 < ZX_VM_ALIGN_MIN_LOG2 || log2 > ZX_VM_ALIGN_MAX_LOG2)) return ZX_ERR_INVALID_ARGS;
  const align = log2 <= 12 ? 1 : 2 ** (log2 - 12);
  const below = (options & ZX_VM_OFFSET_IS_UPPER_LIMIT) !== 0;
  const at = (options & (ZX_VM_SPECIFIC | ZX_VM_SPECIFIC_OVERWRITE)) !== 0;
  if ((below && at) || offsetRest !== 0) return ZX_ERR_INVALID_ARGS;
  if (!below && !at && offsetPage !== 0) return ZX_ERR_INVALID_ARGS;
  const mode = below ? 'below' : !at ? 'any' : (options & ZX_VM_SPECIFIC_OVERWRITE) !== 0 ? 'over' : 'at';
  return { mode, offset: offsetPage, align };
}

/** The vDSO's code can be mapped once for a process, all of it, to read and execute. ZX_OK, or ZX_ERR_ACCESS_DENIED. */
function checkFixed(
  vmar: VmarDispatcher,
  vmo: VmoDispatcher,
  page: number,
  pages: number,
  permissions: Permissions,
): Status {
  const { fixedCode } = vmo;
  if (fixedCode === null || (permissions & ZX_VM_PERM_EXECUTE) === 0) return ZX_OK;
  const whole = page === fixedCode.page && pages === fixedCode.pages;
  const fits = whole && (permissions & ZX_VM_PERM_WRITE) === 0 && !vmar.space.hasFixedCode;
  return fits ? ZX_OK : ZX_ERR_ACCESS_DENIED;
}

function map(caller: Caller, args: Uint32Array): Status | Operation {
  const vmar = vmarHandle(caller, args[0], ZX_RIGHT_NONE);
  if (typeof vmar === 'number') return vmar;
  const vmo = vmoHandle(caller, args[6], ZX_RIGHT_MAP);
  if (typeof vmo === 'number') return vmo;
  const options = withRead(args[2]);
  if (needsRead(options)) return ZX_ERR_INVALID_ARGS;
  if ((options & ZX_VM_MAP_RANGE) !== 0 && (options & ZX_VM_SPECIFIC_OVERWRITE) !== 0)
    return ZX_ERR_INVALID_ARGS;
  if ((options & CAN_MAP_PERMISSIONS) !== 0) return ZX_ERR_INVALID_ARGS;
  const permissions = options & PERMISSIONS_MASK;
  const wanted = rightsFor(permissions);
  const rights = vmar.rights & vmo.rights;
  if ((rights & wanted) !== wanted) return ZX_ERR_ACCESS_DENIED;
  const throughStream = (options & ZX_VM_FAULT_BEYOND_STREAM_SIZE) !== 0;
  if (throughStream && (options & ZX_VM_ALLOW_FAULTS) === 0) return ZX_ERR_INVALID_ARGS;
  if ((options & ~MAP_OPTIONS) !== 0) return ZX_ERR_INVALID_ARGS;
  const placement = placementOf(options, pageArg(args, 2), pageOffsetArg(args, 2));
  if (typeof placement === 'number') return placement;
  if ((options & ZX_VM_REQUIRE_NON_RESIZABLE) !== 0 && vmo.object.resizable) return ZX_ERR_NOT_SUPPORTED;
  if ((options & ZX_VM_ALLOW_FAULTS) === 0 && vmo.object.discardable) return ZX_ERR_NOT_SUPPORTED;
  const pages = sizeArg(args, 5);
  if (pages === 0) return ZX_ERR_INVALID_ARGS;
  if (pages >= PAGES_END) return ZX_ERR_OUT_OF_RANGE;
  if (pageOffsetArg(args, 4) !== 0) return ZX_ERR_INVALID_ARGS;
  const page = pageArg(args, 4);
  if (page + pages > PAGES_END) return ZX_ERR_OUT_OF_RANGE;
  const canMap = canMapFor(permissions) | (placement.mode === 'any' ? 0 : ZX_VM_CAN_MAP_SPECIFIC);
  if ((vmar.object.flags & canMap) !== canMap) return ZX_ERR_ACCESS_DENIED;
  const fixed = checkFixed(vmar.object, vmo.object, page, pages, permissions);
  if (fixed !== ZX_OK) return fixed;

  const isFixed = vmo.object.fixedCode !== null && (permissions & ZX_VM_PERM_EXECUTE) !== 0;
  const mapping = vmar.object.map(placement, {
    vmo: vmo.object,
    page,
    pages,
    permissions,
    most: permissionsOf(rights),
    fixed: isFixed,
    throughStream,
  });
  if (typeof mapping === 'number') return mapping;
  if (isFixed) vmar.object.space.hasFixedCode = true;
  if ((options & ZX_VM_MAP_RANGE) !== 0) mapping.space.mapResident(mapping, mapping.vpn, mapping.endVpn);
  return andThen(outPages(caller, numberArg(args, 6), mapping.vpn), (status) => {
    if (status !== ZX_OK) vmar.object.unmap(mapping.vpn, mapping.vpn + pages, false);
    return status;
  });
}

function allocate(caller: Caller, args: Uint32Array): Status | Operation {
  const options = args[2];
  const wanted =
    ((options & ZX_VM_CAN_MAP_READ) !== 0 ? ZX_RIGHT_READ : 0) |
    ((options & ZX_VM_CAN_MAP_WRITE) !== 0 ? ZX_RIGHT_WRITE : 0) |
    ((options & ZX_VM_CAN_MAP_EXECUTE) !== 0 ? ZX_RIGHT_EXECUTE : 0);
  const vmar = vmarHandle(caller, args[0], wanted);
  if (typeof vmar === 'number') return vmar;
  if ((options & ~ALLOCATE_OPTIONS) !== 0) return ZX_ERR_INVALID_ARGS;
  const pages = pageArg(args, 3);
  if (pages === 0 || pageOffsetArg(args, 3) !== 0) return ZX_ERR_INVALID_ARGS;
  const placement = placementOf(options, pageArg(args, 2), pageOffsetArg(args, 2));
  if (typeof placement === 'number') return placement;
  const flags = options & VMAR_FLAGS;
  const parentFlags = vmar.object.flags;
  if ((flags & (CAN_MAP_PERMISSIONS | ZX_VM_CAN_MAP_SPECIFIC) & ~parentFlags) !== 0)
    return ZX_ERR_ACCESS_DENIED;
  if (placement.mode !== 'any' && (parentFlags & ZX_VM_CAN_MAP_SPECIFIC) === 0) return ZX_ERR_ACCESS_DENIED;
  const room = handleRoom(caller, 1);
  if (room !== ZX_OK) return room;
  const child = vmar.object.allocate(placement, pages, flags);
  if (typeof child === 'number') return child;
  const handle = new Handle(child, child.defaultRights);
  return andThen(outPages(caller, numberArg(args, 5), child.vpn), (status) => {
    if (status !== ZX_OK) {
      child.destroyTree();
      handle.release();
      return status;
    }
    return andThen(outHandle(caller, numberArg(args, 4), handle), (given) => {
      if (given !== ZX_OK) child.destroyTree();
      return given;
    });
  });
}

function unmap(caller: Caller, args: Uint32Array): Status {
  const vmar = vmarHandle(caller, args[0], ZX_RIGHT_NONE);
  if (typeof vmar === 'number') return vmar;
  const pages = sizeArg(args, 2);
  if (pageOffsetArg(args, 1) !== 0 || pages === 0) return ZX_ERR_INVALID_ARGS;
  const vpn = pageArg(args, 1);
  return vmar.object.unmap(vpn, vpn + pages, (vmar.rights & ZX_RIGHT_OP_CHILDREN) !== 0);
}

function protect(caller: Caller, args: Uint32Array): Status {
  const options = withRead(args[2]);
  const permissions = options & PERMISSIONS_MASK;
  const vmar = vmarHandle(caller, args[0], rightsFor(permissions));
  if (typeof vmar === 'number') return vmar;
  if ((options & ~(PERMISSIONS_MASK | ZX_VM_PERM_READ_IF_XOM_UNSUPPORTED)) !== 0) return ZX_ERR_INVALID_ARGS;
  if (needsRead(options)) return ZX_ERR_INVALID_ARGS;
  const pages = sizeArg(args, 3);
  if (pageOffsetArg(args, 2) !== 0 || pages === 0) return ZX_ERR_INVALID_ARGS;
  const vpn = pageArg(args, 2);
  return vmar.object.protect(vpn, vpn + pages, permissions, (vmar.rights & ZX_RIGHT_OP_CHILDREN) !== 0);
}

/** Memory that can be written and executed is a matter of policy. */
function writableCode(args: Uint32Array): number | null {
  const both = ZX_VM_PERM_WRITE | ZX_VM_PERM_EXECUTE;
  return (args[2] & both) === both ? ZX_POL_VMAR_WX : null;
}

export const VMAR_CALLS: readonly SystemCall[] = [
  {
    name: 'vmar_allocate',
    returns: 'zx_status_t',
    args: [
      'zx_handle_t parent_vmar',
      'zx_vm_option_t options',
      'size_t offset',
      'size_t size',
      'zx_handle_t* child_vmar',
      'zx_vaddr_t* child_addr',
    ],
    handler: allocate,
  },
  {
    name: 'vmar_map',
    returns: 'zx_status_t',
    policy: writableCode,
    args: [
      'zx_handle_t handle',
      'zx_vm_option_t options',
      'size_t vmar_offset',
      'zx_handle_t vmo',
      'uint64_t vmo_offset',
      'size_t len',
      'zx_vaddr_t* mapped_addr',
    ],
    handler: map,
  },
  {
    name: 'vmar_unmap',
    returns: 'zx_status_t',
    args: ['zx_handle_t handle', 'zx_vaddr_t addr', 'size_t len'],
    handler: unmap,
  },
  {
    name: 'vmar_protect',
    returns: 'zx_status_t',
    policy: writableCode,
    args: ['zx_handle_t handle', 'zx_vm_option_t options', 'zx_vaddr_t addr', 'size_t len'],
    handler: protect,
  },
  {
    name: 'vmar_destroy',
    returns: 'zx_status_t',
    args: ['zx_handle_t handle'],
    handler: (caller, args) => {
      const vmar = vmarHandle(caller, args[0], ZX_RIGHT_OP_CHILDREN);
      if (typeof vmar === 'number') return vmar;
      return vmar.object.parent === null && vmar.object.isAlive
        ? ZX_ERR_NOT_SUPPORTED
        : vmar.object.destroy();
    },
  },
];
