/** `zx_vmo_op_range`. */
import { PAGE_SIZE } from '@faultline/mmu-emu';
import { ZX_RIGHT_NONE, ZX_RIGHT_READ, ZX_RIGHT_WRITE, type Rights } from '../abi/rights.js';
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
  VMO_LOCK_STATE_BYTES,
  VMO_LOCK_STATE_DISCARDED_SIZE,
  VMO_LOCK_STATE_SIZE,
  ZX_VMO_OP_ALWAYS_NEED,
  ZX_VMO_OP_CACHE_CLEAN,
  ZX_VMO_OP_CACHE_CLEAN_INVALIDATE,
  ZX_VMO_OP_CACHE_INVALIDATE,
  ZX_VMO_OP_CACHE_SYNC,
  ZX_VMO_OP_COMMIT,
  ZX_VMO_OP_DECOMMIT,
  ZX_VMO_OP_DONT_NEED,
  ZX_VMO_OP_LOCK,
  ZX_VMO_OP_PREFETCH,
  ZX_VMO_OP_TRY_LOCK,
  ZX_VMO_OP_UNLOCK,
  ZX_VMO_OP_ZERO,
} from '../abi/vm.js';
import type { Operation } from '../task/waiter.js';
import type { VmoDispatcher } from '../vm/vm-object.js';
import { walkPages, zeroRange } from '../vm/vmo-range.js';
import { numberArg, type Caller, type SystemCall } from './call.js';
import { outBytes, setU64 } from './user-values.js';
import { rangeArg, vmoHandle, type ByteRange } from './vm-args.js';

const READ_OR_WRITE = ZX_RIGHT_READ | ZX_RIGHT_WRITE;

/** Rights by operation; of READ_OR_WRITE one is enough. Others are ZX_ERR_INVALID_ARGS. */
const RIGHTS = new Map<number, Rights>([
  [ZX_VMO_OP_COMMIT, ZX_RIGHT_WRITE],
  [ZX_VMO_OP_DECOMMIT, ZX_RIGHT_WRITE],
  [ZX_VMO_OP_LOCK, READ_OR_WRITE],
  [ZX_VMO_OP_UNLOCK, READ_OR_WRITE],
  [ZX_VMO_OP_TRY_LOCK, READ_OR_WRITE],
  [ZX_VMO_OP_CACHE_SYNC, ZX_RIGHT_READ],
  [ZX_VMO_OP_CACHE_INVALIDATE, ZX_RIGHT_WRITE],
  [ZX_VMO_OP_CACHE_CLEAN, ZX_RIGHT_READ],
  [ZX_VMO_OP_CACHE_CLEAN_INVALIDATE, ZX_RIGHT_READ],
  [ZX_VMO_OP_ZERO, ZX_RIGHT_WRITE],
  [ZX_VMO_OP_DONT_NEED, ZX_RIGHT_NONE],
  [ZX_VMO_OP_ALWAYS_NEED, ZX_RIGHT_NONE],
  [ZX_VMO_OP_PREFETCH, ZX_RIGHT_READ],
]);

/** Of a resource's memory there is nothing to commit, to give back or to make zero. */
const COMMITS = new Set([ZX_VMO_OP_COMMIT, ZX_VMO_OP_DECOMMIT, ZX_VMO_OP_ZERO]);

function opRange(caller: Caller, args: Uint32Array): Status | Operation {
  const handle = vmoHandle(caller, args[0], ZX_RIGHT_NONE);
  if (typeof handle === 'number') return handle;
  const op = args[2];
  const rights = RIGHTS.get(op);
  if (rights === undefined) return ZX_ERR_INVALID_ARGS;
  if (rights !== ZX_RIGHT_NONE && (handle.rights & rights) === 0) return ZX_ERR_ACCESS_DENIED;
  const vmo = handle.object;
  const range = rangeArg(args, 2, 3);
  const span = { vmo, page: range.page, end: range.end };
  const inside = range.end <= vmo.pages;
  if (vmo.isPhysical && COMMITS.has(op)) return ZX_ERR_NOT_SUPPORTED;
  switch (op) {
    case ZX_VMO_OP_COMMIT:
      return inside ? walkPages(caller, 'commit', span) : ZX_ERR_OUT_OF_RANGE;
    case ZX_VMO_OP_PREFETCH:
      return inside ? walkPages(caller, 'fetch', span) : ZX_ERR_OUT_OF_RANGE;
    case ZX_VMO_OP_DECOMMIT:
      return inside ? decommit(vmo, range) : ZX_ERR_OUT_OF_RANGE;
    case ZX_VMO_OP_ZERO:
      return inside ? zeroRange(caller, vmo, range.page, range.offset, range) : ZX_ERR_OUT_OF_RANGE;
    case ZX_VMO_OP_ALWAYS_NEED:
    case ZX_VMO_OP_DONT_NEED:
      return hint(caller, vmo, op, range);
    case ZX_VMO_OP_LOCK:
    case ZX_VMO_OP_TRY_LOCK:
    case ZX_VMO_OP_UNLOCK:
      return lock(caller, vmo, op, range, numberArg(args, 4), numberArg(args, 5));
    default:
      return cacheOperation(op, range, inside);
  }
}

/** In this order: length, kind, alignment. */
function decommit(vmo: VmoDispatcher, range: ByteRange): Status {
  if (range.pages === 0 && range.rest === 0) return ZX_OK;
  if (vmo.kind !== 'anonymous' || vmo.cow.isClone) return ZX_ERR_NOT_SUPPORTED;
  if (range.offset !== 0 || range.endRest !== 0) return ZX_ERR_INVALID_ARGS;
  if (vmo.cow.anyHeld(range.page, range.end)) return ZX_ERR_BAD_STATE;
  vmo.cow.decommit(range.page, range.end);
  return ZX_OK;
}

/** On memory without a pager hints are accepted without a look at the range. */
function hint(caller: Caller, vmo: VmoDispatcher, op: number, range: ByteRange): Status | Operation {
  if (!vmo.isPagerBacked) return ZX_OK;
  if (range.end > vmo.pages) return ZX_ERR_OUT_OF_RANGE;
  if (op === ZX_VMO_OP_DONT_NEED) {
    vmo.cow.markDontNeed(vmo.start + range.page, vmo.start + range.end);
    return ZX_OK;
  }
  return walkPages(caller, 'hint', { vmo, page: range.page, end: range.end });
}

/** Locks, and with LOCK tells what was discarded. */
function lock(
  caller: Caller,
  vmo: VmoDispatcher,
  op: number,
  range: ByteRange,
  buffer: number,
  bufferBytes: number,
): Status | Operation {
  const { discardLock } = vmo;
  if (discardLock === null) return ZX_ERR_NOT_SUPPORTED;
  if (range.page !== 0 || range.offset !== 0 || range.end !== vmo.pages) return ZX_ERR_OUT_OF_RANGE;
  if (op === ZX_VMO_OP_UNLOCK) return discardLock.unlock();
  if (op === ZX_VMO_OP_TRY_LOCK) return discardLock.tryLock();
  if (bufferBytes < VMO_LOCK_STATE_BYTES) return ZX_ERR_INVALID_ARGS;
  const bytes = new Uint8Array(VMO_LOCK_STATE_BYTES);
  const view = new DataView(bytes.buffer);
  setU64(view, VMO_LOCK_STATE_SIZE, vmo.pages * PAGE_SIZE);
  if (discardLock.lock()) setU64(view, VMO_LOCK_STATE_DISCARDED_SIZE, vmo.pages * PAGE_SIZE);
  return outBytes(caller, buffer, bytes);
}

/** There are no caches between the harts and RAM. */
function cacheOperation(op: number, range: ByteRange, inside: boolean): Status {
  if (range.pages === 0 && range.rest === 0) return ZX_ERR_INVALID_ARGS;
  if (op === ZX_VMO_OP_CACHE_INVALIDATE) return ZX_ERR_NOT_SUPPORTED;
  return inside ? ZX_OK : ZX_ERR_OUT_OF_RANGE;
}

export const VMO_OP_RANGE_CALLS: readonly SystemCall[] = [
  {
    name: 'vmo_op_range',
    returns: 'zx_status_t',
    args: [
      'zx_handle_t handle',
      'uint32_t op',
      'uint64_t offset',
      'uint64_t size',
      'void* buffer',
      'size_t buffer_size',
    ],
    handler: opRange,
  },
];
