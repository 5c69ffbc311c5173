import { closeSync, openSync, writeSync } from 'node:fs';
import { hostErrorCode } from '../faultline-error.js';
import { UsageError } from './options.js';

const FLUSH_CHARACTERS = 1 << 16;

const PROBLEMS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such folder',
  ENOTDIR: 'there is no such folder',
  EISDIR: 'it is a folder',
  EACCES: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space left',
};

/**
 * A text file that the command line names. It is opened before anything runs, so that a wrong name is found out at once.
 *
 * Life: `write` collects; `close` writes the rest. After the first failure nothing more is written, and `close` tells of it.
 */
export class OutputFile {
  private readonly descriptor: number;
  private pending = '';
  private failure: UsageError | null = null;

  /** @throws {UsageError} it cannot be written */
  constructor(readonly path: string) {
    try {
      this.descriptor = openSync(path, 'w');
    } catch (error) {
      throw this.problem(error);
    }
  }

  write(text: string): void {
    this.pending += text;
    if (this.pending.length >= FLUSH_CHARACTERS) this.flush();
  }

  /** @throws {UsageError} not everything could be written */
  close(): void {
    this.flush();
    closeSync(this.descriptor);
    if (this.failure !== null) throw this.failure;
  }

  private flush(): void {
    const bytes = Buffer.from(this.pending);
    this.pending = '';
    if (this.failure !== null) return;
    try {
      for (let done = 0; done < bytes.length;) done += writeSync(this.descriptor, bytes, done);
    } catch (error) {
      this.failure = this.problem(error);
    }
  }

  private problem(error: unknown): UsageError {
    const code = hostErrorCode(error);
    return new UsageError(`cannot write ${this.path}: ${PROBLEMS[code] ?? (code || String(error))}`, {
      cause: error,
    });
  }
}
