/**
 * Whether a page fault costs the same where there is much else: 100,000 other VMOs of pagers, and 10,000 threads blocked on pages that
 * nobody supplies, of other VMOs and of the very same. The figure is the CPU time of a fault against that in a kernel without them.
 */
import { Kernel, PAGE_SIZE, ZX_VMO_OP_COMMIT } from '@faultline/kernel';
import { PagerService } from '@faultline/pager-sdk';
import { AsmProcess, CODE, FREE, ok, vdsoEntries } from '../guests/asm-process.mjs';
import { memoryBacking, taggedPages, touchPages } from '../guests/touching-pages.mjs';
import { median, summarize } from '../statistics.mjs';

/** Faults of a turn: short, so that the turns of all settings lie close together, and many, so that the median is steady. */
const PAGES = 1_024;
const TURNS = 9;
const WARM_UP_TURNS = 24;
const VMOS = 100_000;
const THREADS = 10_000;
const LIMITS = { handlesPerProcess: 2 ** 18, lentFrames: 2 ** 15 };

export async function run({ rounds }) {
  const turns = WARM_UP_TURNS + rounds * TURNS;
  const settings = [];
  /** @type {[string, (setting: any) => unknown][]} */
  const surroundings = [
    ['alone', () => undefined],
    [`with ${VMOS} other VMOs`, addVmos],
    [`with ${THREADS} threads blocked on other VMOs`, blockOnOthers],
    [`with ${THREADS} threads blocked on the same VMO`, blockOnSame],
  ];
  for (const [name, surround] of surroundings) {
    /** @type {number[]} */
    const times = [];
    settings.push({ name, times, ...(await makeSetting(turns, surround)) });
  }
  for (let turn = 0; turn < turns; turn += 1) {
    // Another goes first each time, so that none always comes after the same one.
    for (let index = 0; index < settings.length; index += 1) {
      const { kernel, host, entries, vmo, times } = settings[(turn + index) % settings.length];
      const { cpu } = await touchPages(kernel, host, entries, vmo, PAGES, turn * PAGES);
      if (turn >= WARM_UP_TURNS) times.push((cpu * 1e6) / PAGES);
    }
  }
  for (const { kernel } of settings) kernel.close();
  const [alone, ...others] = settings;
  return {
    rows: others.map(({ name, times }) => ({
      what: `cost of a fault ${name}`,
      unit: 'times',
      ours: summarize(ratiosByRound(times, alone.times)),
      target: 1.2,
    })),
    notes: settings.map(({ name, times }) => `a fault ${name}: ${median(times).toFixed(2)} us`),
  };
}

/** Of each round, the median of its turns' ratios. */
function ratiosByRound(times, others) {
  const ratios = times.map((time, turn) => time / others[turn]);
  return Array.from({ length: ratios.length / TURNS }, (_none, round) =>
    median(ratios.slice(round * TURNS, (round + 1) * TURNS)),
  );
}

/**
 * A kernel with a VMO that is served from memory.
 *
 * @param surround fills it with what should not matter; pages of the VMO from `spare` on, of which there are THREADS, are never supplied
 */
async function makeSetting(turns, surround) {
  const kernel = await Kernel.create({
    ramBytes: (turns * PAGES + THREADS + 8_192) * PAGE_SIZE,
    limits: LIMITS,
  });
  const host = kernel.createHostProcess('bench', { pagerBlocking: 'allow' });
  const entries = await vdsoEntries(kernel, host);
  await useAllMemory(kernel, host);
  const service = new PagerService(host, {
    maxConcurrentReads: THREADS + 1,
    maxLentBytes: (THREADS + 64) * PAGE_SIZE,
  });
  const spare = turns * PAGES;
  const memory = memoryBacking(taggedPages(PAGES));
  const never = new Promise(() => undefined);
  const { handle: vmo } = service.createVmo(
    { read: (range, into) => (range.offset < spare * PAGE_SIZE ? memory.read(range, into) : never) },
    { size: (spare + THREADS) * PAGE_SIZE },
  );
  const setting = { kernel, host, entries, service, vmo, spare };
  await surround(setting);
  return setting;
}

/** What the host pays when RAM is used for the first time is no part of a fault. */
async function useAllMemory(kernel, host) {
  const bytes = (kernel.statistics().frames.free - 1_024) * PAGE_SIZE;
  const vmo = ok(host.vmoCreate(bytes, 0)).handle;
  ok(await host.vmoOpRange(vmo, ZX_VMO_OP_COMMIT, 0, bytes));
  host.handleClose(vmo);
}

function addVmos({ service }) {
  for (let index = 0; index < VMOS; index += 1)
    service.createVmo({ read: () => undefined }, { size: PAGE_SIZE });
}

async function blockOnOthers(setting) {
  const { host } = setting;
  const pager = ok(host.pagerCreate(0)).handle;
  const port = ok(host.portCreate(0)).handle;
  const bytes = 100 * PAGE_SIZE;
  const mappings = [];
  for (let at = 0; at < THREADS * PAGE_SIZE; at += bytes) {
    const vmo = ok(host.pagerCreateVmo(pager, 0, port, BigInt(at), bytes)).handle;
    mappings.push({ address: FREE + at, vmo, bytes });
  }
  await blockThreads(setting, mappings);
}

function blockOnSame(setting) {
  const { vmo, spare } = setting;
  return blockThreads(setting, [
    { address: FREE, vmo, offset: spare * PAGE_SIZE, bytes: THREADS * PAGE_SIZE },
  ]);
}

/** Each thread touches a page of what is mapped. */
async function blockThreads({ kernel, host, entries }, mappings) {
  const source = 'ld a0, 0(a1)';
  const { process } = await AsmProcess.start(kernel, host, entries, source, {
    name: 'blocked',
    second: FREE,
    mappings,
  });
  for (let index = 1; index < THREADS; index += 1) {
    const { handle } = ok(host.threadCreate(process, '', 0));
    ok(host.threadStart(handle, CODE, 0, 0, FREE + index * PAGE_SIZE));
    host.handleClose(handle);
  }
  const { pageRequests } = kernel.statistics();
  void kernel.run();
  while (kernel.statistics().pageRequests < pageRequests + THREADS) await new Promise(setImmediate);
  kernel.stop();
  while (kernel.isRunning) await new Promise(setImmediate);
}
