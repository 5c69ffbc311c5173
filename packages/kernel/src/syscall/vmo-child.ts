/** `zx_vmo_create_child`. */
import {
  ZX_RIGHT_DUPLICATE,
  ZX_RIGHT_EXECUTE,
  ZX_RIGHT_GET_PROPERTY,
  ZX_RIGHT_READ,
  ZX_RIGHT_RESIZE,
  ZX_RIGHT_SET_PROPERTY,
  ZX_RIGHT_WRITE,
  type Rights,
} from '../abi/rights.js';
import {
  ZX_ERR_ACCESS_DENIED,
  ZX_ERR_BAD_STATE,
  ZX_ERR_INVALID_ARGS,
  ZX_ERR_NOT_SUPPORTED,
  ZX_ERR_OUT_OF_RANGE,
  ZX_OK,
  type Status,
} from '../abi/status.js';
import {
  ZX_CACHE_POLICY_CACHED,
  ZX_VMO_CHILD_NO_WRITE,
  ZX_VMO_CHILD_REFERENCE,
  ZX_VMO_CHILD_RESIZABLE,
  ZX_VMO_CHILD_SLICE,
  ZX_VMO_CHILD_SNAPSHOT,
  ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE,
  ZX_VMO_CHILD_SNAPSHOT_MODIFIED,
  ZX_VMO_MAX_PAGES,
} from '../abi/vm.js';
import { Handle } from '../object/handle-table.js';
import type { Operation } from '../task/waiter.js';
import type { VmoDispatcher } from '../vm/vm-object.js';
import { numberArg, type Caller, type SystemCall } from './call.js';
import { outHandle } from './user-values.js';
import { rangeArg, vmoHandle, type ByteRange } from './vm-args.js';
import { objectRoom } from './vmo.js';

const KINDS =
  ZX_VMO_CHILD_SNAPSHOT |
  ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE |
  ZX_VMO_CHILD_SNAPSHOT_MODIFIED |
  ZX_VMO_CHILD_SLICE |
  ZX_VMO_CHILD_REFERENCE;
const MODIFIERS = ZX_VMO_CHILD_RESIZABLE | ZX_VMO_CHILD_NO_WRITE;

function slice(parent: VmoDispatcher, options: number, range: ByteRange): VmoDispatcher | Status {
  if ((options & ~(ZX_VMO_CHILD_SLICE | ZX_VMO_CHILD_NO_WRITE)) !== 0) return ZX_ERR_INVALID_ARGS;
  if (range.offset !== 0) return ZX_ERR_INVALID_ARGS;
  // Also of a reference that cannot be resized itself.
  if (parent.cow.canResize) return ZX_ERR_NOT_SUPPORTED;
  if (range.end > parent.pages) return ZX_ERR_INVALID_ARGS;
  return parent.createShared({ start: range.page, pages: range.end - range.page }, false);
}

function reference(
  parent: VmoDispatcher,
  options: number,
  range: ByteRange,
  rights: Rights,
): VmoDispatcher | Status {
  if (range.end !== 0) return ZX_ERR_INVALID_ARGS;
  if (parent.kind === 'slice' || parent.kind === 'contiguous' || parent.isPhysical)
    return ZX_ERR_NOT_SUPPORTED;
  const resizable = (options & ZX_VMO_CHILD_RESIZABLE) !== 0;
  if (resizable && !parent.resizable) return ZX_ERR_NOT_SUPPORTED;
  if (resizable && (rights & ZX_RIGHT_RESIZE) === 0) return ZX_ERR_ACCESS_DENIED;
  return parent.createShared(null, resizable);
}

function clone(parent: VmoDispatcher, options: number, range: ByteRange): VmoDispatcher | Status {
  if (range.offset !== 0) return ZX_ERR_INVALID_ARGS;
  if (range.end > ZX_VMO_MAX_PAGES) return ZX_ERR_OUT_OF_RANGE;
  if (parent.kind === 'contiguous' || parent.isPhysical) return ZX_ERR_NOT_SUPPORTED;
  if (parent.cachePolicy !== ZX_CACHE_POLICY_CACHED) return ZX_ERR_BAD_STATE;
  if (parent.isPagerBacked && (options & ZX_VMO_CHILD_SNAPSHOT) !== 0) return ZX_ERR_NOT_SUPPORTED;
  const snapshot = (options & ZX_VMO_CHILD_SNAPSHOT_MODIFIED) !== 0;
  const resizable = (options & ZX_VMO_CHILD_RESIZABLE) !== 0;
  return parent.createClone(range.page, range.end - range.page, snapshot, resizable);
}

/** Rights of the child's handle, by those of the parent's. */
function childRights(rights: Rights, options: number): Rights {
  const inherited = (rights & ~ZX_RIGHT_RESIZE) | ZX_RIGHT_GET_PROPERTY | ZX_RIGHT_SET_PROPERTY;
  const resize = (options & ZX_VMO_CHILD_RESIZABLE) !== 0 ? ZX_RIGHT_RESIZE : 0;
  if ((options & ZX_VMO_CHILD_NO_WRITE) !== 0) return (inherited | resize) & ~ZX_RIGHT_WRITE;
  if ((options & (ZX_VMO_CHILD_SLICE | ZX_VMO_CHILD_REFERENCE)) !== 0) return inherited | resize;
  return (inherited | resize | ZX_RIGHT_WRITE) & ~ZX_RIGHT_EXECUTE;
}

function createChild(caller: Caller, args: Uint32Array): Status | Operation {
  const options = args[2];
  const kind = options & KINDS;
  if ((options & ~(KINDS | MODIFIERS)) !== 0 || kind === 0 || (kind & (kind - 1)) !== 0)
    return ZX_ERR_INVALID_ARGS;
  if ((options & MODIFIERS) === MODIFIERS) return ZX_ERR_INVALID_ARGS;
  const handle = vmoHandle(caller, args[0], ZX_RIGHT_DUPLICATE | ZX_RIGHT_READ);
  if (typeof handle === 'number') return handle;
  const parent = handle.object;
  if (parent.discardable) return ZX_ERR_NOT_SUPPORTED;
  const room = objectRoom(caller);
  if (room !== ZX_OK) return room;
  const range = rangeArg(args, 2, 3);
  const child =
    kind === ZX_VMO_CHILD_SLICE
      ? slice(parent, options, range)
      : kind === ZX_VMO_CHILD_REFERENCE
        ? reference(parent, options, range, handle.rights)
        : clone(parent, options, range);
  if (typeof child === 'number') return child;
  child.immutable = kind === ZX_VMO_CHILD_SNAPSHOT && (options & ZX_VMO_CHILD_NO_WRITE) !== 0;
  if ((handle.rights & ZX_RIGHT_GET_PROPERTY) !== 0) child.objectName.set(parent.objectName.bytes);
  return outHandle(caller, numberArg(args, 4), new Handle(child, childRights(handle.rights, options)));
}

export const VMO_CHILD_CALLS: readonly SystemCall[] = [
  {
    name: 'vmo_create_child',
    returns: 'zx_status_t',
    args: ['zx_handle_t handle', 'uint32_t options', 'uint64_t offset', 'uint64_t size', 'zx_handle_t* out'],
    handler: createChild,
  },
];
