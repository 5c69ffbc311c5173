/** The tests' configuration with one fault in a source: `scripts/mutations.mjs` says which in FAULTLINE_FAULT, as JSON. */
import { defineConfig, mergeConfig } from 'vitest/config';
import base from '../../vitest.config.js';

interface Fault {
  /** From the root. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

const { file, find, replace } = JSON.parse(process.env['FAULTLINE_FAULT'] ?? '{}') as Fault;

export default mergeConfig(
  base,
  defineConfig({
    root: new URL('../..', import.meta.url).pathname,
    plugins: [
      {
        name: 'fault',
        enforce: 'pre',
        transform: (code, id) => (id.endsWith(`/${file}`) ? code.replace(find, () => replace) : undefined),
      },
    ],
    // A fault may make a test wait for ever.
    test: { testTimeout: 20_000 },
  }),
);
