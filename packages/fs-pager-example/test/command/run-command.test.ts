import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { command } from '../support/command-rig.js';
import { guestElf, guestFolder } from '../support/guest-files.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const MEMORY = ['--memory', '32M'];

describe('faultline run', () => {
  it('passes arguments, environment and standard streams, byte for byte', async () => {
    const input = Uint8Array.from({ length: 100_000 }, (_, index) => (index * 31) & 0xff);
    const copied = await command(['run', ...MEMORY, guestElf('cat')], { input });
    expect(copied.status).toBe(0);
    expect(Buffer.compare(copied.output, input)).toBe(0);
    const hello = await command(['run', ...MEMORY, '--smp', '2', guestElf('hello'), '--help', 'a b'], {
      environment: { NAME: 'value' },
    });
    expect(hello.stdout).toContain('--help');
    expect(hello.stdout).toContain('a b');
    expect(hello.stdout).toContain('NAME');
  });

  it('shows the files of the root, and takes a program from there when the machine has none by that name', async () => {
    const root = guestFolder({ 'data/greeting.txt': 'hello from a file\n' }, ['cat']);
    const result = await command(['run', ...MEMORY, '--root', root, 'cat.elf', 'data/greeting.txt']);
    expect(result).toMatchObject({ status: 0, stdout: 'hello from a file\n' });
    const outside = await command([
      'run',
      ...MEMORY,
      '--root',
      join(root, 'data'),
      guestElf('cat'),
      '../cat.elf',
      'greeting.txt',
    ]);
    expect(outside).toMatchObject({ status: 1, stdout: 'hello from a file\n' });
    expect(outside.stderr).toContain('../cat.elf: ZX_ERR_ACCESS_DENIED');
  });

  it('ends with a summary of the paging on standard error', async () => {
    const root = guestFolder({ 'data.bin': new Uint8Array(10 * 4_096) });
    const { stderr } = await command([
      'run',
      ...MEMORY,
      '--root',
      root,
      guestElf('touch-pages'),
      'data.bin',
      '2',
    ]);
    expect(stderr).toMatch(/exited with code 0\npaging summary\n/);
    for (const row of [
      'page requests',
      'pages supplied',
      'bytes read',
      'page faults',
      'instructions',
      'wall time',
    ]) {
      expect(stderr).toMatch(new RegExp(`^  ${row} +[0-9]`, 'm'));
    }
    expect(stderr).toMatch(/^ {2}data\.bin +5 {2}of 10 pages, 5 requests$/m);
    const columns = stderr
      .split('\n')
      .filter((line) => line.startsWith('  '))
      .map((line) => /^ {2}.*? {2,}[0-9,.]+/.exec(line)?.[0].length);
    expect(new Set(columns).size).toBe(1);
  });

  it('writes the summary as JSON, and the events line by line', async () => {
    const folder = temporaryDirectory();
    const root = guestFolder({ 'data.bin': new Uint8Array(4 * 4_096) });
    const [stats, trace] = [join(folder, 'stats.json'), join(folder, 'trace.jsonl')];
    const options = ['--stats-json', stats, '--trace-events', trace, '--root', root];
    expect((await command(['run', ...MEMORY, ...options, guestElf('touch-pages'), 'data.bin'])).status).toBe(
      0,
    );
    const summary = JSON.parse(readFileSync(stats, 'utf8')) as Record<string, unknown>;
    expect(summary).toMatchObject({
      schema: 'faultline-summary',
      version: 1,
      outcome: { kind: 'exited', exitStatus: 0, code: '0' },
      failures: 0,
    });
    expect(summary['files']).toContainEqual({
      name: 'data.bin',
      bytes: 16_384,
      pages: 4,
      pagesSupplied: 4,
      pageRequests: 4,
      bytesRead: 16_384,
    });
    const lines = readFileSync(trace, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines[0]).toEqual({ schema: 'faultline-events', version: 1 });
    const requests = lines.filter(({ type, command: what }) => type === 'request' && what === 'read');
    expect(requests.length).toBe(summary['pageRequests']);
    expect(lines.some(({ type }) => type === 'process-end')).toBe(true);
  });

  it.each([
    ['exit', ['exit', '300'], 44],
    ['crash', ['null'], 134],
    ['deadlock', ['wait'], 123],
  ])('has its status for %s', async (_what, args, status) => {
    expect((await command(['run', ...MEMORY, guestElf('crash'), ...args])).status).toBe(status);
  });

  it('reports a crash once, with address and status', async () => {
    const { stderr } = await command(['run', ...MEMORY, guestElf('crash'), 'read', '0x1234']);
    expect(
      stderr.match(/fatal page fault: read of 0x1234 at pc 0x[0-9a-f]+: ZX_ERR_NOT_FOUND \(-25\)/g),
    ).toHaveLength(1);
  });

  it('names the threads of a deadlock and what they wait for', async () => {
    const { stderr } = await command(['run', ...MEMORY, guestElf('crash'), 'wait']);
    expect(stderr).toMatch(
      /every thread waits\n {2}thread \d+ "initial-thread" of crash\.elf waits for .+\n/,
    );
  });

  it('ends cleanly when it is interrupted, with the summary', async () => {
    const { status, stderr } = await command(['run', ...MEMORY, guestElf('crash'), 'spin'], {
      interruptAt: 'crash: spin',
    });
    expect(status).toBe(130);
    expect(stderr).toMatch(/was interrupted\npaging summary\n/);
  });

  it('ends a guest whose time is over', async () => {
    const { status, stderr } = await command([
      'run',
      ...MEMORY,
      '--timeout',
      '0.05',
      guestElf('crash'),
      'spin',
    ]);
    expect(status).toBe(124);
    expect(stderr).toContain('was ended after 0.05 seconds');
  });

  it.each([
    [
      'no program by that name',
      (): string => 'no-such-program.elf',
      /no-such-program\.elf: no such file or directory/,
    ],
    ['a directory', (): string => temporaryDirectory(), /: a directory/],
    [
      'a file that is no program',
      (): string => file('plain text, longer than a header of an ELF file would be, by some bytes'),
      /EI_MAG/,
    ],
    ['an empty file', (): string => file(''), /shorter|truncated|EI_MAG|ELF/],
    ['a truncated program', (): string => file(readFileSync(guestElf('hello')).subarray(0, 200)), /ELF/],
    [
      'a program whose data is cut off',
      (): string => file(readFileSync(guestElf('hello')).subarray(0, 9_000)),
      /ELF|p_filesz|p_offset/,
    ],
    ['a program for another machine', (): string => file(foreign()), /x86-64; RISC-V/],
  ])('says in one line what is wrong with %s', async (_what, path, message) => {
    const { status, stderr, stdout } = await command(['run', ...MEMORY, path()]);
    expect([status, stdout]).toEqual([125, '']);
    expect(stderr).toMatch(message);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  });

  it('says which option is wrong', async () => {
    expect(await command(['run', '--memory', 'lots', 'p'])).toMatchObject({
      status: 2,
      stdout: '',
      stderr: expect.stringMatching(/^faultline: --memory lots/),
    });
    expect(await command(['run', '--root', '/no/such/folder', 'p'])).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('--root /no/such/folder: no such'),
    });
  });

  it.each(['--stats-json', '--trace-events'])(
    'finds out before it starts that the file of %s cannot be written',
    async (option) => {
      const folder = temporaryDirectory();
      mkdirSync(join(folder, 'taken'));
      for (const path of [join(folder, 'missing/file'), join(folder, 'taken')]) {
        const result = await command(['run', ...MEMORY, option, path, guestElf('hello')]);
        expect(result).toMatchObject({ status: 2, stdout: '' });
        expect(result.stderr).toMatch(
          /^faultline: cannot write .*: (there is no such folder|it is a folder)\n$/,
        );
      }
    },
  );

  it('writes to the statistics that a program could not be loaded', async () => {
    const stats = join(temporaryDirectory(), 'stats.json');
    expect((await command(['run', ...MEMORY, '--stats-json', stats, 'missing.elf'])).status).toBe(125);
    expect(JSON.parse(readFileSync(stats, 'utf8'))).toMatchObject({ outcome: { kind: 'not-loaded' } });
  });

  it('lets system calls wait for pages, or fail, as it is told', async () => {
    const root = guestFolder({}, ['pager-demo', 'pager-client']);
    const allow = await command(['run', ...MEMORY, '--root', root, 'pager-demo.elf', '8']);
    expect(allow.status).toBe(0);
    const fail = await command([
      'run',
      ...MEMORY,
      '--root',
      root,
      '--pager-blocking',
      'fail',
      'pager-demo.elf',
      '8',
    ]);
    expect(fail.stdout).not.toBe(allow.stdout);
    expect(fail.stdout).toContain('SHOULD_WAIT');
  });
});

describe('faultline', () => {
  it('tells how it is used, and its version', async () => {
    expect(await command(['--help'])).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('faultline run'),
      stderr: '',
    });
    const run = await command(['run', '--help']);
    for (const word of [
      '--root',
      '--memory',
      '--smp',
      '--pager-blocking',
      '--stats-json',
      '--trace-events',
      '--timeout',
      '123',
      '124',
      '125',
      '130',
      '134',
      '137',
    ]) {
      expect(run.stdout).toContain(word);
    }
    expect((await command(['demo', '--help'])).stdout).toContain('64 MiB');
    expect((await command(['--version'])).stdout).toMatch(/^faultline \d+\.\d+\.\d+/);
    const wrong = await command(['walk']);
    expect(wrong).toMatchObject({
      status: 2,
      stderr: 'faultline: there is no command "walk": it is run or demo\n',
    });
  });

  it('has help that fits a terminal', async () => {
    for (const args of [['--help'], ['run', '--help'], ['demo', '--help']]) {
      const { stdout } = await command(args);
      expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(90);
    }
  });
});

function file(content: string | Uint8Array): string {
  const path = join(temporaryDirectory(), 'program.elf');
  writeFileSync(path, content);
  return path;
}

/** A program of ours that says it is for x86-64. */
function foreign(): Uint8Array {
  const bytes = Uint8Array.from(readFileSync(guestElf('hello')));
  new DataView(bytes.buffer).setUint16(18, 62, true);
  return bytes;
}
