/** Virtual memory objects: creation, contents, sizes. Children are in `vmo-child.ts`, operations on ranges in `vmo-op-range.ts`. */
import { ZX_HANDLE_INVALID } from '../abi/object-types.js';
import { ZX_POL_AMBIENT_MARK_VMO_EXEC, ZX_POL_NEW_VMO } from '../abi/policy.js';
import { PAGE_SIZE } from '@faultline/mmu-emu';
import { ZX_RSRC_SYSTEM_VMEX_BASE } from '../abi/resource.js';
import {
  ZX_RIGHT_EXECUTE,
  ZX_RIGHT_MAP,
  ZX_RIGHT_NONE,
  ZX_RIGHT_READ,
  ZX_RIGHT_RESIZE,
  ZX_RIGHT_WRITE,
} from '../abi/rights.js';
import {
  ZX_ERR_ACCESS_DENIED,
  ZX_ERR_BAD_HANDLE,
  ZX_ERR_BAD_STATE,
  ZX_ERR_INVALID_ARGS,
  ZX_ERR_NOT_SUPPORTED,
  ZX_ERR_NO_MEMORY,
  ZX_ERR_OUT_OF_RANGE,
  ZX_ERR_UNAVAILABLE,
  ZX_OK,
  type Status,
} from '../abi/status.js';
import {
  ZX_CACHE_POLICY_CACHED,
  ZX_CACHE_POLICY_MASK,
  ZX_VMO_DISCARDABLE,
  ZX_VMO_MAX_PAGES,
  ZX_VMO_RESIZABLE,
  ZX_VMO_UNBOUNDED,
} from '../abi/vm.js';
import { Handle } from '../object/handle-table.js';
import { ResourceDispatcher } from '../object/resource.js';
import type { Operation } from '../task/waiter.js';
import { VmoDispatcher } from '../vm/vm-object.js';
import { copyVmo } from '../vm/vmo-copy.js';
import { zeroBytes } from '../vm/vmo-range.js';
import { numberArg, pageArg, pageOffsetArg, type Caller, type SystemCall } from './call.js';
import { andThen, handleRoom, outHandle, outU64Words } from './user-values.js';
import { rangeArg, sizeArg, vmoHandle } from './vm-args.js';
import { transferData } from './vmo-transfer.js';

const CREATE_OPTIONS = ZX_VMO_RESIZABLE | ZX_VMO_DISCARDABLE | ZX_VMO_UNBOUNDED;

/** A copy longer than the user address space ends at its end, whatever its length is. */
const LONGEST_COPY = 2 ** 45;

/** Room for one more object and its handle. */
export function objectRoom(caller: Caller): Status {
  const status = handleRoom(caller, 1);
  if (status !== ZX_OK) return status;
  return caller.core.liveObjects < caller.core.limits.objects ? ZX_OK : ZX_ERR_NO_MEMORY;
}

/** Gives a byte size out that need not be whole pages. */
export function outSize(caller: Caller, address: number, pages: number, rest: number): Status | Operation {
  return outU64Words(caller, address, (pages % 0x10_0000) * PAGE_SIZE + rest, Math.floor(pages / 0x10_0000));
}

function create(caller: Caller, args: Uint32Array): Status | Operation {
  const options = args[2];
  if ((options & ~CREATE_OPTIONS) !== 0) return ZX_ERR_INVALID_ARGS;
  const unbounded = (options & ZX_VMO_UNBOUNDED) !== 0;
  if (unbounded && (options & ZX_VMO_RESIZABLE) !== 0) return ZX_ERR_INVALID_ARGS;
  const pages = sizeArg(args, 0);
  if (pages > ZX_VMO_MAX_PAGES) return ZX_ERR_OUT_OF_RANGE;
  const room = objectRoom(caller);
  if (room !== ZX_OK) return room;
  const vmo = VmoDispatcher.anonymous(caller.core, unbounded ? ZX_VMO_MAX_PAGES : pages, {
    resizable: (options & ZX_VMO_RESIZABLE) !== 0,
    discardable: (options & ZX_VMO_DISCARDABLE) !== 0,
    streamPages: pageArg(args, 0),
    streamRest: pageOffsetArg(args, 0),
  });
  return outHandle(caller, numberArg(args, 2), new Handle(vmo, vmo.defaultRights));
}

/** In this order: size, permission, alignment of the address. */
function createPhysical(caller: Caller, args: Uint32Array): Status | Operation {
  const range = rangeArg(args, 1, 2);
  if (range.rest !== 0 || range.pages === 0) return ZX_ERR_INVALID_ARGS;
  const memory = ResourceDispatcher.memoryOf(caller.process.handles, args[0], range.page, range.end);
  if (typeof memory === 'number') return memory;
  if (range.offset !== 0) return ZX_ERR_INVALID_ARGS;
  const room = objectRoom(caller);
  if (room !== ZX_OK) return room;
  const vmo = VmoDispatcher.physical(caller.core, memory, range.page - memory.firstPpn, range.pages);
  return outHandle(caller, numberArg(args, 3), new Handle(vmo, vmo.defaultRights));
}

function copy(caller: Caller, args: Uint32Array, write: boolean): Status | Operation {
  const handle = vmoHandle(caller, args[0], write ? ZX_RIGHT_WRITE : ZX_RIGHT_READ);
  if (typeof handle === 'number') return handle;
  const vmo = handle.object;
  // It may be a device's, which is to be accessed through mappings only.
  if (vmo.isPhysical) return ZX_ERR_NOT_SUPPORTED;
  if (vmo.cachePolicy !== ZX_CACHE_POLICY_CACHED) return ZX_ERR_BAD_STATE;
  const range = rangeArg(args, 2, 3);
  if (range.end > vmo.pages) return ZX_ERR_OUT_OF_RANGE;
  const length = Math.min(numberArg(args, 3), LONGEST_COPY);
  return copyVmo(caller, vmo, write, numberArg(args, 1), range.page, range.offset, length);
}

function setSize(caller: Caller, args: Uint32Array): Status | Operation {
  const handle = vmoHandle(caller, args[0], ZX_RIGHT_WRITE);
  if (typeof handle === 'number') return handle;
  const vmo = handle.object;
  if (!vmo.resizable) return ZX_ERR_UNAVAILABLE;
  if ((handle.rights & ZX_RIGHT_RESIZE) === 0) return ZX_ERR_ACCESS_DENIED;
  const pages = sizeArg(args, 1);
  if (pages > ZX_VMO_MAX_PAGES) return ZX_ERR_OUT_OF_RANGE;
  const streamPages = pageArg(args, 1);
  const streamRest = pageOffsetArg(args, 1);
  if (vmo.cow.anyHeld(vmo.start + pages, vmo.start + vmo.pages)) return ZX_ERR_BAD_STATE;
  const apply = (status: Status): Status => {
    if (status !== ZX_OK) return status;
    if (vmo.cow.anyHeld(vmo.start + pages, vmo.start + vmo.pages)) return ZX_ERR_BAD_STATE;
    if (vmo.cow.tracking?.zeros.hasRoom === false) return ZX_ERR_NO_MEMORY;
    vmo.resize(pages, streamPages, streamRest);
    return ZX_OK;
  };
  // The end of the last page must read as zero from now on; what is beyond the old size does already.
  if (streamRest === 0 || streamPages >= vmo.pages) return apply(ZX_OK);
  return andThen(zeroBytes(caller, vmo, streamPages, streamRest, PAGE_SIZE), apply);
}

function setStreamSize(caller: Caller, args: Uint32Array): Status | Operation {
  const handle = vmoHandle(caller, args[0], ZX_RIGHT_WRITE);
  if (typeof handle === 'number') return handle;
  const vmo = handle.object;
  const pages = sizeArg(args, 1);
  if (pages > vmo.pages) return ZX_ERR_OUT_OF_RANGE;
  if (vmo.kind === 'slice' || vmo.kind === 'contiguous' || vmo.isPhysical) return ZX_ERR_NOT_SUPPORTED;
  const streamPages = pageArg(args, 1);
  const streamRest = pageOffsetArg(args, 1);
  const grows =
    streamPages > vmo.streamPages || (streamPages === vmo.streamPages && streamRest > vmo.streamRest);
  const cutPage = grows ? vmo.streamPages : streamPages;
  const cutRest = grows ? vmo.streamRest : streamRest;
  const cut = Math.min(pages, vmo.streamPages + (vmo.streamRest === 0 ? 0 : 1));
  // Pages past the end of the stream are dropped.
  if (vmo.cow.anyHeld(vmo.start + cut, vmo.start + vmo.pages)) return ZX_ERR_BAD_STATE;
  const apply = (status: Status): Status => {
    if (status !== ZX_OK) return status;
    if (pages > vmo.pages) return ZX_ERR_OUT_OF_RANGE;
    if (vmo.cow.anyHeld(vmo.start + cut, vmo.start + vmo.pages)) return ZX_ERR_BAD_STATE;
    if (vmo.cow.tracking?.zeros.hasRoom === false) return ZX_ERR_NO_MEMORY;
    vmo.setStreamSize(streamPages, streamRest);
    return ZX_OK;
  };
  if (cutRest === 0) return apply(ZX_OK);
  return andThen(zeroBytes(caller, vmo, cutPage, cutRest, PAGE_SIZE), apply);
}

/** The handle given is gone in any case, unless it was no handle of a VMO. */
function replaceAsExecutable(caller: Caller, args: Uint32Array): Status | Operation {
  const { handles } = caller.process;
  const value = args[0];
  const handle = handles.get(value);
  if (handle === undefined || !(handle.dispatcher instanceof VmoDispatcher)) return ZX_ERR_BAD_HANDLE;
  const vmex = args[2];
  handles.remove(value);
  if (vmex !== 0) {
    const status = ResourceDispatcher.check(handles, vmex, ZX_RSRC_SYSTEM_VMEX_BASE, ZX_RIGHT_NONE);
    if (status !== ZX_OK) {
      handle.release();
      return status;
    }
  }
  const replacement = new Handle(handle.dispatcher, handle.rights | ZX_RIGHT_EXECUTE);
  handle.release();
  return outHandle(caller, numberArg(args, 2), replacement);
}

export const VMO_CALLS: readonly SystemCall[] = [
  {
    name: 'vmo_create',
    returns: 'zx_status_t',
    policy: ZX_POL_NEW_VMO,
    args: ['uint64_t size', 'uint32_t options', 'zx_handle_t* out'],
    handler: create,
  },
  {
    name: 'vmo_create_physical',
    returns: 'zx_status_t',
    policy: ZX_POL_NEW_VMO,
    args: ['zx_handle_t resource', 'zx_paddr_t paddr', 'size_t size', 'zx_handle_t* out'],
    handler: createPhysical,
  },
  {
    name: 'vmo_read',
    returns: 'zx_status_t',
    args: ['zx_handle_t handle', 'void* buffer', 'uint64_t offset', 'size_t buffer_size'],
    handler: (caller, args) => copy(caller, args, false),
  },
  {
    name: 'vmo_write',
    returns: 'zx_status_t',
    args: ['zx_handle_t handle', 'const void* buffer', 'uint64_t offset', 'size_t buffer_size'],
    handler: (caller, args) => copy(caller, args, true),
  },
  {
    name: 'vmo_get_size',
    returns: 'zx_status_t',
    args: ['zx_handle_t handle', 'uint64_t* size'],
    handler: (caller, args) => {
      const handle = vmoHandle(caller, args[0], ZX_RIGHT_NONE);
      if (typeof handle === 'number') return handle;
      return outSize(caller, numberArg(args, 1), handle.object.pages, 0);
    },
  },
  {
    name: 'vmo_set_size',
    returns: 'zx_status_t',
    args: ['zx_handle_t handle', 'uint64_t size'],
    handler: setSize,
  },
  {
    name: 'vmo_get_stream_size',
    returns: 'zx_status_t',
    args: ['zx_handle_t handle', 'uint64_t* size'],
    handler: (caller, args) => {
      const handle = vmoHandle(caller, args[0], ZX_RIGHT_NONE);
      if (typeof handle === 'number') return handle;
      return outSize(caller, numberArg(args, 1), handle.object.streamPages, handle.object.streamRest);
    },
  },
  {
    name: 'vmo_set_stream_size',
    returns: 'zx_status_t',
    args: ['zx_handle_t handle', 'uint64_t size'],
    handler: setStreamSize,
  },
  {
    name: 'vmo_replace_as_executable',
    returns: 'zx_status_t',
    policy: (args) => (args[2] === ZX_HANDLE_INVALID ? ZX_POL_AMBIENT_MARK_VMO_EXEC : null),
    args: ['zx_handle_t handle', 'zx_handle_t vmex', 'zx_handle_t* out'],
    handler: replaceAsExecutable,
  },
  {
    // Every memory here is cached; another policy only decides what may be done with the VMO.
    name: 'vmo_set_cache_policy',
    returns: 'zx_status_t',
    args: ['zx_handle_t handle', 'uint32_t cache_policy'],
    handler: (caller, args) => {
      const handle = vmoHandle(caller, args[0], ZX_RIGHT_MAP);
      if (typeof handle === 'number') return handle;
      const policy = args[2];
      if ((policy & ~ZX_CACHE_POLICY_MASK) !== 0) return ZX_ERR_INVALID_ARGS;
      const vmo = handle.object;
      if (vmo.isPagerBacked && policy !== ZX_CACHE_POLICY_CACHED) return ZX_ERR_NOT_SUPPORTED;
      if (vmo.mappingCount !== 0 || vmo.childCount !== 0 || vmo.cow.isClone) return ZX_ERR_BAD_STATE;
      if (!vmo.isPhysical && vmo.cow.list.frames !== 0) return ZX_ERR_BAD_STATE;
      vmo.cachePolicy = policy;
      return ZX_OK;
    },
  },
  {
    name: 'vmo_transfer_data',
    returns: 'zx_status_t',
    args: [
      'zx_handle_t dst_vmo',
      'uint32_t options',
      'uint64_t offset',
      'uint64_t length',
      'zx_handle_t src_vmo',
      'uint64_t src_offset',
    ],
    handler: transferData,
  },
];
