/** Snapshots, slices and clones of one another: what is allowed, and who follows whom. */
import { beforeEach, describe, expect, it } from 'vitest';
import { ZX_INFO_VMO_PAGER_BACKED } from '../../src/abi/info.js';
import { ZX_RIGHT_WRITE } from '../../src/abi/rights.js';
import {
  ZX_ERR_ACCESS_DENIED,
  ZX_ERR_BAD_STATE,
  ZX_ERR_NOT_SUPPORTED,
  ZX_OK,
  type Status,
} from '../../src/abi/status.js';
import {
  ZX_VM_PERM_READ,
  ZX_VMO_CHILD_NO_WRITE,
  ZX_VMO_CHILD_REFERENCE,
  ZX_VMO_CHILD_RESIZABLE,
  ZX_VMO_CHILD_SLICE,
  ZX_VMO_CHILD_SNAPSHOT,
  ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE,
  ZX_VMO_CHILD_SNAPSHOT_MODIFIED,
  ZX_VMO_RESIZABLE,
} from '../../src/abi/vm.js';
import { Pinner } from '../support/pinner.js';
import { type PagedVmo } from '../support/paged-vmo.js';
import { UserPager, ok } from '../support/user-pager.js';
import { PAGE, VmFixture } from '../support/vm-fixture.js';
import { VmoFamily } from '../support/vmo-family.js';

const ALOW = ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE;
const MODIFIED = ZX_VMO_CHILD_SNAPSHOT_MODIFIED;
const SLICE = ZX_VMO_CHILD_SLICE;

let pager: UserPager;
let family: VmoFamily;

beforeEach(async () => {
  pager = new UserPager(await VmFixture.create());
  family = new VmoFamily(pager);
});

function written(pages: number, first: bigint, options = 0): PagedVmo {
  const root = pager.createVmo(pages, options);
  expect(pager.supply(root, 0, pages)).toBe(ZX_OK);
  family.writeAll(root, first);
  return root;
}

/** What comes of an attempt to make a child of all of a VMO. */
function attempt(parent: PagedVmo, options: number): Status {
  const size = (options & ZX_VMO_CHILD_REFERENCE) !== 0 ? 0 : parent.pages * PAGE;
  const { status, handle } = pager.host.vmoCreateChild(parent.handle, options, 0, size);
  if (status === ZX_OK) pager.host.handleClose(handle);
  return status;
}

describe('snapshots and slices', () => {
  it('SN-07 RI-02: what cannot be written is snapshotted by what can', async () => {
    const root = pager.createVmo(1);
    pager.supply(root, 0, 1);
    const { handle } = ok(pager.host.vmoCreateChild(root.handle, MODIFIED | ZX_VMO_CHILD_NO_WRITE, 0, PAGE));
    expect(pager.host.handles.get(handle)?.rights).not.toBe(undefined);
    expect((pager.host.handles.get(handle)?.rights ?? -1) & ZX_RIGHT_WRITE).toBe(0);
    expect((await pager.host.vmoWrite(handle, Uint8Array.of(1), 0)).status).toBe(ZX_ERR_ACCESS_DENIED);
    const fixed = { ...root, handle, base: pager.map(handle, 1, ZX_VM_PERM_READ) };
    expect(pager.store(fixed, 0, 1n).outcome).toEqual({
      end: 'crash',
      address: fixed.base,
      status: ZX_ERR_ACCESS_DENIED,
    });
    const snapshot = family.modified(fixed);
    expect((pager.host.handles.get(snapshot.handle)?.rights ?? 0) & ZX_RIGHT_WRITE).toBe(ZX_RIGHT_WRITE);
    family.write(snapshot, 0, 2n);
    expect([family.word(snapshot), family.word(fixed), family.word(root)]).toEqual([
      2n,
      root.first,
      root.first,
    ]);
    pager.finish();
  });

  it('SN-20: a clone of a slice of the root', () => {
    const root = written(2, 1n);
    const clone = pager.clone(pager.clone(root, SLICE, 1, 1), ALOW);
    expect(family.word(clone)).toBe(2n);
    family.write(clone, 0, 5n);
    expect([family.word(clone), family.word(root, 1)]).toEqual([5n, 2n]);
    pager.finish();
  });

  it('SN-21 S-26: of a slice of the root, but not of a slice of a snapshot', () => {
    const root = written(1, 1n);
    const slice = pager.clone(root, SLICE);
    const clone = family.modified(slice);
    expect(family.word(clone)).toBe(1n);
    family.write(root, 0, 2n);
    expect(family.word(clone)).toBe(2n);
    const snapshot = family.modified(clone);
    expect(family.word(snapshot)).toBe(2n);
    const sliceOfSnapshot = pager.clone(snapshot, SLICE);
    expect(family.word(sliceOfSnapshot)).toBe(2n);
    expect(attempt(sliceOfSnapshot, MODIFIED)).toBe(ZX_ERR_NOT_SUPPORTED);
    pager.finish();
  });

  it('SN-22 S-26: no clone of a slice of a snapshot, at the latest on write either', () => {
    const root = written(1, 1n);
    const clone = family.modified(root);
    family.write(clone, 0, 2n);
    const snapshot = family.modified(clone);
    expect(attempt(pager.clone(snapshot, SLICE), ALOW)).toBe(ZX_ERR_NOT_SUPPORTED);
    expect(attempt(pager.clone(clone, SLICE), ALOW)).toBe(ZX_ERR_NOT_SUPPORTED);
    // With the snapshot gone it is a clone like others.
    family.close(snapshot);
    expect(attempt(clone, ALOW)).toBe(ZX_OK);
    pager.finish();
  });

  it('SN-23: a slice follows its VMO past further snapshots', () => {
    const root = written(1, 1n);
    const clone = family.modified(root);
    family.write(clone, 0, 2n);
    const first = family.modified(clone);
    const slice = pager.clone(clone, SLICE);
    expect(family.word(slice)).toBe(2n);
    family.write(clone, 0, 3n);
    const second = family.modified(clone);
    family.write(clone, 0, 4n);
    expect([clone, slice, first, second].map((vmo) => family.word(vmo))).toEqual([4n, 4n, 2n, 3n]);
    family.write(slice, 0, 5n);
    expect([family.word(clone), family.word(second)]).toEqual([5n, 3n]);
    expect([clone, first, second].map((vmo) => family.info(vmo).children)).toEqual([3, 0, 0]);
    pager.finish();
  });

  it('SN-24: unmodified chains from the root and from its slice follow the root', () => {
    const root = written(1, 1n);
    const slice = pager.clone(root, SLICE);
    const chains = [root, slice].map((start) => {
      const clone = family.modified(start);
      return [clone, family.modified(clone)];
    });
    const all = chains.flat();
    for (const value of [2n, 3n, 4n]) {
      family.write(value === 3n ? slice : root, 0, value);
      expect(all.map((vmo) => family.word(vmo))).toEqual([value, value, value, value]);
    }
    family.write(all[0], 0, 9n);
    family.write(root, 0, 5n);
    expect(all.map((vmo) => family.word(vmo))).toEqual([9n, 5n, 5n, 5n]);
    pager.finish();
  });

  it('SN-37 RZ-19: the root is resized while clones come and go', async () => {
    const root = written(17, 100n, ZX_VMO_RESIZABLE);
    const alow = pager.clone(root, ALOW);
    for (let round = 0; round < 200; round += 1) {
      await family.resize(root, 17);
      const clone = family.modified(root);
      family.write(clone, 16, BigInt(round));
      // The order of the two takes turns.
      if (round % 2 === 0) await family.resize(root, 16);
      const snapshot = family.modified(clone);
      if (round % 2 === 1) await family.resize(root, 16);
      expect([family.word(clone, 16), family.word(snapshot, 16)]).toEqual([BigInt(round), BigInt(round)]);
      expect([family.word(snapshot, 15), family.word(alow, 15), family.word(alow, 16)]).toEqual([
        115n,
        115n,
        0n,
      ]);
      family.close(...(round % 3 === 0 ? [clone, snapshot] : [snapshot, clone]));
    }
    pager.finish();
  });
});

describe('what cannot be cloned', () => {
  const under = [ZX_VMO_CHILD_SNAPSHOT, ZX_VMO_CHILD_SNAPSHOT | ZX_VMO_CHILD_RESIZABLE];

  it('SNAPSHOT of anything under a pager', () => {
    const root = written(1, 1n);
    const clone = family.modified(root);
    family.write(clone, 0, 2n);
    for (const vmo of [root, clone, family.modified(clone), pager.clone(root, SLICE)]) {
      for (const options of under) expect(attempt(vmo, options)).toBe(ZX_ERR_NOT_SUPPORTED);
      expect(family.info(vmo).flags & ZX_INFO_VMO_PAGER_BACKED).toBe(ZX_INFO_VMO_PAGER_BACKED);
    }
    pager.finish();
  });

  it('SNAPSHOT_MODIFIED of a clone that others follow, and of one that follows a clone', () => {
    const root = written(1, 1n);
    const clone = pager.clone(root, ALOW);
    family.write(clone, 0, 2n);
    const follower = pager.clone(clone, ALOW);
    expect([attempt(clone, MODIFIED), attempt(follower, MODIFIED)]).toEqual([
      ZX_ERR_NOT_SUPPORTED,
      ZX_ERR_NOT_SUPPORTED,
    ]);
    family.write(clone, 0, 3n);
    expect(family.word(follower)).toBe(3n);
    // When its only follower is left, there is nothing to follow any more.
    family.close(clone);
    const snapshot = family.modified(follower);
    family.write(follower, 0, 4n);
    expect([family.word(snapshot), family.word(follower), family.word(root)]).toEqual([3n, 4n, 1n]);
    pager.finish();
  });

  it('a slice of memory without a pager, since its snapshot would have to be one of all of it', () => {
    const vmo = family.anonymous(2);
    const slice = pager.clone(vmo, SLICE, 1, 1);
    for (const options of [ZX_VMO_CHILD_SNAPSHOT, ALOW, MODIFIED])
      expect(attempt(slice, options)).toBe(ZX_ERR_NOT_SUPPORTED);
    pager.finish();
  });

  it('a slice of what can be resized, also by another handle to it', () => {
    const vmo = family.anonymous(2, ZX_VMO_RESIZABLE);
    const { handle } = ok(pager.host.vmoCreateChild(vmo.handle, ZX_VMO_CHILD_REFERENCE, 0, 0));
    expect(attempt(vmo, SLICE)).toBe(ZX_ERR_NOT_SUPPORTED);
    expect(attempt({ ...vmo, handle }, SLICE)).toBe(ZX_ERR_NOT_SUPPORTED);
    pager.finish();
  });

  it('what has pinned pages, which stay where they are whoever is closed', async () => {
    const pinner = new Pinner(pager.host);
    const vmo = family.anonymous(2);
    const plain = pinner.pinForWrite(vmo, 0, 1);
    const clone = family.modified(written(2, 1n));
    family.writeAll(clone, 10n);
    const snapshot = family.modified(clone);
    const shared = pinner.pinForWrite(snapshot, 1, 1);
    await pager.turn();
    expect([plain.status, shared.status]).toEqual([ZX_OK, ZX_OK]);
    expect([
      attempt(vmo, ZX_VMO_CHILD_SNAPSHOT),
      attempt(snapshot, MODIFIED),
      attempt(snapshot, ALOW),
    ]).toEqual([ZX_ERR_BAD_STATE, ZX_ERR_BAD_STATE, ZX_ERR_BAD_STATE]);
    expect(attempt(clone, MODIFIED)).toBe(ZX_OK);
    const frame = pager.object(snapshot).cow.find(1);
    family.close(clone);
    expect(pager.object(snapshot).cow.find(1)).toBe(frame);
    expect([family.words(snapshot), family.info(snapshot).private]).toEqual([[10n, 11n], 2]);
    expect([plain.unpin(), shared.unpin()]).toEqual([ZX_OK, ZX_OK]);
    expect([attempt(vmo, ZX_VMO_CHILD_SNAPSHOT), attempt(snapshot, MODIFIED)]).toEqual([ZX_OK, ZX_OK]);
    pager.finish();
  });
});

describe('pages that several share', () => {
  it('S-26: stay for the last who sees them, whoever has stopped seeing them before', async () => {
    const root = written(3, 10n);
    const frames = family.frames();
    const first = family.modified(root);
    family.writeAll(first, 20n);
    const second = family.modified(first);
    const third = family.modified(first);
    // The first has its own page 0, the second pages 1 and 2: page 0 is left to the second and third.
    family.write(first, 0, 30n);
    family.write(second, 1, 41n);
    family.write(second, 2, 42n);
    await family.zero(third, 0, 3);
    expect(family.words(second)).toEqual([20n, 41n, 42n]);
    expect(family.words(first)).toEqual([30n, 21n, 22n]);
    expect(family.words(third)).toEqual([0n, 0n, 0n]);
    // Page 0 of the first, pages 1 and 2 of the second, and the three that they share.
    expect(family.frames() - frames).toBe(1 + 2 + 3);
    pager.finish();
  });

  it('S-26: are taken over, not copied, by the last who sees them', () => {
    const root = written(1, 10n);
    const first = family.modified(root);
    family.write(first, 0, 20n);
    const second = family.modified(first);
    family.write(second, 0, 30n);
    const copied = pager.fixture.state.vm.counters.pagesCopied;
    const frames = family.frames();
    family.write(first, 0, 21n);
    expect([pager.fixture.state.vm.counters.pagesCopied, family.frames()]).toEqual([copied, frames]);
    expect([family.word(first), family.word(second), family.word(root)]).toEqual([21n, 30n, 10n]);
    pager.finish();
  });
});
