import { describe, expect, test } from 'vitest';
import { isaExtensions, isaString, INSTRUCTIONS, VirtPlatform } from '../../src/index.js';
import { readTree } from './read-tree.js';

describe('the tree of a platform', () => {
  const platform = new VirtPlatform({ transmit: () => undefined });
  const bytes = platform.deviceTree({
    harts: 3,
    ramBytes: 2 ** 32,
    timebaseHz: 1_000_000,
    bootargs: 'quiet',
    initrd: { start: 0x1_0000_0000, end: 0x1_0000_1000 },
  });
  const tree = readTree(bytes);

  test('has memory, time and what the kernel is to be told', () => {
    expect(tree.get('/memory@80000000')).toMatchObject({ reg: '00000000800000000000000100000000' });
    expect(tree.get('/cpus')).toMatchObject({ 'timebase-frequency': '000f4240' });
    expect(tree.get('/chosen')).toEqual({
      bootargs: Buffer.from('quiet\0').toString('hex'),
      'stdout-path': Buffer.from('/soc/serial@10000000\0').toString('hex'),
      'linux,initrd-start': '0000000100000000',
      'linux,initrd-end': '0000000100001000',
    });
  });

  test('connects every hart with CLINT and PLIC', () => {
    const harts = ['/cpus/cpu@0', '/cpus/cpu@1', '/cpus/cpu@2'];
    expect([...tree.keys()].filter((path) => /^\/cpus\/cpu@[0-9]$/.test(path))).toEqual(harts);
    const handles = harts.map((path) => tree.get(`${path}/interrupt-controller`)?.['phandle']);
    expect(new Set(handles).size).toBe(3);
    expect(tree.get('/soc/clint@2000000')?.['interrupts-extended']).toBe(
      handles.map((handle) => `${handle}00000003${handle}00000007`).join(''),
    );
    expect(tree.get('/soc/plic@c000000')?.['interrupts-extended']).toBe(
      handles.map((handle) => `${handle}0000000b${handle}00000009`).join(''),
    );
  });

  test('says how long the blocks of each cache-block operation are that it names', () => {
    const cpu = tree.get('/cpus/cpu@2') ?? {};
    const named = Buffer.from(cpu['riscv,isa-extensions'], 'hex').toString().split('\0');
    for (const kind of ['m', 'p', 'z']) {
      expect(named).toContain(`zicbo${kind}`);
      expect(cpu[`riscv,cbo${kind}-block-size`]).toBe('00000040');
    }
  });

  test('names each device of the machine, by address', () => {
    const windows = [...tree.values()].map(({ reg }) => reg).filter((reg) => reg?.length === 32);
    for (const { name, base } of platform.devices) {
      const covers = windows.some((reg) => {
        const start = parseInt(reg.slice(8, 16), 16);
        return base >= start && base < start + parseInt(reg.slice(24), 16);
      });
      expect(covers, name).toBe(true);
    }
  });
});

test('the ISA string lists what the instruction table has, in the canonical order', () => {
  expect(isaString()).toMatch(/^rv64imafdc(_[a-z]+)+$/);
  const names = new Set<string>(INSTRUCTIONS.map(({ extension }) => extension.toLowerCase()));
  names.delete('priv');
  for (const added of ['zicntr', 'zihpm', 'sstc', 'svade', 'svnapot', 'svpbmt']) names.add(added);
  expect(new Set(isaExtensions())).toEqual(names);
});
