import { expect, test } from 'vitest';
import { EXIT_RESET, EXIT_STOP } from '../../src/index.js';
import { hasLinux, LinuxRun } from './linux-run.js';
import type { LinuxPoint } from './linux-run.js';

/** One boot more for each number here; `npm run boot-linux` has several. */
const HARTS = (process.env['FAULTLINE_BOOT_HARTS'] ?? '1').split(',').map(Number);
/** Instructions after which a snapshot is taken: firmware has said its last, the first process comes at some 900 million. */
const SNAPSHOT_AT = 400_000_000;
const MINUTES = 60_000;

/** What is typed at each prompt, and what has to appear before the next. */
const SERIAL_SESSION: readonly (readonly [typed: string, answer: RegExp])[] = [
  ['echo $((6 * 7)) forty-two', /\n42 forty-two\r\n/],
  ['busybox uname -m; (echo one; echo two) | busybox wc -l', /\nriscv64\r\n2\r\n/],
  ['busybox grep -c ^processor /proc/cpuinfo', /\n[0-9]+\r\n/],
  ['busybox awk "BEGIN { printf \\"%.6f\\\\n\\", 2 / 7 }"', /\n0\.285714\r\n/],
  ['busybox grep -m 1 -o "_zicbo._zicbo._zicbo._" /proc/cpuinfo', /_zicbom_zicbop_zicboz_\r\n/],
  ['exec sh </dev/hvc0 >/dev/hvc0 2>&1', /\r\n/],
];
/** The same at the virtio console, with the other virtio devices. */
const VIRTIO_SESSION: typeof SERIAL_SESSION = [
  ['busybox head -c 16 /dev/vda', /\na drive of zeros/],
  ['echo written by Linux | busybox dd of=/dev/vda bs=512 seek=3 conv=fsync', /1 records out\r\n/],
  ['busybox hexdump -n 3 -v -e \'1/1 "%02x."\' /dev/hwrng', /5a\.5a\.5a\./],
];

/** Runs from the boot, or a point of it, through the session to power-off; gives the point at the last prompt. */
function finish(linux: LinuxRun): LinuxPoint {
  linux.runUntil(/the first process runs/);
  for (const [typed, answer] of SERIAL_SESSION) {
    linux.type(typed, 'serial');
    linux.runUntil(answer);
  }
  for (const [typed, answer] of VIRTIO_SESSION) {
    linux.type(typed, 'virtio');
    linux.runUntil(answer);
  }
  const point = linux.save();
  linux.type('busybox poweroff -f', 'virtio');
  linux.runUntil(/reboot: Power down/);
  expect([linux.runToEnd(), linux.machine.exitCode]).toEqual([EXIT_STOP, 0]);
  expect(Buffer.from(linux.drive.subarray(3 * 512)).toString()).toMatch(/^written by Linux\n\0/);
  return point;
}

test.for(HARTS)(
  'Linux boots on %i harts to a shell that runs commands, powers off and reboots; a snapshot from the middle of the boot goes on as it did',
  { timeout: 20 * MINUTES },
  async (harts, { task }) => {
    if (!hasLinux(task, `a boot of Linux on ${harts} harts`)) return;
    const linux = await LinuxRun.empty(harts);
    linux.load('console=ttyS0 quiet');
    while (linux.retired < SNAPSHOT_AT) linux.runOn();
    const middle = linux.save();
    const last = finish(linux);

    const restored = await LinuxRun.empty(harts);
    restored.restore(middle);
    finish(restored);
    expect(restored.said).toBe(linux.said);
    expect(restored.retired).toBe(linux.retired);
    expect(restored.look()).toEqual(linux.look());
    expect(Buffer.compare(restored.drive, linux.drive)).toBe(0);

    // Back to the last prompt, for the other way to end it.
    restored.restore(last);
    restored.type('busybox reboot -f', 'virtio');
    restored.runUntil(/reboot: Restarting system/);
    expect(restored.runToEnd()).toBe(EXIT_RESET);
    restored.machine.reset();
    restored.load('earlycon=sbi');
    restored.runUntil(/OpenSBI v[^]*Linux version [0-9]/);
  },
);
