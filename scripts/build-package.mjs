/**
 * Builds the package in the current folder into dist/: declarations by tsc, code by esbuild.
 *
 * Entries come from the package's `exports`: what has the condition `@faultline/source` is built from that source to the
 * file named by `default`. A command, src/command/main.ts, becomes dist/command.js. The machine's package gets the modules
 * of its interpreter ready-made; the filesystem pager also ships the guest programs, as dist/guest/*.elf.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { coreModulePlugin } from './core-module-plugin.mjs';
import { libraryEntries, readManifest, root, toolFile } from './workspace.mjs';

const manifest = readManifest('.');
const tsconfig = JSON.parse(readFileSync('tsconfig.json', 'utf8'));
/** A package whose whole library is for Node says so by its types; the others must not name one Node module. */
const isNodePackage = tsconfig.compilerOptions.types?.includes('node') === true;

/** @type {Record<string, string>} */
const command = existsSync('src/command/main.ts') ? { command: 'src/command/main.ts' } : {};
const library = Object.fromEntries(libraryEntries(manifest).map(({ name, source }) => [name, source]));

rmSync('dist', { recursive: true, force: true });

const projects = ['tsconfig.json', 'src/command/tsconfig.json'].filter((project) => existsSync(project));
try {
  execFileSync(process.execPath, [toolFile('typescript', 'tsc'), '-b', ...projects], { stdio: 'inherit' });
} catch {
  // The compiler has said what is wrong.
  process.exit(1);
}

// A command of a Node package shares its chunks with the library; that of a neutral package imports it by name.
/** @type {{ entryPoints: Record<string, string>, platform: import('esbuild').Platform }[]} */
const bundles = isNodePackage
  ? [{ entryPoints: { ...library, ...command }, platform: 'node' }]
  : [
      { entryPoints: library, platform: 'neutral' },
      { entryPoints: command, platform: 'node' },
    ];
try {
  for (const { entryPoints, platform } of bundles) {
    if (Object.keys(entryPoints).length === 0) continue;
    await build({
      entryPoints,
      platform,
      outdir: resolve('dist'),
      bundle: true,
      packages: 'external',
      format: 'esm',
      target: 'es2022',
      splitting: Object.keys(entryPoints).length > 1,
      chunkNames: 'chunk-[hash]',
      sourcemap: true,
      legalComments: 'none',
      plugins: [coreModulePlugin('src/interpreter')],
      logLevel: 'warning',
    });
  }
} catch {
  process.exit(1);
}

if (manifest.name === '@faultline/fs-pager-example') {
  const programs = join(root, 'guest/bin');
  mkdirSync('dist/guest');
  for (const file of readdirSync(programs).filter((name) => name.endsWith('.elf'))) {
    copyFileSync(join(programs, file), join('dist/guest', file));
  }
}
