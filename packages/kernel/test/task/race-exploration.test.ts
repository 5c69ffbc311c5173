import { Machine } from '@faultline/mmu-emu';
import { beforeAll, describe, expect, it } from 'vitest';
import { ZX_PAGER_OP_DIRTY, ZX_PAGER_OP_FAIL } from '../../src/abi/pager.js';
import { ZX_PAGER_VMO_COMPLETE, ZX_PAGER_VMO_DIRTY, ZX_PAGER_VMO_READ } from '../../src/abi/port.js';
import { ZX_ERR_IO, ZX_OK } from '../../src/abi/status.js';
import { ZX_VMO_RESIZABLE, ZX_VMO_TRAP_DIRTY } from '../../src/abi/vm.js';
import type { HostProcess } from '../../src/host/host-process.js';
import { Kernel } from '../../src/kernel.js';
import { SeededRng } from '../../src/seeded-rng.js';
import { Totals } from '../../src/totals.js';
import { PAGE } from '../support/asm-guest.js';
import { HARTS } from '../support/harts.js';
import { RaceGuest, type ScriptStep } from '../support/race-guest.js';

const PAGES = 6;
const SEEDS = (HARTS === 1 ? 1_000 : 250) / Number(process.env['FAULTLINE_FEWER'] ?? 1);
const KEY = 3n;
/** What the closers do, each at a moment of its own. */
const ACTIONS = [
  'close pager',
  'close port',
  'close VMO',
  'detach',
  'shrink',
  'grow',
  'kill first',
  'kill second',
  'suspend',
  'suspend process',
  'resume',
] as const;
type Action = (typeof ACTIONS)[number];

interface Request {
  readonly command: number;
  readonly page: number;
  readonly pages: number;
}

/** `Race.leftovers` without leaks. */
const NOTHING = { ...new Totals(), timers: 0, zeroRanges: 0, evictable: 0, held: 0 };

/** One run: two processes that use a VMO, a pager service that answers as it likes, and closers. Everything follows from the seed. */
class Race {
  readonly host: HostProcess;
  private readonly pager: number;
  private readonly port: number;
  private readonly control: number;
  private readonly vmo: number;
  private readonly closed = new Set<Action>();
  private detached = false;
  private readonly tokens: number[] = [];
  private victims: readonly RaceGuest[] = [];
  /** Requests that the service has put off. */
  private unanswered: Request[] = [];
  /** What happened, for a report. */
  readonly history: string[] = [];
  readonly seen = { answered: 0, putOff: 0, actions: 0, deadlocks: 0 };

  constructor(
    private readonly kernel: Kernel,
    private readonly rng: SeededRng,
  ) {
    this.host = kernel.createHostProcess('race');
    this.pager = this.host.pagerCreate(0).handle;
    this.port = this.host.portCreate(0).handle;
    this.control = this.host.portCreate(0).handle;
    const options = ZX_VMO_RESIZABLE | (this.choose(2) === 0 ? ZX_VMO_TRAP_DIRTY : 0);
    this.vmo = this.host.pagerCreateVmo(this.pager, options, this.port, KEY, PAGES * PAGE).handle;
    this.host.onPortPacket(this.port, () => this.serve());
    this.host.onPortPacket(this.control, () => this.obey());
  }

  async start(): Promise<void> {
    const shared = { vmo: this.vmo, pages: PAGES, port: this.control };
    const workers = (count: number): ScriptStep[][] => Array.from({ length: count }, () => this.work());
    this.victims = [
      await RaceGuest.start(this.kernel, this.host, workers(3), shared),
      await RaceGuest.start(this.kernel, this.host, workers(2), shared),
    ];
    const closers = Array.from({ length: 2 + this.choose(4) }, (): ScriptStep[] => [
      { do: 'spin', count: this.choose(3_000) },
      { do: 'tell', word: this.choose(ACTIONS.length) },
      { do: 'spin', count: this.choose(500) },
      { do: 'tell', word: this.choose(ACTIONS.length) },
    ]);
    await RaceGuest.start(this.kernel, this.host, closers, shared);
  }

  /**
   * Runs to the end. Whenever nobody can go on, everybody who waits must wait for something that is still to come: a page whose request was put off, or
   * the end of a suspension. Then that comes.
   */
  async finish(): Promise<void> {
    for (let round = 0; ; round += 1) {
      const { outcome, waiting } = await this.kernel.run();
      if (outcome === 'exited') return;
      expect(outcome).toBe('deadlock');
      expect(round).toBeLessThan(200);
      this.seen.deadlocks += 1;
      const pagerGone = this.closed.has('close pager') || this.detached;
      this.history.push(`waiting: ${waiting.map(({ on }) => on).join(', ')}`);
      const suspended = this.tokens.length > 0;
      for (const { on } of waiting) {
        const [, leave, page] = /^(leave to write )?page (\d+) of VMO/.exec(on) ?? [];
        if (page === undefined) {
          expect([on, suspended]).toEqual([on, true]);
          continue;
        }
        const covered = this.unanswered.some(
          (request) =>
            request.command === (leave === undefined ? ZX_PAGER_VMO_READ : ZX_PAGER_VMO_DIRTY) &&
            Number(page) >= request.page &&
            Number(page) < request.page + request.pages,
        );
        expect([on, (covered || this.isDeaf) && !pagerGone]).toEqual([on, true]);
      }
      for (const request of this.unanswered.splice(0)) this.answer(request, this.choose(4) === 0);
      for (const token of this.tokens.splice(0)) this.host.handleClose(token);
      if (this.isDeaf) this.act('close pager');
    }
  }

  /** Packets of a closed port are lost, and who has no handle to the VMO cannot answer. */
  private get isDeaf(): boolean {
    return this.closed.has('close port') || this.closed.has('close VMO');
  }

  /** What everybody together still has, when all is closed. */
  get leftovers(): object {
    const { totals, timers, vm } = this.victims[0].guest.dispatcher.core;
    const { lentCount, pinnedCount } = vm.physical;
    return {
      ...totals,
      timers: timers.size,
      zeroRanges: vm.zeroRanges.used,
      evictable: vm.queues.size,
      held: lentCount + pinnedCount,
    };
  }

  private choose(count: number): number {
    return this.rng.next() % count;
  }

  private work(): ScriptStep[] {
    const kinds = ['load', 'store', 'read', 'write', 'commit', 'zero', 'spin'] as const;
    return Array.from({ length: 2 + this.choose(8) }, () => {
      const kind = kinds[this.choose(kinds.length)];
      return kind === 'spin'
        ? { do: kind, count: this.choose(600) }
        : { do: kind, at: this.choose(PAGES) * PAGE };
    });
  }

  private serve(): void {
    for (;;) {
      const { packet } = this.host.portTryWait(this.port);
      if (packet === null) return;
      const { command, offset, length } = packet.pageRequest!;
      if (command === ZX_PAGER_VMO_COMPLETE) continue;
      expect(packet.key).toBe(KEY);
      const request = { command, page: Number(offset) / PAGE, pages: Number(length) / PAGE };
      if (this.choose(4) === 0) {
        this.history.push(`put off ${command} [${request.page}, ${request.page + request.pages})`);
        this.unanswered.push(request);
        this.seen.putOff += 1;
      } else this.answer(request, false);
    }
  }

  /** @param all every page at once; otherwise now and then a part, or a failure */
  private answer(request: Request, all: boolean): void {
    const { host, pager, vmo } = this;
    this.seen.answered += 1;
    const { command, page, pages } = request;
    this.history.push(`answer ${command} [${page}, ${page + pages})`);
    const part = all || this.choose(3) > 0 ? pages : 1 + this.choose(pages);
    if (!all && this.choose(12) === 0) {
      host.pagerOpRange(pager, ZX_PAGER_OP_FAIL, vmo, page * PAGE, pages * PAGE, ZX_ERR_IO);
      return;
    }
    if (command === ZX_PAGER_VMO_DIRTY) {
      host.pagerOpRange(pager, ZX_PAGER_OP_DIRTY, vmo, page * PAGE, pages * PAGE, 0);
      return;
    }
    expect(command).toBe(ZX_PAGER_VMO_READ);
    const aux = host.vmoCreate(part * PAGE, 0).handle;
    if (this.choose(2) === 0) host.call('vmo_write', aux, new Uint8Array([1]), 0, 1);
    host.pagerSupplyPages(pager, vmo, page * PAGE, part * PAGE, aux, 0);
    host.handleClose(aux);
    // What was left out is told of later.
    if (part < pages) this.unanswered.push({ command, page: page + part, pages: pages - part });
  }

  private obey(): void {
    for (;;) {
      const { packet } = this.host.portTryWait(this.control);
      if (packet === null) return;
      this.act(ACTIONS[Number(packet.key)]);
    }
  }

  private act(action: Action): void {
    const { host } = this;
    this.history.push(action);
    this.seen.actions += 1;
    this.closed.add(action);
    const [first, second] = this.victims;
    switch (action) {
      case 'close pager':
        host.handleClose(this.pager);
        return;
      case 'close port':
        host.handleClose(this.port);
        return;
      case 'close VMO':
        host.handleClose(this.vmo);
        return;
      case 'detach':
        // It fails when a handle is closed.
        if (host.pagerDetachVmo(this.pager, this.vmo).status === ZX_OK) this.detached = true;
        return;
      case 'shrink':
        host.call('vmo_set_size', this.vmo, this.choose(PAGES) * PAGE);
        return;
      case 'grow':
        host.call('vmo_set_size', this.vmo, (PAGES + 2) * PAGE);
        return;
      case 'kill first':
        host.taskKill(first.guest.process);
        return;
      case 'kill second':
        host.taskKill(second.guest.process);
        return;
      case 'resume':
        host.handleClose(this.tokens.pop() ?? 0);
        return;
      default: {
        const target =
          action === 'suspend' ? first.threads[this.choose(first.threads.length)] : second.guest.process;
        const { status, handle } = host.taskSuspend(target);
        if (status === ZX_OK) this.tokens.push(handle);
      }
    }
  }
}

describe('threads, a pager service and closers, in any order', () => {
  let machine: Machine;

  beforeAll(async () => {
    machine = await Machine.create({ mode: 'hosted', ramBytes: 2 * 2 ** 20, harts: HARTS, timebaseHz: 1e9 });
  });

  it(
    `never hang, lose a wake-up or leak: ${SEEDS} seeds on ${HARTS} hart(s)`,
    { timeout: 240_000 },
    async () => {
      const total = { answered: 0, putOff: 0, actions: 0, deadlocks: 0, crashes: 0 };
      for (let seed = 1; seed <= SEEDS; seed += 1) {
        for (const hart of machine.harts) hart.sfenceVma();
        const kernel = await Kernel.create({
          machine,
          aslr: false,
          seed,
          schedule: { seed },
          sliceInstructions: 200,
        });
        const before = kernel.statistics();
        const race = new Race(kernel, new SeededRng(seed));
        try {
          await race.start();
          await race.finish();
          race.host.close();
          expect(race.leftovers).toEqual(NOTHING);
          const { objects, processes, frames, exceptions } = kernel.statistics();
          expect({ objects, processes, frames }).toEqual({
            objects: before.objects,
            processes: 0,
            frames: before.frames,
          });
          total.crashes += exceptions;
          for (const [name, count] of Object.entries(race.seen))
            total[name as keyof typeof race.seen] += count;
        } catch (error) {
          throw new Error(`seed ${seed}: ${race.history.join('; ')}`, { cause: error });
        } finally {
          kernel.close();
        }
      }
      // Everything that is meant to happen did, often.
      expect(total.answered).toBeGreaterThan(SEEDS);
      expect(total.putOff).toBeGreaterThan(SEEDS / 4);
      expect(total.actions).toBeGreaterThan(2 * SEEDS);
      expect(total.deadlocks).toBeGreaterThan(SEEDS / 10);
      expect(total.crashes).toBeGreaterThan(SEEDS / 10);
    },
  );
});
