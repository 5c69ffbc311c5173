/** ZX_INFO_VMO of a pager's VMO and of its snapshots, field by field. */
import { beforeEach, expect, it } from 'vitest';
import * as info from '../../src/abi/info.js';
import { ZX_DEFAULT_VMO_RIGHTS } from '../../src/abi/rights.js';
import { ZX_OK } from '../../src/abi/status.js';
import { ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE, ZX_VMO_RESIZABLE } from '../../src/abi/vm.js';
import { type PagedVmo } from '../support/paged-vmo.js';
import { UserPager } from '../support/user-pager.js';
import { PAGE, VmFixture } from '../support/vm-fixture.js';
import { VmoFamily } from '../support/vmo-family.js';

let pager: UserPager;

beforeEach(async () => {
  pager = new UserPager(await VmFixture.create());
});

/** The record, read into a buffer full of other bytes. */
function recordOf({ handle }: PagedVmo): DataView {
  const record = new Uint8Array(info.INFO_VMO_BYTES).fill(0xee);
  const { status, actual, available } = pager.host.objectGetInfo(handle, info.ZX_INFO_VMO, record);
  expect([status, actual, available]).toEqual([ZX_OK, 1, 1]);
  return new DataView(record.buffer);
}

function u64(view: DataView, ...fields: readonly number[]): number[] {
  return fields.map((field) => Number(view.getBigUint64(field, true)));
}

it('IN-01 IN-02: of a pager’s VMO, zeros count nothing', async () => {
  const vmo = pager.createVmo(4, ZX_VMO_RESIZABLE);
  pager.supply(vmo, 0, 2);
  pager.supplyZero(vmo, 2, 1);
  await pager.resize(vmo, 5).done;
  const { handle } = vmo;
  const view = recordOf(vmo);
  const koid = pager.host.handles.get(handle)?.dispatcher.koid;
  const { INFO_VMO_COMMITTED_BYTES, INFO_VMO_POPULATED_BYTES, INFO_VMO_COMMITTED_PRIVATE_BYTES } = info;
  const {
    INFO_VMO_POPULATED_PRIVATE_BYTES,
    INFO_VMO_COMMITTED_SCALED_BYTES,
    INFO_VMO_POPULATED_SCALED_BYTES,
  } = info;
  expect(u64(view, info.INFO_VMO_KOID, info.INFO_VMO_PARENT_KOID, info.INFO_VMO_SIZE_BYTES)).toEqual([
    koid,
    0,
    5 * PAGE,
  ]);
  expect(
    u64(
      view,
      ...[INFO_VMO_COMMITTED_BYTES, INFO_VMO_POPULATED_BYTES, INFO_VMO_COMMITTED_PRIVATE_BYTES],
      ...[INFO_VMO_POPULATED_PRIVATE_BYTES, INFO_VMO_COMMITTED_SCALED_BYTES, INFO_VMO_POPULATED_SCALED_BYTES],
    ),
  ).toEqual(Array.from({ length: 6 }, () => 2 * PAGE));
  expect(
    u64(view, info.INFO_VMO_NUM_CHILDREN, info.INFO_VMO_NUM_MAPPINGS, info.INFO_VMO_COMMITTED_CHANGE_EVENTS),
  ).toEqual([0, 1, 0]);
  expect(
    u64(
      view,
      info.INFO_VMO_COMMITTED_FRACTIONAL_SCALED_BYTES,
      info.INFO_VMO_POPULATED_FRACTIONAL_SCALED_BYTES,
    ),
  ).toEqual([0, 0]);
  expect(view.getUint32(info.INFO_VMO_FLAGS, true)).toBe(
    info.ZX_INFO_VMO_TYPE_PAGED |
      info.ZX_INFO_VMO_RESIZABLE |
      info.ZX_INFO_VMO_VIA_HANDLE |
      info.ZX_INFO_VMO_PAGER_BACKED,
  );
  expect(view.getUint32(info.INFO_VMO_HANDLE_RIGHTS, true)).toBe(pager.host.handles.get(handle)?.rights);
  const weak = pager.fixture.withRights(handle, ZX_DEFAULT_VMO_RIGHTS);
  expect(recordOf({ ...vmo, handle: weak }).getUint32(info.INFO_VMO_HANDLE_RIGHTS, true)).toBe(
    ZX_DEFAULT_VMO_RIGHTS,
  );
  pager.finish();
});

it('IN-01 S-26: of snapshots, a page that three see counts a third of its bytes for each, with the fraction', () => {
  const family = new VmoFamily(pager);
  const root = pager.createVmo(1);
  pager.supply(root, 0, 1);
  const clone = family.modified(root);
  family.write(clone, 0, 1n);
  const all = [clone, family.modified(clone), family.modified(clone)];
  const third = 2n ** 63n / 3n;
  for (const vmo of all) {
    const view = recordOf(vmo);
    expect(
      u64(
        view,
        info.INFO_VMO_COMMITTED_BYTES,
        info.INFO_VMO_POPULATED_BYTES,
        info.INFO_VMO_POPULATED_PRIVATE_BYTES,
      ),
    ).toEqual([PAGE, PAGE, 0]);
    expect(u64(view, info.INFO_VMO_COMMITTED_SCALED_BYTES, info.INFO_VMO_POPULATED_SCALED_BYTES)).toEqual([
      1365, 1365,
    ]);
    expect(view.getBigUint64(info.INFO_VMO_POPULATED_FRACTIONAL_SCALED_BYTES, true)).toBe(third);
    expect(view.getBigUint64(info.INFO_VMO_COMMITTED_FRACTIONAL_SCALED_BYTES, true)).toBe(third);
    expect(view.getUint32(info.INFO_VMO_FLAGS, true) & info.ZX_INFO_VMO_IS_COW_CLONE).not.toBe(0);
  }
  expect(u64(recordOf(root), info.INFO_VMO_NUM_CHILDREN, info.INFO_VMO_POPULATED_SCALED_BYTES)).toEqual([
    1,
    PAGE,
  ]);
  expect(u64(recordOf(clone), info.INFO_VMO_NUM_CHILDREN)).toEqual([2]);
  pager.finish();
});

it('IN-01: what shows through from a clone that sees it in one that is gone counts for that clone alone', () => {
  const family = new VmoFamily(pager);
  const root = pager.createVmo(2);
  pager.supply(root, 0, 2);
  const atLeastOnWrite = (vmo: PagedVmo): PagedVmo =>
    pager.clone(vmo, ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE);
  const gone = atLeastOnWrite(root);
  family.write(gone, 0, 1n);
  const clones = [atLeastOnWrite(gone), atLeastOnWrite(gone)] as const;
  family.write(clones[1], 1, 2n);
  const last = atLeastOnWrite(clones[1]);
  family.close(gone);
  const counted = (vmo: PagedVmo): number[] =>
    u64(
      recordOf(vmo),
      info.INFO_VMO_COMMITTED_BYTES,
      info.INFO_VMO_COMMITTED_PRIVATE_BYTES,
      info.INFO_VMO_COMMITTED_SCALED_BYTES,
    );
  expect([...clones, last].map(counted)).toEqual([
    [PAGE, 0, PAGE / 2],
    [2 * PAGE, PAGE, 1.5 * PAGE],
    [0, 0, 0],
  ]);
  expect(family.word(last)).toBe(1n);
  pager.finish();
});
