import { parseArgs } from 'node:util';

/** A command line that cannot be followed; the message is for the person who typed it. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** What the command line asks for. */
export type CommandOptions =
  | { readonly action: 'help' | 'version' }
  | RunOptions
  | { readonly action: 'disassemble'; readonly file: string };

/** `mmu-emu run`. */
export interface RunOptions {
  readonly action: 'run';
  readonly file: string;
  readonly memoryBytes: number;
  /** Infinity when there is no limit. */
  readonly maxInstructions: number;
  readonly stats: boolean;
  readonly clock: 'wall' | 'virtual';
}

/** What `--help` prints. */
export const HELP = `Usage: mmu-emu run [OPTIONS] PROGRAM.elf
       mmu-emu disassemble PROGRAM.elf

Runs a bare-metal RISC-V program (RV64, starting in machine mode). The machine has
RAM at 0x80000000, a 16550 UART at 0x10000000 connected to standard input and
output, and a SiFive test finisher at 0x100000, by which the program ends.

Options of run:
  --memory SIZE          RAM, for instance 64M or 1G (default 256M)
  --max-instructions N   end with status 124 after N instructions
  --clock wall|virtual   the time the program sees: real, or one nanosecond an
                         instruction, the same in every run (default wall)
  --stats                print instructions, time and speed to standard error
  --help                 print this
  --version              print the version

Exit status: what the program gave to the test finisher (0 for pass), 124 when the
instructions ran out, 125 when the program waits for an interrupt that cannot come,
2 when the program could not be started.
`;

const DEFAULT_MEMORY_BYTES = 256 * 2 ** 20;
const UNITS: Readonly<Record<string, number>> = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 };

/**
 * Reads the arguments that follow the command's name.
 *
 * @throws {UsageError}
 */
export function parseOptions(args: readonly string[]): CommandOptions {
  const { values, positionals } = read(args);
  if (values.help === true) return { action: 'help' };
  if (values.version === true) return { action: 'version' };
  const [action, file, ...rest] = positionals;
  if (action === undefined) throw new UsageError('what to do is missing: run or disassemble');
  if (action !== 'run' && action !== 'disassemble') {
    throw new UsageError(`there is no command ${JSON.stringify(action)}: it is run or disassemble`);
  }
  if (file === undefined) throw new UsageError(`${action} needs the path of a program`);
  if (rest.length > 0)
    throw new UsageError(`one program is expected; ${JSON.stringify(rest[0])} is too much`);
  if (action === 'disassemble') {
    for (const name of ['memory', 'max-instructions', 'clock', 'stats'] as const) {
      if (values[name] !== undefined) throw new UsageError(`--${name} is an option of run`);
    }
    return { action, file };
  }
  return {
    action,
    file,
    memoryBytes: values.memory === undefined ? DEFAULT_MEMORY_BYTES : parseSize(values.memory),
    maxInstructions:
      values['max-instructions'] === undefined ? Infinity : parseCount(values['max-instructions']),
    stats: values.stats ?? false,
    clock: parseClock(values.clock ?? 'wall'),
  };
}

function read(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      strict: true,
      options: {
        memory: { type: 'string' },
        'max-instructions': { type: 'string' },
        clock: { type: 'string' },
        stats: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
        version: { type: 'boolean' },
      },
    });
  } catch (error) {
    // parseArgs explains itself in a sentence or more; the first says which option is wrong.
    const message = error instanceof Error ? error.message : String(error);
    throw new UsageError(message.split('. ')[0].replace(/\.$/, ''));
  }
}

function parseSize(text: string): number {
  const match = /^([0-9]+)([KMG]?)i?B?$/i.exec(text);
  const bytes = match === null ? NaN : Number(match[1]) * UNITS[match[2].toUpperCase()];
  if (!Number.isSafeInteger(bytes))
    throw new UsageError(`--memory ${text}: a size is expected, for instance 64M or 1G`);
  return bytes;
}

function parseCount(text: string): number {
  const count = /^[0-9][0-9_]*$/.test(text) ? Number(text.replaceAll('_', '')) : NaN;
  if (!Number.isSafeInteger(count) || count < 1) {
    throw new UsageError(`--max-instructions ${text}: a positive number is expected`);
  }
  return count;
}

function parseClock(text: string): 'wall' | 'virtual' {
  if (text !== 'wall' && text !== 'virtual') throw new UsageError(`--clock ${text}: it is wall or virtual`);
  return text;
}
