/**
 * `npm run mutations [NAME...]`: do the tests notice faults? Each of packages/kernel/test/mutations/faults.json is put into
 * a source, one at a time and only in memory, and the tests that cite its rows are run: one of them must fail. Names choose
 * faults whose name has one of them. The last line is `N caught, N not`.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageFolder, root, toolFile } from './workspace.mjs';

const MOST_SECONDS = 180;

/** @typedef {{ name: string, file: string, find: string, replace: string, rows: string[] }} Fault `file` in the kernel's src/; `rows`: IDs, or words of test names. */

const kernel = packageFolder('kernel');
/** @type {Fault[]} */
const faults = JSON.parse(readFileSync(join(kernel, 'test/mutations/faults.json'), 'utf8'));
const scratch = mkdtempSync(join(tmpdir(), 'faultline-mutations-'));
const testFiles = readdirSync(join(kernel, 'test'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.test.ts'))
  .map((name) => ({
    name: join('packages/kernel/test', name),
    text: readFileSync(join(kernel, 'test', name), 'utf8'),
  }));

/**
 * @param {Fault} fault
 * @returns {{ caught: boolean, note: string }}
 */
function tryFault({ file, find, replace, rows }) {
  const found = readFileSync(join(kernel, 'src', file), 'utf8').split(find).length - 1;
  if (found !== 1) return { caught: false, note: `its text is ${found} times in ${file}` };
  const files = testFiles
    .filter(({ text }) => rows.some((row) => text.includes(row)))
    .map(({ name }) => name);
  if (files.length === 0) return { caught: false, note: `no test has ${rows.join(', ')}` };
  const report = join(scratch, 'report.json');
  rmSync(report, { force: true });
  const { error } = spawnSync(
    process.execPath,
    [
      ...[
        toolFile('vitest', 'vitest'),
        'run',
        '--config',
        'scripts/vitest/fault.config.ts',
        '--maxWorkers=1',
      ],
      ...[
        '--reporter=json',
        `--outputFile.json=${report}`,
        '--testNamePattern',
        `(?:${rows.join('|')})`,
        ...files,
      ],
    ],
    {
      cwd: root,
      stdio: 'ignore',
      timeout: MOST_SECONDS * 1000,
      killSignal: 'SIGKILL',
      env: { ...process.env, FAULTLINE_FAULT: JSON.stringify({ file, find, replace }) },
    },
  );
  if (error !== undefined) return { caught: true, note: `no end after ${MOST_SECONDS} s` };
  const { testResults } = JSON.parse(readFileSync(report, 'utf8'));
  const tests = testResults.flatMap(({ assertionResults }) => assertionResults);
  const ran = tests.filter(({ status }) => status === 'passed' || status === 'failed');
  const failed = ran.filter(({ status }) => status === 'failed');
  // A source that no longer loads shows nothing.
  if (ran.length === 0) return { caught: false, note: 'no test ran' };
  const first = failed.length === 0 ? '' : `: ${failed[0].title}`;
  return { caught: failed.length > 0, note: `${failed.length} of ${ran.length} tests fail${first}` };
}

const wanted = process.argv.slice(2);
let caught = 0;
let missed = 0;
for (const fault of faults) {
  if (wanted.length > 0 && !wanted.some((word) => fault.name.includes(word))) continue;
  const result = tryFault(fault);
  if (result.caught) caught += 1;
  else missed += 1;
  process.stdout.write(
    `${result.caught ? 'caught    ' : 'NOT CAUGHT'} ${fault.name} [${fault.rows.join(' ')}] ${result.note}\n`,
  );
}
rmSync(scratch, { recursive: true, force: true });
process.stdout.write(`${caught} caught, ${missed} not\n`);
process.exitCode = missed > 0 ? 1 : 0;
