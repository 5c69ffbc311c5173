/** Pages of a pager's VMO that are pinned for devices. */
import { beforeEach, describe, expect, it } from 'vitest';
import {
  ZX_ERR_BAD_STATE,
  ZX_ERR_IO,
  ZX_ERR_NOT_SUPPORTED,
  ZX_ERR_INVALID_ARGS,
  ZX_ERR_OUT_OF_RANGE,
  ZX_ERR_SHOULD_WAIT,
  ZX_OK,
} from '../../src/abi/status.js';
import {
  ZX_VMAR_OP_ZERO,
  ZX_VMO_CHILD_SLICE,
  ZX_VMO_OP_DECOMMIT,
  ZX_VMO_OP_ZERO,
  ZX_VMO_RESIZABLE,
  ZX_VMO_TRAP_DIRTY,
} from '../../src/abi/vm.js';
import { Pinner } from '../support/pinner.js';
import { type PagedVmo } from '../support/paged-vmo.js';
import { UserPager, ok } from '../support/user-pager.js';
import { PAGE, VmFixture } from '../support/vm-fixture.js';

let pager: UserPager;
let pinner: Pinner;

beforeEach(async () => {
  pager = new UserPager(await VmFixture.create({ ramBytes: 2 ** 25 }));
  pinner = new Pinner(pager.host);
});

describe.each([
  ['TrapDirty', ZX_VMO_TRAP_DIRTY],
  ['NoTrapDirty', 0],
] as const)('%s', (variant, option) => {
  const trap = variant === 'TrapDirty';

  /** Of which the first pages are there, with their pattern. */
  function create(pages: number, present = pages, more = 0): PagedVmo {
    const vmo = pager.createVmo(pages, option | more);
    if (present !== 0) expect(pager.supply(vmo, 0, present)).toBe(ZX_OK);
    return vmo;
  }

  /** Leave to write is asked for where writes are trapped, and given. */
  async function answerTrap(vmo: PagedVmo, page: number, count: number): Promise<void> {
    if (trap) await pager.answerDirty(vmo, page, count);
    else await pager.turn();
  }

  async function write(vmo: PagedVmo, page: number, byte: number): Promise<void> {
    const call = pager.write(vmo, page, 1, byte);
    await answerTrap(vmo, page, 1);
    expect(call.status).toBe(ZX_OK);
  }

  it('PN-01: a pin for reading leaves a page clean', async () => {
    const vmo = create(1);
    const pin = pinner.pinForRead(vmo, 0, 1);
    await pager.turn();
    expect(pin.status).toBe(ZX_OK);
    expect(pager.modified(vmo)).toBe(false);
    pager.expectDirty(vmo, '');
    expect(pin.unpin()).toBe(ZX_OK);
    pager.finish();
  });

  it('PN-02 MO-12: a pin for writing makes it dirty, and the VMO modified', async () => {
    const vmo = create(1);
    const pin = pinner.pinForWrite(vmo, 0, 1);
    expect(pin.isBlocked).toBe(true);
    await answerTrap(vmo, 0, 1);
    expect(pin.status).toBe(ZX_OK);
    expect(pin.addresses).toHaveLength(1);
    expect([pager.modified(vmo), pager.modified(vmo)]).toEqual([true, false]);
    pager.expectDirty(vmo, '{0,1}');
    pin.unpin();
    pager.finish();
  });

  it('PN-03 WB-25 S-16: writeback does not clean a page that is pinned for writing', async () => {
    const vmo = create(1);
    const pin = pinner.pinForWrite(vmo, 0, 1);
    await answerTrap(vmo, 0, 1);
    expect(pin.status).toBe(ZX_OK);
    pager.writeBack(vmo, 0, 1);
    pager.expectDirty(vmo, '{0,1}');
    pin.unpin();
    pager.expectDirty(vmo, '{0,1}');
    pager.writeBack(vmo, 0, 1);
    pager.expectDirty(vmo, '');
    pager.finish();
  });

  it('PN-04 WB-25 S-16: a pin for reading during writeback changes nothing', async () => {
    const vmo = create(1);
    await write(vmo, 0, 1);
    expect(pager.writebackBegin(vmo, 0, 1)).toBe(ZX_OK);
    const pin = pinner.pinForRead(vmo, 0, 1);
    await pager.turn();
    expect(pin.status).toBe(ZX_OK);
    expect(pager.writebackEnd(vmo, 0, 1)).toBe(ZX_OK);
    pager.expectDirty(vmo, '');
    pin.unpin();
    pager.finish();
  });

  it('PN-05 WB-25 MO-12: one for writing during writeback makes the page dirty again', async () => {
    const vmo = create(1);
    await write(vmo, 0, 1);
    expect(pager.modified(vmo)).toBe(true);
    expect(pager.writebackBegin(vmo, 0, 1)).toBe(ZX_OK);
    const pin = pinner.pinForWrite(vmo, 0, 1);
    await answerTrap(vmo, 0, 1);
    expect([pin.status, pager.modified(vmo)]).toEqual([ZX_OK, true]);
    expect(pager.writebackEnd(vmo, 0, 1)).toBe(ZX_OK);
    pager.expectDirty(vmo, '{0,1}');
    pin.unpin();
    pager.writeBack(vmo, 0, 1);
    pager.expectDirty(vmo, '');
    pager.finish();
  });

  it('PN-10 CO-10: what is there is made dirty before what is absent is asked for', async () => {
    const vmo = create(2, 1);
    const pin = pinner.pinForWrite(vmo, 0, 2);
    if (trap) await pager.answerDirty(vmo, 0, 1);
    expect(pin.isBlocked).toBe(true);
    await pager.answerRead(vmo, 1, 1);
    await answerTrap(vmo, 1, 1);
    expect([pin.status, pager.modified(vmo)]).toEqual([ZX_OK, true]);
    expect(new Set(pin.addresses).size).toBe(2);
    pager.expectDirty(vmo, '{0,2}');
    pin.unpin();
    pager.finish();
  });

  it('PN-13 CL-23: through a slice, the root is asked and becomes dirty', async () => {
    const vmo = create(2);
    const slice = pager.clone(vmo, ZX_VMO_CHILD_SLICE);
    const pin = pinner.pinForWrite(slice, 0, 2);
    await answerTrap(vmo, 0, 2);
    expect([pin.status, pager.modified(vmo)]).toEqual([ZX_OK, true]);
    pager.expectDirty(vmo, '{0,2}');
    const { host } = pager;
    expect(host.pagerQueryVmoStats(pager.pager, slice.handle, 0).status).toBe(ZX_ERR_INVALID_ARGS);
    const into = new Uint8Array(48);
    expect(host.pagerQueryDirtyRanges(pager.pager, slice.handle, 0, 2 * PAGE, into).status).toBe(
      ZX_ERR_INVALID_ARGS,
    );
    pin.unpin();
    pager.finish();
  });

  it('RZ-16 PN-14 MO-09: a VMO does not shrink by a page that is pinned, and is not modified by the attempt', async () => {
    const vmo = create(2, 2, ZX_VMO_RESIZABLE);
    const pin = pinner.pinForRead(vmo, 1, 1);
    await pager.turn();
    const resize = pager.resize(vmo, 1);
    await pager.turn();
    expect(resize.status).toBe(ZX_ERR_BAD_STATE);
    expect(pager.modified(vmo)).toBe(false);
    pager.expectDirty(vmo, '');
    pager.expectPattern(vmo, 1);
    pin.unpin();
    const again = pager.resize(vmo, 1);
    await pager.turn();
    expect(again.status).toBe(ZX_OK);
    pager.finish();
  });

  it('OZ-10 PN-14: a page that is pinned is zeroed in its place, with leave to write to it', async () => {
    const vmo = create(3, 2, ZX_VMO_RESIZABLE);
    const pin = pinner.pinForRead(vmo, 1, 1);
    await pager.turn();
    const grow = pager.resize(vmo, 4);
    await pager.turn();
    expect(grow.status).toBe(ZX_OK);
    pager.expectDirty(vmo, '{3,1}Z');
    const zero = pager.op(vmo, ZX_VMO_OP_ZERO, 0, 4);
    await answerTrap(vmo, 1, 1);
    expect(zero.status).toBe(ZX_OK);
    pager.expectDirty(vmo, '{0,1}Z {1,1} {2,2}Z');
    expect(pager.committed(vmo)).toBe(1);
    pager.expectBytes(vmo, 0, 4, 0);
    pin.unpin();
    pager.finish();
  });
});

describe('trapped writes and pins', () => {
  it('zeroing that would have to ask is refused, before any effect, to those who may not wait', async () => {
    const vmo = create(3);
    const pin = pinner.pinForRead(vmo, 1, 1);
    await pager.turn();
    const never = { mayWaitForPager: false };
    const { host } = pager;
    const refused = [
      await host.vmoOpRange(vmo.handle, ZX_VMO_OP_ZERO, 0, 3 * PAGE, never),
      await host.vmarOpRange(pager.vmar, ZX_VMAR_OP_ZERO, vmo.base, 3 * PAGE, never),
    ];
    expect(refused.map(({ status }) => status)).toEqual([ZX_ERR_SHOULD_WAIT, ZX_ERR_SHOULD_WAIT]);
    pager.expectPattern(vmo, 0, 3);
    pager.expectDirty(vmo, '');
    pager.dirty(vmo, 1, 1);
    ok(await host.vmoOpRange(vmo.handle, ZX_VMO_OP_ZERO, 0, 3 * PAGE, never));
    pager.expectDirty(vmo, '{0,1}Z {1,1} {2,1}Z');
    pin.unpin();
    pager.finish();
  });

  function create(pages: number): PagedVmo {
    const vmo = pager.createVmo(pages, ZX_VMO_TRAP_DIRTY);
    expect(pager.supply(vmo, 0, pages)).toBe(ZX_OK);
    return vmo;
  }

  async function dirtyAndBegin(vmo: PagedVmo): Promise<void> {
    const write = pager.write(vmo, 0, 1, 1);
    await pager.answerDirty(vmo, 0, 1);
    expect([write.status, pager.modified(vmo)]).toEqual([ZX_OK, true]);
    expect(pager.writebackBegin(vmo, 0, 1)).toBe(ZX_OK);
  }

  it('PN-06: writeback may end while the pin waits', async () => {
    const vmo = create(1);
    await dirtyAndBegin(vmo);
    const pin = pinner.pinForWrite(vmo, 0, 1);
    pager.expectPackets(pager.D(vmo, 0, 1));
    expect(pager.writebackEnd(vmo, 0, 1)).toBe(ZX_OK);
    pager.expectDirty(vmo, '');
    expect(pager.dirty(vmo, 0, 1)).toBe(ZX_OK);
    await pager.turn();
    expect([pin.status, pager.modified(vmo)]).toEqual([ZX_OK, true]);
    pager.expectDirty(vmo, '{0,1}');
    pager.writeBack(vmo, 0, 1);
    pager.expectDirty(vmo, '{0,1}');
    pin.unpin();
    pager.finish();
  });

  it('PN-07: or leave be refused', async () => {
    const vmo = create(1);
    await dirtyAndBegin(vmo);
    const pin = pinner.pinForWrite(vmo, 0, 1);
    pager.expectPackets(pager.D(vmo, 0, 1));
    expect(pager.writebackEnd(vmo, 0, 1)).toBe(ZX_OK);
    expect(pager.fail(vmo, 0, 1)).toBe(ZX_OK);
    await pager.turn();
    expect([pin.status, pager.modified(vmo)]).toEqual([ZX_ERR_IO, false]);
    pager.expectDirty(vmo, '');
    expect(pager.fixture.physical.pinnedCount).toBe(0);
    pager.finish();
  });

  it('PN-08 MO-12: a page that is pinned for writing is written without asking', async () => {
    const vmo = create(1);
    const pin = pinner.pinForWrite(vmo, 0, 1);
    await pager.answerDirty(vmo, 0, 1);
    expect([pin.status, pager.modified(vmo)]).toEqual([ZX_OK, true]);
    const write = pager.write(vmo, 0, 1, 2);
    await pager.turn();
    expect([write.status, pager.modified(vmo)]).toEqual([ZX_OK, true]);
    pager.expectDirty(vmo, '{0,1}');
    pin.unpin();
    pager.finish();
  });

  it('PN-09 MO-12: and one that is dirty is pinned without asking', async () => {
    const vmo = create(1);
    const write = pager.write(vmo, 0, 1, 2);
    await pager.answerDirty(vmo, 0, 1);
    expect([write.status, pager.modified(vmo)]).toEqual([ZX_OK, true]);
    const pin = pinner.pinForWrite(vmo, 0, 1);
    await pager.turn();
    expect([pin.status, pager.modified(vmo)]).toEqual([ZX_OK, true]);
    pager.expectDirty(vmo, '{0,1}');
    pin.unpin();
    pager.finish();
  });

  it('PN-11: a pin that fails modifies nothing', async () => {
    const vmo = create(1);
    const pin = pinner.pinForWrite(vmo, 0, 1);
    pager.expectPackets(pager.D(vmo, 0, 1));
    expect(pager.fail(vmo, 0, 1)).toBe(ZX_OK);
    await pager.turn();
    expect([pin.status, pager.modified(vmo)]).toEqual([ZX_ERR_IO, false]);
    pager.expectDirty(vmo, '');
    pager.finish();
  });

  it('PN-12 FL-15: one that fails in part asks again for that part, and leaves the rest dirty', async () => {
    const vmo = create(2);
    const pin = pinner.pinForWrite(vmo, 0, 2);
    pager.expectPackets(pager.D(vmo, 0, 2));
    expect(pager.dirty(vmo, 0, 1)).toBe(ZX_OK);
    expect(pager.fail(vmo, 1, 1)).toBe(ZX_OK);
    await pager.turn();
    expect(pin.isBlocked).toBe(true);
    pager.expectPackets(pager.D(vmo, 1, 1));
    expect(pager.fail(vmo, 1, 1)).toBe(ZX_OK);
    await pager.turn();
    expect([pin.status, pager.modified(vmo)]).toEqual([ZX_ERR_IO, false]);
    pager.expectDirty(vmo, '{0,1}');
    pager.finish();
  });
});

describe('pins and other operations', () => {
  it('SU-06 OV-07 PN-14: supply leaves a page that is there and pinned alone', async () => {
    const vmo = pager.createVmo(3);
    expect(pager.supplyZero(vmo, 1, 1)).toBe(ZX_OK);
    pager.poke(vmo.handle, 1, new Uint8Array(PAGE).fill(0x0a));
    const pin = pinner.pinForRead(vmo, 1, 1);
    await pager.turn();
    expect(pin.status).toBe(ZX_OK);
    expect(pager.supplyZero(vmo, 0, 3)).toBe(ZX_OK);
    pager.expectBytes(vmo, 0, 1, 0);
    pager.expectBytes(vmo, 1, 1, 0x0a);
    pager.expectBytes(vmo, 2, 1, 0);
    pin.unpin();
    pager.finish();
  });

  it('SU-12: nothing is supplied from pinned, physical or contiguous memory, nor from what has a pager', async () => {
    const vmo = pager.createVmo(2);
    const { host } = pager;
    const supply = (aux: number): number =>
      host.pagerSupplyPages(pager.pager, vmo.handle, 0, PAGE, aux, 0).status;
    const pinned = pager.memory(new Uint8Array(2 * PAGE).fill(1));
    const pin = pinner.pinForRead({ handle: pinned }, 0, 1);
    await pager.turn();
    expect(supply(pinned)).toBe(ZX_ERR_BAD_STATE);
    expect(pager.committed({ ...vmo, handle: pinned })).toBe(2);
    pin.unpin();
    expect(supply(pinned)).toBe(ZX_OK);
    expect(supply(ok(host.vmoCreateContiguous(pinner.bti, PAGE)).handle)).toBe(ZX_ERR_NOT_SUPPORTED);
    const reserved = ok(host.reserveMemory(PAGE));
    const physical = ok(host.vmoCreatePhysical(reserved.handle, reserved.paddr, PAGE)).handle;
    expect(supply(physical)).toBe(ZX_ERR_NOT_SUPPORTED);
    expect(supply(ok(host.vmoCreateChild(physical, ZX_VMO_CHILD_SLICE, 0, PAGE)).handle)).toBe(
      ZX_ERR_NOT_SUPPORTED,
    );
    const paged = pager.createVmo(1);
    pager.supply(paged, 0, 1);
    expect(supply(paged.handle)).toBe(ZX_ERR_NOT_SUPPORTED);
    pager.finish();
  });

  it('RZ-06 PN-14 TH-08: a pin whose page is cut off while it waits is out of range', async () => {
    const vmo = pager.createVmo(2, ZX_VMO_RESIZABLE);
    const pin = pinner.pinForRead(vmo, 1, 1);
    pager.expectPackets(pager.R(vmo, 1, 1));
    const resize = pager.resize(vmo, 0);
    await pager.turn();
    expect([resize.status, pin.status]).toEqual([ZX_OK, ZX_ERR_OUT_OF_RANGE]);
    pager.finish();
  });

  it('DT-10 PN-14: a VMO with pinned pages can be detached; they stay until they are let go', async () => {
    const vmo = pager.createVmo(2);
    expect(pager.supply(vmo, 0, 2)).toBe(ZX_OK);
    const pin = pinner.pinForRead(vmo, 0, 1);
    await pager.turn();
    expect(pager.detach(vmo)).toBe(ZX_OK);
    pager.expectPackets(pager.C(vmo));
    expect(pager.committed(vmo)).toBe(1);
    expect(pin.unpin()).toBe(ZX_OK);
    pager.finish();
  });

  it('PN-15: one page, then all the others, beside contiguous memory that keeps its pages', async () => {
    const { host } = pager;
    const contiguous = Array.from(
      { length: 2048 },
      () => ok(host.vmoCreateContiguous(pinner.bti, PAGE)).handle,
    );
    for (const handle of contiguous) {
      expect(host.call('vmo_op_range', handle, ZX_VMO_OP_DECOMMIT, 0, PAGE, 0, 0)).toBe(ZX_ERR_NOT_SUPPORTED);
    }
    const vmo = pager.createVmo(2048);
    expect(pager.supply(vmo, 0, 2048)).toBe(ZX_OK);
    const first = pinner.pinForRead(vmo, 0, 1);
    const others = pinner.pinForRead(vmo, 1, 2047);
    await pager.turn();
    expect([first.status, others.status]).toEqual([ZX_OK, ZX_OK]);
    expect(new Set([...first.addresses, ...others.addresses]).size).toBe(2048);
    for (const pin of [first, others]) expect(pin.unpin()).toBe(ZX_OK);
    pager.finish();
  });

  it('a caller that must not wait is told so, and nothing is pinned', async () => {
    const impatient = new UserPager(
      await VmFixture.create({ machine: pager.fixture.machine, pagerBlocking: 'fail' }),
    );
    const pins = new Pinner(impatient.host);
    const vmo = impatient.createVmo(2);
    impatient.supply(vmo, 0, 1);
    const pin = pins.pinForRead(vmo, 0, 2);
    await impatient.turn();
    expect([pin.status, impatient.fixture.physical.pinnedCount]).toEqual([ZX_ERR_SHOULD_WAIT, 0]);
    impatient.finish();
  });

  it('a waiting pin whose caller gives up lets go of what it has', async () => {
    const vmo = pager.createVmo(2);
    pager.supply(vmo, 0, 1);
    const stop = new AbortController();
    const pinning = pager.host.btiPin(pinner.bti, 1, vmo.handle, 0, 2 * PAGE, { signal: stop.signal });
    const outcome = pinning.then(
      () => 'pinned',
      () => 'given up',
    );
    expect(pager.fixture.physical.pinnedCount).toBe(1);
    stop.abort(new Error('enough'));
    expect(await outcome).toBe('given up');
    expect(pager.fixture.physical.pinnedCount).toBe(0);
    pager.finish();
  });
});
