/**
 * Debian's Linux with busybox, from power-on to power-off: a loop in the shell between. Each boot is a process of its own;
 * QEMU boots the same firmware, kernel and initial file system.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { available, runTimed } from '../peers/process-time.mjs';
import { summarize } from '../statistics.mjs';

const FIRMWARE = '/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.bin';
const LINUX = fileURLToPath(new URL('../../.cache/linux/', import.meta.url));
const INITRAMFS = fileURLToPath(
  new URL('../../packages/mmu-emu/test/platform/initramfs.ts', import.meta.url),
);
const MEBIBYTES = 512;
const COMMAND_LINE = 'console=ttyS0 quiet';
const INIT = `#!/bin/sh
busybox mount -t proc proc /proc
i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done
echo counted to $i
busybox poweroff -f
`;
const DONE = 'counted to 20000';

const BOOT = fileURLToPath(new URL('../processes/boot-linux.mjs', import.meta.url));

export async function run({ rounds }) {
  const kernel = join(LINUX, 'Image');
  if (!existsSync(FIRMWARE) || !existsSync(kernel))
    return { rows: [], notes: ["OpenSBI or Debian's Linux (scripts/fetch-linux.sh) is not there: no boot"] };
  const withQemu = available('qemu-system-riscv64') !== null;
  const directory = mkdtempSync(join(tmpdir(), 'faultline-bench-'));
  try {
    const initrd = join(directory, 'initrd');
    writeFileSync(initrd, await fileSystem(directory));
    const ours = [];
    const peers = [];
    for (let round = 0; round < rounds; round += 1) {
      ours.push(boot([FIRMWARE, kernel, initrd]));
      if (withQemu) peers.push(bootOnQemu(kernel, initrd));
    }
    const wall = ours.map(({ wall }) => wall).sort((a, b) => a - b)[ours.length >> 1];
    return {
      rows: [
        {
          what: 'Linux from power-on to power-off, one hart',
          unit: 's of CPU',
          ours: summarize(ours.map(({ cpu }) => cpu)),
          target: 8,
          ...(withQemu ? { peer: { name: 'QEMU', ...summarize(peers) } } : {}),
        },
        {
          what: 'memory of the process in that boot, beyond what guest RAM takes',
          unit: 'MB',
          ours: summarize(ours.map(({ bytes, guest }) => (bytes - guest) / 1e6)),
          target: 200,
        },
      ],
      notes: [
        `${(ours[0].instructions / 1e9).toFixed(2)} billion instructions, ${wall.toFixed(1)} s of wall time, ` +
          `${Math.round(ours[0].guest / 1e6)} MB of guest RAM used`,
        ...(withQemu ? [] : ['QEMU is not installed: no peer']),
      ],
    };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Busybox, and a first process that counts and powers off. */
async function fileSystem(directory) {
  const outfile = join(directory, 'initramfs.mjs');
  await build({ entryPoints: [INITRAMFS], bundle: true, format: 'esm', platform: 'node', outfile });
  const { initramfs } = await import(pathToFileURL(outfile).href);
  return initramfs([
    ...['bin', 'dev', 'proc'].map((name) => ({ name, mode: 0o040755 })),
    { name: 'dev/console', mode: 0o020600, device: [5, 1] },
    { name: 'bin/busybox', mode: 0o100755, content: readFileSync(join(LINUX, 'busybox')) },
    { name: 'bin/sh', mode: 0o120777, content: 'busybox' },
    { name: 'init', mode: 0o100755, content: INIT },
  ]);
}

function boot(files) {
  const { output, errors } = runTimed(process.execPath, [
    BOOT,
    ...files,
    String(MEBIBYTES),
    COMMAND_LINE,
    DONE,
  ]);
  const result = JSON.parse(output.trim() || '{}');
  if (result.good !== true) throw new Error(`Linux did not run to its end: ${output}${errors}`);
  return result;
}

function bootOnQemu(kernel, initrd) {
  const { cpu, output, errors } = runTimed('qemu-system-riscv64', [
    ...['-M', 'virt', '-m', `${MEBIBYTES}M`, '-display', 'none', '-serial', 'stdio', '-bios', FIRMWARE],
    ...['-kernel', kernel, '-initrd', initrd, '-append', COMMAND_LINE],
  ]);
  if (!output.includes(DONE)) throw new Error(`Linux did not run to its end on QEMU: ${output}${errors}`);
  return cpu;
}
