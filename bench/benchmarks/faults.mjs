/**
 * Page faults served a second, one page a fault: a guest reads each page of a mapped 64 MiB file whose bytes the host has
 * cached; beside it, where the system allows, a process whose page faults another thread answers through userfaultfd.
 */
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { HostDirectory, openHostFile, runProgram } from '@faultline/fs-pager-example';
import { available, runTimed } from '../peers/process-time.mjs';
import { measure, summarize } from '../statistics.mjs';

const PAGE_BYTES = 4096;
const PAGES = 16_384;
const TOUCH_PAGES = fileURLToPath(new URL('../../guest/bin/touch-pages.elf', import.meta.url));
const PEER_SOURCE = fileURLToPath(new URL('../peers/userfaultfd.c', import.meta.url));

export async function run({ rounds }) {
  const notes = ['the guest and its pager share one thread; the peer has two'];
  const directory = mkdtempSync(join(tmpdir(), 'faultline-bench-'));
  try {
    const expected = makeFile(join(directory, 'many'), PAGES);
    const first = makeFile(join(directory, 'one'), 1);
    const peer = buildPeer(directory, notes);
    const ours = [];
    const theirs = [];
    for (let round = 0; round <= rounds; round += 1) {
      const one = await touch(directory, 'one', 1, first);
      const many = await touch(directory, 'many', PAGES, expected);
      const peerRate = peer === null ? 0 : runPeer(peer);
      // The first round warms the engine up.
      if (round === 0) continue;
      ours.push((PAGES - 1) / (many - one));
      if (peer !== null) theirs.push(peerRate);
    }
    const row = {
      what: 'page faults served, 1 page each, 64 MiB',
      unit: 'faults / s',
      ours: summarize(ours),
      target: 150_000,
    };
    return {
      rows: [peer === null ? row : { ...row, peer: { name: 'userfaultfd', ...summarize(theirs) } }],
      notes,
    };
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

/** Wall seconds of a whole run. */
async function touch(directory, name, pages, expected) {
  const chunks = [];
  const stdout = new Writable({ write: (chunk, _, done) => (chunks.push(chunk), done()) });
  const program = openHostFile(TOUCH_PAGES);
  const namespace = new HostDirectory(directory);
  const time = await measure(() =>
    runProgram({ namespace, program, name: 'touch-pages', args: [name], stdout }),
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
  return time.wall;
}

function buildPeer(directory, notes) {
  if (available('gcc') === null) {
    notes.push('no C compiler is installed: no peer');
    return null;
  }
  const program = join(directory, 'userfaultfd');
  const built = runTimed('gcc', ['-O2', '-w', '-pthread', PEER_SOURCE, '-o', program]);
  if (built.status !== 0) throw new Error(`the peer does not build: ${built.errors}`);
  const tried = runTimed(program, ['uffd', '1']);
  if (tried.status === 0) return program;
  notes.push(`userfaultfd is not to be had here (${tried.errors.trim()}): no peer`);
  return null;
}

function runPeer(program) {
  const rate = runTimed(program, ['uffd', '1']).output.match(/pages\/s=(\d+)/)?.[1];
  return Number(rate);
}
