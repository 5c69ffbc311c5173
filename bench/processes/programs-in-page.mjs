/** Times programs for a machine without an operating system: in a page, which fetches them, and in Node. */
import {
  EXIT_BUDGET,
  EXIT_STOP,
  HART_PC,
  loadElf,
  Machine,
  TestFinisher,
  Uart16550,
} from '@faultline/mmu-emu';

const RAM_BASE = 0x8000_0000;
const RAM_BYTES = 256 << 20;

/** Instructions, seconds of wall time from the first to the last, and what was printed. */
export async function time(elf) {
  let output = '';
  const finisher = new TestFinisher({ stop: (code) => machine.stop(code) });
  const uart = new Uart16550({ transmit: (byte) => (output += String.fromCharCode(byte)) });
  const machine = await Machine.create({ ramBytes: RAM_BYTES, devices: [finisher, uart] });
  loadElf(machine, elf);
  machine.harts[0].state[HART_PC] = RAM_BASE;
  let retired = 0;
  const start = performance.now();
  let reason = EXIT_BUDGET;
  while (reason === EXIT_BUDGET) {
    reason = machine.run(1_000_000);
    retired += machine.retired;
  }
  if (reason !== EXIT_STOP) throw new Error(`the program ended with exit reason ${reason}`);
  return { retired, seconds: (performance.now() - start) / 1000, output };
}

/** @param {readonly string[]} paths where the ELF files are, of the server */
export async function run(paths) {
  const results = [];
  for (const path of paths) results.push(await time(new Uint8Array(await (await fetch(path)).arrayBuffer())));
  return results;
}
