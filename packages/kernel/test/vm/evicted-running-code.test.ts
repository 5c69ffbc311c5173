/**
 * Code whose pages are evicted while threads stand in the middle of them, preempted after every number of instructions, and supplied again: with the same bytes, or
 * with others. Each slice is compared with a description of the guest that fetches every instruction anew.
 */
import { assemble, Machine, type Engine } from '@faultline/mmu-emu';
import { describe, expect, it } from 'vitest';
import { ZX_RIGHT_SAME_RIGHTS } from '../../src/abi/rights.js';
import { ZX_OK } from '../../src/abi/status.js';
import { ZX_VM_PERM_EXECUTE, ZX_VM_PERM_READ, ZX_VMO_OP_DONT_NEED } from '../../src/abi/vm.js';
import { PreemptedThread, type SliceEnd } from '../support/preempted-thread.js';
import { type PagedVmo } from '../support/paged-vmo.js';
import { ok, UserPager } from '../support/user-pager.js';
import { PAGE, VmFixture } from '../support/vm-fixture.js';

/** The last 16 pages that came are never evicted. */
const ARRIVALS = 17;
/** Times that the loop goes round. */
const ROUNDS = 6;
/** More than the loop has instructions. */
const BUDGETS = 14;
/** Evictions, at most, of one run. */
const EVICTIONS = 16;
/** a0 to a3. */
const REGISTERS = [10, 11, 12, 13];

/** What an instruction of a page does, which depends on what its page was supplied with. */
interface Instruction {
  readonly page: number;
  /** @param version of its page */
  readonly text: (version: number) => string;
  /** @returns whether it branches back to the beginning */
  readonly run: (x: bigint[], version: number) => boolean | void;
}

const add = (page: number, to: number, from: number): Instruction => ({
  page,
  text: () => `add a${to}, a${to}, a${from}`,
  run: (x) => void (x[to] = BigInt.asUintN(64, x[to] + x[from])),
});
/** Another instruction with another number in each version. */
const versioned = (page: number, to: number): Instruction => ({
  page,
  text: (version) => `${version % 2 === 0 ? 'addi' : 'xori'} a${to}, a${to}, ${100 + version}`,
  run: (x, version) => {
    const by = BigInt(100 + version);
    x[to] = version % 2 === 0 ? BigInt.asUintN(64, x[to] + by) : x[to] ^ by;
  },
});
const loop = (page: number): readonly Instruction[] => [
  { page, text: () => 'addi a3, a3, -1', run: (x) => void (x[3] -= 1n) },
  { page, text: () => 'bnez a3, begin', run: (x) => x[3] !== 0n },
  { page, text: () => 'ecall', run: () => undefined },
];
/** Of a loop, which begins at the end of page 0 and ends at the start of page 1, or is all in page 1. */
const PROGRAMS: Readonly<Record<string, readonly Instruction[]>> = {
  'in one page': [versioned(1, 0), add(1, 1, 0), versioned(1, 2), add(1, 2, 1), ...loop(1)],
  'over two pages': [
    ...[versioned(0, 0), add(0, 1, 0), versioned(0, 2), add(0, 2, 1)],
    ...[versioned(1, 1), add(1, 0, 2), ...loop(1)],
  ],
};

/** A guest as the description has it. */
class Described {
  at = 0;

  constructor(
    private readonly program: readonly Instruction[],
    readonly x: bigint[],
  ) {}

  get page(): number {
    return this.program[this.at].page;
  }

  /** @param versions of what is in the pages; null where there is none */
  run(budget: number, versions: readonly (number | null)[]): { end: SliceEnd; retired: number } {
    for (let retired = 0; retired < budget; retired += 1) {
      const { page, run } = this.program[this.at];
      const version = versions[page];
      if (version === null) return { end: 'waits', retired };
      if (this.at === this.program.length - 1) return { end: 'ecall', retired };
      this.at = run(this.x, version) === true ? 0 : this.at + 1;
    }
    return { end: 'budget', retired: budget };
  }
}

class Run {
  /** Of the bytes that are in the pages, and of those that the pager has. */
  private readonly versions: (number | null)[] = [null, null];
  private readonly stored = [0, 0];
  private readonly vmo: PagedVmo;
  private readonly base: number;
  private readonly begin: number;
  private readonly threads: { readonly real: PreemptedThread; readonly described: Described }[] = [];
  private slices = 0;
  evictions = 0;

  constructor(
    private readonly pager: UserPager,
    private readonly program: readonly Instruction[],
    threadCount: number,
    private readonly others: boolean,
  ) {
    const { host } = pager;
    this.vmo = pager.createVmo(2);
    const executable = host.vmoReplaceAsExecutable(ok(host.handleDuplicate(this.vmo.handle, ZX_RIGHT_SAME_RIGHTS)).handle); // prettier-ignore
    const permissions = ZX_VM_PERM_READ | ZX_VM_PERM_EXECUTE;
    this.base = ok(host.vmarMap(pager.vmar, permissions, 0, ok(executable).handle, 0, 2 * PAGE)).address;
    this.begin = this.base + PAGE - 4 * program.filter(({ page }) => page === 0).length;
    for (let index = 0; index < threadCount; index += 1) {
      const x = [1n, 2n, 3n, BigInt(ROUNDS + index)];
      const registers = Object.fromEntries(REGISTERS.map((register, at) => [register, x[at]]));
      const real = new PreemptedThread(pager.fixture.state, pager.space, this.begin, registers);
      this.threads.push({ real, described: new Described(program, x) });
    }
  }

  /** Slices of the threads in turns, each time on another hart, with both pages evicted after each turn. */
  async toTheEnd(budget: number): Promise<void> {
    const { harts } = this.pager.fixture.machine;
    const running = new Set(this.threads);
    while (running.size > 0) {
      for (const thread of running) {
        const { real, described } = thread;
        if (real.isBlocked) continue;
        const slice = real.run(harts[this.slices++ % harts.length], budget);
        expect(slice).toEqual(described.run(budget, this.versions));
        expect([real.pc, ...REGISTERS.map((register) => real.x(register))]).toEqual([
          this.begin + 4 * described.at,
          ...described.x,
        ]);
        if (slice.end === 'ecall') running.delete(thread);
      }
      const waiting = [...running].filter(({ real }) => real.isBlocked);
      const missing = [...new Set(waiting.map(({ described }) => described.page))];
      this.pager.expectPackets(...missing.map((page) => this.pager.R(this.vmo, page, 1)));
      for (const page of missing) this.supply(page);
      if (missing.length === 0 && this.evictions < EVICTIONS) this.evict();
      await this.pager.turn();
    }
  }

  private supply(page: number): void {
    const version = this.stored[page];
    const texts = this.program.map(({ text, page: of }) => text(of === page ? version : 0));
    const lines = ['begin:', ...texts];
    const { bytes } = assemble(lines.join('\n'), { origin: this.begin, compress: false });
    const both = new Uint8Array(2 * PAGE);
    both.set(bytes, this.begin - this.base);
    const supplied = both.subarray(page * PAGE, (page + 1) * PAGE);
    expect(this.pager.supplyBytes(this.vmo, page, supplied)).toBe(ZX_OK);
    this.versions[page] = version;
  }

  private evict(): void {
    const { pager, vmo } = this;
    const { host, fixture } = pager;
    // What came last is never evicted.
    const newer = pager.createVmo(ARRIVALS);
    pager.supply(newer, 0, ARRIVALS);
    expect(host.call('vmo_op_range', vmo.handle, ZX_VMO_OP_DONT_NEED, 0, 2 * PAGE, 0, 0)).toBe(ZX_OK);
    fixture.state.vm.evictor.makeRoomFor(fixture.physical.freeCount + 2);
    expect(pager.committed(vmo)).toBe(0);
    ok(host.vmarUnmap(pager.vmar, newer.base, ARRIVALS * PAGE));
    host.handleClose(newer.handle);
    pager.expectPackets(pager.C(newer));
    this.evictions += 1;
    this.versions.fill(null);
    if (this.others) for (const page of [0, 1]) this.stored[page] += 1 + page;
  }
}

describe.each<Engine>(['interpreter', 'translator'])('pages of running code (%s)', (engine) => {
  describe.each(Object.entries(PROGRAMS))('with a loop %s', (_where, program) => {
    it.each([
      [1, 'the same bytes', false],
      [1, 'others', true],
      [2, 'the same bytes', false],
      [2, 'others', true],
    ])(
      'are evicted after any number of instructions, and run as supplied again: %i harts, with %s',
      async (harts, _bytes, others) => {
        let retired = 0;
        let translated = 0;
        for (let budget = 1; budget <= BUDGETS; budget += 1) {
          const machine = await Machine.create({ mode: 'hosted', ramBytes: 2 ** 20, harts, engine });
          const pager = new UserPager(await VmFixture.create({ machine }));
          const run = new Run(pager, program, harts, others);
          await run.toTheEnd(budget);
          expect(run.evictions).toBeGreaterThan(0);
          pager.packets();
          pager.fixture.expectNoLeaks();
          retired += machine.translation?.retired ?? 0;
          translated += machine.translation?.retiredTranslated ?? 0;
        }
        if (engine === 'translator') expect(translated / retired).toBeGreaterThan(0.5);
      },
    );
  });
});
