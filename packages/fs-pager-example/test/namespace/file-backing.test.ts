import { openSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { FileBacking } from '../../src/namespace/file-backing.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

function file(bytes: number): { path: string; content: Uint8Array } {
  const path = join(temporaryDirectory(), 'file');
  const content = Uint8Array.from({ length: bytes }, (_, index) => (index * 7 + (index >>> 8)) & 0xff);
  writeFileSync(path, content);
  return { path, content };
}

function backing(path: string, io: 'sync' | 'async'): FileBacking {
  const made = new FileBacking(openSync(path, 'r'), io);
  onTestFinished(() => made.close());
  return made;
}

describe.each(['sync', 'async'] as const)('the backing of a file, read %s', (io) => {
  it('fills one view, and several of any size', async () => {
    const { path, content } = file(20_000);
    const made = backing(path, io);
    const one = new Uint8Array(4_096);
    expect(await made.read({ offset: 4_096, length: 4_096 }, [one])).toBe(4_096);
    expect(one).toEqual(content.subarray(4_096, 8_192));
    const parts = [new Uint8Array(4_096), new Uint8Array(8_192), new Uint8Array(100)];
    expect(await made.read({ offset: 0, length: 12_388 }, parts)).toBe(12_388);
    expect(Buffer.concat(parts)).toEqual(Buffer.from(content.subarray(0, 12_388)));
  });

  it('counts the bytes it has read', async () => {
    const made = backing(file(10_000).path, io);
    await made.read({ offset: 0, length: 8_192 }, [new Uint8Array(8_192)]);
    await made.read({ offset: 8_192, length: 1_808 }, [new Uint8Array(1_808)]);
    expect(made.bytesRead).toBe(10_000);
    expect(made.reads).toBe(2);
  });

  it('reads short when the file has shrunk', async () => {
    const { path, content } = file(12_288);
    const made = backing(path, io);
    truncateSync(path, 5_000);
    const views = [new Uint8Array(4_096), new Uint8Array(8_192)];
    expect(await made.read({ offset: 0, length: 12_288 }, views)).toBe(5_000);
    expect(Buffer.concat(views).subarray(0, 5_000)).toEqual(Buffer.from(content.subarray(0, 5_000)));
    expect(await made.read({ offset: 8_192, length: 4_096 }, [new Uint8Array(4_096)])).toBe(0);
  });

  it('fails after close', async () => {
    const made = backing(file(100).path, io);
    made.close();
    made.close();
    await expect(
      (async () => made.read({ offset: 0, length: 100 }, [new Uint8Array(100)]))(),
    ).rejects.toThrow(/EBADF/);
  });
});
