/**
 * What operating systems do all the time, in nanoseconds of CPU time each: a call of firmware and back, a page-table entry
 * changed and fenced, code rewritten. QEMU beside it on the same images; checksums first.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checksumOf, compiled, findCompiler, runOnQemu, runToStop } from '../bare-programs.mjs';
import { available } from '../peers/process-time.mjs';
import { summarize } from '../statistics.mjs';

/** Operations of a program at scale 1, and how much of it each side does: long enough to stand out from what is subtracted. */
const OPERATIONS = [
  { name: 'trap', what: 'ecall from S to M and back', each: 1_000_000, ours: 10, peer: 2, target: 300 },
  { name: 'tlb', what: 'PTE change, sfence.vma, load', each: 500_000, ours: 20, peer: 1, target: 400 },
  {
    name: 'smc',
    what: '16 instructions rewritten, fence.i, 8 calls',
    each: 20_000,
    ours: 20,
    peer: 4,
    target: 5000,
  },
];

export async function run({ rounds }) {
  const compiler = findCompiler();
  if (compiler === undefined) return { rows: [], notes: ['no RISC-V C compiler is installed'] };
  const withQemu = available('qemu-system-riscv64') !== null;
  const directory = mkdtempSync(join(tmpdir(), 'faultline-bench-'));
  try {
    const rows = [];
    for (const operation of OPERATIONS)
      rows.push(await compare(operation, compiler, directory, withQemu, rounds));
    return { rows, notes: withQemu ? [] : ['QEMU is not installed: no peer'] };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function compare({ name, what, each, ours, peer, target }, compiler, directory, withQemu, rounds) {
  const own = compiled(compiler, directory, name, ours);
  const theirs = compiled(compiler, directory, name, peer);
  if (withQemu) {
    const checksum = checksumOf((await runToStop(theirs.load, 'auto')).output);
    const expected = checksumOf(runOnQemu(theirs.qemu).output);
    if (checksum === undefined || checksum !== expected)
      throw new Error(`${name}: checksum ${checksum}, QEMU's ${expected}`);
  }
  const nanoseconds = [];
  const peers = [];
  for (let round = 0; round < rounds; round += 1) {
    const empty = await runToStop(own.loadNull, 'auto');
    const full = await runToStop(own.load, 'auto');
    nanoseconds.push((Math.max(full.cpu - empty.cpu, 0) * 1e9) / (each * ours));
    if (!withQemu) continue;
    const peerEmpty = runOnQemu(theirs.qemuNull);
    const peerFull = runOnQemu(theirs.qemu);
    peers.push((Math.max(peerFull.cpu - peerEmpty.cpu, 0) * 1e9) / (each * peer));
  }
  return {
    what,
    unit: 'ns of CPU',
    ours: summarize(nanoseconds),
    target,
    ...(withQemu ? { peer: { name: 'QEMU', ...summarize(peers) } } : {}),
  };
}
