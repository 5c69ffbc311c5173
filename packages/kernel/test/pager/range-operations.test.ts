/** Commit, zero, hints, resizing and writes under a pager. */
import { beforeEach, describe, expect, it } from 'vitest';
import {
  ZX_ERR_BAD_STATE,
  ZX_ERR_OUT_OF_RANGE,
  ZX_ERR_SHOULD_WAIT,
  ZX_ERR_UNAVAILABLE,
  ZX_OK,
} from '../../src/abi/status.js';
import {
  ZX_VM_PERM_READ,
  ZX_VM_CAN_MAP_READ,
  ZX_VM_CAN_MAP_SPECIFIC,
  ZX_VM_SPECIFIC,
  ZX_VMAR_OP_ALWAYS_NEED,
  ZX_VMAR_OP_COMMIT,
  ZX_VMAR_OP_DONT_NEED,
  ZX_VMO_OP_ALWAYS_NEED,
  ZX_VMO_OP_COMMIT,
  ZX_VMO_OP_DONT_NEED,
  ZX_VMO_OP_ZERO,
  ZX_VMO_RESIZABLE,
} from '../../src/abi/vm.js';
import { Call, UserPager, ok, pattern, type PagedVmo } from '../support/user-pager.js';
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

describe('commit', () => {
  it('CM-01: one request for everything', async () => {
    const vmo = pager.createVmo(555);
    const commit = pager.commit(vmo, 0, 555);
    pager.expectPackets(pager.R(vmo, 0, 555));
    pager.supply(vmo, 0, 555);
    await pager.turn();
    expect(commit.status).toBe(ZX_OK);
    pager.finish();
  });

  it('CM-02 CM-03 CO-04: a page that is there splits it, and the second half is asked for later', async () => {
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

  it('CM-04 CO-05: it is cut where another request begins', async () => {
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

  it('CM-10: gives zeros that were supplied a frame; they stay unmodified', async () => {
    const vmo = pager.createVmo(2);
    pager.supply(vmo, 0, 1);
    pager.supplyZero(vmo, 1, 1);
    const commit = op(vmo, ZX_VMO_OP_COMMIT, 0, 2);
    await pager.turn();
    expect([commit.status, pager.committed(vmo)]).toEqual([ZX_OK, 2]);
    expect(pager.host.pagerQueryVmoStats(pager.pager, vmo.handle, 0).modified).toBe(0);
    pager.detach(vmo);
    expect(pager.committed(vmo)).toBe(0);
    pager.expectPackets(pager.C(vmo));
    pager.finish();
  });

  it('CM-07: over a range of an address space, one VMO after the other', async () => {
    const [first, second] = [pager.createVmo(3), pager.createVmo(3)];
    const plain = ok(pager.host.vmoCreate(3 * PAGE, 0)).handle;
    for (const vmo of [first, second]) pager.supply(vmo, 1, 1);
    const region = ok(
      pager.host.vmarAllocate(
        pager.vmar,
        ZX_VM_CAN_MAP_READ | (1 << 8) | ZX_VM_CAN_MAP_SPECIFIC,
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

describe('resizing', () => {
  it('RZ-01: is for VMOs that were made resizable', async () => {
    const vmo = pager.createVmo(1);
    expect((await pager.host.vmoSetSize(vmo.handle, 0)).status).toBe(ZX_ERR_UNAVAILABLE);
    pager.finish();
  });

  it('RZ-02 TH-08: accesses to what was cut off are out of range', async () => {
    const vmo = pager.createVmo(1, ZX_VMO_RESIZABLE);
    const thread = pager.load(vmo, 0);
    const read = pager.read(vmo, 0, 1);
    pager.expectPackets(pager.R(vmo, 0, 1));
    ok(await pager.host.vmoSetSize(vmo.handle, 0));
    await pager.turn();
    expect(thread.outcome).toEqual({ end: 'crash', address: vmo.base, status: ZX_ERR_OUT_OF_RANGE });
    expect(read.status).toBe(ZX_ERR_OUT_OF_RANGE);
    pager.finish();
  });

  it('RZ-03 RZ-04: a commit waits for what is left, and succeeds', async () => {
    const vmo = pager.createVmo(3, ZX_VMO_RESIZABLE);
    const commit = pager.commit(vmo, 0, 3);
    pager.expectPackets(pager.R(vmo, 0, 3));
    pager.supply(vmo, 2, 1);
    ok(await pager.host.vmoSetSize(vmo.handle, PAGE));
    await pager.turn();
    expect(commit.isBlocked).toBe(true);
    pager.supply(vmo, 0, 1);
    await pager.turn();
    expect(commit.status).toBe(ZX_OK);
    const other = pager.createVmo(2, ZX_VMO_RESIZABLE);
    pager.supply(other, 0, 1);
    const second = pager.commit(other, 0, 2);
    pager.expectPackets(pager.R(other, 1, 1));
    ok(await pager.host.vmoSetSize(other.handle, PAGE));
    await pager.turn();
    expect(second.status).toBe(ZX_OK);
    pager.finish();
  });

  it('RZ-05 EV-07: a hint as well', async () => {
    const vmo = pager.createVmo(20, ZX_VMO_RESIZABLE);
    const hint = op(vmo, ZX_VMO_OP_ALWAYS_NEED, 10, 10);
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
    const first = opBytes(vmo, ZX_VMO_OP_ZERO, PAGE + 8, 2 * PAGE - 8);
    pager.expectPackets(pager.R(vmo, 1, 1));
    const second = opBytes(vmo, ZX_VMO_OP_ZERO, 2 * PAGE, PAGE - 8);
    pager.expectPackets(pager.R(vmo, 2, 1));
    ok(await pager.host.vmoSetSize(vmo.handle, PAGE));
    await pager.turn();
    expect([first.status, second.status]).toEqual([ZX_ERR_OUT_OF_RANGE, ZX_ERR_OUT_OF_RANGE]);
    pager.finish();
  });

  it('RZ-11 OV-06 RV-07 S-07: what it gains is zero without asking, and supplies there are ignored', async () => {
    const vmo = pager.createVmo(2, ZX_VMO_RESIZABLE);
    ok(await pager.host.vmoSetSize(vmo.handle, 4 * PAGE));
    const base = pager.map(vmo.handle, 4);
    const grown = { ...vmo, base, pages: 4 };
    const read = pager.read(grown, 0, 4);
    pager.expectPackets(pager.R(vmo, 0, 2));
    pager.supply(vmo, 0, 2);
    await pager.turn();
    expect(read.status).toBe(ZX_OK);
    expect(read.bytes.subarray(2 * PAGE).every((byte) => byte === 0)).toBe(true);
    expect(pager.supply(grown, 2, 2)).toBe(ZX_OK);
    expect(pager.committed(vmo)).toBe(2);
    expect(pager.load(grown, 2).outcome).toEqual({ end: 'done', value: 0n });
    expect([pager.store(grown, 2, 1n).outcome.end, pager.store(grown, 3, 2n).outcome.end]).toEqual([
      'done',
      'done',
    ]);
    expect(pager.committed(vmo)).toBe(4);
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

describe('zeroing', () => {
  it('OZ-01 OZ-12: whole pages without asking; readers are released', async () => {
    const vmo = pager.createVmo(3);
    pager.supply(vmo, 0, 1);
    const thread = pager.load(vmo, 1);
    const zero = op(vmo, ZX_VMO_OP_ZERO, 0, 2);
    await pager.turn();
    expect(zero.status).toBe(ZX_OK);
    expect(thread.outcome).toEqual({ end: 'done', value: 0n });
    expect([pager.load(vmo, 0).outcome, pager.committed(vmo)]).toEqual([{ end: 'done', value: 0n }, 0]);
    pager.finish();
  });

  it('OZ-09: zeros that were supplied stay clean', async () => {
    const vmo = pager.createVmo(1);
    pager.supplyZero(vmo, 0, 1);
    ok(await pager.host.vmoOpRange(vmo.handle, ZX_VMO_OP_ZERO, 0, PAGE));
    pager.detach(vmo);
    pager.expectPackets(pager.C(vmo));
    expect(pager.load(vmo, 0).outcome.end).toBe('crash');
    pager.finish();
  });

  it('OZ-07: parts of pages are writes, save where the page is zero', async () => {
    const vmo = pager.createVmo(1, ZX_VMO_RESIZABLE);
    pager.supply(vmo, 0, 1);
    ok(await pager.host.vmoSetSize(vmo.handle, 2 * PAGE));
    const base = pager.map(vmo.handle, 2);
    ok(await pager.host.vmoOpRange(vmo.handle, ZX_VMO_OP_ZERO, 8, 8));
    ok(await pager.host.vmoOpRange(vmo.handle, ZX_VMO_OP_ZERO, PAGE - 8, PAGE));
    const read = pager.read({ ...vmo, base, pages: 2 }, 0, 2);
    await pager.turn();
    const expected = new Uint8Array(2 * PAGE);
    expected.set(pattern(vmo, 0));
    expected.fill(0, 8, 16);
    expected.fill(0, PAGE - 8, PAGE);
    expect(read.bytes).toEqual(expected);
    expect(pager.committed(vmo)).toBe(1);
    pager.finish();
  });

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
  it('CO-03: a long one asks for sixteen pages at a time', async () => {
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

  it('MO-02 MO-03 MO-05: mark the VMO modified, through a mapping and by zx_vmo_write; reads do not', async () => {
    const vmo = pager.createVmo(2);
    pager.supply(vmo, 0, 2);
    const modified = (): number => pager.host.pagerQueryVmoStats(pager.pager, vmo.handle, 1).modified;
    pager.load(vmo, 0);
    ok(await pager.host.vmoRead(vmo.handle, new Uint8Array(8), 0));
    expect(modified()).toBe(0);
    pager.store(vmo, 0, 1n);
    expect([modified(), modified()]).toEqual([1, 0]);
    ok(await pager.host.vmoWrite(vmo.handle, new Uint8Array(8), PAGE));
    expect(modified()).toBe(1);
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

describe('stream sizes', () => {
  it('SS-01: what lies past the stream of an unbounded VMO is zero and not asked for', async () => {
    const { handle } = ok(pager.host.pagerCreateVmo(pager.pager, 1 << 4, pager.port, 9n, 2 * PAGE));
    const read = new Uint8Array(8 * PAGE).fill(1);
    ok(await pager.host.vmoRead(handle, read, 2 * PAGE));
    expect(read.every((byte) => byte === 0)).toBe(true);
    ok(await pager.host.vmoSetStreamSize(handle, 5 * PAGE));
    expect(pager.host.pagerQueryVmoStats(pager.pager, handle, 1).modified).toBe(1);
    ok(await pager.host.vmoRead(handle, read, 2 * PAGE));
    ok(await pager.host.vmoSetStreamSize(handle, PAGE));
    ok(await pager.host.vmoRead(handle, read.fill(1), PAGE));
    expect(read.every((byte) => byte === 0)).toBe(true);
    pager.finish();
  });

  it('SS-03: what was written past the stream is gone when the stream grows over it', async () => {
    const { handle } = ok(pager.host.pagerCreateVmo(pager.pager, 1 << 4, pager.port, 9n, 2 * PAGE));
    ok(await pager.host.vmoWrite(handle, new Uint8Array(PAGE).fill(7), 4 * PAGE));
    const page = new Uint8Array(PAGE);
    ok(await pager.host.vmoRead(handle, page, 4 * PAGE));
    expect(page.every((byte) => byte === 7)).toBe(true);
    ok(await pager.host.vmoSetStreamSize(handle, 7 * PAGE));
    ok(await pager.host.vmoRead(handle, page, 4 * PAGE));
    expect(page.every((byte) => byte === 0)).toBe(true);
    pager.finish();
  });
});
