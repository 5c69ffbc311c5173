import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { buildElf } from '../elf/elf-builder.js';
import { exitWith, run, scratch } from './programs.js';

const { folder, file, program } = scratch();

describe('a program that cannot be started gives 2 and a sentence', () => {
  test.each([
    ['a missing file', () => join(folder, 'missing.elf'), 'there is no such file'],
    ['a directory', () => folder, 'it is a directory'],
    ['a text', () => file('#!/bin/sh\n'), 'not an ELF program'],
    ['an x86-64 program', () => file(buildElf({ machine: 62 })), 'the program is for x86-64'],
    ['a program that is not linked to RAM', () => file(buildElf()), 'RAM is 0x80000000 to'],
    ['a program that is cut', () => file(buildElf().subarray(0, 70)), 'e_phoff'],
  ])('%s', async (_name, path, message) => {
    const { status, errors, output } = await run(['run', path()]);
    expect(status).toBe(2);
    expect(errors).toMatch(/^mmu-emu: /);
    expect(errors).toContain(message);
    expect(output).toHaveLength(0);
  });

  test('memory that the machine does not have', async () => {
    const { status, errors } = await run(['run', '--memory', '4G', program(exitWith(0))]);
    expect([status, errors]).toEqual([
      2,
      'mmu-emu: --memory must be a multiple of 4096 from 1 MiB to 3.5 GiB\n',
    ]);
  });

  test('a wrong option, with a hint', async () => {
    const { status, errors } = await run(['run', '--frob', 'a.elf']);
    expect([status, errors]).toEqual([2, 'mmu-emu: Unknown option \'--frob\'\nTry "mmu-emu --help".\n']);
  });
});

test('disassemble prints code with the names of its symbols', async () => {
  const path = program(`start: li a0, 1\n beqz a0, end\n c.nop\n.half 0\nend: ret`);
  const { status, output } = await run(['disassemble', path]);
  expect(status).toBe(0);
  expect(output.toString()).toBe(`
0000000080000000 <start>:
80000000:  00100513  addi a0,zero,1
80000004:  00050463  beq a0,zero,0x8000000c
80000008:  0001      c.nop
8000000a:  0000      .half 0x0000

000000008000000c <end>:
8000000c:  00008067  jalr zero,0(ra)
`);
});

test('help and version go to standard output', async () => {
  const help = await run(['--help']);
  expect([help.status, help.errors]).toEqual([0, '']);
  expect(help.output.toString()).toMatch(/^Usage: mmu-emu run/);
  const version = await run(['--version']);
  expect(version.output.toString()).toMatch(/^mmu-emu [0-9]+\.[0-9]+\.[0-9]+\n$/);
});

test('the launcher of a package that has not been built says so', () => {
  const bin = join(folder, 'package', 'bin');
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(folder, 'package', 'package.json'), '{ "type": "module" }');
  copyFileSync(fileURLToPath(new URL('../../bin/mmu-emu.js', import.meta.url)), join(bin, 'mmu-emu.js'));
  const { status, stderr } = spawnSync(process.execPath, [join(bin, 'mmu-emu.js')], { encoding: 'utf8' });
  expect([status, stderr]).toEqual([
    2,
    'mmu-emu: the package has not been built; run "npm run build" first\n',
  ]);
});
