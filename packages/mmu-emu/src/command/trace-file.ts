import { closeSync, openSync, writeSync } from 'node:fs';
import type { Writable } from 'node:stream';
import type { Debugger, TraceEvent } from '@faultline/mmu-emu';

/** A file that cannot be written; the message is for the person who named it. */
export class TraceFileError extends Error {
  override readonly name = 'TraceFileError';
}

const PIECE_CHARACTERS = 64 * 1024;
const PRIVILEGES = 'US?M';

function cannotWrite(path: string, error: unknown): TraceFileError {
  return new TraceFileError(`cannot write the trace ${path}: ${error instanceof Error ? error.message : ''}`);
}

/** Writes an instruction or a trap a line to a file, up to a number of lines; then the machine runs untraced. */
export class TraceFile {
  readonly #debug: Debugger;
  readonly #path: string;
  readonly #file: number;
  readonly #limit: number;
  readonly #stderr: Writable;
  #text = '';
  #lines = 0;

  /** @throws {TraceFileError} when the file cannot be made; later, when it cannot be written to. */
  constructor(debug: Debugger, path: string, limit: number, stderr: Writable) {
    try {
      this.#file = openSync(path, 'w');
    } catch (error) {
      throw cannotWrite(path, error);
    }
    this.#path = path;
    this.#debug = debug;
    this.#limit = limit;
    this.#stderr = stderr;
    debug.trace((event) => this.#take(event));
  }

  close(): void {
    this.#debug.trace(undefined);
    this.#write();
    closeSync(this.#file);
  }

  #take(event: TraceEvent): void {
    // The rest of the slice in which the limit was reached.
    if (this.#lines === this.#limit) return;
    this.#text += `${traceLine(event)}\n`;
    this.#lines += 1;
    if (this.#text.length >= PIECE_CHARACTERS) this.#write();
    if (this.#lines < this.#limit) return;
    this.#debug.trace(undefined);
    this.#stderr.write(`mmu-emu: the trace ends after ${this.#limit} lines; --trace-limit sets how many\n`);
  }

  #write(): void {
    const bytes = Buffer.from(this.#text);
    this.#text = '';
    try {
      for (let done = 0; done < bytes.length;) done += writeSync(this.#file, bytes, done);
    } catch (error) {
      throw cannotWrite(this.#path, error);
    }
  }
}

/**
 * ```
 *   0 M 0000000080000004 00052583  lw a1,0(a0)  a1=2a  read 80001000/4=2a
 *   0 exception 8 0000000080000008 tval 0
 * ```
 *
 * Hart, privilege (U, S, M), pc, encoding, instruction, registers written, memory touched; numbers in hexadecimal.
 */
function traceLine(event: TraceEvent): string {
  const pc = event.pc.toString(16).padStart(16, '0');
  if (event.kind === 'trap') {
    const { hart, interrupt, cause, tval } = event;
    return `${hart} ${interrupt ? 'interrupt' : 'exception'} ${cause} ${pc} tval ${tval.toString(16)}`;
  }
  const { hart, privilege, bits, text, registers, memory } = event;
  const encoding =
    (bits & 3) === 3 ? bits.toString(16).padStart(8, '0') : `${bits.toString(16).padStart(4, '0')}    `;
  const parts = [`${hart} ${PRIVILEGES[privilege]} ${pc} ${encoding}`, text];
  for (const { name, value } of registers) parts.push(`${name}=${value.toString(16)}`);
  for (const { access, address, bytes, value } of memory) {
    parts.push(`${access} ${address.toString(16)}/${bytes}=${value.toString(16)}`);
  }
  return parts.join('  ');
}
