/**
 * Runs a memory image on QEMU and gives back what its memory looks like at the end.
 *
 * The reference is QEMU 10 or newer: the one that FAULTLINE_QEMU names, the one that `scripts/install-qemu.sh` puts into
 * `.cache/qemu`, or the one on the path.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hasTool } from '../../../../scripts/vitest/needs-tool.js';

const NAME = 'qemu-system-riscv64';
const OLDEST = 10;
const PREFIX = fileURLToPath(new URL('../../../../.cache/qemu/usr/', import.meta.url));
/** Modules of another QEMU that may be installed do not fit this one, and nothing here needs any. */
const ENVIRONMENT = { ...process.env, QEMU_MODULE_DIR: PREFIX };

interface Reference {
  readonly program: string;
  /** As the program says it: "10.0.2 (Debian 1:10.0.2+ds-2)"; empty when there is no program. */
  readonly version: string;
}

let found: Reference | undefined;

/** The QEMU that is compared with. */
export function referenceQemu(): Reference {
  if (found !== undefined) return found;
  const candidates = [process.env['FAULTLINE_QEMU'] ?? '', `${PREFIX}bin/${NAME}`, NAME];
  for (const program of candidates.filter((name) => name === NAME || existsSync(name))) {
    const result = spawnSync(program, ['--version'], { encoding: 'utf8', env: ENVIRONMENT });
    const version = /version (.*)/.exec(result.stdout)?.[1] ?? '';
    if (result.status === 0 && parseInt(version) >= OLDEST) return (found = { program, version });
  }
  return (found = { program: `${NAME} ${OLDEST}`, version: '' });
}

/** Whether there is a QEMU to compare with; as `hasTool`. */
export function hasQemu(task: { readonly meta: object }, leftOut: string): boolean {
  return hasTool(task, referenceQemu().program, leftOut);
}

/** What this machine has of what QEMU can leave out, and the reverse. */
const CPU = [
  'rv64',
  ...['h', 'v', 'zacas'].map((name) => `${name}=false`),
  ...['zba', 'zbb', 'zbc', 'zbs', 'zicond', 'zfa', 'zfhmin', 'zimop', 'zcb', 'zcmop', 'zawrs'].map(
    (name) => `${name}=true`,
  ),
  ...['zicbom', 'zicbop', 'zicboz', 'svinval', 'svnapot', 'svpbmt', 'svadu', 'sstc', 'smaia', 'ssaia'].map(
    (name) => `${name}=true`,
  ),
  'pmu-mask=0',
].join(',');

export interface QemuRun {
  /** RAM at the end, from 0x8000_0000 on. */
  readonly ram: Uint8Array;
  readonly output: string;
  /** What the test finisher was given. */
  readonly exitCode: number;
}

/** How QEMU is started. */
export interface QemuOptions {
  /** Default: 1. */
  readonly harts?: number;
  /** A file that it loads as firmware, instead of the image. */
  readonly firmware?: string;
  /** A file that is the drive of the name `drive`. */
  readonly drive?: string;
  /** Options of its command line. */
  readonly options?: readonly string[];
  /** Default: 300 seconds. */
  readonly timeoutMilliseconds?: number;
}

/**
 * Starts `image` at 0x8000_0000 in machine mode and waits for the test finisher.
 *
 * RAM is a file that QEMU maps, which is read when it has ended.
 *
 * @throws {Error} when the image does not end within `timeoutMilliseconds`.
 */
export function runQemu(
  image: Uint8Array,
  ramBytes: number,
  { harts = 1, firmware, drive, options = [], timeoutMilliseconds = 300_000 }: QemuOptions = {},
): QemuRun {
  const folder = mkdtempSync(join(tmpdir(), 'faultline-qemu-'));
  try {
    const ramFile = join(folder, 'ram');
    const imageFile = join(folder, 'image');
    writeFileSync(imageFile, image);
    const { program } = referenceQemu();
    const result = spawnSync(
      program,
      [
        ...['-machine', 'virt,memory-backend=ram', '-cpu', CPU, '-m', String(ramBytes / 2 ** 20)],
        ...['-object', `memory-backend-file,id=ram,size=${ramBytes},mem-path=${ramFile},share=on`],
        ...['-display', 'none', '-monitor', 'none', '-serial', 'stdio', '-smp', String(harts)],
        ...(firmware === undefined
          ? ['-bios', 'none', '-device', `loader,file=${imageFile},addr=0x80000000,force-raw=on`]
          : ['-bios', firmware]),
        ...['-global', 'virtio-mmio.force-legacy=false'],
        ...(drive === undefined ? [] : ['-drive', `file=${drive},if=none,format=raw,id=drive`]),
        ...options,
      ],
      { encoding: 'latin1', timeout: timeoutMilliseconds, input: '', env: ENVIRONMENT },
    );
    if (result.error !== undefined) throw result.error;
    if (result.status === null) throw new Error(`${program} was ended by ${result.signal}: ${result.stderr}`);
    return { ram: readFileSync(ramFile), output: result.stdout, exitCode: result.status };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
