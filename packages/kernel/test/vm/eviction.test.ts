/** Eviction of pagers' clean pages, as a pager, a guest and a host caller see it. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ZX_ERR_BAD_STATE, ZX_ERR_NO_MEMORY, ZX_ERR_SHOULD_WAIT, ZX_OK } from '../../src/abi/status.js';
import {
  ZX_VM_PERM_READ,
  ZX_VM_PERM_WRITE,
  ZX_VM_SPECIFIC,
  ZX_VMAR_OP_COMMIT,
  ZX_VMAR_OP_DONT_NEED,
  ZX_VMO_CHILD_SLICE,
  ZX_VMO_CHILD_SNAPSHOT,
  ZX_VMO_OP_ALWAYS_NEED,
  ZX_VMO_OP_COMMIT,
  ZX_VMO_OP_DONT_NEED,
  ZX_VMO_OP_ZERO,
} from '../../src/abi/vm.js';
import { INFO_VMO_BYTES, INFO_VMO_COMMITTED_CHANGE_EVENTS, ZX_INFO_VMO } from '../../src/abi/info.js';
import type { KernelEvent } from '../../src/events.js';
import { GuestCall } from '../support/guest-call.js';
import { Pinner } from '../support/pinner.js';
import { Call, UserPager, ok, pattern, type PagedVmo } from '../support/user-pager.js';
import { PAGE, VmFixture, type FixtureOptions } from '../support/vm-fixture.js';

const LOW = 100;
const HIGH = 140;

let fixture: VmFixture;
let pager: UserPager;

async function make(options: FixtureOptions = {}): Promise<void> {
  fixture = await VmFixture.create({
    ramBytes: 2 ** 21,
    ...options,
    limits: { evictBelowFrames: LOW, evictToFrames: HIGH, ...options.limits },
  });
  pager = new UserPager(fixture);
}

function hint(vmo: PagedVmo, op: number, page: number, count: number): void {
  expect(pager.host.call('vmo_op_range', vmo.handle, op, page * PAGE, count * PAGE, 0, 0)).toBe(ZX_OK);
}

/** `committed_change_events` of a VMO. */
function changeEvents(vmo: PagedVmo): number {
  const record = new Uint8Array(INFO_VMO_BYTES);
  const { host } = pager;
  expect(host.call('object_get_info', vmo.handle, ZX_INFO_VMO, record, record.length, 0, 0)).toBe(ZX_OK);
  return Number(new DataView(record.buffer).getBigUint64(INFO_VMO_COMMITTED_CHANGE_EVENTS, true));
}

/** Pages of a VMO that are there, as a string of crosses and dots. */
function resident(vmo: PagedVmo): string {
  const { cow } = pager.object(vmo);
  return Array.from({ length: vmo.pages }, (_, page) => (cow.list.get(page) === 0 ? '.' : 'x')).join('');
}

/** Commits anonymous memory until so many frames are free, without making room in between. */
function fill(leave: number): number {
  const { physical } = fixture;
  const count = physical.freeCount - leave;
  const { handle } = ok(pager.host.vmoCreate(count * PAGE, 0));
  const vmo = pager.host.handles.get(handle)?.dispatcher;
  const { cow } = pager.object({ handle, key: 0n, first: 0n, base: 0, pages: count });
  expect(vmo).toBeDefined();
  for (let page = 0; page < count; page += 1) expect(cow.frameForWrite(page)).toBeGreaterThanOrEqual(0);
  return handle;
}

describe('eviction', () => {
  beforeEach(() => make());

  afterEach(() => pager.finish());

  it('takes the oldest pages, until the upper threshold, and tells of them', () => {
    const events: KernelEvent[] = [];
    fixture.state.events = (event) => events.push(event);
    const vmo = pager.createVmo(200);
    pager.supply(vmo, 0, 200);
    expect(resident(vmo)).toBe('x'.repeat(200));
    const filler = fill(LOW);
    fixture.state.vm.evictor.makeRoom();
    expect([resident(vmo), fixture.physical.freeCount]).toEqual(['x'.repeat(200), LOW]);
    const other = fill(LOW - 1);
    fixture.state.vm.evictor.makeRoom();
    const evicted = HIGH - LOW + 1;
    expect(fixture.physical.freeCount).toBe(HIGH);
    expect(resident(vmo)).toBe('.'.repeat(evicted) + 'x'.repeat(200 - evicted));
    expect(fixture.state.vm.evictor.evicted).toBe(evicted);
    expect(events.filter(({ type }) => type === 'evict')).toMatchObject([
      { vmo: pager.object(vmo).koid, page: 0, pages: evicted },
    ]);
    for (const handle of [filler, other]) pager.host.handleClose(handle);
  });

  it('EV-13: is counted in committed_change_events', () => {
    const vmo = pager.createVmo(50);
    pager.supply(vmo, 0, 50);
    expect(changeEvents(vmo)).toBe(0);
    hint(vmo, ZX_VMO_OP_DONT_NEED, 0, 5);
    const filler = fill(LOW - 1);
    fixture.state.vm.evictor.makeRoom();
    expect(changeEvents(vmo)).toBe(50 - pager.committed(vmo));
    expect(changeEvents(vmo)).toBeGreaterThanOrEqual(5);
    pager.host.handleClose(filler);
  });

  it('EV-12: pages that are not needed go first, and are asked for again', async () => {
    const vmo = pager.createVmo(30);
    const others = pager.createVmo(40);
    pager.supply(others, 0, 40);
    pager.supply(vmo, 20, 2);
    // The last that came are never evicted.
    const later = pager.createVmo(20);
    pager.supply(later, 0, 20);
    hint(vmo, ZX_VMO_OP_DONT_NEED, 20, 5);
    pager.expectPackets();
    const filler = fill(HIGH - 2);
    const more = fill(LOW - 1);
    fixture.state.vm.evictor.makeRoom();
    expect(pager.committed(vmo)).toBe(0);
    expect(changeEvents(vmo)).toBe(2);
    for (const handle of [filler, more]) pager.host.handleClose(handle);
    const reader = pager.read(vmo, 20, 2);
    pager.expectPackets(pager.R(vmo, 20, 2));
    pager.supply(vmo, 20, 2);
    await pager.turn();
    expect([reader.status, reader.arrived]).toEqual([ZX_OK, 2]);
  });

  it('DONT_NEED of an address range, and through a slice, means the pages of the root', () => {
    const vmo = pager.createVmo(60);
    pager.supply(vmo, 0, 60);
    const slice = pager.clone(vmo, ZX_VMO_CHILD_SLICE, 10, 10);
    hint(slice, ZX_VMO_OP_DONT_NEED, 2, 3);
    expect(
      pager.host.call(
        'vmar_op_range',
        pager.vmar,
        ZX_VMAR_OP_DONT_NEED,
        vmo.base + 30 * PAGE,
        2 * PAGE,
        0,
        0,
      ),
    ).toBe(ZX_OK);
    const filler = fill(HIGH - 5);
    const more = fill(LOW - 1);
    const { queues, evictor } = fixture.state.vm;
    expect(queues.size).toBe(60);
    evictor.makeRoom();
    expect(resident(vmo).slice(0, 35)).toMatch(/^.{12}\.{3}.{15}\.{2}/);
    for (const handle of [filler, more]) pager.host.handleClose(handle);
  });

  it('gives a page that was used a second chance: by a mapping, or by a system call', async () => {
    const vmo = pager.createVmo(100);
    pager.supply(vmo, 0, 100);
    const load = pager.load(vmo, 3);
    expect(load.outcome).toMatchObject({ end: 'done' });
    const read = pager.read(vmo, 27, 1);
    await pager.turn();
    expect(read.arrived).toBe(1);
    const filler = fill(LOW - 1);
    fixture.state.vm.evictor.makeRoom();
    // The neighbours that were mapped with page 3 look used as well on a machine that does not set accessed bits itself.
    const gone = resident(vmo);
    expect([gone[3], gone[27], gone[40]]).toEqual(['x', 'x', '.']);
    pager.host.handleClose(filler);
    // The bit is clear now; without another use the page goes with its generation.
    pager.supply(pager.createVmo(45), 0, 45);
    const next = fill(LOW - 60);
    fixture.state.vm.evictor.makeRoom();
    expect(resident(vmo)[3]).toBe('.');
    pager.host.handleClose(next);
  });

  it('drops translations everywhere: who touches the page again waits for it, and sees what is supplied then', () => {
    const vmo = pager.createVmo(60);
    pager.supply(vmo, 0, 60);
    const clone = pager.clone(vmo);
    const first = pager.load(clone, 0);
    expect(first.outcome).toEqual({ end: 'done', value: vmo.first });
    hint(vmo, ZX_VMO_OP_DONT_NEED, 0, 16);
    const filler = fill(LOW - 1);
    fixture.state.vm.evictor.makeRoom();
    expect(resident(vmo)[0]).toBe('.');
    for (const { base } of [vmo, clone]) expect(pager.space.tables.lookup(base / PAGE)).toBe(0);
    const waiting = pager.load(clone, 0);
    expect(waiting.isBlocked).toBe(true);
    pager.expectPackets(pager.R(vmo, 0, 1));
    pager.host.handleClose(filler);
    pager.supplyBytes(vmo, 0, pattern(vmo, 1));
    fixture.state.work.settle();
    expect(waiting.outcome).toEqual({ end: 'done', value: vmo.first + 512n });
  });

  it('leaves dirty pages, and those of clones and anonymous memory', () => {
    const vmo = pager.createVmo(60);
    pager.supply(vmo, 0, 60);
    pager.poke(vmo.handle, 5, new Uint8Array(2 * PAGE).fill(9));
    const clone = pager.clone(vmo);
    pager.poke(clone.handle, 20, new Uint8Array(PAGE).fill(8));
    hint(vmo, ZX_VMO_OP_DONT_NEED, 0, 60);
    hint(clone, ZX_VMO_OP_DONT_NEED, 0, 60);
    const filler = fill(LOW - 50);
    fixture.state.vm.evictor.makeRoom();
    const left = resident(vmo);
    expect(left.slice(0, 10)).toBe('.....xx...');
    expect(pager.committed(clone)).toBe(1);
    pager.host.handleClose(filler);
  });

  it('spares what is always needed until nothing else is left; DONT_NEED does not change that', () => {
    const vmo = pager.createVmo(80);
    pager.supply(vmo, 0, 80);
    // A first load maps its neighbours as well, which look used then.
    expect(pager.load(vmo, 3).outcome).toMatchObject({ end: 'done' });
    hint(vmo, ZX_VMO_OP_ALWAYS_NEED, 0, 10);
    hint(vmo, ZX_VMO_OP_DONT_NEED, 0, 80);
    expect(pager.load(vmo, 3).outcome).toEqual({ end: 'done', value: vmo.first + 3n * 512n });
    const filler = fill(60);
    fixture.state.vm.evictor.makeRoom();
    // The last that came stay as well: what is left are ten, and these sixteen.
    expect(resident(vmo)).toBe('x'.repeat(10) + '.'.repeat(54) + 'x'.repeat(16));
    const more = fill(10);
    fixture.state.vm.evictor.makeRoom();
    expect(resident(vmo)).toBe('.'.repeat(10) + '.'.repeat(54) + 'x'.repeat(16));
    for (const handle of [filler, more]) pager.host.handleClose(handle);
    expect(pager.load(vmo, 3).isBlocked).toBe(true);
    pager.expectPackets(pager.R(vmo, 3, 1));
    pager.supply(vmo, 3, 1);
  });

  it('leaves no translation behind of a page that has to go although it is used', () => {
    const vmo = pager.createVmo(80);
    pager.supply(vmo, 0, 80);
    hint(vmo, ZX_VMO_OP_ALWAYS_NEED, 0, 80);
    expect(pager.load(vmo, 0).outcome).toEqual({ end: 'done', value: vmo.first });
    const filler = fill(10);
    fixture.state.vm.evictor.makeRoom();
    expect(resident(vmo)[0]).toBe('.');
    const waiting = pager.load(vmo, 0);
    expect(waiting.isBlocked).toBe(true);
    pager.expectPackets(pager.R(vmo, 0, 1));
    waiting.abandonWait();
    pager.host.handleClose(filler);
  });

  it('leaves pinned pages where they are, until they are let go', async () => {
    const pinner = new Pinner(pager.host);
    const vmo = pager.createVmo(60);
    pager.supply(vmo, 0, 60);
    const pin = pinner.pinForRead(vmo, 10, 2);
    await pager.turn();
    expect(pin.status).toBe(ZX_OK);
    hint(vmo, ZX_VMO_OP_DONT_NEED, 0, 30);
    const filler = fill(LOW - 30);
    fixture.state.vm.evictor.makeRoom();
    expect(resident(vmo).slice(0, 30)).toBe('.'.repeat(10) + 'xx' + '.'.repeat(18));
    expect(pin.unpin()).toBe(ZX_OK);
    hint(vmo, ZX_VMO_OP_DONT_NEED, 0, 30);
    fixture.state.vm.evictor.makeRoom();
    expect(resident(vmo).slice(0, 30)).toBe('.'.repeat(10) + 'xx' + '.'.repeat(18));
    pager.supply(pager.createVmo(20), 0, 20);
    const more = fill(LOW - 50);
    fixture.state.vm.evictor.makeRoom();
    expect(resident(vmo).slice(0, 30)).toBe('.'.repeat(30));
    for (const handle of [filler, more]) pager.host.handleClose(handle);
  });

  it('takes nothing from the newest generation while a reserve is free, and does not look again for nothing', () => {
    const vmo = pager.createVmo(HIGH - LOW);
    pager.supply(vmo, 0, HIGH - LOW);
    const filler = fill(40);
    const { evictor, queues } = fixture.state.vm;
    evictor.makeRoom();
    expect(resident(vmo)).toBe('x'.repeat(HIGH - LOW));
    const { moves } = queues;
    evictor.makeRoom();
    expect(queues.moves).toBe(moves);
    const more = fill(20);
    evictor.makeRoom();
    expect(fixture.physical.freeCount).toBe(24);
    for (const handle of [filler, more]) pager.host.handleClose(handle);
  });

  it('a page that was written back can go, one that was dirtied in between cannot', () => {
    const { queues } = fixture.state.vm;
    const vmo = pager.createVmo(3);
    pager.supply(vmo, 0, 3);
    expect(queues.size).toBe(3);
    pager.poke(vmo.handle, 1, new Uint8Array(PAGE));
    expect(queues.size).toBe(2);
    pager.detach(vmo);
    expect([queues.size, pager.committed(vmo)]).toEqual([0, 1]);
    pager.expectPackets(pager.C(vmo));
  });

  it('CP-02 S-06: leaves what a VMO has when its pager was closed, since nobody could bring it again', () => {
    const vmo = pager.createVmo(80);
    pager.supply(vmo, 0, 80);
    pager.host.handleClose(pager.pager);
    const filler = fill(5);
    fixture.state.vm.evictor.makeRoom();
    expect(resident(vmo)).toBe('x'.repeat(80));
    expect(pager.words(vmo, 79, 1)).toEqual([vmo.first + 79n * 512n]);
    pager.host.handleClose(filler);
  });

  it('takes what a detached VMO has left once it is clean', () => {
    const vmo = pager.createVmo(40);
    pager.supply(vmo, 0, 40);
    expect(pager.write(vmo, 0, 30, 1).isBlocked).toBe(true);
    pager.detach(vmo);
    expect(pager.packets()).toEqual([pager.C(vmo)]);
    const filler = fill(5);
    fixture.state.vm.evictor.makeRoom();
    expect(resident(vmo)).toBe(`${'x'.repeat(30)}${'.'.repeat(10)}`);
    pager.writeBack(vmo, 0, 40);
    fixture.state.vm.evictor.makeRoom();
    expect(resident(vmo).slice(0, 14)).toBe('.'.repeat(14));
    expect(pager.load(vmo, 0).outcome).toEqual({ end: 'crash', address: vmo.base, status: ZX_ERR_BAD_STATE });
    pager.host.handleClose(filler);
  });

  it('pages that end with their VMO leave the queues', () => {
    const vmo = pager.createVmo(20);
    pager.supply(vmo, 0, 20);
    hint(vmo, ZX_VMO_OP_ALWAYS_NEED, 0, 3);
    hint(vmo, ZX_VMO_OP_DONT_NEED, 5, 3);
    pager.host.vmarUnmap(pager.vmar, vmo.base, 20 * PAGE);
    pager.host.handleClose(vmo.handle);
    expect(fixture.state.vm.queues.size).toBe(0);
    pager.expectPackets(pager.C(vmo));
  });
});

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
    const filler = fill(40);
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
    const filler = fill(10);
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
    const filler = fill(40);
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
    const filler = fill(LOW - 1);
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
    const filler = fill(LOW - 1);
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
      const filler = fill(LOW - 1);
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
    const filler = fill(LOW - 1);
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
    const filler = fill(LOW - 1);
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
    const filler = fill(LOW + 20);
    const done = pager.commit(clone, 0, 80);
    await pager.turn();
    expect([done.status, pager.committed(clone), fixture.physical.freeCount < LOW]).toEqual([
      ZX_OK,
      80,
      true,
    ]);
    expect(resident(vmo)).toBe('x'.repeat(80));
    pager.host.handleClose(filler);
    pager.finish();
  });

  it('zero both ends of a range in a clone, although the first takes a frame too many', async () => {
    await make({ pagerBlocking: 'fail' });
    const vmo = pager.createVmo(80);
    pager.supply(vmo, 79, 1);
    pager.supply(vmo, 0, 79);
    const clone = pager.clone(vmo);
    const filler = fill(LOW);
    const zeroed = pager.opBytes(clone, ZX_VMO_OP_ZERO, PAGE / 2, 79 * PAGE);
    await pager.turn();
    expect(zeroed.status).toBe(ZX_OK);
    expect(fixture.physical.freeCount).toBeLessThan(LOW);
    expect(resident(vmo)).toBe('x'.repeat(80));
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
      const filler = fill(5);
      fixture.state.vm.evictor.makeRoom();
      expect(resident(vmo)).toContain('.');
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
