/**
 * Trees of VMOs, under a pager and without one, against a description of them (`support/vmo-tree.ts`): random writes, reads, zeroing, committing, decommitting,
 * supplying, resizing, cloning in every way and closing, each through mappings and through system calls; and guests that go over many pages in a loop. Every page
 * holds one value in its first word. After each step the memory that counts for each VMO, and all frames, must be what the description says.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  INFO_VMO_BYTES,
  INFO_VMO_COMMITTED_BYTES,
  INFO_VMO_COMMITTED_FRACTIONAL_SCALED_BYTES,
  INFO_VMO_COMMITTED_PRIVATE_BYTES,
  INFO_VMO_COMMITTED_SCALED_BYTES,
  ZX_INFO_VMO,
} from '../../src/abi/info.js';
import { ZX_PAGER_OP_DIRTY } from '../../src/abi/pager.js';
import { ZX_PAGER_VMO_READ } from '../../src/abi/port.js';
import { ZX_RIGHT_SAME_RIGHTS } from '../../src/abi/rights.js';
import {
  ZX_ERR_NO_MEMORY,
  ZX_ERR_OUT_OF_RANGE,
  ZX_ERR_UNAVAILABLE,
  ZX_OK,
  type Status,
} from '../../src/abi/status.js';
import {
  ZX_VMO_CHILD_REFERENCE,
  ZX_VMO_CHILD_RESIZABLE,
  ZX_VMO_CHILD_SLICE,
  ZX_VMO_CHILD_SNAPSHOT,
  ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE,
  ZX_VMO_CHILD_SNAPSHOT_MODIFIED,
  ZX_VMO_OP_COMMIT,
  ZX_VMO_OP_DECOMMIT,
  ZX_VMO_OP_ZERO,
  ZX_VMO_RESIZABLE,
  ZX_VMO_TRAP_DIRTY,
} from '../../src/abi/vm.js';
import { FRAME_PAGE } from '../../src/vm/physical-pages.js';
import { sweepArgument, sweepSum, type Access } from '../support/access-code.js';
import { GuestCall } from '../support/guest-call.js';
import { GuestThread } from '../support/guest-thread.js';
import { MachineSupply } from '../support/machine-supply.js';
import type { Outcome } from '../support/thread-driver.js';
import { UserPager, ok } from '../support/user-pager.js';
import { PAGE, VmFixture } from '../support/vm-fixture.js';
import { CHILD_KINDS, TreePages, TreeVmo, type ChildKind } from '../support/vmo-tree.js';

const PAGES = 12;
const MAPPED = 16;
const MEMBERS = 9;

const OPTIONS: Record<ChildKind, number> = {
  alow: ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE,
  snapshot: ZX_VMO_CHILD_SNAPSHOT,
  modified: ZX_VMO_CHILD_SNAPSHOT_MODIFIED,
  slice: ZX_VMO_CHILD_SLICE,
  reference: ZX_VMO_CHILD_REFERENCE,
};

interface Member {
  readonly handle: number;
  readonly base: number;
  readonly vmo: TreeVmo;
}

const member = fc.nat({ max: MEMBERS - 1 });
const page = fc.nat({ max: PAGES + 1 });
const count = fc.nat({ max: 6 });
const access = fc.constantFrom('mapping' as const, 'call' as const);
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('write' as const), member, page, access }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('read' as const), member, page, access }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('read sweep' as const, 'write sweep' as const),
      member,
      page,
      count,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('zero' as const, 'commit' as const, 'decommit' as const, 'supply' as const),
      member,
      page,
      count,
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('resize' as const), member, pages: page }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('child' as const),
      member,
      page: fc.oneof(fc.constant(0), page),
      pages: fc.oneof(fc.constant(PAGES), page),
      as: fc.oneof(
        { weight: 2, arbitrary: fc.constantFrom('alow' as const, 'modified' as const) },
        { weight: 1, arbitrary: fc.constantFrom(...CHILD_KINDS) },
      ),
      resizable: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('close' as const), member }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

class Run {
  private readonly members: Member[] = [];
  private readonly scratch: { readonly handle: number; readonly base: number };
  /** The root may be closed, but the pager needs it to supply; 0 when there is no pager. */
  private rootHandle = 0;
  private readonly root: TreePages;
  private readonly otherPages: number;
  private value = 1n << 32n;

  constructor(
    private readonly pager: UserPager,
    base: Base,
    resizable: boolean,
    /** Things can fail for lack of room; then only values are compared. */
    private readonly tight = false,
  ) {
    const { host } = pager;
    const options = resizable ? ZX_VMO_RESIZABLE : 0;
    const underPager = base !== 'memory';
    const traps = base === 'a pager that traps writes' ? ZX_VMO_TRAP_DIRTY : 0;
    this.scratch = this.mapped(ok(host.vmoCreate(MAPPED * PAGE, 0)).handle);
    // The code of the accesses and the pages that values go through.
    for (const at of [0, 1]) this.access('write', this.scratch.base + at * PAGE, 1n);
    this.otherPages = this.listedFrames();
    this.root = new TreePages(PAGES, underPager ? stored : null);
    const made = underPager
      ? host.pagerCreateVmo(pager.pager, options | traps, pager.port, 1n, PAGES * PAGE)
      : host.vmoCreate(PAGES * PAGE, options);
    const { handle } = ok(made);
    this.members.push({ ...this.mapped(handle), vmo: new TreeVmo(this.root, 'root', resizable) });
    if (!underPager) return;
    this.rootHandle = ok(host.handleDuplicate(handle, ZX_RIGHT_SAME_RIGHTS)).handle;
    this.root.shown += 1;
  }

  perform(action: Step): void {
    const { members } = this;
    if (action.kind === 'supply') {
      this.supply(action.page, action.count);
      return;
    }
    if (members.length === 0) return;
    const target = members[action.member % members.length];
    const { vmo } = target;
    const { tree } = vmo;
    switch (action.kind) {
      case 'read': {
        const inside = action.page < vmo.pages;
        const expected = inside ? tree.get(vmo.start + action.page) : undefined;
        expect(this.read(target, action.page, action.access)).toBe(expected);
        return;
      }
      case 'write': {
        const inside = action.page < vmo.pages;
        this.value += 1n;
        const written = this.write(target, action.page, this.value, action.access);
        if (!this.tight) expect(written).toBe(inside);
        if (written) tree.set(vmo.start + action.page, this.value);
        return;
      }
      case 'read sweep':
        this.readSweep(target, action.page, action.count + 1);
        return;
      case 'write sweep':
        this.writeSweep(target, action.page, action.count + 1);
        return;
      case 'zero':
        if (this.rangeOperation(target, ZX_VMO_OP_ZERO, action.page, action.count))
          for (let at = action.page; at < action.page + action.count; at += 1) tree.zero(vmo.start + at);
        return;
      case 'commit':
        if (this.rangeOperation(target, ZX_VMO_OP_COMMIT, action.page, action.count))
          for (let at = action.page; at < action.page + action.count; at += 1) tree.commit(vmo.start + at);
        return;
      case 'decommit':
        if (action.page + action.count > vmo.pages) return;
        // With no room to merge them, nodes stay snapshotted.
        if (this.tight) return;
        expect(this.range(target, ZX_VMO_OP_DECOMMIT, action.page, action.count)).toBe(
          vmo.decommit(action.page, action.count),
        );
        return;
      case 'resize':
        expect(this.call('vmo_set_size', target.handle, action.pages * PAGE)).toBe(
          vmo.resizable ? ZX_OK : ZX_ERR_UNAVAILABLE,
        );
        if (vmo.resizable) tree.resize(action.pages);
        return;
      case 'child':
        if (members.length < MEMBERS)
          this.child(target, action.as, action.page, action.pages, action.resizable);
        return;
      case 'close':
        members.splice(members.indexOf(target), 1);
        ok(this.pager.host.vmarUnmap(this.pager.vmar, target.base, MAPPED * PAGE));
        this.pager.host.handleClose(target.handle);
        tree.hide();
        return;
    }
  }

  /** Every page of every VMO, both ways. */
  compareAll(): void {
    for (const target of this.members) {
      const { vmo } = target;
      for (let page = 0; page < vmo.pages; page += 1) {
        const expected = vmo.tree.get(vmo.start + page);
        expect([this.read(target, page, 'call'), this.read(target, page, 'mapping')]).toEqual([
          expected,
          expected,
        ]);
      }
    }
  }

  /** What counts for each VMO, and all frames of them together. */
  compareMemory(): void {
    if (this.tight) return;
    const trees = new Set([this.root, ...this.members.map(({ vmo }) => vmo.tree)]);
    const seen = new Map(
      [...trees].map((tree) => [tree, tree.shown === 0 ? new Set<object>() : tree.frames()]),
    );
    const shares = new Map<object, number>();
    for (const frames of seen.values())
      for (const frame of frames) shares.set(frame, (shares.get(frame) ?? 0) + 1);
    expect(this.listedFrames() - this.otherPages).toBe(shares.size);
    const counted = new Set<TreePages>(this.rootHandle === 0 ? [] : [this.root]);
    for (const { handle, vmo } of this.members) {
      // Of VMOs that show the same pages, those of the first that is left; the root has another handle, and never goes.
      const first = vmo.kind !== 'slice' && (vmo.kind === 'root' || !counted.has(vmo.tree));
      if (vmo.kind !== 'slice') counted.add(vmo.tree);
      const counts = first ? [...(seen.get(vmo.tree) ?? [])].map((frame) => shares.get(frame) ?? 0) : [];
      const record = new Uint8Array(INFO_VMO_BYTES);
      expect(this.pager.host.objectGetInfo(handle, ZX_INFO_VMO, record).status).toBe(ZX_OK);
      const view = new DataView(record.buffer);
      const field = (position: number): number => Number(view.getBigUint64(position, true));
      const scaled =
        field(INFO_VMO_COMMITTED_SCALED_BYTES) + field(INFO_VMO_COMMITTED_FRACTIONAL_SCALED_BYTES) / 2 ** 63;
      expect([field(INFO_VMO_COMMITTED_BYTES), field(INFO_VMO_COMMITTED_PRIVATE_BYTES)]).toEqual([
        counts.length * PAGE,
        counts.filter((shared) => shared === 1).length * PAGE,
      ]);
      expect(scaled).toBeCloseTo(
        counts.reduce((sum, shared) => sum + PAGE / shared, 0),
        6,
      );
    }
  }

  private child(target: Member, kind: ChildKind, page: number, pages: number, resizable: boolean): void {
    const whole = kind === 'reference';
    const mayResize = resizable && kind !== 'slice';
    const { status, handle } = this.pager.host.vmoCreateChild(
      target.handle,
      OPTIONS[kind] | (mayResize ? ZX_VMO_CHILD_RESIZABLE : 0),
      whole ? 0 : page * PAGE,
      whole ? 0 : pages * PAGE,
    );
    const child = target.vmo.child(kind, page, pages, mayResize);
    expect(status).toBe(typeof child === 'number' ? child : ZX_OK);
    if (typeof child !== 'number') this.members.push({ ...this.mapped(handle), vmo: child });
  }

  private supply(page: number, count: number): void {
    if (this.rootHandle === 0 || page + count > this.root.pages) return;
    this.supplyNow(page, count);
  }

  private supplyNow(page: number, count: number): void {
    const { host, pager } = this.pager;
    const aux = this.pager.memory(words(page, count));
    ok(host.pagerSupplyPages(pager, this.rootHandle, page * PAGE, count * PAGE, aux, 0));
    host.handleClose(aux);
    for (let at = page; at < page + count; at += 1) this.root.supply(at);
  }

  private mapped(handle: number): { readonly handle: number; readonly base: number } {
    return { handle, base: this.pager.map(handle, MAPPED) };
  }

  private rangeOperation(target: Member, operation: number, page: number, count: number): boolean {
    const inside = page + count <= target.vmo.pages;
    const status = this.range(target, operation, page, count);
    if (this.tight && status === ZX_ERR_NO_MEMORY) return false;
    expect(status).toBe(inside ? ZX_OK : ZX_ERR_OUT_OF_RANGE);
    return inside;
  }

  private range(target: Member, operation: number, page: number, count: number): Status | undefined {
    return this.call('vmo_op_range', target.handle, operation, page * PAGE, count * PAGE, 0, 0);
  }

  private read(
    target: { readonly handle: number; readonly base: number },
    page: number,
    access: 'mapping' | 'call',
  ): bigint | undefined {
    if (access === 'mapping') return this.access('read', target.base + page * PAGE);
    const status = this.call('vmo_read', target.handle, this.scratch.base, page * PAGE, 8);
    if (status === ZX_ERR_OUT_OF_RANGE) return undefined;
    expect(status).toBe(ZX_OK);
    return this.read(this.scratch, 0, 'mapping');
  }

  private write(
    target: { readonly handle: number; readonly base: number },
    page: number,
    value: bigint,
    access: 'mapping' | 'call',
  ): boolean {
    if (access === 'mapping') return this.access('write', target.base + page * PAGE, value) !== undefined;
    expect(this.write(this.scratch, 1, value, 'mapping')).toBe(true);
    const status = this.call('vmo_write', target.handle, this.scratch.base + PAGE, page * PAGE, 8);
    if (status !== ZX_ERR_OUT_OF_RANGE && !(this.tight && status === ZX_ERR_NO_MEMORY))
      expect(status).toBe(ZX_OK);
    return status === ZX_OK;
  }

  /** A guest that reads pages in a loop: up to the first that is not there. */
  private readSweep({ base, vmo }: Member, page: number, atMost: number): void {
    const count = Math.min(atMost, MAPPED - page);
    const inside = Math.max(0, Math.min(count, vmo.pages - page));
    const values = Array.from({ length: inside }, (_, index) => vmo.tree.get(vmo.start + page + index));
    const outcome = this.guest('readSweep', base + page * PAGE, sweepArgument(count));
    if (inside === count) expect(outcome).toEqual({ end: 'done', value: sweepSum(values) });
    else expect(outcome).toMatchObject({ end: 'crash', address: base + (page + inside) * PAGE });
  }

  private writeSweep({ base, vmo }: Member, page: number, atMost: number): void {
    const count = Math.min(atMost, MAPPED - page);
    const inside = Math.max(0, Math.min(count, vmo.pages - page));
    const first = this.value + 1n;
    this.value += BigInt(count);
    const outcome = this.guest('writeSweep', base + page * PAGE, sweepArgument(count, first));
    // When there is no room, it may end earlier.
    const written = outcome.end === 'crash' ? (outcome.address - base) / PAGE - page : count;
    if (!this.tight) expect(written).toBe(inside);
    for (let index = 0; index < written; index += 1)
      vmo.tree.set(vmo.start + page + index, first + BigInt(index));
  }

  /** By a guest; undefined when it has crashed. */
  private access(access: 'read' | 'write', address: number, value = 0n): bigint | undefined {
    const outcome = this.guest(access, address, value);
    return outcome.end === 'done' ? outcome.value : undefined;
  }

  private guest(access: Access, address: number, value: bigint): Outcome {
    const thread = GuestThread.start(this.pager.fixture, this.pager.space, access, address, value);
    this.serve(() => thread.isBlocked);
    return thread.outcome;
  }

  private call(name: string, ...args: readonly number[]): Status | undefined {
    const call = GuestCall.start(this.pager.fixture, this.pager.space, name, ...args);
    this.serve(() => call.isBlocked);
    return call.status;
  }

  /** The pager: answers every request. */
  private serve(isBlocked: () => boolean): void {
    const { host, pager, port } = this.pager;
    this.pager.fixture.state.work.settle();
    while (isBlocked()) {
      const request = host.portTryWait(port).packet?.pageRequest;
      if (request === null || request === undefined) throw new Error('it waits, but not for the pager');
      const { command, offset, length } = request;
      if (command === ZX_PAGER_VMO_READ) this.supplyNow(offset / PAGE, length / PAGE);
      else ok(host.pagerOpRange(pager, ZX_PAGER_OP_DIRTY, this.rootHandle, offset, length, 0));
      this.pager.fixture.state.work.settle();
    }
  }

  /** Frames in page lists. */
  private listedFrames(): number {
    const { physical } = this.pager.fixture;
    let frames = 0;
    for (let frame = 0; frame < physical.frameCount; frame += 1)
      if (physical.stateOf(frame) === FRAME_PAGE) frames += 1;
    return frames;
  }
}

/** What the pager has in a page. */
function stored(page: number): bigint {
  return BigInt(page + 1) * 1_000n;
}

function words(first: number, count: number): Uint8Array {
  const bytes = new BigUint64Array((count * PAGE) / 8);
  for (let page = 0; page < count; page += 1) bytes[(page * PAGE) / 8] = stored(first + page);
  return new Uint8Array(bytes.buffer);
}

/** With all guest code translated, a quarter. */
const RUNS = process.env['FAULTLINE_FEWER'] === undefined ? 1_000 : 250;

const machines = new MachineSupply({ mode: 'hosted', ramBytes: 2 * 2 ** 20 });

/** What the tree stands on. */
const BASES = ['memory', 'a pager', 'a pager that traps writes'] as const;
type Base = (typeof BASES)[number];

describe('a tree of VMOs', () => {
  it.each(BASES)('agrees with its description, whatever is done: on %s', async (base) => {
    await fc.assert(
      fc.asyncProperty(
        fc.boolean(),
        fc.array(step, { minLength: 5, maxLength: 60 }),
        async (resizable, steps) => {
          const pager = new UserPager(await VmFixture.create({ machine: await machines.next() }));
          const run = new Run(pager, base, resizable);
          for (const action of steps) {
            run.perform(action);
            run.compareMemory();
          }
          run.compareAll();
          run.compareMemory();
          pager.packets();
          pager.fixture.expectNoLeaks();
        },
      ),
      { numRuns: RUNS },
    );
  });

  it('holds the right values, and leaves nothing behind, when there is room for almost nothing', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 4, max: 12 }),
        fc.integer({ min: 0, max: 8 }),
        fc.array(step, { minLength: 10, maxLength: 60 }),
        async (pageListNodes, zeroRanges, steps) => {
          const limits = { pageListNodes, zeroRanges };
          const pager = new UserPager(await VmFixture.create({ machine: await machines.next(), limits }));
          const run = new Run(pager, 'memory', true, true);
          for (const action of steps) run.perform(action);
          run.compareAll();
          pager.fixture.expectNoLeaks();
        },
      ),
      { numRuns: RUNS / 2 },
    );
  });
});
