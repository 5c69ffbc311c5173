/** Commit, zero, hints, resizing and writes under a pager. */
import { beforeEach, describe, expect, it } from 'vitest';
import { ZX_ERR_BAD_STATE, ZX_ERR_OUT_OF_RANGE, ZX_ERR_SHOULD_WAIT, ZX_OK } from '../../src/abi/status.js';
import {
  ZX_VM_PERM_READ,
  ZX_VM_CAN_MAP_READ,
  ZX_VM_CAN_MAP_SPECIFIC,
  ZX_VM_SPECIFIC,
  ZX_VMAR_OP_ALWAYS_NEED,
  ZX_VMAR_OP_DONT_NEED,
  ZX_VMO_OP_ALWAYS_NEED,
  ZX_VMO_OP_DONT_NEED,
  ZX_VMO_OP_ZERO,
} from '../../src/abi/vm.js';
import { type PagedVmo } from '../support/paged-vmo.js';
import { Call } from '../support/pager-actors.js';
import { UserPager, ok } from '../support/user-pager.js';
import { PAGE, VmFixture } from '../support/vm-fixture.js';

let pager: UserPager;

beforeEach(async () => {
  pager = new UserPager(await VmFixture.create());
});

function opBytes(vmo: PagedVmo, op: number, offset: number, length: number | bigint): Call {
  return new Call(pager.host.vmoOpRange(vmo.handle, op, offset, length));
}

function op(vmo: PagedVmo, operation: number, page: number, count: number): Call {
  return opBytes(vmo, operation, page * PAGE, count * PAGE);
}

describe('zeroing', () => {
  it('parts of an absent page ask for it', async () => {
    const vmo = pager.createVmo(2);
    const zero = opBytes(vmo, ZX_VMO_OP_ZERO, PAGE - 8, PAGE + 8);
    pager.expectPackets(pager.R(vmo, 0, 1));
    pager.supply(vmo, 0, 1);
    await pager.turn();
    expect(zero.status).toBe(ZX_OK);
    expect(pager.load(vmo, 1).outcome).toEqual({ end: 'done', value: 0n });
    const other = pager.createVmo(2);
    const never = { mayWaitForPager: false };
    const refused = await pager.host.vmoOpRange(other.handle, ZX_VMO_OP_ZERO, 8, 2 * PAGE - 8, never);
    expect(refused.status).toBe(ZX_ERR_SHOULD_WAIT);
    const after = pager.load(other, 1);
    pager.expectPackets(pager.R(other, 1, 1));
    after.abandonWait();
    pager.finish();
  });
});

describe('hints', () => {
  it('EV-01 EV-02 EV-03: ALWAYS_NEED fetches, DONT_NEED does not', async () => {
    const vmo = pager.createVmo(30);
    const need = op(vmo, ZX_VMO_OP_ALWAYS_NEED, 10, 5);
    pager.expectPackets(pager.R(vmo, 10, 5));
    pager.supply(vmo, 10, 5);
    await pager.turn();
    expect(need.status).toBe(ZX_OK);
    const again = op(vmo, ZX_VMO_OP_ALWAYS_NEED, 10, 5);
    const not = op(vmo, ZX_VMO_OP_DONT_NEED, 0, 30);
    await pager.turn();
    expect([again.status, not.status]).toEqual([ZX_OK, ZX_OK]);
    const wide = opBytes(vmo, ZX_VMO_OP_ALWAYS_NEED, 20 * PAGE - 8, 16);
    pager.expectPackets(pager.R(vmo, 19, 2));
    pager.supply(vmo, 19, 2);
    await pager.turn();
    expect(wide.status).toBe(ZX_OK);
    pager.finish();
  });

  it('EV-04 EV-05 S-24: out of range under a pager, never elsewhere', async () => {
    const vmo = pager.createVmo(20);
    for (const operation of [ZX_VMO_OP_ALWAYS_NEED, ZX_VMO_OP_DONT_NEED]) {
      const outside = [op(vmo, operation, 15, 10), opBytes(vmo, operation, PAGE, 0xffff_ffff_ffff_ffffn)];
      await pager.turn();
      expect(outside.map((call) => call.status)).toEqual([ZX_ERR_OUT_OF_RANGE, ZX_ERR_OUT_OF_RANGE]);
      const plain = ok(pager.host.vmoCreate(20, 0)).handle;
      ok(await pager.host.vmoOpRange(plain, operation, 0, 20 * PAGE));
    }
    pager.finish();
  });

  it('EV-06: through clones, what the root lacks', async () => {
    const vmo = pager.createVmo(40);
    const clone = pager.clone(vmo);
    pager.supply(vmo, 25, 1);
    expect(pager.store(clone, 25, 1n).outcome.end).toBe('done');
    const need = op(clone, ZX_VMO_OP_ALWAYS_NEED, 23, 4);
    pager.expectPackets(pager.R(vmo, 23, 2));
    pager.supply(vmo, 23, 2);
    await pager.turn();
    pager.expectPackets(pager.R(vmo, 26, 1));
    pager.supply(vmo, 26, 1);
    await pager.turn();
    expect([need.status, pager.committed(clone)]).toEqual([ZX_OK, 1]);
    pager.finish();
  });

  it('EV-08 EV-09 EV-10: over ranges of an address space, and not over holes', async () => {
    const vmo = pager.createVmo(3);
    pager.supply(vmo, 1, 1);
    const region = ok(
      pager.host.vmarAllocate(pager.vmar, ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_SPECIFIC, 0, 4 * PAGE),
    );
    const inner = ok(
      pager.host.vmarAllocate(
        region.handle,
        ZX_VM_CAN_MAP_READ | ZX_VM_SPECIFIC | ZX_VM_CAN_MAP_SPECIFIC,
        0,
        3 * PAGE,
      ),
    );
    ok(pager.host.vmarMap(inner.handle, ZX_VM_PERM_READ | ZX_VM_SPECIFIC, 0, vmo.handle, 0, 3 * PAGE));
    const range = (operation: number, pages: number): Call =>
      new Call(pager.host.vmarOpRange(region.handle, operation, region.address, pages * PAGE));
    const not = range(ZX_VMAR_OP_DONT_NEED, 3);
    const need = range(ZX_VMAR_OP_ALWAYS_NEED, 3);
    for (const page of [0, 2]) {
      pager.expectPackets(pager.R(vmo, page, 1));
      pager.supply(vmo, page, 1);
      await pager.turn();
    }
    const holed = [range(ZX_VMAR_OP_ALWAYS_NEED, 4), range(ZX_VMAR_OP_DONT_NEED, 4)];
    await pager.turn();
    expect([not.status, need.status, ...holed.map((call) => call.status)]).toEqual([
      ZX_OK,
      ZX_OK,
      ZX_ERR_BAD_STATE,
      ZX_ERR_BAD_STATE,
    ]);
    pager.finish();
  });
});

describe('writes', () => {
  it('a long one asks for sixteen pages at a time', async () => {
    const vmo = pager.createVmo(66);
    const bytes = new Uint8Array(64 * PAGE).fill(6);
    const write = new Call(pager.host.vmoWrite(vmo.handle, bytes, 2 * PAGE));
    for (let page = 2; page < 66; page += 16) {
      expect(write.isBlocked).toBe(true);
      pager.expectPackets(pager.R(vmo, page, 16));
      pager.supply(vmo, page, 8);
      await pager.turn();
      pager.expectPackets();
      pager.supply(vmo, page + 8, 8);
      await pager.turn();
    }
    expect(write.status).toBe(ZX_OK);
    const read = pager.read(vmo, 2, 64);
    await pager.turn();
    expect(Buffer.compare(read.bytes, bytes)).toBe(0);
    pager.finish();
  });

  it('a page that was read first faults again when it is written, and is kept at detach', () => {
    const vmo = pager.createVmo(1);
    pager.supply(vmo, 0, 1);
    pager.load(vmo, 0);
    const faults = pager.fixture.state.vm.counters.faultsResolved[1];
    pager.store(vmo, 0, 4n);
    expect(pager.fixture.state.vm.counters.faultsResolved[1]).toBe(faults + 1);
    pager.detach(vmo);
    pager.expectPackets(pager.C(vmo));
    expect(pager.load(vmo, 0).outcome).toEqual({ end: 'done', value: 4n });
    pager.finish();
  });
});
