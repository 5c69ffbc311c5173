/** Sub-regions: their limits, ranges that reach into them, and what is listed of them. */
import { beforeEach, describe, expect, it } from 'vitest';
import {
  INFO_MAPS_BASE,
  INFO_MAPS_BYTES,
  INFO_MAPS_COMMITTED_BYTES,
  INFO_MAPS_DEPTH,
  INFO_MAPS_MMU_FLAGS,
  INFO_MAPS_POPULATED_BYTES,
  INFO_MAPS_SIZE,
  INFO_MAPS_TYPE,
  INFO_MAPS_VMO_KOID,
  INFO_MAPS_VMO_OFFSET,
  ZX_INFO_MAPS_TYPE_MAPPING,
  ZX_INFO_MAPS_TYPE_VMAR,
  ZX_INFO_VMAR_MAPS,
} from '../../src/abi/info.js';
import { ZX_RIGHT_MAP, ZX_RIGHT_READ, ZX_RIGHT_WRITE } from '../../src/abi/rights.js';
import {
  ZX_ERR_ACCESS_DENIED,
  ZX_ERR_ALREADY_EXISTS,
  ZX_ERR_BAD_STATE,
  ZX_ERR_INVALID_ARGS,
  ZX_ERR_NOT_FOUND,
  ZX_ERR_OUT_OF_RANGE,
  ZX_ERR_NOT_SUPPORTED,
  ZX_OK,
} from '../../src/abi/status.js';
import {
  ZX_VM_ALIGN_BASE,
  ZX_VM_CAN_MAP_READ,
  ZX_VM_CAN_MAP_SPECIFIC,
  ZX_VM_CAN_MAP_WRITE,
  ZX_VM_COMPACT,
  ZX_VM_MAP_RANGE,
  ZX_VM_OFFSET_IS_UPPER_LIMIT,
  ZX_VM_PERM_READ,
  ZX_VM_PERM_WRITE,
  ZX_VM_SPECIFIC,
  ZX_VM_SPECIFIC_OVERWRITE,
  ZX_VMAR_OP_ALWAYS_NEED,
  ZX_VMAR_OP_COMMIT,
  ZX_VMAR_OP_DECOMMIT,
  ZX_VMAR_OP_DONT_NEED,
  ZX_VMAR_OP_MAP_RANGE,
  ZX_VMAR_OP_PREFETCH,
  ZX_VMAR_OP_ZERO,
  ZX_VMO_CHILD_SLICE,
  ZX_VMO_RESIZABLE,
} from '../../src/abi/vm.js';
import type { HostProcess } from '../../src/host/host-process.js';
import type { AddressSpace } from '../../src/vm/address-space.js';
import { GuestThread } from '../support/guest-thread.js';
import type { Outcome } from '../support/thread-driver.js';
import { ok } from '../support/user-pager.js';
import { PAGE, VmFixture } from '../support/vm-fixture.js';

const RW = ZX_VM_PERM_READ | ZX_VM_PERM_WRITE;
const CAN_RW = ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE | ZX_VM_CAN_MAP_SPECIFIC;

let fixture: VmFixture;
let host: HostProcess;
let space: AddressSpace;
let root: number;
let vmo: number;
/** A region of 16 pages, in which everything happens. */
let region: number;
let base: number;

beforeEach(async () => {
  fixture = await VmFixture.create();
  host = fixture.host;
  ({ space, vmar: root } = fixture.space());
  vmo = ok(host.vmoCreate(8 * PAGE, 0)).handle;
  ({ handle: region, address: base } = ok(host.vmarAllocate(root, CAN_RW, 0, 16 * PAGE)));
});

function access(kind: 'read' | 'write', page: number, value = 0n): Outcome {
  return GuestThread.start(fixture, space, kind, base + page * PAGE, value).outcome;
}

const crash = (page: number, status: number): Outcome => ({
  end: 'crash',
  address: base + page * PAGE,
  status,
});

function allocateAt(parent: number, page: number, pages: number, options = CAN_RW): { handle: number } {
  return ok(host.vmarAllocate(parent, options | ZX_VM_SPECIFIC, page * PAGE, pages * PAGE));
}

function mapAt(parent: number, page: number, pages: number, permissions = RW): void {
  ok(host.vmarMap(parent, permissions | ZX_VM_SPECIFIC, page * PAGE, vmo, 0, pages * PAGE));
}

const unmap = (handle: number, page: number, pages: number): number =>
  host.vmarUnmap(handle, base + page * PAGE, pages * PAGE).status;

async function op(handle: number, operation: number, page: number, pages: number): Promise<number> {
  return (await host.vmarOpRange(handle, operation, base + page * PAGE, pages * PAGE)).status;
}

describe('zx_vmar_allocate', () => {
  const allocate = (options: number, page: number, pages: number, parent = region): number =>
    host.vmarAllocate(parent, options, page * PAGE, pages * PAGE).status;

  it('places regions where it is told, or below a limit', () => {
    expect(allocate(CAN_RW | ZX_VM_SPECIFIC, 4, 4)).toBe(ZX_OK);
    expect(allocate(CAN_RW | ZX_VM_SPECIFIC, 7, 2)).toBe(ZX_ERR_ALREADY_EXISTS);
    expect(allocate(CAN_RW | ZX_VM_SPECIFIC, 12, 5)).toBe(ZX_ERR_INVALID_ARGS);
    expect(allocate(CAN_RW | ZX_VM_SPECIFIC | ZX_VM_OFFSET_IS_UPPER_LIMIT, 8, 1)).toBe(ZX_ERR_INVALID_ARGS);
    expect(allocate(CAN_RW | ZX_VM_OFFSET_IS_UPPER_LIMIT, 17, 1)).toBe(ZX_ERR_INVALID_ARGS);
    const below = ok(host.vmarAllocate(region, CAN_RW | ZX_VM_OFFSET_IS_UPPER_LIMIT, 4 * PAGE, 3 * PAGE));
    expect(below.address + 3 * PAGE).toBeLessThanOrEqual(base + 4 * PAGE);
    const aligned = CAN_RW | (14 << ZX_VM_ALIGN_BASE);
    expect(ok(host.vmarAllocate(region, aligned, 0, PAGE)).address % 2 ** 14).toBe(0);
    expect(allocate(CAN_RW | ZX_VM_COMPACT, 0, 1)).toBe(ZX_OK);
  });

  it('needs CAN_MAP_SPECIFIC of its parent for a place of its own choice', () => {
    const anywhere = allocateAt(region, 0, 8, ZX_VM_CAN_MAP_READ).handle;
    expect(allocate(ZX_VM_CAN_MAP_READ | ZX_VM_SPECIFIC, 0, 1, anywhere)).toBe(ZX_ERR_ACCESS_DENIED);
    expect(allocate(ZX_VM_CAN_MAP_READ | ZX_VM_OFFSET_IS_UPPER_LIMIT, 4, 1, anywhere)).toBe(
      ZX_ERR_ACCESS_DENIED,
    );
    expect(allocate(ZX_VM_CAN_MAP_READ, 0, 1, anywhere)).toBe(ZX_OK);
  });

  it('gives handles the rights of what the region can map', () => {
    const { handle } = allocateAt(region, 0, 1, ZX_VM_CAN_MAP_READ);
    const rights = host.handles.get(handle)?.rights ?? 0;
    expect(rights & (ZX_RIGHT_READ | ZX_RIGHT_WRITE)).toBe(ZX_RIGHT_READ);
  });
});

describe('a region that has ended', () => {
  it('refuses everything', async () => {
    const { handle } = allocateAt(region, 0, 8);
    mapAt(handle, 0, 4);
    expect(access('write', 0, 1n).end).toBe('done');
    ok(host.vmarDestroy(handle));
    expect(access('read', 0)).toEqual(crash(0, ZX_ERR_NOT_FOUND));
    expect(host.vmarMap(handle, RW, 0, vmo, 0, PAGE).status).toBe(ZX_ERR_BAD_STATE);
    expect(host.vmarAllocate(handle, CAN_RW, 0, PAGE).status).toBe(ZX_ERR_BAD_STATE);
    expect(unmap(handle, 0, 1)).toBe(ZX_ERR_BAD_STATE);
    expect(host.vmarProtect(handle, RW, base, PAGE).status).toBe(ZX_ERR_BAD_STATE);
    expect(host.vmarDestroy(handle).status).toBe(ZX_ERR_BAD_STATE);
    expect(await op(handle, ZX_VMAR_OP_ZERO, 0, 1)).toBe(ZX_ERR_BAD_STATE);
    // Its place is free again.
    mapAt(region, 0, 4);
    expect(access('read', 0)).toEqual({ end: 'done', value: 1n });
    fixture.expectNoLeaks();
  });
});

describe('zx_vmar_map', () => {
  it('over others cuts mappings, and does not touch regions', () => {
    mapAt(region, 0, 4);
    allocateAt(region, 8, 4);
    const over = RW | ZX_VM_SPECIFIC_OVERWRITE;
    const map = (page: number, pages: number): number =>
      host.vmarMap(region, over, page * PAGE, vmo, 4 * PAGE, pages * PAGE).status;
    for (let page = 0; page < 4; page += 1) access('write', page, BigInt(page + 1));
    expect(map(6, 4)).toBe(ZX_ERR_INVALID_ARGS);
    expect(access('read', 6)).toEqual(crash(6, ZX_ERR_NOT_FOUND));
    expect(map(1, 2)).toBe(ZX_OK);
    expect([0, 1, 2, 3].map((page) => access('read', page))).toEqual(
      [1n, 0n, 0n, 4n].map((value) => ({ end: 'done', value })),
    );
    expect(map(14, 3)).toBe(ZX_ERR_INVALID_ARGS);
  });

  it('takes resizable VMOs without ALLOW_FAULTS, and what they lose is out of range', async () => {
    const resizable = ok(host.vmoCreate(2 * PAGE, ZX_VMO_RESIZABLE)).handle;
    ok(host.vmarMap(region, RW | ZX_VM_SPECIFIC, 0, resizable, 0, 2 * PAGE));
    expect(access('write', 1, 5n).end).toBe('done');
    ok(await host.vmoSetSize(resizable, PAGE));
    expect(access('read', 1)).toEqual(crash(1, ZX_ERR_OUT_OF_RANGE));
    ok(await host.vmoSetSize(resizable, 2 * PAGE));
    expect(access('read', 1)).toEqual({ end: 'done', value: 0n });
  });

  it('with MAP_RANGE maps what is resident, and no more', () => {
    expect(host.call('vmo_write', vmo, Uint8Array.of(1), 2 * PAGE, 1)).toBe(ZX_OK);
    const frames = fixture.physical.freeCount;
    const { address } = ok(host.vmarMap(region, RW | ZX_VM_MAP_RANGE, 0, vmo, 0, 8 * PAGE));
    const vpn = address / PAGE;
    expect([space.tables.count(vpn, vpn + 8), space.tables.count(vpn + 2, vpn + 3)]).toEqual([1, 1]);
    // Two tables on the way to the page.
    expect(frames - fixture.physical.freeCount).toBeLessThanOrEqual(2);
  });
});

describe('zx_vmar_unmap', () => {
  it('cuts a mapping at both ends, and takes whole ones between', () => {
    for (const page of [0, 4, 8]) mapAt(region, page, 4);
    for (let page = 0; page < 12; page += 1) access('write', page, BigInt(page));
    expect(unmap(region, 2, 8)).toBe(ZX_OK);
    const ends = Array.from({ length: 12 }, (_, page) => access('read', page).end);
    expect(ends.map((end) => end === 'done')).toEqual([
      ...[true, true, false, false, false, false, false, false, false, false, true, true],
    ]);
  });

  it('rounds the length up, and refuses to cut regions', () => {
    mapAt(region, 0, 2);
    allocateAt(region, 4, 4);
    expect(host.vmarUnmap(region, base, PAGE + 1).status).toBe(ZX_OK);
    expect(access('read', 1)).toEqual(crash(1, ZX_ERR_NOT_FOUND));
    mapAt(region, 0, 2);
    for (const [page, pages] of [
      [0, 5],
      [6, 4],
      [5, 2],
    ])
      expect(unmap(region, page, pages)).toBe(ZX_ERR_INVALID_ARGS);
    expect(access('read', 1).end).toBe('done');
    const weak = fixture.withRights(region, ZX_RIGHT_READ | ZX_RIGHT_WRITE);
    expect(unmap(weak, 0, 16)).toBe(ZX_ERR_INVALID_ARGS);
    expect(unmap(region, 0, 16)).toBe(ZX_OK);
  });
});

describe('zx_vmar_protect', () => {
  it('changes nothing when a part of the range cannot be changed', () => {
    mapAt(region, 0, 2);
    const readable = fixture.withRights(vmo, ZX_RIGHT_MAP | ZX_RIGHT_READ);
    ok(host.vmarMap(region, ZX_VM_PERM_READ | ZX_VM_SPECIFIC, 2 * PAGE, readable, 0, PAGE));
    const protect = (options: number, pages: number): number =>
      host.vmarProtect(region, options, base, pages * PAGE).status;
    expect(protect(ZX_VM_PERM_READ, 4)).toBe(ZX_ERR_NOT_FOUND);
    expect(access('write', 0, 1n).end).toBe('done');
    ok(host.vmarProtect(region, 0, base, PAGE));
    expect(protect(RW, 3)).toBe(ZX_ERR_ACCESS_DENIED);
    expect(access('read', 0)).toEqual(crash(0, ZX_ERR_ACCESS_DENIED));
    expect(access('write', 1, 1n).end).toBe('done');
  });
});

describe('zx_vmar_op_range', () => {
  beforeEach(() => {
    mapAt(region, 0, 2);
    mapAt(allocateAt(region, 2, 2).handle, 0, 2);
  });

  it.each([
    ['COMMIT', ZX_VMAR_OP_COMMIT],
    ['DECOMMIT', ZX_VMAR_OP_DECOMMIT],
    ['PREFETCH', ZX_VMAR_OP_PREFETCH],
  ])('%s does not reach into sub-regions', async (_name, operation) => {
    expect(access('write', 0, 1n).end).toBe('done');
    expect(await op(region, operation, 0, 4)).toBe(ZX_ERR_INVALID_ARGS);
    expect(access('read', 0)).toEqual({ end: 'done', value: 1n });
    expect(await op(region, operation, 0, 2)).toBe(ZX_OK);
  });

  it.each([
    ['MAP_RANGE', ZX_VMAR_OP_MAP_RANGE],
    ['ZERO', ZX_VMAR_OP_ZERO],
    ['ALWAYS_NEED', ZX_VMAR_OP_ALWAYS_NEED],
    ['DONT_NEED', ZX_VMAR_OP_DONT_NEED],
  ])('%s reaches into sub-regions with OP_CHILDREN', async (_name, operation) => {
    const weak = fixture.withRights(region, ZX_RIGHT_READ | ZX_RIGHT_WRITE);
    expect(access('write', 2, 1n).end).toBe('done');
    expect(await op(weak, operation, 0, 4)).toBe(ZX_ERR_INVALID_ARGS);
    expect(access('read', 2)).toEqual({ end: 'done', value: 1n });
    expect(await op(region, operation, 0, 4)).toBe(ZX_OK);
    expect(access('read', 2)).toEqual({ end: 'done', value: operation === ZX_VMAR_OP_ZERO ? 0n : 1n });
    expect(await op(region, operation, 0, 5)).toBe(ZX_ERR_BAD_STATE);
  });

  it('takes no buffer', () => {
    const call = (buffer: Uint8Array | null, size: number): number =>
      host.call('vmar_op_range', region, ZX_VMAR_OP_ZERO, base, PAGE, buffer, size);
    expect(call(new Uint8Array(8), 0)).toBe(ZX_ERR_INVALID_ARGS);
    expect(call(null, 8)).toBe(ZX_ERR_INVALID_ARGS);
  });

  it('installs what COMMIT and PREFETCH have made sure of', async () => {
    const vpn = base / PAGE;
    expect(await op(region, ZX_VMAR_OP_COMMIT, 0, 2)).toBe(ZX_OK);
    expect(space.tables.count(vpn, vpn + 2)).toBe(2);
  });

  it('gives frames back only of memory that is all the mapping’s own', async () => {
    const slice = ok(host.vmoCreateChild(vmo, ZX_VMO_CHILD_SLICE, 2 * PAGE, 2 * PAGE)).handle;
    ok(host.vmarMap(region, RW | ZX_VM_SPECIFIC, 8 * PAGE, slice, 0, 2 * PAGE));
    expect(access('write', 8, 9n).end).toBe('done');
    expect(await op(region, ZX_VMAR_OP_DECOMMIT, 8, 2)).toBe(ZX_ERR_NOT_SUPPORTED);
    expect(access('read', 8)).toEqual({ end: 'done', value: 9n });
    expect(await op(region, ZX_VMAR_OP_ZERO, 8, 1)).toBe(ZX_OK);
    expect(access('read', 8)).toEqual({ end: 'done', value: 0n });
  });
});

describe('ZX_INFO_VMAR_MAPS', () => {
  it('has every region and mapping with its place, depth, permissions and pages', () => {
    const inner = allocateAt(region, 4, 4).handle;
    mapAt(inner, 1, 2, ZX_VM_PERM_READ);
    ok(host.vmarMap(region, RW | ZX_VM_SPECIFIC, 0, vmo, 3 * PAGE, 2 * PAGE));
    expect(access('write', 1, 1n).end).toBe('done');
    const bytes = new Uint8Array(8 * INFO_MAPS_BYTES);
    const { status, actual, available } = host.objectGetInfo(region, ZX_INFO_VMAR_MAPS, bytes);
    expect([status, actual, available]).toEqual([ZX_OK, 4, 4]);
    const view = new DataView(bytes.buffer);
    const koid = BigInt(host.handles.get(vmo)?.dispatcher.koid ?? 0);
    const rows = [0, 1, 2, 3].map((index) => {
      const at = index * INFO_MAPS_BYTES;
      const u64 = (field: number): number => Number(view.getBigUint64(at + field, true));
      const row = [
        view.getUint32(at + INFO_MAPS_TYPE, true),
        u64(INFO_MAPS_DEPTH),
        (u64(INFO_MAPS_BASE) - base) / PAGE,
        u64(INFO_MAPS_SIZE) / PAGE,
      ];
      if (row[0] !== ZX_INFO_MAPS_TYPE_MAPPING) return row;
      expect(view.getBigUint64(at + INFO_MAPS_VMO_KOID, true)).toBe(koid);
      return [
        ...row,
        view.getUint32(at + INFO_MAPS_MMU_FLAGS, true),
        u64(INFO_MAPS_VMO_OFFSET) / PAGE,
        u64(INFO_MAPS_COMMITTED_BYTES) / PAGE,
        u64(INFO_MAPS_POPULATED_BYTES) / PAGE,
      ];
    });
    expect(rows).toEqual([
      [ZX_INFO_MAPS_TYPE_VMAR, 0, 0, 16],
      [ZX_INFO_MAPS_TYPE_MAPPING, 1, 0, 2, RW, 3, 1, 1],
      [ZX_INFO_MAPS_TYPE_VMAR, 1, 4, 4],
      [ZX_INFO_MAPS_TYPE_MAPPING, 2, 5, 2, ZX_VM_PERM_READ, 0, 0, 0],
    ]);
  });
});
