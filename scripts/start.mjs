/** `npm start`: builds what has changed, then is the `faultline` command; without arguments, its demonstration. */
import { mkdirSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { NX_ENVIRONMENT, PACKAGES, packageFolder, root, runTool } from './workspace.mjs';

/** Latest change of anything in a file or folder, in milliseconds; a folder's own time tells of files that are gone. */
function newestChange(path) {
  const status = statSync(path);
  const entries = status.isDirectory() ? readdirSync(path) : [];
  return Math.max(status.mtimeMs, ...entries.map((entry) => newestChange(join(path, entry))));
}

/** Its time is when the last successful build began; files restored from nx's cache have times of their own. */
const STAMP = join(root, 'node_modules/.cache/faultline/built');

/** Whether nothing that the packages are built from has changed since the last build. */
function isBuilt() {
  const built = statSync(STAMP, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const sources = ['package-lock.json', 'tsconfig.base.json', 'scripts/build-package.mjs', 'guest/bin'].map(
    (file) => join(root, file),
  );
  for (const name of PACKAGES) {
    const folder = packageFolder(name);
    if (statSync(join(folder, 'dist/index.js'), { throwIfNoEntry: false }) === undefined) return false;
    for (const part of ['src', 'package.json', 'tsconfig.json']) sources.push(join(folder, part));
  }
  return sources.every((path) => newestChange(path) < built);
}

if (!isBuilt()) {
  process.stderr.write('Building (about half a minute the first time) ...\n');
  const start = new Date();
  const build = runTool(['nx'], ['run-many', '-t', 'build', '--output-style=static'], {
    env: NX_ENVIRONMENT,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  if (build.status !== 0) {
    process.stderr.write(`${build.stdout}${build.stderr}\nThe build failed.\n`);
    process.exit(1);
  }
  mkdirSync(dirname(STAMP), { recursive: true });
  writeFileSync(STAMP, '');
  utimesSync(STAMP, start, start);
}

if (process.argv.length === 2) process.argv.push('demo');
// In this process, so that the terminal, signals and the exit status are the command's own.
await import('../packages/fs-pager-example/bin/faultline.js');
