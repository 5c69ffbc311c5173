import { describe, expect, test } from 'vitest';
import { Bus } from '../../src/bus/index.js';
import type { Device } from '../../src/bus/index.js';

function device(name: string, base: number, bytes: number): Device {
  return { name, base, bytes, load: () => 0, store: () => undefined };
}

describe('the bus', () => {
  const bus = new Bus([device('b', 0x2000, 0x100), device('a', 0x1000, 8), device('c', 0x2100, 0x10)]);

  test('orders its devices by address', () => {
    expect(bus.devices.map(({ name }) => name)).toEqual(['a', 'b', 'c']);
  });

  test.each([
    [0x0fff, undefined],
    [0x1000, 'a'],
    [0x1007, 'a'],
    [0x1008, undefined],
    [0x20ff, 'b'],
    [0x2100, 'c'],
    [0x210f, 'c'],
    [0x2110, undefined],
    [2 ** 52, undefined],
  ])('finds what answers at %d: %s', (paddr, name) => {
    expect(bus.find(paddr)?.name).toBe(name);
  });

  test('without devices finds nothing', () => {
    expect(new Bus([]).find(0)).toBeUndefined();
  });

  test.each([
    ['overlapping', [device('a', 0x1000, 16), device('b', 0x1008, 8)]],
    ['unaligned', [device('a', 0x1001, 16)]],
    ['ragged', [device('a', 0x1000, 12)]],
    ['empty', [device('a', 0x1000, 0)]],
    ['negative', [device('a', -8, 8)]],
    ['endless', [device('a', 8, Number.MAX_VALUE)]],
  ])('refuses %s windows', (_name, devices) => {
    expect(() => new Bus(devices)).toThrow(RangeError);
  });
});
