import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { EXIT_RESET, EXIT_STOP, Machine, prepareBoot, readRegister, VirtPlatform } from '../../src/index.js';
import type { BootOptions } from '../../src/index.js';
import { hasFile } from '../../../../scripts/vitest/needs-tool.js';
import { tinyKernel } from './tiny-kernel.js';

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
