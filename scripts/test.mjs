/**
 * `npm test`: every check there is. The last line is `N passed, N failed`, in which each test counts and each other
 * check. With names as arguments only those checks run: `npm test -- lint vitest`.
 *
 * With CI=true a tool that is missing is a failure; elsewhere what could not run is named, with a count.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { NX_ENVIRONMENT, VITEST_REPORT, root, toolFile } from './workspace.mjs';

const nx = (...targets) => [toolFile('nx'), 'run-many', '-t', ...targets, '--output-style=static'];
/** Where the guests are rebuilt, when the tests are to run those. */
const GUEST_BIN = process.env.FAULTLINE_GUEST_BIN;
const script = (name, ...args) => [join(root, 'scripts', name), ...args];

/**
 * What is checked. Each command is the arguments of one `node`; those of a check run one after the other.
 *
 * @typedef {{ name: string, commands: string[][], needsBuild?: boolean, counts?: boolean, isReport?: boolean }} Check
 */

/** @type {Check[]} */
const CHECKS = [
  {
    name: 'typecheck',
    commands: ['tsconfig.json', 'tsconfig.scripts.json'].map((project) => [
      toolFile('typescript', 'tsc'),
      '-p',
      project,
    ]),
  },
  { name: 'lint', commands: [[toolFile('eslint'), '.', '--max-warnings', '0']] },
  { name: 'format', commands: [[toolFile('prettier'), '--check', '--log-level', 'warn', '.']] },
  {
    name: 'layering',
    commands: [[toolFile('dependency-cruiser', 'depcruise'), 'packages', 'guest', 'scripts', 'bench']],
  },
  {
    name: 'guests',
    commands: [['guest/build.mjs', '--check', ...(GUEST_BIN === undefined ? [] : ['--out', GUEST_BIN])]],
  },
  { name: 'unused', commands: [[toolFile('knip', 'knip')]] },
  { name: 'api', commands: [script('api-report.mjs')], needsBuild: true },
  { name: 'packages', commands: [nx('check-package')], needsBuild: true },
  { name: 'tarballs', commands: [script('check-tarballs.mjs')], needsBuild: true, counts: true },
];
const BUILD = { name: 'build', commands: [nx('build')] };
/** Runs beside everything else, and gives way to it. */
const SOAK = { name: 'soak', commands: [['--expose-gc', ...script('soak.mjs', '--minutes', '2')]] };
/** Which rows the tests have shown, read from their report. */
const ROWS = { name: 'rows', commands: [script('rows.mjs')], isReport: true };

const wanted = new Set(process.argv.slice(2));
const known = [BUILD.name, ...CHECKS.map(({ name }) => name), 'vitest', SOAK.name];
for (const name of wanted) {
  if (!known.includes(name)) {
    process.stderr.write(`There is no check "${name}"; there are ${known.join(', ')}.\n`);
    process.exit(2);
  }
}
const isWanted = (name) => wanted.size === 0 || wanted.has(name);

let passed = 0;
let failed = 0;
const failures = [];

/** Runs `node args...`; the output is kept for when it is wanted, or goes to the terminal. */
function run(args, output) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      cwd: root,
      // What is kept to be shown later has no colours.
      env: output === 'pipe' ? { ...NX_ENVIRONMENT, NO_COLOR: '1' } : NX_ENVIRONMENT,
      stdio: ['ignore', output, output],
    });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (chunk) => {
        text += chunk;
      });
    }
    child.on('error', reject);
    child.on('close', (status) => resolve({ ok: status === 0, text }));
  });
}

/** Runs a check and says how it went: one line, and the whole output when it failed or is what is wanted of it. */
async function check({ name, commands, counts = false, isReport = false }) {
  const start = process.hrtime.bigint();
  let ok = true;
  let text = '';
  for (const command of commands) {
    const result = await run(command, 'pipe');
    ok &&= result.ok;
    text += result.text;
  }
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  const parts = counts ? /(\d+) passed, (\d+) failed\s*$/.exec(text) : null;
  const partsFailed = parts === null ? (ok ? 0 : 1) : Math.max(Number(parts[2]), ok ? 0 : 1);
  passed += parts === null ? (ok ? 1 : 0) : Number(parts[1]);
  failed += partsFailed;
  if (!ok) failures.push(name);
  process.stdout.write(
    `${ok ? 'ok    ' : 'FAILED'} ${name.padEnd(10)} ${seconds.toFixed(1).padStart(6)} s\n`,
  );
  // What could not run is said also where the rest of the check went well.
  if (ok && !isReport)
    process.stdout.write(
      (text.match(/^.*\bnot run\b.*$/gm) ?? []).map((line) => `       ${line}\n`).join(''),
    );
  if (!ok || isReport) process.stdout.write(`${text.trimEnd().replace(/^/gm, '       ')}\n`);
  return ok;
}

async function runVitest() {
  mkdirSync(dirname(VITEST_REPORT), { recursive: true });
  rmSync(VITEST_REPORT, { force: true });
  const { ok } = await run(
    [
      ...[toolFile('vitest', 'vitest'), 'run'],
      ...[
        '--reporter=default',
        '--reporter=./scripts/vitest/not-run-reporter.ts',
        '--reporter=json',
        `--outputFile.json=${VITEST_REPORT}`,
      ],
    ],
    'inherit',
  );
  let report;
  try {
    report = JSON.parse(readFileSync(VITEST_REPORT, 'utf8'));
  } catch {
    process.stdout.write('vitest ended without a report\n');
    failed++;
    failures.push('vitest');
    return;
  }
  const tests = report.testResults.flatMap(({ assertionResults }) => assertionResults);
  // A file that cannot be loaded has no tests that could fail; a test that neither passed nor failed did not run.
  const unloaded = report.testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.every((test) => test.status === 'passed'),
  );
  const notPassed = tests.filter((test) => test.status !== 'passed').length + unloaded.length;
  passed += tests.length - (notPassed - unloaded.length);
  failed += Math.max(notPassed, ok && tests.length > 0 ? 0 : 1);
  if (!ok || notPassed > 0 || tests.length === 0) failures.push('vitest');
}

const rest = CHECKS.filter(({ name }) => isWanted(name));
const built =
  isWanted(BUILD.name) || isWanted(SOAK.name) || rest.some(({ needsBuild }) => needsBuild === true)
    ? await check(BUILD)
    : true;
const soak = isWanted(SOAK.name) && built ? check(SOAK) : undefined;

// Two at a time: most of them use one processor each.
async function worker() {
  for (let next = rest.shift(); next !== undefined; next = rest.shift()) {
    if (next.needsBuild === true && !built) {
      process.stdout.write(`FAILED ${next.name.padEnd(10)} not run, because the build failed\n`);
      failed++;
      failures.push(next.name);
    } else {
      await check(next);
    }
  }
}
await Promise.all([worker(), worker()]);
if (isWanted('vitest')) {
  await runVitest();
  await check(ROWS);
}

await soak;
if (failures.length > 0) process.stdout.write(`failed: ${failures.join(', ')}\n`);
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed > 0 ? 1 : 0;
