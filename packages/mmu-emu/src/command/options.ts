import { parseArgs } from 'node:util';
import type { Engine } from '@faultline/mmu-emu';

/** A command line that cannot be followed; the message is for the person who typed it. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** What the command line asks for. */
export type CommandOptions =
  | { readonly action: 'help' | 'version' }
  | RunOptions
  | BootCommandOptions
  | { readonly action: 'disassemble'; readonly file: string };

/** What `run` and `boot` have in common. */
export interface MachineCommandOptions {
  readonly memoryBytes: number;
  readonly harts: number;
  readonly engine: Engine;
  /** Infinity when there is no limit. */
  readonly maxInstructions: number;
  readonly stats: boolean;
  /** How many regions to print; 0 for none. */
  readonly regions: number;
  readonly clock: 'wall' | 'virtual';
  /** TCP port for GDB, 0 for any; undefined for none. */
  readonly gdbPort: number | undefined;
  /** File for the trace; undefined for none. */
  readonly trace: string | undefined;
  /** Lines after which the trace ends. */
  readonly traceLimit: number;
  /** File for a snapshot of a run that is ended from outside, by a debugger too; undefined for none. */
  readonly saveSnapshot: string | undefined;
  /** Snapshot to go on from; undefined for none. */
  readonly restore: string | undefined;
  /** Whether a reset by the program starts it anew. */
  readonly reboot: boolean;
}

/** `mmu-emu run`. */
export interface RunOptions extends MachineCommandOptions {
  readonly action: 'run';
  readonly file: string;
  readonly exitOnTohost: boolean;
}

/** `mmu-emu boot`. */
export interface BootCommandOptions extends MachineCommandOptions {
  readonly action: 'boot';
  readonly bios: string;
  readonly kernel: string | undefined;
  readonly initrd: string | undefined;
  readonly append: string | undefined;
  /** What the terminal's input goes to; with `virtio` there is a virtio console besides the serial port. */
  readonly console: 'uart' | 'virtio';
  /** In order. */
  readonly drives: readonly string[];
}

/** What `--help` prints. */
export const HELP = `Usage: mmu-emu run [OPTIONS] PROGRAM.elf
       mmu-emu boot [OPTIONS]
       mmu-emu disassemble PROGRAM.elf

run starts a bare-metal RISC-V program (RV64, in machine mode). The machine has RAM
at 0x80000000, a 16550 UART at 0x10000000 connected to standard input and output, a
CLINT at 0x2000000, a PLIC at 0xc000000 (the UART is source 10) and a SiFive test
finisher at 0x100000, by which the program ends. A program with the symbol tohost
may end and use a console by HTIF instead.

  --exit-on-tohost       the program is a test that ends by tohost: status 0 for
                         pass, 1 with the number of the failing test printed

boot starts firmware and an operating system on the same devices, with drives and
entropy by virtio and a real-time clock.

  --kernel FILE          flat Image, not compressed
  --initrd FILE          its first file system
  --append TEXT          its command line
  --bios FILE            fw_dynamic firmware, flat or ELF (default: OpenSBI where Debian's
                         package opensbi puts it)
  --drive FILE[,ro]      a virtio drive; up to seven, the first is /dev/vda
  --console uart|virtio  where the terminal's input goes (default uart); with virtio
                         there is a virtio console too, hvc0 of Linux

In a terminal, which becomes raw, Ctrl-A x ends the run; Ctrl-A Ctrl-A sends a Ctrl-A.

Options of both:
  --memory SIZE          RAM, for instance 64M or 1G (default 256M)
  --smp N                harts, 1 to 8 (default 1)
  --engine NAME          auto, interpreter or translator (default auto)
  --max-instructions N   end with status 124 after N instructions
  --clock wall|virtual   the time the program sees: real, or one nanosecond an
                         instruction, the same in every run (default wall)
  --gdb PORT             wait for GDB on this port of 127.0.0.1 (0: any that is free)
                         before the first instruction; "monitor help" says more
  --trace FILE           write each instruction that retires and each trap: hart, mode,
                         pc, encoding, text, registers written, memory touched
  --trace-limit N        end the trace after N lines (default 1000000)
  --save-snapshot FILE   write the whole machine to FILE when the run is ended from the
                         terminal, by the debugger's kill, or by --max-instructions
  --restore FILE         go on from there; the machine's other options, and the contents
                         of drives, must be as they were
  --no-reboot            a reset by the program ends the run (status 123); otherwise
                         the program is loaded again, and starts anew
  --stats                print to standard error instructions, time and speed, and what
                         was translated, why translated code was left, and what
                         instructions were not translated
  --regions N            print to standard error the N regions of translated code that
                         ran most: each instruction of the guest, with physical
                         addresses, above the WebAssembly that was made of it
  --help                 print this
  --version              print the version

Exit status: what the program gave to the test finisher (0 for pass), 123 when it
asked for a reset and --no-reboot was given, 124 when the instructions ran out, 125
when it waits for an interrupt that cannot come, 2 when it could not be started, 130
when it was ended from the terminal or by the debugger.
`;

/** Where Debian's package `opensbi` has it. */
const DEFAULT_BIOS = '/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.bin';
const MAXIMUM_DRIVES = 7;
const MAXIMUM_PORT = 65_535;
const DEFAULT_TRACE_LIMIT = 1_000_000;
const DEFAULT_MEMORY_BYTES = 256 * 2 ** 20;
/** Options that not every action has, and those that have them. */
const ONLY: Readonly<Record<string, readonly string[]>> = {
  memory: ['run', 'boot'],
  'max-instructions': ['run', 'boot'],
  clock: ['run', 'boot'],
  stats: ['run', 'boot'],
  regions: ['run', 'boot'],
  'no-reboot': ['run', 'boot'],
  'save-snapshot': ['run', 'boot'],
  restore: ['run', 'boot'],
  smp: ['run', 'boot'],
  engine: ['run', 'boot'],
  gdb: ['run', 'boot'],
  trace: ['run', 'boot'],
  'trace-limit': ['run', 'boot'],
  'exit-on-tohost': ['run'],
  kernel: ['boot'],
  initrd: ['boot'],
  append: ['boot'],
  bios: ['boot'],
  drive: ['boot'],
  console: ['boot'],
};
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
  if (action === undefined) throw new UsageError('what to do is missing: run, boot or disassemble');
  if (action !== 'run' && action !== 'boot' && action !== 'disassemble') {
    throw new UsageError(`there is no command ${JSON.stringify(action)}: it is run, boot or disassemble`);
  }
  for (const [name, only] of Object.entries(ONLY)) {
    if (values[name as keyof typeof values] !== undefined && !only.includes(action)) {
      throw new UsageError(`--${name} is an option of ${only.join(' and ')}`);
    }
  }
  if (action === 'boot') {
    if (file !== undefined)
      throw new UsageError(`boot has options only; ${JSON.stringify(file)} is too much`);
    const drives = values.drive ?? [];
    if (drives.length > MAXIMUM_DRIVES) throw new UsageError(`there is room for ${MAXIMUM_DRIVES} drives`);
    return {
      action,
      ...machineOptions(values),
      bios: values.bios ?? DEFAULT_BIOS,
      kernel: values.kernel,
      initrd: values.initrd,
      append: values.append,
      console: parseConsole(values.console ?? 'uart'),
      drives,
    };
  }
  if (file === undefined) throw new UsageError(`${action} needs the path of a program`);
  if (rest.length > 0)
    throw new UsageError(`one program is expected; ${JSON.stringify(rest[0])} is too much`);
  if (action === 'disassemble') return { action, file };
  return { action, file, ...machineOptions(values), exitOnTohost: values['exit-on-tohost'] ?? false };
}

function machineOptions(values: ReturnType<typeof read>['values']): MachineCommandOptions {
  return {
    harts: values.smp === undefined ? 1 : parseCount('--smp', values.smp),
    engine: parseEngine(values.engine ?? 'auto'),
    memoryBytes: values.memory === undefined ? DEFAULT_MEMORY_BYTES : parseSize(values.memory),
    maxInstructions:
      values['max-instructions'] === undefined
        ? Infinity
        : parseCount('--max-instructions', values['max-instructions']),
    stats: values.stats ?? false,
    regions: values.regions === undefined ? 0 : parseCount('--regions', values.regions),
    clock: parseClock(values.clock ?? 'wall'),
    gdbPort: values.gdb === undefined ? undefined : parsePort(values.gdb),
    trace: values.trace,
    traceLimit:
      values['trace-limit'] === undefined
        ? DEFAULT_TRACE_LIMIT
        : parseCount('--trace-limit', values['trace-limit']),
    saveSnapshot: values['save-snapshot'],
    restore: values.restore,
    reboot: values['no-reboot'] !== true,
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
        smp: { type: 'string' },
        engine: { type: 'string' },
        'exit-on-tohost': { type: 'boolean' },
        kernel: { type: 'string' },
        initrd: { type: 'string' },
        append: { type: 'string' },
        bios: { type: 'string' },
        drive: { type: 'string', multiple: true },
        gdb: { type: 'string' },
        trace: { type: 'string' },
        'trace-limit': { type: 'string' },
        stats: { type: 'boolean' },
        regions: { type: 'string' },
        'no-reboot': { type: 'boolean' },
        'save-snapshot': { type: 'string' },
        restore: { type: 'string' },
        console: { type: 'string' },
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

function parseCount(option: string, text: string): number {
  const count = /^[0-9][0-9_]*$/.test(text) ? Number(text.replaceAll('_', '')) : NaN;
  if (!Number.isSafeInteger(count) || count < 1) {
    throw new UsageError(`${option} ${text}: a positive number is expected`);
  }
  return count;
}

function parsePort(text: string): number {
  const port = /^[0-9]{1,5}$/.test(text) ? Number(text) : NaN;
  if (!(port <= MAXIMUM_PORT))
    throw new UsageError(`--gdb ${text}: a port is expected, 0 to ${MAXIMUM_PORT}`);
  return port;
}

function parseEngine(text: string): Engine {
  if (text !== 'auto' && text !== 'interpreter' && text !== 'translator') {
    throw new UsageError(`--engine ${text}: it is auto, interpreter or translator`);
  }
  return text;
}

function parseClock(text: string): 'wall' | 'virtual' {
  if (text !== 'wall' && text !== 'virtual') throw new UsageError(`--clock ${text}: it is wall or virtual`);
  return text;
}

function parseConsole(text: string): 'uart' | 'virtio' {
  if (text !== 'uart' && text !== 'virtio') throw new UsageError(`--console ${text}: it is uart or virtio`);
  return text;
}
