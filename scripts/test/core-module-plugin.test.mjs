import { join } from 'node:path';
import { build } from 'esbuild';
import { expect, it } from 'vitest';
import { encodeCoreModule } from '../../packages/mmu-emu/src/interpreter/core-module.js';
import { coreModulePlugin } from '../core-module-plugin.mjs';
import { packageFolder } from '../workspace.mjs';

it("ships the interpreter's modules as they would be emitted", async () => {
  const folder = join(packageFolder('mmu-emu'), 'src/interpreter');
  const { outputFiles } = await build({
    entryPoints: [join(folder, 'prebuilt-cores.ts')],
    bundle: true,
    format: 'esm',
    write: false,
    plugins: [coreModulePlugin(folder)],
  });
  const code = Buffer.from(outputFiles[0].contents).toString('base64');
  const { PREBUILT_CORES } = await import(/* @vite-ignore */ `data:text/javascript;base64,${code}`);
  expect(Object.keys(PREBUILT_CORES)).toEqual(['interpreting', 'translating']);
  for (const [variant, text] of Object.entries(PREBUILT_CORES)) {
    const bytes = Buffer.from(text, 'base64');
    expect(
      bytes.equals(encodeCoreModule(false, /** @type {'interpreting' | 'translating'} */ (variant))),
      variant,
    ).toBe(true);
    expect(WebAssembly.validate(bytes)).toBe(true);
  }
});
