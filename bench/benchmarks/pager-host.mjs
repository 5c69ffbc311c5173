/**
 * Page faults that a service in TypeScript answers from memory, synchronously, one page and sixteen pages at a time: a guest reads
 * each page of a mapped 64 MiB VMO. Beside it a process whose page faults another of its threads answers, with as many pages at a time.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kernel, PAGE_SIZE } from '@faultline/kernel';
import { PagerService } from '@faultline/pager-sdk';
import { vdsoEntries } from '../guests/asm-process.mjs';
import { memoryBacking, taggedPages, touchPages } from '../guests/touching-pages.mjs';
import { buildUserfaultfd } from '../peers/userfaultfd.mjs';
import { median, summarize } from '../statistics.mjs';

const PAGES = 16_384;
/** Until the engine has optimised what it will. */
const WARM_UP_ROUNDS = 6;
const CASES = [
  { pages: 1, target: 500_000 },
  { pages: 16, target: 2_000_000 },
];

export async function run({ rounds }) {
  const notes = ['the guest and its pager share one thread; the CPU time of the peer is that of its two'];
  const directory = mkdtempSync(join(tmpdir(), 'faultline-bench-'));
  const kernel = await Kernel.create({ ramBytes: 160 << 20 });
  try {
    const peer = buildUserfaultfd(directory, notes);
    const host = kernel.createHostProcess('bench', { pagerBlocking: 'allow' });
    const entries = await vdsoEntries(kernel, host);
    const content = taggedPages(PAGES);
    const rows = [];
    for (const { pages, target } of CASES) {
      const ours = [];
      const theirs = [];
      const wall = [];
      for (let round = -WARM_UP_ROUNDS; round < rounds; round += 1) {
        const time = await serve(kernel, host, entries, content, pages);
        if (round < 0) continue;
        ours.push(PAGES / time.cpu);
        if (peer === null) continue;
        const { cpuRate, wallRate } = peer(pages);
        theirs.push(cpuRate);
        wall.push(wallRate);
      }
      rows.push({
        what: `pages served from memory, ${pages} a fault`,
        unit: 'pages / CPU s',
        ours: summarize(ours),
        target,
        ...(peer === null ? {} : { peer: { name: 'userfaultfd', ...summarize(theirs) } }),
      });
      if (peer !== null)
        notes.push(`userfaultfd with ${pages} pages: ${Math.round(median(wall))} pages / s of wall time`);
    }
    rows.push({
      what: 'copying as many bytes page by page',
      unit: 'pages / CPU s',
      ours: copying(content, rounds),
    });
    return { rows, notes };
  } finally {
    kernel.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function serve(kernel, host, entries, content, pages) {
  const service = new PagerService(host, { readAheadPages: pages });
  const vmo = service.createVmo(memoryBacking(content), { size: content.length });
  const time = await touchPages(kernel, host, entries, vmo.handle, PAGES);
  if (vmo.requests !== PAGES / pages || vmo.pagesSupplied !== PAGES)
    throw new Error(`${vmo.pagesSupplied} pages were supplied in ${vmo.requests} requests`);
  await service.closeAndSettle();
  return time;
}

/** What a service cannot go below: its bytes have to be copied. */
function copying(content, rounds) {
  const into = new Uint8Array(content.length);
  const rates = [];
  for (let round = -1; round < rounds; round += 1) {
    const before = process.cpuUsage();
    for (let at = 0; at < content.length; at += PAGE_SIZE) into.set(content.subarray(at, at + PAGE_SIZE), at);
    const { user, system } = process.cpuUsage(before);
    if (round >= 0) rates.push((PAGES * 1e6) / (user + system));
  }
  return summarize(rates);
}
