/** Discardable VMOs: who may take their contents, when, and what is told of it. */
import { beforeEach, describe, expect, it } from 'vitest';
import { ZX_ERR_NOT_FOUND, ZX_ERR_UNAVAILABLE, ZX_OK, type Status } from '../../src/abi/status.js';
import {
  VMO_LOCK_STATE_BYTES,
  ZX_VM_ALLOW_FAULTS,
  ZX_VM_PERM_READ,
  ZX_VM_PERM_WRITE,
  ZX_VMO_DISCARDABLE,
  ZX_VMO_OP_COMMIT,
  ZX_VMO_OP_LOCK,
  ZX_VMO_OP_TRY_LOCK,
  ZX_VMO_OP_UNLOCK,
} from '../../src/abi/vm.js';
import type { KernelEvent } from '../../src/events.js';
import type { HostProcess } from '../../src/host/host-process.js';
import { VmoDispatcher } from '../../src/vm/vm-object.js';
import { GuestThread } from '../support/guest-thread.js';
import { Pinner } from '../support/pinner.js';
import { UserPager, ok } from '../support/user-pager.js';
import { PAGE, VmFixture } from '../support/vm-fixture.js';

const LOW = 100;
const PAGES = 30;

let fixture: VmFixture;
let host: HostProcess;
let events: KernelEvent[];

beforeEach(async () => {
  fixture = await VmFixture.create({
    ramBytes: 2 ** 21,
    limits: { evictBelowFrames: LOW, evictToFrames: LOW + 20 },
  });
  host = fixture.host;
  events = [];
  fixture.state.events = (event) => {
    if (event.type === 'evict') events.push(event);
  };
});

function create(pages = PAGES): number {
  const { handle } = ok(host.vmoCreate(pages * PAGE, ZX_VMO_DISCARDABLE));
  expect(host.call('vmo_write', handle, new Uint8Array(pages * PAGE).fill(7), 0, pages * PAGE)).toBe(ZX_OK);
  return handle;
}

/** @returns offset, size, discarded_offset, discarded_size */
function lock(vmo: number, pages = PAGES): number[] {
  const state = new Uint8Array(VMO_LOCK_STATE_BYTES);
  expect(host.call('vmo_op_range', vmo, ZX_VMO_OP_LOCK, 0, pages * PAGE, state, state.length)).toBe(ZX_OK);
  return Array.from(new BigUint64Array(state.buffer), Number);
}

function op(vmo: number, operation: number, pages = PAGES): Status {
  return host.call('vmo_op_range', vmo, operation, 0, pages * PAGE, 0, 0);
}

function unlock(vmo: number, pages = PAGES): void {
  expect(op(vmo, ZX_VMO_OP_UNLOCK, pages)).toBe(ZX_OK);
}

function object(vmo: number): VmoDispatcher {
  return host.handles.get(vmo)?.dispatcher as VmoDispatcher;
}

/** Leaves fewer free frames than there should be, and lets room be made; what was taken for it is given back. */
function squeeze(leave = LOW - 1): void {
  const { physical, vm } = { physical: fixture.physical, vm: fixture.state.vm };
  const filler = VmoDispatcher.anonymous(fixture.state, physical.frameCount);
  filler.retain();
  for (let page = 0; physical.freeCount > leave; page += 1) filler.cow.frameForWrite(page);
  vm.queues.age();
  vm.evictor.makeRoom();
  filler.release();
  vm.evictor.makeRoom();
}

/** The first byte, or the status of the attempt to read it. */
function read(vmo: number): number {
  const into = new Uint8Array(PAGE);
  const status = host.call('vmo_read', vmo, into, 0, PAGE);
  return status === ZX_OK ? (into[0] ?? -1) : status;
}

describe('discardable memory', () => {
  it('stays while it was never locked, and while it is', () => {
    const [never, locked, twice] = [create(), create(), create()];
    lock(locked);
    lock(twice);
    expect(op(twice, ZX_VMO_OP_TRY_LOCK)).toBe(ZX_OK);
    unlock(twice);
    squeeze();
    expect([never, locked, twice].map(read)).toEqual([7, 7, 7]);
    expect(events).toEqual([]);
    fixture.expectNoLeaks();
  });

  it('goes when the last lock is gone and frames are needed; what is left of it is said by the next lock', () => {
    const vmo = create();
    expect(lock(vmo)).toEqual([0, PAGES * PAGE, 0, 0]);
    unlock(vmo);
    expect(read(vmo)).toBe(7);
    const { koid } = object(vmo);
    squeeze();
    expect(object(vmo).cow.list.frames).toBe(0);
    expect(events).toMatchObject([{ vmo: koid, page: 0, pages: PAGES }]);
    expect(fixture.state.vm.evictor.evicted).toBe(PAGES);
    expect(object(vmo).cow.evictions).toBe(PAGES);
    // Until it is locked, nothing is there.
    expect(read(vmo)).toBe(ZX_ERR_NOT_FOUND);
    expect(host.call('vmo_write', vmo, new Uint8Array(1), 0, 1)).toBe(ZX_ERR_NOT_FOUND);
    expect(op(vmo, ZX_VMO_OP_COMMIT)).toBe(ZX_ERR_NOT_FOUND);
    expect(op(vmo, ZX_VMO_OP_TRY_LOCK)).toBe(ZX_ERR_UNAVAILABLE);
    expect(lock(vmo)).toEqual([0, PAGES * PAGE, 0, PAGES * PAGE]);
    expect(read(vmo)).toBe(0);
    expect(lock(vmo)).toEqual([0, PAGES * PAGE, 0, 0]);
    unlock(vmo);
    unlock(vmo);
    expect(op(vmo, ZX_VMO_OP_TRY_LOCK)).toBe(ZX_OK);
    fixture.expectNoLeaks();
  });

  it('through a mapping, is a fatal fault of ZX_ERR_NOT_FOUND', () => {
    const { space, vmar } = fixture.space();
    const vmo = create();
    const { address } = ok(
      host.vmarMap(vmar, ZX_VM_PERM_READ | ZX_VM_PERM_WRITE | ZX_VM_ALLOW_FAULTS, 0, vmo, 0, PAGES * PAGE),
    );
    lock(vmo);
    expect(GuestThread.start(fixture, space, 'read', address).outcome).toMatchObject({ end: 'done' });
    unlock(vmo);
    squeeze();
    for (const access of ['read', 'write'] as const) {
      expect(GuestThread.start(fixture, space, access, address).outcome).toEqual({
        end: 'crash',
        address,
        status: ZX_ERR_NOT_FOUND,
      });
    }
    lock(vmo);
    expect(GuestThread.start(fixture, space, 'read', address).outcome).toEqual({ end: 'done', value: 0n });
    fixture.expectNoLeaks();
  });

  it('goes by age, among the pages of pagers', () => {
    const pager = new UserPager(fixture);
    const [older, younger] = [create(), create()];
    for (const vmo of [older, younger]) lock(vmo);
    unlock(older);
    fixture.state.vm.queues.age();
    const file = pager.createVmo(PAGES);
    pager.supply(file, 0, PAGES);
    fixture.state.vm.queues.age();
    unlock(younger);
    squeeze();
    expect([read(older), read(younger), pager.committed(file)]).toEqual([ZX_ERR_NOT_FOUND, 7, PAGES]);
    fixture.state.vm.queues.age();
    squeeze(LOW - 10);
    // The last 16 that came always stay.
    expect([read(younger), pager.committed(file)]).toEqual([ZX_ERR_NOT_FOUND, 16]);
    pager.finish();
  });

  it('stays while pages of it are pinned', async () => {
    const pinner = new Pinner(host);
    const vmo = create();
    lock(vmo);
    unlock(vmo);
    const pin = pinner.pinForRead({ handle: vmo }, 3, 1);
    await fixture.turn();
    squeeze();
    expect(read(vmo)).toBe(7);
    pin.unpin();
    squeeze();
    expect(read(vmo)).toBe(ZX_ERR_NOT_FOUND);
    fixture.expectNoLeaks();
  });

  it('that has ended is not looked at any more', () => {
    const vmo = create();
    lock(vmo);
    unlock(vmo);
    host.handleClose(vmo);
    squeeze();
    expect(events).toEqual([]);
    fixture.expectNoLeaks();
  });
});
