/** Prints, as JSON, what came of a program for a machine without an operating system, an ELF file. */
import { readFileSync } from 'node:fs';
import { time } from './programs-in-page.mjs';

process.stdout.write(JSON.stringify(await time(readFileSync(process.argv[2]))));
