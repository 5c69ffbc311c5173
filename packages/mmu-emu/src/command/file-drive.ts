import { closeSync, fstatSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs';
import type { BlockStore } from '@faultline/mmu-emu';

/** A drive that cannot be opened; the message is for the person who named it. */
export class DriveError extends Error {
  override readonly name = 'DriveError';
}

const READ_ONLY_SUFFIX = ',ro';

/** A file as a drive. Writes go to the file at once; flush makes them durable. */
export class FileDrive implements BlockStore {
  readonly bytes: number;
  readonly readOnly: boolean;
  readonly #file: number;

  /**
   * @param option the path; with `,ro` at its end the file is not written to.
   * @throws {DriveError} when it cannot be opened so.
   */
  constructor(option: string) {
    this.readOnly = option.endsWith(READ_ONLY_SUFFIX);
    const path = this.readOnly ? option.slice(0, -READ_ONLY_SUFFIX.length) : option;
    try {
      this.#file = openSync(path, this.readOnly ? 'r' : 'r+');
      this.bytes = fstatSync(this.#file).size;
    } catch (error) {
      throw new DriveError(`cannot use the drive ${path}: ${error instanceof Error ? error.message : ''}`);
    }
  }

  read(offset: number, into: Uint8Array): void {
    for (let done = 0; done < into.length;) {
      const count = readSync(this.#file, into, done, into.length - done, offset + done);
      if (count === 0) throw new DriveError('the file has become shorter');
      done += count;
    }
  }

  write(offset: number, from: Uint8Array): void {
    for (let done = 0; done < from.length;) {
      done += writeSync(this.#file, from, done, from.length - done, offset + done);
    }
  }

  flush(): void {
    if (!this.readOnly) fsyncSync(this.#file);
  }

  close(): void {
    closeSync(this.#file);
  }
}
