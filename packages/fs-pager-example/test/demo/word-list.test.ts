import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeWordList } from '../../src/demo/word-list.js';
import { ensureWordListFile, wordListDirectory } from '../../src/demo/word-list-file.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

function list(bytes: number, seed: number, chunkBytes = 4_096): { text: string; words: number } {
  const chunks: Uint8Array[] = [];
  const { words } = writeWordList({ bytes, seed, chunkBytes }, (chunk) => chunks.push(chunk.slice()));
  return { text: Buffer.concat(chunks).toString('latin1'), words };
}

describe('a word list', () => {
  it.each([64, 65, 100, 1_000, 4_096, 99_999, 1 << 20])(
    'has exactly %i bytes of sorted lines, each once',
    (bytes) => {
      for (const seed of [1, 2, 3]) {
        const { text, words } = list(bytes, seed);
        expect(text).toHaveLength(bytes);
        expect(text.endsWith('\n')).toBe(true);
        const lines = text.split('\n').slice(0, -1);
        expect(lines).toHaveLength(words);
        expect(lines.findIndex((line, index) => index > 0 && line <= lines[index - 1])).toBe(-1);
        expect(lines.every((line) => /^[a-z]+$/.test(line))).toBe(true);
      }
    },
  );

  it('depends on the seed and on nothing else', () => {
    expect(list(50_000, 7).text).toBe(list(50_000, 7, 333).text);
    expect(list(50_000, 7).text).not.toBe(list(50_000, 8).text);
  });

  it('is the same as ever', () => {
    const { text } = list(1 << 20, 1);
    expect(createHash('sha256').update(text).digest('hex')).toMatchInlineSnapshot(
      `"5d34c5cc61a591909c4ce21111ffa0e037b81c82a65abc5385e70dd39c42cfa9"`,
    );
  });

  it('refuses sizes too small to hold words', () => {
    expect(() => list(63, 1)).toThrow(RangeError);
  });
});

describe('the file of a word list', () => {
  it('is made once, and made anew when it is damaged', async () => {
    const directory = join(temporaryDirectory(), 'new/folder');
    const progress: number[] = [];
    const options = {
      directory,
      bytes: 100_000,
      seed: 5,
      onProgress: (bytes: number) => progress.push(bytes),
    };
    const first = await ensureWordListFile(options);
    expect(first).toMatchObject({ name: 'words-100000-5.txt', bytes: 100_000, created: true });
    expect(progress.at(-1)).toBe(100_000);
    const content = readFileSync(first.path);
    const sha256 = createHash('sha256').update(content).digest('hex');
    expect(await ensureWordListFile({ ...options, sha256 })).toMatchObject({ created: false });

    truncateSync(first.path, 50_000);
    expect(await ensureWordListFile(options)).toMatchObject({ created: true });
    content[7] = 0x21;
    writeFileSync(first.path, content);
    expect(await ensureWordListFile({ ...options, sha256 })).toMatchObject({ created: true });
    expect(readdirSync(directory)).toEqual(['words-100000-5.txt']);
  });

  it('is not kept when it does not have the checksum', async () => {
    const directory = temporaryDirectory();
    const made = ensureWordListFile({ directory, bytes: 1_000, seed: 1, sha256: '00' });
    await expect(made).rejects.toMatchObject({ code: 'word-list' });
    expect(readdirSync(directory)).toEqual([]);
  });

  it('says when it cannot be written', async () => {
    const directory = join(temporaryDirectory(), 'file');
    writeFileSync(directory, '');
    const made = ensureWordListFile({ directory, bytes: 1_000, seed: 1 });
    await expect(made).rejects.toMatchObject({
      code: 'word-list',
      message: expect.stringContaining('cannot write'),
    });
  });

  it('lies in the cache folder', () => {
    expect(wordListDirectory({ XDG_CACHE_HOME: '/cache' }, '/users/me')).toBe('/cache/faultline');
    expect(wordListDirectory({ XDG_CACHE_HOME: 'relative' }, '/users/me')).toBe('/users/me/.cache/faultline');
    expect(wordListDirectory({}, '')).toMatch(/faultline$/);
  });
});
