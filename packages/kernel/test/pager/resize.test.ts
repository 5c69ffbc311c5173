/** Resizing under a pager: who waits for what is cut off, and what growth is. */
import { beforeEach, describe, expect, it } from 'vitest';
import { ZX_ERR_OUT_OF_RANGE, ZX_ERR_UNAVAILABLE, ZX_OK } from '../../src/abi/status.js';
import { ZX_VMO_OP_ALWAYS_NEED, ZX_VMO_OP_ZERO, ZX_VMO_RESIZABLE } from '../../src/abi/vm.js';
import { ACCESS_PATHS, PageAccess } from '../support/page-access.js';
import { pattern } from '../support/paged-vmo.js';
import { Call } from '../support/pager-actors.js';
import { DIRTY_MODES, UserPager, ok } from '../support/user-pager.js';
import { PAGE, VmFixture } from '../support/vm-fixture.js';

let pager: UserPager;

beforeEach(async () => {
  pager = new UserPager(await VmFixture.create());
});

describe('resizing', () => {
  it('RZ-01: is for VMOs that were made resizable', async () => {
    const vmo = pager.createVmo(1);
    expect((await pager.host.vmoSetSize(vmo.handle, 0)).status).toBe(ZX_ERR_UNAVAILABLE);
    pager.finish();
  });

  it.each(ACCESS_PATHS)(
    'RZ-02 TH-08 S-19: %s accesses to what was cut off are out of range',
    async (path) => {
      const vmo = pager.createVmo(1, ZX_VMO_RESIZABLE);
      const access = PageAccess.start(pager, path, vmo, 0);
      pager.expectPackets(pager.R(vmo, 0, 1));
      ok(await pager.resize(vmo, 0).done);
      await pager.turn();
      access.expectFailed(ZX_ERR_OUT_OF_RANGE);
      pager.finish();
    },
  );

  it('RZ-03 TH-08 S-19: a commit waits for what is left, and succeeds', async () => {
    const vmo = pager.createVmo(3, ZX_VMO_RESIZABLE);
    const commit = pager.commit(vmo, 0, 3);
    pager.expectPackets(pager.R(vmo, 0, 3));
    expect(pager.supply(vmo, 2, 1)).toBe(ZX_OK);
    ok(await pager.resize(vmo, 1).done);
    await pager.turn();
    expect(commit.isBlocked).toBe(true);
    pager.expectPackets();
    expect(pager.supply(vmo, 0, 1)).toBe(ZX_OK);
    await pager.turn();
    expect(commit.status).toBe(ZX_OK);
    pager.finish();
  });

  it.each(DIRTY_MODES)(
    'RZ-04 MO-13 TH-08 %s: a commit of which nothing is left succeeds',
    async (_mode, options) => {
      const vmo = pager.createVmo(2, options | ZX_VMO_RESIZABLE);
      pager.supply(vmo, 0, 1);
      const commit = pager.commit(vmo, 0, 2);
      pager.expectPackets(pager.R(vmo, 1, 1));
      expect(pager.modified(vmo)).toBe(false);
      ok(await pager.resize(vmo, 1).done);
      await pager.turn();
      expect(commit.status).toBe(ZX_OK);
      expect([pager.modified(vmo), pager.modified(vmo)]).toEqual([true, false]);
      pager.expectPattern(vmo, 0);
      pager.expectDirty(vmo, '');
      pager.finish();
    },
  );

  it('RZ-05 EV-07 TH-08 S-19: a hint as well', async () => {
    const vmo = pager.createVmo(20, ZX_VMO_RESIZABLE);
    const hint = pager.op(vmo, ZX_VMO_OP_ALWAYS_NEED, 10, 10);
    pager.expectPackets(pager.R(vmo, 10, 10));
    pager.supply(vmo, 10, 2);
    ok(await pager.host.vmoSetSize(vmo.handle, 12 * PAGE));
    await pager.turn();
    expect(hint.status).toBe(ZX_OK);
    pager.finish();
  });

  it('RZ-07 EW-04: a read fails once its pages in range are there', async () => {
    const vmo = pager.createVmo(16, ZX_VMO_RESIZABLE);
    const read = pager.read(vmo, 0, 16);
    pager.expectPackets(pager.R(vmo, 0, 16));
    pager.supply(vmo, 0, 1);
    await pager.turn();
    expect([read.isBlocked, read.arrived]).toEqual([true, 1]);
    ok(await pager.host.vmoSetSize(vmo.handle, 8 * PAGE));
    pager.supply(vmo, 1, 7);
    await pager.turn();
    expect(read.status).toBe(ZX_ERR_OUT_OF_RANGE);
    pager.finish();
  });

  it('RZ-08 OZ-06: zeroing parts of pages that are cut off is out of range', async () => {
    const vmo = pager.createVmo(3, ZX_VMO_RESIZABLE);
    const first = pager.opBytes(vmo, ZX_VMO_OP_ZERO, PAGE + 8, 2 * PAGE - 8);
    pager.expectPackets(pager.R(vmo, 1, 1));
    const second = pager.opBytes(vmo, ZX_VMO_OP_ZERO, 2 * PAGE, PAGE - 8);
    pager.expectPackets(pager.R(vmo, 2, 1));
    ok(await pager.host.vmoSetSize(vmo.handle, PAGE));
    await pager.turn();
    expect([first.status, second.status]).toEqual([ZX_ERR_OUT_OF_RANGE, ZX_ERR_OUT_OF_RANGE]);
    pager.finish();
  });

  it('RZ-17: marks the VMO modified', async () => {
    const vmo = pager.createVmo(1, ZX_VMO_RESIZABLE);
    const modified = (): number => pager.host.pagerQueryVmoStats(pager.pager, vmo.handle, 1).modified;
    expect(modified()).toBe(0);
    ok(await pager.host.vmoSetSize(vmo.handle, 0));
    expect([modified(), modified()]).toEqual([1, 0]);
    ok(await pager.host.vmoSetSize(vmo.handle, 2 * PAGE));
    expect(modified()).toBe(1);
    pager.finish();
  });

  it('to a part of a page fetches that page, and clears its end', async () => {
    const vmo = pager.createVmo(2, ZX_VMO_RESIZABLE);
    const resize = new Call(pager.host.vmoSetSize(vmo.handle, 100));
    pager.expectPackets(pager.R(vmo, 0, 1));
    expect(pager.host.vmoGetSize(vmo.handle).size).toBe(2 * PAGE);
    pager.supply(vmo, 0, 1);
    await pager.turn();
    expect(resize.status).toBe(ZX_OK);
    expect(pager.host.vmoGetSize(vmo.handle).size).toBe(PAGE);
    expect(pager.host.vmoGetStreamSize(vmo.handle).size).toBe(100);
    const read = pager.read(vmo, 0, 1);
    await pager.turn();
    expect(read.bytes.subarray(0, 100)).toEqual(pattern(vmo, 0).subarray(0, 100));
    expect(read.bytes.subarray(100).every((byte) => byte === 0)).toBe(true);
    pager.finish();
  });
});
