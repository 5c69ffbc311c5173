/** Programs of a few lines as files, and the command run on them in this process, for tests. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll } from 'vitest';
import { main } from '../../src/command/main.js';
import { assemble } from '../../src/index.js';
import { buildElf, R, W, X } from '../elf/elf-builder.js';

/** Where programs are put. */
export const BASE = 0x8000_0000;
export const UART = 0x1000_0000;

/** A folder that is there until the tests of a file have run. */
export interface Scratch {
  readonly folder: string;
  /** Writes a file and gives its path. */
  file(bytes: Uint8Array | string): string;
  /** A program in one segment at the start of RAM, with its symbols, as a file. */
  program(source: string): string;
}

/** To be called outside of tests. */
export function scratch(): Scratch {
  const folder = mkdtempSync(join(tmpdir(), 'faultline-mmu-emu-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  let files = 0;
  const file = (bytes: Uint8Array | string): string => {
    const path = join(folder, `program-${files++}.elf`);
    writeFileSync(path, bytes);
    return path;
  };
  const program = (source: string): string => {
    const { bytes, symbols } = assemble(source, { origin: BASE });
    return file(
      buildElf({
        segments: [{ flags: R | W | X, vaddr: BASE, data: bytes }],
        symbols: [...symbols].map(([name, value]) => ({ name, value: BigInt(value) })),
      }),
    );
  };
  return { folder, file, program };
}

/** Instructions that end the run with a code. */
export const exitWith = (code: number): string => `
  li t0, 0x100000
  li t1, ${code === 0 ? 0x5555 : 0x3333 + code * 65536}
  sw t1, 0(t0)`;

/** Sends back every byte it receives up to a NUL, then passes. */
export const ECHO = `
_start: li s0, ${UART}
1:  lbu t0, 5(s0)
    andi t0, t0, 1
    beqz t0, 1b
    lbu a0, 0(s0)
    beqz a0, done
    sb a0, 0(s0)
    j 1b
done: ${exitWith(0)}
`;

/** Runs the command to its end. */
export async function run(
  args: readonly string[],
  input: Uint8Array | string = '',
): Promise<{ readonly status: number; readonly output: Buffer; readonly errors: string }> {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const read = async (stream: PassThrough): Promise<Buffer> => {
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks);
  };
  const [output, errors] = [read(stdout), read(stderr)];
  stdin.end(input);
  const status = await main(args, { stdin, stdout, stderr });
  stdout.end();
  stderr.end();
  return { status, output: await output, errors: (await errors).toString() };
}
