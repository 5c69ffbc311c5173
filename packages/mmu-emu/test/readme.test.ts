import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { expect, test } from 'vitest';

test('the example of the README prints what the README says', async () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const [, code] = /```js\n([\s\S]*?)```/.exec(readme)!;
  const [, expected] = /```text\n([\s\S]*?)```/.exec(readme)!;
  const folder = mkdtempSync(join(tmpdir(), 'faultline-readme-'));
  try {
    const source = join(folder, 'example.mjs');
    const bundle = join(folder, 'bundle.mjs');
    writeFileSync(source, code);
    await build({
      entryPoints: [source],
      outfile: bundle,
      bundle: true,
      format: 'esm',
      platform: 'neutral',
      logLevel: 'silent',
      alias: { '@faultline/mmu-emu': fileURLToPath(new URL('../src/index.ts', import.meta.url)) },
    });
    const { stdout, stderr } = spawnSync(process.execPath, [bundle], { encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(stdout).toBe(expected);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
