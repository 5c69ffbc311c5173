/**
 * Page faults that a service in TypeScript answers from memory, synchronously, one page and sixteen pages at a time: a guest reads
 * each page of a mapped 64 MiB VMO. What a fault costs without the copy of its pages, which is a matter of memory, and what garbage it leaves, have rows of their own.
 * Beside it a process whose page faults another of its threads answers, with as many pages at a time.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kernel, PAGE_SIZE } from '@faultline/kernel';
import { PagerService } from '@faultline/pager-sdk';
import { ok, vdsoEntries } from '../guests/asm-process.mjs';
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
    'a fault without its copy: the service writes nothing but the word that the guest looks at',
  ];
  const directory = mkdtempSync(join(tmpdir(), 'faultline-bench-'));
  const kernel = await Kernel.create({ ramBytes: 160 << 20, limits: { lentFrames: PAGES } });
  try {
    const peer = buildUserfaultfd(directory, notes);
    const host = kernel.createHostProcess('bench', { pagerBlocking: 'allow' });
    const entries = await vdsoEntries(kernel, host);
    const content = taggedPages(PAGES);
    const copied = [];
    const rows = [];
    for (const { pages, target } of CASES) {
      const ours = [];
      const theirs = [];
      const wall = [];
      const withoutCopy = [];
      for (let round = -WARM_UP_ROUNDS; round < rounds; round += 1) {
        const time = await serve(kernel, host, entries, memoryBacking(content), pages);
        const bare = await serve(kernel, host, entries, wordBacking(content), pages);
        const copy = copyPages(host, content);
        if (round < 0) continue;
        ours.push(PAGES / time.cpu);
        withoutCopy.push((bare.cpu * 1e6 * pages) / PAGES);
        copied.push(PAGES / copy);
        if (peer === null) continue;
        const { cpuRate, wallRate } = peer(pages);
        theirs.push(cpuRate);
        wall.push(wallRate);
      }
      const garbage = await measureGarbage(() => serve(kernel, host, entries, wordBacking(content), pages));
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
      what: 'copying as many bytes to guest RAM page by page',
      unit: 'pages / CPU s',
      ours: summarize(copied),
    });
    return { rows, notes };
  } finally {
    kernel.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function serve(kernel, host, entries, backing, pages) {
  const service = new PagerService(host, { readAheadPages: pages });
  const vmo = service.createVmo(backing, { size: PAGES * PAGE_SIZE });
  const time = await touchPages(kernel, host, entries, vmo.handle, PAGES);
  if (vmo.requests !== PAGES / pages || vmo.pagesSupplied !== PAGES)
    throw new Error(`${vmo.pagesSupplied} pages were supplied in ${vmo.requests} requests`);
  await service.closeAndSettle();
  return time;
}

/** A backing that writes the first word of each page, and makes no garbage. */
function wordBacking(content) {
  return {
    read({ offset }, into) {
      let from = offset;
      for (const view of into) {
        for (let at = 0; at < view.length; at += PAGE_SIZE, from += PAGE_SIZE)
          for (let byte = 0; byte < 8; byte += 1) view[at + byte] = content[from + byte];
      }
    },
  };
}

/** What a service cannot go below: its bytes have to be copied to the guest's RAM. Seconds of CPU time. */
function copyPages(host, content) {
  const { loan } = ok(host.framesLend(content.length));
  const before = process.cpuUsage();
  let from = 0;
  for (const view of loan.views) {
    for (let at = 0; at < view.length; at += PAGE_SIZE, from += PAGE_SIZE)
      view.set(content.subarray(from, from + PAGE_SIZE), at);
  }
  const { user, system } = process.cpuUsage(before);
  loan.release();
  return (user + system) / 1e6;
}
