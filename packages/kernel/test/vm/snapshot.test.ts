/** Snapshots of memory without a pager: what is shared and freed, what is mapped, what counts for whom. */
import { beforeEach, describe, expect, it } from 'vitest';
import {
  INFO_MAPS_BYTES,
  INFO_MAPS_COMMITTED_BYTES,
  INFO_MAPS_COMMITTED_SCALED_BYTES,
  INFO_MAPS_TYPE,
  ZX_INFO_MAPS_TYPE_MAPPING,
  ZX_INFO_VMAR_MAPS,
  ZX_INFO_VMO_IMMUTABLE,
  ZX_INFO_VMO_IS_COW_CLONE,
  ZX_INFO_VMO_PAGER_BACKED,
  ZX_INFO_VMO_RESIZABLE,
  ZX_INFO_VMO_TYPE_PAGED,
  ZX_INFO_VMO_VIA_HANDLE,
} from '../../src/abi/info.js';
import { ZX_ERR_NOT_SUPPORTED, ZX_ERR_NO_MEMORY, ZX_OK } from '../../src/abi/status.js';
import {
  ZX_VMO_CHILD_NO_WRITE,
  ZX_VMO_CHILD_REFERENCE,
  ZX_VMO_CHILD_RESIZABLE,
  ZX_VMO_CHILD_SLICE,
  ZX_VMO_CHILD_SNAPSHOT,
  ZX_VMO_OP_COMMIT,
  ZX_VMO_OP_DECOMMIT,
  ZX_VMO_OP_ZERO,
  ZX_VMO_RESIZABLE,
} from '../../src/abi/vm.js';
import { type PagedVmo } from '../support/paged-vmo.js';
import { UserPager, ok } from '../support/user-pager.js';
import { PAGE, VmFixture } from '../support/vm-fixture.js';
import { VmoFamily } from '../support/vmo-family.js';

const SNAPSHOT = ZX_VMO_CHILD_SNAPSHOT;

let pager: UserPager;
let family: VmoFamily;

beforeEach(async () => {
  pager = new UserPager(await VmFixture.create());
  family = new VmoFamily(pager);
});

/** Mapped memory whose page p holds `first` + p. */
function written(pages: number, first: bigint, options = 0): PagedVmo {
  const vmo = family.anonymous(pages, options);
  family.writeAll(vmo, first);
  return vmo;
}

/** Translations of all of a VMO's mapping. */
function translations(vmo: PagedVmo): number {
  return pager.space.tables.count(vmo.base / PAGE, vmo.base / PAGE + vmo.pages);
}

async function operation(vmo: PagedVmo, op: number, page: number, count: number): Promise<number> {
  return (await pager.host.vmoOpRange(vmo.handle, op, page * PAGE, count * PAGE)).status;
}

describe('a snapshot', () => {
  it('copies a page when the first of those that share it writes, and moves it to the last', () => {
    const vmo = written(1, 1n);
    const snapshots = [pager.clone(vmo, SNAPSHOT), pager.clone(vmo, SNAPSHOT)];
    const frames = family.frames();
    family.write(snapshots[0], 0, 2n);
    family.write(vmo, 0, 3n);
    expect(family.frames()).toBe(frames + 2);
    const copied = pager.fixture.state.vm.counters.pagesCopied;
    family.write(snapshots[1], 0, 4n);
    expect([family.frames(), pager.fixture.state.vm.counters.pagesCopied]).toEqual([frames + 2, copied]);
    expect([vmo, ...snapshots].map((member) => family.word(member))).toEqual([3n, 2n, 4n]);
    pager.finish();
  });

  it('keeps what is mapped for reading, and lets no write through that was let through before', () => {
    const vmo = written(20, 1n);
    expect(translations(vmo)).toBe(20);
    const snapshot = pager.clone(vmo, SNAPSHOT);
    expect(translations(vmo)).toBe(20);
    expect(family.words(snapshot)).toEqual(family.words(vmo));
    const { counters } = pager.fixture.state.vm;
    const before = { faults: counters.faultsResolved[1], copied: counters.pagesCopied };
    family.write(vmo, 5, 100n);
    expect([counters.faultsResolved[1] - before.faults, counters.pagesCopied - before.copied]).toEqual([
      1, 1,
    ]);
    // Only the writer's own translation has changed.
    expect([translations(vmo), translations(snapshot)]).toEqual([20, 20]);
    expect([family.word(vmo, 5), family.word(snapshot, 5)]).toEqual([100n, 6n]);
    // What nobody else sees any more needs a fault to be written again, but no copy.
    family.write(snapshot, 5, 200n);
    expect([counters.faultsResolved[1] - before.faults, counters.pagesCopied - before.copied]).toEqual([
      2, 1,
    ]);
    pager.finish();
  });

  it('of zeros and a write to it tears down nobody else’s translations', async () => {
    const vmo = written(3, 1n);
    const snapshot = pager.clone(vmo, SNAPSHOT);
    const other = pager.clone(snapshot, SNAPSHOT);
    for (const member of [vmo, snapshot, other]) family.words(member);
    await family.zero(snapshot, 1, 1);
    expect([vmo, snapshot, other].map(translations)).toEqual([3, 2, 3]);
    expect([vmo, snapshot, other].map((member) => family.word(member, 1))).toEqual([2n, 0n, 2n]);
    family.write(snapshot, 1, 7n);
    expect([vmo, snapshot, other].map((member) => family.word(member, 1))).toEqual([2n, 7n, 2n]);
    pager.finish();
  });

  it('shows through at an offset, past the end of its parent, and through further ones', () => {
    const vmo = written(70, 1n);
    const clone = pager.clone(vmo, SNAPSHOT, 65, 10);
    family.write(vmo, 66, 500n);
    const deeper = pager.clone(clone, SNAPSHOT, 1, 9);
    family.write(clone, 2, 600n);
    expect(family.words(deeper)).toEqual([67n, 68n, 69n, 70n, 0n, 0n, 0n, 0n, 0n]);
    family.close(vmo);
    family.close(clone);
    expect(family.words(deeper)).toEqual([67n, 68n, 69n, 70n, 0n, 0n, 0n, 0n, 0n]);
    // What only the closed ones saw is gone.
    expect([family.info(deeper).private, family.info(deeper).scaled]).toEqual([4, 4]);
    pager.finish();
  });

  it('keeps what its parent loses by shrinking, which counts for it alone then', async () => {
    const vmo = written(4, 1n, ZX_VMO_RESIZABLE);
    const clone = pager.clone(vmo, SNAPSHOT);
    const frames = family.frames();
    await family.resize(vmo, 1);
    expect(family.frames()).toBe(frames);
    expect(family.words(clone)).toEqual([1n, 2n, 3n, 4n]);
    expect(family.populated(vmo, clone)).toEqual([0.5, 3.5]);
    await family.resize(vmo, 4);
    expect(family.words(vmo)).toEqual([1n, 0n, 0n, 0n]);
    family.close(clone);
    expect([family.frames(), ...family.words(vmo)]).toEqual([frames - 3, 1n, 0n, 0n, 0n]);
    pager.finish();
  });

  it('that shrinks frees what nobody else has', async () => {
    const vmo = written(4, 1n);
    const clone = pager.clone(vmo, SNAPSHOT | ZX_VMO_CHILD_RESIZABLE);
    for (const page of [1, 2, 3]) family.write(vmo, page, 50n);
    const frames = family.frames();
    await family.resize(clone, 2);
    expect(family.frames()).toBe(frames - 2);
    await family.resize(clone, 4);
    expect([family.words(clone), family.words(vmo)]).toEqual([
      [1n, 2n, 0n, 0n],
      [1n, 50n, 50n, 50n],
    ]);
    pager.finish();
  });

  it('can be decommitted no more than the VMO that it was made of, until that is alone again', async () => {
    const vmo = written(2, 1n);
    const clone = pager.clone(vmo, SNAPSHOT);
    expect(await operation(vmo, ZX_VMO_OP_DECOMMIT, 0, 1)).toBe(ZX_ERR_NOT_SUPPORTED);
    expect(await operation(clone, ZX_VMO_OP_DECOMMIT, 0, 1)).toBe(ZX_ERR_NOT_SUPPORTED);
    family.close(clone);
    expect(await operation(vmo, ZX_VMO_OP_DECOMMIT, 0, 1)).toBe(ZX_OK);
    expect(family.words(vmo)).toEqual([0n, 2n]);
    pager.finish();
  });

  it('is committed by copies', async () => {
    const vmo = written(2, 1n);
    const clone = pager.clone(vmo, SNAPSHOT, 0, 4);
    expect(await operation(clone, ZX_VMO_OP_COMMIT, 0, 4)).toBe(ZX_OK);
    expect([family.info(clone).private, family.info(vmo).private]).toEqual([4, 2]);
    expect(family.words(clone)).toEqual([1n, 2n, 0n, 0n]);
    pager.finish();
  });

  it('takes part in transfers and supplies with what it shows', () => {
    const vmo = written(2, 7n);
    const clone = pager.clone(vmo, SNAPSHOT);
    const root = pager.createVmo(2);
    ok(pager.host.pagerSupplyPages(pager.pager, root.handle, 0, 2 * PAGE, clone.handle, 0));
    expect([family.words(root), family.words(clone), family.words(vmo)]).toEqual([
      [7n, 8n],
      [0n, 0n],
      [7n, 8n],
    ]);
    const other = pager.clone(vmo, SNAPSHOT);
    const target = family.anonymous(2);
    expect(pager.host.call('vmo_transfer_data', target.handle, 0, 0, 2 * PAGE, other.handle, 0)).toBe(ZX_OK);
    expect([family.words(target), family.words(other), family.words(vmo)]).toEqual([
      [7n, 8n],
      [0n, 0n],
      [7n, 8n],
    ]);
    pager.finish();
  });
});

describe('what a VMO tells of itself', () => {
  it('a page that three share counts a third for each, and three thirds are a page', () => {
    const vmo = written(1, 1n);
    const members = [vmo, pager.clone(vmo, SNAPSHOT), pager.clone(vmo, SNAPSHOT)];
    for (const member of members) {
      const { populated, private: alone, scaled } = family.info(member);
      expect([populated, alone]).toEqual([1, 0]);
      expect(scaled).toBeCloseTo(1 / 3, 12);
    }
    family.write(members[2], 0, 2n);
    expect(members.map((member) => family.info(member).private)).toEqual([0, 0, 1]);
    expect(family.populated(...members)).toEqual([0.5, 0.5, 1]);
    pager.finish();
  });

  it('shared pages count for one of those that are the same pages, and for a reference when that is left', () => {
    const vmo = written(2, 1n);
    const slice = pager.clone(vmo, ZX_VMO_CHILD_SLICE, 0, 1);
    const { handle } = ok(pager.host.vmoCreateChild(vmo.handle, ZX_VMO_CHILD_REFERENCE, 0, 0));
    const reference = { ...vmo, handle, base: 0 };
    expect([vmo, slice, reference].map((member) => family.info(member).populated)).toEqual([2, 0, 0]);
    family.close(vmo);
    expect([slice, reference].map((member) => family.info(member).populated)).toEqual([0, 2]);
    pager.finish();
  });

  it('IN-01: its flags, its children and its memory', () => {
    const kinds = { paged: ZX_INFO_VMO_TYPE_PAGED | ZX_INFO_VMO_VIA_HANDLE, clone: ZX_INFO_VMO_IS_COW_CLONE };
    const root = pager.createVmo(2, ZX_VMO_RESIZABLE);
    pager.supply(root, 0, 1);
    const clone = family.modified(root);
    family.write(clone, 0, 1n);
    const snapshot = family.modified(clone);
    const under = kinds.paged | ZX_INFO_VMO_PAGER_BACKED;
    expect([root, clone, snapshot].map((vmo) => family.info(vmo))).toEqual([
      { children: 1, flags: under | ZX_INFO_VMO_RESIZABLE, populated: 1, private: 1, scaled: 1 },
      { children: 1, flags: under | kinds.clone, populated: 1, private: 0, scaled: 0.5 },
      { children: 0, flags: under | kinds.clone, populated: 1, private: 0, scaled: 0.5 },
    ]);
    const vmo = written(1, 1n);
    const { handle } = ok(pager.host.vmoCreateChild(vmo.handle, SNAPSHOT | ZX_VMO_CHILD_NO_WRITE, 0, PAGE));
    expect(family.info({ ...vmo, handle }).flags).toBe(kinds.paged | kinds.clone | ZX_INFO_VMO_IMMUTABLE);
    pager.finish();
  });

  it('a mapping tells of the part that it shows', () => {
    const vmo = written(3, 1n);
    const snapshot = pager.clone(vmo, SNAPSHOT, 1, 2);
    family.write(snapshot, 0, 9n);
    const record = new Uint8Array(64 * INFO_MAPS_BYTES);
    const { actual } = pager.host.objectGetInfo(pager.vmar, ZX_INFO_VMAR_MAPS, record);
    const view = new DataView(record.buffer);
    const seen = [];
    for (let index = 0; index < Number(actual); index += 1) {
      const at = index * INFO_MAPS_BYTES;
      if (view.getUint32(at + INFO_MAPS_TYPE, true) !== ZX_INFO_MAPS_TYPE_MAPPING) continue;
      const base = Number(view.getBigUint64(at + 32, true));
      if (base !== vmo.base && base !== snapshot.base) continue;
      seen.push([
        base === vmo.base ? 'vmo' : 'snapshot',
        Number(view.getBigUint64(at + INFO_MAPS_COMMITTED_BYTES, true)) / PAGE,
        Number(view.getBigUint64(at + INFO_MAPS_COMMITTED_SCALED_BYTES, true)) / PAGE,
      ]);
    }
    expect(seen.sort()).toEqual([
      ['snapshot', 2, 1.5],
      ['vmo', 3, 2.5],
    ]);
    pager.finish();
  });
});

describe('without room', () => {
  it('for list nodes, a hidden node stays when one is left, and what it keeps can be read and written', async () => {
    pager = new UserPager(await VmFixture.create({ limits: { pageListNodes: 5 } }));
    family = new VmoFamily(pager);
    // The code of the accesses has a node, and each of these; they lie so that merging them needs one more.
    const vmo = family.anonymous(128);
    for (const page of [63, 64]) family.write(vmo, page, BigInt(page));
    const clone = pager.clone(vmo, SNAPSHOT, 1, 120);
    family.close(vmo);
    const { nodes } = pager.fixture.state.vm;
    expect([family.word(clone, 62), family.word(clone, 63), family.info(clone).private]).toEqual([
      63n,
      64n,
      2,
    ]);
    const again = pager.clone(clone, SNAPSHOT);
    expect([family.word(again, 62), family.word(again, 63)]).toEqual([63n, 64n]);
    expect(nodes.size).toBeLessThanOrEqual(5);
    pager.finish();
  });

  it('for zeros, zeroing a clone fails and changes nothing', async () => {
    pager = new UserPager(await VmFixture.create({ limits: { zeroRanges: 2 } }));
    family = new VmoFamily(pager);
    const vmo = written(6, 1n);
    const clone = pager.clone(vmo, SNAPSHOT);
    const statuses = [];
    for (const page of [0, 2, 4]) statuses.push(await operation(clone, ZX_VMO_OP_ZERO, page, 1));
    expect(statuses).toEqual([ZX_OK, ZX_ERR_NO_MEMORY, ZX_ERR_NO_MEMORY]);
    expect(family.words(clone)).toEqual([0n, 2n, 3n, 4n, 5n, 6n]);
    family.close(vmo);
    // Alone it needs no ranges to say that something is zero.
    expect(await operation(clone, ZX_VMO_OP_ZERO, 2, 1)).toBe(ZX_OK);
    expect(family.words(clone)).toEqual([0n, 2n, 0n, 4n, 5n, 6n]);
    pager.finish();
  });

  it('for frames, a shared page cannot be written, and is as it was', async () => {
    pager = new UserPager(await VmFixture.create({ ramBytes: 2 ** 20 }));
    family = new VmoFamily(pager);
    const vmo = written(1, 1n);
    const clone = pager.clone(vmo, SNAPSHOT);
    const { physical } = pager.fixture;
    const taken: number[] = [];
    while (physical.freeCount > 0) taken.push(physical.allocate());
    const page = new Uint8Array(8).fill(1);
    expect((await pager.host.vmoWrite(clone.handle, page, 0)).status).toBe(ZX_ERR_NO_MEMORY);
    for (const frame of taken) physical.free(frame);
    expect([family.word(clone), family.word(vmo), family.info(vmo).scaled]).toEqual([1n, 1n, 0.5]);
    pager.finish();
  });
});
