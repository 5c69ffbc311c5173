import { describe, expect, test } from 'vitest';
import { BootError, Machine, prepareBoot, VirtPlatform } from '../../src/index.js';
import type { BootOptions } from '../../src/index.js';
import { tinyKernel } from './tiny-kernel.js';

const MEBIBYTE = 2 ** 20;

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
    const platform = new VirtPlatform({ transmit: () => undefined });
    const machine = await Machine.create({ ramBytes: 2 ** 24, devices: platform.devices });
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
