/** Checks the package in the current folder as it would be published: its files, its exports, its types. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { readManifest, runTool } from './workspace.mjs';

const folder = process.cwd();
const manifest = readManifest(folder);
const problems = [];

for (const file of manifest.files) {
  if (!file.startsWith('!') && !existsSync(join(folder, file)))
    problems.push(`"files" names ${file}, which is not there`);
}
for (const file of ['README.md', 'CHANGELOG.md', 'LICENSE']) {
  if (!manifest.files.includes(file)) problems.push(`"files" does not name ${file}`);
}

const { messages } = await publint({ pkgDir: folder, strict: true });
for (const message of messages) {
  if (message.type !== 'suggestion') problems.push(`publint: ${formatMessage(message, manifest)}`);
}

const attw = runTool(
  ['@arethetypeswrong/cli', 'attw'],
  ['--pack', '.', '--profile', 'esm-only', '--no-color'],
  {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  },
);
if (attw.status !== 0) problems.push(`attw:\n${attw.stdout}${attw.stderr}`);

for (const problem of problems) process.stdout.write(`${manifest.name}: ${problem}\n`);
process.exitCode = problems.length > 0 ? 1 : 0;
