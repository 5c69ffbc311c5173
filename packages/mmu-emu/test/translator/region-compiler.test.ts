/** Regions that are compiled in another thread: what runs is the same, whenever they arrive. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MessageChannel, Worker } from 'node:worker_threads';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { EXIT_BUDGET, EXIT_TRAP, Machine, RegionCompiler, serveRegionCompiler } from '../../src/index.js';
import type { Engine } from '../../src/index.js';
import type { CompiledRegions } from '../../src/translator/compile-regions.js';
import type { RegionBatch } from '../../src/translator/region-compiler.js';
import { DATA_FRAME } from '../mmu/sv39-machine.js';
import { Random } from '../qemu/random.js';
import { Bench } from '../run-program.js';
import { answer, DATA_PAGES, disturb, lockstepMachine, stateOf } from './lockstep-machine.js';
import { randomControl } from './random-control.js';

const SEED = Number(process.env['FAULTLINE_SEED']);
const PROGRAMS = [0, 1, 2, 3, 4, 5];
const RUNS = 24;
const MOST_TRAPS = 200;
const LOOP = 'loop: addi a0, a0, 1\nj loop';
const WORKER = `
  import { workerData } from 'node:worker_threads';
  import { serveRegionCompiler } from '@faultline/mmu-emu';
  serveRegionCompiler(workerData);`;

/** A compiler that tells what it was asked for. The first of it, or all, has come or failed after `firstSettled` or `settled`. */
class ObservedCompiler extends RegionCompiler {
  readonly #pending: Promise<CompiledRegions>[] = [];

  get asked(): number {
    return this.#pending.length;
  }

  override compile(batch: RegionBatch): Promise<CompiledRegions> {
    const compiled = super.compile(batch);
    this.#pending.push(compiled);
    return compiled;
  }

  async firstSettled(): Promise<void> {
    await Promise.allSettled(this.#pending.slice(0, 1));
  }

  async settled(): Promise<void> {
    await Promise.allSettled(this.#pending);
  }
}

/** A compiler in this thread, at the other end of a channel. */
function nextDoor(): ObservedCompiler {
  const { port1, port2 } = new MessageChannel();
  onTestFinished(() => port1.close());
  serveRegionCompiler(port2);
  return new ObservedCompiler(port1);
}

describe('a compiler of regions in a worker', () => {
  const folder = mkdtempSync(join(tmpdir(), 'faultline-regions-'));
  let worker: Worker;
  let elsewhere: ObservedCompiler;
  let retiredTranslated = 0;

  beforeAll(async () => {
    const outfile = join(folder, 'worker.mjs');
    await build({
      stdin: { contents: WORKER, resolveDir: folder },
      outfile,
      bundle: true,
      format: 'esm',
      platform: 'node',
      logLevel: 'silent',
      alias: { '@faultline/mmu-emu': fileURLToPath(new URL('../../src/index.ts', import.meta.url)) },
    });
    const { port1, port2 } = new MessageChannel();
    worker = new Worker(outfile, { workerData: port2, transferList: [port2] });
    elsewhere = new ObservedCompiler(port1);
  });

  it.each(PROGRAMS)(
    'lets a machine do what it does without, whenever its answers come (program %i)',
    async (index) => {
      const random = new Random(Math.imul(SEED + 9000 + index, 0x9e37_79b1));
      const source = randomControl(random);
      const machines = [
        await lockstepMachine(source, 'interpreter'),
        await lockstepMachine(source, 'auto', { regionCompiler: elsewhere }),
      ] as const;
      for (let run = 0; run < RUNS; run += 1) {
        // Traps end most runs: it goes on until much was done, so that something gets hot.
        for (
          let left = 60_000 + random.below(60_000), traps = 0;
          left > 0 && traps < MOST_TRAPS;
          traps += 1
        ) {
          const states = machines.map((made) => stateOf(made, made.hart.run(left)));
          expect(states[1], `run ${run}\n${source}`).toEqual(states[0]);
          left -= machines[0].hart.retired + 1;
          if (states[0].reason === EXIT_TRAP) machines.forEach(answer);
        }
        if (random.chance(60)) await elsewhere.settled();
        const [what, argument] = [random.below(20), random.bits()];
        for (const made of machines) disturb(made, what, argument);
      }
      for (let frame = 64; frame < DATA_FRAME + DATA_PAGES; frame += 1) {
        const [left, right] = machines.map(({ machine }) => machine.ram.readable(frame));
        expect(Buffer.compare(left, right), `frame ${frame}`).toBe(0);
      }
      retiredTranslated += machines[1].machine.translation!.retiredTranslated;
    },
  );

  it('tells why it could not compile something', async () => {
    const outline = { bounds: Uint16Array.of(0, 4), entries: [0], instructions: 1, refusals: new Map(), computesTargets: false, holdsCalls: false, sharesLookUps: true }; // prettier-ignore
    const batch = { shared: false, regions: [{ number: 1, outline, page: new Uint8Array(4096) }] };
    await expect(elsewhere.compile(batch)).rejects.toThrow('the page of a region has changed');
  });

  afterAll(async () => {
    await worker.terminate();
    rmSync(folder, { recursive: true });
    if (retiredTranslated < 1000) throw new Error(`${retiredTranslated} instructions ran translated`);
  });
});

describe('a machine whose regions are compiled elsewhere', () => {
  it('runs on without them, and enters them when they have come', async () => {
    const elsewhere = nextDoor();
    const bench = await Bench.of(LOOP, { engine: 'auto', regionCompiler: elsewhere });
    for (let slice = 0; slice < 3; slice += 1) expect(bench.run(100_000)).toBe(EXIT_BUDGET);
    expect(elsewhere.asked).toBe(1);
    expect(bench.machine.translation).toMatchObject({ translations: 0, modules: 0, retiredTranslated: 0 });
    await elsewhere.settled();
    expect(bench.machine.translation).toMatchObject({ translations: 1, modules: 1, regions: 1 });
    expect(bench.run(100_000)).toBe(EXIT_BUDGET);
    expect(bench.machine.translation?.retiredTranslated).toBeGreaterThan(99_000);
    expect(bench.x('a0')).toBe(200_000n);
  });

  it('does not enter one whose code has changed meanwhile, but the one that is made then', async () => {
    const source = `
      .option norvc
      loop: addi a0, a0, 1
      bne a0, a2, loop
      sw a3, 0(a4)            # from here on it adds 2
      j loop`;
    const elsewhere = nextDoor();
    const benches = await Promise.all([
      Bench.of(source, { engine: 'interpreter' }),
      Bench.of(source, { engine: 'auto', regionCompiler: elsewhere }),
    ]);
    const [plain, translated] = benches;
    for (const bench of benches) {
      bench.setX('a2', 60_000);
      bench.setX('a3', 0x0025_0513);
      bench.setX('a4', bench.symbol('loop'));
    }
    const run = (): void => {
      for (const bench of benches) expect(bench.run(100_000)).toBe(EXIT_BUDGET);
      expect(translated.x('a0')).toBe(plain.x('a0'));
    };
    run();
    expect(elsewhere.asked).toBe(1);
    expect(translated.machine.translation?.invalidations).toBe(0);
    // It changes, and becomes hot again, before the first answer.
    while (elsewhere.asked === 1) run();
    expect(plain.x('a0')).toBeGreaterThan(60_000n);
    expect(translated.machine.translation).toMatchObject({ translations: 0, invalidations: 1 });
    await elsewhere.firstSettled();
    run();
    expect(translated.machine.translation).toMatchObject({
      translations: 1,
      regions: 0,
      retiredTranslated: 0,
    });
    await elsewhere.settled();
    expect(translated.machine.translation).toMatchObject({
      translations: 2,
      regions: 1,
      retiredTranslated: 0,
    });
    run();
    expect(translated.machine.translation?.retiredTranslated).toBeGreaterThan(99_000);
  });

  it('asks for no more while eight answers are not there', async () => {
    const loops = Array.from({ length: 12 }, () => 'li a1, 20000\n1: addi a1, a1, -1\nbnez a1, 1b');
    const elsewhere = nextDoor();
    const source = ['again:', ...loops, 'j again'].join('\n');
    const bench = await Bench.of(source, { engine: 'auto', regionCompiler: elsewhere });
    const run = (): void => {
      for (let slice = 0; slice < 60; slice += 1) expect(bench.run(10_000)).toBe(EXIT_BUDGET);
    };
    run();
    expect(elsewhere.asked).toBe(8);
    await elsewhere.settled();
    run();
    expect(elsewhere.asked).toBeGreaterThan(8);
  });

  it('compiles them itself when nobody answers any more', async () => {
    const { port1, port2 } = new MessageChannel();
    const elsewhere = new ObservedCompiler(port1);
    const bench = await Bench.of(LOOP, { engine: 'auto', regionCompiler: elsewhere });
    bench.run(100_000);
    expect(elsewhere.asked).toBe(1);
    port2.close();
    await elsewhere.settled();
    expect(bench.machine.translation).toMatchObject({ translations: 1, regions: 1 });
    bench.run(100_000);
    expect(bench.machine.translation?.retiredTranslated).toBeGreaterThan(99_000);
    await expect(elsewhere.compile({ shared: false, regions: [] })).rejects.toThrow('the port is closed');
  });

  it.each(['interpreter', 'translator'] as const)(
    'is not made with the engine %s',
    async (engine: Engine) => {
      const regionCompiler = nextDoor();
      await expect(Machine.create({ engine, regionCompiler })).rejects.toMatchObject({
        code: 'bad-option',
        option: 'regionCompiler',
      });
    },
  );
});
