import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, describe, expect, test } from 'vitest';
import { assemble, INSTRUCTIONS, RAM_BASE } from '../../src/index.js';
import { CommandRun } from '../command/command-run.js';
import { buildElf, R, W, X } from '../elf/elf-builder.js';
import { hasQemu, runQemu } from '../qemu/qemu.js';
import { BOOT_MEBIBYTES } from './boot.js';
import { nameOf, onQemu, PROGRAMS, sourceOf } from './programs.js';
import type { Program } from './programs.js';
import { DRIVE_SECTORS, SECTOR_BYTES, sectorMark, WRITTEN_MARK, WRITTEN_SECTOR } from './virtio.js';

const folder = mkdtempSync(join(tmpdir(), 'faultline-programs-'));
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;
function file(bytes: Uint8Array): string {
  const path = join(folder, `file-${files++}`);
  writeFileSync(path, bytes);
  return path;
}

/** Writes a program to a file, which is an ELF unless it is said to be flat. */
function programFile(source: string, form: 'elf' | 'flat' = 'elf'): string {
  const { bytes, symbols } = assemble(source, { origin: RAM_BASE });
  if (form === 'flat') return file(bytes);
  const segments = [{ flags: R | W | X, vaddr: RAM_BASE, paddr: RAM_BASE, data: bytes }];
  const named = [...symbols].map(([name, value]) => ({ name, value: BigInt(value) }));
  return file(buildElf({ entry: RAM_BASE, segments, symbols: named }));
}

/** A drive whose sectors say which they are. */
function driveFile(): string {
  const words = new DataView(new ArrayBuffer(DRIVE_SECTORS * SECTOR_BYTES));
  for (let sector = 0; sector < DRIVE_SECTORS; sector++)
    words.setBigUint64(sector * SECTOR_BYTES, sectorMark(sector), true);
  return file(new Uint8Array(words.buffer));
}

/** The sectors that a program has written, by what they begin with. */
const marksOf = (drive: string): bigint[] => {
  const { buffer, byteOffset } = readFileSync(drive);
  return Array.from({ length: DRIVE_SECTORS }, (_, sector) =>
    new DataView(buffer, byteOffset).getBigUint64(sector * SECTOR_BYTES, true),
  );
};
const WRITTEN = Array.from({ length: DRIVE_SECTORS }, (_, sector) =>
  sector === WRITTEN_SECTOR ? WRITTEN_MARK : sectorMark(sector),
);

const INSTRUCTIONS_ENOUGH = '20_000_000';

/** The command line that runs a program. */
function commandLine(program: Program, path: string, drive?: string, engine = 'auto'): string[] {
  const action =
    program.firmware === undefined
      ? ['run', '--exit-on-tohost', path]
      : ['boot', '--bios', path, '--memory', `${BOOT_MEBIBYTES}M`];
  return [
    ...action,
    ...['--clock', 'virtual', '--max-instructions', INSTRUCTIONS_ENOUGH],
    ...['--engine', engine, '--smp', String(program.harts ?? 1)],
    ...(drive === undefined ? [] : ['--drive', drive]),
    ...(program.options ?? []),
  ];
}

async function command(...args: readonly string[]) {
  const run = new CommandRun(args);
  const status = await run.status;
  return { status, output: run.output, errors: run.errors };
}

const named = PROGRAMS.map((program) => [nameOf(program), program] as const);

describe.each(['interpreter', 'translator'])('self-checking programs, by the %s', (engine) => {
  test.each(named)('%s: pass', async (_name, program) => {
    const drive = program.drive === true ? driveFile() : undefined;
    const path = programFile(sourceOf(program), program.firmware);
    expect(await command(...commandLine(program, path, drive, engine))).toEqual({
      status: 0,
      output: program.output ?? '',
      errors: '',
    });
    if (drive !== undefined) expect(marksOf(drive)).toEqual(WRITTEN);
  });
});

describe('self-checking programs', () => {
  const comparable = named.filter(([, program]) => onQemu(program).checks.length > 0);
  test.for(comparable)('%s: pass on QEMU', ([name, program], { task }) => {
    const leftOut = program.checks.filter(({ notOnQemu }) => notOnQemu !== undefined);
    expect(leftOut.length).toBeLessThan(program.checks.length);
    if (!hasQemu(task, `program of ${name} run on QEMU`)) return;
    const source = sourceOf(onQemu(program));
    const ramBytes = program.firmware === undefined ? 2 ** 21 : BOOT_MEBIBYTES * 2 ** 20;
    const drive = program.drive === true ? driveFile() : undefined;
    const { exitCode } = runQemu(assemble(source, { origin: RAM_BASE }).bytes, ramBytes, {
      harts: program.harts ?? 1,
      ...(program.firmware === undefined ? {} : { firmware: programFile(source, program.firmware) }),
      ...(drive === undefined ? {} : { drive }),
      options: program.onQemu ?? [],
      timeoutMilliseconds: 50_000,
    });
    expect(exitCode).toBe(0);
    if (drive !== undefined) expect(marksOf(drive)).toEqual(WRITTEN);
  });

  test('use every instruction of the table', () => {
    const words = new Set(PROGRAMS.flatMap((program) => sourceOf(program).split(/[\s:]+/)));
    expect(INSTRUCTIONS.filter(({ name }) => !words.has(name)).map(({ name }) => name)).toEqual([]);
  });
});

describe('the status of a self-checking program', () => {
  const [, M] = named.find(([name]) => name === 'Unprivileged: M')!;
  const [, clock] = named.find(([name]) => name.includes('clock'))!;
  const run = (path: string, ...options: readonly string[]) =>
    command('run', '--exit-on-tohost', path, ...options);

  test.each([1, 2, M.checks.length])('is 1, with the number of the test that fails: %i', async (failing) => {
    const outcome = await run(programFile(sourceOf(M, failing)));
    expect(outcome).toEqual({ status: 1, output: '', errors: `mmu-emu: test ${failing} failed\n` });
  });

  test.each(named.map(([name, program]) => [name, program] as const))(
    'of %s is not 0 when its last test fails',
    async (_name, program) => {
      const drive = program.drive === true ? driveFile() : undefined;
      const failing = program.checks.length;
      const path = programFile(sourceOf(program, failing), program.firmware);
      const { status } = await command(...commandLine(program, path, drive));
      expect(status).toBe(program.firmware === undefined ? 1 : failing);
    },
  );

  test('is 124 when the instructions run out', async () => {
    const { status, errors } = await run(programFile(sourceOf(M)), '--max-instructions', '100');
    expect([status, errors]).toEqual([124, 'mmu-emu: the program has not ended within 100 instructions\n']);
  });

  test('is 2 when the program cannot be one, or the command is not used so', async () => {
    expect(await run(programFile('1: j 1b'))).toEqual({
      status: 2,
      output: '',
      errors: expect.stringContaining('the program has no symbol tohost') as string,
    });
    expect((await run(file(Uint8Array.of(1, 2, 3)))).status).toBe(2);
    expect((await run(join(folder, 'absent'))).status).toBe(2);
    expect((await command('boot', '--exit-on-tohost')).status).toBe(2);
    expect((await run(programFile(sourceOf(M)), '--smp', '9')).status).toBe(2);
  });

  test('of firmware is what it gave to the test finisher', async () => {
    const path = programFile(sourceOf(clock, 2), 'elf');
    expect((await command(...commandLine(clock, path))).status).toBe(2);
  });

  test('is that of the process', { timeout: 120_000 }, async () => {
    const bin = join(folder, 'package', 'bin');
    mkdirSync(bin, { recursive: true });
    writeFileSync(join(folder, 'package', 'package.json'), '{ "type": "module" }');
    copyFileSync(fileURLToPath(new URL('../../bin/mmu-emu.js', import.meta.url)), join(bin, 'mmu-emu.js'));
    await build({
      entryPoints: [fileURLToPath(new URL('../../src/command/main.ts', import.meta.url))],
      outfile: join(folder, 'package', 'dist', 'command.js'),
      bundle: true,
      platform: 'node',
      format: 'esm',
      conditions: ['@faultline/source'],
    });
    const inProcess = (...args: readonly string[]) => {
      const { status, stderr } = spawnSync(process.execPath, [join(bin, 'mmu-emu.js'), ...args], {
        encoding: 'utf8',
      });
      return [status, stderr];
    };
    const options = ['run', '--exit-on-tohost', '--max-instructions', '1000000'];
    expect(inProcess(...options, programFile(sourceOf(M)))).toEqual([0, '']);
    expect(inProcess(...options, programFile(sourceOf(M, 3)))).toEqual([1, 'mmu-emu: test 3 failed\n']);
    expect(inProcess(...options, programFile('tohost: j tohost'))[0]).toBe(124);
    expect(inProcess('run', '--exit-on-tohost')[0]).toBe(2);
  });
});
