import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Writable } from 'node:stream';
import { temporaryDirectory } from './temporary-directory.js';

/** The guest programs: the committed ones, or those that FAULTLINE_GUEST_BIN names. */
const GUEST_BIN =
  process.env['FAULTLINE_GUEST_BIN'] ?? fileURLToPath(new URL('../../../../guest/bin', import.meta.url));

/** The path of a guest program's ELF file. */
export function guestElf(name: string): string {
  return join(GUEST_BIN, `${name}.elf`);
}

/** A folder with files, and with guest programs. */
export function guestFolder(
  files: Readonly<Record<string, string | Uint8Array>>,
  programs: readonly string[] = [],
): string {
  const folder = temporaryDirectory();
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  for (const program of programs) copyFileSync(guestElf(program), join(folder, `${program}.elf`));
  return folder;
}

/** A stream that keeps what is written to it. */
export class Collector extends Writable {
  private readonly chunks: Uint8Array[] = [];

  override _write(chunk: Uint8Array, _encoding: string, done: () => void): void {
    this.chunks.push(Uint8Array.from(chunk));
    done();
  }

  get bytes(): Uint8Array {
    return Buffer.concat(this.chunks);
  }

  get text(): string {
    return Buffer.concat(this.chunks).toString('utf8');
  }
}
