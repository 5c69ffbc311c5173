import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Readable, Writable } from 'node:stream';
import { BootError, ElfError, MachineError, SnapshotError } from '@faultline/mmu-emu';
import { bootSystem } from './boot-system.js';
import { DriveError } from './file-drive.js';
import { GdbPortError } from './gdb-server.js';
import { disassembleElf } from './disassemble-elf.js';
import { HELP, parseOptions, UsageError } from './options.js';
import { runElf } from './run-elf.js';
import { SnapshotFileError } from './snapshot-file.js';
import { TraceFileError } from './trace-file.js';

/** What the command is connected to. */
export interface CommandStreams {
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
}

/** The program could not be started: wrong usage, no such file, not a program for this machine. */
const STATUS_NOT_STARTED = 2;

/**
 * The `mmu-emu` command.
 *
 * @param args What follows the command's name.
 * @returns The exit status; see `--help`.
 */
export async function main(args: readonly string[], streams: CommandStreams = process): Promise<number> {
  const { stdout, stderr } = streams;
  try {
    const options = parseOptions(args);
    switch (options.action) {
      case 'help':
        stdout.write(HELP);
        return 0;
      case 'version':
        stdout.write(`mmu-emu ${packageVersion()}\n`);
        return 0;
      case 'disassemble':
        await disassembleElf(readProgram(options.file), stdout);
        return 0;
      case 'run':
        return await runElf(readProgram(options.file), options, streams);
      case 'boot':
        return await bootSystem(options, readProgram, streams);
    }
  } catch (error) {
    const message = explain(error);
    if (message === undefined) throw error;
    stderr.write(`mmu-emu: ${message}\n`);
    return STATUS_NOT_STARTED;
  }
}

/** What options of the machine are called on the command line. */
const MACHINE_OPTIONS: Readonly<Record<string, string>> = { ramBytes: '--memory', harts: '--smp' };

/** A sentence for an error that a user can cause; undefined for one that is ours. */
function explain(error: unknown): string | undefined {
  if (error instanceof MachineError && error.option !== undefined) {
    return error.message.replace(error.option, MACHINE_OPTIONS[error.option] ?? error.option);
  }
  if (error instanceof UsageError) return `${error.message}\nTry "mmu-emu --help".`;
  const causes = [
    ProgramError,
    ElfError,
    MachineError,
    BootError,
    DriveError,
    SnapshotError,
    SnapshotFileError,
    GdbPortError,
    TraceFileError,
  ];
  if (error instanceof Error && causes.some((cause) => error instanceof cause)) return error.message;
  return undefined;
}

/** A program that cannot be read from the file system. */
class ProgramError extends Error {
  override readonly name = 'ProgramError';
}

const FILE_PROBLEMS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  EISDIR: 'it is a directory',
  EACCES: 'permission denied',
};

function readProgram(file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    const message = error instanceof Error ? error.message : String(error);
    throw new ProgramError(`cannot read ${file}: ${FILE_PROBLEMS[code] ?? message}`);
  }
}

function packageVersion(): string {
  const require = createRequire(import.meta.url);
  const { version } = require('@faultline/mmu-emu/package.json') as { version: string };
  return version;
}
