import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  BootError,
  EXIT_RESET,
  EXIT_STOP,
  Machine,
  prepareBoot,
  readRegister,
  VirtPlatform,
} from '../../src/index.js';
import type { BootOptions } from '../../src/index.js';
import { hasFile } from '../../../../scripts/vitest/needs-tool.js';

/** Debian's package `opensbi`. */
const FIRMWARE = '/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.bin';

/** The same, as an ELF. */
const FIRMWARE_ELF = FIRMWARE.replace(/bin$/, 'elf');

const MEBIBYTE = 2 ** 20;

async function boot(harts: number, options: Partial<BootOptions> = {}, ramBytes = 64 * MEBIBYTE) {
  const text: number[] = [];
  const platform = new VirtPlatform({ transmit: (byte) => text.push(byte) });
  const machine = await Machine.create({ harts, ramBytes, devices: platform.devices });
  prepareBoot(machine, platform, { firmware: readFileSync(FIRMWARE), ...options });
  return { machine, platform, text: () => Buffer.from(text).toString() };
}

/** A kernel of a few instructions: says `hi` by SBI's console, then `li a7, 8; ecall` for the end of the machine, or something else. */
function tinyKernel(ending = [0x0080_0893, 0x0000_0073]): Uint8Array {
  const bytes = new Uint8Array(4096);
  const view = new DataView(bytes.buffer);
  const code = [
    0x0400006f, // j 64
  ];
  code.forEach((word, index) => view.setUint32(4 * index, word, true));
  view.setBigUint64(16, 8192n, true);
  view.setUint32(56, 0x0543_5352, true);
  const body = [
    0x06800513, // li a0, 'h'
    0x00100893, // li a7, 1
    0x00000073, // ecall
    0x06900513, // li a0, 'i'
    0x00000073, // ecall
    ...ending,
  ];
  body.forEach((word, index) => view.setUint32(64 + 4 * index, word, true));
  return bytes;
}

describe('OpenSBI', () => {
  test.for([1, 2, 4])(
    'boots on %i harts to its banner and to a kernel, which ends the machine',
    async (harts, { task }) => {
      if (!hasFile(task, FIRMWARE, `OpenSBI on ${harts} harts`)) return;
      const { machine, text } = await boot(harts, { kernel: tinyKernel() });
      expect(machine.run(50_000_000)).toBe(EXIT_STOP);
      expect(machine.exitCode).toBe(0);
      const output = text();
      expect(output).toContain('OpenSBI v');
      expect(output).toMatch(/Platform Name +: faultline,mmu-emu\r?\n/);
      expect(output).toMatch(new RegExp(`Platform HART Count +: ${harts}\\r?\\n`));
      expect(output).toMatch(/Platform IPI Device +: aclint-mswi\r?\n/);
      expect(output).toMatch(/Platform Timer Device +: aclint-mtimer @ 10000000Hz\r?\n/);
      expect(output).toMatch(/Platform Console Device +: uart8250\r?\n/);
      expect(output).toMatch(/Boot HART PMP Count +: 16\r?\n/);
      expect(output).toMatch(/hi$/);
    },
  );
});

/** What the firmware itself needs is 2 MiB, as much as a kernel, and as the device tree at the end of RAM. */
test.for([6, 16, 3584])(
  'OpenSBI boots with %i MiB of RAM, and so does its kernel',
  async (mebibytes, { task }) => {
    if (!hasFile(task, FIRMWARE, `OpenSBI with ${mebibytes} MiB`)) return;
    const { machine, text } = await boot(1, { kernel: tinyKernel() }, mebibytes * MEBIBYTE);
    expect([machine.run(50_000_000), machine.exitCode]).toEqual([EXIT_STOP, 0]);
    expect(text()).toMatch(/OpenSBI v[^]*Platform Name +: faultline,mmu-emu[^]*hi$/);
  },
);

test('OpenSBI as an ELF boots as well, and a reset by SBI boots again', async ({ task }) => {
  if (!hasFile(task, FIRMWARE_ELF, 'OpenSBI as an ELF')) return;
  // a0 = 1 (cold reboot), a1 = 0, a6 = 0, a7 = 'SRST'
  const reset = [0x0010_0513, 0x0000_0593, 0x0000_0813, 0x5352_58b7, 0x3548_8893, 0x0000_0073];
  const images = { firmware: readFileSync(FIRMWARE_ELF), kernel: tinyKernel(reset) };
  const { machine, platform, text } = await boot(2, images);
  for (let time = 1; time <= 2; time++) {
    expect(machine.run(50_000_000)).toBe(EXIT_RESET);
    expect(text().match(/OpenSBI v/g)).toHaveLength(time);
    expect(text()).toMatch(/hi$/);
    machine.reset();
    prepareBoot(machine, platform, images);
  }
});

test('OpenSBI 1.1 enables cache-block operations for supervisors, which the device tree names', async ({
  task,
}) => {
  if (!hasFile(task, FIRMWARE, 'what OpenSBI writes to menvcfg')) return;
  const { machine, text } = await boot(1, { kernel: tinyKernel() });
  machine.run(50_000_000);
  expect(text()).toMatch(/OpenSBI v1\.1/);
  // CBIE, CBCFE and CBZE.
  expect((readRegister(machine.harts[0], 'menvcfg') ?? 0n) & 0xf0n).toBe(0xf0n);
});

describe('prepareBoot', () => {
  test('refuses what is no kernel image, and what does not fit, and writes nothing', async () => {
    const platform = new VirtPlatform({ transmit: () => undefined });
    const machine = await Machine.create({ ramBytes: 2 ** 23, devices: platform.devices });
    const firmware = new Uint8Array(4096).fill(1);
    const attempt = (options: Partial<BootOptions>): unknown => {
      try {
        prepareBoot(machine, platform, { firmware, ...options });
        return undefined;
      } catch (error) {
        return error;
      }
    };
    expect(attempt({ kernel: Buffer.from('\x1f\x8b gzip') })).toMatchObject({ code: 'not-a-kernel' });
    expect(attempt({ initrd: new Uint8Array(2 ** 22 + 1) })).toMatchObject({ code: 'does-not-fit' });
    expect(attempt({ initrd: new Uint8Array(2 ** 22 + 1) })).toBeInstanceOf(BootError);
    expect(machine.ram.readable(0, machine.ram.frameCount).every((byte) => byte === 0)).toBe(true);
    expect(attempt({ initrd: new Uint8Array(2 ** 22) })).toBeUndefined();
  });

  test('puts what reads itself into RAM where it puts the same bytes', async () => {
    const firmware = new Uint8Array(5000).fill(1);
    const kernel = tinyKernel();
    const initrd = Uint8Array.from({ length: 10_001 }, (_, index) => index * 7);
    const reader = (bytes: Uint8Array) => ({
      bytes: bytes.length,
      read: (offset: number, into: Uint8Array) => into.set(bytes.subarray(offset, offset + into.length)),
    });
    const boots = [
      { firmware, kernel, initrd },
      { firmware, kernel: reader(kernel), initrd: reader(initrd) },
    ];
    const [given, read] = await Promise.all(
      boots.map(async (options) => {
        const platform = new VirtPlatform({ transmit: () => undefined });
        const machine = await Machine.create({ ramBytes: 2 ** 24, devices: platform.devices });
        const layout = prepareBoot(machine, platform, options);
        return { layout, ram: Buffer.from(machine.ram.readable(0, machine.ram.frameCount)) };
      }),
    );
    expect(read.layout).toEqual(given.layout);
    expect(read.ram.equals(given.ram)).toBe(true);
    const from = given.layout.initrd!.start - 0x8000_0000;
    expect(given.ram.subarray(from, from + initrd.length).equals(initrd)).toBe(true);
    const short = { bytes: 63, read: (_offset: number, into: Uint8Array) => into.fill(0x52) };
    const { machine, platform } = await boot(1);
    expect(() => prepareBoot(machine, platform, { firmware, kernel: short })).toThrow('not a RISC-V Image');
  });

  test('says how much RAM is needed, and no more than that', async () => {
    const attempt = async (mebibytes: number, initrd: Uint8Array): Promise<unknown> => {
      const platform = new VirtPlatform({ transmit: () => undefined });
      const machine = await Machine.create({ ramBytes: mebibytes * MEBIBYTE, devices: platform.devices });
      try {
        prepareBoot(machine, platform, { firmware: new Uint8Array(4096), kernel: tinyKernel(), initrd });
        return undefined;
      } catch (error) {
        return error;
      }
    };
    for (const [bytes, needed] of [
      [1, 8],
      [2 * MEBIBYTE, 8],
      [2 * MEBIBYTE + 1, 10],
      [5 * MEBIBYTE, 12],
    ]) {
      const message = `what is booted needs ${needed} MiB of RAM or more`;
      expect(await attempt(needed - 1, new Uint8Array(bytes))).toMatchObject({
        code: 'does-not-fit',
        message,
      });
      expect(await attempt(2, new Uint8Array(bytes))).toMatchObject({ message });
      expect(await attempt(needed, new Uint8Array(bytes))).toBeUndefined();
    }
  });
});
