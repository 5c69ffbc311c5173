import { closeSync, createReadStream, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { SnapshotError } from '@faultline/mmu-emu';
import type { Machine } from '@faultline/mmu-emu';

/** A snapshot that cannot be read from a file or written to it; the message is for the person who named it. */
export class SnapshotFileError extends Error {
  override readonly name = 'SnapshotFileError';
}

/** Where a snapshot will be written: nothing is at its place before all of it is. */
export class SnapshotFile {
  readonly #path: string;
  readonly #part: string;
  #file: number | undefined;

  /** @throws {SnapshotFileError} when there can be no such file. */
  constructor(path: string) {
    this.#path = path;
    this.#part = `${path}.part`;
    this.#file = this.#try(() => openSync(this.#part, 'w'));
  }

  /** Once. @throws {SnapshotFileError} {SnapshotError} */
  write(machine: Machine): void {
    const file = this.#file;
    if (file === undefined) return;
    for (const piece of machine.saveInPieces()) this.#try(() => writeWhole(file, piece));
    this.#try(() => {
      this.#file = undefined;
      closeSync(file);
      renameSync(this.#part, this.#path);
    });
  }

  /** What was not written whole is not left behind. */
  close(): void {
    if (this.#file === undefined) return;
    closeSync(this.#file);
    rmSync(this.#part);
  }

  #try<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      throw new SnapshotFileError(`cannot write the snapshot ${this.#path}: ${messageOf(error)}`);
    }
  }
}

/** Makes a machine go on from a file. @throws {SnapshotFileError} {SnapshotError} */
export async function restoreFile(machine: Machine, path: string): Promise<void> {
  try {
    await machine.restoreFrom(() => createReadStream(path));
  } catch (error) {
    if (error instanceof SnapshotError) throw error;
    throw new SnapshotFileError(`cannot read the snapshot ${path}: ${messageOf(error)}`);
  }
}

function writeWhole(file: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) done += writeSync(file, bytes, done);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
