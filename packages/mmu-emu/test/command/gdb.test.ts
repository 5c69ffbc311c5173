import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { hasTool } from '../../../../scripts/vitest/needs-tool.js';
import { CommandRun } from './command-run.js';
import { scratch } from './programs.js';
import { RawClient } from './raw-client.js';

const { folder, program: assembled } = scratch();

const COMPILER = 'riscv64-linux-gnu-gcc';
const GDB = 'gdb-multiarch';
const SOURCES = fileURLToPath(new URL('data/', import.meta.url));

let built: string | undefined;
/** The program of `data/`, with debugging information. */
function program(): string {
  if (built !== undefined) return built;
  const output = join(folder, 'program.elf');
  const options =
    '-g -O1 -march=rv64gc -mabi=lp64d -mcmodel=medany -nostdlib -ffreestanding -fno-pic -static -Wl,--build-id=none';
  const { status, stderr } = spawnSync(
    COMPILER,
    [...options.split(' '), '-Wl,-T,debugged.ld', 'debugged.S', 'debugged.c', '-o', output],
    { cwd: SOURCES, encoding: 'utf8' },
  );
  expect(status, stderr).toBe(0);
  built = output;
  return output;
}

/** What GDB prints when it does these commands on a port. */
async function gdb(port: number, commands: readonly string[]): Promise<string> {
  const settings = ['set pagination off', 'set confirm off', 'set width 0', 'set tcp connect-timeout 20'];
  const all = [...settings, `target remote 127.0.0.1:${port}`, ...commands];
  const child = spawn(GDB, ['-nx', '-batch', ...all.flatMap((command) => ['-ex', command]), program()]);
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  await new Promise((resolve) => child.once('close', resolve));
  return output;
}

describe('GDB', () => {
  test.for(['interpreter', 'translator'] as const)(
    'sets breakpoints by name, steps, watches, unwinds, and edits code (engine %s)',
    async (engine, { task }) => {
      if (!hasTool(task, GDB, 'debugging with GDB') || !hasTool(task, COMPILER, 'debugging with GDB')) return;
      const run = new CommandRun(['run', '--engine', engine, '--gdb', '0', program()]);
      const output = await gdb(await run.port(), [
        'break inner',
        'continue',
        'backtrace',
        'info args',
        'stepi',
        'print/x $pc - (unsigned long)inner',
        'print/x $mstatus & 0x6000',
        'print $priv',
        'delete',
        'watch counter',
        'continue',
        'delete',
        'break half',
        'continue',
        'finish',
        'print $fa0',
        'print ratio',
        // From now on bump returns at once.
        'delete',
        'set {unsigned short}bump = 0x8082',
        'set var counter = 1000',
        'compare-sections .rodata',
        'continue',
      ]);
      const expected = [
        /Breakpoint 1, inner \(x=x@entry=1\)/,
        /#0 +inner \(x=x@entry=1\).*\n#1 .* in outer \(x=x@entry=0\).*\n#2 .* in main \(\)/,
        /\nx = 1\n/,
        /\$1 = 0x[24]\n/,
        /\$2 = 0x[246]000\n/,
        /\$3 = 3\n/,
        /Hardware watchpoint 2: counter\n\nOld value = 0\nNew value = 1\n/,
        /Breakpoint 3, half \(/,
        /Value returned is \$4 = 0\.75\n/,
        /\$5 = \{float = .*, double = 0\.75\}/,
        /\$6 = 1\.5\n/,
        /Section \.rodata, range .*: matched/,
        // Twice what fib gave, and one because nothing counted any more.
        /exited with code 031\]/,
      ];
      let rest = output;
      for (const pattern of expected) {
        const found = pattern.exec(rest);
        expect(found, `${pattern} in\n${output}`).not.toBeNull();
        rest = rest.slice((found?.index ?? 0) + (found?.[0].length ?? 0));
      }
      expect(await run.status).toBe(25);
    },
  );

  test('has a thread for each hart', async ({ task }) => {
    if (!hasTool(task, GDB, 'debugging with GDB') || !hasTool(task, COMPILER, 'debugging with GDB')) return;
    const run = new CommandRun(['run', '--smp', '2', '--gdb', '0', program()]);
    const output = await gdb(await run.port(), [
      'break bump thread 2',
      'continue',
      'info threads',
      'backtrace',
      'print $mhartid',
      'delete',
      'thread 1',
      'print $mhartid',
      // Only the thread that is looked at runs.
      'set scheduler-locking on',
      'print counter',
      'stepi 50',
      'print counter',
      'set scheduler-locking off',
      'detach',
    ]);
    expect(output).toMatch(/Thread 2 hit Breakpoint 1, bump \(by=by@entry=100\)/);
    expect(output).toMatch(
      /\n +1 +Thread 1 \(hart 0, machine mode\).*\n\* 2 +Thread 2 \(hart 1, machine mode\) bump/,
    );
    expect(output).toMatch(/#0 +bump .*\n#1 .* in second \(\)/);
    expect(output).toMatch(/\n\$1 = 1\n[^]*\n\$2 = 0\n/);
    expect(output).toMatch(/\n\$3 = ([0-9]+)\n[^]*\n\$4 = \1\n/);
    expect(await run.status).toBe(24);
  });
});

describe('GDB and resets', () => {
  test('monitor reset begins the program anew, with breakpoints as they were', async ({ task }) => {
    if (!hasTool(task, GDB, 'debugging with GDB') || !hasTool(task, COMPILER, 'debugging with GDB')) return;
    // That the program's own resets end the run does not matter to the debugger's.
    const run = new CommandRun(['run', '--no-reboot', '--gdb', '0', program()]);
    const output = await gdb(await run.port(), [
      'break half',
      'continue',
      'print counter > 0',
      'set $fa0 = 2.5',
      'print/x $mstatus & 0x6000',
      'monitor reset',
      'maintenance flush register-cache',
      'print $pc == (unsigned long)&_start',
      'print counter',
      'print $fa0.double',
      'continue',
      'print counter > 0',
      'delete',
      'continue',
    ]);
    expect(output).toMatch(/\$1 = 1\n[^]*\$2 = 0x6000\n[^]*the machine was reset/);
    expect(output).toMatch(/\$3 = 1\n[^]*\$4 = 0\n[^]*\$5 = 0\n[^]*Breakpoint 1, half[^]*\$6 = 1\n/);
    expect(output).toContain('exited with code 030]');
    expect(await run.status).toBe(24);
  });
});

const SPIN = '1: addi a0, a0, 1\nj 1b';

describe('the port of a debugger', () => {
  test('serves one client at a time, and another when it has gone', async () => {
    const run = new CommandRun(['run', '--gdb', '0', assembled(SPIN)]);
    const port = await run.port();
    const first = await RawClient.of(port);
    expect(await first.ask('qC')).toBe('QC1');
    const second = await RawClient.of(port);
    expect(await second.reply()).toBe('E.another debugger is connected to this machine');
    await second.ended();
    await run.told(/another debugger was sent away/);
    expect(await first.ask('D')).toBe('OK');
    await first.ended();
    // It runs now, until somebody stops it.
    const third = await RawClient.of(port);
    expect(await third.ask('?')).toMatch(/^T05thread:1;/);
    expect(await third.ask('pa')).not.toBe('0000000000000000');
    await third.say('k');
    expect(await run.status).toBe(130);
  });

  test('tells a client when the instructions have run out', async () => {
    const run = new CommandRun(['run', '--gdb', '0', '--max-instructions', '5000', assembled(SPIN)]);
    const client = await RawClient.of(await run.port());
    expect(await client.ask('pa')).toBe('0000000000000000');
    await client.say('vCont;c');
    expect(await client.ended()).toMatch(/\$W7c#..$/);
    expect(await run.status).toBe(124);
  });

  test('interrupts a program that waits for ever', async () => {
    const run = new CommandRun(['run', '--gdb', '0', assembled('1: wfi\nj 1b')]);
    const client = await RawClient.of(await run.port());
    await client.say('vCont;c');
    await client.raw(Uint8Array.of(3));
    expect(await client.reply()).toMatch(/^T02thread:1;/);
    expect(await client.ask('vKill;1')).toBe('OK');
    expect(await run.status).toBe(130);
  });

  test('does not keep the escape of the terminal from ending the run', async () => {
    const run = new CommandRun(['run', '--gdb', '0', assembled(SPIN)], {
      isTTY: true,
      setRawMode: () => undefined,
    });
    await run.port();
    run.stdin.write(Uint8Array.of(65, 1, 'x'.charCodeAt(0)));
    expect(await run.status).toBe(130);
  });

  test('that is taken gives 2 and a sentence', async () => {
    const run = new CommandRun(['run', '--gdb', '0', assembled(SPIN)]);
    const port = await run.port();
    const other = new CommandRun(['run', '--gdb', String(port), assembled(SPIN)]);
    expect(await other.status).toBe(2);
    expect(other.errors).toMatch(
      new RegExp(`^mmu-emu: cannot listen on port ${port} for a debugger: .*EADDRINUSE`),
    );
    const client = await RawClient.of(port);
    await client.say('k');
    expect(await run.status).toBe(130);
  });
});
