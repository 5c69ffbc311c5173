import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { exitWith, run, scratch } from './programs.js';

const { folder, program } = scratch();

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
