import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { FileBacking } from '../../src/namespace/file-backing.js';
import { HostDirectory } from '../../src/namespace/host-directory.js';
import {
  canWalkDescriptors,
  DescriptorNode,
  PathNode,
  walk,
  type HostNode,
} from '../../src/namespace/host-node.js';
import { KIND_DIRECTORY, KIND_FILE } from '../../src/namespace/namespace.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const WAYS = canWalkDescriptors() ? (['descriptors', 'paths'] as const) : (['paths'] as const);

/** root/ with files and folders, beside outside/ with a secret. */
function tree(): { root: string; outside: string } {
  const base = temporaryDirectory();
  const root = join(base, 'root');
  const outside = join(base, 'outside');
  mkdirSync(join(root, 'sub/deep'), { recursive: true });
  mkdirSync(outside);
  writeFileSync(join(root, 'top.txt'), 'top');
  writeFileSync(join(root, 'sub/inner.txt'), 'inner');
  writeFileSync(join(outside, 'secret.txt'), 'secret');
  return { root, outside };
}

function content(directory: HostDirectory, path: string): string {
  const file = directory.openFile(path);
  const bytes = new Uint8Array(file.size);
  void (file.backing as FileBacking).read({ offset: 0, length: file.size }, [bytes]);
  void file.backing.close?.();
  return new TextDecoder().decode(bytes);
}

const code = (expected: string): unknown => expect.objectContaining({ code: expected });

describe.each(WAYS)('a directory of the host, walked by %s', (way) => {
  function open(root: string): HostDirectory {
    const directory = new HostDirectory(root, { walk: way });
    onTestFinished(() => directory.close());
    return directory;
  }

  it('opens files by relative and by absolute paths of the guest', () => {
    const directory = open(tree().root);
    expect(content(directory, 'top.txt')).toBe('top');
    expect(content(directory, '/sub/inner.txt')).toBe('inner');
    expect(content(directory, 'sub/deep/../../top.txt')).toBe('top');
  });

  it('says what a path names', () => {
    const directory = open(tree().root);
    expect(directory.stat('top.txt')).toEqual({ kind: KIND_FILE, size: 3 });
    expect(directory.stat('/')).toEqual({ kind: KIND_DIRECTORY, size: 0 });
    expect(directory.stat('sub/')).toEqual({ kind: KIND_DIRECTORY, size: 0 });
  });

  it('lists files and folders in order, and nothing else', () => {
    const { root } = tree();
    symlinkSync('top.txt', join(root, 'link'));
    expect(open(root).list('/')).toEqual([
      { kind: KIND_DIRECTORY, name: 'sub' },
      { kind: KIND_FILE, name: 'top.txt' },
    ]);
  });

  it.each([
    '..',
    '/..',
    '../outside/secret.txt',
    'sub/../../outside/secret.txt',
    'sub/deep/../../../root/top.txt',
  ])('does not leave the root by %s', (path) => {
    const directory = open(tree().root);
    expect(() => directory.stat(path)).toThrow(code('access-denied'));
    expect(() => directory.openFile(path)).toThrow(code('access-denied'));
  });

  it('takes the absolute path of a host file for one in the root', () => {
    const { root, outside } = tree();
    expect(() => open(root).openFile(join(outside, 'secret.txt'))).toThrow(code('not-found'));
  });

  it('follows symbolic links that stay inside', () => {
    const { root } = tree();
    symlinkSync('../top.txt', join(root, 'sub/up'));
    symlinkSync('sub', join(root, 'folder'));
    const directory = open(root);
    expect(content(directory, 'sub/up')).toBe('top');
    expect(content(directory, 'folder/inner.txt')).toBe('inner');
    expect(content(directory, 'folder/deep/../up')).toBe('top');
  });

  it('refuses symbolic links that lead out, relative and absolute, to files and to folders', () => {
    const { root, outside } = tree();
    symlinkSync('../outside/secret.txt', join(root, 'relative'));
    symlinkSync(join(outside, 'secret.txt'), join(root, 'absolute'));
    symlinkSync('../../outside', join(root, 'sub/folder'));
    symlinkSync(join(root, 'top.txt'), join(root, 'absolute-inside'));
    const directory = open(root);
    for (const path of ['relative', 'absolute', 'sub/folder/secret.txt', 'absolute-inside']) {
      expect(() => directory.openFile(path)).toThrow(code('access-denied'));
    }
  });

  it('gives up on symbolic links that go round', () => {
    const { root } = tree();
    symlinkSync('b', join(root, 'a'));
    symlinkSync('a', join(root, 'b'));
    expect(() => open(root).stat('a')).toThrow(code('bad-path'));
  });

  it('names what is wrong with a path', () => {
    const directory = open(tree().root);
    expect(() => directory.openFile('missing')).toThrow(code('not-found'));
    expect(() => directory.openFile('sub')).toThrow(code('not-a-file'));
    expect(() => directory.openFile('/')).toThrow(code('not-a-file'));
    expect(() => directory.openFile('top.txt/more')).toThrow(code('not-a-directory'));
    expect(() => directory.openFile('top.txt/')).toThrow(code('not-a-directory'));
    expect(() => directory.list('top.txt')).toThrow(code('not-a-directory'));
    expect(() => directory.openFile('')).toThrow(code('bad-path'));
  });

  it('opens no pipe', () => {
    const { root } = tree();
    execFileSync('mkfifo', [join(root, 'pipe')]);
    const directory = open(root);
    expect(() => directory.openFile('pipe')).toThrow(code('not-a-file'));
    expect(() => directory.stat('pipe')).toThrow(code('access-denied'));
    expect(directory.list('/').map(({ name }) => name)).not.toContain('pipe');
  });

  it('keeps a file readable when its name goes away', () => {
    const { root } = tree();
    const directory = open(root);
    const file = directory.openFile('top.txt');
    rmSync(join(root, 'top.txt'));
    const bytes = new Uint8Array(3);
    const backing = file.backing as FileBacking;
    expect(backing.read({ offset: 0, length: 3 }, [bytes])).toBe(3);
    expect(new TextDecoder().decode(bytes)).toBe('top');
    backing.close();
  });

  it('gives the same identity to the same file, and another to other content', () => {
    const { root } = tree();
    symlinkSync('top.txt', join(root, 'link'));
    const directory = open(root);
    const identities = ['top.txt', 'link', 'sub/inner.txt'].map((path) => {
      const file = directory.openFile(path);
      void file.backing.close?.();
      return file.identity;
    });
    expect(identities[0]).toBe(identities[1]);
    expect(identities[0]).not.toBe(identities[2]);
    writeFileSync(join(root, 'top.txt'), 'longer than before');
    const again = directory.openFile('top.txt');
    void again.backing.close?.();
    expect(again.identity).not.toBe(identities[0]);
  });

  it('answers nothing after close', () => {
    const directory = open(tree().root);
    directory.close();
    directory.close();
    expect(() => directory.stat('/')).toThrow(code('closed'));
  });

  it('must be a directory that is there', () => {
    const { root } = tree();
    expect(() => open(join(root, 'missing'))).toThrow(code('not-found'));
    expect(() => open(join(root, 'top.txt'))).toThrow(code('not-a-directory'));
  });
});

/** A node that lets something happen between steps of a walk. */
class Interrupted implements HostNode {
  constructor(
    private readonly inner: HostNode,
    private readonly before: (name: string) => void,
  ) {}
  get kind(): HostNode['kind'] {
    return this.inner.kind;
  }
  get stats(): HostNode['stats'] {
    return this.inner.stats;
  }
  child(name: string): HostNode {
    this.before(name);
    return new Interrupted(this.inner.child(name), this.before);
  }
  linkTarget(): string {
    return this.inner.linkTarget();
  }
  openForReading(): number {
    this.before('');
    return this.inner.openForReading();
  }
  entries(): ReturnType<HostNode['entries']> {
    return this.inner.entries();
  }
  close(): void {
    this.inner.close();
  }
}

describe('a race between the check of a path and its use', () => {
  it.each(WAYS)(
    'does not lead out of the root when a folder becomes a symbolic link, walked by %s',
    (way) => {
      const { root, outside } = tree();
      writeFileSync(join(outside, 'inner.txt'), 'secret');
      const start = way === 'descriptors' ? DescriptorNode.root(root) : PathNode.root(root);
      onTestFinished(() => start.close());
      const swap = (): void => {
        renameSync(join(root, 'sub'), join(root, 'moved'));
        symlinkSync(outside, join(root, 'sub'));
      };
      const swapBefore = (name: string, wanted: string): void => (name === wanted ? swap() : undefined);
      const read = (wanted: string): string => {
        const node = walk(
          new Interrupted(start, (name) => swapBefore(name, wanted)),
          ['sub', 'inner.txt'],
          'sub/inner.txt',
          (target) => [target],
        );
        try {
          const backing = new FileBacking(node.openForReading());
          const bytes = new Uint8Array(6);
          const count = backing.read({ offset: 0, length: 6 }, [bytes]) as number;
          backing.close();
          return new TextDecoder().decode(bytes.subarray(0, count));
        } finally {
          node.close();
        }
      };
      const outcome = (() => {
        try {
          return read('inner.txt');
        } catch (error) {
          return (error as { code: string }).code;
        }
      })();
      // By descriptor the folder that was entered is the one that is read; by path the swap is found out.
      expect(outcome).toBe(way === 'descriptors' ? 'inner' : 'access-denied');
    },
  );

  it.each(WAYS)('leaves no descriptor open, walked by %s', (way) => {
    const { root } = tree();
    symlinkSync('/', join(root, 'out'));
    const before = openDescriptors();
    const directory = new HostDirectory(root, { walk: way });
    for (const path of ['top.txt', 'sub/deep', 'out', 'missing', 'sub/../..', 'sub/deep/../inner.txt']) {
      try {
        directory.stat(path);
      } catch {
        // Half of these fail; what counts is what is left behind.
      }
    }
    void directory.openFile('top.txt').backing.close?.();
    directory.close();
    expect(openDescriptors()).toBe(before);
  });
});

function openDescriptors(): number {
  return canWalkDescriptors() ? readdirSync('/proc/self/fd').length : 0;
}
