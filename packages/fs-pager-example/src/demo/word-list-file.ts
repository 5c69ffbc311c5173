import { createHash, randomUUID } from 'node:crypto';
import {
  closeSync,
  createReadStream,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { FaultlineError, hostErrorCode } from '../faultline-error.js';
import { writeWordList } from './word-list.js';

/** Which word list, and where it is kept. */
export interface WordListFileOptions {
  /** Folder it is kept in; made if need be. */
  readonly directory: string;
  readonly bytes: number;
  readonly seed: number;
  /** SHA-256 in hexadecimal, where it is known: a file that does not have it is made anew. */
  readonly sha256?: string;
  /** Told how many bytes of the new file are written; not called when the file is there already. */
  readonly onProgress?: (bytes: number) => void;
}

/** A word list on disk. */
export interface WordListFile {
  /** Its name within the directory. */
  readonly name: string;
  readonly directory: string;
  readonly path: string;
  readonly bytes: number;
  /** It was not there before. */
  readonly created: boolean;
}

/**
 * Gives the path of a word list, making it if it is not there or not whole. It appears under its name in one step, complete and checked, also when several
 * processes make it at a time.
 *
 * @throws {FaultlineError} `word-list`: it cannot be written, or does not have the checksum
 */
export async function ensureWordListFile(options: WordListFileOptions): Promise<WordListFile> {
  const { directory, bytes, seed } = options;
  const name = `words-${bytes}-${seed}.txt`;
  const path = join(directory, name);
  if (await isWhole(path, options)) return { name, directory, path, bytes, created: false };
  const temporary = join(directory, `.${name}.${randomUUID()}`);
  try {
    mkdirSync(directory, { recursive: true });
    const sha256 = writeTo(temporary, options);
    if (options.sha256 !== undefined && sha256 !== options.sha256) {
      throw new FaultlineError(
        'word-list',
        `the word list has the checksum ${sha256}, not ${options.sha256}`,
      );
    }
    renameSync(temporary, path);
  } catch (error) {
    removeIfThere(temporary);
    if (error instanceof FaultlineError) throw error;
    const reason = hostErrorCode(error) || String(error);
    throw new FaultlineError('word-list', `cannot write the word list ${path}: ${reason}`, { cause: error });
  }
  return { name, directory, path, bytes, created: true };
}

/** Where the word list is kept: XDG_CACHE_HOME, else `.cache` of the home, else the system's folder for temporary files. */
export function wordListDirectory(
  environment: Readonly<Record<string, string | undefined>>,
  home = homedir(),
): string {
  const cache = environment['XDG_CACHE_HOME'];
  if (cache !== undefined && cache.startsWith('/')) return join(cache, 'faultline');
  if (home !== '' && home !== '/') return join(home, '.cache', 'faultline');
  return join(tmpdir(), 'faultline');
}

function removeIfThere(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // It could not even be made.
  }
}

function writeTo(path: string, options: WordListFileOptions): string {
  const hash = createHash('sha256');
  const descriptor = openSync(path, 'wx');
  try {
    let written = 0;
    writeWordList({ bytes: options.bytes, seed: options.seed }, (chunk) => {
      hash.update(chunk);
      for (let done = 0; done < chunk.length;) done += writeSync(descriptor, chunk, done);
      written += chunk.length;
      options.onProgress?.(written);
    });
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  return hash.digest('hex');
}

async function isWhole(path: string, options: WordListFileOptions): Promise<boolean> {
  try {
    const stats = statSync(path);
    if (!stats.isFile() || stats.size !== options.bytes) return false;
  } catch {
    return false;
  }
  if (options.sha256 === undefined) return true;
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 }))
      hash.update(chunk as Uint8Array);
  } catch {
    return false;
  }
  return hash.digest('hex') === options.sha256;
}
