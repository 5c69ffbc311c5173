/**
 * Page faults of a program that `faultline run` starts, served from a directory: a guest reads each page of a mapped 64 MiB file whose
 * bytes the host has cached, one page and sixteen pages a fault; beside it, where the system allows, a process whose page
 * faults another of its threads answers through userfaultfd. What a run over one page takes is taken off.
 */
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { HostDirectory, openHostFile, runProgram } from '@faultline/fs-pager-example';
import { buildUserfaultfd } from '../peers/userfaultfd.mjs';
import { measure, summarize } from '../statistics.mjs';

const PAGE_BYTES = 4096;
const PAGES = 16_384;
const TOUCH_PAGES = fileURLToPath(new URL('../../guest/bin/touch-pages.elf', import.meta.url));
const CASES = [{ pages: 1, target: 150_000 }, { pages: 16 }];

export async function run({ rounds }) {
  const notes = ['the guest and its pager share one thread; the CPU time of the peer is that of its two'];
  const directory = mkdtempSync(join(tmpdir(), 'faultline-bench-'));
  try {
    const expected = makeFile(join(directory, 'many'), PAGES);
    const first = makeFile(join(directory, 'one'), 1);
    const peer = buildUserfaultfd(directory, notes);
    const rows = [];
    for (const { pages, target } of CASES) {
      const ours = [];
      const theirs = [];
      for (let round = 0; round <= rounds; round += 1) {
        const one = await touch(directory, 'one', 1, first, pages);
        const many = await touch(directory, 'many', PAGES, expected, pages);
        // The first round warms the engine up.
        if (round === 0) continue;
        ours.push((PAGES - 1) / (many - one));
        if (peer !== null) theirs.push(peer(pages).cpuRate);
      }
      rows.push({
        what: `pages served from a directory, ${pages} a fault`,
        unit: 'pages / CPU s',
        ours: summarize(ours),
        ...(target === undefined ? {} : { target }),
        ...(peer === null ? {} : { peer: { name: 'userfaultfd', ...summarize(theirs) } }),
      });
    }
    return { rows, notes };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Each page begins with its number; returns the sum of what the guest will read. */
function makeFile(path, pages) {
  const file = openSync(path, 'w');
  const page = Buffer.alloc(PAGE_BYTES);
  let sum = 0n;
  for (let index = 0; index < pages; index += 1) {
    const value = BigInt(index) * 2_654_435_761n;
    page.writeBigUInt64LE(value);
    writeSync(file, page);
    sum = BigInt.asUintN(64, sum + value);
  }
  ftruncateSync(file, pages * PAGE_BYTES);
  closeSync(file);
  return sum;
}

/** Seconds of CPU time of a whole run. */
async function touch(directory, name, pages, expected, readAheadPages) {
  const chunks = [];
  const stdout = new Writable({ write: (chunk, _, done) => (chunks.push(chunk), done()) });
  const program = openHostFile(TOUCH_PAGES);
  const namespace = new HostDirectory(directory);
  const time = await measure(() =>
    runProgram({
      namespace,
      program,
      name: 'touch-pages',
      args: [name],
      stdout,
      pager: { readAheadPages },
    }),
  );
  namespace.close();
  const { exitStatus, summary } = time.value;
  const output = Buffer.concat(chunks).toString();
  const supplied = summary.files.find((file) => file.name.endsWith(name))?.pagesSupplied;
  if (exitStatus !== 0 || supplied !== pages)
    throw new Error(`touch-pages ended with ${exitStatus}, ${supplied} pages: ${output}`);
  const sum = output.match(/sum ([0-9a-f]+)/)?.[1];
  if (BigInt(`0x${sum}`) !== expected)
    throw new Error(`touch-pages read something else than sum ${expected}: ${output}`);
  return time.cpu;
}
