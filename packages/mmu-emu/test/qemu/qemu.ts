/** Runs a memory image on QEMU and gives back what its memory looks like at the end. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const QEMU = 'qemu-system-riscv64';

/** A processor with just RV64IMAC, Zba, Zbb, Zbc, Zbs, Zicsr, Zifencei, S and U. */
const CPU = [
  'rv64',
  ...['f', 'd', 'h', 'v', 'svinval', 'svnapot', 'svpbmt'].map((name) => `${name}=false`),
  ...['zba', 'zbb', 'zbc', 'zbs'].map((name) => `${name}=true`),
].join(',');

export interface QemuRun {
  /** RAM at the end, from 0x8000_0000 on. */
  readonly ram: Uint8Array;
  readonly output: string;
  /** What the test finisher was given. */
  readonly exitCode: number;
}

/**
 * Starts `image` at 0x8000_0000 in machine mode and waits for the test finisher.
 *
 * RAM is a file that QEMU maps, which is read when it has ended.
 *
 * @throws {Error} when the image does not end within `timeoutMilliseconds`.
 */
export function runQemu(image: Uint8Array, ramBytes: number, timeoutMilliseconds = 60_000): QemuRun {
  const folder = mkdtempSync(join(tmpdir(), 'faultline-qemu-'));
  try {
    const ramFile = join(folder, 'ram');
    const imageFile = join(folder, 'image');
    writeFileSync(imageFile, image);
    const result = spawnSync(
      QEMU,
      [
        ...['-machine', 'virt,memory-backend=ram', '-cpu', CPU, '-m', String(ramBytes / 2 ** 20)],
        ...['-object', `memory-backend-file,id=ram,size=${ramBytes},mem-path=${ramFile},share=on`],
        ...['-bios', 'none', '-display', 'none', '-monitor', 'none', '-serial', 'stdio'],
        ...['-device', `loader,file=${imageFile},addr=0x80000000,force-raw=on`],
      ],
      { encoding: 'latin1', timeout: timeoutMilliseconds, input: '' },
    );
    if (result.error !== undefined) throw result.error;
    if (result.status === null) throw new Error(`${QEMU} was ended by ${result.signal}: ${result.stderr}`);
    return { ram: readFileSync(ramFile), output: result.stdout, exitCode: result.status };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
