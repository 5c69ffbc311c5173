import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { CommandRun } from './command-run.js';
import { BASE, exitWith, run, scratch, UART } from './programs.js';
import { RawClient } from './raw-client.js';

const { folder, program } = scratch();

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

describe('under a debugger or a trace', () => {
  const VIRTUAL = ['--clock', 'virtual', '--memory', '2M'];
  /** Sends a letter, counts with timer interrupts in between, and goes on so until the letter is d. */
  const LETTERS = `
    la t0, handler
    csrw mtvec, t0
    li t0, 0x2004000
    sd zero, 0(t0)
    li t0, 0x80
    csrw mie, t0
    csrsi mstatus, 8
    li s0, ${UART}
    li s1, 'a'
  next: sb s1, 0(s0)
    addi s1, s1, 1
    li t0, 300
  1: addi t0, t0, -1
    bnez t0, 1b
    li t1, 'd'
    bltu s1, t1, next
    ${exitWith(7)}
    .balign 4
  handler: csrr t3, mcycle
    li t4, 0x2004000
    li t5, 0x200bff8
    ld t5, 0(t5)
    addi t5, t5, 1
    sd t5, 0(t4)
    mret`;

  test('a trace goes on where the one of the saved run has ended', async () => {
    const path = program(LETTERS);
    const [whole, first, second, saved] = ['whole', 'first', 'second', 'traced'].map((name) =>
      join(folder, name),
    );
    const all = await run(['run', ...VIRTUAL, '--trace', whole, path]);
    expect([all.status, all.output.toString()]).toEqual([7, 'abc']);
    const one = await run([
      'run',
      ...VIRTUAL,
      '--trace',
      first,
      '--max-instructions',
      '777',
      '--save-snapshot',
      saved,
      path,
    ]);
    expect(one.status).toBe(124);
    const two = await run(['run', ...VIRTUAL, '--trace', second, '--restore', saved, path]);
    expect([two.status, one.output.toString() + two.output.toString()]).toEqual([7, 'abc']);
    const [expected, ...parts] = [whole, first, second].map((name) => readFileSync(name, 'utf8'));
    expect(parts[0].split('\n').length).toBeGreaterThan(700);
    expect(parts.join('') === expected).toBe(true);
    expect(expected.includes('interrupt 7')).toBe(true);
  });

  test('a trace goes on behind a reset', async () => {
    const path = program(
      `rdtime t0\nbnez t0, end\nli t1, 200\n1: addi t1, t1, -1\nbnez t1, 1b\nli t0, 0x100000\nli t1, 0x7777\nsw t1, 0(t0)\nj .\nend: ${exitWith(5)}`,
    );
    const trace = join(folder, 'reset-trace');
    expect((await run(['run', ...VIRTUAL, '--trace', trace, path])).status).toBe(5);
    const lines = readFileSync(trace, 'utf8').split('\n');
    const firsts = lines.flatMap((line, index) =>
      line.includes(` ${BASE.toString(16).padStart(16, '0')} `) ? [index] : [],
    );
    expect(firsts).toHaveLength(2);
    expect(lines[firsts[1] - 1]).toContain('sw t1,0(t0)  write 100000/4=7777');
    expect(lines[firsts[1]]).toMatch(/rdtime|csrrs t0,time,zero/);
    expect(lines.join('\n')).not.toMatch(/exception|interrupt/);
  });

  test('a machine that a debugger has stopped is saved by its kill, and goes on from the breakpoint, with a debugger or without', async () => {
    const path = program(LETTERS);
    const saved = join(folder, 'stopped');
    const first = new CommandRun(['run', ...VIRTUAL, '--gdb', '0', '--save-snapshot', saved, path]);
    const client = await RawClient.of(await first.port());
    // Before the second letter: the address of "next", twice.
    const lines = readFileSync(await traced(path), 'utf8').split('\n');
    const next = lines.find((line) => line.includes('sb s1,0(s0)'))?.split(' ')[2] ?? '';
    await client.ask(`Z0,${next},4`);
    for (let time = 0; time < 2; time++) expect(await client.ask('vCont;c')).toContain('swbreak');
    await client.say('k');
    expect([await first.status, first.output]).toEqual([130, 'a']);

    const alone = await run(['run', ...VIRTUAL, '--restore', saved, path]);
    expect([alone.status, alone.output.toString()]).toEqual([7, 'bc']);

    const second = new CommandRun(['run', ...VIRTUAL, '--gdb', '0', '--restore', saved, path]);
    const other = await RawClient.of(await second.port());
    expect(await other.ask('?')).toContain(`20:${Buffer.from(next, 'hex').reverse().toString('hex')};`);
    await other.ask(`Z0,${next},4`);
    // Nobody has stopped there in this process.
    for (let time = 0; time < 2; time++) expect(await other.ask('vCont;c')).toContain('swbreak');
    await other.ask(`z0,${next},4`);
    expect(await other.ask('vCont;c')).toBe('W07');
    expect([await second.status, second.output]).toEqual([7, 'bc']);
  });

  test('a reset by the program meets the breakpoints of the debugger again; with --no-reboot it is told of the end', async () => {
    const path = program(`li a0, 1\nli t0, 0x100000\nli t1, 0x7777\nsw t1, 0(t0)\nj .`);
    const anew = new CommandRun(['run', ...VIRTUAL, '--gdb', '0', path]);
    const client = await RawClient.of(await anew.port());
    await client.ask(`Z0,${BASE.toString(16)},4`);
    for (let time = 0; time < 3; time++) expect(await client.ask('vCont;c')).toContain('swbreak');
    expect(await client.ask('qRcmd,' + Buffer.from('reset').toString('hex'))).toMatch(/^[0-9a-f]+$/);
    expect(await client.ask('vCont;c')).toContain('swbreak');
    await client.say('k');
    expect(await anew.status).toBe(130);

    const once = new CommandRun(['run', ...VIRTUAL, '--no-reboot', '--gdb', '0', path]);
    const other = await RawClient.of(await once.port());
    expect(await other.ask('vCont;c')).toBe('W7b');
    expect(await once.status).toBe(123);
  });

  /** A trace of a whole run. */
  async function traced(path: string): Promise<string> {
    const trace = join(folder, 'addresses');
    await run(['run', ...VIRTUAL, '--trace', trace, path]);
    return trace;
  }
});
