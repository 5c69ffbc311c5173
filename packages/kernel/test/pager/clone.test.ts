/** Clones, slices and references of a pager's VMO. */
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  ZX_ERR_INVALID_ARGS,
  ZX_ERR_NOT_SUPPORTED,
  ZX_ERR_OUT_OF_RANGE,
  ZX_OK,
} from '../../src/abi/status.js';
import {
  ZX_VMO_CHILD_REFERENCE,
  ZX_VMO_CHILD_SLICE,
  ZX_VMO_CHILD_SNAPSHOT,
  ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE,
  ZX_VMO_OP_DECOMMIT,
  ZX_VMO_OP_ZERO,
  ZX_VMO_RESIZABLE,
} from '../../src/abi/vm.js';
import type { GuestThread } from '../support/guest-thread.js';
import { pattern, type PagedVmo } from '../support/paged-vmo.js';
import { type Reader } from '../support/pager-actors.js';
import { UserPager, ok } from '../support/user-pager.js';
import { PAGE, VmFixture } from '../support/vm-fixture.js';

let pager: UserPager;

beforeEach(async () => {
  pager = new UserPager(await VmFixture.create());
});

function start(path: 'Vmar' | 'Vmo', vmo: PagedVmo, page: number): GuestThread | Reader {
  return path === 'Vmar' ? pager.load(vmo, page) : pager.read(vmo, page, 1);
}

function expectDone(actor: GuestThread | Reader, vmo: PagedVmo, page: number): void {
  const expected = pattern(vmo, page);
  if ('outcome' in actor) {
    expect(actor.outcome).toEqual({
      end: 'done',
      value: new DataView(expected.buffer).getBigUint64(0, true),
    });
  } else expect([actor.status, actor.arrived]).toEqual([ZX_OK, 1]);
}

/** The first word of a page, through the mapping; it is there. */
function word(vmo: PagedVmo, page: number): bigint {
  const { outcome } = pager.load(vmo, page);
  if (outcome.end !== 'done') throw new Error(`page ${page}: ${outcome.end}`);
  return outcome.value;
}

function write(vmo: PagedVmo, page: number, value: bigint): void {
  expect(pager.store(vmo, page, value).outcome.end).toBe('done');
}

describe.each(['Vmar', 'Vmo'] as const)('clones read through %s', (path) => {
  it('CL-01 PK-04: ask on the key of the root', async () => {
    const vmo = pager.createVmo(1);
    const clone = pager.clone(vmo);
    const access = start(path, clone, 0);
    pager.expectPackets(pager.R(vmo, 0, 1));
    pager.supply(vmo, 0, 1);
    await pager.turn();
    expectDone(access, clone, 0);
    pager.host.handleClose(clone.handle);
    pager.finish();
  });

  it('CL-02: see what the parent has', async () => {
    const vmo = pager.createVmo(1);
    const clone = pager.clone(vmo);
    const first = start(path, vmo, 0);
    pager.expectPackets(pager.R(vmo, 0, 1));
    pager.supply(vmo, 0, 1);
    await pager.turn();
    expectDone(first, vmo, 0);
    const second = start(path, clone, 0);
    await pager.turn();
    expectDone(second, clone, 0);
    pager.finish();
  });

  it('CL-03 CL-04: share one request with parent and siblings', async () => {
    const vmo = pager.createVmo(1);
    const family = [vmo, pager.clone(vmo), pager.clone(vmo)];
    const accesses = family.map((member) => start(path, member, 0));
    pager.expectPackets(pager.R(vmo, 0, 1));
    pager.supply(vmo, 0, 1);
    await pager.turn();
    family.forEach((member, index) => expectDone(accesses[index], member, 0));
    pager.finish();
  });
});

describe('writes to clones', () => {
  it.each(['Vmar', 'Vmo'] as const)(
    'CL-05: fetch the page first, and change only the clone: %s',
    async (path) => {
      const vmo = pager.createVmo(1);
      const clone = pager.clone(vmo);
      // Both write through the mapping; what is seen is looked at in either way.
      const store = pager.store(clone, 0, 99n);
      pager.expectPackets(pager.R(vmo, 0, 1));
      pager.supply(vmo, 0, 1);
      await pager.turn();
      expect(store.outcome.end).toBe('done');
      const parent = start(path, vmo, 0);
      await pager.turn();
      expectDone(parent, vmo, 0);
      expect(word(clone, 0)).toBe(99n);
      const read = pager.read(clone, 0, 1);
      await pager.turn();
      expect(read.bytes.subarray(8)).toEqual(pattern(clone, 0).subarray(8));
      pager.finish();
    },
  );

  it('show only in the clone even where both had the page mapped before', () => {
    const vmo = pager.createVmo(1);
    pager.supply(vmo, 0, 1);
    const clone = pager.clone(vmo);
    const grandchild = pager.clone(clone);
    expect([word(vmo, 0), word(clone, 0), word(grandchild, 0)]).toEqual([vmo.first, vmo.first, vmo.first]);
    write(clone, 0, 5n);
    expect([word(vmo, 0), word(clone, 0)]).toEqual([vmo.first, 5n]);
    pager.finish();
  });

  it('CL-07 CL-08 CL-10 S-18: a commit copies, in one batch', async () => {
    const vmo = pager.createVmo(32);
    const middle = pager.clone(vmo);
    const leaf = pager.clone(middle);
    const commit = pager.commit(leaf, 0, 32);
    pager.expectPackets(pager.R(vmo, 0, 32));
    pager.supply(vmo, 0, 32);
    await pager.turn();
    expect(commit.status).toBe(ZX_OK);
    expect([pager.committed(leaf), pager.committed(middle)]).toEqual([32, 0]);
    pager.finish();
  });

  it('CL-09 CL-11 CL-12: a commit asks for each run that the parent lacks', async () => {
    const vmo = pager.createVmo(8);
    for (const page of [2, 5]) pager.supply(vmo, page, 1);
    const clone = pager.clone(vmo);
    const commit = pager.commit(clone, 0, 8);
    for (const page of [0, 3, 6]) {
      expect(commit.isBlocked).toBe(true);
      pager.expectPackets(pager.R(vmo, page, 2));
      pager.supply(vmo, page, 2);
      await pager.turn();
    }
    expect([commit.status, pager.committed(clone)]).toEqual([ZX_OK, 8]);
    pager.finish();
  });

  it('CL-13: a commit of a hundred pages asks for the gaps between those that are there, in order', async () => {
    const pages = Array.from({ length: 100 }, (_, page) => page);
    await fc.assert(
      fc.asyncProperty(fc.subarray(pages, { minLength: 15, maxLength: 35 }), async (there) => {
        const present = new Set(there);
        const vmo = pager.createVmo(100);
        for (const page of present) pager.supply(vmo, page, 1);
        const clone = pager.clone(vmo);
        const commit = pager.commit(clone, 0, 100);
        for (let page = 0; page < 100;) {
          let end = page;
          while (end < 100 && !present.has(end)) end += 1;
          if (end > page) {
            expect(commit.isBlocked).toBe(true);
            pager.expectPackets(pager.R(vmo, page, end - page));
            pager.supply(vmo, page, end - page);
            await pager.turn();
          }
          page = end + 1;
        }
        expect([commit.status, pager.committed(clone)]).toEqual([ZX_OK, 100]);
      }),
      { numRuns: 5 },
    );
    pager.finish();
  });

  it('lose the translations of what the root loses, and none of what is their own', async () => {
    const vmo = pager.createVmo(2);
    pager.supply(vmo, 0, 2);
    const [modified, reader] = [pager.clone(vmo), pager.clone(vmo)];
    write(modified, 0, 5n);
    for (const page of [0, 1]) for (const member of [vmo, modified, reader]) word(member, page);
    const mapped = (member: PagedVmo): boolean[] =>
      [0, 1].map((page) => pager.space.tables.lookup(member.base / PAGE + page) !== 0);
    ok(await pager.host.vmoOpRange(vmo.handle, ZX_VMO_OP_ZERO, 0, PAGE));
    expect([vmo, modified, reader].map(mapped)).toEqual([
      [false, true],
      [true, true],
      [false, true],
    ]);
    expect([vmo, modified, reader].map((member) => word(member, 0))).toEqual([0n, 5n, 0n]);
    pager.finish();
  });

  it('CL-17 OZ-16: whole pages are zeroed without asking', async () => {
    const vmo = pager.createVmo(2);
    pager.supply(vmo, 1, 1);
    const clone = pager.clone(vmo);
    expect(word(clone, 1)).toBe(vmo.first + 512n);
    ok(await pager.host.vmoOpRange(clone.handle, ZX_VMO_OP_ZERO, 0, 2 * PAGE));
    pager.expectPackets();
    expect([word(clone, 0), word(clone, 1)]).toEqual([0n, 0n]);
    expect([word(vmo, 1), pager.committed(vmo)]).toEqual([vmo.first + 512n, 1]);
    write(clone, 1, 3n);
    expect([word(clone, 0), word(clone, 1)]).toEqual([0n, 3n]);
    pager.finish();
  });

  it('a clone of what was zeroed reads zeros, not what lies below', async () => {
    const vmo = pager.createVmo(1);
    pager.supply(vmo, 0, 1);
    const clone = pager.clone(vmo);
    ok(await pager.host.vmoOpRange(clone.handle, ZX_VMO_OP_ZERO, 0, PAGE));
    expect(word(pager.clone(clone), 0)).toBe(0n);
    pager.finish();
  });

  it('CL-27 CM-06: nothing of it can be decommitted', async () => {
    const vmo = pager.createVmo(1);
    const clone = pager.clone(vmo);
    for (const { handle } of [vmo, clone]) {
      expect((await pager.host.vmoOpRange(handle, ZX_VMO_OP_DECOMMIT, 0, PAGE)).status).toBe(
        ZX_ERR_NOT_SUPPORTED,
      );
    }
    pager.finish();
  });
});

describe('families', () => {
  it('CL-14: a thousand generations', () => {
    let vmo = pager.createVmo(1);
    const root = vmo;
    for (let generation = 0; generation < 1_000; generation += 1) {
      const options = ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE;
      const { handle } = ok(pager.host.vmoCreateChild(vmo.handle, options, 0, PAGE));
      if (vmo !== root) pager.host.handleClose(vmo.handle);
      vmo = { ...root, handle };
    }
    pager.host.handleClose(vmo.handle);
    pager.finish();
  });

  it('CL-14: a thousand generations that have all written', () => {
    const root = pager.createVmo(2);
    pager.supply(root, 0, 2);
    let vmo: PagedVmo = root;
    for (let generation = 0; generation < 1_000; generation += 1) {
      const options = ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE;
      const { handle } = ok(pager.host.vmoCreateChild(vmo.handle, options, 0, 2 * PAGE));
      pager.poke(handle, 0, Uint8Array.of(generation & 0xff));
      if (vmo !== root) pager.host.handleClose(vmo.handle);
      vmo = { ...root, handle };
    }
    const base = pager.map(vmo.handle, 2);
    expect(word({ ...vmo, base }, 1)).toBe(root.first + 512n);
    expect(word({ ...vmo, base }, 0) & 0xffn).toBe(BigInt(999 & 0xff));
    pager.finish();
  });

  it('CL-15: a clone of what its parent has not changed follows the root', () => {
    const root = pager.createVmo(16);
    pager.supply(root, 0, 16);
    const child = pager.clone(root);
    write(child, 8, 1n);
    const empty = pager.clone(child, undefined, 0, 8);
    const forked = pager.clone(child, undefined, 8, 8);
    expect([word(empty, 0), word(forked, 0), word(forked, 1)]).toEqual([root.first, 1n, forked.first + 512n]);
    write(empty, 0, 2n);
    write(forked, 1, 3n);
    for (const [page, value] of [
      [0, 4n],
      [9, 5n],
      [1, 6n],
      [10, 7n],
    ] as const)
      write(child, page, value);
    expect([word(empty, 0), word(forked, 1)]).toEqual([2n, 3n]);
    expect([word(empty, 1), word(forked, 2)]).toEqual([root.first + 512n, 7n]);
    pager.finish();
  });

  it('CL-16: every size in between clips what is seen', () => {
    const root = pager.createVmo(16);
    pager.supply(root, 0, 16);
    const child1 = pager.clone(root, undefined, 1, 14);
    for (const [page, value] of [
      [0, 1n],
      [4, 2n],
      [8, 3n],
    ] as const)
      write(child1, page, value);
    const child2 = pager.clone(child1);
    const original = (vmo: PagedVmo, page: number): bigint => vmo.first + BigInt(page) * 512n;
    const child3 = pager.clone(child2, undefined, 0, 4);
    expect([0, 1, 2, 3].map((page) => word(child3, page))).toEqual([
      1n,
      original(child3, 1),
      original(child3, 2),
      original(child3, 3),
    ]);
    const child4 = pager.clone(child3, undefined, 1, 4);
    expect([0, 1, 2, 3].map((page) => word(child4, page))).toEqual([
      original(child4, 0),
      original(child4, 1),
      original(child4, 2),
      0n,
    ]);
    const other3 = pager.clone(child2, undefined, 1, 7);
    expect(word(other3, 3)).toBe(2n);
    expect(word(other3, 6)).toBe(original(other3, 6));
    const other4 = pager.clone(other3, undefined, 0, 6);
    write(other4, 0, 4n);
    const other5 = pager.clone(other4, undefined, 0, 10);
    const other6 = pager.clone(other5, undefined, 1, 7);
    expect([0, 1, 2, 3, 4, 5, 6].map((page) => word(other6, page))).toEqual([
      original(other6, 0),
      original(other6, 1),
      2n,
      original(other6, 3),
      original(other6, 4),
      0n,
      0n,
    ]);
    pager.finish();
  });

  it('CL-21 RV-06: a request is cut at what any ancestor has', async () => {
    const root = pager.createVmo(8);
    const child = pager.clone(root, ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE);
    const zero = new Uint8Array(2 * PAGE);
    const childWrite = pager.host.vmoWrite(child.handle, zero, PAGE);
    pager.expectPackets(pager.R(root, 1, 2));
    pager.supply(root, 1, 2);
    ok(await childWrite);
    const grandchild = pager.clone(child, ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE);
    const grandchildWrite = pager.host.vmoWrite(
      grandchild.handle,
      new Uint8Array(3 * PAGE).fill(1),
      5 * PAGE,
    );
    pager.expectPackets(pager.R(root, 5, 3));
    pager.supply(root, 5, 3);
    ok(await grandchildWrite);
    const slice = pager.clone(grandchild, ZX_VMO_CHILD_SLICE);
    const read = pager.read(slice, 0, 8);
    pager.expectPackets(pager.R(root, 0, 1));
    pager.supply(root, 0, 1);
    await pager.turn();
    pager.expectPackets(pager.R(root, 3, 2));
    pager.supply(root, 3, 2);
    await pager.turn();
    expect(read.status).toBe(ZX_OK);
    expect(read.bytes.subarray(0, PAGE)).toEqual(pattern(root, 0));
    expect(read.bytes.subarray(PAGE, 3 * PAGE).every((byte) => byte === 0)).toBe(true);
    expect(read.bytes.subarray(3 * PAGE, 5 * PAGE)).toEqual(pattern(root, 3, 2));
    expect(read.bytes.subarray(5 * PAGE).every((byte) => byte === 1)).toBe(true);
    pager.finish();
  });

  it('CL-22 EW-07: a read goes on with what the clone has got meanwhile', async () => {
    const root = pager.createVmo(1025);
    pager.supply(root, 512, 1);
    const clone = pager.clone(root);
    const read = pager.read(clone, 0, 1025);
    pager.expectPackets(pager.R(root, 0, 512));
    ok(await pager.host.vmoOpRange(clone.handle, ZX_VMO_OP_ZERO, 384 * PAGE, 257 * PAGE));
    for (let page = 384; page < 641; page += 1)
      pager.poke(clone.handle, page, new Uint8Array(PAGE).fill(page & 0xff));
    pager.expectPackets();
    pager.supply(root, 0, 511);
    await pager.turn();
    pager.expectPackets(pager.R(root, 641, 384));
    pager.supply(root, 641, 384);
    await pager.turn();
    expect(read.status).toBe(ZX_OK);
    for (const page of [0, 383, 641, 1024]) {
      expect(read.bytes.subarray(page * PAGE, (page + 1) * PAGE)).toEqual(pattern(root, page));
    }
    for (let page = 384; page < 641; page += 1) expect(read.bytes[page * PAGE]).toBe(page & 0xff);
    pager.finish();
  });

  it('CL-24: writes through slices and references are writes to the root', () => {
    const root = pager.createVmo(2);
    pager.supply(root, 0, 2);
    const slice = pager.clone(root, ZX_VMO_CHILD_SLICE, 1, 1);
    const { handle } = ok(pager.host.vmoCreateChild(root.handle, ZX_VMO_CHILD_REFERENCE, 0, 0));
    const reference = { ...root, handle, base: pager.map(handle, 2) };
    write(slice, 0, 8n);
    write(reference, 0, 9n);
    expect([word(root, 1), word(root, 0), word(reference, 1)]).toEqual([8n, 9n, 8n]);
    expect(pager.host.pagerQueryVmoStats(pager.pager, root.handle, 1).modified).toBe(1);
    expect(pager.host.pagerQueryVmoStats(pager.pager, slice.handle, 0).status).toBe(ZX_ERR_INVALID_ARGS);
    pager.finish();
  });

  it('SNAPSHOT of what is under a pager is not supported', () => {
    const vmo = pager.createVmo(1);
    const clone = pager.clone(vmo);
    for (const { handle } of [vmo, clone]) {
      expect(pager.host.vmoCreateChild(handle, ZX_VMO_CHILD_SNAPSHOT, 0, PAGE).status).toBe(
        ZX_ERR_NOT_SUPPORTED,
      );
    }
    pager.finish();
  });

  it('CP-04 CP-06: children keep the pages; COMPLETE comes with the last of them', () => {
    const vmo = pager.createVmo(1);
    pager.supply(vmo, 0, 1);
    write(vmo, 0, 42n);
    const clone = pager.clone(vmo);
    pager.host.handleClose(vmo.handle);
    ok(pager.host.vmarUnmap(pager.vmar, vmo.base, PAGE));
    pager.expectPackets();
    expect(word(clone, 0)).toBe(42n);
    pager.host.handleClose(clone.handle);
    ok(pager.host.vmarUnmap(pager.vmar, clone.base, PAGE));
    pager.expectPackets(pager.C(vmo));
    pager.finish();
  });
});

describe('resizing in families', () => {
  it('RZ-13: a clone that shrinks is out of range', () => {
    const vmo = pager.createVmo(1);
    pager.supply(vmo, 0, 1);
    const clone = pager.clone(vmo);
    expect(word(clone, 0)).toBe(vmo.first);
    void pager.host.vmoSetSize(clone.handle, 0);
    for (const thread of [pager.load(clone, 0), pager.store(clone, 0, 1n)]) {
      expect(thread.outcome).toEqual({ end: 'crash', address: clone.base, status: ZX_ERR_OUT_OF_RANGE });
    }
    pager.finish();
  });

  it('RZ-14: a parent that shrinks leaves zeros in the clone', async () => {
    const vmo = pager.createVmo(1, ZX_VMO_RESIZABLE);
    pager.supply(vmo, 0, 1);
    const clone = pager.clone(vmo);
    expect(word(clone, 0)).toBe(vmo.first);
    ok(await pager.host.vmoSetSize(vmo.handle, 0));
    expect(word(clone, 0)).toBe(0n);
    write(clone, 0, 3n);
    expect(word(clone, 0)).toBe(3n);
    pager.finish();
  });

  it.each([
    [1, 0, 0],
    [2, 1, 0],
    [3, 1, 1],
  ])('RZ-15 S-17 OV-08: what %i pages lost at offset %i stays lost', async (pages, offset, tested) => {
    const vmo = pager.createVmo(pages, ZX_VMO_RESIZABLE);
    pager.supplyZero(vmo, 0, pages);
    const clone = pager.clone(vmo, undefined, offset, pages);
    const page = offset + tested;
    expect(word(clone, tested)).toBe(0n);
    write(vmo, page, 1n);
    expect(word(clone, tested)).toBe(1n);
    ok(await pager.host.vmoSetSize(vmo.handle, 0));
    expect(word(clone, tested)).toBe(0n);
    ok(await pager.host.vmoSetSize(vmo.handle, pages * PAGE));
    expect(pager.supplyZero(vmo, 0, pages)).toBe(ZX_OK);
    write(vmo, page, 2n);
    expect(word(clone, tested)).toBe(0n);
    pager.finish();
  });
});
