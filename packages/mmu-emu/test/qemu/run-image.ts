import { HART_PC, Machine, RAM_BASE, TestFinisher } from '../../src/index.js';
import type { MachineOptions } from '../../src/index.js';

export interface ImageRun {
  /** RAM at the end. */
  readonly ram: Uint8Array;
  /** What the test finisher was given; -1 when the program did not end. */
  readonly exitCode: number;
}

/** Starts an image at the beginning of RAM on this machine, as `runQemu` does on QEMU. */
export async function runImage(
  image: Uint8Array,
  ramBytes: number,
  options: MachineOptions = {},
  maxInstructions = 50_000_000,
): Promise<ImageRun> {
  let exitCode = -1;
  const finisher = new TestFinisher({
    stop: (code) => {
      exitCode = code;
      machine.stop(code);
    },
  });
  const machine = await Machine.create({
    ...options,
    ramBytes,
    devices: [finisher, ...(options.devices ?? [])],
  });
  machine.ram.writable(0, Math.ceil(image.length / 4096)).set(image);
  machine.harts[0].state[HART_PC] = RAM_BASE;
  machine.run(maxInstructions);
  return { ram: machine.ram.readable(0, machine.ram.frameCount), exitCode };
}
