/**
 * Guest instructions a second, of the interpreter and with hot code translated: an assembled integer loop, and C programs
 * under Sv39; QEMU beside them on the same images. Time to translate counts.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assemble } from '@faultline/mmu-emu';
import { RAM_BASE } from '../bare-machine.mjs';
import { checksumOf, compiled, findCompiler, runOnQemu, runToStop } from '../bare-programs.mjs';
import { available } from '../peers/process-time.mjs';
import { summarize } from '../statistics.mjs';

/** A table of 4,096 words is hashed and rewritten, with a data-dependent branch; 13 or 14 instructions a step. */
const loop = (steps) => `
    li   s0, ${steps}
    la   s1, table
    li   s2, 0x9e3779b1
    li   a0, 1
    li   t3, 0
step:
    andi t0, a0, 2047
    slli t0, t0, 2
    add  t0, t0, s1
    lw   t1, 0(t0)
    xor  a0, a0, t1
    mul  a0, a0, s2
    srli t1, a0, 13
    xor  a0, a0, t1
    sw   a0, 0(t0)
    andi t1, a0, 1
    beqz t1, even
    addi t3, t3, 1
even:
    addi s0, s0, -1
    bnez s0, step
    li   t0, 0x100000
    li   t1, 0x5555
    sw   t1, 0(t0)
park:
    j    park
    .balign 4096
table:
    .zero 16384
`;

/** C programs: what of, and how much of it, the translator and QEMU run; the interpreter runs a quarter. */
const TRANSLATED = {
  int: 4,
  vm: 4,
  call: 4,
  muldiv: 8,
  sha: 4,
  fp: 2,
  lz: 4,
  words: 6,
  blur: 6,
  stream: 4,
  streamo: 4,
};
const INTERPRETED = ['int', 'vm', 'fp'];
/** Those that the mean is made of. */
const MEAN = ['int', 'vm', 'call', 'muldiv', 'sha', 'fp'];

export async function run({ rounds }) {
  const notes = [];
  const rows = [];
  const directory = mkdtempSync(join(tmpdir(), 'faultline-bench-'));
  try {
    const qemu = available('qemu-system-riscv64');
    if (qemu === null) notes.push('QEMU is not installed: no peer');
    const assembled = { name: 'integer loop, M-mode, bare', ...assembledLoop(directory) };
    const compiler = findCompiler();
    const image = (name, scale) => ({
      name: `${name}, S-mode, Sv39, 4 KiB pages`,
      ...compiled(compiler, directory, name, scale),
    });
    if (compiler === undefined) notes.push('no RISC-V C compiler is installed: the C programs were not run');
    const interpreted = [assembled];
    if (compiler !== undefined) interpreted.push(...INTERPRETED.map((name) => image(name, 1)));
    for (const each of interpreted) rows.push(await compare(each, 'interpreter', qemu !== null, rounds));
    rows.push(await compare(assembled, 'auto', qemu !== null, rounds));
    const means = [];
    for (const [name, scale] of compiler === undefined ? [] : Object.entries(TRANSLATED)) {
      const row = await compare(image(name, scale), 'auto', qemu !== null, rounds);
      rows.push(row);
      if (MEAN.includes(name)) means.push(row);
    }
    if (means.length > 0) rows.push(meanOf(means));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  return { rows, notes };
}

function assembledLoop(directory) {
  const image = (steps, file) => {
    const { bytes } = assemble(loop(steps), { origin: RAM_BASE });
    const path = join(directory, file);
    writeFileSync(path, bytes);
    return { bytes, arguments: ['-device', `loader,file=${path},addr=0x80000000,cpu-num=0`] };
  };
  const long = image(8_000_000, 'loop.bin');
  const short = image(1, 'null.bin');
  const copy = (bytes) => (machine) => machine.ram.writable(0, Math.ceil(bytes.length / 4096)).set(bytes);
  return {
    load: copy(long.bytes),
    loadNull: copy(short.bytes),
    qemu: long.arguments,
    qemuNull: short.arguments,
  };
}

/** The geometric mean of the medians. */
function meanOf(rows) {
  const mean = (values) => Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
  const medians = mean(rows.map(({ ours }) => ours.median));
  const peers = rows.flatMap(({ peer }) => (peer === undefined ? [] : [peer.median]));
  return {
    what: `geometric mean of ${MEAN.join(', ')}, translated`,
    unit: 'million instructions / CPU s',
    ours: {
      median: medians,
      min: mean(rows.map(({ ours }) => ours.min)),
      max: mean(rows.map(({ ours }) => ours.max)),
    },
    ...(peers.length === rows.length ? { peer: { name: 'QEMU', median: mean(peers) } } : {}),
  };
}

async function compare(image, engine, withQemu, rounds) {
  const ours = [];
  const peer = [];
  let instructions = 0;
  let checksum;
  for (let round = 0; round < rounds; round += 1) {
    const empty = await runToStop(image.loadNull, engine);
    const full = await runToStop(image.load, engine);
    instructions = full.retired - empty.retired;
    checksum = checksumOf(full.output);
    ours.push(instructions / Math.max(full.cpu - empty.cpu, 1e-6) / 1e6);
    if (!withQemu) continue;
    const peerEmpty = runOnQemu(image.qemuNull);
    const peerFull = runOnQemu(image.qemu);
    const peerChecksum = checksumOf(peerFull.output);
    if (peerChecksum !== checksum)
      throw new Error(`${image.name}: checksum ${checksum}, QEMU's ${peerChecksum}`);
    peer.push(instructions / Math.max(peerFull.cpu - peerEmpty.cpu, 1e-6) / 1e6);
  }
  return {
    what: `${image.name}, ${engine === 'auto' ? 'translated' : 'interpreted'}`,
    unit: 'million instructions / CPU s',
    ours: summarize(ours),
    ...(engine === 'interpreter' ? { target: 200 } : {}),
    ...(withQemu ? { peer: { name: 'QEMU', ...summarize(peer) } } : {}),
  };
}
