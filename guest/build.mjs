#!/usr/bin/env node
/**
 * Builds the guest programs.
 *
 *   node guest/build.mjs              builds everything into guest/bin and writes its manifest
 *   node guest/build.mjs --out DIR    builds into DIR and leaves guest/bin alone
 *   node guest/build.mjs --check      compares guest/bin with its sources: hashes always, and the bytes of a second
 *                                     build where the compiler is the one of the manifest
 *   node guest/build.mjs --check --out DIR   the same, and keeps the second build in DIR
 *
 * The compilers are Debian's riscv64-linux-gnu-gcc and -g++ (package g++-riscv64-linux-gnu). They are not needed for running the
 * programs, which are committed. The output depends on the sources and the compiler's version only.
 */
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';

import { generateHeaders } from './generate-headers.mjs';

const GUEST = path.dirname(fileURLToPath(import.meta.url));
const COMPILER = process.env.FAULTLINE_RISCV_CC ?? 'riscv64-linux-gnu-gcc';
const CXX_COMPILER = process.env.FAULTLINE_RISCV_CXX ?? 'riscv64-linux-gnu-g++';
const MANIFEST = 'bin/manifest.json';

const COMPILE_FLAGS = [
  '-march=rv64imac_zicsr_zifencei',
  '-mabi=lp64',
  '-mcmodel=medany',
  '-O2',
  '-ffreestanding',
  '-fPIE',
  '-fvisibility=hidden',
  '-ffunction-sections',
  '-fdata-sections',
  '-fno-stack-protector',
  '-fno-asynchronous-unwind-tables',
  '-fno-unwind-tables',
  '-fno-strict-aliasing',
  '-fno-tree-loop-distribute-patterns',
  '-nostdinc',
  '-Wall',
  '-Wextra',
  '-Werror',
  '-Wshadow',
  '-Wvla',
];

/** What C and C++ differ in. The C++ library is that of the compiler; lib/cxx stands before it. */
const C_FLAGS = ['-std=gnu11', '-Wstrict-prototypes', '-Wmissing-prototypes'];
const CXX_FLAGS = ['-std=c++17', '-fno-exceptions', '-fno-rtti', '-Ilib/cxx'];

const LINK_FLAGS = [
  '-march=rv64imac_zicsr_zifencei',
  '-mabi=lp64',
  '-nostdlib',
  '-static-pie',
  '-Wl,--no-dynamic-linker',
  '-Wl,--build-id=none',
  '-Wl,--gc-sections',
  '-Wl,--fatal-warnings',
  '-Wl,-z,separate-code',
  '-Wl,-z,max-page-size=4096',
  '-Wl,-z,norelro',
  '-Wl,-z,noexecstack',
  '-Wl,-z,text',
  '-Wl,-z,stack-size=262144',
  '-Wl,--hash-style=sysv',
  '-Wl,--no-undefined',
];

const run = promisify(execFile);
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

/** First line that the compiler says of itself, or undefined when there is none. */
function compilerVersion() {
  try {
    return execFileSync(COMPILER, ['--version'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).split('\n')[0];
  } catch {
    return undefined;
  }
}

/** Paths of the files below `folder`, relative to guest/, sorted. */
async function filesBelow(folder) {
  const entries = await readdir(path.join(GUEST, folder), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) =>
      path.relative(GUEST, path.join(entry.parentPath ?? entry.path, entry.name)).replaceAll(path.sep, '/'),
    )
    .sort();
}

/** Everything that the programs are made of, with its hash. */
async function sourceHashes() {
  const files = [
    'build.mjs',
    ...(await filesBelow('include')),
    ...(await filesBelow('lib')),
    ...(await filesBelow('programs')),
  ];
  const hashes = {};
  for (const file of files) hashes[file] = sha256(await readFile(path.join(GUEST, file)));
  return hashes;
}

/** Runs the jobs, a few at a time; the first failure ends it. */
async function inParallel(jobs) {
  const queue = [...jobs];
  const worker = async () => {
    for (let job = queue.shift(); job !== undefined; job = queue.shift()) await job();
  };
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), 4) }, worker));
}

async function compiler(args, program = COMPILER) {
  try {
    await run(program, args, { cwd: GUEST, env: { ...process.env, LC_ALL: 'C', SOURCE_DATE_EPOCH: '0' } });
  } catch (error) {
    throw new Error(`${program} failed:\n${error.stderr || error.message}`, { cause: error });
  }
}

/** Where the compiler's C++ library has its headers: the first places that it looks in by itself. */
function cxxIncludes() {
  const { stderr } = spawnSync(CXX_COMPILER, ['-E', '-v', '-x', 'c++', '/dev/null'], {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C' },
  });
  return (stderr ?? '')
    .split('\n')
    .filter((line) => line.startsWith(' /') && line.includes('/c++/'))
    .flatMap((line) => ['-isystem', line.trim()]);
}

/** Builds every program of programs/ into `out`; returns the names of the ELF files. */
async function build(out) {
  const objects = await mkdtemp(path.join(tmpdir(), 'faultline-guest-'));
  try {
    const headers = execFileSync(COMPILER, ['-print-file-name=include'], { encoding: 'utf8' }).trim();
    const includes = [
      '-isystem',
      headers,
      '-Iinclude',
      `-ffile-prefix-map=${GUEST}=.`,
      `-ffile-prefix-map=${objects}=.`,
    ];
    const isSource = (file) => /\.(c|S|cc)$/.test(file);
    const libraryHeaders = cxxIncludes();
    /** The flags of C, or of C++, and which compiler. @returns {[string[], string]} */
    const language = (file) =>
      file.endsWith('.cc') ? [[...CXX_FLAGS, ...libraryHeaders], CXX_COMPILER] : [C_FLAGS, COMPILER];
    const library = (await filesBelow('lib')).filter(isSource);
    const programs = (await filesBelow('programs')).filter(isSource);
    const objectOf = (file) => path.join(objects, `${file.replaceAll('/', '_')}.o`);

    await inParallel(
      [...library, ...programs].map((file) => () => {
        const [flags, program] = language(file);
        return compiler([...COMPILE_FLAGS, ...flags, ...includes, '-c', file, '-o', objectOf(file)], program);
      }),
    );
    await mkdir(out, { recursive: true });
    await inParallel(
      programs.map((file) => () => {
        const elf = path.join(out, `${path.basename(file, path.extname(file))}.elf`);
        // Only names that do not vary go into the symbol table: object files are named after their sources.
        return compiler([...LINK_FLAGS, objectOf(file), ...library.map(objectOf), '-o', elf]);
      }),
    );
    return programs.map((file) => `${path.basename(file, path.extname(file))}.elf`);
  } finally {
    await rm(objects, { recursive: true, force: true });
  }
}

/** Builds beside guest/bin and puts the programs there only when all of them are good. */
async function replacePrograms() {
  const bin = path.join(GUEST, 'bin');
  const folder = await mkdtemp(path.join(tmpdir(), 'faultline-guest-'));
  try {
    const elfs = await build(folder);
    await mkdir(bin, { recursive: true });
    for (const file of await readdir(bin)) {
      if (file.endsWith('.elf') && !elfs.includes(file)) await rm(path.join(bin, file));
    }
    for (const elf of elfs) await copyFile(path.join(folder, elf), path.join(bin, elf));
    return elfs;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function writeManifest(version, elfs) {
  const programs = {};
  for (const elf of elfs) {
    const bytes = await readFile(path.join(GUEST, 'bin', elf));
    programs[elf] = { bytes: bytes.length, sha256: sha256(bytes) };
  }
  const manifest = { compiler: version, programs, sources: await sourceHashes() };
  await writeFile(path.join(GUEST, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`);
}

/** What is wrong with the committed programs, as lines. */
async function differences(manifest) {
  const problems = [];
  const sources = await sourceHashes();
  for (const file of new Set([...Object.keys(sources), ...Object.keys(manifest.sources)])) {
    if (sources[file] !== manifest.sources[file])
      problems.push(`${file} has changed since the programs were built`);
  }
  for (const [elf, { sha256: expected }] of Object.entries(manifest.programs)) {
    const file = path.join(GUEST, 'bin', elf);
    if (!existsSync(file)) problems.push(`bin/${elf} is missing`);
    else if (sha256(await readFile(file)) !== expected)
      problems.push(`bin/${elf} is not the file of the manifest`);
  }
  for (const file of await readdir(path.join(GUEST, 'bin'))) {
    if (file.endsWith('.elf') && manifest.programs[file] === undefined)
      problems.push(`bin/${file} is not in the manifest`);
  }
  return problems;
}

async function check(version, out) {
  const manifest = JSON.parse(await readFile(path.join(GUEST, MANIFEST), 'utf8'));
  const problems = await differences(manifest);
  if (version === undefined) {
    if (process.env.CI === 'true') problems.push(`${COMPILER} is missing, so nothing could be rebuilt`);
    else console.log(`guest programs: ${COMPILER} is missing; 1 check not run (rebuild and compare)`);
  } else {
    const folder = out ?? (await mkdtemp(path.join(tmpdir(), 'faultline-guest-')));
    try {
      const elfs = await build(folder);
      if (version !== manifest.compiler) {
        console.log(
          `guest programs: built with ${version}; the committed ones with ${manifest.compiler}; bytes not compared`,
        );
      } else {
        for (const elf of elfs) {
          const hash = sha256(await readFile(path.join(folder, elf)));
          if (hash !== manifest.programs[elf]?.sha256) problems.push(`bin/${elf} differs from a new build`);
        }
      }
    } finally {
      if (out === undefined) await rm(folder, { recursive: true, force: true });
    }
  }
  return problems;
}

const USAGE = 'Usage: node guest/build.mjs [--check] [--out DIR]';

async function main() {
  const { values } = parseArgs({
    options: { check: { type: 'boolean' }, out: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
  });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const version = compilerVersion();
  const out = values.out === undefined ? undefined : path.resolve(values.out);

  const stale = await generateHeaders({ write: !values.check });
  if (values.check) {
    const problems = [
      ...stale.map((file) => `${file} is not what the system-call table gives`),
      ...(await check(version, out)),
    ];
    for (const problem of problems) console.error(`guest programs: ${problem}`);
    if (problems.length === 0) console.log('guest programs: as committed');
    else console.error("run 'npm run guests' and commit guest/bin");
    return problems.length === 0 ? 0 : 1;
  }
  if (version === undefined) {
    console.error(`${COMPILER} is missing; on Debian: apt-get install g++-riscv64-linux-gnu`);
    return 1;
  }
  if (out !== undefined) {
    const elfs = await build(out);
    console.log(`guest programs: ${elfs.length} built into ${out}`);
    return 0;
  }
  const elfs = await replacePrograms();
  await writeManifest(version, elfs);
  console.log(`guest programs: ${elfs.length} built with ${version}`);
  return 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error.message);
  if (error.code?.startsWith?.('ERR_PARSE_ARGS')) console.error(USAGE);
  process.exitCode = 1;
}
