import type { Writable } from 'node:stream';
import { EXIT_STOP, EXIT_WFI } from '@faultline/mmu-emu';
import type { Machine } from '@faultline/mmu-emu';
import type { ByteReceiver, Console } from './console.js';
import type { MachineCommandOptions } from './options.js';
import { hotRegions, runStatistics } from './run-statistics.js';

const STATUS_OUT_OF_INSTRUCTIONS = 124;
const STATUS_WAITS_FOR_EVER = 125;
/** As if SIGINT had ended the program: the escape of the terminal. */
const STATUS_ESCAPED = 130;
/** As if SIGPIPE had ended the program: nobody reads its output. */
const STATUS_NO_READER = 141;

/** Instructions between two looks at the streams: 10 to 20 milliseconds. */
const SLICE_INSTRUCTIONS = 4_000_000;
/** Longest wait without looking at the time again. */
const LONGEST_WAIT_MS = 60_000;

/**
 * Runs a machine until its program ends, with a terminal as its console.
 *
 * @param port where the terminal's input goes.
 * @param exitStatus the status of the command for the program's own exit code.
 * @returns the status of the command.
 */
export async function runMachine(
  machine: Machine,
  port: ByteReceiver,
  terminal: Console,
  options: MachineCommandOptions,
  stderr: Writable,
  exitStatus: (code: number) => number,
): Promise<number> {
  const started = process.hrtime.bigint();
  let retired = 0;
  let status: number | undefined;
  while (status === undefined) {
    terminal.feed(port);
    const reason = machine.run(Math.min(SLICE_INSTRUCTIONS, options.maxInstructions - retired));
    retired += machine.retired;
    if (!(await terminal.flush())) status = STATUS_NO_READER;
    else if (terminal.escaped) status = STATUS_ESCAPED;
    else if (reason === EXIT_STOP) status = exitStatus(machine.exitCode);
    else if (retired >= options.maxInstructions) {
      stderr.write(`mmu-emu: the program has not ended within ${options.maxInstructions} instructions\n`);
      status = STATUS_OUT_OF_INSTRUCTIONS;
    } else if (reason !== EXIT_WFI) await new Promise((resolve) => setImmediate(resolve));
    else if (!(await waitForInterrupt(machine, terminal, port))) {
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

/** Waits for the next deadline of a timer or for input. False when neither can come. */
async function waitForInterrupt(machine: Machine, terminal: Console, port: ByteReceiver): Promise<boolean> {
  const input = terminal.nextInput(port);
  const { nextDeadline } = machine;
  if (nextDeadline === Infinity && input === undefined) return false;
  let timer: NodeJS.Timeout | undefined;
  const waits: Promise<void>[] = input === undefined ? [] : [input];
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
