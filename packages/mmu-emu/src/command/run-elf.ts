import type { Readable, Writable } from 'node:stream';
import {
  EXIT_STOP,
  EXIT_WFI,
  HART_PC,
  loadElf,
  Machine,
  TestFinisher,
  Uart16550,
  VirtualClock,
} from '@faultline/mmu-emu';
import { Console } from './console.js';
import type { RunOptions } from './options.js';
import { WallClock } from './wall-clock.js';

const STATUS_OUT_OF_INSTRUCTIONS = 124;
const STATUS_WAITS_FOR_EVER = 125;
/** As if SIGPIPE had ended the program: nobody reads its output. */
const STATUS_NO_READER = 141;

/** Instructions between two looks at the streams: 10 to 20 milliseconds. */
const SLICE_INSTRUCTIONS = 4_000_000;

/**
 * Runs a bare-metal program until it ends.
 *
 * @param bytes The ELF file.
 * @returns The exit status of the command.
 * @throws {ElfError} {MachineError} when it cannot be started.
 */
export async function runElf(
  bytes: Uint8Array,
  options: RunOptions,
  streams: { readonly stdin: Readable; readonly stdout: Writable; readonly stderr: Writable },
): Promise<number> {
  const terminal = new Console(streams.stdin, streams.stdout);
  try {
    const uart = new Uart16550({ transmit: terminal.send });
    const finisher = new TestFinisher({ stop: (code) => machine.stop(code) });
    const machine = await Machine.create({
      mode: 'full-system',
      ramBytes: options.memoryBytes,
      clock: options.clock === 'wall' ? new WallClock() : new VirtualClock(),
      devices: [uart, finisher],
    });
    const { entry } = loadElf(machine, bytes);
    const hart = machine.harts[0];
    hart.state[HART_PC] = entry >>> 0;
    hart.state[HART_PC + 1] = Math.floor(entry / 2 ** 32);

    const started = process.hrtime.bigint();
    let retired = 0;
    let status: number | undefined;
    while (status === undefined) {
      terminal.feed(uart);
      const reason = machine.run(Math.min(SLICE_INSTRUCTIONS, options.maxInstructions - retired));
      retired += hart.retired;
      if (!(await terminal.flush())) status = STATUS_NO_READER;
      else if (reason === EXIT_STOP) status = exitStatus(machine.exitCode);
      else if (reason === EXIT_WFI) {
        streams.stderr.write('mmu-emu: the program waits for an interrupt, and nothing here can raise one\n');
        status = STATUS_WAITS_FOR_EVER;
      } else if (retired >= options.maxInstructions) {
        streams.stderr.write(
          `mmu-emu: the program has not ended within ${options.maxInstructions} instructions\n`,
        );
        status = STATUS_OUT_OF_INSTRUCTIONS;
      } else {
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    if (options.stats) {
      const seconds = Number(process.hrtime.bigint() - started) / 1e9;
      streams.stderr.write(statistics(retired, seconds));
    }
    return status;
  } finally {
    terminal.close();
  }
}

/** A status has 8 bits; a failure must not turn into success by losing the others. */
function exitStatus(code: number): number {
  return code === 0 ? 0 : code & 0xff || 1;
}

function statistics(instructions: number, seconds: number): string {
  const mips = instructions / Math.max(seconds, 1e-9) / 1e6;
  return `instructions ${instructions}, time ${seconds.toFixed(3)} s, ${mips.toFixed(1)} MIPS\n`;
}
