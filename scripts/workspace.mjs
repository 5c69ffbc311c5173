/** What the scripts know of the workspace: its root, its packages, how to start its tools. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Where `npm test` leaves vitest's report of a run. */
export const VITEST_REPORT = join(root, 'node_modules/.cache/faultline/vitest.json');

/** Names of the folders under packages/, those that others depend on first. */
export const PACKAGES = ['mmu-emu', 'kernel', 'pager-sdk', 'fs-pager-example'];

/** Packages that run unchanged in Node and in browsers. */
export const NEUTRAL_PACKAGES = ['mmu-emu', 'kernel', 'pager-sdk'];

/** @param {string} name A name from PACKAGES. */
export function packageFolder(name) {
  return join(root, 'packages', name);
}

/** @param {string} folder @returns {Record<string, any>} The package.json of a folder. */
export function readManifest(folder) {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
}

/**
 * Entries of a package: name of the module in dist/ without its ending, and how it is imported.
 *
 * @param {Record<string, any>} manifest
 * @returns {{ name: string, specifier: string, source: string, types: string, code: string }[]}
 */
export function libraryEntries(manifest) {
  return Object.entries(manifest.exports)
    .filter(([, target]) => target['@faultline/source'] !== undefined)
    .map(([path, target]) => ({
      name: target.default.replace(/^\.\/dist\/|\.js$/g, ''),
      specifier: manifest.name + path.slice(1),
      source: target['@faultline/source'],
      types: target.types,
      code: target.default,
    }));
}

/**
 * The file that a tool of node_modules starts with, so that it can be run without a shell and without npx.
 *
 * @param {string} packageName
 * @param {string} [command] The command, when the package has several.
 */
export function toolFile(packageName, command) {
  // A package need not export its package.json, so it is looked for where Node would look.
  const require = createRequire(join(root, 'package.json'));
  for (const modules of require.resolve.paths(packageName) ?? []) {
    const folder = join(modules, packageName);
    try {
      const { bin } = readManifest(folder);
      return join(folder, typeof bin === 'string' ? bin : bin[command ?? Object.keys(bin)[0]]);
    } catch (error) {
      if (error.code !== 'ENOENT') throw error;
    }
  }
  throw new Error(`${packageName} is not installed; run "npm ci" first`);
}

/**
 * Runs a tool of node_modules and waits for it.
 *
 * @param {[packageName: string, command?: string]} tool
 * @param {readonly string[]} args
 * @param {import('node:child_process').SpawnSyncOptions} [options]
 */
export function runTool(tool, args, options = {}) {
  return spawnSync(process.execPath, [toolFile(...tool), ...args], {
    cwd: root,
    stdio: 'inherit',
    encoding: 'utf8',
    ...options,
  });
}

/** Environment in which nx does its work and nothing beside it. */
export const NX_ENVIRONMENT = { ...process.env, NX_DAEMON: 'false', NX_TUI: 'false', NX_NO_CLOUD: 'true' };
