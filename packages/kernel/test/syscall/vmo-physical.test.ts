/** Physical VMOs: memory of a resource, seen through mappings. */
import { beforeEach, describe, expect, it } from 'vitest';
import { ZX_BTI_CONTIGUOUS, ZX_BTI_PERM_READ } from '../../src/abi/bti.js';
import {
  INFO_RESOURCE_BASE,
  INFO_RESOURCE_BYTES,
  INFO_RESOURCE_KIND,
  INFO_RESOURCE_SIZE,
  INFO_VMO_BYTES,
  INFO_VMO_COMMITTED_BYTES,
  INFO_VMO_FLAGS,
  ZX_INFO_RESOURCE,
  ZX_INFO_VMO,
  ZX_INFO_VMO_TYPE_PAGED,
} from '../../src/abi/info.js';
import { ZX_RSRC_KIND_MMIO, ZX_RSRC_SYSTEM_VMEX_BASE } from '../../src/abi/resource.js';
import {
  ZX_ERR_BAD_HANDLE,
  ZX_ERR_INVALID_ARGS,
  ZX_ERR_NOT_SUPPORTED,
  ZX_ERR_NO_MEMORY,
  ZX_ERR_OUT_OF_RANGE,
  ZX_ERR_UNAVAILABLE,
  ZX_ERR_WRONG_TYPE,
  ZX_OK,
  type Status,
} from '../../src/abi/status.js';
import {
  ZX_CACHE_POLICY_UNCACHED_DEVICE,
  ZX_VMAR_OP_COMMIT,
  ZX_VMAR_OP_ZERO,
  ZX_VMO_CHILD_REFERENCE,
  ZX_VMO_CHILD_SLICE,
  ZX_VMO_CHILD_SNAPSHOT,
  ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE,
  ZX_VMO_OP_ALWAYS_NEED,
  ZX_VMO_OP_CACHE_CLEAN,
  ZX_VMO_OP_COMMIT,
  ZX_VMO_OP_DECOMMIT,
  ZX_VMO_OP_ZERO,
} from '../../src/abi/vm.js';
import type { HostProcess } from '../../src/host/host-process.js';
import { GuestThread } from '../support/guest-thread.js';
import { Pinner } from '../support/pinner.js';
import { UserPager, ok } from '../support/user-pager.js';
import { PAGE, VmFixture } from '../support/vm-fixture.js';

const PAGES = 8;

let pager: UserPager;
let host: HostProcess;
let resource: number;
let paddr: number;

beforeEach(async () => {
  pager = new UserPager(await VmFixture.create());
  ({ host } = pager);
  ({ handle: resource, paddr } = ok(host.reserveMemory(PAGES * PAGE, 'a device')));
});

const physical = (page: number, pages: number): number =>
  ok(host.vmoCreatePhysical(resource, paddr + page * PAGE, pages * PAGE)).handle;

function access(kind: 'read' | 'write', address: number, value = 0n): unknown {
  return GuestThread.start(pager.fixture, pager.space, kind, address, value).outcome;
}

function op(vmo: number, operation: number): Status {
  return host.call('vmo_op_range', vmo, operation, 0, PAGE, 0, 0);
}

describe('a physical VMO', () => {
  it('is made with a resource for its memory, in whole pages', () => {
    const create = (handle: number, at: number | bigint, size: number | bigint): Status =>
      host.vmoCreatePhysical(handle, at, size).status;
    expect(create(resource, paddr, 0)).toBe(ZX_ERR_INVALID_ARGS);
    expect(create(resource, paddr, PAGE + 1)).toBe(ZX_ERR_INVALID_ARGS);
    expect(create(resource, paddr + 8, PAGE)).toBe(ZX_ERR_INVALID_ARGS);
    expect(create(0, paddr, PAGE)).toBe(ZX_ERR_BAD_HANDLE);
    expect(create(host.eventCreate(0).handle, paddr, PAGE)).toBe(ZX_ERR_WRONG_TYPE);
    expect(create(ok(host.systemResource(ZX_RSRC_SYSTEM_VMEX_BASE)).handle, paddr, PAGE)).toBe(
      ZX_ERR_WRONG_TYPE,
    );
    expect(create(resource, paddr - PAGE, PAGE)).toBe(ZX_ERR_OUT_OF_RANGE);
    expect(create(resource, paddr, (PAGES + 1) * PAGE)).toBe(ZX_ERR_OUT_OF_RANGE);
    expect(create(resource, 0xffff_ffff_ffff_f000n, 2 * PAGE)).toBe(ZX_ERR_OUT_OF_RANGE);
    expect(create(resource, paddr, 0xffff_ffff_ffff_f000n)).toBe(ZX_ERR_OUT_OF_RANGE);
    expect(create(resource, paddr + PAGE, (PAGES - 1) * PAGE)).toBe(ZX_OK);
    pager.finish();
  });

  it('shows the same memory as any other of the same addresses', () => {
    const whole = pager.map(physical(0, PAGES), PAGES);
    const part = pager.map(physical(3, 2), 2);
    expect(access('read', whole + 4 * PAGE)).toEqual({ end: 'done', value: 0n });
    expect(access('write', whole + 4 * PAGE, 77n)).toMatchObject({ end: 'done' });
    expect(access('read', part + PAGE)).toEqual({ end: 'done', value: 77n });
    const slice = ok(host.vmoCreateChild(physical(2, 4), ZX_VMO_CHILD_SLICE, 2 * PAGE, PAGE)).handle;
    expect(access('read', pager.map(slice, 1))).toEqual({ end: 'done', value: 77n });
    const frame = (paddr - pager.fixture.physical.ram.base) / PAGE + 4;
    expect(pager.fixture.physical.ram.readable(frame)[0]).toBe(77);
    pager.finish();
  });

  it('can be pinned where it is', async () => {
    const pinner = new Pinner(host);
    const pin = pinner.pin({ handle: physical(1, 3) }, 1, 2, ZX_BTI_PERM_READ | ZX_BTI_CONTIGUOUS);
    await pager.turn();
    expect([pin.status, pin.addresses]).toEqual([ZX_OK, [paddr + 2 * PAGE]]);
    pin.unpin();
    pager.finish();
  });

  it('is read and written through mappings only, and neither committed, cloned nor resized', async () => {
    const vmo = physical(0, 2);
    const base = pager.map(vmo, 2);
    access('write', base, 5n);
    const bytes = new Uint8Array(8);
    expect(host.call('vmo_read', vmo, bytes, 0, 8)).toBe(ZX_ERR_NOT_SUPPORTED);
    expect(host.call('vmo_write', vmo, bytes, 0, 8)).toBe(ZX_ERR_NOT_SUPPORTED);
    for (const operation of [ZX_VMO_OP_COMMIT, ZX_VMO_OP_DECOMMIT, ZX_VMO_OP_ZERO])
      expect(op(vmo, operation)).toBe(ZX_ERR_NOT_SUPPORTED);
    for (const operation of [ZX_VMO_OP_CACHE_CLEAN, ZX_VMO_OP_ALWAYS_NEED])
      expect(op(vmo, operation)).toBe(ZX_OK);
    for (const operation of [ZX_VMAR_OP_COMMIT, ZX_VMAR_OP_ZERO])
      expect(host.call('vmar_op_range', pager.vmar, operation, base, PAGE, 0, 0)).toBe(ZX_ERR_NOT_SUPPORTED);
    for (const kind of [ZX_VMO_CHILD_SNAPSHOT, ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE])
      expect(host.vmoCreateChild(vmo, kind, 0, PAGE).status).toBe(ZX_ERR_NOT_SUPPORTED);
    expect(host.vmoCreateChild(vmo, ZX_VMO_CHILD_REFERENCE, 0, 0).status).toBe(ZX_ERR_NOT_SUPPORTED);
    expect((await host.vmoSetSize(vmo, PAGE)).status).toBe(ZX_ERR_UNAVAILABLE);
    expect((await host.vmoSetStreamSize(vmo, 0)).status).toBe(ZX_ERR_NOT_SUPPORTED);
    expect(host.vmoGetStreamSize(vmo).size).toBe(0);
    const plain = host.vmoCreate(2 * PAGE, 0).handle;
    expect(host.call('vmo_transfer_data', plain, 0, 0, PAGE, vmo, 0)).toBe(ZX_ERR_NOT_SUPPORTED);
    expect(host.call('vmo_transfer_data', vmo, 0, 0, PAGE, plain, 0)).toBe(ZX_ERR_NOT_SUPPORTED);
    expect(access('read', base)).toEqual({ end: 'done', value: 5n });
    expect(host.call('vmar_unmap', pager.vmar, base, 2 * PAGE)).toBe(ZX_OK);
    expect(host.vmoSetCachePolicy(vmo, ZX_CACHE_POLICY_UNCACHED_DEVICE).status).toBe(ZX_OK);
    pager.finish();
  });

  it('says what it is, and counts for nobody', () => {
    const vmo = physical(0, PAGES);
    const record = new Uint8Array(INFO_VMO_BYTES);
    expect(host.call('object_get_info', vmo, ZX_INFO_VMO, record, record.length, 0, 0)).toBe(ZX_OK);
    const view = new DataView(record.buffer);
    expect(view.getUint32(INFO_VMO_FLAGS, true) & ZX_INFO_VMO_TYPE_PAGED).toBe(0);
    expect(view.getBigUint64(INFO_VMO_COMMITTED_BYTES, true)).toBe(0n);
    const about = new Uint8Array(INFO_RESOURCE_BYTES);
    expect(host.call('object_get_info', resource, ZX_INFO_RESOURCE, about, about.length, 0, 0)).toBe(ZX_OK);
    const facts = new DataView(about.buffer);
    expect(facts.getUint32(INFO_RESOURCE_KIND, true)).toBe(ZX_RSRC_KIND_MMIO);
    expect(facts.getBigUint64(INFO_RESOURCE_BASE, true)).toBe(BigInt(paddr));
    expect(facts.getBigUint64(INFO_RESOURCE_SIZE, true)).toBe(BigInt(PAGES * PAGE));
    pager.finish();
  });

  it('keeps the memory when the resource goes, and the resource when it goes', () => {
    const { physical: frames } = pager.fixture;
    const before = frames.freeCount;
    const vmo = physical(0, 1);
    host.handleClose(resource);
    expect(frames.freeCount).toBe(before);
    const base = pager.map(vmo, 1);
    expect(access('write', base, 9n)).toMatchObject({ end: 'done' });
    host.handleClose(vmo);
    expect(access('read', base)).toEqual({ end: 'done', value: 9n });
    expect(host.call('vmar_unmap', pager.vmar, base, PAGE)).toBe(ZX_OK);
    expect(frames.freeCount).toBeGreaterThanOrEqual(before);
    const again = ok(host.reserveMemory(3 * PAGE));
    host.handleClose(ok(host.vmoCreatePhysical(again.handle, again.paddr, PAGE)).handle);
    const later = ok(host.vmoCreatePhysical(again.handle, again.paddr, PAGE)).handle;
    expect(access('read', pager.map(later, 1))).toEqual({ end: 'done', value: 0n });
    expect(host.reserveMemory(2 ** 32).status).toBe(ZX_ERR_NO_MEMORY);
    expect(host.reserveMemory(0).status).toBe(ZX_ERR_INVALID_ARGS);
    pager.finish();
  });
});
