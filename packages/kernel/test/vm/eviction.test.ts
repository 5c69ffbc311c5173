/** Eviction of pagers' clean pages, as a pager, a guest and a host caller see it. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ZX_ERR_BAD_STATE, ZX_OK } from '../../src/abi/status.js';
import {
  ZX_VMAR_OP_DONT_NEED,
  ZX_VMO_CHILD_SLICE,
  ZX_VMO_OP_ALWAYS_NEED,
  ZX_VMO_OP_DONT_NEED,
} from '../../src/abi/vm.js';
import type { KernelEvent } from '../../src/events.js';
import { pattern } from '../support/paged-vmo.js';
import { Pinner } from '../support/pinner.js';
import { HIGH, LOW, changeEvents, fill, hint, resident, shortOfFrames } from '../support/short-of-frames.js';
import type { UserPager } from '../support/user-pager.js';
import { PAGE, type VmFixture } from '../support/vm-fixture.js';

let fixture: VmFixture;
let pager: UserPager;

async function make(): Promise<void> {
  pager = await shortOfFrames();
  ({ fixture } = pager);
}

describe('eviction', () => {
  beforeEach(() => make());

  afterEach(() => pager.finish());

  it('takes the oldest pages, until the upper threshold, and tells of them', () => {
    const events: KernelEvent[] = [];
    fixture.state.events = (event) => events.push(event);
    const vmo = pager.createVmo(200);
    pager.supply(vmo, 0, 200);
    expect(resident(pager, vmo)).toBe('x'.repeat(200));
    const filler = fill(pager, LOW);
    fixture.state.vm.evictor.makeRoom();
    expect([resident(pager, vmo), fixture.physical.freeCount]).toEqual(['x'.repeat(200), LOW]);
    const other = fill(pager, LOW - 1);
    fixture.state.vm.evictor.makeRoom();
    const evicted = HIGH - LOW + 1;
    expect(fixture.physical.freeCount).toBe(HIGH);
    expect(resident(pager, vmo)).toBe('.'.repeat(evicted) + 'x'.repeat(200 - evicted));
    expect(fixture.state.vm.evictor.evicted).toBe(evicted);
    expect(events.filter(({ type }) => type === 'evict')).toMatchObject([
      { vmo: pager.object(vmo).koid, page: 0, pages: evicted },
    ]);
    for (const handle of [filler, other]) pager.host.handleClose(handle);
  });

  it('EV-13: is counted in committed_change_events', () => {
    const vmo = pager.createVmo(50);
    pager.supply(vmo, 0, 50);
    expect(changeEvents(pager, vmo)).toBe(0);
    hint(pager, vmo, ZX_VMO_OP_DONT_NEED, 0, 5);
    const filler = fill(pager, LOW - 1);
    fixture.state.vm.evictor.makeRoom();
    expect(changeEvents(pager, vmo)).toBe(50 - pager.committed(vmo));
    expect(changeEvents(pager, vmo)).toBeGreaterThanOrEqual(5);
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
    hint(pager, vmo, ZX_VMO_OP_DONT_NEED, 20, 5);
    pager.expectPackets();
    const filler = fill(pager, HIGH - 2);
    const more = fill(pager, LOW - 1);
    fixture.state.vm.evictor.makeRoom();
    expect(pager.committed(vmo)).toBe(0);
    expect(changeEvents(pager, vmo)).toBe(2);
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
    hint(pager, slice, ZX_VMO_OP_DONT_NEED, 2, 3);
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
    const filler = fill(pager, HIGH - 5);
    const more = fill(pager, LOW - 1);
    const { queues, evictor } = fixture.state.vm;
    expect(queues.size).toBe(60);
    evictor.makeRoom();
    expect(resident(pager, vmo).slice(0, 35)).toMatch(/^.{12}\.{3}.{15}\.{2}/);
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
    const filler = fill(pager, LOW - 1);
    fixture.state.vm.evictor.makeRoom();
    // The neighbours that were mapped with page 3 look used as well on a machine that does not set accessed bits itself.
    const gone = resident(pager, vmo);
    expect([gone[3], gone[27], gone[40]]).toEqual(['x', 'x', '.']);
    pager.host.handleClose(filler);
    // The bit is clear now; without another use the page goes with its generation.
    pager.supply(pager.createVmo(45), 0, 45);
    const next = fill(pager, LOW - 60);
    fixture.state.vm.evictor.makeRoom();
    expect(resident(pager, vmo)[3]).toBe('.');
    pager.host.handleClose(next);
  });

  it('drops translations everywhere: who touches the page again waits for it, and sees what is supplied then', () => {
    const vmo = pager.createVmo(60);
    pager.supply(vmo, 0, 60);
    const clone = pager.clone(vmo);
    const first = pager.load(clone, 0);
    expect(first.outcome).toEqual({ end: 'done', value: vmo.first });
    hint(pager, vmo, ZX_VMO_OP_DONT_NEED, 0, 16);
    const filler = fill(pager, LOW - 1);
    fixture.state.vm.evictor.makeRoom();
    expect(resident(pager, vmo)[0]).toBe('.');
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
    hint(pager, vmo, ZX_VMO_OP_DONT_NEED, 0, 60);
    hint(pager, clone, ZX_VMO_OP_DONT_NEED, 0, 60);
    const filler = fill(pager, LOW - 50);
    fixture.state.vm.evictor.makeRoom();
    const left = resident(pager, vmo);
    expect(left.slice(0, 10)).toBe('.....xx...');
    expect(pager.committed(clone)).toBe(1);
    pager.host.handleClose(filler);
  });

  it('spares what is always needed until nothing else is left; DONT_NEED does not change that', () => {
    const vmo = pager.createVmo(80);
    pager.supply(vmo, 0, 80);
    // A first load maps its neighbours as well, which look used then.
    expect(pager.load(vmo, 3).outcome).toMatchObject({ end: 'done' });
    hint(pager, vmo, ZX_VMO_OP_ALWAYS_NEED, 0, 10);
    hint(pager, vmo, ZX_VMO_OP_DONT_NEED, 0, 80);
    expect(pager.load(vmo, 3).outcome).toEqual({ end: 'done', value: vmo.first + 3n * 512n });
    const filler = fill(pager, 60);
    fixture.state.vm.evictor.makeRoom();
    // The last that came stay as well: what is left are ten, and these sixteen.
    expect(resident(pager, vmo)).toBe('x'.repeat(10) + '.'.repeat(54) + 'x'.repeat(16));
    const more = fill(pager, 10);
    fixture.state.vm.evictor.makeRoom();
    expect(resident(pager, vmo)).toBe('.'.repeat(10) + '.'.repeat(54) + 'x'.repeat(16));
    for (const handle of [filler, more]) pager.host.handleClose(handle);
    expect(pager.load(vmo, 3).isBlocked).toBe(true);
    pager.expectPackets(pager.R(vmo, 3, 1));
    pager.supply(vmo, 3, 1);
  });

  it('leaves no translation behind of a page that has to go although it is used', () => {
    const vmo = pager.createVmo(80);
    pager.supply(vmo, 0, 80);
    hint(pager, vmo, ZX_VMO_OP_ALWAYS_NEED, 0, 80);
    expect(pager.load(vmo, 0).outcome).toEqual({ end: 'done', value: vmo.first });
    const filler = fill(pager, 10);
    fixture.state.vm.evictor.makeRoom();
    expect(resident(pager, vmo)[0]).toBe('.');
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
    hint(pager, vmo, ZX_VMO_OP_DONT_NEED, 0, 30);
    const filler = fill(pager, LOW - 30);
    fixture.state.vm.evictor.makeRoom();
    expect(resident(pager, vmo).slice(0, 30)).toBe('.'.repeat(10) + 'xx' + '.'.repeat(18));
    expect(pin.unpin()).toBe(ZX_OK);
    hint(pager, vmo, ZX_VMO_OP_DONT_NEED, 0, 30);
    fixture.state.vm.evictor.makeRoom();
    expect(resident(pager, vmo).slice(0, 30)).toBe('.'.repeat(10) + 'xx' + '.'.repeat(18));
    pager.supply(pager.createVmo(20), 0, 20);
    const more = fill(pager, LOW - 50);
    fixture.state.vm.evictor.makeRoom();
    expect(resident(pager, vmo).slice(0, 30)).toBe('.'.repeat(30));
    for (const handle of [filler, more]) pager.host.handleClose(handle);
  });

  it('takes nothing from the newest generation while a reserve is free, and does not look again for nothing', () => {
    const vmo = pager.createVmo(HIGH - LOW);
    pager.supply(vmo, 0, HIGH - LOW);
    const filler = fill(pager, 40);
    const { evictor, queues } = fixture.state.vm;
    evictor.makeRoom();
    expect(resident(pager, vmo)).toBe('x'.repeat(HIGH - LOW));
    const { moves } = queues;
    evictor.makeRoom();
    expect(queues.moves).toBe(moves);
    const more = fill(pager, 20);
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
    const filler = fill(pager, 5);
    fixture.state.vm.evictor.makeRoom();
    expect(resident(pager, vmo)).toBe('x'.repeat(80));
    expect(pager.words(vmo, 79, 1)).toEqual([vmo.first + 79n * 512n]);
    pager.host.handleClose(filler);
  });

  it('takes what a detached VMO has left once it is clean', () => {
    const vmo = pager.createVmo(40);
    pager.supply(vmo, 0, 40);
    expect(pager.write(vmo, 0, 30, 1).isBlocked).toBe(true);
    pager.detach(vmo);
    expect(pager.packets()).toEqual([pager.C(vmo)]);
    const filler = fill(pager, 5);
    fixture.state.vm.evictor.makeRoom();
    expect(resident(pager, vmo)).toBe(`${'x'.repeat(30)}${'.'.repeat(10)}`);
    pager.writeBack(vmo, 0, 40);
    fixture.state.vm.evictor.makeRoom();
    expect(resident(pager, vmo).slice(0, 14)).toBe('.'.repeat(14));
    expect(pager.load(vmo, 0).outcome).toEqual({ end: 'crash', address: vmo.base, status: ZX_ERR_BAD_STATE });
    pager.host.handleClose(filler);
  });

  it('pages that end with their VMO leave the queues', () => {
    const vmo = pager.createVmo(20);
    pager.supply(vmo, 0, 20);
    hint(pager, vmo, ZX_VMO_OP_ALWAYS_NEED, 0, 3);
    hint(pager, vmo, ZX_VMO_OP_DONT_NEED, 5, 3);
    pager.host.vmarUnmap(pager.vmar, vmo.base, 20 * PAGE);
    pager.host.handleClose(vmo.handle);
    expect(fixture.state.vm.queues.size).toBe(0);
    pager.expectPackets(pager.C(vmo));
  });
});
