/**
 * The generated part of the guest headers: prototypes and names of the system calls, from the kernel's one table.
 */
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const GUEST = path.dirname(fileURLToPath(import.meta.url));
const GENERATOR = path.join(GUEST, '../packages/kernel/src/syscall/guest-headers.ts');

/**
 * Compares include/zircon/generated with what the table gives, and with `write` brings it up to date.
 * Returns the paths of the files that differed, relative to guest/.
 */
export async function generateHeaders({ write }) {
  if (!existsSync(GENERATOR)) return [];
  const { build } = await import('esbuild');
  const folder = await mkdtemp(path.join(tmpdir(), 'faultline-headers-'));
  try {
    const outfile = path.join(folder, 'guest-headers.mjs');
    await build({
      entryPoints: [GENERATOR],
      outfile,
      bundle: true,
      format: 'esm',
      platform: 'node',
      conditions: ['@faultline/source'],
      logLevel: 'error',
    });
    const { guestHeaders } = await import(pathToFileURL(outfile).href);
    const stale = [];
    for (const [name, text] of Object.entries(guestHeaders())) {
      const file = path.join(GUEST, 'include/zircon/generated', name);
      const old = existsSync(file) ? await readFile(file, 'utf8') : undefined;
      if (old === text) continue;
      stale.push(`include/zircon/generated/${name}`);
      if (write) await writeFile(file, text);
    }
    return stale;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
