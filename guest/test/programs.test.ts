/** The sample programs, each run on the real kernel over the filesystem pager. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GuestDirectory, fileSummary, type GuestRun } from './guest-run.js';

let directory: GuestDirectory;

beforeAll(() => {
  directory = new GuestDirectory();
});

afterAll(() => {
  directory.remove();
});

const PAGE = 4096;

/** What a program that ended well printed. */
function printed(run: GuestRun): string {
  expect(run.stderr).toBe('');
  expect(run.outcome).toEqual({ kind: 'exited', code: 0n });
  return run.stdout;
}

describe('hello', () => {
  it('prints arguments, environment and input', async () => {
    const run = await directory.run('hello', ['a', 'b c', ''], {
      environment: { NAME: 'value' },
      input: 'one\ntwo\nlast',
    });
    expect(printed(run)).toBe(
      [
        'Hello from a guest.',
        'argument 0: hello.elf',
        'argument 1: a',
        'argument 2: b c',
        'argument 3: ',
        'environment: NAME=value',
        'input: one',
        'input: two',
        'input: last',
        'input ended after 12 bytes',
        '',
      ].join('\n'),
    );
  });
});

describe('lookup', () => {
  /** Sorted lines of one to nine letters, from a fixed sequence of numbers, and where each starts. */
  function wordList(count: number): { text: string; offsets: Map<string, number> } {
    const words = new Set<string>();
    for (let state = 1; words.size < count;) {
      state = Math.imul(state, 1_103_515_245) + 12_345;
      const length = 1 + ((state >>> 16) % 9);
      let word = '';
      for (let index = 0; index < length; index++) {
        state = Math.imul(state, 1_103_515_245) + 12_345;
        word += 'abcdefghij'.charAt((state >>> 16) % 10);
      }
      words.add(word);
    }
    const offsets = new Map<string, number>();
    let text = '';
    for (const word of [...words].sort()) {
      offsets.set(word, text.length);
      text += `${word}\n`;
    }
    return { text, offsets };
  }

  const { text, offsets } = wordList(100_000);
  const wanted = [...offsets.keys()].filter(
    (_word, index) => index % 9_001 === 0 || index === offsets.size - 1,
  );

  beforeAll(() => {
    directory.write('words.txt', text);
    directory.write('unended.txt', 'apple\nbanana\ncherry');
    directory.write('empty.txt', '');
  });

  it('finds words by binary search, and reads few of the pages', async () => {
    const run = await directory.run('lookup', ['words.txt', ...wanted, 'zzz', 'aa!']);
    const lines = printed(run).split('\n');
    expect(lines.slice(0, wanted.length)).toEqual(
      wanted.map((word) => `${word}: found at ${offsets.get(word)}`),
    );
    expect(lines.slice(wanted.length, wanted.length + 2)).toEqual(['zzz: not found', 'aa!: not found']);

    const file = fileSummary(run, 'words.txt');
    // Far from each other, words share only their first probes; each ends within one page or two.
    expect(file.pagesSupplied).toBeLessThan(file.pages / 2);
    // The last word is in the last page, of which the file has only a part.
    expect(file.bytesRead).toBe(file.pagesSupplied * PAGE - (file.pages * PAGE - file.bytes));
  });

  it('finds one word with about as many pages as the logarithm of their number', async () => {
    const word = wanted[5];
    const run = await directory.run('lookup', ['words.txt', word]);
    expect(printed(run)).toContain(`${word}: found at ${offsets.get(word)}\n`);
    const file = fileSummary(run, 'words.txt');
    expect(file.pagesSupplied).toBeLessThanOrEqual(Math.ceil(Math.log2(file.pages)) + 3);
  });

  it('finds the same words by reading everything', async () => {
    const run = await directory.run('lookup', ['--scan', 'words.txt', ...wanted, 'zzz']);
    const lines = printed(run).split('\n');
    expect(lines.slice(0, wanted.length)).toEqual(
      wanted.map((word) => `${word}: found at ${offsets.get(word)}`),
    );
    expect(lines[wanted.length]).toBe('zzz: not found');
    expect(lines[wanted.length + 1]).toMatch(
      new RegExp(`^${text.length} bytes, 100000 lines, checksum [0-9a-f]{16}$`),
    );
    const file = fileSummary(run, 'words.txt');
    expect(file.pagesSupplied).toBe(file.pages);
  });

  it.each([[[]], [['--scan']]])('takes a last line without an end, and no line at all: %j', async (mode) => {
    const run = await directory.run('lookup', [...mode, 'unended.txt', 'apple', 'cherry', 'cher', 'cherryx']);
    expect(printed(run).split('\n').slice(0, 4)).toEqual([
      'apple: found at 0',
      'cherry: found at 13',
      'cher: not found',
      'cherryx: not found',
    ]);
    expect(printed(await directory.run('lookup', [...mode, 'empty.txt', 'a']))).toMatch(/^a: not found\n/);
  });

  it('says which file it cannot open', async () => {
    const run = await directory.run('lookup', ['missing.txt', 'a']);
    expect(run.outcome).toEqual({ kind: 'exited', code: 1n });
    expect(run.stderr).toBe('lookup.elf: missing.txt: ZX_ERR_NOT_FOUND (-25)\n');
    expect((await directory.run('lookup', ['words.txt'])).exitStatus).toBe(2);
  });
});

describe('pager-demo', () => {
  const checked = (half: number, rest: number): string[] => [
    `mapped: ${half} pages checked`,
    `zx_vmo_read of ${rest} pages: ZX_OK`,
    'zx_vmo_read of the refused page: ZX_ERR_IO_DATA_INTEGRITY',
  ];

  it('serves another process: a request for each mapped page, one for a range that is read', async () => {
    const lines = printed(await directory.run('pager-demo', ['10'])).split('\n');
    expect(lines).toEqual([
      ...checked(5, 4),
      'client: all pages are right',
      ...[4, 3, 2, 1, 0].map((page, index) => `request ${index + 1}: pages ${page} to ${page}`),
      'request 6: pages 5 to 8',
      'request 7: pages 9 to 9',
      'complete after 7 requests, 9 pages supplied',
      'client ended with 0',
      '',
    ]);
  });

  it('serves another thread of its own process', async () => {
    const lines = printed(await directory.run('pager-demo', ['--thread', '8'])).split('\n');
    expect(lines.filter((line) => !line.startsWith('request'))).toEqual([
      ...checked(4, 3),
      'complete after 6 requests, 7 pages supplied',
      'thread: all pages are right',
      '',
    ]);
  });

  it('where system calls may not wait, they fail, and mappings work', async () => {
    const text = printed(await directory.run('pager-demo', ['6'], { pagerBlocking: 'fail' }));
    expect(text).toContain('mapped: 3 pages checked\n');
    expect(text).toContain('zx_vmo_read of 2 pages: ZX_ERR_SHOULD_WAIT\n');
    expect(text).toContain('complete after 3 requests, 3 pages supplied\n');
  });
});

describe('threads', () => {
  it.each([
    [1, 1],
    [4, 1],
    [4, 2],
    [16, 8],
  ])('%i threads on %i harts fault on different and on the same pages', async (threads, harts) => {
    const bytes = Uint8Array.from(
      { length: 31 * PAGE + 17 },
      (_none, index) => (index * 31 + (index >> 8)) & 0xff,
    );
    directory.write('data.bin', bytes);
    let sum = 0n;
    bytes.forEach((byte, index) => (sum += BigInt(byte) * BigInt(Math.floor(index / PAGE) + 1)));
    const run = await directory.run('threads', ['data.bin', String(threads)], { harts });
    expect(printed(run)).toBe(
      `${threads} threads, 32 pages, ${16 + 16 * threads} page reads, checksum ${sum.toString(16).padStart(16, '0')}\n` +
        'all sums agree\n',
    );
    expect(fileSummary(run, 'data.bin').pagesSupplied).toBe(32);
  });
});

describe('small tools', () => {
  it('cat copies files and input, byte for byte', async () => {
    const bytes = Uint8Array.from({ length: 20_001 }, (_none, index) => (index * 13) & 0xff);
    directory.write('bytes.bin', bytes);
    const input = Uint8Array.from({ length: 30_000 }, (_none, index) => (index * 7) & 0xff);
    const run = await directory.run('cat', ['bytes.bin', '-', 'bytes.bin'], { input });
    expect(Buffer.from(printed(run), 'latin1').equals(Buffer.concat([bytes, input, bytes]))).toBe(true);
    const missing = await directory.run('cat', ['nothing', 'bytes.bin']);
    expect([missing.exitStatus, missing.stderr]).toEqual([1, 'cat: nothing: ZX_ERR_NOT_FOUND\n']);
    expect(missing.stdout.length).toBe(bytes.length);
  });

  it('ls lists a folder, wc counts, touch-pages reads a word of each page', async () => {
    directory.write('folder/one', 'a b\nc\n');
    directory.write('folder/two', 'x'.repeat(9000));
    directory.write('folder/inner/three', '');
    const lines = printed(await directory.run('ls', ['folder']))
      .trimEnd()
      .split('\n');
    expect(lines.sort()).toEqual(
      ['d            - inner', 'f            6 one', 'f         9000 two', '3 entries'].sort(),
    );
    expect(printed(await directory.run('wc', ['folder/one', 'folder/two']))).toBe(
      '2 3 6 folder/one\n0 1 9000 folder/two\n',
    );
    const touched = await directory.run('touch-pages', ['folder/two']);
    expect(printed(touched)).toMatch(/^3 pages, sum [0-9a-f]{16}\n$/);
    expect(fileSummary(touched, 'folder/two').pagesSupplied).toBe(3);
  });

  it('ls lists more entries than one message holds', async () => {
    const names = Array.from({ length: 900 }, (_none, index) => `${'n'.repeat(100)}${index}`);
    for (const name of names) directory.write(`many/${name}`, '');
    const lines = printed(await directory.run('ls', ['many']))
      .trimEnd()
      .split('\n');
    expect(lines.pop()).toBe('900 entries');
    expect(lines.map((line) => line.slice(15)).sort()).toEqual([...names].sort());
  });

  it('spawn passes arguments and environment on, and the exit code back', async () => {
    const run = await directory.run('spawn', ['hello.elf', 'x'], { environment: { A: 'b' } });
    expect(printed(run)).toContain('argument 1: x\nenvironment: A=b\n');
    expect(run.stdout).toContain('hello.elf ended with 0\n');
    const inner = await directory.run('spawn', ['crash.elf', 'exit', '77']);
    expect(inner.outcome).toEqual({ kind: 'exited', code: 77n });
    const missing = await directory.run('spawn', ['nothing.elf']);
    expect([missing.exitStatus, missing.stderr]).toEqual([
      1,
      'spawn.elf: nothing.elf: ZX_ERR_NOT_FOUND (-25)\n',
    ]);
  });

  it('memory-hog is refused memory and handles', async () => {
    const memoryBytes = 16 * 1024 * 1024;
    expect(printed(await directory.run('memory-hog', ['commit'], { memoryBytes }))).toMatch(
      /^refused after 1[0-5] MiB: ZX_ERR_NO_MEMORY\n$/,
    );
    expect(
      printed(await directory.run('memory-hog', ['handles'], { limits: { handlesPerProcess: 1000 } })),
    ).toMatch(/^refused after 9\d\d events: ZX_ERR_NO_RESOURCES\n$/);
    const touch = await directory.run('memory-hog', ['touch'], { memoryBytes });
    expect(touch.outcome.kind).toBe('crashed');
  });
});

describe('test-thread', () => {
  it('is C++: threads are suspended while they wait, and crash into an exception channel (H-12)', async () => {
    const run = await directory.run('test-thread');
    expect(printed(run)).toBe(
      [
        'a suspended reader asks again: yes',
        'a suspended call asks again: yes',
        'a failed page is a crash with its reason: yes',
        'a page of a closed pager is a crash: yes',
        'a call fails with its page: yes',
        'many readers of a page are one request: yes',
        '0 of 6 parts failed',
        '',
      ].join('\n'),
    );
  });
});
