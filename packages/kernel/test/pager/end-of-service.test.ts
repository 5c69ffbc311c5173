/** Detaching VMOs, closing pager, port and VMO, in every order. */
import { beforeEach, describe, expect, it } from 'vitest';
import { ZX_ERR_BAD_STATE, ZX_ERR_INVALID_ARGS, ZX_ERR_TIMED_OUT, ZX_OK } from '../../src/abi/status.js';
import { ZX_VMO_OP_ALWAYS_NEED } from '../../src/abi/vm.js';
import { ACCESS_PATHS, PageAccess } from '../support/page-access.js';
import { Call } from '../support/pager-actors.js';
import { UserPager, ok } from '../support/user-pager.js';
import { PAGE, VmFixture } from '../support/vm-fixture.js';

let pager: UserPager;

beforeEach(async () => {
  pager = new UserPager(await VmFixture.create());
});

describe('detach', () => {
  it('DT-01 PK-03: ends with a COMPLETE packet', () => {
    const vmo = pager.createVmo(1);
    expect(pager.detach(vmo)).toBe(ZX_OK);
    pager.expectPackets(pager.C(vmo));
    expect(pager.detach(vmo)).toBe(ZX_OK);
    pager.expectPackets();
    pager.finish();
  });

  it.each(ACCESS_PATHS)('DT-03 S-06: drops clean pages, and %s accesses fail then', async (path) => {
    const vmo = pager.createVmo(2);
    const clone = pager.clone(vmo);
    const read = PageAccess.start(pager, path, clone, 0);
    pager.expectPackets(pager.R(vmo, 0, 1));
    pager.supply(vmo, 0, 1);
    await pager.turn();
    read.expectDone();
    expect(pager.committed(vmo)).toBe(1);
    pager.detach(vmo);
    pager.expectPackets(pager.C(vmo));
    expect(pager.committed(vmo)).toBe(0);
    for (const shown of [vmo, clone]) {
      const after = PageAccess.start(pager, path, shown, 0);
      await pager.turn();
      after.expectFailed(ZX_ERR_BAD_STATE);
    }
    pager.finish();
  });

  it('DT-04: a clone keeps what it has forked', async () => {
    const vmo = pager.createVmo(3);
    const clone = pager.clone(vmo);
    const load = pager.load(clone, 1);
    const store = pager.store(clone, 0, 77n);
    pager.expectPackets(pager.R(vmo, 1, 1), pager.R(vmo, 0, 1));
    pager.supply(vmo, 0, 2);
    await pager.turn();
    expect([load.isBlocked, store.isBlocked]).toEqual([false, false]);
    pager.detach(vmo);
    pager.expectPackets(pager.C(vmo));
    for (const page of [2, 1]) PageAccess.start(pager, 'Vmar', clone, page).expectFailed(ZX_ERR_BAD_STATE);
    expect(pager.load(clone, 0).outcome).toEqual({ end: 'done', value: 77n });
    pager.finish();
  });

  it.each(ACCESS_PATHS)('DT-05: ends %s requests that were read from the port', async (path) => {
    const vmo = pager.createVmo(1);
    const access = PageAccess.start(pager, path, vmo, 0);
    pager.expectPackets(pager.R(vmo, 0, 1));
    expect(pager.detach(vmo)).toBe(ZX_OK);
    await pager.turn();
    access.expectFailed(ZX_ERR_BAD_STATE);
    pager.expectPackets(pager.C(vmo));
    pager.finish();
  });

  it.each(ACCESS_PATHS)('DT-06: ends %s requests that nobody has read, and takes them back', async (path) => {
    const vmo = pager.createVmo(1);
    const access = PageAccess.start(pager, path, vmo, 0);
    expect(access.isBlocked).toBe(true);
    expect(pager.detach(vmo)).toBe(ZX_OK);
    await pager.turn();
    access.expectFailed(ZX_ERR_BAD_STATE);
    pager.expectPackets(pager.C(vmo));
    pager.finish();
  });

  it('DT-07: ends a read that has come half way', async () => {
    const vmo = pager.createVmo(2);
    const read = new Call(pager.host.vmoRead(vmo.handle, new Uint8Array(8), PAGE - 4));
    pager.expectPackets(pager.R(vmo, 0, 2));
    pager.supply(vmo, 0, 1);
    await pager.turn();
    expect(read.isBlocked).toBe(true);
    pager.detach(vmo);
    await pager.turn();
    expect(read.status).toBe(ZX_ERR_BAD_STATE);
    pager.expectPackets(pager.C(vmo));
    pager.finish();
  });

  it('DT-08 FL-07: ends commits, and nothing can be failed afterwards', async () => {
    const vmo = pager.createVmo(11);
    const commit = pager.commit(vmo, 0, 11);
    pager.expectPackets(pager.R(vmo, 0, 11));
    pager.detach(vmo);
    await pager.turn();
    expect(commit.status).toBe(ZX_ERR_BAD_STATE);
    pager.expectPackets(pager.C(vmo));
    expect(pager.fail(vmo, 0, 11)).toBe(ZX_ERR_BAD_STATE);
    pager.finish();
  });

  it('SU-15: nothing can be supplied afterwards', () => {
    const vmo = pager.createVmo(11);
    expect(pager.detach(vmo)).toBe(ZX_OK);
    pager.expectPackets(pager.C(vmo));
    expect(pager.supply(vmo, 0, 11)).toBe(ZX_ERR_BAD_STATE);
    expect(pager.committed(vmo)).toBe(0);
    pager.finish();
  });

  it('DT-09 CP-05: the pager can be closed before COMPLETE is read', () => {
    const vmo = pager.createVmo(1);
    expect(pager.detach(vmo)).toBe(ZX_OK);
    expect(pager.host.handleClose(pager.pager).status).toBe(ZX_OK);
    expect(pager.load(vmo, 0).outcome.end).toBe('crash');
    pager.finish();
  });

  it('DT-11 EV-11: hints do not fail, and do not wait', async () => {
    const vmo = pager.createVmo(2);
    pager.detach(vmo);
    pager.expectPackets(pager.C(vmo));
    const { status } = await pager.host.vmoOpRange(vmo.handle, ZX_VMO_OP_ALWAYS_NEED, 0, 2 * PAGE);
    expect(status).toBe(ZX_OK);
    pager.finish();
  });

  it('DT-13: keeps what was written, for mappings and system calls', async () => {
    const vmo = pager.createVmo(2);
    pager.supply(vmo, 0, 2);
    pager.store(vmo, 0, 5n);
    pager.detach(vmo);
    pager.expectPackets(pager.C(vmo));
    expect(pager.committed(vmo)).toBe(1);
    expect(pager.load(vmo, 0).outcome).toEqual({ end: 'done', value: 5n });
    const read = pager.read(vmo, 0, 1);
    await pager.turn();
    expect(read.status).toBe(ZX_OK);
    PageAccess.start(pager, 'Vmar', vmo, 1).expectFailed(ZX_ERR_BAD_STATE);
    pager.finish();
  });
});

describe('closing the pager', () => {
  it.each([
    ['Vmar', 'read'],
    ['Vmo', 'read'],
    ['Vmar', 'not read'],
    ['Vmo', 'not read'],
  ] as const)('CP-01: ends %s requests that were %s from the port', async (path, late) => {
    const vmo = pager.createVmo(1);
    const access = PageAccess.start(pager, path, vmo, 0);
    expect(access.isBlocked).toBe(true);
    if (late === 'read') pager.expectPackets(pager.R(vmo, 0, 1));
    expect(pager.host.handleClose(pager.pager).status).toBe(ZX_OK);
    await pager.turn();
    access.expectFailed(ZX_ERR_BAD_STATE);
    pager.finish();
  });

  it('CP-02 S-06: leaves readable what is there', async () => {
    const vmo = pager.createVmo(2);
    pager.supply(vmo, 1, 1);
    const access = PageAccess.start(pager, 'Vmar', vmo, 0);
    pager.expectPackets(pager.R(vmo, 0, 1));
    pager.host.handleClose(pager.pager);
    await pager.turn();
    access.expectFailed(ZX_ERR_BAD_STATE);
    expect(pager.load(vmo, 1).outcome).toEqual({ end: 'done', value: vmo.first + 512n });
    pager.finish();
  });

  it('CR-13 CP-05: another pager has no say over the VMO', () => {
    const vmo = pager.createVmo(1);
    pager.host.handleClose(pager.pager);
    const other = ok(pager.host.pagerCreate(0)).handle;
    expect(pager.host.pagerQueryVmoStats(other, vmo.handle, 0).status).toBe(ZX_ERR_INVALID_ARGS);
    pager.finish();
  });

  it('PK-06 CP-05: takes back the COMPLETE packet of a VMO that ended before, if nobody has read it', () => {
    for (const order of ['closed first', 'read first']) {
      const pagerHandle = ok(pager.host.pagerCreate(0)).handle;
      const vmo = ok(pager.host.pagerCreateVmo(pagerHandle, 0, pager.port, 5n, PAGE)).handle;
      expect(pager.host.handleClose(vmo).status).toBe(ZX_OK);
      if (order === 'closed first') expect(pager.host.handleClose(pagerHandle).status).toBe(ZX_OK);
      const { status } = pager.host.portTryWait(pager.port);
      expect(status).toBe(order === 'closed first' ? ZX_ERR_TIMED_OUT : ZX_OK);
      if (order === 'read first') expect(pager.host.handleClose(pagerHandle).status).toBe(ZX_OK);
    }
    pager.finish();
  });
});

describe('closing port and VMO', () => {
  it('CP-03 SU-17: supply and detach work without the port', async () => {
    const vmo = pager.createVmo(2);
    const early = PageAccess.start(pager, 'Vmar', vmo, 0);
    pager.host.handleClose(pager.port);
    expect(pager.supply(vmo, 1, 1)).toBe(ZX_OK);
    expect(pager.load(vmo, 1).outcome).toEqual({ end: 'done', value: vmo.first + 512n });
    const late = PageAccess.start(pager, 'Vmar', vmo, 0);
    expect([early.isBlocked, late.isBlocked]).toEqual([true, true]);
    expect(pager.detach(vmo)).toBe(ZX_OK);
    await pager.turn();
    for (const access of [early, late]) access.expectFailed(ZX_ERR_BAD_STATE);
    pager.fixture.expectNoLeaks();
  });

  it('CP-04 PK-03: the end of the last handle and mapping is told', () => {
    const vmo = pager.createVmo(1);
    pager.host.handleClose(vmo.handle);
    pager.expectPackets();
    ok(pager.host.vmarUnmap(pager.vmar, vmo.base, PAGE));
    pager.expectPackets(pager.C(vmo));
    pager.finish();
  });

  it('COMPLETE comes once, and after requests that nobody has read', () => {
    const vmo = pager.createVmo(2);
    const thread = pager.load(vmo, 0);
    thread.abandonWait();
    pager.expectPackets();
    const waiting = pager.load(vmo, 1);
    pager.detach(vmo);
    pager.host.handleClose(vmo.handle);
    pager.expectPackets(pager.C(vmo));
    expect(waiting.isBlocked).toBe(false);
    pager.finish();
  });
});

describe('giving up a wait', () => {
  it('takes back the packet that nobody has read', () => {
    const vmo = pager.createVmo(2);
    const first = pager.load(vmo, 0);
    const second = pager.load(vmo, 1);
    first.abandonWait();
    pager.expectPackets(pager.R(vmo, 1, 1));
    second.abandonWait();
    pager.expectPackets();
    expect(pager.supply(vmo, 0, 2)).toBe(ZX_OK);
    pager.finish();
  });

  it('leaves the request to another that waits for the same', async () => {
    const vmo = pager.createVmo(4);
    const controller = new AbortController();
    const whole = pager.host.vmoRead(vmo.handle, new Uint8Array(4 * PAGE), 0, { signal: controller.signal });
    const page = pager.load(vmo, 2);
    controller.abort(new Error('enough'));
    await expect(whole).rejects.toThrow('enough');
    pager.expectPackets(pager.R(vmo, 0, 4));
    pager.supply(vmo, 2, 1);
    await pager.turn();
    expect(page.outcome).toEqual({ end: 'done', value: vmo.first + 1024n });
    pager.finish();
  });

  it('leaves a queued request to its successor', async () => {
    const vmo = pager.createVmo(4);
    pager.load(vmo, 3);
    const first = pager.load(vmo, 0);
    const second = pager.load(vmo, 0);
    const other = pager.load(vmo, 1);
    first.abandonWait();
    pager.expectPackets(pager.R(vmo, 3, 1), pager.R(vmo, 0, 1), pager.R(vmo, 1, 1));
    pager.supply(vmo, 0, 4);
    await pager.turn();
    expect([second.outcome.end, other.outcome.end]).toEqual(['done', 'done']);
    pager.finish();
  });

  it('ends with the deadline', async () => {
    const vmo = pager.createVmo(1);
    const read = pager.host.vmoRead(vmo.handle, new Uint8Array(8), 0, { deadline: 1_000 });
    pager.expectPackets(pager.R(vmo, 0, 1));
    pager.fixture.clock.skipTo(1_000);
    pager.fixture.state.timers.expire(pager.fixture.clock.now());
    expect((await read).status).toBe(ZX_ERR_TIMED_OUT);
    expect(pager.supply(vmo, 0, 1)).toBe(ZX_OK);
    pager.finish();
  });
});
