/** `npm start`: builds what has changed, then is the `faultline` command; without arguments, its demonstration. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { NX_ENVIRONMENT, PACKAGES, packageFolder, root, runTool } from './workspace.mjs';

/** Latest change of anything in a file or folder, in milliseconds; a folder's own time tells of files that are gone. */
function newestChange(path) {
  const { mtimeMs } = statSync(path);
  const entries = statSync(path).isDirectory() ? readdirSync(path) : [];
  return Math.max(mtimeMs, ...entries.map((entry) => newestChange(join(path, entry))));
}

/** Whether every package has been built after its last change and after those of the packages that it uses. */
function isBuilt() {
  const tools = ['package-lock.json', 'tsconfig.base.json', 'scripts/build-package.mjs'];
  let newestSource = Math.max(...tools.map((file) => newestChange(join(root, file))));
  for (const name of PACKAGES) {
    const folder = packageFolder(name);
    for (const part of ['src', 'package.json', 'tsconfig.json']) {
      newestSource = Math.max(newestSource, newestChange(join(folder, part)));
    }
    const built = statSync(join(folder, 'dist/index.js'), { throwIfNoEntry: false });
    if (built === undefined || built.mtimeMs < newestSource) return false;
  }
  return true;
}

if (!isBuilt()) {
  process.stderr.write('Building (once; about half a minute) ...\n');
  const build = runTool(['nx'], ['run-many', '-t', 'build', '--output-style=static'], {
    env: NX_ENVIRONMENT,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  if (build.status !== 0) {
    process.stderr.write(`${build.stdout}${build.stderr}\nThe build failed.\n`);
    process.exit(1);
  }
}

if (process.argv.length === 2) process.argv.push('demo');
// In this process, so that the terminal, signals and the exit status are the command's own.
await import('../packages/fs-pager-example/bin/faultline.js');
