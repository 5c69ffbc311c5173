/** Regions and mappings: checks in their order, and what accesses on the hart see. */
import { beforeEach, describe, expect, it } from 'vitest';
import { INFO_MAPS_BYTES, INFO_MAPS_SIZE, INFO_MAPS_TYPE, ZX_INFO_VMAR_MAPS } from '../../src/abi/info.js';
import {
  ZX_RIGHTS_BASIC,
  ZX_RIGHT_EXECUTE,
  ZX_RIGHT_MAP,
  ZX_RIGHT_OP_CHILDREN,
  ZX_RIGHT_READ,
  ZX_RIGHT_WRITE,
} from '../../src/abi/rights.js';
import {
  ZX_ERR_ACCESS_DENIED,
  ZX_ERR_ALREADY_EXISTS,
  ZX_ERR_BAD_HANDLE,
  ZX_ERR_BAD_STATE,
  ZX_ERR_INVALID_ARGS,
  ZX_ERR_NOT_FOUND,
  ZX_ERR_NOT_SUPPORTED,
  ZX_ERR_NO_MEMORY,
  ZX_ERR_NO_RESOURCES,
  ZX_ERR_OUT_OF_RANGE,
  ZX_ERR_WRONG_TYPE,
  ZX_OK,
} from '../../src/abi/status.js';
import {
  ZX_VM_ALIGN_BASE,
  ZX_VM_ALLOW_FAULTS,
  ZX_VM_CAN_MAP_EXECUTE,
  ZX_VM_CAN_MAP_READ,
  ZX_VM_CAN_MAP_SPECIFIC,
  ZX_VM_CAN_MAP_WRITE,
  ZX_VM_COMPACT,
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
  ZX_VMAR_OP_DECOMMIT,
  ZX_VMAR_OP_MAP_RANGE,
  ZX_VMAR_OP_ZERO,
  ZX_VMO_DISCARDABLE,
  ZX_VMO_RESIZABLE,
} from '../../src/abi/vm.js';
import type { HostProcess } from '../../src/host/host-process.js';
import type { AddressSpace } from '../../src/vm/address-space.js';
import { GuestThread } from '../support/guest-thread.js';
import type { Outcome } from '../support/thread-driver.js';
import { ok } from '../support/user-pager.js';
import { PAGE, VmFixture } from '../support/vm-fixture.js';

const RW = ZX_VM_PERM_READ | ZX_VM_PERM_WRITE;
const CAN_ALL = ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE | ZX_VM_CAN_MAP_EXECUTE | ZX_VM_CAN_MAP_SPECIFIC;
const NO_HANDLE = 0xffff_ffff;

let fixture: VmFixture;
let host: HostProcess;
let space: AddressSpace;
let vmar: number;
let vmo: number;

beforeEach(async () => {
  fixture = await VmFixture.create();
  host = fixture.host;
  ({ space, vmar } = fixture.space());
  vmo = ok(host.vmoCreate(4 * PAGE, 0)).handle;
});

function access(kind: 'read' | 'write' | 'execute', address: number, value = 0n): Outcome {
  return GuestThread.start(fixture, space, kind, address, value).outcome;
}

const done = (value: bigint): Outcome => ({ end: 'done', value });
const crash = (address: number, status: number): Outcome => ({ end: 'crash', address, status });

const map = (options: number, pages = 1, offset = 0, vmoOffset = 0): number =>
  host.vmarMap(vmar, options, offset, vmo, vmoOffset, pages * PAGE).status;

describe('zx_vmar_map', () => {
  it('refuses handles', () => {
    expect(host.vmarMap(NO_HANDLE, RW, 0, vmo, 0, PAGE).status).toBe(ZX_ERR_BAD_HANDLE);
    expect(host.vmarMap(vmo, RW, 0, vmo, 0, PAGE).status).toBe(ZX_ERR_WRONG_TYPE);
    expect(host.vmarMap(vmar, RW, 0, vmar, 0, PAGE).status).toBe(ZX_ERR_WRONG_TYPE);
    const unmappable = fixture.withRights(vmo, ZX_RIGHTS_BASIC | ZX_RIGHT_READ);
    expect(host.vmarMap(vmar, ZX_VM_PERM_WRITE, 0, unmappable, 0, PAGE).status).toBe(ZX_ERR_ACCESS_DENIED);
  });

  it('refuses options', () => {
    for (const options of [
      ZX_VM_PERM_WRITE,
      ZX_VM_PERM_EXECUTE,
      RW | ZX_VM_MAP_RANGE | ZX_VM_SPECIFIC_OVERWRITE,
      RW | ZX_VM_CAN_MAP_READ,
      RW | ZX_VM_FAULT_BEYOND_STREAM_SIZE,
      RW | ZX_VM_COMPACT,
      RW | ZX_VM_CAN_MAP_SPECIFIC,
      RW | (9 << ZX_VM_ALIGN_BASE),
      RW | (33 << ZX_VM_ALIGN_BASE),
      RW | (1 << 20),
      RW | ZX_VM_SPECIFIC | ZX_VM_OFFSET_IS_UPPER_LIMIT,
    ]) {
      expect([options, map(options)]).toEqual([options, ZX_ERR_INVALID_ARGS]);
    }
  });

  it('needs the rights for its permissions on both handles', () => {
    const readable = fixture.withRights(vmo, ZX_RIGHT_MAP | ZX_RIGHT_READ);
    expect(host.vmarMap(vmar, RW, 0, readable, 0, PAGE).status).toBe(ZX_ERR_ACCESS_DENIED);
    expect(host.vmarMap(vmar, ZX_VM_PERM_READ | ZX_VM_PERM_EXECUTE, 0, vmo, 0, PAGE).status).toBe(
      ZX_ERR_ACCESS_DENIED,
    );
    const readRegion = fixture.withRights(vmar, ZX_RIGHT_READ);
    expect(host.vmarMap(readRegion, RW, 0, vmo, 0, PAGE).status).toBe(ZX_ERR_ACCESS_DENIED);
    expect(host.vmarMap(readRegion, ZX_VM_PERM_READ, 0, readable, 0, PAGE).status).toBe(ZX_OK);
  });

  it('refuses kinds of VMOs', () => {
    const resizable = ok(host.vmoCreate(PAGE, ZX_VMO_RESIZABLE)).handle;
    expect(host.vmarMap(vmar, RW | ZX_VM_REQUIRE_NON_RESIZABLE, 0, resizable, 0, PAGE).status).toBe(
      ZX_ERR_NOT_SUPPORTED,
    );
    expect(host.vmarMap(vmar, RW, 0, resizable, 0, PAGE).status).toBe(ZX_OK);
    const discardable = ok(host.vmoCreate(PAGE, ZX_VMO_DISCARDABLE)).handle;
    expect(host.vmarMap(vmar, RW, 0, discardable, 0, PAGE).status).toBe(ZX_ERR_NOT_SUPPORTED);
    expect(host.vmarMap(vmar, RW | ZX_VM_ALLOW_FAULTS, 0, discardable, 0, PAGE).status).toBe(ZX_OK);
  });

  it('refuses ranges', () => {
    expect(host.vmarMap(vmar, RW, 0, vmo, 0, 0).status).toBe(ZX_ERR_INVALID_ARGS);
    expect(host.vmarMap(vmar, RW, 0, vmo, 0, 0xffff_ffff_ffff_ffffn).status).toBe(ZX_ERR_OUT_OF_RANGE);
    expect(host.vmarMap(vmar, RW, 0, vmo, 1, PAGE).status).toBe(ZX_ERR_INVALID_ARGS);
    expect(host.vmarMap(vmar, RW, 0, vmo, 0xffff_ffff_ffff_f000n, 2 * PAGE).status).toBe(ZX_ERR_OUT_OF_RANGE);
    expect(map(RW, 1, PAGE)).toBe(ZX_ERR_INVALID_ARGS);
    expect(map(RW | ZX_VM_SPECIFIC, 1, 1)).toBe(ZX_ERR_INVALID_ARGS);
    expect(map(RW | ZX_VM_SPECIFIC, 1, 2 ** 38)).toBe(ZX_ERR_INVALID_ARGS);
    expect(map(RW, 2 ** 27)).toBe(ZX_ERR_NO_RESOURCES);
  });

  it('obeys what the region may map', () => {
    const inner = ok(host.vmarAllocate(vmar, ZX_VM_CAN_MAP_READ, 0, 4 * PAGE)).handle;
    const all = fixture.withRights(inner, ZX_RIGHT_READ | ZX_RIGHT_WRITE | ZX_RIGHT_OP_CHILDREN);
    expect(host.vmarMap(all, RW, 0, vmo, 0, PAGE).status).toBe(ZX_ERR_ACCESS_DENIED);
    expect(host.vmarMap(all, ZX_VM_PERM_READ | ZX_VM_SPECIFIC, 0, vmo, 0, PAGE).status).toBe(
      ZX_ERR_ACCESS_DENIED,
    );
    expect(host.vmarMap(all, ZX_VM_PERM_READ, 0, vmo, 0, PAGE).status).toBe(ZX_OK);
  });

  it('places mappings where it is told', () => {
    const base = space.rootVmar.vpn * PAGE;
    const at = ok(host.vmarMap(vmar, RW | ZX_VM_SPECIFIC, 8 * PAGE, vmo, 0, 2 * PAGE));
    expect(at.address).toBe(base + 8 * PAGE);
    expect(map(RW | ZX_VM_SPECIFIC, 1, 9 * PAGE)).toBe(ZX_ERR_ALREADY_EXISTS);
    expect(map(RW | ZX_VM_SPECIFIC_OVERWRITE, 1, 9 * PAGE)).toBe(ZX_OK);
    expect(ok(host.vmarMap(vmar, RW | (16 << ZX_VM_ALIGN_BASE), 0, vmo, 0, PAGE)).address % 2 ** 16).toBe(0);
    const below = ok(host.vmarMap(vmar, RW | ZX_VM_OFFSET_IS_UPPER_LIMIT, 8 * PAGE, vmo, 0, 2 * PAGE));
    expect(below.address + 2 * PAGE).toBeLessThanOrEqual(base + 8 * PAGE);
    expect(map(RW | ZX_VM_OFFSET_IS_UPPER_LIMIT, 3, 2 * PAGE)).toBe(ZX_ERR_NO_RESOURCES);
  });

  it('reads what system calls wrote, and the other way round', async () => {
    const { address } = ok(host.vmarMap(vmar, RW, 0, vmo, PAGE, 2 * PAGE));
    expect(access('read', address)).toEqual(done(0n));
    ok(await host.vmoWrite(vmo, Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0), PAGE));
    expect(access('read', address)).toEqual(done(1n));
    expect(access('write', address + PAGE, 0x1234n)).toEqual(done(0x1234n));
    const into = new Uint8Array(2);
    ok(await host.vmoRead(vmo, into, 2 * PAGE));
    expect(into).toEqual(Uint8Array.of(0x34, 0x12));
  });

  it('keeps the VMO when its handle is closed, and lets go of it when it is unmapped', () => {
    const before = fixture.state.liveObjects;
    const { address } = ok(host.vmarMap(vmar, RW, 0, vmo, 0, PAGE));
    host.handleClose(vmo);
    expect(access('write', address, 5n)).toEqual(done(5n));
    expect(fixture.state.liveObjects).toBe(before + 1);
    ok(host.vmarUnmap(vmar, address, PAGE));
    expect(fixture.state.liveObjects).toBe(before);
  });

  it('crashes with the reason', async () => {
    const readOnly = ok(host.vmarMap(vmar, ZX_VM_PERM_READ, 0, vmo, 0, 5 * PAGE)).address;
    const hole = readOnly + 64 * PAGE;
    expect(access('read', hole + 8)).toEqual(crash(hole + 8, ZX_ERR_NOT_FOUND));
    expect(access('write', readOnly + 16)).toEqual(crash(readOnly + 16, ZX_ERR_ACCESS_DENIED));
    expect(access('execute', readOnly)).toEqual(crash(readOnly, ZX_ERR_ACCESS_DENIED));
    expect(access('read', readOnly + 4 * PAGE)).toEqual(crash(readOnly + 4 * PAGE, ZX_ERR_OUT_OF_RANGE));
    const options = ZX_VM_PERM_READ | ZX_VM_ALLOW_FAULTS | ZX_VM_FAULT_BEYOND_STREAM_SIZE;
    const streamed = ok(host.vmarMap(vmar, options, 0, vmo, 0, 4 * PAGE)).address;
    ok(await host.vmoSetStreamSize(vmo, PAGE + 1));
    expect(access('read', streamed + PAGE)).toEqual(done(0n));
    expect(access('read', streamed + 2 * PAGE)).toEqual(crash(streamed + 2 * PAGE, ZX_ERR_OUT_OF_RANGE));
    const nothing = ok(host.vmarMap(vmar, 0, 0, vmo, 0, PAGE)).address;
    expect(access('read', nothing)).toEqual(crash(nothing, ZX_ERR_ACCESS_DENIED));
  });

  it('PERM_READ_IF_XOM_UNSUPPORTED adds READ', () => {
    const executable = ok(host.vmoReplaceAsExecutable(vmo)).handle;
    const options = ZX_VM_PERM_EXECUTE | ZX_VM_PERM_READ_IF_XOM_UNSUPPORTED;
    const { address } = ok(host.vmarMap(vmar, options, 0, executable, 0, PAGE));
    expect(access('read', address)).toEqual(done(0n));
  });

  it('makes nothing when its result cannot be given', () => {
    const before = space.rootVmar.mappingAt(space.rootVmar.vpn);
    expect(host.call('vmar_map', vmar, RW, 0, vmo, 0, PAGE, null)).toBe(ZX_ERR_INVALID_ARGS);
    expect(before).toBe(null);
    expect([...space.rootVmar.tree()]).toEqual([]);
    fixture.expectNoLeaks();
  });
});

describe('zx_vmar_unmap', () => {
  it('cuts mappings and keeps the rest', () => {
    const { address } = ok(host.vmarMap(vmar, RW, 0, vmo, 0, 4 * PAGE));
    for (let page = 0; page < 4; page += 1) access('write', address + page * PAGE, BigInt(page + 1));
    ok(host.vmarUnmap(vmar, address + PAGE, 1));
    expect([0, 2, 3].map((page) => access('read', address + page * PAGE))).toEqual([
      done(1n),
      done(3n),
      done(4n),
    ]);
    expect(access('read', address + PAGE)).toEqual(crash(address + PAGE, ZX_ERR_NOT_FOUND));
    expect(
      [...space.rootVmar.tree()].filter(([region]) => region.vpn * PAGE < address + 4 * PAGE),
    ).toHaveLength(2);
  });

  it('accepts ranges with nothing in them, and refuses the rest', () => {
    const address = space.rootVmar.vpn * PAGE;
    expect(host.vmarUnmap(vmar, address, PAGE).status).toBe(ZX_OK);
    expect(host.vmarUnmap(vmar, address + 1, PAGE).status).toBe(ZX_ERR_INVALID_ARGS);
    expect(host.vmarUnmap(vmar, address, 0).status).toBe(ZX_ERR_INVALID_ARGS);
    expect(host.vmarUnmap(vmar, 0, PAGE).status).toBe(ZX_ERR_INVALID_ARGS);
    expect(host.vmarUnmap(vmar, address, 0xffff_ffff_ffff_0000n).status).toBe(ZX_ERR_INVALID_ARGS);
  });

  it('takes sub-regions as a whole, and only with OP_CHILDREN', () => {
    const region = ok(host.vmarAllocate(vmar, CAN_ALL, 0, 4 * PAGE));
    ok(host.vmarMap(region.handle, RW, 0, vmo, 0, PAGE));
    expect(host.vmarUnmap(vmar, region.address, PAGE).status).toBe(ZX_ERR_INVALID_ARGS);
    const weak = fixture.withRights(vmar, ZX_RIGHT_READ);
    expect(host.vmarUnmap(weak, region.address, 4 * PAGE).status).toBe(ZX_ERR_INVALID_ARGS);
    expect(host.vmarUnmap(vmar, region.address, 4 * PAGE).status).toBe(ZX_OK);
    expect(host.vmarMap(region.handle, RW, 0, vmo, 0, PAGE).status).toBe(ZX_ERR_BAD_STATE);
    fixture.expectNoLeaks();
  });

  it('frees page tables', () => {
    const free = fixture.physical.freeCount;
    const { address } = ok(host.vmarMap(vmar, RW, 0, vmo, 0, 4 * PAGE));
    access('write', address, 1n);
    const tables = space.tables.frames;
    expect(fixture.physical.freeCount).toBeLessThan(free - 2);
    ok(host.vmarUnmap(vmar, address, 4 * PAGE));
    expect(space.tables.frames).toBe(tables - 2);
  });
});

describe('zx_vmar_protect', () => {
  it('changes what accesses may do, in parts', () => {
    const { address } = ok(host.vmarMap(vmar, RW, 0, vmo, 0, 3 * PAGE));
    for (let page = 0; page < 3; page += 1) access('write', address + page * PAGE, 7n);
    ok(host.vmarProtect(vmar, ZX_VM_PERM_READ, address + PAGE, PAGE));
    expect(access('write', address + PAGE)).toEqual(crash(address + PAGE, ZX_ERR_ACCESS_DENIED));
    expect(access('read', address + PAGE)).toEqual(done(7n));
    expect(access('write', address + 2 * PAGE, 8n)).toEqual(done(8n));
    ok(host.vmarProtect(vmar, 0, address, 3 * PAGE));
    expect(access('read', address)).toEqual(crash(address, ZX_ERR_ACCESS_DENIED));
    ok(host.vmarProtect(vmar, RW, address, 3 * PAGE));
    expect(access('write', address + PAGE, 9n)).toEqual(done(9n));
  });

  it('refuses in order', () => {
    const { address } = ok(
      host.vmarMap(
        vmar,
        ZX_VM_PERM_READ,
        0,
        fixture.withRights(vmo, ZX_RIGHT_MAP | ZX_RIGHT_READ),
        0,
        2 * PAGE,
      ),
    );
    const readRegion = fixture.withRights(vmar, ZX_RIGHT_READ);
    const protect = (handle: number, options: number, at = address, pages = 2): number =>
      host.vmarProtect(handle, options, at, pages * PAGE).status;
    expect(protect(readRegion, RW)).toBe(ZX_ERR_ACCESS_DENIED);
    expect(protect(vmar, ZX_VM_PERM_WRITE)).toBe(ZX_ERR_INVALID_ARGS);
    expect(protect(vmar, RW | ZX_VM_SPECIFIC)).toBe(ZX_ERR_INVALID_ARGS);
    expect(protect(vmar, ZX_VM_PERM_READ, address + 1)).toBe(ZX_ERR_INVALID_ARGS);
    expect(protect(vmar, ZX_VM_PERM_READ, address, 0)).toBe(ZX_ERR_INVALID_ARGS);
    expect(protect(vmar, ZX_VM_PERM_READ, address, 3)).toBe(ZX_ERR_NOT_FOUND);
    expect(protect(vmar, RW)).toBe(ZX_ERR_ACCESS_DENIED);
    expect(protect(vmar, ZX_VM_PERM_READ)).toBe(ZX_OK);
  });

  it('only takes from mappings of sub-regions', () => {
    const region = ok(host.vmarAllocate(vmar, CAN_ALL, 0, 4 * PAGE));
    const { address } = ok(host.vmarMap(region.handle, ZX_VM_PERM_READ, 0, vmo, 0, PAGE));
    expect(host.vmarProtect(vmar, RW, address, PAGE).status).toBe(ZX_ERR_ACCESS_DENIED);
    expect(host.vmarProtect(vmar, 0, address, PAGE).status).toBe(ZX_OK);
    const weak = fixture.withRights(vmar, ZX_RIGHT_READ | ZX_RIGHT_WRITE);
    expect(host.vmarProtect(weak, 0, address, PAGE).status).toBe(ZX_ERR_INVALID_ARGS);
    expect(host.vmarProtect(region.handle, RW, address, PAGE).status).toBe(ZX_OK);
    expect(access('write', address, 4n)).toEqual(done(4n));
  });
});

describe('zx_vmar_allocate, zx_vmar_destroy', () => {
  it('refuses in order', () => {
    const allocate = (handle: number, options: number, offset: number, size: number): number =>
      host.vmarAllocate(handle, options, offset, size).status;
    expect(allocate(fixture.withRights(vmar, ZX_RIGHT_READ), ZX_VM_CAN_MAP_WRITE, 0, PAGE)).toBe(
      ZX_ERR_ACCESS_DENIED,
    );
    expect(allocate(vmar, CAN_ALL | ZX_VM_PERM_READ, 0, PAGE)).toBe(ZX_ERR_INVALID_ARGS);
    expect(allocate(vmar, CAN_ALL | ZX_VM_SPECIFIC_OVERWRITE, 0, PAGE)).toBe(ZX_ERR_INVALID_ARGS);
    expect(allocate(vmar, CAN_ALL, 0, 0)).toBe(ZX_ERR_INVALID_ARGS);
    expect(allocate(vmar, CAN_ALL, 0, 100)).toBe(ZX_ERR_INVALID_ARGS);
    expect(allocate(vmar, CAN_ALL, PAGE, PAGE)).toBe(ZX_ERR_INVALID_ARGS);
    const readOnly = ok(host.vmarAllocate(vmar, ZX_VM_CAN_MAP_READ, 0, 4 * PAGE)).handle;
    const all = fixture.withRights(readOnly, ZX_RIGHT_READ | ZX_RIGHT_WRITE | ZX_RIGHT_EXECUTE);
    expect(allocate(all, ZX_VM_CAN_MAP_WRITE, 0, PAGE)).toBe(ZX_ERR_ACCESS_DENIED);
    expect(allocate(all, ZX_VM_CAN_MAP_READ | ZX_VM_SPECIFIC, 0, PAGE)).toBe(ZX_ERR_ACCESS_DENIED);
    expect(allocate(all, ZX_VM_CAN_MAP_READ, 0, 5 * PAGE)).toBe(ZX_ERR_NO_RESOURCES);
  });

  it('destroys all that is inside, however deep, and leaves the handles dead', () => {
    let handle = vmar;
    const handles: number[] = [];
    for (let depth = 0; depth < 2_000; depth += 1) {
      handle = ok(host.vmarAllocate(handle, CAN_ALL, 0, (2_001 - depth) * PAGE)).handle;
      handles.push(handle);
    }
    const { address } = ok(host.vmarMap(handle, RW, 0, vmo, 0, PAGE));
    expect(access('write', address, 3n)).toEqual(done(3n));
    expect(host.vmarDestroy(vmar).status).toBe(ZX_ERR_NOT_SUPPORTED);
    expect(host.vmarDestroy(fixture.withRights(handles[0], ZX_RIGHT_READ)).status).toBe(ZX_ERR_ACCESS_DENIED);
    expect(host.vmarDestroy(handles[0]).status).toBe(ZX_OK);
    for (const dead of [handles[0], handles[1], handle])
      expect(host.vmarDestroy(dead).status).toBe(ZX_ERR_BAD_STATE);
    expect(access('read', address)).toEqual(crash(address, ZX_ERR_NOT_FOUND));
    fixture.expectNoLeaks();
  });

  it('closing a handle leaves the region', () => {
    const region = ok(host.vmarAllocate(vmar, CAN_ALL, 0, 4 * PAGE));
    const { address } = ok(host.vmarMap(region.handle, RW, 0, vmo, 0, PAGE));
    host.handleClose(region.handle);
    expect(access('write', address, 1n)).toEqual(done(1n));
    fixture.expectNoLeaks();
  });
});

describe('zx_vmar_op_range', () => {
  it('zeroes, decommits and maps what is resident', async () => {
    const { address } = ok(host.vmarMap(vmar, RW, 0, vmo, 0, 4 * PAGE));
    ok(await host.vmoWrite(vmo, new Uint8Array(4 * PAGE).fill(1), 0));
    const op = async (operation: number, page: number, pages: number): Promise<number> =>
      (await host.vmarOpRange(vmar, operation, address + page * PAGE, pages * PAGE)).status;
    expect(await op(ZX_VMAR_OP_MAP_RANGE, 0, 4)).toBe(ZX_OK);
    expect(space.tables.count(address / PAGE, address / PAGE + 4)).toBe(4);
    expect(await op(ZX_VMAR_OP_ZERO, 0, 1)).toBe(ZX_OK);
    expect(await op(ZX_VMAR_OP_DECOMMIT, 1, 1)).toBe(ZX_OK);
    expect([0, 1, 2].map((page) => access('read', address + page * PAGE))).toEqual([
      done(0n),
      done(0n),
      done(0x0101_0101_0101_0101n),
    ]);
    expect(await op(99, 0, 1)).toBe(ZX_ERR_INVALID_ARGS);
    expect(await op(ZX_VMAR_OP_ZERO, 0, 0)).toBe(ZX_ERR_INVALID_ARGS);
    expect(await op(ZX_VMAR_OP_ZERO, -1, 1)).toBe(ZX_ERR_OUT_OF_RANGE);
    expect(await op(ZX_VMAR_OP_ZERO, 3, 2)).toBe(ZX_ERR_BAD_STATE);
    const readOnly = fixture.withRights(vmo, ZX_RIGHT_MAP | ZX_RIGHT_READ);
    const other = ok(host.vmarMap(vmar, ZX_VM_PERM_READ, 0, readOnly, 0, PAGE)).address;
    expect((await host.vmarOpRange(vmar, ZX_VMAR_OP_ZERO, other, PAGE)).status).toBe(ZX_ERR_ACCESS_DENIED);
  });
});

describe('ZX_INFO_VMAR, ZX_INFO_VMAR_MAPS', () => {
  it('lists regions and mappings, depth first', () => {
    const region = ok(host.vmarAllocate(vmar, CAN_ALL, 0, 4 * PAGE));
    ok(host.vmarMap(region.handle, RW, 0, vmo, 0, 2 * PAGE));
    ok(host.vmarMap(vmar, RW, 0, vmo, 0, PAGE));
    expect(host.vmarInfo(region.handle)).toMatchObject({ address: region.address, length: 4 * PAGE });
    const records = new Uint8Array(3 * INFO_MAPS_BYTES);
    const counts = new Uint8Array(16);
    const status = host.call(
      'object_get_info',
      vmar,
      ZX_INFO_VMAR_MAPS,
      records,
      records.length,
      counts.subarray(0, 8),
      counts.subarray(8),
    );
    expect(status).toBe(ZX_OK);
    expect([counts[0], counts[8]]).toEqual([3, 4]);
    const view = new DataView(records.buffer);
    const seen = [0, 1, 2].map((index) => [
      view.getUint32(index * INFO_MAPS_BYTES + INFO_MAPS_TYPE, true),
      Number(view.getBigUint64(index * INFO_MAPS_BYTES + INFO_MAPS_SIZE, true)) / PAGE,
    ]);
    expect(seen).toEqual([
      [2, space.rootVmar.pages],
      [2, 4],
      [3, 2],
    ]);
  });
});

describe('bounds', () => {
  it('mappings of an address space', async () => {
    const small = await VmFixture.create({ limits: { mappingsPerProcess: 8 } });
    const { vmar: root } = small.space();
    const { handle } = ok(small.host.vmoCreate(PAGE, 0));
    let mapped = 0;
    while (small.host.vmarMap(root, RW, 0, handle, 0, PAGE).status === ZX_OK) mapped += 1;
    expect(mapped).toBe(7);
    expect(small.host.vmarMap(root, RW, 0, handle, 0, PAGE).status).toBe(ZX_ERR_NO_RESOURCES);
    small.expectNoLeaks();
  });

  it('frames of page tables', async () => {
    const small = await VmFixture.create({ limits: { pageTableFrames: 7 } });
    const { space: tight, vmar: root } = small.space();
    const { handle } = ok(small.host.vmoCreate(PAGE, 0));
    const outcomes: Outcome[] = [];
    for (let index = 1; index <= 6; index += 1) {
      const offset = index * 2 ** 30;
      const { address } = ok(small.host.vmarMap(root, RW | ZX_VM_SPECIFIC, offset, handle, 0, PAGE));
      outcomes.push(GuestThread.start(small, tight, 'read', address).outcome);
    }
    expect(outcomes.filter(({ end }) => end === 'done')).toHaveLength(2);
    expect(outcomes[5]).toMatchObject({ end: 'crash', status: ZX_ERR_NO_MEMORY });
    small.expectNoLeaks();
  });

  it('anonymous memory that does not fit is a status', async () => {
    const small = await VmFixture.create({ ramBytes: 2 ** 20 });
    const { space: tight, vmar: root } = small.space();
    const { handle } = ok(small.host.vmoCreate(2 ** 21, 0));
    const { address } = ok(small.host.vmarMap(root, RW, 0, handle, 0, 2 ** 21));
    let end: Outcome['end'] = 'done';
    let page = 0;
    for (; end === 'done'; page += 1) {
      const { outcome } = GuestThread.start(small, tight, 'write', address + page * PAGE, 1n);
      end = outcome.end;
      if (outcome.end === 'crash') expect(outcome.status).toBe(ZX_ERR_NO_MEMORY);
    }
    expect(page).toBeGreaterThan(200);
    expect((await small.host.vmoOpRange(handle, 1, 0, 2 ** 21)).status).toBe(ZX_ERR_NO_MEMORY);
    small.expectNoLeaks();
  });
});

describe('random places', () => {
  it('depend on the random numbers, and never overlap', async () => {
    const random = await VmFixture.create({ aslr: true });
    const { vmar: root } = random.space();
    const { handle } = ok(random.host.vmoCreate(4 * PAGE, 0));
    const places = Array.from(
      { length: 200 },
      () => ok(random.host.vmarMap(root, RW, 0, handle, 0, 4 * PAGE)).address,
    );
    const sorted = [...places].sort((a, b) => a - b);
    expect(places).not.toEqual(sorted);
    sorted.forEach((place, index) =>
      expect(place - (sorted[index - 1] ?? 0)).toBeGreaterThanOrEqual(4 * PAGE),
    );
    random.expectNoLeaks();
  });
});
