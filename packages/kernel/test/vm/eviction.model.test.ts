/** Whatever is evicted, and whenever: everybody goes on seeing the same bytes, and the queues agree with the page lists. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ZX_OK } from '../../src/abi/status.js';
import {
  ZX_VMO_OP_ALWAYS_NEED,
  ZX_VMO_OP_COMMIT,
  ZX_VMO_OP_DONT_NEED,
  ZX_VMO_OP_PREFETCH,
} from '../../src/abi/vm.js';
import { PAGE_CLEAN, dirtyState, frameOf, isFrame } from '../../src/vm/page-entry.js';
import { VmoDispatcher } from '../../src/vm/vm-object.js';
import { sweepArgument, sweepSum } from '../support/access-code.js';
import { GuestThread } from '../support/guest-thread.js';
import { MachineSupply } from '../support/machine-supply.js';
import { type PagedVmo } from '../support/paged-vmo.js';
import { UserPager } from '../support/user-pager.js';
import { PAGE, VmFixture } from '../support/vm-fixture.js';

const PAGES = 80;
const LOW = 40;
const machines = new MachineSupply({ mode: 'hosted', ramBytes: 2 ** 20 });

type Target = 'root' | 'clone';

type Step =
  | { readonly kind: 'load' | 'store' | 'read' | 'write'; readonly of: Target; readonly page: number }
  | {
      readonly kind: 'hint';
      readonly of: Target;
      readonly op: number;
      readonly page: number;
      readonly count: number;
    }
  | { readonly kind: 'scan'; readonly of: Target; readonly page: number; readonly count: number }
  | { readonly kind: 'write back' | 'age' }
  | { readonly kind: 'squeeze'; readonly leave: number };

const of = fc.constantFrom<Target>('root', 'clone');
const page = fc.nat(PAGES - 1);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constantFrom('load', 'store', 'read', 'write'), of, page }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('hint'),
      of,
      op: fc.constantFrom(
        ZX_VMO_OP_ALWAYS_NEED,
        ZX_VMO_OP_DONT_NEED,
        ZX_VMO_OP_DONT_NEED,
        ZX_VMO_OP_PREFETCH,
        ZX_VMO_OP_COMMIT,
      ),
      page,
      count: fc.integer({ min: 1, max: 30 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('scan'), of, page, count: fc.integer({ min: 10, max: 40 }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('write back', 'age') }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('squeeze'), leave: fc.integer({ min: 4, max: LOW }) }),
  },
);

/** The first word of each page, in the pager's store, and as seen through root and clone. */
class World {
  readonly root: PagedVmo;
  readonly clone: PagedVmo;
  private readonly stored = new BigUint64Array(PAGES).map((_word, index) => BigInt(index + 1));
  private readonly seen = this.stored.slice();
  private readonly forked = new Map<number, bigint>();
  private written = 1000n;

  constructor(
    private readonly fixture: VmFixture,
    private readonly pager: UserPager,
  ) {
    this.root = pager.createVmo(PAGES);
    this.clone = pager.clone(this.root);
  }

  async apply(step: Step): Promise<void> {
    switch (step.kind) {
      case 'age':
        this.fixture.state.vm.queues.age();
        return;
      case 'write back':
        this.writeBack();
        return;
      case 'squeeze':
        this.squeeze(step.leave);
        return;
      case 'hint': {
        const count = Math.min(step.count, PAGES - step.page);
        const call = this.pager.op(this.target(step.of), step.op, step.page, count);
        await this.serve(() => call.isBlocked);
        expect(call.status).toBe(ZX_OK);
        if (step.op === ZX_VMO_OP_COMMIT && step.of === 'clone') this.fork(step.page, count);
        return;
      }
      case 'load':
      case 'store': {
        const value = (this.written += 1n);
        const vmo = this.target(step.of);
        const thread =
          step.kind === 'load' ? this.pager.load(vmo, step.page) : this.pager.store(vmo, step.page, value);
        await this.serve(() => thread.outcome.end === 'running');
        const expected = step.kind === 'load' ? this.word(step.of, step.page) : value;
        expect(thread.outcome).toEqual({ end: 'done', value: expected });
        if (step.kind === 'store') this.put(step.of, step.page, value);
        return;
      }
      case 'scan': {
        const count = Math.min(step.count, PAGES - step.page);
        const address = this.target(step.of).base + step.page * PAGE;
        const { space } = this.pager;
        const thread = GuestThread.start(this.fixture, space, 'readSweep', address, sweepArgument(count));
        await this.serve(() => thread.outcome.end === 'running');
        const words = Array.from({ length: count }, (_, index) => this.word(step.of, step.page + index));
        expect(thread.outcome).toEqual({ end: 'done', value: sweepSum(words) });
        return;
      }
      case 'read':
      case 'write':
        await this.copy(step.kind, step.of, step.page);
    }
  }

  /** The queues have exactly the clean pages of the root; nothing is mapped that is not there. */
  check(): void {
    const { list } = this.pager.object(this.root).cow;
    let clean = 0;
    for (let at = list.next(0, PAGES); at < PAGES; at = list.next(at + 1, PAGES)) {
      const entry = list.get(at);
      if (isFrame(entry) && dirtyState(entry) === PAGE_CLEAN) clean += 1;
    }
    expect(this.fixture.state.vm.queues.size).toBe(clean);
    const { tables } = this.pager.space;
    const vpn = this.root.base / PAGE;
    for (let at = 0; at < PAGES; at += 1) {
      const low = tables.lookup(vpn + at);
      const entry = list.get(at);
      if (low !== 0) expect(tables.frameOf(vpn + at, low)).toBe(isFrame(entry) ? frameOf(entry) : -1);
    }
  }

  private async copy(kind: 'read' | 'write', target: Target, at: number): Promise<void> {
    const { host } = this.pager;
    const vmo = this.target(target);
    const bytes = new Uint8Array(8);
    const view = new DataView(bytes.buffer);
    const value = (this.written += 1n);
    if (kind === 'write') view.setBigUint64(0, value, true);
    let status: number | undefined;
    const call =
      kind === 'read'
        ? host.vmoRead(vmo.handle, bytes, at * PAGE)
        : host.vmoWrite(vmo.handle, bytes, at * PAGE);
    void call.then((result) => (status = result.status));
    await this.serve(() => status === undefined);
    expect(status).toBe(ZX_OK);
    if (kind === 'write') this.put(target, at, value);
    else expect(view.getBigUint64(0, true)).toBe(this.word(target, at));
  }

  private target(target: Target): PagedVmo {
    return target === 'root' ? this.root : this.clone;
  }

  private word(target: Target, at: number): bigint {
    return (target === 'clone' ? this.forked.get(at) : undefined) ?? this.seen[at];
  }

  private put(target: Target, at: number, value: bigint): void {
    if (target === 'root') this.seen[at] = value;
    else this.forked.set(at, value);
  }

  private fork(first: number, count: number): void {
    for (let at = first; at < first + count; at += 1) this.forked.set(at, this.word('clone', at));
  }

  /** What is dirty goes to the store. */
  private writeBack(): void {
    this.stored.set(this.seen);
    this.pager.writeBack(this.root, 0, PAGES);
  }

  private squeeze(leave: number): void {
    const { physical, vm } = { physical: this.fixture.physical, vm: this.fixture.state.vm };
    const filler = VmoDispatcher.anonymous(this.fixture.state, physical.frameCount);
    filler.retain();
    for (let at = 0; physical.freeCount > leave; at += 1) filler.cow.frameForWrite(at);
    vm.evictor.makeRoom();
    filler.release();
    vm.evictor.makeRoom();
  }

  private async serve(waits: () => boolean): Promise<void> {
    for (let turns = 0; turns < 1000; turns += 1) {
      await this.pager.turn();
      if (!waits()) return;
      for (const packet of this.pager.packets()) {
        const [, first, end] = /\[(\d+), (\d+)\)/.exec(packet) ?? [];
        const bytes = new Uint8Array((Number(end) - Number(first)) * PAGE);
        const view = new DataView(bytes.buffer);
        for (let at = Number(first); at < Number(end); at += 1)
          view.setBigUint64((at - Number(first)) * PAGE, this.stored[at], true);
        expect(this.pager.supplyBytes(this.root, Number(first), bytes)).toBe(ZX_OK);
      }
    }
    throw new Error('a call does not get on');
  }
}

it('agrees with memory from which nothing ever goes', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const fixture = await VmFixture.create({
        machine: await machines.next(),
        limits: { evictBelowFrames: LOW, evictToFrames: 60 },
      });
      const pager = new UserPager(fixture);
      const world = new World(fixture, pager);
      for (const each of steps) {
        await world.apply(each);
        world.check();
      }
      fixture.expectNoLeaks();
    }),
    { numRuns: 60 },
  );
}, 60_000);
