/** Supplying pages: what is taken, what is left alone, and how many requests one supply ends. */
import { beforeEach, describe, expect, it } from 'vitest';
import { ZX_ERR_BAD_STATE, ZX_ERR_IO, ZX_ERR_OUT_OF_RANGE, ZX_OK } from '../../src/abi/status.js';
import { GuestCall } from '../support/guest-call.js';
import { ACCESS_PATHS, PageAccess } from '../support/page-access.js';
import { pattern, type PagedVmo } from '../support/paged-vmo.js';
import { DIRTY_MODES, UserPager, ok } from '../support/user-pager.js';
import { PAGE, VmFixture } from '../support/vm-fixture.js';

let pager: UserPager;

beforeEach(async () => {
  pager = new UserPager(await VmFixture.create());
});

const CHUNKS = [2, 3, 5, 7, 37, 5, 13, 23];

describe.each(ACCESS_PATHS)('supply, read through %s', (path) => {
  it('SU-01: a page that was never written is zeros for those who wait', async () => {
    const vmo = pager.createVmo(1);
    const access = PageAccess.start(pager, path, vmo, 0);
    expect(access.isBlocked).toBe(true);
    pager.expectPackets(pager.R(vmo, 0, 1));
    expect(pager.supplyZero(vmo, 0, 1)).toBe(ZX_OK);
    await pager.turn();
    access.expectZeros();
    expect(pager.committed(vmo)).toBe(0);
    pager.finish();
  });

  it('SU-02: and for those who come later', async () => {
    const vmo = pager.createVmo(1);
    expect(pager.supplyZero(vmo, 0, 1)).toBe(ZX_OK);
    const access = PageAccess.start(pager, path, vmo, 0);
    await pager.turn();
    access.expectZeros();
    pager.finish();
  });

  it.each(['start', 'same place'])('SU-03: whole chunks, taken from the %s of the source', async (from) => {
    const vmo = pager.createVmo(95);
    let page = 0;
    for (const length of CHUNKS) {
      const accesses: PageAccess[] = [];
      for (let index = 0; index < length; index += 1)
        accesses.push(PageAccess.start(pager, path, vmo, page + index));
      pager.expectPackets(...accesses.map((_, index) => pager.R(vmo, page + index, 1)));
      expect(accesses.every((access) => access.isBlocked)).toBe(true);
      expect(pager.supply(vmo, page, length, from === 'start' ? 0 : page)).toBe(ZX_OK);
      await pager.turn();
      for (const access of accesses) access.expectDone();
      page += length;
    }
    expect(page).toBe(95);
    pager.finish();
  });

  it('SU-05: pages from different sources', async () => {
    const vmo = pager.createVmo(2);
    const foreign = { ...vmo, first: 0x77n };
    expect(pager.supplyBytes(vmo, 0, pattern(foreign, 0))).toBe(ZX_OK);
    expect(pager.supply(vmo, 1, 1)).toBe(ZX_OK);
    const accesses = [0, 1].map((page) => PageAccess.start(pager, path, vmo, page));
    await pager.turn();
    accesses[0]?.expectDone(foreign);
    accesses[1]?.expectDone();
    pager.finish();
  });
});

describe('supply', () => {
  it('SU-04 S-25: moves frames, and leaves zeros behind', () => {
    const vmo = pager.createVmo(1);
    const aux = pager.memory(new Uint8Array(PAGE).fill(0xcc));
    const base = pager.map(aux, 1);
    const mapped = { ...vmo, handle: aux, base };
    expect(pager.load(mapped, 0).outcome).toEqual({ end: 'done', value: 0xcccc_cccc_cccc_ccccn });
    const frame = pager.object(mapped).cow.find(0);
    ok(pager.host.pagerSupplyPages(pager.pager, vmo.handle, 0, PAGE, aux, 0));
    expect(pager.object(vmo).cow.find(0)).toBe(frame);
    expect(pager.load(vmo, 0).outcome).toEqual({ end: 'done', value: 0xcccc_cccc_cccc_ccccn });
    expect(pager.load(mapped, 0).outcome).toEqual({ end: 'done', value: 0n });
    pager.finish();
  });

  it('copies what the source shares with a child', () => {
    const vmo = pager.createVmo(1);
    const aux = pager.memory(new Uint8Array(PAGE).fill(3));
    const child = ok(pager.host.vmoCreateChild(aux, 1 << 4, 0, PAGE)).handle;
    ok(pager.host.pagerSupplyPages(pager.pager, vmo.handle, 0, PAGE, child, 0));
    expect(pager.load(vmo, 0).outcome).toEqual({ end: 'done', value: 0x0303_0303_0303_0303n });
    pager.finish();
  });

  it('SU-16 FL-12: a failure is not remembered', async () => {
    const vmo = pager.createVmo(11);
    const first = pager.commit(vmo, 0, 11);
    pager.expectPackets(pager.R(vmo, 0, 11));
    pager.fail(vmo, 0, 11);
    await pager.turn();
    expect(first.status).toBe(ZX_ERR_IO);
    const second = pager.commit(vmo, 0, 11);
    pager.expectPackets(pager.R(vmo, 0, 11));
    pager.supply(vmo, 0, 11);
    await pager.turn();
    expect(second.status).toBe(ZX_OK);
    pager.finish();
  });
});

describe('a supply of very many pages', () => {
  const PAGES = 10_000;

  /** It is at rest between two parts; lets it have one more turn. */
  async function turn(): Promise<void> {
    const { state } = pager.fixture;
    state.timers.expire(state.clock.now());
    await pager.turn();
  }

  function start(vmo: PagedVmo, aux: number): GuestCall {
    const bytes = PAGES * PAGE;
    return GuestCall.start(
      pager.fixture,
      pager.space,
      'pager_supply_pages',
      ...[pager.pager, vmo.handle, 0, bytes, aux, 0],
    );
  }

  it('lets others have their turns, and goes on although the handles are closed', async () => {
    const vmo = pager.createVmo(PAGES);
    const aux = ok(pager.host.vmoCreate(PAGES * PAGE, 0)).handle;
    const call = start(vmo, aux);
    expect([call.isBlocked, pager.object(vmo).cow.list.next(0, PAGES)]).toEqual([true, 0]);
    expect(pager.object(vmo).cow.list.nextAbsent(0, PAGES)).toBe(4_096);
    pager.host.handleClose(aux);
    await turn();
    expect(call.isBlocked).toBe(true);
    await turn();
    expect(call.status).toBe(ZX_OK);
    expect(pager.object(vmo).cow.list.nextAbsent(0, PAGES)).toBe(PAGES);
    pager.finish();
  });

  it('ends when the VMO is detached meanwhile; what is not taken stays where it was', async () => {
    const vmo = pager.createVmo(PAGES);
    const aux = ok(pager.host.vmoCreate(PAGES * PAGE, 0)).handle;
    pager.poke(aux, 9_000, Uint8Array.of(7));
    const call = start(vmo, aux);
    expect(pager.detach(vmo)).toBe(ZX_OK);
    await turn();
    expect(call.status).toBe(ZX_ERR_BAD_STATE);
    const byte = new Uint8Array(1);
    expect((await pager.host.vmoRead(aux, byte, 9_000 * PAGE)).status).toBe(ZX_OK);
    expect(byte[0]).toBe(7);
    pager.expectPackets(pager.C(vmo));
    pager.finish();
  });

  it('is refused as a whole', () => {
    const vmo = pager.createVmo(PAGES - 1);
    const aux = ok(pager.host.vmoCreate(PAGES * PAGE, 0)).handle;
    expect(start(vmo, aux).status).toBe(ZX_ERR_OUT_OF_RANGE);
    expect(pager.object(vmo).cow.list.isEmpty).toBe(true);
    pager.finish();
  });
});

describe('supplies and requests of different extent', () => {
  it('OV-01: one request, many supplies', async () => {
    const vmo = pager.createVmo(32);
    const commit = pager.commit(vmo, 0, 32);
    pager.expectPackets(pager.R(vmo, 0, 32));
    for (let page = 0; page < 32; page += 1) {
      expect(commit.isBlocked).toBe(true);
      pager.supply(vmo, page, 1);
      await pager.turn();
    }
    expect(commit.status).toBe(ZX_OK);
    pager.finish();
  });

  it('OV-02: five requests of seven pages, seven supplies of five', async () => {
    const vmo = pager.createVmo(35);
    const commits = Array.from({ length: 5 }, (_, index) => pager.commit(vmo, 7 * index, 7));
    pager.expectPackets(...commits.map((_, index) => pager.R(vmo, 7 * index, 7)));
    for (let page = 0; page < 35; page += 5) pager.supply(vmo, page, 5);
    await pager.turn();
    expect(commits.map((commit) => commit.status)).toEqual(commits.map(() => ZX_OK));
    pager.finish();
  });

  it('OV-03: commits that overlap, supplied in threes', async () => {
    const vmo = pager.createVmo(105);
    const first = Array.from({ length: 15 }, (_, index) => pager.commit(vmo, 7 * index, 7));
    pager.expectPackets(...first.map((_, index) => pager.R(vmo, 7 * index, 7)));
    const second = Array.from({ length: 21 }, (_, index) => pager.commit(vmo, 5 * index, 5));
    await pager.turn();
    expect([...first, ...second].every((commit) => commit.isBlocked)).toBe(true);
    for (let page = 0; page < 105; page += 3) {
      pager.supply(vmo, page, 3);
      await pager.turn();
    }
    expect([...first, ...second].every((commit) => commit.status === ZX_OK)).toBe(true);
    pager.finish();
  });

  it('OV-04: supplying what is there changes nothing', async () => {
    const vmo = pager.createVmo(8);
    const commit = pager.commit(vmo, 0, 8);
    pager.expectPackets(pager.R(vmo, 0, 8));
    for (let length = 1; length <= 8; length += 1) expect(pager.supply(vmo, 0, length)).toBe(ZX_OK);
    await pager.turn();
    expect(commit.status).toBe(ZX_OK);
    pager.finish();
  });

  it.each(DIRTY_MODES)(
    'OV-05 S-25: zeros that were supplied stay zeros until written, %s',
    async (_mode, options) => {
      const vmo = pager.createVmo(1, options);
      expect(pager.supplyZero(vmo, 0, 1)).toBe(ZX_OK);
      expect(pager.supply(vmo, 0, 1)).toBe(ZX_OK);
      expect(pager.contents(vmo, 0, 1)).toEqual(new Uint8Array(PAGE));
      expect(pager.load(vmo, 0).outcome).toEqual({ end: 'done', value: 0n });
      expect(pager.committed(vmo)).toBe(0);
      pager.expectDirty(vmo, '');
      const write = pager.writeWord('Vmo', vmo, 0, 5n);
      if (options !== 0) await pager.answerDirty(vmo, 0, 1);
      await pager.turn();
      write.expectDone();
      expect(pager.committed(vmo)).toBe(1);
      pager.expectDirty(vmo, '{0,1}');
      expect(pager.words(vmo)).toEqual([5n]);
      expect(pager.load(vmo, 0).outcome).toEqual({ end: 'done', value: 5n });
      pager.finish();
    },
  );

  it('PK-07: eight VMOs on one port, told apart by key', async () => {
    const vmos = Array.from({ length: 8 }, () => pager.createVmo(1));
    const threads = vmos.map((vmo) => pager.load(vmo, 0));
    pager.expectPackets(...vmos.map((vmo) => pager.R(vmo, 0, 1)));
    for (const [index, vmo] of vmos.entries()) {
      expect(threads[index]?.isBlocked).toBe(true);
      pager.supply(vmo, 0, 1);
      await pager.turn();
      expect(threads[index]?.outcome).toEqual({ end: 'done', value: vmo.first });
    }
    pager.finish();
  });

  it('CR-11: 64 VMOs one after the other on the same pager', async () => {
    for (let count = 0; count < 64; count += 1) {
      const vmo = pager.createVmo(1);
      const thread = pager.load(vmo, 0);
      pager.expectPackets(pager.R(vmo, 0, 1));
      pager.supply(vmo, 0, 1);
      await pager.turn();
      expect(thread.outcome).toEqual({ end: 'done', value: vmo.first });
      ok(pager.host.vmarUnmap(pager.vmar, vmo.base, PAGE));
      pager.host.handleClose(vmo.handle);
      pager.expectPackets(pager.C(vmo));
    }
    pager.finish();
  });
});
