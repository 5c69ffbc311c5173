import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { EXIT_BUDGET, EXIT_STOP, Machine, prepareBoot, VirtPlatform } from '../../src/index.js';
import { hasFile } from '../../../../scripts/vitest/needs-tool.js';
import { busyboxSystem } from './initramfs.js';

const FIRMWARE = '/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.bin';
/** What scripts/fetch-linux.sh puts there. */
const LINUX = fileURLToPath(new URL('../../../../.cache/linux/', import.meta.url));
/** One boot more for each number here; `npm run boot-linux` has several. */
const HARTS = (process.env['FAULTLINE_BOOT_HARTS'] ?? '1').split(',').map(Number);

/** The shell's, and its question where the cursor is: from then on it reads a line. */
const PROMPT = /~ # \x1b\[6n/;
const SLICE = 2_000_000;
const LIMIT = 6_000_000_000;
const MINUTES = 60_000;

/** What is typed at each prompt, and what has to appear before the next. */
const SESSION: readonly (readonly [typed: string, answer: RegExp])[] = [
  ['echo $((6 * 7)) forty-two', /\n42 forty-two\r\n/],
  ['busybox uname -m; (echo one; echo two) | busybox wc -l', /\nriscv64\r\n2\r\n/],
  ['busybox grep -c ^processor /proc/cpuinfo', /\n[0-9]+\r\n/],
  ['busybox awk "BEGIN { printf \\"%.6f\\\\n\\", 2 / 7 }"', /\n0\.285714\r\n/],
  ['busybox poweroff -f', /reboot: Power down/],
];

test.for(HARTS)(
  'Linux boots on %i harts to a shell that runs commands, and powers off',
  { timeout: 20 * MINUTES },
  async (harts, { task }) => {
    const leftOut = `a boot of Linux on ${harts} harts`;
    if (!hasFile(task, FIRMWARE, leftOut) || !hasFile(task, `${LINUX}Image`, leftOut)) return;
    const output: number[] = [];
    const platform = new VirtPlatform({
      transmit: (byte) => output.push(byte),
      random: (into) => into.fill(0x5a),
      epoch: 1_577_836_800_000_000_000n,
    });
    const machine = await Machine.create({ harts, ramBytes: 2 ** 28, devices: platform.devices });
    prepareBoot(machine, platform, {
      firmware: readFileSync(FIRMWARE),
      kernel: readFileSync(`${LINUX}Image`),
      initrd: busyboxSystem(readFileSync(`${LINUX}busybox`)),
      bootargs: 'console=ttyS0 quiet',
    });
    let seen = '';
    let retired = 0;
    /** Runs until the output since the last time matches. */
    const runUntil = (pattern: RegExp): number => {
      for (;;) {
        const reason = machine.run(SLICE);
        retired += machine.retired;
        seen += Buffer.from(output.splice(0)).toString('latin1');
        const found = pattern.exec(seen);
        if (found !== null) {
          seen = seen.slice(found.index + found[0].length);
          return reason;
        }
        expect(reason, seen).toBe(EXIT_BUDGET);
        expect(retired, seen).toBeLessThan(LIMIT);
      }
    };
    runUntil(/the first process runs/);
    for (const [typed, answer] of SESSION) {
      runUntil(PROMPT);
      platform.uart.receive(Buffer.from(`${typed}\n`));
      runUntil(answer);
    }
    while (machine.run(SLICE) === EXIT_BUDGET) {
      retired += machine.retired;
      expect(retired).toBeLessThan(LIMIT);
    }
    expect([machine.run(1), machine.exitCode]).toEqual([EXIT_STOP, 0]);
  },
);
