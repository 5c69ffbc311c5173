/** Emits the interpreter's modules while the package is built, so that machines need not. */
import { resolve } from 'node:path';
import { build } from 'esbuild';

const VARIANTS = ['interpreting', 'translating'];

/**
 * An esbuild plugin that puts the modules in the place of prebuilt-cores.ts.
 *
 * @param {string} folder where that file and core-module.ts are
 * @returns {import('esbuild').Plugin}
 */
export function coreModulePlugin(folder) {
  return {
    name: 'core-module',
    setup({ onLoad }) {
      onLoad({ filter: /[\\/]prebuilt-cores\.ts$/ }, async () => {
        const emitter = await build({
          entryPoints: [resolve(folder, 'core-module.ts')],
          bundle: true,
          format: 'esm',
          write: false,
        });
        const code = Buffer.from(emitter.outputFiles[0].contents).toString('base64');
        const { encodeCoreModule } = await import(`data:text/javascript;base64,${code}`);
        const modules = VARIANTS.map((variant) => [
          variant,
          Buffer.from(encodeCoreModule(false, variant)).toString('base64'),
        ]);
        return { contents: `export const PREBUILT_CORES = ${JSON.stringify(Object.fromEntries(modules))};` };
      });
    },
  };
}
