/** Trapped writes: what answers do, COMMIT, writes that are not trapped, and the end of the pager. */
import { beforeEach, describe, expect, it } from 'vitest';
import { ZX_ERR_BAD_STATE, ZX_ERR_NOT_FOUND, ZX_ERR_OUT_OF_RANGE, ZX_OK } from '../../src/abi/status.js';
import {
  ZX_VM_PERM_READ,
  ZX_VM_PERM_WRITE,
  ZX_VMO_OP_COMMIT,
  ZX_VMO_OP_ZERO,
  ZX_VMO_RESIZABLE,
  ZX_VMO_TRAP_DIRTY,
} from '../../src/abi/vm.js';
import { type PagedVmo } from '../support/paged-vmo.js';
import { DIRTY_MODES, UserPager, ok } from '../support/user-pager.js';
import { PAGE, VmFixture } from '../support/vm-fixture.js';

let pager: UserPager;

beforeEach(async () => {
  pager = new UserPager(await VmFixture.create());
});

/** Which trapping VMO's pages are there. */
function create(pages: number, present = pages, options = ZX_VMO_TRAP_DIRTY): PagedVmo {
  const vmo = pager.createVmo(pages, options);
  if (present !== 0) expect(pager.supply(vmo, 0, present)).toBe(ZX_OK);
  return vmo;
}

describe('what the pager says unasked, or too late', () => {
  it('DQ-02 MO-02: pages can be made dirty when nobody waits, which is no modification', () => {
    const vmo = create(1);
    expect(pager.dirty(vmo, 0, 1)).toBe(ZX_OK);
    pager.expectDirty(vmo, '{0,1}');
    expect(pager.modified(vmo)).toBe(false);
    pager.expectPattern(vmo, 0);
    pager.finish();
  });

  it('DQ-18 S-13: leave for zeros that were written back fails, and the writer asks for the page', async () => {
    const vmo = create(1, 1, ZX_VMO_TRAP_DIRTY | ZX_VMO_RESIZABLE);
    await pager.resize(vmo, 2).done;
    pager.expectDirty(vmo, '{1,1}Z');
    const write = pager.writeWord('Vmo', vmo, 1, 4n);
    pager.expectPackets(pager.D(vmo, 1, 1));
    pager.writeBack(vmo, 1, 1, true);
    pager.expectDirty(vmo, '');
    pager.expectPackets();
    expect(pager.dirty(vmo, 1, 1)).toBe(ZX_ERR_NOT_FOUND);
    await pager.turn();
    await pager.answerRead(vmo, 1, 1);
    await pager.answerDirty(vmo, 1, 1);
    write.expectDone();
    pager.expectDirty(vmo, '{1,1}');
    expect(pager.words(vmo, 1)).toEqual([4n]);
    pager.finish();
  });

  it('DQ-19 OZ-13: zeroing does not let a writer go; what it waits for may be absent when the answer comes', async () => {
    const vmo = create(1);
    const write = pager.writeWord('Vmo', vmo, 0, 4n);
    pager.expectPackets(pager.D(vmo, 0, 1));
    const zero = pager.op(vmo, ZX_VMO_OP_ZERO, 0, 1);
    await pager.turn();
    expect([zero.status, write.isBlocked]).toEqual([ZX_OK, true]);
    pager.expectPackets();
    pager.expectDirty(vmo, '{0,1}Z');
    pager.writeBack(vmo, 0, 1, true);
    pager.expectDirty(vmo, '');
    expect(pager.dirty(vmo, 0, 1)).toBe(ZX_ERR_NOT_FOUND);
    await pager.turn();
    pager.expectPackets(pager.R(vmo, 0, 1));
    pager.supplyZero(vmo, 0, 1);
    await pager.turn();
    await pager.answerDirty(vmo, 0, 1);
    write.expectDone();
    pager.expectDirty(vmo, '{0,1}');
    expect(pager.words(vmo)).toEqual([4n]);
    pager.finish();
  });

  it('DQ-20 OZ-13: zeroing lets a reader go', async () => {
    const vmo = create(1, 0);
    const read = pager.read(vmo, 0, 1);
    pager.expectPackets(pager.R(vmo, 0, 1));
    const zero = pager.op(vmo, ZX_VMO_OP_ZERO, 0, 1);
    await pager.turn();
    expect([zero.status, read.status]).toEqual([ZX_OK, ZX_OK]);
    expect(read.bytes.every((byte) => byte === 0)).toBe(true);
    pager.writeBack(vmo, 0, 1, true);
    pager.expectDirty(vmo, '');
    expect(pager.committed(vmo)).toBe(0);
    pager.finish();
  });

  it('S-13: leave for a range that ends past the VMO is refused, and the writer in it asks again', async () => {
    const vmo = create(2);
    const write = pager.writeWord('Vmo', vmo, 0, 4n);
    pager.expectPackets(pager.D(vmo, 0, 1));
    expect(pager.dirty(vmo, 0, 3)).toBe(ZX_ERR_OUT_OF_RANGE);
    pager.expectDirty(vmo, '');
    await pager.turn();
    expect(write.isBlocked).toBe(true);
    await pager.answerDirty(vmo, 0, 1);
    write.expectDone();
    pager.finish();
  });

  it('an answer that comes before its packet is read takes the packet back', async () => {
    const vmo = create(2);
    const first = pager.writeWord('Vmar', vmo, 0, 1n);
    const second = pager.writeWord('Vmar', vmo, 1, 1n);
    const read = pager.createVmo(1, ZX_VMO_TRAP_DIRTY);
    const reader = pager.load(read, 0);
    pager.dirty(vmo, 0, 1);
    await pager.turn();
    first.expectDone();
    expect(pager.packets()).toEqual([pager.R(read, 0, 1), pager.D(vmo, 1, 1)]);
    pager.dirty(vmo, 1, 1);
    pager.supply(read, 0, 1);
    await pager.turn();
    second.expectDone();
    expect(reader.isBlocked).toBe(false);
    pager.finish();
  });

  it('requests for pages and for leave to write do not meet each other', async () => {
    const vmo = create(4, 2);
    const write = pager.write(vmo, 0, 4, 1);
    const read = pager.read(vmo, 2, 2);
    pager.expectPackets(pager.D(vmo, 0, 2), pager.R(vmo, 2, 2));
    pager.supply(vmo, 2, 2);
    await pager.turn();
    expect([read.status, write.isBlocked]).toEqual([ZX_OK, true]);
    // What was supplied meanwhile is asked for by itself.
    pager.dirty(vmo, 0, 2);
    await pager.turn();
    await pager.answerDirty(vmo, 2, 2);
    expect(write.status).toBe(ZX_OK);
    pager.finish();
  });
});

describe('COMMIT', () => {
  it('CM-09: does not ask for leave', async () => {
    const vmo = create(5, 2);
    const commit = pager.op(vmo, ZX_VMO_OP_COMMIT, 0, 5);
    await pager.answerRead(vmo, 2, 3);
    expect(commit.status).toBe(ZX_OK);
    pager.expectDirty(vmo, '');
    pager.finish();
  });

  it.each(DIRTY_MODES)(
    'CM-10 MO-13 %s: makes pages of supplied zeros, which stay clean',
    async (_mode, options) => {
      const vmo = create(2, 1, options);
      pager.supplyZero(vmo, 1, 1);
      const commit = pager.op(vmo, ZX_VMO_OP_COMMIT, 0, 2);
      await pager.turn();
      expect([commit.status, pager.committed(vmo), pager.modified(vmo)]).toEqual([ZX_OK, 2, false]);
      pager.expectDirty(vmo, '');
      pager.finish();
    },
  );

  it.each(DIRTY_MODES)('CM-11 CO-10 %s: makes dirty pages of growth', async (mode, options) => {
    const vmo = pager.createVmo(1, options | ZX_VMO_RESIZABLE);
    await pager.resize(vmo, 2).done;
    pager.expectDirty(vmo, '{1,1}Z');
    const commit = pager.op(vmo, ZX_VMO_OP_COMMIT, 0, 2);
    await pager.answerRead(vmo, 0, 1);
    if (mode === 'TrapDirty') {
      expect(commit.isBlocked).toBe(true);
      await pager.answerDirty(vmo, 1, 1);
    }
    expect(commit.status).toBe(ZX_OK);
    expect(pager.words(vmo, 1)).toEqual([0n]);
    pager.expectDirty(vmo, '{1,1}');
    pager.finish();
  });
});

describe('without the option', () => {
  it('DQ-16 NoTrapDirty: writes make pages dirty without a word', async () => {
    const vmo = create(1, 1, 0);
    expect((await pager.write(vmo, 0, 1, 1).done).status).toBe(ZX_OK);
    pager.expectDirty(vmo, '{0,1}');
    pager.writebackBegin(vmo, 0, 1);
    pager.expectDirty(vmo, '{0,1}');
    pager.writebackEnd(vmo, 0, 1);
    pager.expectDirty(vmo, '');
    expect(pager.store(vmo, 0, 2n).outcome.end).toBe('done');
    pager.expectDirty(vmo, '{0,1}');
    pager.finish();
  });

  it('DQ-17 NoTrapDirty: one write over pages and supplied zeros', async () => {
    const vmo = create(10, 0, 0);
    for (let page = 0; page < 10; page += 1) {
      if (page % 3 === 1) pager.supply(vmo, page, 1);
      else pager.supplyZero(vmo, page, 1);
    }
    expect((await pager.write(vmo, 0, 10, 5).done).status).toBe(ZX_OK);
    expect(pager.committed(vmo)).toBe(10);
    pager.expectBytes(vmo, 0, 10, 5);
    pager.expectDirty(vmo, '{0,10}');
    pager.finish();
  });

  it('DQ-15 NoTrapDirty: a mapping that gains the permission to write is still heard of', () => {
    const vmo = create(1, 1, 0);
    const base = pager.map(vmo.handle, 1, ZX_VM_PERM_READ);
    const mapped = { ...vmo, base };
    expect(pager.load(mapped, 0).outcome.end).toBe('done');
    ok(pager.host.vmarProtect(pager.vmar, ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, base, PAGE));
    expect(pager.store(mapped, 0, 3n).outcome.end).toBe('done');
    pager.expectDirty(vmo, '{0,1}');
    pager.finish();
  });
});

describe('clones', () => {
  it('CL-06: their writes ask for pages, never for leave; those to the parent do', async () => {
    const vmo = create(3, 0);
    const clone = pager.clone(vmo);
    const forked = pager.write(clone, 0, 3, 7);
    await pager.answerRead(vmo, 0, 3);
    expect(forked.status).toBe(ZX_OK);
    pager.expectPackets();
    pager.expectDirty(vmo, '');
    pager.expectPattern(vmo, 0, 3);
    pager.expectBytes(clone, 0, 3, 7);
    const write = pager.write(vmo, 0, 3, 8);
    await pager.answerDirty(vmo, 0, 3);
    expect(write.status).toBe(ZX_OK);
    pager.expectDirty(vmo, '{0,3}');
    pager.expectBytes(clone, 0, 3, 7);
    pager.finish();
  });

  it('CL-20 CP-06: a clone that has no page of its own sees the parent’s dirty page, also when the parent is closed', async () => {
    const vmo = create(1, 0);
    const clone = pager.clone(vmo);
    pager.supply(vmo, 0, 1);
    pager.dirty(vmo, 0, 1);
    expect(pager.store(vmo, 0, 42n).outcome.end).toBe('done');
    expect(pager.words(clone)).toEqual([42n]);
    expect([pager.committed(vmo), pager.committed(clone)]).toEqual([1, 0]);
    ok(pager.host.vmarUnmap(pager.vmar, vmo.base, PAGE));
    expect(pager.host.handleClose(vmo.handle).status).toBe(ZX_OK);
    expect(pager.committed(clone)).toBe(0);
    expect(pager.words(clone)).toEqual([42n]);
    expect(pager.load(clone, 0).outcome).toEqual({ end: 'done', value: 42n });
    pager.finish();
  });
});

describe('the pager goes away', () => {
  it.each(['Vmar', 'Vmo'] as const)(
    'DT-15 QD-07: a page that is not dirty cannot be written through %s any more',
    async (path) => {
      const vmo = create(1);
      expect(pager.detach(vmo)).toBe(ZX_OK);
      pager.expectPackets(pager.C(vmo));
      const write = pager.writeWord(path, vmo, 0, 1n);
      await pager.turn();
      write.expectFailed(ZX_ERR_BAD_STATE);
      pager.expectDirty(vmo, '');

      const other = create(1);
      pager.dirty(other, 0, 1);
      pager.writebackBegin(other, 0, 1);
      pager.detach(other);
      pager.expectPackets(pager.C(other));
      const late = pager.writeWord(path, other, 0, 1n);
      await pager.turn();
      late.expectFailed(ZX_ERR_BAD_STATE);
      pager.expectDirty(other, '{0,1}');
      expect(pager.writebackEnd(other, 0, 1)).toBe(ZX_OK);
      pager.expectDirty(other, '');
      pager.finish();
    },
  );

  it.each(['Vmar', 'Vmo'] as const)(
    'DT-16 DT-17: a writer that waits fails through %s, and answers come too late',
    async (path) => {
      const vmo = create(1);
      const write = pager.writeWord(path, vmo, 0, 1n);
      pager.expectPackets(pager.D(vmo, 0, 1));
      expect(pager.committed(vmo)).toBe(1);
      pager.detach(vmo);
      await pager.turn();
      pager.expectPackets(pager.C(vmo));
      write.expectFailed(ZX_ERR_BAD_STATE);
      expect(pager.fail(vmo, 0, 1)).toBe(ZX_ERR_BAD_STATE);
      expect(pager.dirty(vmo, 0, 1)).toBe(ZX_ERR_BAD_STATE);
      pager.expectDirty(vmo, '');
      expect(pager.committed(vmo)).toBe(0);
      pager.finish();
    },
  );
});
