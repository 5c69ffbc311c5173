/**
 * Page faults that a service in TypeScript answers from memory, synchronously, one page and sixteen pages at a time: a guest reads
 * each page of a mapped 64 MiB VMO. What a fault costs beside the copy of its page, which is a matter of memory, and what garbage it leaves, have rows of their own.
 * Beside it a process whose page faults another of its threads answers, with as many pages at a time.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kernel, PAGE_SIZE } from '@faultline/kernel';
import { PagerService } from '@faultline/pager-sdk';
import { vdsoEntries } from '../guests/asm-process.mjs';
import { memoryBacking, taggedPages, touchPages } from '../guests/touching-pages.mjs';
import { buildUserfaultfd } from '../peers/userfaultfd.mjs';
import { measureGarbage, median, summarize } from '../statistics.mjs';

const PAGES = 16_384;
/** Until the engine has optimised what it will. */
const WARM_UP_ROUNDS = 6;
const CASES = [
  { pages: 1, target: 500_000 },
  { pages: 16, target: 2_000_000 },
];

export async function run({ rounds }) {
  const notes = [
    'the guest and its pager share one thread; the CPU time of the peer is that of its two',
    'garbage of a fault: what the service of this benchmark makes is in it, a view of each page that it copies',
    'a fault without its copy: CPU time of a round by its faults, less that of copying the same pages one by one right after it',
  ];
  const directory = mkdtempSync(join(tmpdir(), 'faultline-bench-'));
  const kernel = await Kernel.create({ ramBytes: 160 << 20 });
  try {
    const peer = buildUserfaultfd(directory, notes);
    const host = kernel.createHostProcess('bench', { pagerBlocking: 'allow' });
    const entries = await vdsoEntries(kernel, host);
    const content = taggedPages(PAGES);
    const copy = new Uint8Array(content.length);
    const copied = [];
    const rows = [];
    for (const { pages, target } of CASES) {
      const ours = [];
      const theirs = [];
      const wall = [];
      const withoutCopy = [];
      for (let round = -WARM_UP_ROUNDS; round < rounds; round += 1) {
        const time = await serve(kernel, host, entries, content, pages);
        const copyTime = copyPages(content, copy);
        if (round < 0) continue;
        ours.push(PAGES / time.cpu);
        copied.push(PAGES / copyTime);
        withoutCopy.push(((time.cpu - copyTime) * 1e6 * pages) / PAGES);
        if (peer === null) continue;
        const { cpuRate, wallRate } = peer(pages);
        theirs.push(cpuRate);
        wall.push(wallRate);
      }
      const garbage = await measureGarbage(() => serve(kernel, host, entries, content, pages));
      rows.push(
        {
          what: `pages served from memory, ${pages} a fault`,
          unit: 'pages / CPU s',
          ours: summarize(ours),
          target,
          ...(peer === null ? {} : { peer: { name: 'userfaultfd', ...summarize(theirs) } }),
        },
        { what: `a fault without its copy, ${pages} a fault`, unit: 'us', ours: summarize(withoutCopy) },
        {
          what: `garbage of a fault, ${pages} a fault`,
          unit: 'bytes',
          ours: summarize([(garbage * pages) / PAGES]),
        },
      );
      if (peer !== null)
        notes.push(`userfaultfd with ${pages} pages: ${Math.round(median(wall))} pages / s of wall time`);
    }
    rows.push({
      what: 'copying as many bytes page by page',
      unit: 'pages / CPU s',
      ours: summarize(copied),
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

/** What a service cannot go below: its bytes have to be copied. Seconds of CPU time. */
function copyPages(content, into) {
  const before = process.cpuUsage();
  for (let at = 0; at < content.length; at += PAGE_SIZE) into.set(content.subarray(at, at + PAGE_SIZE), at);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}
