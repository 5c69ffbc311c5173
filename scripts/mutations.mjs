/**
 * `npm run mutations [PACKAGE] [NAME...]`: do the tests notice faults? Each fault in packages/PACKAGE/test/mutations/*.json is
 * put into a source, one at a time and only in memory, and the tests that it names are run: one of them must fail. Names
 * choose faults whose name has one of them. The last line is `N caught, N not`.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { faultsOf, filesOf, packages, placeOf } from './faults.mjs';
import { runGroup } from './process-group.mjs';
import { root, toolFile } from './workspace.mjs';

const MOST_SECONDS = 600;

const scratch = mkdtempSync(join(tmpdir(), 'faultline-mutations-'));

/**
 * @param {string} name
 * @param {import('./faults.mjs').Fault} fault
 * @returns {Promise<{ caught: boolean, note: string }>}
 */
async function tryFault(name, fault) {
  const { find, replace, rows, suite = 'faultline' } = fault;
  if ((rows === undefined) === (fault.tests === undefined))
    return { caught: false, note: 'has to have either rows or tests' };
  const { source: file, times } = placeOf(name, fault);
  if (times !== 1) return { caught: false, note: `its text is ${times} times in ${fault.file}` };
  const files = filesOf(name, fault);
  if (files.length === 0) return { caught: false, note: 'no test file has these' };
  const report = join(scratch, 'report.json');
  rmSync(report, { force: true });
  const choice = rows === undefined ? [] : ['--testNamePattern', `(?:${rows.join('|')})`];
  // A fault may make WebAssembly loop for ever, which no time limit of a test ends.
  const ended = await runGroup(
    [
      ...[
        process.execPath,
        toolFile('vitest', 'vitest'),
        'run',
        '--config',
        'scripts/vitest/fault.config.ts',
      ],
      ...['--maxWorkers=1', '--bail=1', '--project', suite, '--reporter=json', `--outputFile.json=${report}`],
      ...choice,
      ...files,
    ],
    MOST_SECONDS,
    {
      cwd: root,
      stdio: 'ignore',
      env: { ...process.env, FAULTLINE_FAULT: JSON.stringify({ file, find, replace }) },
    },
  );
  if (!ended) return { caught: true, note: `no end after ${MOST_SECONDS} s` };
  const { testResults } = JSON.parse(readFileSync(report, 'utf8'));
  const ran = testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ status }) => status === 'passed' || status === 'failed');
  const failed = ran.filter(({ status }) => status === 'failed');
  // A source that no longer loads shows nothing.
  if (ran.length === 0) return { caught: false, note: 'no test ran' };
  const why = failed[0]?.failureMessages[0]?.split('\n')[0].slice(0, 100);
  const first = failed.length === 0 ? '' : `: ${failed[0].title} (${why})`;
  return { caught: failed.length > 0, note: `${failed.length} of ${ran.length} tests fail${first}` };
}

const words = process.argv.slice(2);
const chosen = packages.includes(words[0]) ? words.splice(0, 1) : packages;
const faults = chosen.flatMap((name) =>
  faultsOf(name)
    .filter((fault) => words.length === 0 || words.some((word) => fault.name.includes(word)))
    .map((fault) => ({ name, fault })),
);
if (faults.length === 0) {
  const places = `${chosen.join(', ')}: ${words.map((word) => `"${word}"`).join(', ')}`;
  process.stderr.write(
    `mutations: no fault has such a name in ${places}; packages are ${packages.join(', ')}\n`,
  );
}
let caught = 0;
for (const { name, fault } of faults) {
  const result = await tryFault(name, fault);
  if (result.caught) caught += 1;
  const verdict = result.caught ? 'caught    ' : 'NOT CAUGHT';
  const tests = (fault.rows ?? fault.tests ?? []).join(' ');
  process.stdout.write(`${verdict} ${name}: ${fault.name} [${tests}] ${result.note}\n`);
}
rmSync(scratch, { recursive: true, force: true });
process.stdout.write(`${caught} caught, ${faults.length - caught} not\n`);
process.exitCode = caught === 0 || caught < faults.length ? 1 : 0;
