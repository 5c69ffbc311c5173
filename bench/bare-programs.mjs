/** Programs for a machine without an operating system: built, and run on the machine and on QEMU. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadElf } from '@faultline/mmu-emu';
import { finish, machineWith } from './bare-machine.mjs';
import { available, runTimed } from './peers/process-time.mjs';
import { measure } from './statistics.mjs';

const PROGRAMS = fileURLToPath(new URL('programs/', import.meta.url));

/** Runs to the finisher; instructions retired and CPU seconds. */
export async function runToStop(load, engine) {
  const { machine, output } = await machineWith(load, engine);
  let retired = 0;
  const time = await measure(() => {
    retired = finish(machine);
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
