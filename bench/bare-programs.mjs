/** Programs for a machine without an operating system: built, and run on the machine and on QEMU. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  EXIT_BUDGET,
  EXIT_STOP,
  HART_PC,
  loadElf,
  Machine,
  TestFinisher,
  Uart16550,
} from '@faultline/mmu-emu';
import { available, runTimed } from './peers/process-time.mjs';
import { measure } from './statistics.mjs';

export const RAM_BASE = 0x8000_0000;
const RAM_BYTES = 256 << 20;
const PROGRAMS = fileURLToPath(new URL('programs/', import.meta.url));

async function machineWith(load, engine) {
  let output = '';
  const finisher = new TestFinisher({ stop: (code) => machine.stop(code) });
  const uart = new Uart16550({ transmit: (byte) => (output += String.fromCharCode(byte)) });
  const machine = await Machine.create({ ramBytes: RAM_BYTES, devices: [finisher, uart], engine });
  load(machine);
  machine.harts[0].state[HART_PC] = RAM_BASE;
  return { machine, output: () => output };
}

/** Runs to the finisher; instructions retired and CPU seconds. */
export async function runToStop(load, engine) {
  const { machine, output } = await machineWith(load, engine);
  let retired = 0;
  const time = await measure(() => {
    for (;;) {
      const reason = machine.run(1_000_000);
      retired += machine.harts[0].retired;
      if (reason === EXIT_STOP) return;
      if (reason !== EXIT_BUDGET) throw new Error(`the program ended with exit reason ${reason}`);
    }
  });
  return { retired, cpu: time.cpu, output: output() };
}

/** Runs QEMU on an image, given as its arguments. */
export const runOnQemu = (image) =>
  runTimed('qemu-system-riscv64', [
    '-M',
    'virt',
    '-m',
    '256M',
    '-display',
    'none',
    '-serial',
    'stdio',
    '-bios',
    'none',
    ...image,
  ]);

/** The C compiler for RISC-V that is installed; undefined when there is none. */
export const findCompiler = () =>
  ['riscv64-unknown-elf-gcc', 'riscv64-linux-gnu-gcc'].find((name) => available(name) !== null);

/** Builds a program of bench/programs into a directory, with an empty one to subtract. */
export function compiled(compiler, directory, name, scale) {
  const build = (program) => {
    const path = join(directory, `${program}-${scale}.elf`);
    const sources = ['start.S', `${program}.c`, 'rt_bare.c'].map((source) => join(PROGRAMS, source));
    const flags = [
      '-O2',
      '-march=rv64gc',
      '-mabi=lp64d',
      '-mcmodel=medany',
      '-ffreestanding',
      '-nostdlib',
      '-static',
      '-fno-pic',
      '-fno-math-errno',
    ];
    const result = runTimed(compiler, [
      ...flags,
      '-no-pie',
      '-Wl,--build-id=none',
      `-DSCALE=${scale}`,
      '-T',
      join(PROGRAMS, 'link.ld'),
      ...sources,
      '-o',
      path,
    ]);
    if (result.status !== 0) throw new Error(`${program} does not build: ${result.errors}`);
    return path;
  };
  const program = build(name);
  const empty = build('null');
  const load = (path) => (machine) => loadElf(machine, readFileSync(path));
  return {
    load: load(program),
    loadNull: load(empty),
    qemu: ['-kernel', program],
    qemuNull: ['-kernel', empty],
  };
}

/** The checksum that a program prints. */
export const checksumOf = (output) => output.match(/checksum (\w+)/)?.[1];
