import type { Writable } from 'node:stream';
import { Debugger, EXIT_RESET, EXIT_STOP, EXIT_WFI } from '@faultline/mmu-emu';
import type { Machine } from '@faultline/mmu-emu';
import type { ByteReceiver, Console } from './console.js';
import { GdbServer } from './gdb-server.js';
import type { MachineCommandOptions } from './options.js';
import { hotRegions, runStatistics } from './run-statistics.js';
import { restoreFile, SnapshotFile } from './snapshot-file.js';
import { TraceFile } from './trace-file.js';
import { WallClock } from './wall-clock.js';

const STATUS_RESET = 123;
const STATUS_OUT_OF_INSTRUCTIONS = 124;
const STATUS_WAITS_FOR_EVER = 125;
/** As if SIGINT had ended the program: the escape of the terminal, or a debugger's kill. */
const STATUS_ESCAPED = 130;
/** As if SIGPIPE had ended the program: nobody reads its output. */
const STATUS_NO_READER = 141;

/** Instructions between two looks at the streams: 10 to 20 milliseconds. */
const SLICE_INSTRUCTIONS = 4_000_000;
/** Longest wait without looking at the time again. */
const LONGEST_WAIT_MS = 60_000;

/** What a machine runs with. */
export interface MachineSurroundings {
  readonly terminal: Console;
  /** Where the terminal's input goes. */
  readonly port: ByteReceiver;
  readonly options: MachineCommandOptions;
  readonly stderr: Writable;
  /** Status of the command for the program's own exit code. */
  readonly exitStatus: (code: number) => number;
  /** Puts the program where it begins, in a machine that was reset. */
  readonly load: () => void;
}

/**
 * Runs a machine until its program ends, with a terminal as its console, and a debugger or a trace if the options ask for
 * them.
 *
 * @returns the status of the command.
 * @throws {GdbPortError} {TraceFileError} {SnapshotFileError} {SnapshotError} when there can be no debugger, trace or snapshot.
 */
export async function runMachine(machine: Machine, surroundings: MachineSurroundings): Promise<number> {
  const { terminal, options, stderr, load } = surroundings;
  const { gdbPort, trace, traceLimit } = options;
  let gdb: GdbServer | undefined;
  let traceFile: TraceFile | undefined;
  let snapshot: SnapshotFile | undefined;
  let status = STATUS_ESCAPED;
  try {
    if (options.restore !== undefined) await restoreFile(machine, options.restore);
    if (options.saveSnapshot !== undefined) snapshot = new SnapshotFile(options.saveSnapshot);
    if (gdbPort !== undefined || trace !== undefined) {
      const debug = await Debugger.attach(machine);
      if (trace !== undefined) traceFile = new TraceFile(debug, trace, traceLimit, stderr);
      const reset = (): void => {
        machine.reset();
        load();
      };
      if (gdbPort !== undefined) gdb = await GdbServer.listen(debug, gdbPort, reset, stderr);
      terminal.onEscape = () => gdb?.wake();
    }
    status = await runUntilEnd(machine, surroundings, gdb);
    if (status === STATUS_ESCAPED || status === STATUS_OUT_OF_INSTRUCTIONS) snapshot?.write(machine);
    return status;
  } finally {
    snapshot?.close();
    traceFile?.close();
    await gdb?.close(status);
  }
}

async function runUntilEnd(
  machine: Machine,
  { terminal, port, options, stderr, exitStatus, load }: MachineSurroundings,
  gdb: GdbServer | undefined,
): Promise<number> {
  const started = process.hrtime.bigint();
  let retired = 0;
  let status: number | undefined;
  while (status === undefined) {
    if (gdb !== undefined) {
      await standStill(machine, terminal, gdb);
      if (gdb.killed || terminal.escaped) {
        status = STATUS_ESCAPED;
        break;
      }
    }
    terminal.feed(port);
    const budget = Math.min(SLICE_INSTRUCTIONS, options.maxInstructions - retired);
    const reason = gdb === undefined ? machine.run(budget) : gdb.run(budget);
    retired += gdb === undefined ? machine.retired : gdb.retired;
    if (!(await terminal.flush())) status = STATUS_NO_READER;
    else if (terminal.escaped) status = STATUS_ESCAPED;
    else if (reason === EXIT_STOP) status = exitStatus(machine.exitCode);
    else if (retired >= options.maxInstructions) {
      stderr.write(`mmu-emu: the program has not ended within ${options.maxInstructions} instructions\n`);
      status = STATUS_OUT_OF_INSTRUCTIONS;
    } else if (reason === EXIT_RESET && !options.reboot) status = STATUS_RESET;
    else if (reason === EXIT_RESET) {
      machine.reset();
      load();
    } else if (reason !== EXIT_WFI) await new Promise((resolve) => setImmediate(resolve));
    else if (!(await waitForInterrupt(machine, terminal, port, gdb))) {
      stderr.write('mmu-emu: the program waits for an interrupt, and nothing here can raise one\n');
      status = STATUS_WAITS_FOR_EVER;
    }
  }
  if (options.regions > 0) stderr.write(hotRegions(machine, options.regions));
  if (options.stats) {
    const seconds = Number(process.hrtime.bigint() - started) / 1e9;
    stderr.write(runStatistics(machine, retired, seconds));
  }
  return status;
}

/** Waits until nothing holds the machine any more; real time does not pass for it meanwhile. */
async function standStill(machine: Machine, terminal: Console, gdb: GdbServer): Promise<void> {
  const clock = machine.clock instanceof WallClock ? machine.clock : undefined;
  while (gdb.holds && !gdb.killed && !terminal.escaped) {
    clock?.hold();
    await gdb.changed();
  }
  clock?.release();
}

/** Waits for the next deadline of a timer, for input, or for a debugger. False when none of them can come. */
async function waitForInterrupt(
  machine: Machine,
  terminal: Console,
  port: ByteReceiver,
  gdb: GdbServer | undefined,
): Promise<boolean> {
  // It may have said something while the output was written.
  if (gdb !== undefined && (gdb.holds || gdb.killed)) return true;
  const input = terminal.nextInput(port);
  const { nextDeadline } = machine;
  const attended = gdb?.attended === true;
  if (nextDeadline === Infinity && input === undefined && !attended) return false;
  let timer: NodeJS.Timeout | undefined;
  const waits: Promise<void>[] = input === undefined ? [] : [input];
  if (gdb !== undefined) waits.push(gdb.changed());
  if (nextDeadline !== Infinity) {
    const milliseconds = Math.min(LONGEST_WAIT_MS, Math.max(0, nextDeadline - machine.clock.now()) / 1e6);
    waits.push(
      new Promise((resolve) => {
        timer = setTimeout(resolve, Math.ceil(milliseconds));
      }),
    );
  }
  await Promise.race(waits);
  clearTimeout(timer);
  return true;
}
