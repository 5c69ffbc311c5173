import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  mkdtempSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
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

  test('statistics tell what was translated, why it was left, and what was not', async () => {
    const source = `li t0, 5000\n1: addi t0, t0, -1\ncsrr t1, mcycle\nbnez t0, 1b${exitWith(0)}`;
    const { errors } = await run(['run', '--stats', '--engine', 'translator', program(source)]);
    const [, share, left, refused] = /^translated ([0-9.]+)% of them, in [0-9]+ regions of [0-9]+ instructions; [0-9]+ modules, [0-9]+ bytes\nregions now [0-9]+, invalidated 0, replaced 0\nleft for (.*)\nnot translated (.*)\n$/m.exec(errors) ?? []; // prettier-ignore
    expect(Number(share)).toBeGreaterThan(30);
    expect(left).toContain('csr ');
    expect(refused).toContain('csrrs ');
    const { errors: plain } = await run(['run', '--stats', '--engine', 'interpreter', program(source)]);
    expect(plain.split('\n').length).toBe(2);
  });

  test('regions are printed with the guest in them, or it is said that there are none', async () => {
    const source = `li t0, 5000\n1: addi t0, t0, -1\nbnez t0, 1b${exitWith(0)}`;
    const { errors } = await run(['run', '--regions', '1', '--engine', 'translator', program(source)]);
    expect(errors).toMatch(/^;; region 1: [0-9]{4,5} instructions retired \((9[0-9]|100)\.[0-9]%\), [0-9]+ of the guest, entered at 8[0-9a-f]{7}/); // prettier-ignore
    expect(errors).toContain(';; 80000008: addi t0,t0,-1\n');
    expect(errors).toContain('(local.set $t0 (i64.add (local.get $t0) (i64.const -1)))');
    expect(errors).toContain(';; leaves: budget\n');
    const { errors: short } = await run(['run', '--regions', '3', program(source)]);
    expect(short).toBe(';; nothing was translated\n');
    const { errors: plain } = await run([
      'run',
      '--regions',
      '3',
      '--engine',
      'interpreter',
      program(source),
    ]);
    expect(plain).toBe(';; every instruction was interpreted\n');
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

describe('HTIF', () => {
  /** Writes a word to tohost and spins. */
  const tohost = (word: string): string => `
    la t0, tohost
    li t1, ${word}
    sd t1, 0(t0)
  1: j 1b
    .balign 4096
  tohost: .dword 0
    .balign 64
  fromhost: .dword 0`;

  test('--exit-on-tohost: pass is 0, a failing test is 1 with its number', async () => {
    const passed = await run(['run', '--exit-on-tohost', program(tohost('1'))]);
    expect([passed.status, passed.errors]).toEqual([0, '']);
    const failed = await run(['run', '--exit-on-tohost', program(tohost('(7 << 1) | 1'))]);
    expect([failed.status, failed.errors]).toEqual([1, 'mmu-emu: test 7 failed\n']);
    const plain = await run(['run', program(tohost('(7 << 1) | 1'))]);
    expect([plain.status, plain.errors]).toEqual([7, '']);
  });

  test('--exit-on-tohost: out of instructions is 124, no such symbol is 2', async () => {
    const path = program(tohost('0'));
    expect((await run(['run', '--exit-on-tohost', '--max-instructions', '10000', path])).status).toBe(124);
    const without = await run(['run', '--exit-on-tohost', program(exitWith(0))]);
    expect(without.status).toBe(2);
    expect(without.errors).toContain('the program has no symbol tohost');
  });

  test('is a console', async () => {
    const path = program(`
      la s0, tohost
      la s1, fromhost
    next: li t0, 1
      slli t0, t0, 56
      sd t0, 0(s0)
    1: ld t1, 0(s1)
      beqz t1, 1b
      sd zero, 0(s1)
      andi t1, t1, 255
      li t2, 1
      beqz t1, end
      addi t1, t1, 1
      li t0, 0x101
      slli t0, t0, 48
      or t0, t0, t1
      sd t0, 0(s0)
      j next
    end: sd t2, 0(s0)
      j end
      .balign 4096
    tohost: .dword 0
    fromhost: .dword 0`);
    const { status, output } = await run(['run', path], 'HAL\0');
    expect([status, output.toString()]).toEqual([0, 'IBM']);
  });
});

describe('run with interrupts', () => {
  test('a program that waits for input or a timer is woken', async () => {
    const path = program(`
      la t0, handler
      csrw mtvec, t0
      li s0, ${UART}
      li t0, 1
      sb t0, 1(s0)
      li s1, 0xc000000
      sw t0, 40(s1)
      li t0, 1024
      li t1, 0xc002000
      sw t0, 0(t1)
      li s2, 0x2004000
      li t1, 0x200bff8
      ld t1, 0(t1)
      li t2, 10000
      add t1, t1, t2
      sd t1, 0(s2)
      li t0, 0x880
      csrw mie, t0
      csrsi mstatus, 8
    1: wfi
      j 1b
      .balign 4
    handler: csrr t0, mcause
      andi t0, t0, 15
      li t1, 7
      beq t0, t1, timer
      lbu a0, 0(s0)
      sb a0, 0(s0)
      li t0, 10
      li t1, 0xc200004
      lw t2, 0(t1)
      sw t2, 0(t1)
      mret
    timer: ${exitWith(9)}`);
    expect(await run(['run', path], 'xyz')).toEqual({ status: 9, output: Buffer.from('xyz'), errors: '' });
  });

  test('--smp starts every hart, with its number in a0', async () => {
    const path = program(`
      la t0, sum
      li t1, 1
      sll t1, t1, a0
      amoadd.w zero, t1, (t0)
      bnez a0, 2f
    1: lw t1, 0(t0)
      li t2, 15
      bne t1, t2, 1b
      ${exitWith(0)}
    2: wfi
      j 2b
    sum: .word 0`);
    expect((await run(['run', '--smp', '4', path])).status).toBe(0);
  });
});

describe('boot', () => {
  /** Firmware that says that it is there, and what the first sector of the first drive is, or ends with `code`. */
  const firmware = (source: string): string => file(assemble(source, { origin: BASE }).bytes);

  test('starts flat firmware with number and device tree, and ends by the finisher', async () => {
    const bios = firmware(`
      li s0, ${UART}
      lwu t0, 0(a1)
      li t1, 0xedfe0dd0
      bne t0, t1, bad
      bnez a0, bad
      li t0, 'Y'
      sb t0, 0(s0)
      ${exitWith(0)}
    bad: ${exitWith(3)}`);
    expect(await run(['boot', '--bios', bios])).toEqual({ status: 0, output: Buffer.from('Y'), errors: '' });
  });

  test('gives drives: read, written when that is allowed, flushed', async () => {
    // Queue 0 at 0x80100000: one request of three descriptors, header at 0x80103000, data at 0x80104000.
    const bios = firmware(`
      li s0, 0x10001000
      li s1, 0x80100000
      li s2, 0x80103000
      li s3, 0x80104000
      li t0, 3
      sw t0, 0x70(s0)
      sw zero, 0x30(s0)
      li t0, 4
      sw t0, 0x38(s0)
      sw s1, 0x80(s0)
      li t1, 0x80101000
      sw t1, 0x90(s0)
      li t1, 0x80102000
      sw t1, 0xa0(s0)
      li t0, 1
      sw t0, 0x44(s0)
      li t0, 7
      sw t0, 0x70(s0)
      # read sector 1, add 1 to its first byte, write it to sector 0
      li t0, 1
      sd t0, 8(s2)
      li a0, 2
      jal request
      lbu t0, 0(s3)
      addi t0, t0, 1
      sb t0, 0(s3)
      sd zero, 8(s2)
      li t0, 1
      sw t0, 0(s2)
      li a0, 0
      jal request
      bnez a1, bad
      ${exitWith(0)}
    bad: ${exitWith(3)}
    request: sd s2, 0(s1)
      li t0, 16
      sw t0, 8(s1)
      li t0, 0x10001
      sw t0, 12(s1)
      sd s3, 16(s1)
      li t0, 512
      sw t0, 24(s1)
      ori t0, a0, 1
      li t1, 0x20000
      or t0, t0, t1
      sw t0, 28(s1)
      li t0, 0x80105000
      sd t0, 32(s1)
      li t1, 1
      sw t1, 40(s1)
      li t1, 2
      sw t1, 44(s1)
      li t1, 0x80101000
      lhu t2, 2(t1)
      addi t2, t2, 1
      sh t2, 2(t1)
      sw zero, 0x50(s0)
      lbu a1, 0(t0)
      ret`);
    const content = Buffer.concat([Buffer.alloc(512, 'a'), Buffer.alloc(512, 'p')]);
    const drive = file(content);
    expect((await run(['boot', '--bios', bios, '--drive', drive])).status).toBe(0);
    expect(readFileSync(drive).subarray(0, 512).toString()).toBe(`q${'p'.repeat(511)}`);
    const readOnly = file(content);
    expect((await run(['boot', '--bios', bios, '--drive', `${readOnly},ro`])).status).toBe(3);
    expect(readFileSync(readOnly).equals(content)).toBe(true);
  });

  test.each([
    ['a kernel that is none', () => ['--kernel', file('text')], 'not a RISC-V Image'],
    ['a missing drive', () => ['--drive', join(folder, 'missing')], 'cannot use the drive'],
    ['a missing file system', () => ['--initrd', join(folder, 'missing')], 'there is no such file'],
    [
      'too little memory',
      () => ['--memory', '4M', '--initrd', file(new Uint8Array(2 ** 22))],
      'MiB of RAM or more',
    ],
    ['too many harts', () => ['--smp', '9'], '--smp must be'],
  ])('%s gives 2 and a sentence', async (_name, args, message) => {
    const { status, errors } = await run(['boot', '--bios', firmware('wfi'), ...args()]);
    expect(status).toBe(2);
    expect(errors).toMatch(/^mmu-emu: /);
    expect(errors).toContain(message);
  });
});

test('in a terminal, which becomes raw, Ctrl-A x ends the run and Ctrl-A Ctrl-A is one Ctrl-A', async () => {
  const stdin = Object.assign(new PassThrough(), {
    isTTY: true,
    raw: [] as boolean[],
    setRawMode(on: boolean) {
      this.raw.push(on);
      return this;
    },
  });
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const output: Buffer[] = [];
  stdin.write(Uint8Array.of(65, 1, 1, 66, 1));
  stdout.on('data', (chunk: Buffer) => {
    output.push(chunk);
    if (Buffer.concat(output).length === 3) stdin.write('x');
  });
  const status = await main(['run', program(ECHO)], { stdin, stdout, stderr });
  expect([status, stdin.raw]).toEqual([130, [true, false]]);
  expect([...Buffer.concat(output)]).toEqual([65, 1, 66]);
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

describe('--trace', () => {
  test('writes instructions and traps, up to a number of lines', async () => {
    const path = program(`la t0, handler
      csrw mtvec, t0
      c.li a0, 5
      sw a0, -4(sp)
      ecall
      .balign 4
    handler: ${exitWith(0)}`);
    const trace = join(folder, 'trace');
    const { status, errors } = await run(['run', '--trace', trace, '--trace-limit', '7', path]);
    expect([status, errors]).toEqual([
      0,
      'mmu-emu: the trace ends after 7 lines; --trace-limit sets how many\n',
    ]);
    expect(readFileSync(trace, 'utf8')).toBe(`\
0 M 0000000080000000 00000297  auipc t0,0x0  t0=80000000
0 M 0000000080000004 01828293  addi t0,t0,24  t0=80000018
0 M 0000000080000008 30529073  csrrw zero,mtvec,t0  mtvec=80000018
0 M 000000008000000c 4515      c.li a0,5  a0=5
0 exception 7 000000008000000e tval fffffffffffffffc
0 M 0000000080000018 001002b7  lui t0,0x100  t0=100000
0 M 000000008000001c 00005337  lui t1,0x5  t1=5000
`);
  });

  test('into a file that cannot be made gives 2 and a sentence', async () => {
    const { status, errors } = await run([
      'run',
      '--trace',
      join(folder, 'missing', 'trace'),
      program('nop'),
    ]);
    expect([status, errors]).toEqual([2, expect.stringMatching(/^mmu-emu: cannot write the trace .*ENOENT/)]);
  });
});

describe('snapshots and resets', () => {
  /** Counts to 3 million, with a letter for each million, then ends. */
  const COUNTS = `
  _start: li s0, ${UART}
      li s1, 3
      li a0, 'a'
  1:  li t0, 500000
  2:  addi t0, t0, -1
      bnez t0, 2b
      sb a0, 0(s0)
      addi a0, a0, 1
      addi s1, s1, -1
      bnez s1, 1b
  ${exitWith(7)}`;

  test('a run that is ended by --max-instructions goes on from its snapshot', async () => {
    const path = program(COUNTS);
    const saved = join(folder, 'saved.snapshot');
    const clock = ['--clock', 'virtual', '--memory', '2M'];
    const first = await run([
      'run',
      ...clock,
      '--max-instructions',
      '1500000',
      '--save-snapshot',
      saved,
      path,
    ]);
    expect([first.status, first.output.toString()]).toEqual([124, 'a']);
    for (let time = 0; time < 2; time++) {
      const second = await run(['run', ...clock, '--restore', saved, path]);
      expect([second.status, second.output.toString(), second.errors]).toEqual([7, 'bc', '']);
    }
    const other = await run(['run', '--clock', 'virtual', '--memory', '4M', '--restore', saved, path]);
    expect(other).toMatchObject({
      status: 2,
      errors: 'mmu-emu: ramBytes is "4194304" here, and "2097152" in the snapshot\n',
    });
  });

  test('a run that ends by itself leaves no snapshot, and files that cannot be used are told of', async () => {
    const path = program(exitWith(0));
    const saved = join(folder, 'none.snapshot');
    expect((await run(['run', '--save-snapshot', saved, path])).status).toBe(0);
    expect([existsSync(saved), existsSync(`${saved}.part`)]).toEqual([false, false]);
    const nowhere = join(folder, 'no', 'where');
    const unwritable = await run(['run', '--save-snapshot', nowhere, path]);
    expect(unwritable.status).toBe(2);
    expect(unwritable.errors).toContain(`cannot write the snapshot ${nowhere}`);
    const missing = await run(['run', '--restore', nowhere, path]);
    expect(missing.status).toBe(2);
    expect(missing.errors).toContain(`cannot read the snapshot ${nowhere}`);
    const wrong = await run(['run', '--restore', path, path]);
    expect([wrong.status, wrong.errors]).toEqual([2, 'mmu-emu: this is no snapshot of a machine\n']);
  });

  test('a reset by the program starts it anew, or ends the run with --no-reboot', async () => {
    // The clock goes on: the third time, it is late enough to end.
    const source = `
      li s0, ${UART}
      li a0, '.'
      sb a0, 0(s0)
      li t0, 100000
    1: addi t0, t0, -1
      bnez t0, 1b
      rdtime t1
      li t2, 5000
      bgtu t1, t2, end
      li t0, 0x100000
      li t1, 0x7777
      sw t1, 0(t0)
      j .
    end: ${exitWith(0)}`;
    const path = program(source);
    const again = await run(['run', '--clock', 'virtual', path]);
    expect([again.status, again.output.toString()]).toEqual([0, '...']);
    const once = await run(['run', '--clock', 'virtual', '--no-reboot', path]);
    expect([once.status, once.output.toString()]).toEqual([123, '.']);
  });
});
