/** Virtual memory objects without a pager. */
import { beforeEach, describe, expect, it } from 'vitest';
import * as info from '../../src/abi/info.js';
import { ZX_RSRC_SYSTEM_VMEX_BASE } from '../../src/abi/resource.js';
import {
  ZX_DEFAULT_VMO_RIGHTS,
  ZX_RIGHTS_BASIC,
  ZX_RIGHT_DUPLICATE,
  ZX_RIGHT_EXECUTE,
  ZX_RIGHT_READ,
  ZX_RIGHT_RESIZE,
  ZX_RIGHT_WRITE,
} from '../../src/abi/rights.js';
import { ZX_VMO_ZERO_CHILDREN } from '../../src/abi/signals.js';
import {
  ZX_ERR_ACCESS_DENIED,
  ZX_ERR_BAD_HANDLE,
  ZX_ERR_BAD_STATE,
  ZX_ERR_INVALID_ARGS,
  ZX_ERR_NOT_FOUND,
  ZX_ERR_NOT_SUPPORTED,
  ZX_ERR_NO_MEMORY,
  ZX_ERR_NO_RESOURCES,
  ZX_ERR_OUT_OF_RANGE,
  ZX_ERR_UNAVAILABLE,
  ZX_ERR_WRONG_TYPE,
  ZX_OK,
} from '../../src/abi/status.js';
import {
  ZX_VMO_CHILD_NO_WRITE,
  ZX_VMO_CHILD_REFERENCE,
  ZX_VMO_CHILD_RESIZABLE,
  ZX_VMO_CHILD_SLICE,
  ZX_VMO_CHILD_SNAPSHOT,
  ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE,
  ZX_VMO_CHILD_SNAPSHOT_MODIFIED,
  ZX_VMO_DISCARDABLE,
  ZX_VMO_OP_CACHE_INVALIDATE,
  ZX_VMO_OP_CACHE_SYNC,
  ZX_VMO_OP_COMMIT,
  ZX_VMO_OP_DECOMMIT,
  ZX_VMO_OP_LOCK,
  ZX_VMO_OP_PREFETCH,
  ZX_VMO_OP_TRY_LOCK,
  ZX_VMO_OP_UNLOCK,
  ZX_VMO_OP_ZERO,
  ZX_VMO_RESIZABLE,
  ZX_VMO_UNBOUNDED,
} from '../../src/abi/vm.js';
import type { HostProcess } from '../../src/host/host-process.js';
import { Handle } from '../../src/object/handle-table.js';
import { ResourceDispatcher } from '../../src/object/resource.js';
import { ok } from '../support/user-pager.js';
import { PAGE, VmFixture } from '../support/vm-fixture.js';

let fixture: VmFixture;
let host: HostProcess;

beforeEach(async () => {
  fixture = await VmFixture.create();
  host = fixture.host;
});

function rightsOf(handle: number): number {
  return host.handles.get(handle)?.rights ?? 0;
}

const create = (size: number | bigint, options = 0): number => ok(host.vmoCreate(size, options)).handle;
const op = async (
  vmo: number,
  operation: number,
  offset: number | bigint,
  length: number | bigint,
): Promise<number> => (await host.vmoOpRange(vmo, operation, offset, length)).status;

async function read(vmo: number, offset: number, length: number): Promise<Uint8Array> {
  const into = new Uint8Array(length);
  ok(await host.vmoRead(vmo, into, offset));
  return into;
}

function infoOf(vmo: number): DataView {
  const record = new Uint8Array(info.INFO_VMO_BYTES);
  expect(host.call('object_get_info', vmo, info.ZX_INFO_VMO, record, record.length, null, null)).toBe(ZX_OK);
  return new DataView(record.buffer);
}

const committed = (vmo: number): number =>
  Number(infoOf(vmo).getBigUint64(info.INFO_VMO_COMMITTED_BYTES, true)) / PAGE;

describe('zx_vmo_create', () => {
  it('refuses options and sizes', () => {
    for (const options of [1, 8, 0x20, ZX_VMO_RESIZABLE | ZX_VMO_UNBOUNDED]) {
      expect(host.vmoCreate(PAGE, options).status).toBe(ZX_ERR_INVALID_ARGS);
    }
    expect(host.vmoCreate(0xffff_ffff_fffe_0001n, 0).status).toBe(ZX_ERR_OUT_OF_RANGE);
    expect(host.vmoCreate(0xffff_ffff_ffff_ffffn, 0).status).toBe(ZX_ERR_OUT_OF_RANGE);
  });

  it('rounds the size up and remembers the stream size', () => {
    const vmo = create(5_000);
    expect([host.vmoGetSize(vmo).size, host.vmoGetStreamSize(vmo).size]).toEqual([2 * PAGE, 5_000]);
    const huge = create(10, ZX_VMO_UNBOUNDED);
    expect(host.vmoGetSize(huge).size).toBe(Number(0xffff_ffff_fffe_0000n));
    expect(host.vmoGetStreamSize(huge).size).toBe(10);
    expect(host.vmoGetSize(create(0)).size).toBe(0);
  });

  it('gives rights, RESIZE only where it makes sense', () => {
    expect(rightsOf(create(PAGE))).toBe(ZX_DEFAULT_VMO_RIGHTS);
    expect(rightsOf(create(PAGE, ZX_VMO_RESIZABLE))).toBe(ZX_DEFAULT_VMO_RIGHTS | ZX_RIGHT_RESIZE);
  });

  it('is bounded by handles and by objects', async () => {
    const small = await VmFixture.create({ limits: { handlesPerProcess: 3, objects: 2 } });
    expect([1, 2, 3].map(() => small.host.vmoCreate(PAGE, 0).status)).toEqual([
      ZX_OK,
      ZX_OK,
      ZX_ERR_NO_MEMORY,
    ]);
    const table = await VmFixture.create({ limits: { handlesPerProcess: 1 } });
    expect([1, 2].map(() => table.host.vmoCreate(PAGE, 0).status)).toEqual([ZX_OK, ZX_ERR_NO_RESOURCES]);
  });
});

describe('zx_vmo_read, zx_vmo_write', () => {
  it('check handles, rights, ranges', async () => {
    const vmo = create(2 * PAGE);
    const bytes = new Uint8Array(PAGE);
    expect((await host.vmoRead(0xffff_ffff, bytes, 0)).status).toBe(ZX_ERR_BAD_HANDLE);
    expect((await host.vmoRead(host.portCreate(0).handle, bytes, 0)).status).toBe(ZX_ERR_WRONG_TYPE);
    expect((await host.vmoRead(fixture.withRights(vmo, ZX_RIGHT_WRITE), bytes, 0)).status).toBe(
      ZX_ERR_ACCESS_DENIED,
    );
    expect((await host.vmoWrite(fixture.withRights(vmo, ZX_RIGHT_READ), bytes, 0)).status).toBe(
      ZX_ERR_ACCESS_DENIED,
    );
    for (const offset of [PAGE + 1, 2 * PAGE, 0xffff_ffff_ffff_ffffn]) {
      expect((await host.vmoRead(vmo, bytes, offset)).status).toBe(ZX_ERR_OUT_OF_RANGE);
      expect((await host.vmoWrite(vmo, bytes, offset)).status).toBe(ZX_ERR_OUT_OF_RANGE);
    }
    expect((await host.vmoRead(vmo, new Uint8Array(0), 2 * PAGE)).status).toBe(ZX_OK);
    expect(host.call('vmo_read', vmo, null, 0, 1)).toBe(ZX_ERR_NOT_FOUND);
    expect(host.call('vmo_read', vmo, null, 0, 0)).toBe(ZX_OK);
  });

  it('copy any bytes, over pages that are there and that are not', async () => {
    const vmo = create(40 * PAGE);
    const bytes = Uint8Array.from({ length: 5 * PAGE + 123 }, (_, index) => (index * 7) & 0xff);
    ok(await host.vmoWrite(vmo, bytes, 3 * PAGE - 50));
    const all = await read(vmo, 0, 40 * PAGE);
    const expected = new Uint8Array(40 * PAGE);
    expected.set(bytes, 3 * PAGE - 50);
    expect(Buffer.compare(all, expected)).toBe(0);
    expect(committed(vmo)).toBe(7);
    expect(await read(vmo, 3 * PAGE + 1, 9)).toEqual(bytes.slice(51, 60));
  });

  it('fail with BAD_STATE on memory that is not cached', async () => {
    const vmo = create(PAGE);
    expect(host.vmoSetCachePolicy(vmo, 4).status).toBe(ZX_ERR_INVALID_ARGS);
    expect(host.vmoSetCachePolicy(vmo, 1).status).toBe(ZX_OK);
    expect((await host.vmoRead(vmo, new Uint8Array(1), 0)).status).toBe(ZX_ERR_BAD_STATE);
    expect(host.vmoSetCachePolicy(vmo, 0).status).toBe(ZX_OK);
    ok(await host.vmoWrite(vmo, new Uint8Array(1), 0));
    expect(host.vmoSetCachePolicy(vmo, 1).status).toBe(ZX_ERR_BAD_STATE);
  });

  it('report memory that does not suffice', async () => {
    const small = await VmFixture.create({ ramBytes: 2 ** 20 });
    const { handle } = ok(small.host.vmoCreate(2 ** 21, 0));
    expect((await small.host.vmoWrite(handle, new Uint8Array(2 ** 21), 0)).status).toBe(ZX_ERR_NO_MEMORY);
    expect((await small.host.vmoRead(handle, new Uint8Array(2 ** 21), 0)).status).toBe(ZX_OK);
    small.expectNoLeaks();
  });
});

describe('zx_vmo_set_size, zx_vmo_set_stream_size', () => {
  it('refuse in order: resizable before RESIZE', async () => {
    expect((await host.vmoSetSize(create(PAGE), 0)).status).toBe(ZX_ERR_UNAVAILABLE);
    const vmo = create(PAGE, ZX_VMO_RESIZABLE);
    expect((await host.vmoSetSize(fixture.withRights(vmo, ZX_RIGHT_RESIZE), 0)).status).toBe(
      ZX_ERR_ACCESS_DENIED,
    );
    expect((await host.vmoSetSize(fixture.withRights(vmo, ZX_RIGHT_WRITE), 0)).status).toBe(
      ZX_ERR_ACCESS_DENIED,
    );
    expect((await host.vmoSetSize(vmo, 0xffff_ffff_ffff_0000n)).status).toBe(ZX_ERR_OUT_OF_RANGE);
    expect((await host.vmoSetStreamSize(vmo, PAGE + 1)).status).toBe(ZX_ERR_OUT_OF_RANGE);
    expect((await host.vmoSetStreamSize(fixture.withRights(vmo, ZX_RIGHT_READ), 0)).status).toBe(
      ZX_ERR_ACCESS_DENIED,
    );
  });

  it('clear what is cut off', async () => {
    const vmo = create(3 * PAGE, ZX_VMO_RESIZABLE);
    ok(await host.vmoWrite(vmo, new Uint8Array(3 * PAGE).fill(9), 0));
    ok(await host.vmoSetSize(vmo, PAGE + 100));
    expect([host.vmoGetSize(vmo).size, host.vmoGetStreamSize(vmo).size, committed(vmo)]).toEqual([
      2 * PAGE,
      PAGE + 100,
      2,
    ]);
    ok(await host.vmoSetSize(vmo, 3 * PAGE));
    const expected = new Uint8Array(3 * PAGE).fill(9, 0, PAGE + 100);
    expect(await read(vmo, 0, 3 * PAGE)).toEqual(expected);
    ok(await host.vmoSetStreamSize(vmo, 10));
    expect(await read(vmo, 0, 3 * PAGE)).toEqual(new Uint8Array(3 * PAGE).fill(9, 0, 10));
    expect([host.vmoGetSize(vmo).size, host.vmoGetStreamSize(vmo).size]).toEqual([3 * PAGE, 10]);
  });
});

describe('zx_vmo_op_range', () => {
  it('commits outwards, decommits whole pages, zeroes bytes', async () => {
    const vmo = create(4 * PAGE);
    expect(await op(vmo, ZX_VMO_OP_COMMIT, PAGE - 1, 2)).toBe(ZX_OK);
    expect(committed(vmo)).toBe(2);
    ok(await host.vmoWrite(vmo, new Uint8Array(4 * PAGE).fill(1), 0));
    expect(await op(vmo, ZX_VMO_OP_ZERO, 10, 2 * PAGE)).toBe(ZX_OK);
    const expected = new Uint8Array(4 * PAGE).fill(1).fill(0, 10, 2 * PAGE + 10);
    expect(await read(vmo, 0, 4 * PAGE)).toEqual(expected);
    expect(await op(vmo, ZX_VMO_OP_DECOMMIT, 3 * PAGE, PAGE)).toBe(ZX_OK);
    expect(await op(vmo, ZX_VMO_OP_DECOMMIT, 1, PAGE)).toBe(ZX_ERR_INVALID_ARGS);
    expect(await op(vmo, ZX_VMO_OP_DECOMMIT, 1, 0)).toBe(ZX_OK);
    expect(await read(vmo, 3 * PAGE, PAGE)).toEqual(new Uint8Array(PAGE));
    expect(committed(vmo)).toBe(2);
    expect(await op(vmo, ZX_VMO_OP_PREFETCH, 0, 4 * PAGE)).toBe(ZX_OK);
    for (const operation of [ZX_VMO_OP_COMMIT, ZX_VMO_OP_ZERO, ZX_VMO_OP_DECOMMIT, ZX_VMO_OP_PREFETCH]) {
      expect(await op(vmo, operation, 4 * PAGE, 0)).toBe(ZX_OK);
    }
  });

  it('checks operations, rights, ranges', async () => {
    const vmo = create(PAGE);
    for (const operation of [0, 5, 15]) expect(await op(vmo, operation, 0, PAGE)).toBe(ZX_ERR_INVALID_ARGS);
    const readable = fixture.withRights(vmo, ZX_RIGHT_READ);
    const writable = fixture.withRights(vmo, ZX_RIGHT_WRITE);
    for (const operation of [ZX_VMO_OP_COMMIT, ZX_VMO_OP_DECOMMIT, ZX_VMO_OP_ZERO]) {
      expect(await op(readable, operation, 0, PAGE)).toBe(ZX_ERR_ACCESS_DENIED);
      expect(await op(vmo, operation, PAGE, 1)).toBe(ZX_ERR_OUT_OF_RANGE);
      expect(await op(vmo, operation, 1, 0xffff_ffff_ffff_ffffn)).toBe(ZX_ERR_OUT_OF_RANGE);
    }
    expect(await op(writable, ZX_VMO_OP_PREFETCH, 0, PAGE)).toBe(ZX_ERR_ACCESS_DENIED);
    expect(await op(readable, ZX_VMO_OP_CACHE_SYNC, 0, 0)).toBe(ZX_ERR_INVALID_ARGS);
    expect(await op(readable, ZX_VMO_OP_CACHE_SYNC, 0, PAGE)).toBe(ZX_OK);
    expect(await op(writable, ZX_VMO_OP_CACHE_INVALIDATE, 0, PAGE)).toBe(ZX_ERR_NOT_SUPPORTED);
  });

  it('locks discardable memory', async () => {
    const vmo = create(PAGE, ZX_VMO_DISCARDABLE);
    expect(await op(vmo, ZX_VMO_OP_UNLOCK, 0, PAGE)).toBe(ZX_ERR_BAD_STATE);
    expect(await op(vmo, ZX_VMO_OP_LOCK, 0, PAGE)).toBe(ZX_ERR_INVALID_ARGS);
    const state = new Uint8Array(32);
    expect((await host.vmoOpRange(vmo, ZX_VMO_OP_LOCK, 0, PAGE, {}, state)).status).toBe(ZX_OK);
    expect(new DataView(state.buffer).getBigUint64(8, true)).toBe(BigInt(PAGE));
    expect(await op(vmo, ZX_VMO_OP_TRY_LOCK, 0, PAGE)).toBe(ZX_OK);
    expect(await op(vmo, ZX_VMO_OP_UNLOCK, 0, PAGE)).toBe(ZX_OK);
    expect(await op(create(PAGE), ZX_VMO_OP_TRY_LOCK, 0, PAGE)).toBe(ZX_ERR_NOT_SUPPORTED);
  });
});

describe('zx_vmo_create_child', () => {
  const child = (vmo: number, options: number, offset = 0, size = PAGE): number =>
    host.vmoCreateChild(vmo, options, offset, size).status;

  it('refuses', () => {
    const vmo = create(2 * PAGE);
    for (const options of [
      0,
      ZX_VMO_CHILD_SNAPSHOT | ZX_VMO_CHILD_SLICE,
      ZX_VMO_CHILD_RESIZABLE,
      ZX_VMO_CHILD_SNAPSHOT | (1 << 9),
      ZX_VMO_CHILD_SNAPSHOT | ZX_VMO_CHILD_RESIZABLE | ZX_VMO_CHILD_NO_WRITE,
      ZX_VMO_CHILD_SLICE | ZX_VMO_CHILD_RESIZABLE,
    ]) {
      expect(child(vmo, options)).toBe(ZX_ERR_INVALID_ARGS);
    }
    expect(child(vmo, ZX_VMO_CHILD_SNAPSHOT, 1)).toBe(ZX_ERR_INVALID_ARGS);
    expect(child(vmo, ZX_VMO_CHILD_SLICE, PAGE, 2 * PAGE)).toBe(ZX_ERR_INVALID_ARGS);
    expect(child(vmo, ZX_VMO_CHILD_REFERENCE, 0, PAGE)).toBe(ZX_ERR_INVALID_ARGS);
    expect(child(vmo, ZX_VMO_CHILD_REFERENCE | ZX_VMO_CHILD_RESIZABLE, 0, 0)).toBe(ZX_ERR_NOT_SUPPORTED);
    expect(child(create(PAGE, ZX_VMO_RESIZABLE), ZX_VMO_CHILD_SLICE)).toBe(ZX_ERR_NOT_SUPPORTED);
    expect(child(create(PAGE, ZX_VMO_DISCARDABLE), ZX_VMO_CHILD_SNAPSHOT)).toBe(ZX_ERR_NOT_SUPPORTED);
    expect(child(fixture.withRights(vmo, ZX_RIGHT_READ), ZX_VMO_CHILD_SNAPSHOT)).toBe(ZX_ERR_ACCESS_DENIED);
    expect(child(fixture.withRights(vmo, ZX_RIGHT_DUPLICATE), ZX_VMO_CHILD_SNAPSHOT)).toBe(
      ZX_ERR_ACCESS_DENIED,
    );
  });

  it('gives the rights of the kind', () => {
    const vmo = ok(host.vmoReplaceAsExecutable(create(PAGE))).handle;
    const rights = (options: number, size = PAGE): number =>
      rightsOf(ok(host.vmoCreateChild(vmo, options, 0, size)).handle) &
      (ZX_RIGHT_WRITE | ZX_RIGHT_EXECUTE | ZX_RIGHT_RESIZE);
    expect(rights(ZX_VMO_CHILD_SNAPSHOT)).toBe(ZX_RIGHT_WRITE);
    expect(rights(ZX_VMO_CHILD_SNAPSHOT | ZX_VMO_CHILD_RESIZABLE)).toBe(ZX_RIGHT_WRITE | ZX_RIGHT_RESIZE);
    expect(rights(ZX_VMO_CHILD_SNAPSHOT | ZX_VMO_CHILD_NO_WRITE)).toBe(ZX_RIGHT_EXECUTE);
    expect(rights(ZX_VMO_CHILD_SLICE)).toBe(ZX_RIGHT_WRITE | ZX_RIGHT_EXECUTE);
    expect(rights(ZX_VMO_CHILD_REFERENCE, 0)).toBe(ZX_RIGHT_WRITE | ZX_RIGHT_EXECUTE);
  });

  it.each([ZX_VMO_CHILD_SNAPSHOT, ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE, ZX_VMO_CHILD_SNAPSHOT_MODIFIED])(
    'option %i of anonymous memory is a snapshot, both ways',
    async (options) => {
      const vmo = create(3 * PAGE);
      ok(await host.vmoWrite(vmo, new Uint8Array(3 * PAGE).fill(1), 0));
      const { handle } = ok(host.vmoCreateChild(vmo, options, PAGE, 4 * PAGE));
      ok(await host.vmoWrite(vmo, Uint8Array.of(2), PAGE));
      ok(await host.vmoWrite(handle, Uint8Array.of(3), PAGE));
      expect([
        ...(await read(handle, 0, 1)),
        ...(await read(handle, PAGE, 1)),
        ...(await read(handle, 2 * PAGE, 1)),
      ]).toEqual([1, 3, 0]);
      expect([...(await read(vmo, PAGE, 1)), ...(await read(vmo, 2 * PAGE, 1))]).toEqual([2, 1]);
    },
  );

  it('slices and references share pages', async () => {
    const vmo = create(3 * PAGE);
    const slice = ok(host.vmoCreateChild(vmo, ZX_VMO_CHILD_SLICE, PAGE, PAGE)).handle;
    const reference = ok(host.vmoCreateChild(vmo, ZX_VMO_CHILD_REFERENCE, 0, 0)).handle;
    ok(await host.vmoWrite(slice, Uint8Array.of(7), 5));
    expect(await read(reference, PAGE + 5, 1)).toEqual(Uint8Array.of(7));
    expect(host.vmoGetSize(slice).size).toBe(PAGE);
    expect((await host.vmoRead(slice, new Uint8Array(1), PAGE)).status).toBe(ZX_ERR_OUT_OF_RANGE);
    host.handleClose(vmo);
    expect(await read(slice, 5, 1)).toEqual(Uint8Array.of(7));
    fixture.expectNoLeaks();
  });

  it('says when the last child is gone, and passes children on', () => {
    const vmo = create(PAGE);
    const signals = (): number => host.handles.get(vmo)?.dispatcher.signals ?? 0;
    const children = (handle: number): number =>
      Number(infoOf(handle).getBigUint64(info.INFO_VMO_NUM_CHILDREN, true));
    expect(signals() & ZX_VMO_ZERO_CHILDREN).toBe(ZX_VMO_ZERO_CHILDREN);
    const middle = ok(host.vmoCreateChild(vmo, ZX_VMO_CHILD_SNAPSHOT, 0, PAGE)).handle;
    const leaf = ok(host.vmoCreateChild(middle, ZX_VMO_CHILD_SNAPSHOT, 0, PAGE)).handle;
    expect([children(vmo), children(middle), signals() & ZX_VMO_ZERO_CHILDREN]).toEqual([1, 1, 0]);
    host.handleClose(middle);
    expect([children(vmo), signals() & ZX_VMO_ZERO_CHILDREN]).toEqual([1, 0]);
    host.handleClose(leaf);
    expect([children(vmo), signals() & ZX_VMO_ZERO_CHILDREN]).toEqual([0, ZX_VMO_ZERO_CHILDREN]);
  });
});

describe('zx_vmo_replace_as_executable', () => {
  it('adds EXECUTE and consumes the handle', () => {
    const vmo = create(PAGE);
    const { handle } = ok(host.vmoReplaceAsExecutable(vmo));
    expect(rightsOf(handle)).toBe(ZX_DEFAULT_VMO_RIGHTS | ZX_RIGHT_EXECUTE);
    expect(host.handleClose(vmo).status).toBe(ZX_ERR_BAD_HANDLE);
    const resource = new ResourceDispatcher(fixture.state, ZX_RSRC_SYSTEM_VMEX_BASE, 'vmex');
    const vmex = host.handles.add(new Handle(resource, resource.defaultRights));
    expect(host.vmoReplaceAsExecutable(handle, vmex).status).toBe(ZX_OK);
    const other = create(PAGE);
    expect(host.vmoReplaceAsExecutable(other, handle).status).toBe(ZX_ERR_BAD_HANDLE);
    expect(host.handleClose(other).status).toBe(ZX_ERR_BAD_HANDLE);
    expect(host.vmoReplaceAsExecutable(vmex).status).toBe(ZX_ERR_BAD_HANDLE);
  });
});

describe('zx_vmo_transfer_data', () => {
  it('moves pages', async () => {
    const [from, to] = [create(3 * PAGE), create(3 * PAGE)];
    ok(await host.vmoWrite(from, new Uint8Array(PAGE).fill(4), PAGE));
    ok(await host.vmoWrite(to, new Uint8Array(3 * PAGE).fill(5), 0));
    const transfer = async (offset: number, length: number, fromOffset: number): Promise<number> =>
      (await host.vmoTransferData(to, 0, offset, length, from, fromOffset)).status;
    expect(await transfer(0, 2 * PAGE, PAGE)).toBe(ZX_OK);
    expect(await read(to, 0, 3 * PAGE)).toEqual(new Uint8Array(3 * PAGE).fill(4, 0, PAGE).fill(5, 2 * PAGE));
    expect(committed(from)).toBe(0);
    expect(await transfer(1, PAGE, 0)).toBe(ZX_ERR_INVALID_ARGS);
    expect(await transfer(2 * PAGE, 2 * PAGE, 0)).toBe(ZX_ERR_OUT_OF_RANGE);
    expect((await host.vmoTransferData(to, 1, 0, PAGE, from, 0)).status).toBe(ZX_ERR_INVALID_ARGS);
    fixture.expectNoLeaks();
  });
});

describe('ZX_INFO_VMO', () => {
  it('needs no right, and shows what there is', () => {
    const vmo = fixture.withRights(create(3 * PAGE, ZX_VMO_RESIZABLE), ZX_RIGHTS_BASIC);
    const view = infoOf(vmo);
    expect(view.getBigUint64(info.INFO_VMO_SIZE_BYTES, true)).toBe(BigInt(3 * PAGE));
    expect(view.getUint32(info.INFO_VMO_FLAGS, true)).toBe(
      info.ZX_INFO_VMO_TYPE_PAGED | info.ZX_INFO_VMO_RESIZABLE | info.ZX_INFO_VMO_VIA_HANDLE,
    );
    expect(view.getUint32(info.INFO_VMO_HANDLE_RIGHTS, true)).toBe(ZX_RIGHTS_BASIC);
    for (const [topic, bytes] of [
      [info.ZX_INFO_VMO_V1, info.INFO_VMO_V1_BYTES],
      [info.ZX_INFO_VMO_V2, info.INFO_VMO_V2_BYTES],
      [info.ZX_INFO_VMO_V3, info.INFO_VMO_V3_BYTES],
    ] as const) {
      const record = new Uint8Array(bytes);
      expect(host.call('object_get_info', vmo, topic, record, bytes, null, null)).toBe(ZX_OK);
      expect(record).toEqual(new Uint8Array(view.buffer, 0, bytes));
    }
  });
});
