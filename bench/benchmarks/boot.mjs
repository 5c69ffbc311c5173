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

/**
 * Prints what it took: seconds, the most bytes that the process had in memory, and bytes of guest RAM that are.
 * @see Linux, "Examining Process Page Tables"
 */
const BOOT = `
import { openSync, readFileSync, readSync } from 'node:fs';
import { EXIT_BUDGET, EXIT_STOP, Machine, prepareBoot, VirtPlatform } from '@faultline/mmu-emu';
const [firmware, kernel, initrd] = process.argv.slice(1);
const start = performance.now();
let output = '';
const platform = new VirtPlatform({
  transmit: (byte) => (output += String.fromCharCode(byte)),
  random: (into) => into.fill(0x5a),
});
const machine = await Machine.create({ ramBytes: ${MEBIBYTES} << 20, devices: platform.devices });
prepareBoot(machine, platform, {
  firmware: readFileSync(firmware),
  kernel: readFileSync(kernel),
  initrd: readFileSync(initrd),
  bootargs: '${COMMAND_LINE}',
});
let instructions = 0;
let reason;
do {
  reason = machine.run(2_000_000);
  instructions += machine.retired;
} while (reason === EXIT_BUDGET);
const { user, system } = process.cpuUsage();
const wall = (performance.now() - start) / 1000;
const bytes = process.resourceUsage().maxRSS * 1024;
const { byteLength } = machine.memory.buffer;
const ranges = [...readFileSync('/proc/self/maps', 'latin1').matchAll(/^(\\w+)-(\\w+) /gm)].map((match) =>
  match.slice(1).map((address) => parseInt(address, 16)),
);
const [start] = ranges.find(([from, to]) => to - from === byteLength);
const pages = Buffer.alloc((machine.ram.bytes / 4096) * 8);
readSync(openSync('/proc/self/pagemap'), pages, 0, pages.length, (start + machine.ram.readable(0).byteOffset) / 512);
let guest = 0;
for (let page = 0; page < pages.length; page += 8) if (pages[page + 7] & 0x80) guest += 4096;
const good = reason === EXIT_STOP && machine.exitCode === 0 && output.includes('${DONE}');
console.log(JSON.stringify({ good, wall, cpu: (user + system) / 1e6, bytes, guest, instructions }));
`;

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
  const { output, errors } = runTimed(process.execPath, ['--input-type=module', '-e', BOOT, ...files], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
  });
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
