/** The faults that are put into sources to see whether tests notice them: packages/PACKAGE/test/mutations/*.json. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './workspace.mjs';

/**
 * A fault: what is found once in a source is replaced.
 *
 * @typedef {object} Fault
 * @property {string} name
 * @property {string} file In the package's src/.
 * @property {string} find
 * @property {string} replace
 * @property {string[]} [rows] Tests to run: IDs, or words, that stand in their names, in any file.
 * @property {string[]} [tests] Or: test files, by the beginning of their path in the package's test/, all tests in them.
 * @property {string} [suite] The project of vitest.config.ts that runs them: `faultline` unless said.
 */

/** @param {string} name A folder in packages/. */
const faultFolder = (name) => join(root, 'packages', name, 'test/mutations');
/** Packages that have some. */
export const packages = readdirSync(join(root, 'packages')).filter((name) => existsSync(faultFolder(name)));
/**
 * The faults of a package.
 *
 * @param {string} name
 */
export const faultsOf = (name) =>
  readdirSync(faultFolder(name))
    .filter((file) => file.endsWith('.json'))
    .sort()
    .flatMap(
      (file) => /** @type {Fault[]} */ (JSON.parse(readFileSync(join(faultFolder(name), file), 'utf8'))),
    );

/**
 * The test files of a fault, from the root.
 *
 * @param {string} name
 * @param {Fault} fault
 */
export function filesOf(name, { rows, tests }) {
  const folder = join('packages', name, 'test');
  const files = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.ts'))
    .filter((file) =>
      rows === undefined
        ? tests?.some((path) => file.startsWith(path))
        : rows.some((row) => readFileSync(join(root, folder, file), 'utf8').includes(row)),
    );
  return files.map((file) => join(folder, file));
}

/**
 * The source that a fault is put into, from the root, and how often what it replaces is there.
 *
 * @param {string} name
 * @param {Fault} fault
 */
export function placeOf(name, { file, find }) {
  const source = `packages/${name}/src/${file}`;
  const text = existsSync(join(root, source)) ? readFileSync(join(root, source), 'utf8') : '';
  return { source, times: text.split(find).length - 1 };
}
