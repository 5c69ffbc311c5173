import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { assemble } from '../../src/index.js';
import { CommandRun } from './command-run.js';

const folder = mkdtempSync(join(tmpdir(), 'faultline-mmu-emu-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('the first file system is read from its file, or from what can be read only once', async () => {
  const [bios, initrd, pipe] = ['bios', 'initrd', 'pipe'].map((name) => join(folder, name));
  // Ends with the first byte of the file system, from where it is put when there is no kernel.
  const { bytes } = assemble(
    `li t0, 0x80200000
     lbu t2, 0(t0)
     slli t2, t2, 16
     li t1, 0x3333
     or t1, t1, t2
     li t0, 0x100000
     sw t1, 0(t0)`,
    { origin: 0x8000_0000 },
  );
  writeFileSync(bios, bytes);
  writeFileSync(initrd, Uint8Array.of(5, 6, 7));
  expect(await new CommandRun(['boot', '--bios', bios, '--initrd', initrd]).status).toBe(5);
  expect(spawnSync('mkfifo', [pipe]).status).toBe(0);
  const writer = spawn('sh', ['-c', String.raw`printf '\006\007' > "$0"`, pipe]);
  expect(await new CommandRun(['boot', '--bios', bios, '--initrd', pipe]).status).toBe(6);
  writer.kill();
});
