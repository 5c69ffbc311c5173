/**
 * A tree of VMOs under a pager against a description of it: random writes, reads, zeroing, resizing, cloning and closing, each through mappings and
 * through system calls. Every page holds one value in its first word.
 */
import { Machine } from '@faultline/mmu-emu';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ZX_RIGHT_SAME_RIGHTS } from '../../src/abi/rights.js';
import { ZX_ERR_OUT_OF_RANGE, ZX_OK, type Status } from '../../src/abi/status.js';
import {
  ZX_VMO_CHILD_RESIZABLE,
  ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE,
  ZX_VMO_OP_COMMIT,
  ZX_VMO_OP_ZERO,
  ZX_VMO_RESIZABLE,
} from '../../src/abi/vm.js';
import { GuestCall } from '../support/guest-call.js';
import { GuestThread } from '../support/guest-thread.js';
import { UserPager, ok } from '../support/user-pager.js';
import { PAGE, VmFixture } from '../support/vm-fixture.js';

const PAGES = 12;
const MAPPED = 16;

/** What a VMO's pages hold, as simply as it can be said. */
class Model {
  readonly own = new Map<number, bigint>();
  readonly children = new Set<Model>();

  constructor(
    public pages: number,
    /** What the pager supplies; only of the root. */
    private readonly supplied: ((page: number) => bigint) | null,
    private readonly parent: Model | null,
    private readonly offset: number,
    public limit: number,
  ) {
    parent?.children.add(this);
  }

  get(page: number): bigint {
    const own = this.own.get(page);
    if (own !== undefined) return own;
    if (this.parent === null) return this.supplied?.(page) ?? 0n;
    return page < this.limit ? this.parent.get(page + this.offset) : 0n;
  }

  /** Past what a clone sees of its parent there are zeros anyway, and nothing is its own. */
  zero(page: number): void {
    if (this.parent !== null && page >= this.limit) this.own.delete(page);
    else this.own.set(page, 0n);
  }

  /** A clone shows the nearest ancestor that has something of its own in the range. */
  clone(offset: number, pages: number): Model {
    let parent: Model = this;
    let at = offset;
    let limit = Math.max(0, Math.min(pages, this.pages - offset));
    const hasOwn = (): boolean => [...parent.own.keys()].some((page) => page >= at && page < at + limit);
    while (parent.parent !== null && !hasOwn()) {
      limit = Math.max(0, Math.min(limit, parent.limit - at));
      at += parent.offset;
      parent = parent.parent;
    }
    return new Model(pages, null, parent, at, limit);
  }

  resize(pages: number): void {
    for (const page of [...this.own.keys()]) if (page >= pages) this.own.delete(page);
    for (let page = this.pages; page < pages; page += 1) if (this.supplied !== null) this.own.set(page, 0n);
    this.limit = Math.min(this.limit, pages);
    for (const child of this.children) child.limit = Math.min(child.limit, Math.max(0, pages - child.offset));
    this.pages = pages;
  }
}

interface Member {
  readonly handle: number;
  readonly base: number;
  readonly model: Model;
}

const member = fc.nat({ max: 7 });
const page = fc.nat({ max: PAGES + 1 });
const access = fc.constantFrom('mapping' as const, 'call' as const);
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('write' as const), member, page, access }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('read' as const), member, page, access }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('zero' as const), member, page, count: fc.nat({ max: 5 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('commit' as const), member, page, count: fc.nat({ max: 5 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('resize' as const), member, pages: page }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('clone' as const), member, page, pages: page }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('close' as const), member }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

class Run {
  private readonly members: Member[] = [];
  private readonly scratch: Member;
  /** The root may be closed, but the pager needs it to supply. */
  private readonly rootHandle: number;
  private value = 1n << 32n;

  constructor(
    private readonly pager: UserPager,
    rootModel: Model,
  ) {
    const { handle, base } = this.mapped(
      ok(pager.host.pagerCreateVmo(pager.pager, ZX_VMO_RESIZABLE, pager.port, 1n, PAGES * PAGE)).handle,
    );
    this.members.push({ handle, base, model: rootModel });
    this.rootHandle = ok(pager.host.handleDuplicate(handle, ZX_RIGHT_SAME_RIGHTS)).handle;
    const scratch = this.mapped(ok(pager.host.vmoCreate(MAPPED * PAGE, 0)).handle);
    this.scratch = { ...scratch, model: rootModel };
  }

  perform(action: Step): void {
    const { members } = this;
    const target = members[action.member % members.length];
    const { model } = target;
    const size = model.pages;
    switch (action.kind) {
      case 'read': {
        if (action.page >= MAPPED) return;
        const inside = action.page < size;
        const expected = inside ? model.get(action.page) : undefined;
        expect(this.read(target, action.page, action.access)).toBe(expected);
        return;
      }
      case 'write': {
        const inside = action.page < size;
        this.value += 1n;
        expect(this.write(target, action.page, this.value, action.access)).toBe(inside);
        if (inside) model.own.set(action.page, this.value);
        return;
      }
      case 'zero':
      case 'commit': {
        const operation = action.kind === 'zero' ? ZX_VMO_OP_ZERO : ZX_VMO_OP_COMMIT;
        const status = this.call(
          'vmo_op_range',
          target.handle,
          operation,
          action.page * PAGE,
          action.count * PAGE,
          0,
          0,
        );
        const inside = action.page + action.count <= size;
        expect(status).toBe(inside ? ZX_OK : ZX_ERR_OUT_OF_RANGE);
        if (!inside) return;
        for (let index = 0; index < action.count; index += 1) {
          const at = action.page + index;
          if (action.kind === 'zero') model.zero(at);
          else model.own.set(at, model.get(at));
        }
        return;
      }
      case 'resize':
        expect(this.call('vmo_set_size', target.handle, action.pages * PAGE)).toBe(ZX_OK);
        model.resize(action.pages);
        return;
      case 'clone': {
        if (members.length === 8) return;
        const options = ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE | ZX_VMO_CHILD_RESIZABLE;
        const { status, handle } = this.pager.host.vmoCreateChild(
          target.handle,
          options,
          action.page * PAGE,
          action.pages * PAGE,
        );
        expect(status).toBe(ZX_OK);
        const child = model.clone(action.page, action.pages);
        members.push({ ...this.mapped(handle), model: child });
        return;
      }
      case 'close': {
        if (members.length === 1) return;
        members.splice(members.indexOf(target), 1);
        ok(this.pager.host.vmarUnmap(this.pager.vmar, target.base, MAPPED * PAGE));
        this.pager.host.handleClose(target.handle);
        return;
      }
    }
  }

  /** Every page of every VMO, both ways. */
  compareAll(): void {
    for (const target of this.members) {
      for (let page = 0; page < target.model.pages; page += 1) {
        const expected = target.model.get(page);
        expect([this.read(target, page, 'call'), this.read(target, page, 'mapping')]).toEqual([
          expected,
          expected,
        ]);
      }
    }
  }

  private mapped(handle: number): { readonly handle: number; readonly base: number } {
    return { handle, base: this.pager.map(handle, MAPPED) };
  }

  private read(target: Member, page: number, access: 'mapping' | 'call'): bigint | undefined {
    if (access === 'mapping') {
      const thread = GuestThread.start(
        this.pager.fixture,
        this.pager.space,
        'read',
        target.base + page * PAGE,
      );
      this.serve(() => thread.isBlocked);
      return thread.outcome.end === 'done' ? thread.outcome.value : undefined;
    }
    const status = this.call('vmo_read', target.handle, this.scratch.base, page * PAGE, 8);
    if (status === ZX_ERR_OUT_OF_RANGE) return undefined;
    expect(status).toBe(ZX_OK);
    return this.read(this.scratch, 0, 'mapping');
  }

  private write(target: Member, page: number, value: bigint, access: 'mapping' | 'call'): boolean {
    if (access === 'mapping') {
      if (page >= MAPPED) return false;
      const address = target.base + page * PAGE;
      const thread = GuestThread.start(this.pager.fixture, this.pager.space, 'write', address, value);
      this.serve(() => thread.isBlocked);
      return thread.outcome.end === 'done';
    }
    expect(this.write(this.scratch, 1, value, 'mapping')).toBe(true);
    const status = this.call('vmo_write', target.handle, this.scratch.base + PAGE, page * PAGE, 8);
    if (status !== ZX_ERR_OUT_OF_RANGE) expect(status).toBe(ZX_OK);
    return status === ZX_OK;
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
      const first = request.offset / PAGE;
      const aux = this.pager.memory(words(first, request.length / PAGE));
      ok(host.pagerSupplyPages(pager, this.rootHandle, request.offset, request.length, aux, 0));
      host.handleClose(aux);
      this.pager.fixture.state.work.settle();
    }
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

describe('a tree of VMOs', () => {
  it('agrees with its description, whatever is done', async () => {
    const machine = await Machine.create({ mode: 'hosted', ramBytes: 2 * 2 ** 20 });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 80 }), async (steps) => {
        const pager = new UserPager(await VmFixture.create({ machine }));
        const run = new Run(pager, new Model(PAGES, stored, null, 0, 0));
        for (const action of steps) run.perform(action);
        run.compareAll();
        pager.packets();
        pager.fixture.expectNoLeaks();
      }),
      { numRuns: 150 },
    );
  });
});
