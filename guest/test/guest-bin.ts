/** Where the guest programs are that the tests run. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder guest/. */
export const GUEST = fileURLToPath(new URL('..', import.meta.url));

/** The folder with the programs: the committed ones, or those that FAULTLINE_GUEST_BIN names. */
export const GUEST_BIN = process.env['FAULTLINE_GUEST_BIN'] ?? join(GUEST, 'bin');

/** Names of the programs, without `.elf`: one for each source file of programs/. */
export const PROGRAMS: readonly string[] = readdirSync(join(GUEST, 'programs'))
  .filter((file) => /\.(c|cc)$/.test(file))
  .map((file) => file.slice(0, file.lastIndexOf('.')));

/** The bytes of a program's ELF file. */
export function programBytes(program: string): Uint8Array {
  return readFileSync(join(GUEST_BIN, `${program}.elf`));
}

/** What guest/bin/manifest.json says. */
export interface GuestManifest {
  /** First line of what the compiler says about itself. */
  readonly compiler: string;
  /** The ELF files, by name. */
  readonly programs: Readonly<Record<string, { readonly bytes: number; readonly sha256: string }>>;
  /** Hashes of everything that they are made of, by path below guest/. */
  readonly sources: Readonly<Record<string, string>>;
}

/** The manifest of the committed programs. */
export function readManifest(): GuestManifest {
  return JSON.parse(readFileSync(join(GUEST, 'bin/manifest.json'), 'utf8')) as GuestManifest;
}
