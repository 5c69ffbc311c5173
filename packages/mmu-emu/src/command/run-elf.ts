import type { Readable, Writable } from 'node:stream';
import {
  elfSymbols,
  HART_PC,
  HART_X,
  Htif,
  loadElf,
  Machine,
  makeClint,
  Plic,
  TestFinisher,
  Uart16550,
  VirtualClock,
} from '@faultline/mmu-emu';
import type { LoadedElf } from '@faultline/mmu-emu';
import { Console } from './console.js';
import type { ByteReceiver } from './console.js';
import type { RunOptions } from './options.js';
import { UsageError } from './options.js';
import { runMachine } from './run-machine.js';
import { WallClock } from './wall-clock.js';

const UART_SOURCE = 10;
const STATUS_FAILED = 1;
const A0 = HART_X + 2 * 10;

/**
 * Runs a bare-metal program until it ends.
 *
 * @param bytes The ELF file.
 * @returns The exit status of the command.
 * @throws {ElfError} {MachineError} {UsageError} when it cannot be started.
 */
export async function runElf(
  bytes: Uint8Array,
  options: RunOptions,
  streams: { readonly stdin: Readable; readonly stdout: Writable; readonly stderr: Writable },
): Promise<number> {
  const plic = new Plic();
  const terminal = new Console(streams.stdin, streams.stdout);
  try {
    const uart = new Uart16550({ transmit: terminal.send, interrupt: plic.line(UART_SOURCE) });
    const machine = await Machine.create({
      mode: 'full-system',
      ramBytes: options.memoryBytes,
      harts: options.harts,
      engine: options.engine,
      clock: options.clock === 'wall' ? new WallClock() : new VirtualClock(),
      devices: [uart, plic, ...makeClint(), new TestFinisher()],
    });
    const load = (): LoadedElf => {
      const loaded = loadElf(machine, bytes);
      for (const { id, state } of machine.harts) {
        state[HART_PC] = loaded.entry >>> 0;
        state[HART_PC + 1] = Math.floor(loaded.entry / 2 ** 32);
        // As firmware is entered: a0 has the number of the hart.
        state[A0] = id;
      }
      return loaded;
    };
    const htif = connectHtif(machine, bytes, load().bias, terminal.send);
    if (options.exitOnTohost && htif === undefined) {
      throw new UsageError('--exit-on-tohost: the program has no symbol tohost');
    }
    const exitStatus = (code: number): number => {
      if (!options.exitOnTohost) return code === 0 ? 0 : code & 0xff || 1;
      if (code === 0) return 0;
      streams.stderr.write(`mmu-emu: test ${code} failed\n`);
      return STATUS_FAILED;
    };
    // Which console the program reads is not known before it does: input goes to both.
    const port = htif === undefined ? uart : bothPorts(uart, htif);
    return await runMachine(machine, {
      terminal,
      port,
      options,
      stderr: streams.stderr,
      exitStatus,
      load: () => void load(),
    });
  } finally {
    terminal.close();
  }
}

/** HTIF, if the program has its symbols. */
function connectHtif(
  machine: Machine,
  bytes: Uint8Array,
  bias: number,
  transmit: (byte: number) => void,
): Htif | undefined {
  const symbols = new Map<string, number>();
  for (const { name, value } of elfSymbols(bytes)) {
    if (name === 'tohost' || name === 'fromhost') symbols.set(name, value + bias);
  }
  const tohost = symbols.get('tohost');
  if (tohost === undefined || !isInRam(machine, tohost)) return undefined;
  const fromhost = symbols.get('fromhost');
  const usable = fromhost !== undefined && isInRam(machine, fromhost);
  return new Htif(machine, { tohost, transmit, ...(usable ? { fromhost } : {}) });
}

/** As long as one of them is never read, it fills up and takes no more; the other gets everything. */
function bothPorts(first: ByteReceiver, second: ByteReceiver): ByteReceiver {
  return {
    get room() {
      return Math.max(first.room, second.room);
    },
    receive(bytes) {
      return Math.max(first.receive(bytes), second.receive(bytes));
    },
  };
}

function isInRam({ ram }: Machine, address: number): boolean {
  return address >= ram.base && address + 8 <= ram.base + ram.bytes;
}
