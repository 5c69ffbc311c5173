import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { main } from '../../src/command/main.js';
import { assemble } from '../../src/index.js';
import { buildElf, R, W, X } from '../elf/elf-builder.js';

const folder = mkdtempSync(join(tmpdir(), 'faultline-mmu-emu-'));
afterAll(() => rmSync(folder, { recursive: true }));

const BASE = 0x8000_0000;
const UART = 0x1000_0000;
let files = 0;

/** Writes a file and gives its path. */
function file(bytes: Uint8Array | string): string {
  const path = join(folder, `program-${files++}.elf`);
  writeFileSync(path, bytes);
  return path;
}

/** A program in one segment at the start of RAM. */
function program(source: string): string {
  const { bytes, symbols } = assemble(source, { origin: BASE });
  return file(
    buildElf({
      segments: [{ flags: R | W | X, vaddr: BASE, data: bytes }],
      symbols: [...symbols].map(([name, value]) => ({ name, value: BigInt(value) })),
    }),
  );
}

const exitWith = (code: number): string => `
  li t0, 0x100000
  li t1, ${code === 0 ? 0x5555 : 0x3333 + code * 65536}
  sw t1, 0(t0)`;

async function run(args: readonly string[], input: Uint8Array | string = '') {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const read = async (stream: PassThrough): Promise<Buffer> => {
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks);
  };
  const [output, errors] = [read(stdout), read(stderr)];
  stdin.end(input);
  const status = await main(args, { stdin, stdout, stderr });
  stdout.end();
  stderr.end();
  return { status, output: await output, errors: (await errors).toString() };
}

/** Sends back every byte it receives up to a NUL, then passes. */
const ECHO = `
_start: li s0, ${UART}
1:  lbu t0, 5(s0)
    andi t0, t0, 1
    beqz t0, 1b
    lbu a0, 0(s0)
    beqz a0, done
    sb a0, 0(s0)
    j 1b
done: ${exitWith(0)}
`;

describe('run', () => {
  test.each([
    [0, 0],
    [1, 1],
    [42, 42],
    [255, 255],
    [256, 1],
    [257, 1],
  ])('a program that ends with %i gives status %i', async (code, status) => {
    expect(await run(['run', program(exitWith(code))])).toEqual({
      status,
      output: Buffer.alloc(0),
      errors: '',
    });
  });

  test('what a program receives and sends is byte-exact, longer than any buffer in between', async () => {
    const input = Uint8Array.from({ length: 20_000 }, (_, index) => 1 + ((index * 7) % 255));
    const { status, output } = await run(['run', program(ECHO)], Buffer.concat([input, Buffer.of(0)]));
    expect(status).toBe(0);
    expect(output.equals(input)).toBe(true);
  });

  test('a program that does not end in time gives 124 and says so', async () => {
    const { status, errors } = await run(['run', '--max-instructions', '12345', program('1: j 1b')]);
    expect(status).toBe(124);
    expect(errors).toBe('mmu-emu: the program has not ended within 12345 instructions\n');
  });

  test('a program that waits for an interrupt gives 125 and says so', async () => {
    const { status, errors } = await run(['run', program('1: wfi\nj 1b')]);
    expect(status).toBe(125);
    expect(errors).toContain('waits for an interrupt');
  });

  test('statistics count the instructions', async () => {
    const { errors } = await run(['run', '--stats', '--clock', 'virtual', program(`nop\nnop${exitWith(0)}`)]);
    expect(errors).toMatch(/^instructions 6, time [0-9.]+ s, [0-9.]+ MIPS\n$/);
  });

  test('with the virtual clock, a program sees the same time in every run', async () => {
    const source = `rdtime t2
      li t3, 1000
    1: addi t3, t3, -1
      bnez t3, 1b
      rdtime t4
      sub t4, t4, t2
      li t0, 0x100000
      li t1, 0x3333
      slli t4, t4, 16
      or t1, t1, t4
      sw t1, 0(t0)`;
    const path = program(source);
    const first = await run(['run', '--clock', 'virtual', path]);
    const second = await run(['run', '--clock', 'virtual', path]);
    // 2,000 instructions of one nanosecond are 20 ticks of 100 ns.
    expect([first.status, second.status]).toEqual([20, 20]);
  });
});

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
      'mmu-emu: ramBytes must be a multiple of 4096 from 1 MiB to 3.5 GiB\n',
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
