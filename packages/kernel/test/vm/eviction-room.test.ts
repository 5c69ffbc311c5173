/** Calls that need room, and evict pagers' clean pages for it. */
import { describe, expect, it } from 'vitest';
import { ZX_ERR_NO_MEMORY, ZX_ERR_SHOULD_WAIT, ZX_OK } from '../../src/abi/status.js';
import {
  ZX_VM_PERM_READ,
  ZX_VM_PERM_WRITE,
  ZX_VM_SPECIFIC,
  ZX_VMAR_OP_COMMIT,
  ZX_VMO_CHILD_SNAPSHOT,
  ZX_VMO_OP_COMMIT,
  ZX_VMO_OP_ZERO,
} from '../../src/abi/vm.js';
import { GuestCall } from '../support/guest-call.js';
import { Call } from '../support/pager-actors.js';
import { pattern } from '../support/paged-vmo.js';
import { LOW, fill, resident, shortOfFrames } from '../support/short-of-frames.js';
import { ok, type UserPager } from '../support/user-pager.js';
import { PAGE, type FixtureOptions, type VmFixture } from '../support/vm-fixture.js';

let fixture: VmFixture;
let pager: UserPager;

async function make(options: FixtureOptions = {}): Promise<void> {
  pager = await shortOfFrames(options);
  ({ fixture } = pager);
}

describe('calls that need more frames than are free', () => {
  it('COMMIT of anonymous memory takes the place of clean pages', async () => {
    await make({ limits: { evictBelowFrames: 0, evictToFrames: 0 } });
    const { physical } = fixture;
    const vmo = pager.createVmo(300);
    pager.supply(vmo, 0, 300);
    const count = physical.freeCount + 250;
    const { handle } = ok(pager.host.vmoCreate(count * PAGE, 0));
    const { status } = await pager.host.vmoOpRange(handle, ZX_VMO_OP_COMMIT, 0, count * PAGE);
    expect(status).toBe(ZX_OK);
    expect(pager.committed(vmo)).toBeLessThan(60);
    // Where nothing is left to give, memory is full.
    const rest = ok(pager.host.vmoCreate(100 * PAGE, 0)).handle;
    expect((await pager.host.vmoOpRange(rest, ZX_VMO_OP_COMMIT, 0, 100 * PAGE)).status).toBe(
      ZX_ERR_NO_MEMORY,
    );
    pager.finish();
  });

  it('so do faults of a guest, one after the other', async () => {
    await make({ limits: { evictBelowFrames: 0, evictToFrames: 0 } });
    const clean = pager.createVmo(200);
    pager.supply(clean, 0, 200);
    const filler = fill(pager, 40);
    const { handle } = ok(pager.host.vmoCreate(100 * PAGE, 0));
    const memory = { handle, key: 0n, first: 0n, base: pager.map(handle, 100), pages: 100 };
    for (let page = 0; page < 100; page += 1)
      expect([page, pager.store(memory, page, 1n).outcome.end]).toEqual([page, 'done']);
    expect(pager.committed(clean)).toBeLessThan(200);
    pager.host.handleClose(filler);
    pager.finish();
  });

  it('so does a supply of pages that somebody else sees, and which are copied therefore', async () => {
    await make({ limits: { evictBelowFrames: 0, evictToFrames: 0 } });
    const { host } = pager;
    const clean = pager.createVmo(150);
    pager.supply(clean, 0, 150);
    const vmo = pager.createVmo(60);
    const aux = pager.memory(pattern(vmo, 0, 60));
    ok(host.vmoCreateChild(aux, ZX_VMO_CHILD_SNAPSHOT, 0, 60 * PAGE));
    const filler = fill(pager, 10);
    expect(host.pagerSupplyPages(pager.pager, vmo.handle, 0, 60 * PAGE, aux, 0).status).toBe(ZX_OK);
    expect(pager.committed(clean)).toBeLessThan(100);
    pager.expectPattern(vmo, 59);
    host.handleClose(filler);
    pager.finish();
  });

  it('so does a long write, and one that forks a clone', async () => {
    await make({ limits: { evictBelowFrames: 0, evictToFrames: 0 } });
    const { physical } = fixture;
    const vmo = pager.createVmo(200);
    pager.supply(vmo, 0, 200);
    const clone = pager.clone(vmo);
    const filler = fill(pager, 40);
    const bytes = new Uint8Array(100 * PAGE).fill(3);
    const write = pager.host.vmoWrite(clone.handle, bytes, 0);
    for (let turns = 0; turns < 50; turns += 1) {
      for (const packet of pager.packets()) {
        const [, first, end] = /\[(\d+), (\d+)\)/.exec(packet) ?? [];
        pager.supply(vmo, Number(first), Number(end) - Number(first));
      }
      await pager.turn();
    }
    expect((await write).status).toBe(ZX_OK);
    expect(pager.committed(clone)).toBe(100);
    const read = new Uint8Array(PAGE);
    expect(pager.host.call('vmo_read', clone.handle, read, 99 * PAGE, PAGE)).toBe(ZX_OK);
    expect(read).toEqual(new Uint8Array(PAGE).fill(3));
    expect(physical.freeCount).toBeGreaterThan(0);
    pager.host.handleClose(filler);
    pager.finish();
  });
});

describe('calls that may not wait for a pager', () => {
  it('are not in their own way: a long write to pages that are there evicts none of them', async () => {
    await make({ pagerBlocking: 'fail' });
    const vmo = pager.createVmo(100);
    pager.supply(vmo, 0, 100);
    const filler = fill(pager, LOW - 1);
    const written = pager.write(vmo, 0, 100, 5);
    await pager.turn();
    expect(written.status).toBe(ZX_OK);
    pager.expectBytes(vmo, 0, 100, 5);
    pager.host.handleClose(filler);
    pager.finish();
  });

  it('make room first where a clone is forked, and fail before anything is written when that takes pages that they need', async () => {
    await make({ pagerBlocking: 'fail' });
    const vmo = pager.createVmo(80);
    pager.supply(vmo, 0, 80);
    const clone = pager.clone(vmo);
    const filler = fill(pager, LOW - 1);
    const written = pager.write(clone, 0, 80, 5);
    await pager.turn();
    expect(written.status).toBe(ZX_ERR_SHOULD_WAIT);
    expect(pager.committed(clone)).toBe(0);
    pager.host.handleClose(filler);
    pager.finish();
  });

  it.each(['vmo_op_range', 'vmar_op_range'])(
    '%s commits nothing of a clone when the room for it takes pages that it needs',
    async (name) => {
      await make({ pagerBlocking: 'fail' });
      const vmo = pager.createVmo(80);
      pager.supply(vmo, 0, 80);
      const clone = pager.clone(vmo);
      const commit = (): Call =>
        name === 'vmo_op_range'
          ? pager.commit(clone, 0, 80)
          : new Call(pager.host.vmarOpRange(pager.vmar, ZX_VMAR_OP_COMMIT, clone.base, 80 * PAGE));
      const filler = fill(pager, LOW - 1);
      const refused = commit();
      await pager.turn();
      expect([refused.status, pager.committed(clone)]).toEqual([ZX_ERR_SHOULD_WAIT, 0]);
      pager.host.handleClose(filler);
      pager.supply(vmo, 0, 80);
      const done = commit();
      await pager.turn();
      expect([done.status, pager.committed(clone)]).toEqual([ZX_OK, 80]);
      pager.finish();
    },
  );

  it('commit nothing of several mappings when the room for the first takes pages that the second needs', async () => {
    await make({ pagerBlocking: 'fail' });
    const vmo = pager.createVmo(80);
    pager.supply(vmo, 0, 80);
    const memory = ok(pager.host.vmoCreate(40 * PAGE, 0)).handle;
    const clone = pager.clone(vmo);
    const place = (handle: number, at: number, pages: number): number => {
      const options = ZX_VM_PERM_READ | ZX_VM_PERM_WRITE | ZX_VM_SPECIFIC;
      return ok(pager.host.vmarMap(pager.vmar, options, at, handle, 0, pages * PAGE)).address;
    };
    const base = place(memory, 2 ** 30, 40);
    place(clone.handle, 2 ** 30 + 40 * PAGE, 80);
    const filler = fill(pager, LOW - 1);
    const { status } = await pager.host.vmarOpRange(pager.vmar, ZX_VMAR_OP_COMMIT, base, 120 * PAGE);
    expect(status).toBe(ZX_ERR_SHOULD_WAIT);
    expect(pager.committed(clone)).toBe(0);
    expect(pager.committed({ ...clone, handle: memory })).toBe(0);
    pager.host.handleClose(filler);
    pager.finish();
  });

  it('zero nothing when the room for the first page takes the last', async () => {
    await make({ pagerBlocking: 'fail' });
    const vmo = pager.createVmo(80);
    // The last is the oldest.
    pager.supply(vmo, 79, 1);
    pager.supply(vmo, 0, 79);
    const filler = fill(pager, LOW - 1);
    const zeroed = pager.opBytes(vmo, ZX_VMO_OP_ZERO, PAGE / 2, 79 * PAGE);
    await pager.turn();
    expect(zeroed.status).toBe(ZX_ERR_SHOULD_WAIT);
    expect(pager.modified(vmo)).toBe(false);
    pager.host.handleClose(filler);
    pager.supply(vmo, 0, 80);
    pager.expectPattern(vmo, 0, 80);
    pager.finish();
  });

  it('commit all of a clone when there is room, although less is left than there should be', async () => {
    await make({ pagerBlocking: 'fail' });
    const vmo = pager.createVmo(80);
    pager.supply(vmo, 0, 80);
    const clone = pager.clone(vmo);
    const filler = fill(pager, LOW + 20);
    const done = pager.commit(clone, 0, 80);
    await pager.turn();
    expect([done.status, pager.committed(clone), fixture.physical.freeCount < LOW]).toEqual([
      ZX_OK,
      80,
      true,
    ]);
    expect(resident(pager, vmo)).toBe('x'.repeat(80));
    pager.host.handleClose(filler);
    pager.finish();
  });

  it('zero both ends of a range in a clone, although the first takes a frame too many', async () => {
    await make({ pagerBlocking: 'fail' });
    const vmo = pager.createVmo(80);
    pager.supply(vmo, 79, 1);
    pager.supply(vmo, 0, 79);
    const clone = pager.clone(vmo);
    const filler = fill(pager, LOW);
    const zeroed = pager.opBytes(clone, ZX_VMO_OP_ZERO, PAGE / 2, 79 * PAGE);
    await pager.turn();
    expect(zeroed.status).toBe(ZX_OK);
    expect(fixture.physical.freeCount).toBeLessThan(LOW);
    expect(resident(pager, vmo)).toBe('x'.repeat(80));
    pager.host.handleClose(filler);
    pager.finish();
  });

  it.each(['vmo_read', 'vmo_write'])(
    '%s copies nothing when its pages go while its buffer is fetched, and all when they come back',
    async (name) => {
      await make({ pagerBlocking: 'fail' });
      const vmo = pager.createVmo(40);
      pager.supply(vmo, 0, 40);
      const buffer = pager.createVmo(40);
      const call = (): GuestCall =>
        GuestCall.start(fixture, pager.space, name, vmo.handle, buffer.base, 0, 40 * PAGE);
      const lost = call();
      const kept = call();
      expect([lost.isBlocked, kept.isBlocked]).toEqual([true, true]);
      for (let page = 0; page < 39; page += 1) await pager.answerRead(buffer, page, 1);
      const filler = fill(pager, 5);
      fixture.state.vm.evictor.makeRoom();
      expect(resident(pager, vmo)).toContain('.');
      pager.host.handleClose(filler);
      pager.supply(buffer, 0, 40);
      await pager.turn();
      expect([lost.status, kept.status]).toEqual([ZX_ERR_SHOULD_WAIT, ZX_ERR_SHOULD_WAIT]);
      pager.packets();
      pager.expectPattern(buffer, 0, 40);
      pager.supply(vmo, 0, 40);
      pager.expectPattern(vmo, 0, 40);
      expect(call().status).toBe(ZX_OK);
      expect(pager.contents(vmo, 0, 40)).toEqual(pager.contents(buffer, 0, 40));
      pager.finish();
    },
  );
});
