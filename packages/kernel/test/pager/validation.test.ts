/** What the calls of a pager refuse, and in which order. */
import { beforeEach, describe, expect, it } from 'vitest';
import { ZX_INFO_VMO, ZX_INFO_VMO_PAGER_BACKED, INFO_VMO_BYTES, INFO_VMO_FLAGS } from '../../src/abi/info.js';
import {
  ZX_PAGER_OP_DIRTY,
  ZX_PAGER_OP_FAIL,
  ZX_PAGER_OP_WRITEBACK_BEGIN,
  ZX_PAGER_OP_WRITEBACK_END,
} from '../../src/abi/pager.js';
import {
  ZX_DEFAULT_PAGER_RIGHTS,
  ZX_DEFAULT_PORT_RIGHTS,
  ZX_DEFAULT_VMO_RIGHTS,
  ZX_RIGHT_ATTACH_VMO,
  ZX_RIGHT_MANAGE_VMO,
  ZX_RIGHT_READ,
  ZX_RIGHT_WRITE,
} from '../../src/abi/rights.js';
import {
  ZX_ERR_ACCESS_DENIED,
  ZX_ERR_BAD_HANDLE,
  ZX_ERR_BAD_STATE,
  ZX_ERR_INTERNAL,
  ZX_ERR_INVALID_ARGS,
  ZX_ERR_IO,
  ZX_ERR_NOT_SUPPORTED,
  ZX_ERR_NO_MEMORY,
  ZX_ERR_OUT_OF_RANGE,
  ZX_ERR_WRONG_TYPE,
  ZX_OK,
} from '../../src/abi/status.js';
import {
  ZX_VMO_DISCARDABLE,
  ZX_VMO_RESIZABLE,
  ZX_VMO_TRAP_DIRTY,
  ZX_VMO_UNBOUNDED,
} from '../../src/abi/vm.js';
import type { HostProcess } from '../../src/host/host-process.js';
import { Pinner } from '../support/pinner.js';
import { type PagedVmo } from '../support/paged-vmo.js';
import { UserPager, ok } from '../support/user-pager.js';
import { PAGE, VmFixture } from '../support/vm-fixture.js';

let pager: UserPager;
let host: HostProcess;
let vmo: PagedVmo;
let plain: number;
let foreign: number;

beforeEach(async () => {
  pager = new UserPager(await VmFixture.create());
  host = pager.host;
  vmo = pager.createVmo(2);
  plain = ok(host.vmoCreate(2 * PAGE, 0)).handle;
  const other = ok(host.pagerCreate(0)).handle;
  foreign = ok(host.pagerCreateVmo(other, 0, pager.port, 1n, 2 * PAGE)).handle;
});

const NO_HANDLE = 0xffff_ffff;

const create = (pagerHandle: number, options: number, port: number, size: number | bigint): number =>
  host.pagerCreateVmo(pagerHandle, options, port, 5n, size).status;

describe('zx_pager_create, zx_pager_create_vmo', () => {
  it('CR-01: a pager has no options', () => {
    expect(host.pagerCreate(1).status).toBe(ZX_ERR_INVALID_ARGS);
  });

  it('CR-02: refuses options that are unknown, for other VMOs, or contradict each other', () => {
    for (const options of [0xffff_ffff, ZX_VMO_DISCARDABLE, ZX_VMO_RESIZABLE | ZX_VMO_UNBOUNDED]) {
      expect(create(pager.pager, options, pager.port, PAGE)).toBe(ZX_ERR_INVALID_ARGS);
    }
  });

  it('CR-03 CR-05: handles that are not there, or of something else', () => {
    expect(create(NO_HANDLE, 0, pager.port, PAGE)).toBe(ZX_ERR_BAD_HANDLE);
    expect(create(pager.pager, 0, NO_HANDLE, PAGE)).toBe(ZX_ERR_BAD_HANDLE);
    expect(create(pager.port, 0, pager.port, PAGE)).toBe(ZX_ERR_WRONG_TYPE);
    expect(create(pager.pager, 0, plain, PAGE)).toBe(ZX_ERR_WRONG_TYPE);
  });

  it('CR-04 CR-07 RI-01: rights', () => {
    const port = pager.fixture.withRights(pager.port, ZX_DEFAULT_PORT_RIGHTS & ~ZX_RIGHT_WRITE);
    expect(create(pager.pager, 0, port, PAGE)).toBe(ZX_ERR_ACCESS_DENIED);
    const weak = pager.fixture.withRights(pager.pager, ZX_DEFAULT_PAGER_RIGHTS & ~ZX_RIGHT_ATTACH_VMO);
    expect(create(weak, 0, pager.port, PAGE)).toBe(ZX_ERR_ACCESS_DENIED);
  });

  it('CR-06 CR-08: sizes that cannot be', () => {
    expect(create(pager.pager, 0, pager.port, 0xffff_ffff_ffff_f001n)).toBe(ZX_ERR_OUT_OF_RANGE);
    expect(create(pager.pager, ZX_VMO_UNBOUNDED, pager.port, 0xffff_ffff_ffff_ffffn)).toBe(
      ZX_ERR_OUT_OF_RANGE,
    );
  });

  it('CR-15: an unbounded VMO takes the size for that of its stream, also when it traps writes', () => {
    const { handle } = ok(
      host.pagerCreateVmo(pager.pager, ZX_VMO_UNBOUNDED | ZX_VMO_TRAP_DIRTY, pager.port, 5n, 2 * PAGE),
    );
    expect(host.vmoGetStreamSize(handle).size).toBe(2 * PAGE);
    expect(host.vmoGetSize(handle).size).toBeGreaterThan(2 ** 40);
  });

  it('CR-09: anonymous memory traps no dirty pages', () => {
    expect(host.vmoCreate(PAGE, ZX_VMO_TRAP_DIRTY).status).toBe(ZX_ERR_INVALID_ARGS);
  });

  it('CR-10: ZX_INFO_VMO tells of the pager, also on clones', () => {
    const clone = pager.clone(vmo);
    const flags = (handle: number): number => {
      const record = new Uint8Array(INFO_VMO_BYTES);
      expect(host.call('object_get_info', handle, ZX_INFO_VMO, record, record.length, null, null)).toBe(
        ZX_OK,
      );
      return new DataView(record.buffer).getUint32(INFO_VMO_FLAGS, true) & ZX_INFO_VMO_PAGER_BACKED;
    };
    expect([flags(vmo.handle), flags(clone.handle), flags(plain)]).toEqual([
      ZX_INFO_VMO_PAGER_BACKED,
      ZX_INFO_VMO_PAGER_BACKED,
      0,
    ]);
  });
});

describe('zx_pager_detach_vmo', () => {
  it('DT-02 RI-01: handles, rights, ownership', () => {
    const detach = (pagerHandle: number, vmoHandle: number): number =>
      host.pagerDetachVmo(pagerHandle, vmoHandle).status;
    expect(detach(NO_HANDLE, vmo.handle)).toBe(ZX_ERR_BAD_HANDLE);
    expect(detach(pager.pager, NO_HANDLE)).toBe(ZX_ERR_BAD_HANDLE);
    expect(detach(vmo.handle, vmo.handle)).toBe(ZX_ERR_WRONG_TYPE);
    expect(detach(pager.pager, pager.pager)).toBe(ZX_ERR_WRONG_TYPE);
    expect(
      detach(pager.pager, pager.fixture.withRights(vmo.handle, ZX_DEFAULT_VMO_RIGHTS & ~ZX_RIGHT_WRITE)),
    ).toBe(ZX_ERR_ACCESS_DENIED);
    expect(detach(pager.pager, plain)).toBe(ZX_ERR_INVALID_ARGS);
    expect(detach(pager.pager, foreign)).toBe(ZX_ERR_INVALID_ARGS);
    for (const right of [ZX_RIGHT_ATTACH_VMO, ZX_RIGHT_MANAGE_VMO]) {
      expect(
        detach(pager.fixture.withRights(pager.pager, ZX_DEFAULT_PAGER_RIGHTS & ~right), vmo.handle),
      ).toBe(ZX_ERR_ACCESS_DENIED);
    }
  });
});

describe('zx_pager_supply_pages', () => {
  const supply = (
    pagerHandle: number,
    target: number,
    aux: number,
    range: { offset?: number; length?: number; auxOffset?: number } = {},
  ): number =>
    host.pagerSupplyPages(
      pagerHandle,
      target,
      range.offset ?? 0,
      range.length ?? 0,
      aux,
      range.auxOffset ?? 0,
    ).status;

  it('SU-07 SU-08: handles, also when nothing is supplied', () => {
    expect(supply(NO_HANDLE, vmo.handle, plain)).toBe(ZX_ERR_BAD_HANDLE);
    expect(supply(pager.pager, NO_HANDLE, plain)).toBe(ZX_ERR_BAD_HANDLE);
    expect(supply(pager.pager, vmo.handle, NO_HANDLE)).toBe(ZX_ERR_BAD_HANDLE);
    expect(supply(plain, vmo.handle, plain)).toBe(ZX_ERR_WRONG_TYPE);
    expect(supply(pager.pager, pager.pager, plain)).toBe(ZX_ERR_WRONG_TYPE);
    expect(supply(pager.pager, vmo.handle, pager.port)).toBe(ZX_ERR_WRONG_TYPE);
    expect(supply(pager.pager, vmo.handle, plain)).toBe(ZX_OK);
  });

  it('SU-09 S-20: ownership comes before the source', () => {
    for (const target of [plain, foreign])
      expect(supply(pager.pager, target, NO_HANDLE)).toBe(ZX_ERR_INVALID_ARGS);
  });

  it('SU-10 SU-14 RI-01: rights', () => {
    for (const right of [ZX_RIGHT_READ, ZX_RIGHT_WRITE]) {
      expect(
        supply(pager.pager, vmo.handle, pager.fixture.withRights(plain, ZX_DEFAULT_VMO_RIGHTS & ~right)),
      ).toBe(ZX_ERR_ACCESS_DENIED);
    }
    const readOnly = pager.fixture.withRights(vmo.handle, ZX_DEFAULT_VMO_RIGHTS & ~ZX_RIGHT_WRITE);
    expect(supply(pager.pager, readOnly, plain)).toBe(ZX_ERR_ACCESS_DENIED);
    const weak = pager.fixture.withRights(pager.pager, ZX_DEFAULT_PAGER_RIGHTS & ~ZX_RIGHT_MANAGE_VMO);
    expect(supply(weak, vmo.handle, plain)).toBe(ZX_ERR_ACCESS_DENIED);
  });

  it('SU-11: whole pages, before any handle', () => {
    for (const range of [{ offset: 1 }, { length: 1 }, { auxOffset: 1 }]) {
      expect(supply(NO_HANDLE, NO_HANDLE, NO_HANDLE, range)).toBe(ZX_ERR_INVALID_ARGS);
    }
  });

  it('SU-12: what a source cannot be', async () => {
    const other = pager.createVmo(1);
    pager.supply(other, 0, 1);
    expect(supply(pager.pager, vmo.handle, other.handle, { length: PAGE })).toBe(ZX_ERR_NOT_SUPPORTED);
    const pin = new Pinner(host).pinForRead({ handle: plain }, 0, 1);
    await pin.done;
    expect(supply(pager.pager, vmo.handle, plain, { length: PAGE })).toBe(ZX_ERR_BAD_STATE);
    expect(pin.unpin()).toBe(ZX_OK);
    expect(supply(pager.pager, vmo.handle, plain, { length: PAGE })).toBe(ZX_OK);
  });

  it('SU-13: ranges', () => {
    expect(supply(pager.pager, vmo.handle, plain, { offset: PAGE, length: 2 * PAGE })).toBe(
      ZX_ERR_OUT_OF_RANGE,
    );
    expect(supply(pager.pager, vmo.handle, plain, { auxOffset: PAGE, length: 2 * PAGE })).toBe(
      ZX_ERR_OUT_OF_RANGE,
    );
  });
});

describe('zx_pager_op_range', () => {
  const op = (
    pagerHandle: number,
    operation: number,
    target: number,
    offset = 0,
    length = 0,
    data = 0,
  ): number => host.pagerOpRange(pagerHandle, operation, target, offset, length, data).status;

  it.each([ZX_PAGER_OP_FAIL, ZX_PAGER_OP_DIRTY, ZX_PAGER_OP_WRITEBACK_BEGIN, ZX_PAGER_OP_WRITEBACK_END])(
    'OR-01 OR-05 FL-17 RI-01: operation %i: handles, rights, ownership, whole pages',
    (operation) => {
      expect(op(NO_HANDLE, operation, vmo.handle)).toBe(ZX_ERR_BAD_HANDLE);
      expect(op(pager.pager, operation, NO_HANDLE)).toBe(ZX_ERR_BAD_HANDLE);
      expect(op(vmo.handle, operation, vmo.handle)).toBe(ZX_ERR_WRONG_TYPE);
      expect(op(pager.pager, operation, pager.pager)).toBe(ZX_ERR_WRONG_TYPE);
      const readOnly = pager.fixture.withRights(vmo.handle, ZX_DEFAULT_VMO_RIGHTS & ~ZX_RIGHT_WRITE);
      expect(op(pager.pager, operation, readOnly)).toBe(ZX_ERR_ACCESS_DENIED);
      for (const target of [plain, foreign])
        expect(op(pager.pager, operation, target)).toBe(ZX_ERR_INVALID_ARGS);
      expect(op(NO_HANDLE, operation, NO_HANDLE, 1)).toBe(ZX_ERR_INVALID_ARGS);
      expect(op(NO_HANDLE, operation, NO_HANDLE, 0, 1)).toBe(ZX_ERR_INVALID_ARGS);
      const weak = pager.fixture.withRights(pager.pager, ZX_DEFAULT_PAGER_RIGHTS & ~ZX_RIGHT_MANAGE_VMO);
      expect(op(weak, operation, vmo.handle)).toBe(ZX_ERR_ACCESS_DENIED);
    },
  );

  it('OR-01 OR-02 OR-03 OR-04 FL-17: ranges, operations, data', () => {
    expect(op(pager.pager, ZX_PAGER_OP_FAIL, vmo.handle, PAGE, 2 * PAGE, ZX_ERR_IO)).toBe(
      ZX_ERR_OUT_OF_RANGE,
    );
    expect(op(pager.pager, 0, vmo.handle)).toBe(ZX_ERR_NOT_SUPPORTED);
    for (const data of [0x11_ffff_ffff, ZX_ERR_INTERNAL, 100, 0xffff_ffd8]) {
      expect(op(pager.pager, ZX_PAGER_OP_FAIL, vmo.handle, 0, 0, data)).toBe(ZX_ERR_INVALID_ARGS);
    }
    expect(op(pager.pager, ZX_PAGER_OP_DIRTY, vmo.handle)).toBe(ZX_ERR_NOT_SUPPORTED);
    for (const operation of [ZX_PAGER_OP_DIRTY, ZX_PAGER_OP_WRITEBACK_BEGIN, ZX_PAGER_OP_WRITEBACK_END]) {
      expect(op(pager.pager, operation, vmo.handle, 0, 0, 100)).toBe(ZX_ERR_INVALID_ARGS);
    }
  });
});

describe('zx_pager_query_vmo_stats', () => {
  it('MO-01 MO-11: handles, options, buffers; reset only when asked', async () => {
    const query = (pagerHandle: number, target: number, options = 0): number =>
      host.pagerQueryVmoStats(pagerHandle, target, options).status;
    expect(query(NO_HANDLE, vmo.handle)).toBe(ZX_ERR_BAD_HANDLE);
    expect(query(pager.pager, pager.pager)).toBe(ZX_ERR_WRONG_TYPE);
    expect(query(pager.pager, plain)).toBe(ZX_ERR_INVALID_ARGS);
    expect(query(pager.pager, vmo.handle, 100)).toBe(ZX_ERR_INVALID_ARGS);
    const raw = (buffer: Uint8Array | null, length: number): number =>
      host.call('pager_query_vmo_stats', pager.pager, vmo.handle, 0, buffer, length);
    expect(raw(new Uint8Array(4), 0)).toBe(-15);
    expect(raw(null, 4)).toBe(ZX_ERR_INVALID_ARGS);
    pager.supply(vmo, 0, 1);
    ok(await host.vmoWrite(vmo.handle, new Uint8Array(1), 0));
    const modified = (options: number): number =>
      host.pagerQueryVmoStats(pager.pager, vmo.handle, options).modified;
    expect([modified(0), modified(1), modified(0)]).toEqual([1, 1, 0]);
  });
});

describe('bounds', () => {
  it('a sparse VMO is bounded by page-list nodes, and the supply that hits the bound says so', async () => {
    const small = new UserPager(await VmFixture.create({ limits: { pageListNodes: 8 } }));
    const wide = small.createVmo(64 * 64);
    let supplied = 0;
    while (small.supplyZero(wide, supplied * 64, 1) === ZX_OK) supplied += 1;
    expect(supplied).toBeGreaterThan(2);
    expect(supplied).toBeLessThan(8);
    expect(small.supplyZero(wide, 63 * 64, 1)).toBe(ZX_ERR_NO_MEMORY);
    small.finish();
  });

  it('a VMO of 16 TiB costs nothing until it is touched', async () => {
    const { handle } = ok(host.pagerCreateVmo(pager.pager, 0, pager.port, 77n, 2 ** 44));
    const before = pager.fixture.state.vm.nodes.size;
    const read = host.vmoRead(handle, new Uint8Array(8), 2 ** 43);
    const { packet } = host.portTryWait(pager.port);
    expect(packet?.pageRequest).toEqual({ command: 0, offset: 2 ** 43, length: PAGE });
    expect(host.pagerSupplyPages(pager.pager, handle, 2 ** 43, PAGE, plain, 0).status).toBe(ZX_OK);
    ok(await read);
    expect(pager.fixture.state.vm.nodes.size).toBeLessThan(before + 14);
  });
});
