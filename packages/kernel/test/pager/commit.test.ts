/** COMMIT and PREFETCH under a pager: what they ask for, and what they leave behind. */
import { beforeEach, describe, expect, it } from 'vitest';
import { ZX_ERR_BAD_STATE, ZX_ERR_SHOULD_WAIT, ZX_OK } from '../../src/abi/status.js';
import {
  ZX_VM_CAN_MAP_READ,
  ZX_VM_CAN_MAP_SPECIFIC,
  ZX_VM_CAN_MAP_WRITE,
  ZX_VM_SPECIFIC,
  ZX_VMAR_OP_COMMIT,
  ZX_VMO_CHILD_SLICE,
  ZX_VMO_OP_ALWAYS_NEED,
  ZX_VMO_OP_COMMIT,
  ZX_VMO_OP_PREFETCH,
} from '../../src/abi/vm.js';
import { Call } from '../support/pager-actors.js';
import { UserPager, ok } from '../support/user-pager.js';
import { PAGE, VmFixture } from '../support/vm-fixture.js';

let pager: UserPager;

beforeEach(async () => {
  pager = new UserPager(await VmFixture.create());
});

describe('commit', () => {
  it('CM-01 CO-02 S-02: one request for everything', async () => {
    const vmo = pager.createVmo(555);
    const commit = pager.commit(vmo, 0, 555);
    pager.expectPackets(pager.R(vmo, 0, 555));
    pager.supply(vmo, 0, 555);
    await pager.turn();
    expect(commit.status).toBe(ZX_OK);
    pager.finish();
  });

  it('CM-02 CO-04: a page that is there splits it, and the second half is asked for later', async () => {
    const vmo = pager.createVmo(33);
    pager.supply(vmo, 16, 1);
    const commit = pager.commit(vmo, 0, 33);
    for (const page of [0, 17]) {
      expect(commit.isBlocked).toBe(true);
      pager.expectPackets(pager.R(vmo, page, 16));
      pager.supply(vmo, page, 16);
      await pager.turn();
    }
    expect(commit.status).toBe(ZX_OK);
    pager.finish();
  });

  it('CM-03 CO-04: each half is waited for in turn', async () => {
    const vmo = pager.createVmo(5);
    pager.supply(vmo, 2, 1);
    const commit = pager.commit(vmo, 0, 5);
    for (const page of [0, 3]) {
      expect(commit.isBlocked).toBe(true);
      await pager.answerRead(vmo, page, 2);
    }
    expect(commit.status).toBe(ZX_OK);
    pager.expectPattern(vmo, 0, 5);
    pager.finish();
  });

  it('CM-04 CO-05 S-03: it is cut where another request begins', async () => {
    const vmo = pager.createVmo(32);
    const first = pager.commit(vmo, 8, 16);
    pager.expectPackets(pager.R(vmo, 8, 16));
    const second = pager.commit(vmo, 0, 32);
    pager.expectPackets(pager.R(vmo, 0, 8));
    pager.supply(vmo, 0, 24);
    await pager.turn();
    expect([first.status, second.isBlocked]).toEqual([ZX_OK, true]);
    pager.expectPackets(pager.R(vmo, 24, 8));
    pager.supply(vmo, 24, 8);
    await pager.turn();
    expect(second.status).toBe(ZX_OK);
    pager.finish();
  });

  it('CM-07: over a range of an address space, one VMO after the other', async () => {
    const [first, second] = [pager.createVmo(3), pager.createVmo(3)];
    const plain = ok(pager.host.vmoCreate(3 * PAGE, 0)).handle;
    for (const vmo of [first, second]) pager.supply(vmo, 1, 1);
    const region = ok(
      pager.host.vmarAllocate(
        pager.vmar,
        ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE | ZX_VM_CAN_MAP_SPECIFIC,
        0,
        10 * PAGE,
      ),
    );
    for (const [index, handle] of [first.handle, second.handle, plain].entries()) {
      ok(pager.host.vmarMap(region.handle, 3 | ZX_VM_SPECIFIC, index * 3 * PAGE, handle, 0, 3 * PAGE));
    }
    const commit = new Call(
      pager.host.vmarOpRange(region.handle, ZX_VMAR_OP_COMMIT, region.address, 9 * PAGE),
    );
    for (const vmo of [first, second]) {
      for (const page of [0, 2]) {
        expect(commit.isBlocked).toBe(true);
        pager.expectPackets(pager.R(vmo, page, 1));
        pager.supply(vmo, page, 1);
        await pager.turn();
      }
    }
    expect(commit.status).toBe(ZX_OK);
    const vpn = region.address / PAGE;
    expect(pager.space.tables.count(vpn, vpn + 9)).toBe(9);
    const holed = await pager.host.vmarOpRange(region.handle, ZX_VMAR_OP_COMMIT, region.address, 10 * PAGE);
    expect(holed.status).toBe(ZX_ERR_BAD_STATE);
    pager.finish();
  });

  it('CM-08: over a mapped clone, only what it lacks', async () => {
    const vmo = pager.createVmo(3);
    const clone = pager.clone(vmo);
    const store = pager.store(clone, 1, 1n);
    pager.expectPackets(pager.R(vmo, 1, 1));
    pager.supply(vmo, 1, 1);
    await pager.turn();
    expect(store.outcome.end).toBe('done');
    const commit = new Call(
      pager.host.vmarOpRange(pager.vmar, ZX_VMAR_OP_COMMIT, clone.base + PAGE, 2 * PAGE),
    );
    pager.expectPackets(pager.R(vmo, 2, 1));
    pager.supply(vmo, 2, 1);
    await pager.turn();
    expect([commit.status, pager.committed(clone)]).toEqual([ZX_OK, 2]);
    expect(pager.load(clone, 1).outcome).toEqual({ end: 'done', value: 1n });
    pager.finish();
  });

  it('is refused before anything is done when it would have to wait', async () => {
    const vmo = pager.createVmo(3);
    pager.supply(vmo, 0, 1);
    const clone = pager.clone(vmo);
    const never = { mayWaitForPager: false };
    const { status } = await pager.host.vmoOpRange(clone.handle, ZX_VMO_OP_COMMIT, 0, 3 * PAGE, never);
    expect([status, pager.committed(clone)]).toEqual([ZX_ERR_SHOULD_WAIT, 0]);
    const mapped = await pager.host.vmarOpRange(pager.vmar, ZX_VMAR_OP_COMMIT, clone.base, 3 * PAGE, never);
    expect([mapped.status, pager.committed(clone)]).toEqual([ZX_ERR_SHOULD_WAIT, 0]);
    const hint = await pager.host.vmoOpRange(vmo.handle, ZX_VMO_OP_ALWAYS_NEED, 0, 3 * PAGE, never);
    expect(hint.status).toBe(ZX_OK);
    pager.finish();
  });
});

describe('prefetch', () => {
  it('PF-01 CO-02: asks for what the VMO lacks', async () => {
    const vmo = pager.createVmo(1);
    const prefetch = pager.op(vmo, ZX_VMO_OP_PREFETCH, 0, 1);
    expect(prefetch.isBlocked).toBe(true);
    await pager.answerRead(vmo, 0, 1);
    expect(prefetch.status).toBe(ZX_OK);
    pager.finish();
  });

  it('PF-02 PK-04 CL-26: through a slice, at the place in the root', async () => {
    const root = pager.createVmo(2);
    const slice = pager.clone(root, ZX_VMO_CHILD_SLICE, 1, 1);
    const prefetch = pager.op(slice, ZX_VMO_OP_PREFETCH, 0, 1);
    await pager.answerRead(root, 1, 1);
    expect(prefetch.status).toBe(ZX_OK);
    pager.finish();
  });

  it('PF-03 CL-26 S-18: through a clone, what it has not forked; it forks nothing', async () => {
    const root = pager.createVmo(2);
    const clone = pager.clone(root);
    const store = pager.store(clone, 0, 1n);
    await pager.answerRead(root, 0, 1);
    expect(store.outcome.end).toBe('done');
    const prefetch = pager.op(clone, ZX_VMO_OP_PREFETCH, 0, 2);
    await pager.answerRead(root, 1, 1);
    expect([prefetch.status, pager.committed(clone), pager.committed(root)]).toEqual([ZX_OK, 1, 2]);
    pager.finish();
  });
});
