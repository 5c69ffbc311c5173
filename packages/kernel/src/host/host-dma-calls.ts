import { PAGE_SIZE } from '@faultline/mmu-emu';
import { IOMMU_DESC_STUB_BYTES, ZX_BTI_CONTIGUOUS, ZX_IOMMU_TYPE_STUB } from '../abi/bti.js';
import { ZX_ERR_INVALID_ARGS, ZX_ERR_NO_MEMORY, ZX_ERR_NO_RESOURCES, ZX_OK } from '../abi/status.js';
import { Handle } from '../object/handle-table.js';
import { ResourceDispatcher } from '../object/resource.js';
import { ReservedMemory } from '../vm/reserved-memory.js';
import type { HandleResult, StatusResult, WaitOptions } from './host-caller.js';
import { HostVmCalls } from './host-vm-calls.js';

const ADDRESS_BYTES = 8;
/** Pages that one call of `btiPin` pins at most. */
const MOST_PAGES = 0x10_0000;

/** Pages that were pinned. */
export interface PinResult extends HandleResult {
  /** Physical addresses, one a page, or one in all with ZX_BTI_CONTIGUOUS; empty when the call failed. */
  readonly addresses: readonly number[];
}

/** Resources, and what pins memory. */
export class HostDmaCalls extends HostVmCalls {
  /**
   * A new resource, which permits one thing of the whole system to whoever has a handle to it.
   *
   * @param base `ZX_RSRC_SYSTEM_*_BASE`
   * @returns ZX_ERR_NO_RESOURCES: the table is full; ZX_ERR_NO_MEMORY: there are too many objects
   */
  systemResource(base: number, name = ''): HandleResult {
    if (!this.handles.hasRoom(1)) return { status: ZX_ERR_NO_RESOURCES, handle: 0 };
    const { kernel } = this;
    if (kernel.liveObjects >= kernel.limits.objects) return { status: ZX_ERR_NO_MEMORY, handle: 0 };
    const resource = new ResourceDispatcher(kernel, base, name);
    return { status: ZX_OK, handle: this.handles.add(new Handle(resource, resource.defaultRights)) };
  }

  /**
   * A new resource for physical memory (ZX_RSRC_KIND_MMIO): adjacent pages of RAM, full of zeros, which the kernel uses for nothing else until the resource and all physical
   * VMOs made with it are gone.
   *
   * @param size bytes, rounded up to pages
   * @returns its handle and physical address; ZX_ERR_INVALID_ARGS: no bytes; ZX_ERR_NO_RESOURCES: the table is full; ZX_ERR_NO_MEMORY: there are no such
   * pages, or too many objects
   */
  reserveMemory(size: number, name = ''): HandleResult & { readonly paddr: number } {
    const { kernel } = this;
    const none = { handle: 0, paddr: 0 };
    const pages = Math.ceil(size / PAGE_SIZE);
    if (!(pages > 0)) return { status: ZX_ERR_INVALID_ARGS, ...none };
    if (!this.handles.hasRoom(1)) return { status: ZX_ERR_NO_RESOURCES, ...none };
    if (kernel.liveObjects >= kernel.limits.objects) return { status: ZX_ERR_NO_MEMORY, ...none };
    const memory = ReservedMemory.create(kernel.vm, pages);
    if (typeof memory === 'number') return { status: memory, ...none };
    const resource = new ResourceDispatcher(kernel, memory, name);
    const handle = this.handles.add(new Handle(resource, resource.defaultRights));
    return { status: ZX_OK, handle, paddr: memory.base };
  }

  /** A VMO that shows [paddr, paddr + size) of the physical memory that a resource is for; whole pages. */
  vmoCreatePhysical(resource: number, paddr: number | bigint, size: number | bigint): HandleResult {
    const call = this.begin().u32(resource, 'resource').u64(paddr, 'paddr').u64(size, 'size');
    return this.handleOf(call, 'vmo_create_physical');
  }

  /** An IOMMU that translates nothing. @param resource for ZX_RSRC_SYSTEM_IOMMU_BASE */
  iommuCreate(resource: number): HandleResult {
    const call = this.begin()
      .u32(resource, 'resource')
      .u32(ZX_IOMMU_TYPE_STUB, 'type')
      .buffer(new Uint8Array(IOMMU_DESC_STUB_BYTES))
      .u64(IOMMU_DESC_STUB_BYTES, 'desc_size');
    return this.handleOf(call, 'iommu_create');
  }

  btiCreate(iommu: number, options: number, id: number | bigint): HandleResult {
    const call = this.begin().u32(iommu, 'iommu').u32(options, 'options').u64(id, 'bti_id');
    return this.handleOf(call, 'bti_create');
  }

  /**
   * Pins pages, which are made present.
   *
   * @param options `ZX_BTI_PERM_*`, `ZX_BTI_COMPRESS`, `ZX_BTI_CONTIGUOUS`
   * @param size bytes, at most 4 GiB
   */
  btiPin(
    bti: number,
    options: number,
    vmo: number,
    offset: number | bigint,
    size: number,
    waiting: WaitOptions = {},
  ): Promise<PinResult> {
    const count = (options & ZX_BTI_CONTIGUOUS) !== 0 ? 1 : Math.ceil(size / PAGE_SIZE);
    if (count > MOST_PAGES) throw new RangeError(`${size} bytes are more than can be pinned at once`);
    const bytes = new Uint8Array(count * ADDRESS_BYTES);
    const call = this.begin(waiting)
      .u32(bti, 'handle')
      .u32(options, 'options')
      .u32(vmo, 'vmo')
      .u64(offset, 'offset')
      .u64(size, 'size')
      .buffer(bytes)
      .u64(count, 'num_addrs');
    const out = call.out(4);
    return this.later(call, 'bti_pin', waiting, (status) => ({
      status,
      handle: call.memory.u32(out),
      addresses: status === ZX_OK ? Array.from(new BigUint64Array(bytes.buffer), Number) : [],
    }));
  }

  /** Lets go of pinned pages. The handle is gone afterwards. */
  pmtUnpin(pmt: number): StatusResult {
    return this.statusOf(this.begin().u32(pmt, 'handle'), 'pmt_unpin');
  }

  btiReleaseQuarantine(bti: number): StatusResult {
    return this.statusOf(this.begin().u32(bti, 'handle'), 'bti_release_quarantine');
  }

  /** @param alignmentLog2 of the physical address; 0: that of a page */
  vmoCreateContiguous(bti: number, size: number, alignmentLog2 = 0): HandleResult {
    const call = this.begin().u32(bti, 'bti').u64(size, 'size').u32(alignmentLog2, 'alignment_log2');
    return this.handleOf(call, 'vmo_create_contiguous');
  }
}
