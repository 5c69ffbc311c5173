/** What VMOs and VMARs tell about themselves. Records of a process's VMOs and mappings are made here as well, for `ZX_INFO_PROCESS_*`. */
import { PAGE_SIZE } from '@faultline/mmu-emu';
import * as info from '../abi/info.js';
import { ZX_RIGHT_INSPECT, ZX_RIGHT_NONE, type Rights } from '../abi/rights.js';
import type { AddressSpace } from '../vm/address-space.js';
import type { Attribution } from '../vm/frame-shares.js';
import { VmoDispatcher } from '../vm/vm-object.js';
import { VmarDispatcher, type Region } from '../vm/vmar.js';
import { oneRecord, type InfoRecords, type InfoTopic } from './info-topic.js';
import { setU64 } from './user-values.js';

/** Sizes of VMOs can be larger than what a number holds exactly; page counts are not. */
function setPages(view: DataView, position: number, pages: number): void {
  view.setUint32(position, (pages % 0x10_0000) * PAGE_SIZE, true);
  view.setUint32(position + 4, Math.floor(pages / 0x10_0000), true);
}

/** Where a record has counts of memory: all of it, what is private, what is scaled by sharing, and the fractions of that. */
interface AttributionFields {
  readonly all: readonly number[];
  readonly private: readonly number[];
  readonly scaled: readonly number[];
  readonly fractions: readonly number[];
}

// Nothing is compressed or otherwise away from its frame, so that what is populated is committed.
const VMO_FIELDS: AttributionFields = {
  all: [info.INFO_VMO_COMMITTED_BYTES, info.INFO_VMO_POPULATED_BYTES],
  private: [info.INFO_VMO_COMMITTED_PRIVATE_BYTES, info.INFO_VMO_POPULATED_PRIVATE_BYTES],
  scaled: [info.INFO_VMO_COMMITTED_SCALED_BYTES, info.INFO_VMO_POPULATED_SCALED_BYTES],
  fractions: [
    info.INFO_VMO_COMMITTED_FRACTIONAL_SCALED_BYTES,
    info.INFO_VMO_POPULATED_FRACTIONAL_SCALED_BYTES,
  ],
};
const MAPS_FIELDS: AttributionFields = {
  all: [info.INFO_MAPS_COMMITTED_BYTES, info.INFO_MAPS_POPULATED_BYTES],
  private: [info.INFO_MAPS_COMMITTED_PRIVATE_BYTES, info.INFO_MAPS_POPULATED_PRIVATE_BYTES],
  scaled: [info.INFO_MAPS_COMMITTED_SCALED_BYTES, info.INFO_MAPS_POPULATED_SCALED_BYTES],
  fractions: [
    info.INFO_MAPS_COMMITTED_FRACTIONAL_SCALED_BYTES,
    info.INFO_MAPS_POPULATED_FRACTIONAL_SCALED_BYTES,
  ],
};

function setAttribution(view: DataView, fields: AttributionFields, attribution: Attribution): void {
  const { bytes, fraction } = attribution.scaled(PAGE_SIZE);
  for (const position of fields.all) setPages(view, position, attribution.pages);
  for (const position of fields.private) setPages(view, position, attribution.privatePages);
  for (const position of fields.scaled) view.setBigUint64(position, bytes, true);
  for (const position of fields.fractions) view.setBigUint64(position, fraction, true);
}

function flagsOf(vmo: VmoDispatcher): number {
  return (
    (vmo.isPhysical ? info.ZX_INFO_VMO_TYPE_PHYSICAL : info.ZX_INFO_VMO_TYPE_PAGED) |
    (vmo.resizable ? info.ZX_INFO_VMO_RESIZABLE : 0) |
    (vmo.kind === 'clone' ? info.ZX_INFO_VMO_IS_COW_CLONE : 0) |
    (vmo.isPagerBacked ? info.ZX_INFO_VMO_PAGER_BACKED : 0) |
    (vmo.kind === 'contiguous' || vmo.isPhysical ? info.ZX_INFO_VMO_CONTIGUOUS : 0) |
    (vmo.discardable ? info.ZX_INFO_VMO_DISCARDABLE : 0) |
    (vmo.immutable ? info.ZX_INFO_VMO_IMMUTABLE : 0)
  );
}

/**
 * A `zx_info_vmo_t` in its current form; older forms are prefixes of it.
 *
 * @param viaHandle rights of the handle that it is asked about through, if that is so
 * @param viaMapping it is listed because it is mapped
 */
export function vmoRecord(vmo: VmoDispatcher, viaHandle: Rights | null, viaMapping = false): Uint8Array {
  const bytes = new Uint8Array(info.INFO_VMO_BYTES);
  const view = new DataView(bytes.buffer);
  setU64(view, info.INFO_VMO_KOID, vmo.koid);
  bytes.set(vmo.objectName.bytes, info.INFO_VMO_NAME);
  setPages(view, info.INFO_VMO_SIZE_BYTES, vmo.pages);
  setU64(view, info.INFO_VMO_PARENT_KOID, vmo.parentKoid);
  setU64(view, info.INFO_VMO_NUM_CHILDREN, vmo.childCount);
  setU64(view, info.INFO_VMO_NUM_MAPPINGS, vmo.mappingCount);
  setU64(view, info.INFO_VMO_SHARE_COUNT, vmo.shareCount);
  const via =
    (viaHandle === null ? 0 : info.ZX_INFO_VMO_VIA_HANDLE) | (viaMapping ? info.ZX_INFO_VMO_VIA_MAPPING : 0);
  view.setUint32(info.INFO_VMO_FLAGS, flagsOf(vmo) | via, true);
  view.setUint32(info.INFO_VMO_HANDLE_RIGHTS, viaHandle ?? 0, true);
  view.setUint32(info.INFO_VMO_CACHE_POLICY, vmo.cachePolicy, true);
  setU64(view, info.INFO_VMO_COMMITTED_CHANGE_EVENTS, vmo.cow.evictions);
  setAttribution(view, VMO_FIELDS, vmo.attribution);
  return bytes;
}

/** ZX_INFO_VMAR. */
function vmarRecord(vmar: VmarDispatcher): Uint8Array {
  const bytes = new Uint8Array(info.INFO_VMAR_BYTES);
  const view = new DataView(bytes.buffer);
  setPages(view, info.INFO_VMAR_BASE, vmar.vpn);
  setPages(view, info.INFO_VMAR_LEN, vmar.pages);
  return bytes;
}

/** Record versions of `zx_info_maps_t`, by their size. */
export type MapsRecordBytes =
  typeof info.INFO_MAPS_BYTES | typeof info.INFO_MAPS_V1_BYTES | typeof info.INFO_MAPS_V2_BYTES;

function mapsRecord(region: Region, depth: number, recordBytes: MapsRecordBytes): Uint8Array {
  const bytes = new Uint8Array(recordBytes);
  const view = new DataView(bytes.buffer);
  setPages(view, info.INFO_MAPS_BASE, region.vpn);
  setPages(view, info.INFO_MAPS_SIZE, region.pages);
  setU64(view, info.INFO_MAPS_DEPTH, depth);
  if (region instanceof VmarDispatcher) {
    view.setUint32(info.INFO_MAPS_TYPE, info.ZX_INFO_MAPS_TYPE_VMAR, true);
    return bytes;
  }
  bytes.set(region.vmo.objectName.bytes, info.INFO_MAPS_NAME);
  view.setUint32(info.INFO_MAPS_TYPE, info.ZX_INFO_MAPS_TYPE_MAPPING, true);
  view.setUint32(info.INFO_MAPS_MMU_FLAGS, region.permissions, true);
  setU64(view, info.INFO_MAPS_VMO_KOID, region.vmo.koid);
  setPages(view, info.INFO_MAPS_VMO_OFFSET, region.page);
  const attribution = region.vmo.attributionIn(region.page, region.pages);
  if (recordBytes === info.INFO_MAPS_BYTES) {
    setAttribution(view, MAPS_FIELDS, attribution);
    return bytes;
  }
  // The older forms count pages.
  setU64(view, info.INFO_MAPS_COMMITTED_BYTES, attribution.pages);
  if (recordBytes === info.INFO_MAPS_V2_BYTES)
    setU64(view, info.INFO_MAPS_POPULATED_BYTES, attribution.pages);
  return bytes;
}

/** Records of a region and all in it, depth first; the region itself has depth `depth`. */
export function vmarMaps(
  vmar: VmarDispatcher,
  capacity: number,
  recordBytes: MapsRecordBytes,
  depth = 0,
): InfoRecords {
  const records: Uint8Array[] = capacity > 0 ? [mapsRecord(vmar, depth, recordBytes)] : [];
  let available = 1;
  for (const [region, below] of vmar.tree()) {
    available += 1;
    if (records.length < capacity) records.push(mapsRecord(region, depth + below, recordBytes));
  }
  return { bytes: joined(records, recordBytes), available };
}

/** ZX_INFO_PROCESS_MAPS: the address space, its root region, and all in it. */
export function processMaps(
  space: AddressSpace,
  capacity: number,
  recordBytes: MapsRecordBytes,
): InfoRecords {
  if (capacity === 0)
    return { bytes: new Uint8Array(0), available: vmarMaps(space.rootVmar, 0, recordBytes).available + 1 };
  const head = new Uint8Array(recordBytes);
  const view = new DataView(head.buffer);
  setPages(view, info.INFO_MAPS_BASE, space.rootVmar.vpn);
  setPages(view, info.INFO_MAPS_SIZE, space.rootVmar.pages);
  view.setUint32(info.INFO_MAPS_TYPE, info.ZX_INFO_MAPS_TYPE_ASPACE, true);
  const rest = vmarMaps(space.rootVmar, capacity - 1, recordBytes, 1);
  const bytes = new Uint8Array(head.length + rest.bytes.length);
  bytes.set(head);
  bytes.set(rest.bytes, head.length);
  return { bytes, available: rest.available + 1 };
}

function joined(records: readonly Uint8Array[], recordBytes: number): Uint8Array {
  const bytes = new Uint8Array(records.length * recordBytes);
  records.forEach((record, index) => bytes.set(record, index * recordBytes));
  return bytes;
}

function vmoTopic(topic: number, recordBytes: number): InfoTopic {
  return {
    topic,
    object: VmoDispatcher,
    rights: ZX_RIGHT_NONE,
    recordBytes,
    form: 'single',
    read: (_caller, dispatcher, handle) =>
      oneRecord(vmoRecord(dispatcher as VmoDispatcher, handle.rights).subarray(0, recordBytes)),
  };
}

export const VM_INFO_TOPICS: readonly InfoTopic[] = [
  vmoTopic(info.ZX_INFO_VMO, info.INFO_VMO_BYTES),
  vmoTopic(info.ZX_INFO_VMO_V3, info.INFO_VMO_V3_BYTES),
  vmoTopic(info.ZX_INFO_VMO_V2, info.INFO_VMO_V2_BYTES),
  vmoTopic(info.ZX_INFO_VMO_V1, info.INFO_VMO_V1_BYTES),
  {
    topic: info.ZX_INFO_VMAR,
    object: VmarDispatcher,
    rights: ZX_RIGHT_INSPECT,
    recordBytes: info.INFO_VMAR_BYTES,
    form: 'single',
    read: (_caller, dispatcher) => oneRecord(vmarRecord(dispatcher as VmarDispatcher)),
  },
  {
    topic: info.ZX_INFO_VMAR_MAPS,
    object: VmarDispatcher,
    rights: ZX_RIGHT_INSPECT,
    recordBytes: info.INFO_MAPS_BYTES,
    form: 'list',
    read: (_caller, dispatcher, _handle, capacity) =>
      vmarMaps(dispatcher as VmarDispatcher, capacity, info.INFO_MAPS_BYTES),
  },
];
