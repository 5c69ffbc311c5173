import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { expect, test } from 'vitest';

const README = new URL('../README.md', import.meta.url);
const EMBEDDING = new URL('../../../docs/EMBEDDING.md', import.meta.url);

/** The programs of a page, each with the output that follows it. */
function programsOf(page: URL): readonly (readonly [code: string, output: string])[] {
  const text = readFileSync(page, 'utf8');
  return [...text.matchAll(/```js\n([^]*?)```\s+```text\n([^]*?)```/g)].map(
    ([, code, output]) => [code, output] as const,
  );
}

async function outputOf(code: string): Promise<string> {
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
      external: ['node:*'],
      logLevel: 'silent',
      alias: { '@faultline/mmu-emu': fileURLToPath(new URL('../src/index.ts', import.meta.url)) },
    });
    const { stdout, stderr } = spawnSync(process.execPath, [bundle], { encoding: 'utf8' });
    expect(stderr).toBe('');
    return stdout;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test.each([
  ['the README', README, 1],
  ['the page on embedding', EMBEDDING, 6],
])('the programs of %s print what it says', async (_name, page, count) => {
  const programs = programsOf(page);
  expect(programs).toHaveLength(count);
  for (const [code, expected] of programs) expect(await outputOf(code)).toBe(expected);
});
