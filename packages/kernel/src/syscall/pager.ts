/** Pagers. */
import { ZX_POL_NEW_PAGER } from '../abi/policy.js';
import { PAGE_SIZE } from '@faultline/mmu-emu';
import {
  DIRTY_RANGE_BYTES,
  DIRTY_RANGE_LENGTH,
  DIRTY_RANGE_OFFSET,
  DIRTY_RANGE_OPTIONS,
  PAGER_VMO_STATS_BYTES,
  ZX_PAGER_OP_DIRTY,
  ZX_PAGER_OP_FAIL,
  ZX_PAGER_OP_WRITEBACK_BEGIN,
  ZX_PAGER_OP_WRITEBACK_END,
  ZX_PAGER_RESET_VMO_STATS,
  ZX_PAGER_VMO_STATS_MODIFIED,
  ZX_VMO_DIRTY_RANGE_IS_ZERO,
} from '../abi/pager.js';
import {
  ZX_RIGHT_ATTACH_VMO,
  ZX_RIGHT_MANAGE_VMO,
  ZX_RIGHT_READ,
  ZX_RIGHT_WRITE,
  type Rights,
} from '../abi/rights.js';
import {
  ZX_ERR_BAD_STATE,
  ZX_ERR_BUFFER_TOO_SMALL,
  ZX_ERR_INVALID_ARGS,
  ZX_ERR_IO,
  ZX_ERR_IO_DATA_INTEGRITY,
  ZX_ERR_NOT_SUPPORTED,
  ZX_ERR_NO_MEMORY,
  ZX_ERR_NO_SPACE,
  ZX_ERR_OUT_OF_RANGE,
  ZX_OK,
  type Status,
} from '../abi/status.js';
import { ZX_VMO_MAX_PAGES, ZX_VMO_RESIZABLE, ZX_VMO_TRAP_DIRTY, ZX_VMO_UNBOUNDED } from '../abi/vm.js';
import { PortDispatcher } from '../ipc/port.js';
import { Handle } from '../object/handle-table.js';
import { PagerDispatcher } from '../pager/pager-dispatcher.js';
import { PAUSE } from '../task/pause.js';
import type { Operation } from '../task/waiter.js';
import type { DirtyRange, DirtyTracking } from '../vm/dirty-tracking.js';
import type { LentFrames } from '../vm/lent-frames.js';
import { VmoDispatcher } from '../vm/vm-object.js';
import { hasZeroRangeRoom } from '../vm/zero-ranges.js';
import {
  bigintArg,
  numberArg,
  pageArg,
  pageOffsetArg,
  type Caller,
  type CallerProcess,
  type SystemCall,
} from './call.js';
import { andThen, outBytes, outHandle, outOptionalU64 } from './user-values.js';
import { rangeArg, sizeArg, vmoHandle } from './vm-args.js';
import { objectRoom } from './vmo.js';

const CREATE_OPTIONS = ZX_VMO_RESIZABLE | ZX_VMO_TRAP_DIRTY | ZX_VMO_UNBOUNDED;

/** Pages supplied between two turns of everybody else: where there is nothing in the source they cost so little that there can be very many. */
const PAGES_A_TURN = 4096;

/** What ZX_PAGER_OP_FAIL can fail pages with. */
const FAILURES = new Set([
  ZX_ERR_IO,
  ZX_ERR_IO_DATA_INTEGRITY,
  ZX_ERR_BAD_STATE,
  ZX_ERR_NO_SPACE,
  ZX_ERR_BUFFER_TOO_SMALL,
]);

interface Managed {
  readonly pager: PagerDispatcher;
  readonly vmo: VmoDispatcher;
}

/** A pager and a VMO that it has made: BAD_HANDLE, WRONG_TYPE, ACCESS_DENIED, and INVALID_ARGS for the VMO of another. */
function managed(
  caller: Caller,
  pagerValue: number,
  pagerRights: Rights,
  vmoValue: number,
  vmoRights: Rights,
): Managed | Status {
  const pager = caller.process.handles.lookup(pagerValue, PagerDispatcher, pagerRights);
  if (typeof pager === 'number') return pager;
  const vmo = vmoHandle(caller, vmoValue, vmoRights);
  if (typeof vmo === 'number') return vmo;
  return pager.owns(vmo.object) ? { pager, vmo: vmo.object } : ZX_ERR_INVALID_ARGS;
}

function createVmo(caller: Caller, args: Uint32Array): Status | Operation {
  const options = args[2];
  if ((options & ~CREATE_OPTIONS) !== 0) return ZX_ERR_INVALID_ARGS;
  const unbounded = (options & ZX_VMO_UNBOUNDED) !== 0;
  const resizable = (options & ZX_VMO_RESIZABLE) !== 0;
  if (unbounded && resizable) return ZX_ERR_INVALID_ARGS;
  const pager = caller.process.handles.lookup(args[0], PagerDispatcher, ZX_RIGHT_ATTACH_VMO);
  if (typeof pager === 'number') return pager;
  const port = caller.process.handles.lookup(args[4], PortDispatcher, ZX_RIGHT_WRITE);
  if (typeof port === 'number') return port;
  const pages = sizeArg(args, 4);
  if (pages > ZX_VMO_MAX_PAGES) return ZX_ERR_OUT_OF_RANGE;
  const room = objectRoom(caller);
  if (room !== ZX_OK) return room;
  if (!hasZeroRangeRoom(caller.core.vm.zeroRanges)) return ZX_ERR_NO_MEMORY;
  const vmo = pager.createVmo(
    port,
    bigintArg(args, 3),
    unbounded ? ZX_VMO_MAX_PAGES : pages,
    { resizable, streamPages: pageArg(args, 4), streamRest: pageOffsetArg(args, 4) },
    (options & ZX_VMO_TRAP_DIRTY) !== 0,
  );
  return outHandle(caller, numberArg(args, 5), new Handle(vmo, vmo.defaultRights));
}

function supplyPages(caller: Caller, args: Uint32Array): Status | Operation {
  const range = rangeArg(args, 2, 3);
  if (range.offset !== 0 || range.rest !== 0 || pageOffsetArg(args, 5) !== 0) return ZX_ERR_INVALID_ARGS;
  const target = managed(caller, args[0], ZX_RIGHT_MANAGE_VMO, args[2], ZX_RIGHT_WRITE);
  if (typeof target === 'number') return target;
  const aux = vmoHandle(caller, args[8], ZX_RIGHT_READ | ZX_RIGHT_WRITE);
  if (typeof aux === 'number') return aux;
  const { pager, vmo } = target;
  const auxPage = pageArg(args, 5);
  if (range.pages <= PAGES_A_TURN) return pager.supply(vmo, range.page, range.pages, aux.object, auxPage);
  const refusal = pager.checkSupply(vmo, range.page, range.pages, aux.object, auxPage);
  return refusal === ZX_OK ? supplyInTurns(target, range.page, range.pages, aux.object, auxPage) : refusal;
}

/** A part at a time: what the pager may do to its VMO, and others to the source, they may do in between. */
function* supplyInTurns(
  { pager, vmo }: Managed,
  page: number,
  count: number,
  aux: VmoDispatcher,
  auxPage: number,
): Operation {
  vmo.retain();
  aux.retain();
  try {
    for (let done = 0; ;) {
      const part = Math.min(count - done, PAGES_A_TURN);
      const status = pager.supply(vmo, page + done, part, aux, auxPage + done);
      done += part;
      if (status !== ZX_OK || done === count) return status;
      yield PAUSE;
    }
  } finally {
    aux.release();
    vmo.release();
  }
}

/**
 * `zx_pager_supply_pages` from frames on loan, for callers of the host.
 *
 * @param offset bytes, and `length`
 * @returns as the call; with an error, the loan goes on
 */
export function supplyFrames(
  process: CallerProcess,
  pagerValue: number,
  vmoValue: number,
  offset: number,
  loan: LentFrames,
  length: number,
): Status {
  if (offset % PAGE_SIZE !== 0 || length % PAGE_SIZE !== 0) return ZX_ERR_INVALID_ARGS;
  if (!(offset >= 0 && length >= 0 && length <= loan.length)) return ZX_ERR_INVALID_ARGS;
  const pager = process.handles.lookup(pagerValue, PagerDispatcher, ZX_RIGHT_MANAGE_VMO);
  if (typeof pager === 'number') return pager;
  const vmo = process.handles.lookup(vmoValue, VmoDispatcher, ZX_RIGHT_WRITE);
  if (typeof vmo === 'number') return vmo;
  if (!pager.owns(vmo)) return ZX_ERR_INVALID_ARGS;
  return pager.supplyFrames(vmo, offset / PAGE_SIZE, length / PAGE_SIZE, loan);
}

function opRange(caller: Caller, args: Uint32Array): Status {
  const range = rangeArg(args, 3, 4);
  if (range.offset !== 0 || range.rest !== 0) return ZX_ERR_INVALID_ARGS;
  const target = managed(caller, args[0], ZX_RIGHT_MANAGE_VMO, args[4], ZX_RIGHT_WRITE);
  if (typeof target === 'number') return target;
  const low = args[10];
  const high = args[11];
  switch (args[2]) {
    case ZX_PAGER_OP_FAIL: {
      const failure = low | 0;
      if (high !== 0xffff_ffff || !FAILURES.has(failure)) return ZX_ERR_INVALID_ARGS;
      return target.pager.fail(target.vmo, range.page, range.pages, failure);
    }
    case ZX_PAGER_OP_WRITEBACK_BEGIN:
      if (high !== 0 || (low & ~ZX_VMO_DIRTY_RANGE_IS_ZERO) !== 0) return ZX_ERR_INVALID_ARGS;
      return target.pager.writebackBegin(target.vmo, range.page, range.pages, low !== 0);
    case ZX_PAGER_OP_DIRTY:
      if (high !== 0 || low !== 0) return ZX_ERR_INVALID_ARGS;
      return target.pager.dirty(target.vmo, range.page, range.pages);
    case ZX_PAGER_OP_WRITEBACK_END:
      if (high !== 0 || low !== 0) return ZX_ERR_INVALID_ARGS;
      return target.pager.writebackEnd(target.vmo, range.page, range.pages);
    default:
      return ZX_ERR_NOT_SUPPORTED;
  }
}

/** The records that fit go to the buffer; how many there are in all is counted only when somebody wants to know. */
function queryDirtyRanges(caller: Caller, args: Uint32Array): Status | Operation {
  const target = managed(caller, args[0], ZX_RIGHT_MANAGE_VMO, args[2], ZX_RIGHT_READ);
  if (typeof target === 'number') return target;
  const { vmo } = target;
  const range = rangeArg(args, 2, 3);
  if (range.end > vmo.pages) return ZX_ERR_OUT_OF_RANGE;
  const room = Math.floor(numberArg(args, 5) / DIRTY_RANGE_BYTES);
  const actual = numberArg(args, 6);
  const available = numberArg(args, 7);
  const found: DirtyRange[] = [];
  let count = 0;
  for (const dirty of (vmo.cow.tracking as DirtyTracking).dirtyRanges(range.page, range.end)) {
    if (count === room && available === 0) break;
    if (count < room) found.push(dirty);
    count += 1;
  }
  const records = found.length === 0 ? ZX_OK : outBytes(caller, numberArg(args, 4), dirtyRangeRecords(found));
  return andThen(records, (status) => {
    if (status !== ZX_OK) return status;
    return andThen(outOptionalU64(caller, actual, found.length), (counted) =>
      counted === ZX_OK ? outOptionalU64(caller, available, count) : counted,
    );
  });
}

function dirtyRangeRecords(ranges: readonly DirtyRange[]): Uint8Array {
  const bytes = new Uint8Array(ranges.length * DIRTY_RANGE_BYTES);
  const view = new DataView(bytes.buffer);
  ranges.forEach(({ start, end, zeros }, index) => {
    const at = index * DIRTY_RANGE_BYTES;
    view.setBigUint64(at + DIRTY_RANGE_OFFSET, BigInt(start) * BigInt(PAGE_SIZE), true);
    view.setBigUint64(at + DIRTY_RANGE_LENGTH, BigInt(end - start) * BigInt(PAGE_SIZE), true);
    view.setUint32(at + DIRTY_RANGE_OPTIONS, zeros ? ZX_VMO_DIRTY_RANGE_IS_ZERO : 0, true);
  });
  return bytes;
}

function queryStats(caller: Caller, args: Uint32Array): Status | Operation {
  const target = managed(caller, args[0], ZX_RIGHT_MANAGE_VMO, args[2], ZX_RIGHT_READ);
  if (typeof target === 'number') return target;
  const options = args[4];
  if ((options & ~ZX_PAGER_RESET_VMO_STATS) !== 0) return ZX_ERR_INVALID_ARGS;
  if (numberArg(args, 4) < PAGER_VMO_STATS_BYTES) return ZX_ERR_BUFFER_TOO_SMALL;
  const tracking = target.vmo.cow.tracking as DirtyTracking;
  const bytes = new Uint8Array(PAGER_VMO_STATS_BYTES);
  bytes[0] = tracking.modified ? ZX_PAGER_VMO_STATS_MODIFIED : 0;
  return andThen(outBytes(caller, numberArg(args, 3), bytes), (status) => {
    if (status === ZX_OK && (options & ZX_PAGER_RESET_VMO_STATS) !== 0) tracking.modified = false;
    return status;
  });
}

export const PAGER_CALLS: readonly SystemCall[] = [
  {
    name: 'pager_create',
    returns: 'zx_status_t',
    policy: ZX_POL_NEW_PAGER,
    args: ['uint32_t options', 'zx_handle_t* out'],
    handler: (caller, args) => {
      if (args[0] !== 0) return ZX_ERR_INVALID_ARGS;
      const room = objectRoom(caller);
      if (room !== ZX_OK) return room;
      const pager = new PagerDispatcher(caller.core);
      return outHandle(caller, numberArg(args, 1), new Handle(pager, pager.defaultRights));
    },
  },
  {
    name: 'pager_create_vmo',
    returns: 'zx_status_t',
    args: [
      'zx_handle_t pager',
      'uint32_t options',
      'zx_handle_t port',
      'uint64_t key',
      'uint64_t size',
      'zx_handle_t* out',
    ],
    handler: createVmo,
  },
  {
    name: 'pager_detach_vmo',
    returns: 'zx_status_t',
    args: ['zx_handle_t pager', 'zx_handle_t vmo'],
    handler: (caller, args) => {
      const rights = ZX_RIGHT_ATTACH_VMO | ZX_RIGHT_MANAGE_VMO;
      const target = managed(caller, args[0], rights, args[2], ZX_RIGHT_WRITE);
      return typeof target === 'number' ? target : target.pager.detach(target.vmo);
    },
  },
  {
    name: 'pager_supply_pages',
    returns: 'zx_status_t',
    args: [
      'zx_handle_t pager',
      'zx_handle_t pager_vmo',
      'uint64_t offset',
      'uint64_t length',
      'zx_handle_t aux_vmo',
      'uint64_t aux_offset',
    ],
    handler: supplyPages,
  },
  {
    name: 'pager_op_range',
    returns: 'zx_status_t',
    args: [
      'zx_handle_t pager',
      'uint32_t op',
      'zx_handle_t pager_vmo',
      'uint64_t offset',
      'uint64_t length',
      'uint64_t data',
    ],
    handler: opRange,
  },
  {
    name: 'pager_query_dirty_ranges',
    returns: 'zx_status_t',
    args: [
      'zx_handle_t pager',
      'zx_handle_t pager_vmo',
      'uint64_t offset',
      'uint64_t length',
      'void* buffer',
      'size_t buffer_size',
      'size_t* actual',
      'size_t* avail',
    ],
    handler: queryDirtyRanges,
  },
  {
    name: 'pager_query_vmo_stats',
    returns: 'zx_status_t',
    args: [
      'zx_handle_t pager',
      'zx_handle_t pager_vmo',
      'uint32_t options',
      'void* buffer',
      'size_t buffer_size',
    ],
    handler: queryStats,
  },
];
