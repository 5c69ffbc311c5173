/** What clones cost, in looks at page lists and bytes, not in time. */
import { Machine } from '@faultline/mmu-emu';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { ZX_VMO_CHILD_SNAPSHOT, ZX_VMO_CHILD_SNAPSHOT_MODIFIED } from '../../src/abi/vm.js';
import { PageList } from '../../src/vm/page-list.js';
import { VmoDispatcher } from '../../src/vm/vm-object.js';
import { ok } from '../support/user-pager.js';
import { PAGE, VmFixture } from '../support/vm-fixture.js';

const PAGES = 10_000;
const CLONES = 1_000;
const LIST_CALLS = ['get', 'set', 'remove', 'next', 'nextAbsent', 'update'] as const;

let machine: Machine;
let fixture: VmFixture;

beforeAll(async () => {
  machine = await Machine.create({ mode: 'hosted', ramBytes: 64 * 2 ** 20 });
});

beforeEach(async () => {
  fixture = await VmFixture.create({ machine });
});

afterEach(() => {
  vi.restoreAllMocks();
});

/** How often page lists are looked at or changed meanwhile. */
function listCalls(during: () => void): number {
  const spies = LIST_CALLS.map((name) => vi.spyOn(PageList.prototype, name));
  during();
  const calls = spies.reduce((sum, spy) => sum + spy.mock.calls.length, 0);
  vi.restoreAllMocks();
  return calls;
}

function object(handle: number): VmoDispatcher {
  const dispatcher = fixture.host.handles.get(handle)?.dispatcher;
  if (!(dispatcher instanceof VmoDispatcher)) throw new Error('no VMO');
  return dispatcher;
}

/** An anonymous VMO, all of it resident. */
function resident(pages: number): number {
  const { handle } = ok(fixture.host.vmoCreate(pages * PAGE, 0));
  const { cow } = object(handle);
  for (let page = 0; page < pages; page += 1) expect(cow.frameForWrite(page)).toBeGreaterThanOrEqual(0);
  return handle;
}

function snapshot(handle: number, pages: number): number {
  return ok(fixture.host.vmoCreateChild(handle, ZX_VMO_CHILD_SNAPSHOT, 0, pages * PAGE)).handle;
}

describe('clones of many pages', () => {
  it('cost the same whatever is resident, to make and to close', () => {
    const vmo = resident(PAGES);
    const { physical, nodes, counters } = fixture.state.vm;
    const before = { free: physical.freeCount, nodes: nodes.size, copied: counters.pagesCopied };
    const clones: number[] = [];
    const made = listCalls(() => {
      for (let count = 0; count < CLONES; count += 1) clones.push(snapshot(vmo, PAGES));
    });
    expect(made).toBeLessThanOrEqual(4 * CLONES);
    expect({ free: physical.freeCount, nodes: nodes.size, copied: counters.pagesCopied }).toEqual(before);
    // In every other order the original goes as well; whoever is the last has all of it.
    const closed = listCalls(() => {
      for (const handle of clones.slice(1)) fixture.host.handleClose(handle);
      fixture.host.handleClose(vmo);
    });
    expect(closed).toBeLessThanOrEqual(8 * CLONES);
    expect(physical.freeCount).toBe(before.free);
    expect(object(clones[0]).cow.list.frames).toBe(PAGES);
    fixture.expectNoLeaks();
  });

  it('that have each written something are closed without a look at what they share', () => {
    const vmo = resident(PAGES);
    const clones = Array.from({ length: 100 }, () => snapshot(vmo, PAGES));
    clones.forEach((handle, index) => object(handle).cow.frameForWrite(index * 7));
    const calls = listCalls(() => {
      for (const handle of clones) fixture.host.handleClose(handle);
    });
    expect(calls).toBeLessThanOrEqual(20 * clones.length);
    expect(object(vmo).cow.list.frames).toBe(PAGES);
    fixture.expectNoLeaks();
  });

  it('that two share are given back to the one that is left without moving them one by one', () => {
    const vmo = resident(PAGES);
    const clone = snapshot(vmo, PAGES);
    for (const page of [3, 4_000, 9_999]) object(vmo).cow.frameForWrite(page);
    const calls = listCalls(() => fixture.host.handleClose(clone));
    expect(calls).toBeLessThanOrEqual(50);
    expect(object(vmo).cow.list.frames).toBe(PAGES);
    expect(object(vmo).cow.isClone).toBe(false);
    fixture.expectNoLeaks();
  });
});

describe('long chains', () => {
  it('of unmodified clones are looked through in a few steps', () => {
    let last = resident(4);
    for (let count = 0; count < CLONES; count += 1) last = snapshot(last, 4);
    const { cow } = object(last);
    let frame = -1;
    expect(listCalls(() => (frame = cow.find(3)))).toBeLessThanOrEqual(3);
    expect(frame).toBeGreaterThanOrEqual(0);
    fixture.expectNoLeaks();
  });

  it('under a pager, too', () => {
    const { host } = fixture;
    const { handle: pager } = ok(host.pagerCreate(0));
    const { handle: port } = ok(host.portCreate(0));
    let last = ok(host.pagerCreateVmo(pager, 0, port, 1n, 4 * PAGE)).handle;
    for (let count = 0; count < CLONES; count += 1)
      last = ok(host.vmoCreateChild(last, ZX_VMO_CHILD_SNAPSHOT_MODIFIED, 0, 4 * PAGE)).handle;
    const { cow } = object(last);
    expect(listCalls(() => cow.find(3))).toBeLessThanOrEqual(4);
    fixture.expectNoLeaks();
  });

  it('of modified ones cost one step a generation, and end in any order', () => {
    const generations: number[] = [resident(1)];
    for (let count = 0; count < CLONES; count += 1) {
      const parent = generations[count];
      const child = snapshot(parent, 1);
      object(child).cow.frameForWrite(0);
      generations.push(child);
    }
    expect(fixture.physical.freeCount).toBeGreaterThan(0);
    // From the outside in, so that both ends and the middle go last.
    while (generations.length > 0) {
      const handle = generations.length % 2 === 0 ? generations.pop() : generations.shift();
      fixture.host.handleClose(handle as number);
    }
    fixture.expectNoLeaks();
  });

  it('of what is snapshotted over and over, each with a page of its own: a thousand hidden nodes, and none is left', () => {
    const vmo = resident(1);
    const snapshots: number[] = [];
    for (let count = 0; count < CLONES; count += 1) {
      snapshots.push(snapshot(vmo, 1));
      object(vmo).cow.frameForWrite(0);
    }
    const oldest = object(snapshots[0]).cow;
    expect(listCalls(() => oldest.find(0))).toBeLessThanOrEqual(2);
    fixture.host.handleClose(vmo);
    for (const handle of snapshots) expect(object(handle).attribution.privatePages).toBe(1);
    for (const handle of snapshots) fixture.host.handleClose(handle);
    fixture.expectNoLeaks();
  });
});

describe('bookkeeping', () => {
  it('is at most 16 bytes for a resident page beyond its frame', () => {
    resident(PAGES);
    const { physical, nodes, queues } = fixture.state.vm;
    const bytes = (arrays: object): number =>
      Object.values(arrays).reduce<number>(
        (sum, value) => sum + (ArrayBuffer.isView(value) ? value.byteLength : 0),
        0,
      );
    const aFrame = (bytes(physical) + bytes(queues)) / physical.frameCount;
    const aNode = bytes(nodes) / nodes.used.length;
    expect(aFrame + (aNode * nodes.size) / PAGES).toBeLessThanOrEqual(16);
    fixture.expectNoLeaks();
  });
});
