/** The calls about dirty pages: arguments, records, clones and slices. */
import { beforeEach, describe, expect, it } from 'vitest';
import {
  DIRTY_RANGE_BYTES,
  DIRTY_RANGE_LENGTH,
  DIRTY_RANGE_OFFSET,
  DIRTY_RANGE_OPTIONS,
  ZX_PAGER_OP_DIRTY,
  ZX_PAGER_OP_FAIL,
  ZX_PAGER_OP_WRITEBACK_BEGIN,
  ZX_PAGER_OP_WRITEBACK_END,
} from '../../src/abi/pager.js';
import {
  ZX_DEFAULT_PAGER_RIGHTS,
  ZX_DEFAULT_VMO_RIGHTS,
  ZX_RIGHT_MANAGE_VMO,
  ZX_RIGHT_READ,
} from '../../src/abi/rights.js';
import {
  ZX_ERR_ACCESS_DENIED,
  ZX_ERR_BAD_HANDLE,
  ZX_ERR_BUFFER_TOO_SMALL,
  ZX_ERR_INVALID_ARGS,
  ZX_ERR_IO,
  ZX_ERR_NOT_FOUND,
  ZX_ERR_NOT_SUPPORTED,
  ZX_ERR_NO_MEMORY,
  ZX_ERR_OUT_OF_RANGE,
  ZX_ERR_WRONG_TYPE,
  ZX_OK,
  type Status,
} from '../../src/abi/status.js';
import {
  ZX_VMO_CHILD_SLICE,
  ZX_VMO_OP_ZERO,
  ZX_VMO_RESIZABLE,
  ZX_VMO_TRAP_DIRTY,
  ZX_VMO_UNBOUNDED,
} from '../../src/abi/vm.js';
import { type PagedVmo } from '../support/paged-vmo.js';
import { DIRTY_MODES, UserPager, ok } from '../support/user-pager.js';
import { PAGE, VmFixture } from '../support/vm-fixture.js';

const NO_HANDLE = 0xffff_fff0;

let pager: UserPager;

beforeEach(async () => {
  pager = new UserPager(await VmFixture.create());
});

/** The raw call: null is a null pointer. */
function query(
  vmo: number,
  offset: number,
  length: number,
  buffer: Uint8Array | null,
  actual: Uint8Array | null = null,
  available: Uint8Array | null = null,
  pagerHandle = pager.pager,
): Status {
  const bytes = buffer?.length ?? 0;
  return pager.host.call(
    'pager_query_dirty_ranges',
    pagerHandle,
    vmo,
    offset,
    length,
    buffer,
    bytes,
    actual,
    available,
  );
}

function u64(bytes: Uint8Array, at = 0): number {
  return Number(new DataView(bytes.buffer).getBigUint64(at, true));
}

/** Two dirty pages of three, with one between them that is not. */
function dirtied(): PagedVmo {
  const vmo = pager.createVmo(3);
  pager.supply(vmo, 0, 3);
  for (const page of [0, 2]) expect(pager.store(vmo, page, 1n).outcome.end).toBe('done');
  return vmo;
}

describe('zx_pager_query_dirty_ranges and zx_pager_query_vmo_stats', () => {
  it('QD-01 MO-01: handles, types, rights, ownership, ranges', () => {
    const vmo = pager.createVmo(1);
    const other = new UserPager(pager.fixture);
    const foreign = other.createVmo(1).handle;
    const plain = ok(pager.host.vmoCreate(PAGE, 0)).handle;
    const calls: ((pagerHandle: number, target: number) => Status)[] = [
      (pagerHandle, target) => query(target, 0, 0, null, null, null, pagerHandle),
      (pagerHandle, target) => pager.host.pagerQueryVmoStats(pagerHandle, target, 0).status,
    ];
    for (const call of calls) {
      expect(call(NO_HANDLE, vmo.handle)).toBe(ZX_ERR_BAD_HANDLE);
      expect(call(pager.pager, NO_HANDLE)).toBe(ZX_ERR_BAD_HANDLE);
      expect(call(vmo.handle, vmo.handle)).toBe(ZX_ERR_WRONG_TYPE);
      expect(call(pager.pager, pager.pager)).toBe(ZX_ERR_WRONG_TYPE);
      const unreadable = pager.fixture.withRights(vmo.handle, ZX_DEFAULT_VMO_RIGHTS & ~ZX_RIGHT_READ);
      expect(call(pager.pager, unreadable)).toBe(ZX_ERR_ACCESS_DENIED);
      expect(call(pager.pager, plain)).toBe(ZX_ERR_INVALID_ARGS);
      expect(call(pager.pager, foreign)).toBe(ZX_ERR_INVALID_ARGS);
      const weak = pager.fixture.withRights(pager.pager, ZX_DEFAULT_PAGER_RIGHTS & ~ZX_RIGHT_MANAGE_VMO);
      expect(call(weak, vmo.handle)).toBe(ZX_ERR_ACCESS_DENIED);
      expect(call(pager.pager, vmo.handle)).toBe(ZX_OK);
    }
    expect(query(vmo.handle, 0, 2 * PAGE, null)).toBe(ZX_ERR_OUT_OF_RANGE);
    expect(query(vmo.handle, PAGE, 1, null)).toBe(ZX_ERR_OUT_OF_RANGE);
    const stats = (options: number, buffer: Uint8Array | null, bytes: number): Status =>
      pager.host.call('pager_query_vmo_stats', pager.pager, vmo.handle, options, buffer, bytes);
    expect(stats(100, new Uint8Array(4), 4)).toBe(ZX_ERR_INVALID_ARGS);
    expect(stats(0, new Uint8Array(4), 0)).toBe(ZX_ERR_BUFFER_TOO_SMALL);
    expect(stats(0, null, 4)).toBe(ZX_ERR_INVALID_ARGS);
  });

  it('QD-02 QD-03: a buffer that is not there, or is the kernel’s', () => {
    const vmo = dirtied();
    const bytes = DIRTY_RANGE_BYTES;
    const at = (address: bigint): Status =>
      pager.host.call(
        'pager_query_dirty_ranges',
        pager.pager,
        vmo.handle,
        0,
        3 * PAGE,
        address,
        bytes,
        null,
        null,
      );
    expect(at(0n)).toBe(ZX_ERR_INVALID_ARGS);
    expect(at(0xffff_ffff_8000_0000n)).toBe(ZX_ERR_INVALID_ARGS);
    pager.expectDirty(vmo, '{0,1} {2,1}');
    pager.finish();
  });

  it('QD-04 S-22: a buffer that is too small, or none; each count may be left out', () => {
    const vmo = dirtied();
    const actual = new Uint8Array(8);
    const available = new Uint8Array(8);
    expect(query(vmo.handle, 0, PAGE, new Uint8Array(8), actual)).toBe(ZX_OK);
    expect(u64(actual)).toBe(0);
    const one = new Uint8Array(DIRTY_RANGE_BYTES);
    expect(query(vmo.handle, 0, 3 * PAGE, one, actual)).toBe(ZX_OK);
    expect(u64(actual)).toBe(1);
    const fields = [DIRTY_RANGE_OFFSET, DIRTY_RANGE_LENGTH, DIRTY_RANGE_OPTIONS];
    expect(fields.map((field) => u64(one, field))).toEqual([0, PAGE, 0]);
    expect(query(vmo.handle, 0, 3 * PAGE, one, actual, available)).toBe(ZX_OK);
    expect([u64(actual), u64(available)]).toEqual([1, 2]);
    const two = new Uint8Array(2 * DIRTY_RANGE_BYTES);
    expect(query(vmo.handle, 0, 3 * PAGE, two, actual)).toBe(ZX_OK);
    expect(u64(actual)).toBe(2);
    expect(fields.map((field) => u64(two, DIRTY_RANGE_BYTES + field))).toEqual([2 * PAGE, PAGE, 0]);
    expect(query(vmo.handle, 0, 3 * PAGE, two)).toBe(ZX_OK);
    expect(query(vmo.handle, 0, 3 * PAGE, null, null, available)).toBe(ZX_OK);
    expect(u64(available)).toBe(2);
    pager.finish();
  });

  it('QD-05: ranges ascend, are joined only with their kind, and cut to what was asked for', async () => {
    const vmo = pager.createVmo(8, ZX_VMO_RESIZABLE);
    pager.supply(vmo, 0, 8);
    const zero = pager.op(vmo, ZX_VMO_OP_ZERO, 2, 3);
    const write = pager.write(vmo, 5, 2, 1);
    await pager.turn();
    expect([zero.status, write.status]).toEqual([ZX_OK, ZX_OK]);
    pager.writebackBegin(vmo, 6, 1);
    pager.expectDirty(vmo, '{2,3}Z {5,2}');
    const two = new Uint8Array(2 * DIRTY_RANGE_BYTES);
    const result = pager.host.pagerQueryDirtyRanges(pager.pager, vmo.handle, 3 * PAGE, 3 * PAGE, two);
    expect(result).toEqual({ status: ZX_OK, actual: 2, available: 2 });
    expect(new BigUint64Array(two.buffer)).toEqual(
      new BigUint64Array([3 * PAGE, 2 * PAGE, 1, 5 * PAGE, PAGE, 0].map(BigInt)),
    );
    // Parts of pages count as the page.
    const part = pager.host.pagerQueryDirtyRanges(pager.pager, vmo.handle, 5 * PAGE - 1, 2, two);
    expect(part.available).toBe(2);
    pager.finish();
  });

  it.each(DIRTY_MODES)(
    'CL-18 QD-06 %s: not of a clone, whose writes are not the pager’s',
    async (mode, options) => {
      const vmo = pager.createVmo(1, options);
      pager.supply(vmo, 0, 1);
      const write = pager.writeWord('Vmo', vmo, 0, 1n);
      if (mode === 'TrapDirty') await pager.answerDirty(vmo, 0, 1);
      await pager.turn();
      write.expectDone();
      pager.expectDirty(vmo, '{0,1}');
      const clone = pager.clone(vmo);
      for (const path of ['Vmo', 'Vmar'] as const) {
        const forked = pager.writeWord(path, clone, 0, 2n);
        await pager.turn();
        forked.expectDone();
      }
      pager.expectPackets();
      expect(query(clone.handle, 0, PAGE, null)).toBe(ZX_ERR_INVALID_ARGS);
      pager.expectDirty(vmo, '{0,1}');
      expect(pager.words(vmo)).toEqual([1n]);
      pager.finish();
    },
  );
});

describe('zx_pager_op_range', () => {
  it('OR-01 OR-02 OR-04: ranges, what there is to make dirty, data', () => {
    const vmo = pager.createVmo(1, ZX_VMO_TRAP_DIRTY);
    const untrapped = pager.createVmo(1);
    for (const target of [vmo, untrapped]) pager.supply(target, 0, 1);
    for (const [op, data] of [
      [ZX_PAGER_OP_FAIL, ZX_ERR_IO],
      [ZX_PAGER_OP_DIRTY, 0],
      [ZX_PAGER_OP_WRITEBACK_BEGIN, 0],
      [ZX_PAGER_OP_WRITEBACK_END, 0],
    ] as const) {
      expect(pager.opRange(op, vmo, 0, 2, data)).toBe(ZX_ERR_OUT_OF_RANGE);
      expect(pager.opRange(op, vmo, 1, 1, data)).toBe(ZX_ERR_OUT_OF_RANGE);
      expect(pager.opRange(op, vmo, 0, 1, 100)).toBe(ZX_ERR_INVALID_ARGS);
    }
    expect(pager.opRange(0, vmo, 0, 1, 0)).toBe(ZX_ERR_NOT_SUPPORTED);
    expect(pager.dirty(untrapped, 0, 1)).toBe(ZX_ERR_NOT_SUPPORTED);
    const absent = pager.createVmo(1, ZX_VMO_TRAP_DIRTY);
    expect(pager.dirty(absent, 0, 1)).toBe(ZX_ERR_NOT_FOUND);
    for (const target of [vmo, untrapped, absent]) pager.expectDirty(target, '');
    pager.finish();
  });

  it('OR-06: an end without a beginning, and failure where nobody waits, are fine', () => {
    const vmo = pager.createVmo(2, ZX_VMO_TRAP_DIRTY);
    pager.supply(vmo, 0, 1);
    expect(pager.writebackEnd(vmo, 0, 2)).toBe(ZX_OK);
    expect(pager.fail(vmo, 0, 2)).toBe(ZX_OK);
    expect(pager.dirty(vmo, 2, 1)).toBe(ZX_ERR_OUT_OF_RANGE);
    expect(pager.supply(vmo, 2, 1)).toBe(ZX_ERR_OUT_OF_RANGE);
    expect(pager.writebackEnd(vmo, 2, 1)).toBe(ZX_ERR_OUT_OF_RANGE);
    pager.finish();
  });
});

describe.each(DIRTY_MODES)('a slice of all, %s', (mode, options) => {
  function create(): readonly [PagedVmo, PagedVmo] {
    const vmo = pager.createVmo(2, options);
    pager.supply(vmo, 0, 2);
    return [vmo, pager.clone(vmo, ZX_VMO_CHILD_SLICE)];
  }

  function expectNoAnswers(slice: PagedVmo): void {
    expect(query(slice.handle, 0, PAGE, null)).toBe(ZX_ERR_INVALID_ARGS);
    expect(pager.host.pagerQueryVmoStats(pager.pager, slice.handle, 0).status).toBe(ZX_ERR_INVALID_ARGS);
  }

  it('CL-24 QD-06: writes to it are the root’s', async () => {
    const [vmo, slice] = create();
    for (const path of ['Vmo', 'Vmar'] as const) {
      const write = pager.writeWord(path, slice, 0, 1n);
      if (mode === 'TrapDirty') await pager.answerDirty(vmo, 0, 1);
      await pager.turn();
      write.expectDone();
      expect(pager.words(vmo, 0, 1)).toEqual([1n]);
      expect(pager.modified(vmo)).toBe(true);
      pager.expectDirty(vmo, '{0,1}');
      expectNoAnswers(slice);
      pager.writeBack(vmo, 0, 1);
      pager.expectDirty(vmo, '');
      expect(pager.modified(vmo)).toBe(false);
    }
    pager.finish();
  });

  it('CL-25 OZ-15 QD-06: zeroing it is zeroing the root', async () => {
    const [vmo, slice] = create();
    const zero = pager.op(slice, ZX_VMO_OP_ZERO, 0, 1);
    await pager.turn();
    expect(zero.status).toBe(ZX_OK);
    pager.expectPackets();
    expect(pager.modified(vmo)).toBe(true);
    pager.expectDirty(vmo, '{0,1}Z');
    expectNoAnswers(slice);
    pager.finish();
  });
});

it('the stream of events tells of requests for leave, of leave, and of writeback', async () => {
  const vmo = pager.createVmo(2, ZX_VMO_TRAP_DIRTY);
  pager.supply(vmo, 0, 2);
  const seen: string[] = [];
  pager.fixture.state.events = (event) => {
    const what = event.type === 'request' ? event.command : event.type;
    if ('pages' in event) seen.push(`${what} ${event.page} ${event.pages}`);
  };
  const write = pager.write(vmo, 0, 2, 1);
  expect(pager.dirty(vmo, 0, 1)).toBe(ZX_OK);
  pager.fail(vmo, 1, 1);
  await pager.turn();
  expect(write.isBlocked).toBe(true);
  pager.dirty(vmo, 1, 1);
  await pager.turn();
  expect(write.status).toBe(ZX_OK);
  pager.writeBack(vmo, 0, 2);
  expect(pager.dirty(vmo, 0, 3)).toBe(ZX_ERR_OUT_OF_RANGE);
  pager.fixture.state.events = null;
  expect(seen).toEqual([
    'dirty 0 2',
    'dirty 0 1',
    'fail 1 1',
    'dirty 1 1',
    'dirty 1 1',
    'writeback-begin 0 2',
    'writeback-end 0 2',
  ]);
  pager.finish();
});

describe('bounds', () => {
  it('ranges of zeros are limited in all, and what would need one more says so', async () => {
    const small = new UserPager(await VmFixture.create({ limits: { zeroRanges: 8 } }));
    const vmo = small.createVmo(64, ZX_VMO_RESIZABLE);
    const status: (Status | undefined)[] = [];
    for (let page = 0; page < 20; page += 2) {
      const zero = small.op(vmo, ZX_VMO_OP_ZERO, page, 1);
      await small.turn();
      status.push(zero.status);
    }
    expect(status).toEqual([
      ...new Array<Status>(7).fill(ZX_OK),
      ...new Array<Status>(3).fill(ZX_ERR_NO_MEMORY),
    ]);
    expect((await small.resize(vmo, 65).done).status).toBe(ZX_ERR_NO_MEMORY);
    expect((await small.host.vmoSetStreamSize(vmo.handle, PAGE)).status).toBe(ZX_ERR_NO_MEMORY);
    expect(small.host.pagerCreateVmo(small.pager, ZX_VMO_UNBOUNDED, small.port, 1n, 0).status).toBe(
      ZX_ERR_NO_MEMORY,
    );
    // A write into one of them would leave two, but takes this one away whole.
    expect((await small.write(vmo, 0, 1, 1).done).status).toBe(ZX_ERR_NO_MEMORY);
    small.writeBack(vmo, 0, 64);
    small.expectDirty(vmo, '');
    const zero = small.op(vmo, ZX_VMO_OP_ZERO, 0, 1);
    await small.turn();
    expect(zero.status).toBe(ZX_OK);
    small.finish();
  });

  it('DIRTY of more zeros than there are frames says so, and does nothing', async () => {
    const small = new UserPager(await VmFixture.create({ ramBytes: 2 ** 20 }));
    const vmo = small.createVmo(1, ZX_VMO_RESIZABLE | ZX_VMO_TRAP_DIRTY);
    ok(await small.resize(vmo, 2 ** 30).done);
    expect(small.dirty(vmo, 1, 2 ** 30 - 1)).toBe(ZX_ERR_NO_MEMORY);
    expect(small.committed(vmo)).toBe(0);
    expect(small.dirty(vmo, 1, 2)).toBe(ZX_OK);
    small.finish();
  });
});
