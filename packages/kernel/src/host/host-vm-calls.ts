import { INFO_VMAR_BASE, INFO_VMAR_BYTES, INFO_VMAR_LEN, ZX_INFO_VMAR } from '../abi/info.js';
import type { HandleResult, StatusResult, WaitOptions } from './host-caller.js';
import { HostIpcCalls } from './host-ipc-calls.js';

/** Size of a VMO. */
export interface SizeResult extends StatusResult {
  /** Bytes; larger than 2^53 is rounded. 0 when the call failed. */
  readonly size: number;
}

/** Where something was placed; 0 when the call failed. */
export interface AddressResult extends StatusResult {
  readonly address: number;
}

/** How many records `pagerQueryDirtyRanges` found. */
export interface DirtyRangesResult extends StatusResult {
  /** Records written: `zx_vmo_dirty_range_t`, 24 bytes each. */
  readonly actual: number;
  readonly available: number;
}

/** VMOs, address regions, pagers. */
export class HostVmCalls extends HostIpcCalls {
  vmoCreate(size: number | bigint, options: number): HandleResult {
    return this.handleOf(this.begin().u64(size, 'size').u32(options, 'options'), 'vmo_create');
  }

  /** @param into read into in place; may be filled in part when this fails */
  vmoRead(
    vmo: number,
    into: Uint8Array,
    offset: number | bigint,
    options: WaitOptions = {},
  ): Promise<StatusResult> {
    return this.transfer('vmo_read', vmo, into, offset, options);
  }

  /** @param from must stay unchanged until the promise settles; may be written in part when this fails */
  vmoWrite(
    vmo: number,
    from: Uint8Array,
    offset: number | bigint,
    options: WaitOptions = {},
  ): Promise<StatusResult> {
    return this.transfer('vmo_write', vmo, from, offset, options);
  }

  vmoGetSize(vmo: number): SizeResult {
    return this.sizeOf('vmo_get_size', vmo);
  }

  vmoSetSize(vmo: number, size: number | bigint, options: WaitOptions = {}): Promise<StatusResult> {
    const call = this.begin(options).u32(vmo, 'vmo').u64(size, 'size');
    return this.later(call, 'vmo_set_size', options, (status) => ({ status }));
  }

  vmoGetStreamSize(vmo: number): SizeResult {
    return this.sizeOf('vmo_get_stream_size', vmo);
  }

  vmoSetStreamSize(vmo: number, size: number | bigint, options: WaitOptions = {}): Promise<StatusResult> {
    const call = this.begin(options).u32(vmo, 'vmo').u64(size, 'size');
    return this.later(call, 'vmo_set_stream_size', options, (status) => ({ status }));
  }

  /** @param op `ZX_VMO_OP_*` */
  vmoOpRange(
    vmo: number,
    op: number,
    offset: number | bigint,
    length: number | bigint,
    options: WaitOptions = {},
    buffer: Uint8Array | null = null,
  ): Promise<StatusResult> {
    const call = this.begin(options)
      .u32(vmo, 'vmo')
      .u32(op, 'op')
      .u64(offset, 'offset')
      .u64(length, 'length')
      .buffer(buffer)
      .u64(buffer?.length ?? 0, 'buffer_size');
    return this.later(call, 'vmo_op_range', options, (status) => ({ status }));
  }

  /** @param options `ZX_VMO_CHILD_*` */
  vmoCreateChild(vmo: number, options: number, offset: number | bigint, size: number | bigint): HandleResult {
    const call = this.begin().u32(vmo, 'vmo').u32(options, 'options').u64(offset, 'offset').u64(size, 'size');
    return this.handleOf(call, 'vmo_create_child');
  }

  /** The handle given is gone afterwards, also when this fails. @param vmex 0, or a resource */
  vmoReplaceAsExecutable(vmo: number, vmex = 0): HandleResult {
    return this.handleOf(this.begin().u32(vmo, 'vmo').u32(vmex, 'vmex'), 'vmo_replace_as_executable');
  }

  vmoSetCachePolicy(vmo: number, policy: number): StatusResult {
    return this.statusOf(this.begin().u32(vmo, 'vmo').u32(policy, 'policy'), 'vmo_set_cache_policy');
  }

  vmoTransferData(
    to: number,
    options: number,
    offset: number | bigint,
    length: number | bigint,
    from: number,
    fromOffset: number | bigint,
    waiting: WaitOptions = {},
  ): Promise<StatusResult> {
    const call = this.begin(waiting)
      .u32(to, 'dst_vmo')
      .u32(options, 'options')
      .u64(offset, 'offset')
      .u64(length, 'length')
      .u32(from, 'src_vmo')
      .u64(fromOffset, 'src_offset');
    return this.later(call, 'vmo_transfer_data', waiting, (status) => ({ status }));
  }

  pagerCreate(options: number): HandleResult {
    return this.handleOf(this.begin().u32(options, 'options'), 'pager_create');
  }

  /** @param key comes with every packet */
  pagerCreateVmo(
    pager: number,
    options: number,
    port: number,
    key: bigint,
    size: number | bigint,
  ): HandleResult {
    const call = this.begin()
      .u32(pager, 'pager')
      .u32(options, 'options')
      .u32(port, 'port')
      .u64(key, 'key')
      .u64(size, 'size');
    return this.handleOf(call, 'pager_create_vmo');
  }

  pagerDetachVmo(pager: number, vmo: number): StatusResult {
    return this.statusOf(this.begin().u32(pager, 'pager').u32(vmo, 'vmo'), 'pager_detach_vmo');
  }

  /** Moves the pages of `[auxOffset, auxOffset + length)` of `aux` to `[offset, offset + length)` of `vmo`. */
  pagerSupplyPages(
    pager: number,
    vmo: number,
    offset: number | bigint,
    length: number | bigint,
    aux: number,
    auxOffset: number | bigint,
  ): StatusResult {
    const call = this.begin()
      .u32(pager, 'pager')
      .u32(vmo, 'vmo')
      .u64(offset, 'offset')
      .u64(length, 'length')
      .u32(aux, 'aux_vmo')
      .u64(auxOffset, 'aux_offset');
    return this.statusOf(call, 'pager_supply_pages');
  }

  /**
   * @param op `ZX_PAGER_OP_*`
   * @param data of ZX_PAGER_OP_FAIL: the status; of the others: their option
   */
  pagerOpRange(
    pager: number,
    op: number,
    vmo: number,
    offset: number | bigint,
    length: number | bigint,
    data: number | bigint,
  ): StatusResult {
    const call = this.begin()
      .u32(pager, 'pager')
      .u32(op, 'op')
      .u32(vmo, 'vmo')
      .u64(offset, 'offset')
      .u64(length, 'length')
      .i64(data, 'data');
    return this.statusOf(call, 'pager_op_range');
  }

  pagerQueryDirtyRanges(
    pager: number,
    vmo: number,
    offset: number | bigint,
    length: number | bigint,
    into: Uint8Array,
  ): DirtyRangesResult {
    const call = this.begin()
      .u32(pager, 'pager')
      .u32(vmo, 'vmo')
      .u64(offset, 'offset')
      .u64(length, 'length')
      .buffer(into)
      .u64(into.length, 'buffer_size');
    const actual = call.out(8);
    const available = call.out(8);
    return this.finish(call, 'pager_query_dirty_ranges', (status) => ({
      status,
      actual: call.memory.number(actual),
      available: call.memory.number(available),
    }));
  }

  pagerQueryVmoStats(
    pager: number,
    vmo: number,
    options: number,
  ): StatusResult & { readonly modified: number } {
    const call = this.begin().u32(pager, 'pager').u32(vmo, 'vmo').u32(options, 'options');
    const stats = call.out(4);
    call.u64(4, 'buffer_size');
    return this.finish(call, 'pager_query_vmo_stats', (status) => ({
      status,
      modified: call.memory.u32(stats),
    }));
  }

  /** @param options `ZX_VM_CAN_MAP_*` and placement flags */
  vmarAllocate(
    parent: number,
    options: number,
    offset: number | bigint,
    size: number | bigint,
  ): HandleResult & AddressResult {
    const call = this.begin()
      .u32(parent, 'parent')
      .u32(options, 'options')
      .u64(offset, 'offset')
      .u64(size, 'size');
    const handle = call.out(4);
    const address = call.out(8);
    return this.finish(call, 'vmar_allocate', (status) => ({
      status,
      handle: call.memory.u32(handle),
      address: call.memory.number(address),
    }));
  }

  /** @param options `ZX_VM_PERM_*` and placement flags */
  vmarMap(
    vmar: number,
    options: number,
    vmarOffset: number | bigint,
    vmo: number,
    vmoOffset: number | bigint,
    length: number | bigint,
  ): AddressResult {
    const call = this.begin()
      .u32(vmar, 'vmar')
      .u32(options, 'options')
      .u64(vmarOffset, 'vmar_offset')
      .u32(vmo, 'vmo')
      .u64(vmoOffset, 'vmo_offset')
      .u64(length, 'len');
    const address = call.out(8);
    return this.finish(call, 'vmar_map', (status) => ({ status, address: call.memory.number(address) }));
  }

  vmarUnmap(vmar: number, address: number | bigint, length: number | bigint): StatusResult {
    const call = this.begin().u32(vmar, 'vmar').u64(address, 'addr').u64(length, 'len');
    return this.statusOf(call, 'vmar_unmap');
  }

  vmarProtect(
    vmar: number,
    options: number,
    address: number | bigint,
    length: number | bigint,
  ): StatusResult {
    const call = this.begin()
      .u32(vmar, 'vmar')
      .u32(options, 'options')
      .u64(address, 'addr')
      .u64(length, 'len');
    return this.statusOf(call, 'vmar_protect');
  }

  vmarDestroy(vmar: number): StatusResult {
    return this.statusOf(this.begin().u32(vmar, 'vmar'), 'vmar_destroy');
  }

  /** @param op `ZX_VMAR_OP_*` */
  vmarOpRange(
    vmar: number,
    op: number,
    address: number | bigint,
    length: number | bigint,
    options: WaitOptions = {},
  ): Promise<StatusResult> {
    const call = this.begin(options)
      .u32(vmar, 'vmar')
      .u32(op, 'op')
      .u64(address, 'addr')
      .u64(length, 'len')
      .address(0)
      .u64(0, 'buffer_size');
    return this.later(call, 'vmar_op_range', options, (status) => ({ status }));
  }

  /** Base and length of a region, in bytes. */
  vmarInfo(vmar: number): AddressResult & { readonly length: number } {
    const { status, view } = this.record(vmar, ZX_INFO_VMAR, INFO_VMAR_BYTES);
    return {
      status,
      address: Number(view.getBigUint64(INFO_VMAR_BASE, true)),
      length: Number(view.getBigUint64(INFO_VMAR_LEN, true)),
    };
  }

  private transfer(
    name: string,
    vmo: number,
    buffer: Uint8Array,
    offset: number | bigint,
    options: WaitOptions,
  ): Promise<StatusResult> {
    const call = this.begin(options)
      .u32(vmo, 'vmo')
      .buffer(buffer)
      .u64(offset, 'offset')
      .u64(buffer.length, 'size');
    return this.later(call, name, options, (status) => ({ status }));
  }

  private sizeOf(name: string, vmo: number): SizeResult {
    const call = this.begin().u32(vmo, 'vmo');
    const size = call.out(8);
    return this.finish(call, name, (status) => ({ status, size: call.memory.number(size) }));
  }
}
