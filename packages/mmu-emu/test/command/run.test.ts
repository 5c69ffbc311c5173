import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { main } from '../../src/command/main.js';
import { ECHO, exitWith, run, scratch, UART } from './programs.js';

const { program } = scratch();

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
