/**
 * A pager's VMO against a description of it, with trapped writes and without: several actors read, write, commit and cut through mappings and
 * calls, while the pager supplies, fails, allows and writes back whatever comes to its mind, and others zero and resize.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ZX_ERR_IO, ZX_OK, type Status } from '../../src/abi/status.js';
import { ZX_VMO_OP_COMMIT, ZX_VMO_OP_ZERO, ZX_VMO_RESIZABLE } from '../../src/abi/vm.js';
import { GuestCall } from '../support/guest-call.js';
import { GuestThread } from '../support/guest-thread.js';
import { MachineSupply } from '../support/machine-supply.js';
import { type PagedVmo } from '../support/paged-vmo.js';
import { DIRTY_MODES, UserPager, ok } from '../support/user-pager.js';
import { PAGE, VmFixture } from '../support/vm-fixture.js';
import { DirtyModel, type ActorStep, type ModelActor } from './dirty-model.js';

const PAGES = 4;
const MOST_PAGES = 6;
/** Actors at a time; each has memory of its own for what it copies. */
const ACTORS = 3;

// Few pages, and most often one at a time, so that what is done meets what was done before.
const range = {
  page: fc.oneof({ weight: 4, arbitrary: fc.nat({ max: 2 }) }, fc.nat({ max: MOST_PAGES - 1 })),
  count: fc.oneof({ weight: 2, arbitrary: fc.constant(1) }, fc.integer({ min: 1, max: MOST_PAGES })),
};
const size = fc.oneof({ weight: 3, arbitrary: fc.integer({ min: 2, max: 5 }) }, fc.nat({ max: MOST_PAGES }));

const action = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constantFrom('read', 'write', 'commit', 'cut', 'load', 'store'),
      ...range,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('supply'),
      ...range,
      zeros: fc.array(fc.boolean(), { minLength: 6 }),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constantFrom('dirty', 'answer', 'answer', 'zero', 'end'), ...range }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('begin'), ...range, zeros: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('fail'), ...range }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('resize', 'stream'), pages: size }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('packets', 'modified') }) },
);
type Action = typeof action extends fc.Arbitrary<infer T> ? T : never;

interface Actor {
  readonly model: ModelActor;
  /** What the machine says: undefined while it waits. */
  readonly status: () => Status | undefined;
  readonly values: () => bigint[];
  readonly kill: () => void;
}

class Run {
  private readonly vmo: PagedVmo;
  private readonly actors: (Actor | null)[] = new Array<Actor | null>(ACTORS).fill(null);
  private readonly scratch: { readonly handle: number; readonly base: number };
  private nextValue = 1n;
  /** The last packet that was read: what the pager would answer. */
  private lastPacket: { kind: string; page: number; count: number } | null = null;

  constructor(
    private readonly pager: UserPager,
    options: number,
    private readonly model: DirtyModel,
  ) {
    const { handle, key } = pager.createVmo(PAGES, options | ZX_VMO_RESIZABLE);
    this.vmo = { handle, key, first: key, base: pager.map(handle, MOST_PAGES), pages: PAGES };
    const memory = ok(pager.host.vmoCreate(ACTORS * MOST_PAGES * PAGE, 0)).handle;
    this.scratch = { handle: memory, base: pager.map(memory, ACTORS * MOST_PAGES) };
  }

  perform(step: Action): void {
    const { pager, vmo, model } = this;
    switch (step.kind) {
      case 'read':
      case 'write':
      case 'commit':
      case 'cut':
      case 'load':
      case 'store': {
        const single = step.kind === 'load' || step.kind === 'store' || step.kind === 'cut';
        this.begin({
          kind: step.kind,
          page: step.page,
          count: single ? 1 : Math.min(step.count, MOST_PAGES - step.page),
          value: this.value(),
        });
        break;
      }
      case 'supply': {
        const values = Array.from({ length: step.count }, (_, index) =>
          step.zeros[index] === true ? null : this.value(),
        );
        expect(this.supply(step.page, values)).toBe(model.supply(step.page, values));
        break;
      }
      case 'dirty':
        expect(pager.dirty(vmo, step.page, step.count)).toBe(model.dirty(step.page, step.count));
        break;
      case 'answer':
        this.answer();
        break;
      case 'fail':
        expect(pager.fail(vmo, step.page, step.count)).toBe(model.fail(step.page, step.count, ZX_ERR_IO));
        break;
      case 'begin': {
        const status = pager.writebackBegin(vmo, step.page, step.count, step.zeros);
        expect(status).toBe(model.writebackBegin(step.page, step.count, step.zeros));
        break;
      }
      case 'end':
        expect(pager.writebackEnd(vmo, step.page, step.count)).toBe(
          model.writebackEnd(step.page, step.count),
        );
        break;
      case 'zero': {
        const status = this.call(
          'vmo_op_range',
          vmo.handle,
          ZX_VMO_OP_ZERO,
          step.page * PAGE,
          step.count * PAGE,
          0,
          0,
        );
        expect(status.status).toBe(model.zero(step.page, step.count));
        break;
      }
      case 'resize':
        expect(this.call('vmo_set_size', vmo.handle, step.pages * PAGE).status).toBe(ZX_OK);
        model.resize(step.pages);
        break;
      case 'stream':
        expect(this.call('vmo_set_stream_size', vmo.handle, step.pages * PAGE).status).toBe(
          model.setStream(step.pages),
        );
        break;
      case 'packets':
        this.readPackets();
        break;
      case 'modified':
        expect(pager.modified(vmo)).toBe(model.modified);
        model.modified = false;
        break;
    }
    pager.fixture.state.work.settle();
    this.compare();
  }

  detach(): void {
    expect(this.pager.detach(this.vmo)).toBe(ZX_OK);
    this.model.detach();
    this.pager.fixture.state.work.settle();
    this.compare();
  }

  /** All that can be seen without changing anything. */
  compare(): void {
    for (const actor of this.actors) {
      if (actor === null) continue;
      expect(actor.status()).toBe(actor.model.status);
      // Of a read that failed, a prefix was copied, which nobody counts on.
      if (actor.model.status === ZX_OK) expect(actor.values()).toEqual(actor.model.values);
    }
    const { model, pager, vmo } = this;
    const into = new Uint8Array(24 * MOST_PAGES);
    const { pages } = pager.object(vmo);
    const { actual } = ok(pager.host.pagerQueryDirtyRanges(pager.pager, vmo.handle, 0, pages * PAGE, into));
    const words = new BigUint64Array(into.buffer);
    const ranges = Array.from({ length: actual }, (_, index) => {
      const [offset, length, options] = words.subarray(3 * index, 3 * index + 3);
      return `{${Number(offset) / PAGE},${Number(length) / PAGE}}${options === 1n ? 'Z' : ''}`;
    });
    expect(ranges.join(' ')).toBe(model.dirtyRanges());
    expect(pager.committed(vmo)).toBe(model.pages.filter(({ is }) => is === 'page').length);
  }

  end(): void {
    this.readPackets();
    const { model } = this;
    model.pages.forEach((state, page) => {
      if (state.is === 'absent') return;
      const [value] = this.pager.words(this.vmo, page, 1);
      expect(value).toBe(state.is === 'page' ? state.value : 0n);
    });
    for (const actor of this.actors) actor?.kill();
    this.pager.packets();
    this.pager.fixture.expectNoLeaks();
  }

  private value(): bigint {
    const value = this.nextValue;
    this.nextValue += 1n;
    return value;
  }

  private begin(step: ActorStep): void {
    const free = this.actors.findIndex((actor) => actor === null || actor.model.status !== undefined);
    if (free < 0) return;
    const actor = this.start(step, free);
    this.actors[free] = { ...actor, model: this.model.begin(step) };
  }

  private start(step: ActorStep, slot: number): Omit<Actor, 'model'> {
    const { pager, vmo } = this;
    if (step.kind === 'load' || step.kind === 'store') {
      const access = step.kind === 'load' ? 'read' : 'write';
      const address = vmo.base + step.page * PAGE;
      const thread = GuestThread.start(pager.fixture, pager.space, access, address, step.value);
      return {
        status: () => {
          if (thread.outcome.end === 'running') return undefined;
          return thread.outcome.end === 'done' ? ZX_OK : thread.outcome.status;
        },
        values: () => (step.kind === 'load' && thread.outcome.end === 'done' ? [thread.outcome.value] : []),
        kill: () => thread.abandonWait(),
      };
    }
    const buffer = this.scratch.base + slot * MOST_PAGES * PAGE;
    const call = this.startCall(step, buffer, slot);
    return {
      status: () => call.status,
      values: () => (step.kind === 'read' ? this.scratchWords(slot, step.count) : []),
      kill: () => call.kill(),
    };
  }

  private startCall(step: ActorStep, buffer: number, slot: number): GuestCall {
    const { vmo } = this;
    const offset = step.page * PAGE;
    const length = step.count * PAGE;
    switch (step.kind) {
      case 'commit':
        return this.call('vmo_op_range', vmo.handle, ZX_VMO_OP_COMMIT, offset, length, 0, 0);
      case 'cut':
        return this.call('vmo_op_range', vmo.handle, ZX_VMO_OP_ZERO, offset, 8, 0, 0);
      case 'read':
        return this.call('vmo_read', vmo.handle, buffer, offset, length);
      default: {
        const words = new BigUint64Array(length / 8);
        for (let page = 0; page < step.count; page += 1) words[(page * PAGE) / 8] = step.value;
        this.pager.poke(this.scratch.handle, slot * MOST_PAGES, new Uint8Array(words.buffer));
        return this.call('vmo_write', vmo.handle, buffer, offset, length);
      }
    }
  }

  private call(name: string, ...args: readonly number[]): GuestCall {
    return GuestCall.start(this.pager.fixture, this.pager.space, name, ...args);
  }

  private scratchWords(slot: number, count: number): bigint[] {
    const bytes = new Uint8Array(count * PAGE);
    const { host } = this.pager;
    const offset = slot * MOST_PAGES * PAGE;
    expect(host.call('vmo_read', this.scratch.handle, bytes, offset, bytes.length)).toBe(ZX_OK);
    const view = new DataView(bytes.buffer);
    return Array.from({ length: count }, (_, page) => view.getBigUint64(page * PAGE, true));
  }

  private supply(page: number, values: readonly (bigint | null)[]): Status {
    const { host, pager } = this.pager;
    const aux = ok(host.vmoCreate(values.length * PAGE, 0)).handle;
    values.forEach((value, index) => {
      if (value === null) return;
      const bytes = new Uint8Array(PAGE);
      new DataView(bytes.buffer).setBigUint64(0, value, true);
      this.pager.poke(aux, index, bytes);
    });
    const bytes = values.length * PAGE;
    const { status } = host.pagerSupplyPages(pager, this.vmo.handle, page * PAGE, bytes, aux, 0);
    host.handleClose(aux);
    return status;
  }

  private readPackets(): void {
    const seen = this.pager.packets().map((packet) => packet.replace(` key ${this.vmo.key}`, ''));
    expect(seen).toEqual(this.model.takePackets());
    const last = /^([RD]) \[(\d+), (\d+)\)$/.exec(seen.at(-1) ?? '');
    if (last === null) return;
    const page = Number(last[2]);
    this.lastPacket = { kind: last[1], page, count: Number(last[3]) - page };
  }

  /** What was asked for last, as a pager would. */
  private answer(): void {
    this.readPackets();
    const asked = this.lastPacket;
    if (asked === null) return;
    this.lastPacket = null;
    const { page, count, kind } = asked;
    if (kind === 'R') {
      const values = Array.from({ length: count }, () => this.value());
      expect(this.supply(page, values)).toBe(this.model.supply(page, values));
    } else expect(this.pager.dirty(this.vmo, page, count)).toBe(this.model.dirty(page, count));
  }
}

/** With all guest code translated, half. */
const RUNS = process.env['FAULTLINE_FEWER'] === undefined ? 200 : 100;

const machines = new MachineSupply({ mode: 'hosted', ramBytes: 2 * 2 ** 20 });

describe.each(DIRTY_MODES)('a pager’s VMO, %s', (mode, options) => {
  it('agrees with its description, whatever is done', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(action, { minLength: 1, maxLength: 60, size: 'max' }),
        fc.boolean(),
        fc.array(action, { maxLength: 10, size: 'max' }),
        async (steps, detaches, later) => {
          const pager = new UserPager(await VmFixture.create({ machine: await machines.next() }));
          const run = new Run(pager, options, new DirtyModel(PAGES, mode === 'TrapDirty'));
          for (const step of steps) run.perform(step);
          if (detaches) {
            run.detach();
            for (const step of later) run.perform(step);
          }
          run.end();
        },
      ),
      { numRuns: RUNS },
    );
  });
});
