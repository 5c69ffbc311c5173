import { rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { WallClock, ZX_ERR_IO, ZX_ERR_IO_DATA_INTEGRITY, ZX_ERR_NO_SPACE } from '@faultline/kernel';
import { PagerError, type RequestFailure, type VmoBacking } from '@faultline/pager-sdk';
import { describe, expect, it } from 'vitest';
import {
  HostDirectory,
  runProgram,
  type Namespace,
  type NamespaceFile,
  type RunReport,
} from '../src/index.js';
import { Collector, guestFolder } from './support/guest-files.js';

const PAGE = 4096;

/** What a test does to a file of the directory when a guest opens it. */
type Meddle = (file: NamespaceFile) => NamespaceFile;

/** A directory whose file `data` is meddled with. */
function meddled(folder: string, meddle: Meddle): Namespace {
  const directory = new HostDirectory(folder);
  return {
    openFile: (path) => (path === 'data' ? meddle(directory.openFile(path)) : directory.openFile(path)),
    stat: (path) => directory.stat(path),
    list: (path) => directory.list(path),
    close: () => directory.close(),
  };
}

/** The same file, with something that happens before each read. */
function beforeRead(act: (offset: number, count: number) => void): Meddle {
  return (file) => {
    let count = 0;
    const { backing } = file;
    const read: VmoBacking['read'] = (range, into, context) => {
      count += 1;
      act(range.offset, count);
      return backing.read(range, into, context);
    };
    return { ...file, backing: { read, close: () => backing.close?.() } };
  };
}

interface Run extends RunReport {
  readonly stdout: string;
  readonly failures: RequestFailure[];
}

async function run(
  folder: string,
  meddle: Meddle,
  args: readonly string[],
  options: { readonly timeout?: number; readonly signal?: AbortSignal; readonly wall?: boolean } = {},
): Promise<Run> {
  const stdout = new Collector();
  const failures: RequestFailure[] = [];
  const namespace = meddled(folder, meddle);
  const [program, ...rest] = args as [string, ...string[]];
  try {
    const report = await runProgram({
      namespace,
      program: `${program}.elf`,
      args: rest,
      stdout,
      memoryBytes: 16 * 2 ** 20,
      pager: options.timeout === undefined ? {} : { timeout: options.timeout },
      onRequestFailure: (failure) => failures.push(failure),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      ...(options.wall === true ? { clock: new WallClock(() => performance.now() * 1e6) } : {}),
    });
    return { ...report, stdout: stdout.text, failures };
  } finally {
    namespace.close();
  }
}

/** Ten pages, each beginning with its number. */
function tenPages(): Uint8Array {
  const bytes = new Uint8Array(10 * PAGE);
  for (let page = 0; page < 10; page++) bytes[page * PAGE] = page;
  return bytes;
}

const folder = (): string => guestFolder({ data: tenPages() }, ['touch-pages', 'spawn']);

/** The status in a crash by a page fault. */
function crashStatus(report: RunReport): number | null {
  return report.outcome.kind === 'crashed' ? report.outcome.report.exception.synthCode | 0 : null;
}

describe('a file that', () => {
  it('disappears while it is mapped stays readable', async () => {
    const root = folder();
    const result = await run(
      root,
      beforeRead((_offset, count) => (count === 3 ? rmSync(join(root, 'data')) : undefined)),
      ['touch-pages', 'data'],
    );
    expect(result).toMatchObject({
      exitStatus: 0,
      stdout: expect.stringContaining('10 pages, sum 000000000000002d'),
    });
  });

  it('shrinks gives ZX_ERR_IO_DATA_INTEGRITY behind its new end, and its pages before', async () => {
    const root = folder();
    const shrink = beforeRead((_offset, count) =>
      count === 3 ? truncateSync(join(root, 'data'), 5 * PAGE + 100) : undefined,
    );
    const result = await run(root, shrink, ['touch-pages', 'data']);
    expect(crashStatus(result)).toBe(ZX_ERR_IO_DATA_INTEGRITY);
    expect(result.failures).toMatchObject([
      {
        range: { offset: 5 * PAGE, length: PAGE },
        status: ZX_ERR_IO_DATA_INTEGRITY,
        error: { filledBytes: 100 },
      },
    ]);
    expect(result.summary.files.find(({ name }) => name === 'data')?.pagesSupplied).toBe(5);
  });
});

describe('a backing that', () => {
  const failing = (error: unknown): Meddle =>
    beforeRead((offset) => {
      if (offset === 4 * PAGE) throw error;
    });

  it.each([
    ['an error', new Error('disk on fire'), ZX_ERR_IO],
    ['a PagerError', new PagerError('no-space', 'full'), ZX_ERR_NO_SPACE],
  ])('throws %s ends the guest that touches the page, with its status', async (_what, error, status) => {
    const result = await run(folder(), failing(error), ['touch-pages', 'data']);
    expect(crashStatus(result)).toBe(status);
    expect(result.failures).toMatchObject([{ name: 'data', error, range: { offset: 4 * PAGE } }]);
    expect(result.exitStatus).toBe(134);
  });

  it('throws leaves the other guests alone', async () => {
    const result = await run(folder(), failing(new Error('disk on fire')), [
      'spawn',
      'touch-pages.elf',
      'data',
    ]);
    expect(result.outcome).toMatchObject({ kind: 'exited' });
    expect(result.stdout).toContain('touch-pages.elf ended with -1028');
  });

  const never: Meddle = (file) => ({
    ...file,
    backing: { read: () => new Promise<void>(() => undefined), close: () => file.backing.close?.() },
  });

  it('never answers fails when its time is over', async () => {
    const result = await run(folder(), never, ['touch-pages', 'data'], { timeout: 5e6, wall: true });
    expect(crashStatus(result)).toBe(ZX_ERR_IO);
    expect(result.failures).toMatchObject([{ error: { code: 'timed-out' } }]);
  });

  it('never answers does not keep a run from being interrupted', async () => {
    const abort = new AbortController();
    const asking: Meddle = (file) => ({
      ...file,
      backing: {
        read: () => {
          queueMicrotask(() => abort.abort(new Error('enough')));
          return new Promise<void>(() => undefined);
        },
      },
    });
    const result = await run(folder(), asking, ['touch-pages', 'data'], { signal: abort.signal });
    expect(result).toMatchObject({
      outcome: { kind: 'interrupted', reason: { message: 'enough' } },
      exitStatus: 130,
    });
  });

  it('answers in promises is as good as one that answers at once', async () => {
    const root = folder();
    const later: Meddle = (file) => ({
      ...file,
      backing: {
        read: async (range, into, context) => {
          await new Promise((resolve) => setImmediate(resolve));
          return file.backing.read(range, into, context);
        },
        close: () => file.backing.close?.(),
      },
    });
    expect(await run(root, later, ['touch-pages', 'data'])).toMatchObject({
      exitStatus: 0,
      summary: { failures: 0 },
    });
  });
});

describe('a program that', () => {
  it('is not there, or is a folder, is an error that says so', async () => {
    const namespace = new HostDirectory(guestFolder({ 'folder/x': '' }));
    await expect(runProgram({ namespace, program: 'missing' })).rejects.toMatchObject({ code: 'not-found' });
    await expect(runProgram({ namespace, program: 'folder' })).rejects.toMatchObject({ code: 'not-a-file' });
    namespace.close();
  });

  it('cannot be read is an error that says so', async () => {
    const unreadable: Namespace = {
      openFile: () => ({
        identity: 'x',
        size: 3 * PAGE,
        backing: { read: () => Promise.reject(new PagerError('data-integrity', 'torn')) },
      }),
      stat: () => ({ kind: 1, size: 0 }),
      list: () => [],
      close: () => undefined,
    };
    await expect(runProgram({ namespace: unreadable, program: 'x' })).rejects.toMatchObject({
      code: 'not-loaded',
      status: ZX_ERR_IO_DATA_INTEGRITY,
    });
  });

  it('has more arguments than fit is an error that says so', async () => {
    const namespace = new HostDirectory(folder());
    const started = runProgram({ namespace, program: 'touch-pages.elf', args: ['x'.repeat(70_000)] });
    await expect(started).rejects.toMatchObject({ code: 'not-loaded' });
    namespace.close();
  });
});
