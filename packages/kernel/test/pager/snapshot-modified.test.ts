/** SNAPSHOT_MODIFIED: what is shared, what it counts for, what happens when members go. */
import { beforeEach, describe, expect, it } from 'vitest';
import { ZX_OK } from '../../src/abi/status.js';
import {
  ZX_VMO_CHILD_RESIZABLE,
  ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE,
  ZX_VMO_CHILD_SNAPSHOT_MODIFIED,
} from '../../src/abi/vm.js';
import { type PagedVmo } from '../support/paged-vmo.js';
import { UserPager, ok } from '../support/user-pager.js';
import { PAGE, VmFixture } from '../support/vm-fixture.js';
import { VmoFamily } from '../support/vmo-family.js';

const ALOW = ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE;

let pager: UserPager;
let family: VmoFamily;

beforeEach(async () => {
  pager = new UserPager(await VmFixture.create());
  family = new VmoFamily(pager);
});

/** A VMO under the pager whose pages the root itself has written: page p holds `first` + p. */
function written(pages: number, first: bigint, options = 0): PagedVmo {
  const root = pager.createVmo(pages, options);
  expect(pager.supply(root, 0, pages)).toBe(ZX_OK);
  family.writeAll(root, first);
  return root;
}

describe('a snapshot of what was modified', () => {
  it('SN-01 VD-10: shares the modified page, half of which counts for each', async () => {
    const root = pager.createVmo(1);
    const clone = family.modified(root);
    const store = pager.store(clone, 0, 5n);
    pager.expectPackets(pager.R(root, 0, 1));
    pager.supply(root, 0, 1);
    await pager.turn();
    expect(store.outcome.end).toBe('done');
    expect(family.populated(root, clone)).toEqual([1, 1]);
    const snapshot = family.modified(clone);
    expect(family.populated(root, clone, snapshot)).toEqual([1, 0.5, 0.5]);
    expect([family.word(clone), family.word(snapshot)]).toEqual([5n, 5n]);
    family.write(clone, 0, 6n);
    expect([family.word(root), family.word(clone), family.word(snapshot)]).toEqual([root.first, 6n, 5n]);
    expect(family.populated(root, clone, snapshot)).toEqual([1, 1, 1]);
    pager.finish();
  });

  it.each([false, true])(
    'SN-02: a clone of it at the latest on write is one at once, modified: %s',
    (before) => {
      const root = written(1, 1n);
      const clone = family.modified(root);
      family.write(clone, 0, 2n);
      const snapshot = family.modified(clone);
      if (before) family.write(snapshot, 0, 3n);
      const value = before ? 3n : 2n;
      const alow = pager.clone(snapshot, ALOW);
      expect(family.word(alow)).toBe(value);
      family.write(snapshot, 0, 4n);
      expect([family.word(snapshot), family.word(alow), family.word(clone)]).toEqual([4n, value, 2n]);
      family.close(snapshot);
      expect([family.word(alow), family.word(clone), family.word(root)]).toEqual([value, 2n, 1n]);
      pager.finish();
    },
  );

  it('SN-03: of clones at the latest on write', () => {
    const root = written(1, 1n);
    const alow1 = pager.clone(root, ALOW);
    const alow2 = pager.clone(root, ALOW);
    const ofAlow = family.modified(alow1);
    const clone = family.modified(root);
    family.write(clone, 0, 2n);
    const snapshot = family.modified(clone);
    expect([root, alow1, alow2, ofAlow].map((vmo) => family.word(vmo))).toEqual([1n, 1n, 1n, 1n]);
    expect([family.word(clone), family.word(snapshot)]).toEqual([2n, 2n]);
    pager.finish();
  });

  it('SN-04: closing members moves their share to the others', () => {
    const root = written(2, 1n);
    expect([family.info(root).children, ...family.populated(root)]).toEqual([0, 2]);
    const clone = family.modified(root);
    expect([family.info(root).children, ...family.populated(clone)]).toEqual([1, 0]);
    family.writeAll(clone, 10n);
    expect(family.populated(clone)).toEqual([2]);
    const full = family.modified(clone);
    family.writeAll(full, 20n);
    const { handle } = ok(pager.host.vmoCreateChild(full.handle, ZX_VMO_CHILD_SNAPSHOT_MODIFIED, 0, 1));
    const partial: PagedVmo = { ...full, handle, base: pager.map(handle, 1), pages: 1 };
    expect(family.populated(full, partial)).toEqual([1.5, 0.5]);
    expect([family.info(clone).children, family.info(full).children]).toEqual([1, 1]);
    family.close(full);
    expect(family.populated(partial)).toEqual([1]);
    expect(family.word(partial)).toBe(20n);
    family.close(partial);
    expect([family.info(root).children, family.info(clone).children]).toEqual([1, 0]);
    expect(family.populated(root, clone)).toEqual([2, 2]);
    pager.finish();
  });

  it('SN-05 RZ-20: shrinking gives up the share of what is cut off', async () => {
    const root = written(2, 1n);
    const clone = family.modified(root, 0, 2, ZX_VMO_CHILD_RESIZABLE);
    family.writeAll(clone, 10n);
    const snapshot = family.modified(clone, 0, 2, ZX_VMO_CHILD_RESIZABLE);
    expect(family.populated(root, clone, snapshot)).toEqual([2, 1, 1]);
    await family.resize(clone, 1);
    expect(family.populated(root, clone, snapshot)).toEqual([2, 0.5, 1.5]);
    expect(family.word(snapshot, 1)).toBe(11n);
    await family.resize(snapshot, 1);
    expect(family.populated(root, clone, snapshot)).toEqual([2, 0.5, 0.5]);
    pager.finish();
  });

  it.each([0, ZX_VMO_CHILD_RESIZABLE])('SN-06: shrinking what has nothing, options %i', async (options) => {
    const root = pager.createVmo(2);
    const clone = family.modified(root, 0, 2, options);
    const snapshot = family.modified(clone, 0, 2, options);
    const statuses = [];
    for (const { handle } of [clone, snapshot])
      statuses.push((await pager.host.vmoSetSize(handle, PAGE)).status);
    expect(new Set(statuses).size).toBe(1);
    expect(statuses[0] === ZX_OK).toBe(options !== 0);
    expect(family.populated(root, clone, snapshot)).toEqual([0, 0, 0]);
    pager.finish();
  });

  it.each([
    ['SN-08: its first page', 2, 0],
    ['SN-09: its last page', 2, 1],
    ['SN-10: the middle page', 3, 1],
  ])('%s is kept when the rest goes', (_name, pages, page) => {
    const root = written(pages, 1n);
    const full = family.modified(root);
    const part = family.modified(full, page, 1);
    family.close(full);
    expect(family.word(part)).toBe(1n + BigInt(page));
    expect(family.info(root).children).toBe(1);
    expect(family.words(root)).toEqual(Array.from({ length: pages }, (_, index) => BigInt(index) + 1n));
    pager.finish();
  });

  it.each([
    ['first', 0],
    ['last', 1],
  ])(
    'what was modified of the %s page is kept, and the rest freed, when the snapshotted VMO goes',
    (_name, page) => {
      const root = written(2, 1n);
      const full = family.modified(root);
      family.writeAll(full, 10n);
      const part = family.modified(full, page, 1);
      const frames = family.frames();
      family.close(full);
      expect(family.frames()).toBe(frames - 1);
      expect([family.word(part), ...family.populated(part)]).toEqual([10n + BigInt(page), 1]);
      pager.finish();
    },
  );

  it('SN-11: what only the snapshotted VMO had is kept', () => {
    const root = pager.createVmo(2);
    pager.supply(root, 0, 1);
    const full = family.modified(root);
    family.write(full, 0, 9n);
    const { handle } = ok(pager.host.vmoCreateChild(full.handle, ZX_VMO_CHILD_SNAPSHOT_MODIFIED, 0, 1));
    const half = { ...full, handle, base: pager.map(handle, 1), pages: 1 };
    family.close(full);
    expect(family.word(half)).toBe(9n);
    pager.finish();
  });

  it('SN-25 CM-13 S-18: a commit takes a copy of a shared page', async () => {
    const root = written(1, 1n);
    const clone = family.modified(root);
    family.write(clone, 0, 2n);
    const snapshot = family.modified(clone);
    expect(family.populated(snapshot)).toEqual([0.5]);
    const commit = pager.commit(snapshot, 0, 1);
    await pager.turn();
    expect([commit.status, ...family.populated(snapshot, clone)]).toEqual([ZX_OK, 1, 1]);
    expect([family.word(snapshot), family.word(clone)]).toEqual([2n, 2n]);
    pager.finish();
  });

  it('SN-26: through vmo_read and vmo_write, every level has its own', async () => {
    const root = pager.createVmo(1);
    pager.supply(root, 0, 1);
    const clone = family.modified(root);
    pager.poke(clone.handle, 0, Uint8Array.of(1));
    const snapshot = family.modified(clone);
    pager.poke(snapshot.handle, 0, Uint8Array.of(2));
    const last = family.modified(snapshot);
    pager.poke(last.handle, 0, Uint8Array.of(3));
    const firsts = [];
    for (const { handle } of [root, clone, snapshot, last]) {
      const bytes = new Uint8Array(1);
      ok(await pager.host.vmoRead(handle, bytes, 0));
      firsts.push(bytes[0]);
    }
    expect(firsts).toEqual([Number(root.first & 0xffn), 1, 2, 3]);
    pager.finish();
  });

  it('SN-27: reads what its parent has modified', () => {
    const root = written(1, 1n);
    const clone = family.modified(root);
    family.write(clone, 0, 2n);
    const snapshot = family.modified(clone);
    expect([family.word(snapshot), family.word(root)]).toEqual([2n, 1n]);
    pager.finish();
  });

  it('SN-28: the snapshotted VMO can be written when its snapshot is gone', () => {
    const root = written(1, 1n);
    const clone = family.modified(root);
    family.write(clone, 0, 2n);
    const snapshot = family.modified(clone);
    expect([family.info(root).children, family.word(snapshot)]).toEqual([1, 2n]);
    family.close(snapshot);
    const copied = pager.fixture.state.vm.counters.pagesCopied;
    family.write(clone, 0, 3n);
    expect([family.word(clone), family.word(root), ...family.populated(clone)]).toEqual([3n, 1n, 1]);
    expect(pager.fixture.state.vm.counters.pagesCopied).toBe(copied);
    pager.finish();
  });

  it('SN-29 S-26: what was not modified goes on following the root', () => {
    const root = written(2, 1n);
    const clone = family.modified(root);
    family.write(clone, 1, 20n);
    const snapshot = family.modified(clone);
    family.write(root, 0, 30n);
    expect([family.word(clone, 0), family.word(snapshot, 0)]).toEqual([30n, 30n]);
    family.write(clone, 1, 21n);
    expect([family.word(snapshot, 1), family.word(clone, 1), family.word(root, 1)]).toEqual([20n, 21n, 2n]);
    family.write(snapshot, 0, 40n);
    family.write(snapshot, 1, 41n);
    expect([family.words(root), family.words(clone), family.words(snapshot)]).toEqual([
      [30n, 2n],
      [30n, 21n],
      [40n, 41n],
    ]);
    pager.finish();
  });

  it('SN-30 S-26: counts', () => {
    const root = pager.createVmo(2);
    expect(family.populated(root)).toEqual([0]);
    pager.supply(root, 0, 2);
    expect(family.populated(root)).toEqual([2]);
    family.writeAll(root, 1n);
    expect(family.populated(root)).toEqual([2]);
    const clone = family.modified(root);
    family.write(clone, 0, 10n);
    const snapshot = family.modified(clone);
    expect(family.populated(root, clone, snapshot)).toEqual([2, 0.5, 0.5]);
    family.write(clone, 1, 11n);
    expect(family.populated(root, clone, snapshot)).toEqual([2, 1.5, 0.5]);
    family.write(snapshot, 0, 12n);
    expect(family.populated(root, clone, snapshot)).toEqual([2, 2, 1]);
    for (const [index, vmo] of [root, clone, snapshot].entries()) family.write(vmo, 1, BigInt(20 + index));
    expect(family.populated(root, clone, snapshot)).toEqual([2, 2, 2]);
    family.close(clone, snapshot);
    expect(family.populated(root)).toEqual([2]);
    pager.finish();
  });

  it.each([
    ['SN-31 S-26: of the root is seen by all', 0, [9n, 9n, 9n]],
    ['SN-32: of the clone is seen by it alone', 1, [1n, 9n, 1n]],
    ['SN-33: of the snapshot is seen by it alone', 2, [1n, 1n, 9n]],
  ])('in a chain in which nothing was modified a write %s', (_name, writer, expected) => {
    const root = written(1, 1n);
    const clone = family.modified(root);
    const snapshot = family.modified(clone);
    const chain = [root, clone, snapshot];
    for (const vmo of chain) expect(family.word(vmo)).toBe(1n);
    family.write(chain[writer], 0, 9n);
    expect(chain.map((vmo) => family.word(vmo))).toEqual(expected);
    pager.finish();
  });

  it.each([
    ['SN-34: the clone', 1],
    ['SN-35: the snapshot', 2],
    ['SN-36: the root', 0],
  ])('%s of a chain is closed, and the others read on', (_name, gone) => {
    const root = written(1, 1n);
    const clone = family.modified(root);
    const chain = [root, clone, family.modified(clone)];
    family.close(chain[gone]);
    chain.splice(gone, 1);
    expect(chain.map((vmo) => family.word(vmo))).toEqual([1n, 1n]);
    family.close(...chain);
    pager.expectPackets(pager.C(root));
    pager.finish();
  });
});
