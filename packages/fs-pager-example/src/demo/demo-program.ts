import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { FaultlineError } from '../faultline-error.js';

/** Where the built package has the guest programs, and where its sources find them. */
const PLACES = ['./guest/', '../../../../guest/bin/'];

/**
 * The path of a guest program that comes with this package.
 *
 * @throws {FaultlineError} `not-found`
 */
export function guestProgram(name: string): string {
  for (const place of PLACES) {
    const path = fileURLToPath(new URL(`${place}${name}.elf`, import.meta.url));
    if (existsSync(path)) return path;
  }
  throw new FaultlineError('not-found', `the guest program ${name}.elf is missing from this installation`);
}
