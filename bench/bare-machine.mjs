/** A machine for programs without an operating system, in Node or in a page. */
import { EXIT_BUDGET, EXIT_STOP, HART_PC, Machine, TestFinisher, Uart16550 } from '@faultline/mmu-emu';

export const RAM_BASE = 0x8000_0000;
const RAM_BYTES = 256 << 20;

/** A machine about to run what `load` puts into it, and what it has printed. */
export async function machineWith(load, engine) {
  let output = '';
  const finisher = new TestFinisher({ stop: (code) => machine.stop(code) });
  const uart = new Uart16550({ transmit: (byte) => (output += String.fromCharCode(byte)) });
  const machine = await Machine.create({ ramBytes: RAM_BYTES, devices: [finisher, uart], engine });
  load(machine);
  machine.harts[0].state[HART_PC] = RAM_BASE;
  return { machine, output: () => output };
}

/** Runs to the finisher. @returns instructions retired */
export function finish(machine) {
  let retired = 0;
  for (;;) {
    const reason = machine.run(1_000_000);
    retired += machine.retired;
    if (reason === EXIT_STOP) return retired;
    if (reason !== EXIT_BUDGET) throw new Error(`the program ended with exit reason ${reason}`);
  }
}
