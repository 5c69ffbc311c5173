/**
 * What devices need of memory: pages that stay in their place. There are no devices; programs that were written for some, and tests of
 * how pagers and pins meet, find the calls.
 */
import { PAGE_SIZE } from '@faultline/mmu-emu';
import * as bti from '../abi/bti.js';
import { ZX_INFO_BTI } from '../abi/info.js';
import { ZX_RSRC_SYSTEM_IOMMU_BASE } from '../abi/resource.js';
import {
  ZX_RIGHT_INSPECT,
  ZX_RIGHT_MAP,
  ZX_RIGHT_NONE,
  ZX_RIGHT_READ,
  ZX_RIGHT_WRITE,
  type Rights,
} from '../abi/rights.js';
import {
  ZX_ERR_BAD_HANDLE,
  ZX_ERR_INVALID_ARGS,
  ZX_ERR_NOT_SUPPORTED,
  ZX_ERR_OUT_OF_RANGE,
  ZX_ERR_WRONG_TYPE,
  ZX_OK,
  type Status,
} from '../abi/status.js';
import { BtiDispatcher, PinnedRange } from '../dma/bti.js';
import { IommuDispatcher } from '../dma/iommu.js';
import { PmtDispatcher } from '../dma/pmt.js';
import { Handle } from '../object/handle-table.js';
import { ResourceDispatcher } from '../object/resource.js';
import type { Operation } from '../task/waiter.js';
import { PinRange } from '../vm/pin-range.js';
import { VmoDispatcher } from '../vm/vm-object.js';
import { numberArg, type Caller, type SystemCall } from './call.js';
import { oneRecord, type InfoTopic } from './info-topic.js';
import { andThen, creationRoom, outBytes, outHandle, setU64, withBytes } from './user-values.js';
import { rangeArg, sizeArg, vmoHandle } from './vm-args.js';

const PERMISSIONS = bti.ZX_BTI_PERM_READ | bti.ZX_BTI_PERM_WRITE | bti.ZX_BTI_PERM_EXECUTE;
const SHAPES = bti.ZX_BTI_COMPRESS | bti.ZX_BTI_CONTIGUOUS;
const ADDRESS_BYTES = 8;
const PAGE_SHIFT = 12;
/** Alignments above that of all of RAM cannot be had. */
const LARGEST_ALIGNMENT = 52;

function createIommu(caller: Caller, args: Uint32Array): Status | Operation {
  const { handles } = caller.process;
  const status = ResourceDispatcher.check(handles, args[0], ZX_RSRC_SYSTEM_IOMMU_BASE, ZX_RIGHT_NONE);
  if (status !== ZX_OK) return status;
  if (args[2] !== bti.ZX_IOMMU_TYPE_STUB) return ZX_ERR_NOT_SUPPORTED;
  if (numberArg(args, 3) !== bti.IOMMU_DESC_STUB_BYTES) return ZX_ERR_INVALID_ARGS;
  return withBytes(caller, numberArg(args, 2), bti.IOMMU_DESC_STUB_BYTES, () => {
    const room = creationRoom(caller, 1);
    if (room !== ZX_OK) return room;
    const iommu = new IommuDispatcher(caller.core);
    return outHandle(caller, numberArg(args, 4), new Handle(iommu, iommu.defaultRights));
  });
}

function createBti(caller: Caller, args: Uint32Array): Status | Operation {
  if (args[2] !== 0) return ZX_ERR_INVALID_ARGS;
  const iommu = caller.process.handles.lookup(args[0], IommuDispatcher, ZX_RIGHT_NONE);
  if (typeof iommu === 'number') return iommu;
  const room = creationRoom(caller, 1);
  if (room !== ZX_OK) return room;
  const made = new BtiDispatcher(caller.core, iommu);
  return outHandle(caller, numberArg(args, 3), new Handle(made, made.defaultRights));
}

/** Rights to the VMO that permissions for a device take; executing is reading. */
function vmoRights(options: number): Rights {
  return (
    ZX_RIGHT_MAP |
    ((options & (bti.ZX_BTI_PERM_READ | bti.ZX_BTI_PERM_EXECUTE)) !== 0 ? ZX_RIGHT_READ : 0) |
    ((options & bti.ZX_BTI_PERM_WRITE) !== 0 ? ZX_RIGHT_WRITE : 0)
  );
}

/** In this order: handles and rights, options, range, count of addresses, room; then the pages. */
function pin(caller: Caller, args: Uint32Array): Status | Operation {
  const initiator = caller.process.handles.lookup(args[0], BtiDispatcher, ZX_RIGHT_MAP);
  if (typeof initiator === 'number') return initiator;
  const options = args[2];
  const handle = vmoHandle(caller, args[4], vmoRights(options));
  if (typeof handle === 'number') return handle;
  const vmo = handle.object;
  if ((options & ~(PERMISSIONS | SHAPES)) !== 0 || (options & PERMISSIONS) === 0) return ZX_ERR_INVALID_ARGS;
  if ((options & SHAPES) === SHAPES) return ZX_ERR_INVALID_ARGS;
  const contiguous = (options & bti.ZX_BTI_CONTIGUOUS) !== 0;
  if (contiguous && vmo.kind !== 'contiguous' && !vmo.isPhysical) return ZX_ERR_INVALID_ARGS;
  const range = rangeArg(args, 3, 4);
  if (range.offset !== 0 || range.rest !== 0 || range.pages === 0) return ZX_ERR_INVALID_ARGS;
  if (range.end > vmo.pages) return ZX_ERR_OUT_OF_RANGE;
  const addresses = contiguous ? 1 : range.pages;
  if (numberArg(args, 6) !== addresses) return ZX_ERR_INVALID_ARGS;
  const room = creationRoom(caller, 1);
  if (room !== ZX_OK) return room;
  const writes = (options & bti.ZX_BTI_PERM_WRITE) !== 0;
  const where = numberArg(args, 5);
  const out = numberArg(args, 7);
  const pinning = new PinRange(vmo, writes, range.page, range.pages);
  return andThen(pinning.run(caller), (status) => {
    if (status !== ZX_OK) return status;
    const { ram } = caller.core.vm.physical;
    const bytes = new Uint8Array(addresses * ADDRESS_BYTES);
    const view = new DataView(bytes.buffer);
    for (let index = 0; index < addresses; index += 1)
      setU64(view, index * ADDRESS_BYTES, ram.base + pinning.pins.frames[index] * PAGE_SIZE);
    const pinned = new PinnedRange(vmo, pinning.pins);
    const token = new PmtDispatcher(caller.core, initiator, pinned);
    const tokenHandle = new Handle(token, token.defaultRights);
    // When the caller cannot be told, nobody has been given the addresses.
    const given = andThen(outBytes(caller, where, bytes), (written) => {
      if (written === ZX_OK) return outHandle(caller, out, tokenHandle);
      token.unpin();
      tokenHandle.release();
      return written;
    });
    return andThen(given, (last) => {
      if (last !== ZX_OK) token.unpin();
      return last;
    });
  });
}

function unpin(caller: Caller, args: Uint32Array): Status {
  const { handles } = caller.process;
  const handle = handles.get(args[0]);
  if (handle === undefined) return ZX_ERR_BAD_HANDLE;
  if (!(handle.dispatcher instanceof PmtDispatcher)) return ZX_ERR_WRONG_TYPE;
  handles.remove(args[0]);
  handle.dispatcher.unpin();
  handle.release();
  return ZX_OK;
}

function createContiguous(caller: Caller, args: Uint32Array): Status | Operation {
  const initiator = caller.process.handles.lookup(args[0], BtiDispatcher, ZX_RIGHT_MAP);
  if (typeof initiator === 'number') return initiator;
  const pages = sizeArg(args, 1);
  const shift = args[4] === 0 ? PAGE_SHIFT : args[4];
  if (pages === 0 || shift < PAGE_SHIFT || shift > LARGEST_ALIGNMENT) return ZX_ERR_INVALID_ARGS;
  const room = creationRoom(caller, 1);
  if (room !== ZX_OK) return room;
  const vmo = VmoDispatcher.contiguous(caller.core, pages, 2 ** (shift - PAGE_SHIFT));
  if (typeof vmo === 'number') return vmo;
  return outHandle(caller, numberArg(args, 3), new Handle(vmo, vmo.defaultRights));
}

/** ZX_INFO_BTI. */
export const BTI_TOPIC: InfoTopic = {
  topic: ZX_INFO_BTI,
  object: BtiDispatcher,
  rights: ZX_RIGHT_INSPECT,
  recordBytes: bti.INFO_BTI_BYTES,
  form: 'single',
  read: (caller, initiator: BtiDispatcher) => {
    const bytes = new Uint8Array(bti.INFO_BTI_BYTES);
    const view = new DataView(bytes.buffer);
    const { ram } = caller.core.vm.physical;
    setU64(view, bti.INFO_BTI_MINIMUM_CONTIGUITY, PAGE_SIZE);
    setU64(view, bti.INFO_BTI_ASPACE_SIZE, ram.base + ram.bytes);
    setU64(view, bti.INFO_BTI_PMO_COUNT, initiator.pinnedCount);
    setU64(view, bti.INFO_BTI_QUARANTINE_COUNT, initiator.quarantineCount);
    return oneRecord(bytes);
  },
};

export const BTI_CALLS: readonly SystemCall[] = [
  {
    name: 'iommu_create',
    returns: 'zx_status_t',
    args: [
      'zx_handle_t resource',
      'uint32_t type',
      'const void* desc',
      'size_t desc_size',
      'zx_handle_t* out',
    ],
    handler: createIommu,
  },
  {
    name: 'bti_create',
    returns: 'zx_status_t',
    args: ['zx_handle_t iommu', 'uint32_t options', 'uint64_t bti_id', 'zx_handle_t* out'],
    handler: createBti,
  },
  {
    name: 'bti_pin',
    returns: 'zx_status_t',
    args: [
      'zx_handle_t handle',
      'uint32_t options',
      'zx_handle_t vmo',
      'uint64_t offset',
      'uint64_t size',
      'zx_paddr_t* addrs',
      'size_t num_addrs',
      'zx_handle_t* pmt',
    ],
    handler: pin,
  },
  {
    name: 'bti_release_quarantine',
    returns: 'zx_status_t',
    args: ['zx_handle_t handle'],
    handler: (caller, args) => {
      const initiator = caller.process.handles.lookup(args[0], BtiDispatcher, ZX_RIGHT_WRITE);
      if (typeof initiator === 'number') return initiator;
      initiator.releaseQuarantine();
      return ZX_OK;
    },
  },
  {
    name: 'pmt_unpin',
    returns: 'zx_status_t',
    args: ['zx_handle_t handle'],
    handler: unpin,
  },
  {
    name: 'vmo_create_contiguous',
    returns: 'zx_status_t',
    args: ['zx_handle_t bti', 'size_t size', 'uint32_t alignment_log2', 'zx_handle_t* out'],
    handler: createContiguous,
  },
];
