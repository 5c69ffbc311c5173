/** Trapped writes: which DIRTY packets come, and what answers do. */
import { beforeEach, describe, expect, it } from 'vitest';
import { ZX_ERR_INVALID_ARGS, ZX_ERR_IO, ZX_ERR_SHOULD_WAIT, ZX_OK } from '../../src/abi/status.js';
import {
  ZX_VM_MAP_RANGE,
  ZX_VM_PERM_READ,
  ZX_VM_PERM_WRITE,
  ZX_VMO_OP_ZERO,
  ZX_VMO_RESIZABLE,
  ZX_VMO_TRAP_DIRTY,
} from '../../src/abi/vm.js';
import { pattern, type PagedVmo } from '../support/paged-vmo.js';
import { type Call } from '../support/pager-actors.js';
import { UserPager, ok } from '../support/user-pager.js';
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

describe.each(['Vmar', 'Vmo'] as const)('one page through %s', (path) => {
  it('DQ-01 CR-09: is asked for before the first write, with the option only', async () => {
    expect(pager.host.vmoCreate(PAGE, ZX_VMO_TRAP_DIRTY).status).toBe(ZX_ERR_INVALID_ARGS);
    const vmo = create(1, 0);
    const read = path === 'Vmar' ? pager.load(vmo, 0) : pager.read(vmo, 0, 1);
    await pager.answerRead(vmo, 0, 1);
    expect(read.isBlocked).toBe(false);
    const write = pager.writeWord(path, vmo, 0, 5n);
    expect(write.isBlocked).toBe(true);
    await pager.answerDirty(vmo, 0, 1);
    write.expectDone();
    pager.expectDirty(vmo, '{0,1}');
    const expected = pattern(vmo, 0);
    new DataView(expected.buffer).setBigUint64(0, 5n, true);
    expect(pager.contents(vmo, 0, 1)).toEqual(expected);

    const other = create(1, 1, 0);
    const free = pager.writeWord(path, other, 0, 6n);
    await pager.turn();
    free.expectDone();
    expect(pager.words(other)).toEqual([6n]);
    pager.finish();
  });

  it('DQ-05: a dirty page is not asked for', async () => {
    const vmo = create(1);
    const first = pager.writeWord(path, vmo, 0, 1n);
    await pager.answerDirty(vmo, 0, 1);
    first.expectDone();
    const second = pager.writeWord(path, vmo, 0, 2n);
    await pager.turn();
    second.expectDone();
    expect(pager.words(vmo)).toEqual([2n]);
    pager.expectDirty(vmo, '{0,1}');
    pager.finish();
  });

  it('FL-13 MO-06: a refusal is the failure of the write, and nothing has changed', async () => {
    const vmo = create(2);
    const write = pager.writeWord(path, vmo, 1, 9n);
    pager.expectPackets(pager.D(vmo, 1, 1));
    expect(pager.fail(vmo, 1, 1)).toBe(ZX_OK);
    await pager.turn();
    write.expectFailed(ZX_ERR_IO);
    expect(pager.modified(vmo)).toBe(false);
    pager.expectDirty(vmo, '');
    pager.expectPattern(vmo, 0, 2);
    pager.finish();
  });

  it('DQ-15 TrapDirty: a mapping that gains the permission to write asks as well', async () => {
    const vmo = create(1);
    const base = pager.map(vmo.handle, 1, ZX_VM_PERM_READ);
    const mapped = { ...vmo, base };
    expect(pager.load(mapped, 0).outcome.end).toBe('done');
    ok(pager.host.vmarProtect(pager.vmar, ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, base, PAGE));
    const write = pager.store(mapped, 0, 3n);
    expect(write.isBlocked).toBe(true);
    await pager.answerDirty(vmo, 0, 1);
    expect(write.outcome.end).toBe('done');
    pager.expectDirty(vmo, '{0,1}');
    pager.finish();
  });
});

describe('writes by zx_vmo_write', () => {
  it('DQ-03 CO-08 QD-05: ask for runs of what is not dirty', async () => {
    const vmo = create(20);
    for (const page of [0, 2, 4, 6, 8, 3]) {
      const write = pager.writeWord('Vmo', vmo, page, BigInt(page));
      await pager.answerDirty(vmo, page, 1);
      write.expectDone();
    }
    const write = pager.write(vmo, 11, 5, 7);
    await pager.answerDirty(vmo, 11, 5);
    expect(write.status).toBe(ZX_OK);
    pager.expectBytes(vmo, 11, 5, 7);
    pager.expectDirty(vmo, '{0,1} {2,3} {6,1} {8,1} {11,5}');
    pager.finish();
  });

  it('DQ-09 CO-05 CO-06 S-03: are cut at what is outstanding, and wait for it where it begins', async () => {
    const vmo = create(20);
    const first = pager.write(vmo, 4, 5, 1);
    pager.expectPackets(pager.D(vmo, 4, 5));
    const second = pager.write(vmo, 2, 7, 2);
    pager.expectPackets(pager.D(vmo, 2, 2));
    expect(pager.dirty(vmo, 4, 5)).toBe(ZX_OK);
    await pager.turn();
    expect([first.status, second.isBlocked]).toEqual([ZX_OK, true]);
    expect(pager.dirty(vmo, 2, 2)).toBe(ZX_OK);
    await pager.turn();
    expect(second.status).toBe(ZX_OK);
    pager.expectDirty(vmo, '{2,7}');

    const third = pager.write(vmo, 11, 5, 3);
    pager.expectPackets(pager.D(vmo, 11, 5));
    const fourth = pager.write(vmo, 15, 4, 4);
    expect(fourth.isBlocked).toBe(true);
    pager.expectPackets();
    expect(pager.dirty(vmo, 11, 5)).toBe(ZX_OK);
    await pager.turn();
    expect([third.status, fourth.isBlocked]).toEqual([ZX_OK, true]);
    pager.expectDirty(vmo, '{2,7} {11,5}');
    await pager.answerDirty(vmo, 16, 3);
    expect(fourth.status).toBe(ZX_OK);
    pager.expectDirty(vmo, '{2,7} {11,8}');
    expect([3, 4]).toContain(pager.contents(vmo, 15, 1)[0]);
    pager.expectBytes(vmo, 2, 7, 2);
    pager.expectBytes(vmo, 16, 3, 4);
    pager.finish();
  });

  it('CO-03 DQ-21 S-02: ask for sixteen pages at a time, first for the pages, then for leave', async () => {
    const vmo = create(130, 0);
    const write = pager.write(vmo, 2, 128, 6);
    for (let page = 2; page < 130; page += 16) {
      pager.expectPackets(pager.R(vmo, page, 16));
      for (const half of [page, page + 8]) {
        expect(pager.supply(vmo, half, 8)).toBe(ZX_OK);
        await pager.turn();
      }
      pager.expectPackets(pager.D(vmo, page, 16));
      for (const half of [page, page + 8]) {
        expect(write.isBlocked).toBe(true);
        expect(pager.dirty(vmo, half, 8)).toBe(ZX_OK);
        await pager.turn();
      }
    }
    expect(write.status).toBe(ZX_OK);
    pager.expectBytes(vmo, 2, 128, 6);
    pager.expectDirty(vmo, '{2,128}');
    pager.finish();
  });

  it('CO-09 DQ-22: leave for what is there comes before the absent pages, which join the clean ones after them', async () => {
    const vmo = create(12, 0);
    // Clean 0-1, absent 2-3, clean 4, dirty 5, clean 6, absent 7-8, dirty 9-10, absent 11.
    for (const page of [0, 1, 4, 5, 6, 9, 10]) pager.supply(vmo, page, 1);
    for (const page of [5, 9, 10]) expect(pager.dirty(vmo, page, 1)).toBe(ZX_OK);
    const write = pager.write(vmo, 0, 12, 8);
    await pager.answerDirty(vmo, 0, 2);
    await pager.answerRead(vmo, 2, 2);
    await pager.answerDirty(vmo, 2, 3);
    await pager.answerDirty(vmo, 6, 1);
    await pager.answerRead(vmo, 7, 2);
    await pager.answerDirty(vmo, 7, 2);
    await pager.answerRead(vmo, 11, 1);
    await pager.answerDirty(vmo, 11, 1);
    expect(write.status).toBe(ZX_OK);
    pager.expectBytes(vmo, 0, 12, 8);
    pager.expectDirty(vmo, '{0,12}');
    pager.finish();
  });

  it('a call that may not wait for the pager fails before it asks, and works where nothing is to be asked', async () => {
    const vmo = create(3);
    expect(pager.dirty(vmo, 0, 1)).toBe(ZX_OK);
    const bytes = new Uint8Array(2 * PAGE).fill(1);
    const never = { mayWaitForPager: false };
    const refused = await pager.host.vmoWrite(vmo.handle, bytes, 0, never);
    expect(refused.status).toBe(ZX_ERR_SHOULD_WAIT);
    pager.expectPattern(vmo, 0, 3);
    expect((await pager.host.vmoWrite(vmo.handle, bytes.subarray(PAGE), 0, never)).status).toBe(ZX_OK);
    const zero = await pager.host.vmoOpRange(vmo.handle, ZX_VMO_OP_ZERO, PAGE + 8, 8, never);
    expect(zero.status).toBe(ZX_ERR_SHOULD_WAIT);
    pager.expectDirty(vmo, '{0,1}');
    pager.finish();
  });
});

describe('writes through mappings', () => {
  it('DQ-04 OV-09: ask page by page, and an answer may cover more than was asked', async () => {
    const vmo = create(20);
    for (const page of [0, 2, 4, 6, 8, 3]) {
      const write = pager.store(vmo, page, BigInt(page));
      await pager.answerDirty(vmo, page, 1);
      expect(write.outcome.end).toBe('done');
    }
    const write = pager.store(vmo, 11, 11n);
    pager.expectPackets(pager.D(vmo, 11, 1));
    expect(pager.dirty(vmo, 11, 5)).toBe(ZX_OK);
    await pager.turn();
    expect(write.outcome.end).toBe('done');
    for (let page = 12; page < 16; page += 1)
      expect(pager.store(vmo, page, BigInt(page)).outcome.end).toBe('done');
    expect(pager.words(vmo, 11, 5)).toEqual([11n, 12n, 13n, 14n, 15n]);
    pager.expectDirty(vmo, '{0,1} {2,3} {6,1} {8,1} {11,5}');
    pager.finish();
  });

  it('DQ-06 S-09: a page that was read can be written only after asking', async () => {
    const vmo = create(1, 0);
    const read = pager.load(vmo, 0);
    await pager.answerRead(vmo, 0, 1);
    expect(read.outcome.end).toBe('done');
    const write = pager.store(vmo, 0, 1n);
    expect(write.isBlocked).toBe(true);
    await pager.answerDirty(vmo, 0, 1);
    expect(write.outcome.end).toBe('done');
    pager.finish();
  });

  it('DQ-06 S-09: so can its neighbours, whether or not they were mapped along with it', async () => {
    const vmo = create(3);
    expect(pager.load(vmo, 1).outcome.end).toBe('done');
    for (const page of [0, 2]) {
      const write = pager.store(vmo, page, 1n);
      expect(write.isBlocked).toBe(true);
      await pager.answerDirty(vmo, page, 1);
      expect(write.outcome.end).toBe('done');
    }
    const free = create(3, 3, 0);
    expect(pager.load(free, 1).outcome.end).toBe('done');
    expect(pager.store(free, 2, 1n).outcome.end).toBe('done');
    pager.expectDirty(free, '{2,1}');
    pager.finish();
  });

  it('DQ-07: what is mapped in advance is mapped for reading', async () => {
    const vmo = create(3);
    const { address } = ok(
      pager.host.vmarMap(
        pager.vmar,
        ZX_VM_PERM_READ | ZX_VM_PERM_WRITE | ZX_VM_MAP_RANGE,
        0,
        vmo.handle,
        0,
        3 * PAGE,
      ),
    );
    const mapped = { ...vmo, base: address };
    for (let page = 0; page < 3; page += 1) expect(pager.load(mapped, page).outcome.end).toBe('done');
    pager.expectPackets();
    for (let page = 0; page < 3; page += 1) {
      const write = pager.store(mapped, page, 1n);
      await pager.answerDirty(vmo, page, 1);
      expect(write.outcome.end).toBe('done');
    }
    pager.expectDirty(vmo, '{0,3}');
    pager.finish();
  });

  it('DQ-08: a page that is dirty already is written at once', async () => {
    const vmo = create(1);
    const write = pager.writeWord('Vmo', vmo, 0, 1n);
    await pager.answerDirty(vmo, 0, 1);
    write.expectDone();
    const base = pager.map(vmo.handle, 1);
    expect(pager.store({ ...vmo, base }, 0, 2n).outcome.end).toBe('done');
    pager.expectDirty(vmo, '{0,1}');
    expect(pager.words(vmo)).toEqual([2n]);
    pager.finish();
  });

  it('RM-11: reads never ask for leave', async () => {
    const vmo = create(3, 0);
    const first = pager.load(vmo, 0);
    pager.expectPackets(pager.R(vmo, 0, 1));
    pager.supply(vmo, 0, 3);
    await pager.turn();
    expect(first.outcome.end).toBe('done');
    for (const page of [1, 2]) expect(pager.load(vmo, page).outcome.end).toBe('done');
    pager.expectPattern(vmo, 0, 3);
    pager.expectDirty(vmo, '');
    pager.finish();
  });
});

describe('zeros', () => {
  it('DQ-11: supplied zeros get a page when they are written', async () => {
    const vmo = create(2, 0);
    pager.supplyZero(vmo, 0, 2);
    expect(pager.committed(vmo)).toBe(0);
    pager.expectDirty(vmo, '');
    const called = pager.writeWord('Vmo', vmo, 0, 1n);
    await pager.answerDirty(vmo, 0, 1);
    called.expectDone();
    expect(pager.committed(vmo)).toBe(1);
    pager.expectDirty(vmo, '{0,1}');
    const mapped = pager.writeWord('Vmar', vmo, 1, 2n);
    await pager.answerDirty(vmo, 1, 1);
    mapped.expectDone();
    expect(pager.committed(vmo)).toBe(2);
    pager.expectDirty(vmo, '{0,2}');
    expect(pager.words(vmo)).toEqual([1n, 2n]);
    pager.finish();
  });

  it('DQ-12 IN-02: pages and supplied zeros can be made dirty together', () => {
    const vmo = create(10, 0);
    const real = [0, 3, 4, 8];
    for (let page = 0; page < 10; page += 1) {
      if (real.includes(page)) pager.supply(vmo, page, 1);
      else pager.supplyZero(vmo, page, 1);
    }
    expect(pager.committed(vmo)).toBe(4);
    const before = pager.contents(vmo, 0, 10);
    expect(pager.dirty(vmo, 0, 10)).toBe(ZX_OK);
    expect(pager.committed(vmo)).toBe(10);
    pager.expectDirty(vmo, '{0,10}');
    expect(pager.contents(vmo, 0, 10)).toEqual(before);
    pager.finish();
  });

  it('DQ-13: a run joins pages and supplied zeros, and ends where a page is absent', async () => {
    const vmo = create(10, 0);
    pager.supplyZero(vmo, 0, 3);
    pager.supply(vmo, 3, 2);
    pager.supplyZero(vmo, 5, 2);
    pager.supply(vmo, 7, 2);
    const first = pager.write(vmo, 0, 2, 1);
    await pager.answerDirty(vmo, 0, 2);
    const second = pager.write(vmo, 2, 2, 2);
    await pager.answerDirty(vmo, 2, 2);
    const third = pager.write(vmo, 4, 6, 3);
    await pager.answerDirty(vmo, 4, 5);
    await pager.answerRead(vmo, 9, 1);
    await pager.answerDirty(vmo, 9, 1);
    expect([first, second, third].map((write: Call) => write.status)).toEqual([ZX_OK, ZX_OK, ZX_OK]);
    pager.expectBytes(vmo, 4, 6, 3);
    pager.expectDirty(vmo, '{0,10}');
    pager.finish();
  });

  it('DQ-14 S-13: large ranges of zeros get pages when they are made dirty', async () => {
    const vmo = pager.createVmo(100, ZX_VMO_TRAP_DIRTY | ZX_VMO_RESIZABLE);
    pager.supplyZero(vmo, 0, 100);
    await pager.resize(vmo, 200).done;
    expect([pager.committed(vmo), pager.modified(vmo)]).toEqual([0, true]);
    expect(pager.dirty(vmo, 0, 200)).toBe(ZX_OK);
    expect([pager.committed(vmo), pager.modified(vmo)]).toEqual([200, false]);
    pager.expectDirty(vmo, '{0,200}');
    expect(pager.words(vmo)).toEqual(new Array(200).fill(0n));
    pager.finish();
  });

  it('FL-14: a refusal leaves supplied zeros what they are', async () => {
    const vmo = create(1, 0);
    pager.supplyZero(vmo, 0, 1);
    const write = pager.writeWord('Vmo', vmo, 0, 1n);
    pager.expectPackets(pager.D(vmo, 0, 1));
    pager.fail(vmo, 0, 1);
    await pager.turn();
    write.expectFailed(ZX_ERR_IO);
    expect([pager.committed(vmo), pager.words(vmo)]).toEqual([0, [0n]]);
    pager.expectDirty(vmo, '');
    pager.finish();
  });

  it('DQ-10 RZ-12 CO-08: growth is dirty at once, and asked for all the same', async () => {
    const vmo = create(2, 2, ZX_VMO_TRAP_DIRTY | ZX_VMO_RESIZABLE);
    await pager.resize(vmo, 3).done;
    const first = pager.write(vmo, 1, 2, 1);
    await pager.answerDirty(vmo, 1, 2);
    expect([first.status, pager.committed(vmo)]).toEqual([ZX_OK, 3]);
    pager.expectDirty(vmo, '{1,2}');
    await pager.resize(vmo, 6).done;
    const second = pager.write(vmo, 4, 1, 2);
    await pager.answerDirty(vmo, 4, 1);
    expect(second.status).toBe(ZX_OK);
    pager.expectDirty(vmo, '{1,2} {3,1}Z {4,1} {5,1}Z');
    await pager.resize(vmo, 8).done;
    const third = pager.write(vmo, 0, 8, 3);
    await pager.answerDirty(vmo, 0, 1);
    await pager.answerDirty(vmo, 3, 1);
    await pager.answerDirty(vmo, 5, 3);
    expect(third.status).toBe(ZX_OK);
    pager.expectDirty(vmo, '{0,8}');
    pager.expectBytes(vmo, 0, 8, 3);
    pager.finish();
  });
});
