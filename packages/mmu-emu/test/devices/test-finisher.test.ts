import { expect, test } from 'vitest';
import { TEST_FINISHER_BASE, TestFinisher } from '../../src/devices/index.js';

function finisher() {
  const calls: (number | string)[] = [];
  const device = new TestFinisher({ stop: (code) => calls.push(code), reset: () => calls.push('reset') });
  return { device, calls };
}

test.each([
  ['pass ends with 0', 0x5555n, 0],
  ['a failure ends with its code', 0x002a_3333n, 42],
  ['the largest code', 0xffff_3333n, 65535],
  ['a failure without a code is no success', 0x3333n, 1],
  ['a reset is a reset', 0x7777n, 'reset'],
] as const)('%s', (_name, value, outcome) => {
  const { device, calls } = finisher();
  device.store(0, 4, value);
  expect(calls).toEqual([outcome]);
});

test('other values, other offsets and bytes do nothing', () => {
  const { device, calls } = finisher();
  device.store(0, 4, 0x1234n);
  device.store(4, 4, 0x5555n);
  device.store(0, 1, 0x55n);
  expect(calls).toEqual([]);
});

test('16-bit and 64-bit writes are commands too', () => {
  const { device, calls } = finisher();
  device.store(0, 2, 0x5555n);
  device.store(0, 8, 0xffff_ffff_0007_3333n);
  expect(calls).toEqual([0, 7]);
});

test('it reads as zero, and lies where QEMU has it unless told otherwise', () => {
  const { device } = finisher();
  expect(device.load()).toBe(0);
  expect([device.base, TEST_FINISHER_BASE]).toEqual([0x100000, 0x100000]);
  expect(new TestFinisher({ stop: () => undefined, base: 0x2000 }).base).toBe(0x2000);
});

test('a reset that nobody listens to does nothing', () => {
  const calls: number[] = [];
  new TestFinisher({ stop: (code) => calls.push(code) }).store(0, 4, 0x7777n);
  expect(calls).toEqual([]);
});
