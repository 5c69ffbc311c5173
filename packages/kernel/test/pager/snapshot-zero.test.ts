/** OP_ZERO in snapshots: what it hides, wherever the pages are, and what it leaves to the others. */
import { beforeEach, describe, expect, it } from 'vitest';
import { ZX_OK } from '../../src/abi/status.js';
import { type PagedVmo } from '../support/paged-vmo.js';
import { UserPager } from '../support/user-pager.js';
import { VmFixture } from '../support/vm-fixture.js';
import { VmoFamily } from '../support/vmo-family.js';

let pager: UserPager;
let family: VmoFamily;

beforeEach(async () => {
  pager = new UserPager(await VmFixture.create());
  family = new VmoFamily(pager);
});

function supplied(pages: number): PagedVmo {
  const root = pager.createVmo(pages);
  expect(pager.supply(root, 0, pages)).toBe(ZX_OK);
  return root;
}

/** What the pager has at the start of a page. */
function stored(vmo: PagedVmo, page: number): bigint {
  return vmo.first + BigInt(page * 512);
}

/** Zeroes page 0 of a snapshot, which asks for nothing; page 1 goes on showing the root's. */
async function zeroFirst(snapshot: PagedVmo): Promise<void> {
  await family.zero(snapshot, 0, 1);
  pager.expectPackets();
  expect(family.word(snapshot, 0)).toBe(0n);
}

describe('OZ-17: zeroing in snapshots', () => {
  it('SN-12: past what the snapshot shows, frees what was modified', async () => {
    const root = supplied(3);
    const full = family.modified(root);
    family.write(full, 1, 7n);
    const partial = family.modified(full, 0, 1);
    await family.zero(full, 1, 2);
    expect(family.words(full)).toEqual([stored(root, 0), 0n, 0n]);
    expect(family.populated(full, partial)).toEqual([0, 0]);
    expect(family.words(root)).toEqual([0, 1, 2].map((page) => stored(root, page)));
    expect(family.word(partial)).toBe(stored(root, 0));
    pager.finish();
  });

  it('SN-13: of a page that nobody has asked for', async () => {
    const root = pager.createVmo(2);
    const clone = family.modified(root);
    const snapshot = family.modified(clone);
    await zeroFirst(snapshot);
    pager.supply(root, 0, 2);
    expect(family.words(snapshot)).toEqual([0n, stored(root, 1)]);
    expect(family.words(clone)).toEqual(family.words(root));
    pager.finish();
  });

  it('SN-14: of a page that the root has', async () => {
    const root = supplied(2);
    const clone = family.modified(root);
    const snapshot = family.modified(clone);
    expect(family.words(snapshot)).toEqual(family.words(root));
    await zeroFirst(snapshot);
    expect(family.words(snapshot)).toEqual([0n, stored(root, 1)]);
    expect(family.words(clone)).toEqual([stored(root, 0), stored(root, 1)]);
    pager.finish();
  });

  it('SN-15: at the end of a chain in which nobody has anything', async () => {
    const root = pager.createVmo(2);
    const chain = [family.modified(root)];
    for (let length = 1; length < 3; length += 1) chain.push(family.modified(chain[length - 1]));
    const snapshot = family.modified(chain[2]);
    await zeroFirst(snapshot);
    pager.supply(root, 0, 2);
    expect(family.words(snapshot)).toEqual([0n, stored(root, 1)]);
    for (const clone of chain) expect(family.words(clone)).toEqual([stored(root, 0), stored(root, 1)]);
    pager.finish();
  });

  it('SN-16: at the end of a chain in the middle of which the page was modified', async () => {
    const root = supplied(2);
    const clone1 = family.modified(root);
    const clone2 = family.modified(clone1);
    family.write(clone2, 0, 2n);
    const clone3 = family.modified(clone2);
    const snapshot = family.modified(clone3);
    await zeroFirst(snapshot);
    family.write(clone3, 0, 3n);
    expect([snapshot, clone3, clone2, clone1].map((vmo) => family.word(vmo))).toEqual([
      0n,
      3n,
      2n,
      stored(root, 0),
    ]);
    expect(family.word(snapshot, 1)).toBe(stored(root, 1));
    pager.finish();
  });

  it('SN-17: of a page of its own', async () => {
    const root = supplied(2);
    const clone = family.modified(root);
    const snapshot = family.modified(clone);
    family.write(snapshot, 0, 5n);
    expect(family.populated(snapshot)).toEqual([1]);
    await zeroFirst(snapshot);
    expect(family.words(snapshot)).toEqual([0n, stored(root, 1)]);
    expect(family.populated(snapshot)).toEqual([0]);
    pager.finish();
  });

  it('SN-18: of a page that the snapshotted VMO has modified since', async () => {
    const root = supplied(2);
    const clone = family.modified(root);
    const snapshot = family.modified(clone);
    family.write(clone, 0, 6n);
    await zeroFirst(snapshot);
    expect([family.word(clone), ...family.populated(clone)]).toEqual([6n, 1]);
    expect(family.word(snapshot, 1)).toBe(stored(root, 1));
    pager.finish();
  });

  it('SN-19: of a page that both share', async () => {
    const root = supplied(2);
    const clone = family.modified(root);
    family.write(clone, 0, 8n);
    const snapshot = family.modified(clone);
    expect(family.populated(clone, snapshot)).toEqual([0.5, 0.5]);
    await zeroFirst(snapshot);
    expect(family.words(snapshot)).toEqual([0n, stored(root, 1)]);
    expect([family.word(clone), ...family.populated(clone, snapshot)]).toEqual([8n, 1, 0]);
    pager.finish();
  });

  it('by both of a page that they share frees it', async () => {
    const root = supplied(1);
    const clone = family.modified(root);
    family.write(clone, 0, 8n);
    const snapshot = family.modified(clone);
    const frames = family.frames();
    await family.zero(clone, 0, 1);
    expect(family.frames()).toBe(frames);
    await family.zero(snapshot, 0, 1);
    expect(family.frames()).toBe(frames - 1);
    expect([family.word(clone), family.word(snapshot), family.word(root)]).toEqual([0n, 0n, stored(root, 0)]);
    pager.finish();
  });

  it('goes on hiding the root when the other is closed', async () => {
    const root = supplied(2);
    const clone = family.modified(root);
    await family.zero(clone, 0, 1);
    family.write(clone, 1, 9n);
    const snapshot = family.modified(clone);
    family.close(clone);
    family.write(root, 0, 1n);
    expect([family.words(snapshot), ...family.populated(snapshot)]).toEqual([[0n, 9n], 1]);
    pager.finish();
  });
});
