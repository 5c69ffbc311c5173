#!/usr/bin/env node
/** Runs the benchmarks: a table, and with --json the figures. Results are checked before they are timed. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus, loadavg, totalmem } from 'node:os';
import { parseArgs } from 'node:util';

const BENCHMARKS = [
  'machine',
  'browser',
  'system',
  'boot',
  'faults',
  'pager-host',
  'pager-guest',
  'pager-scale',
  'vm-cost',
  'vm-memory',
  'vmo-read',
  'start-up',
];

const USAGE = `Usage: npm run bench -- [--only NAME[,NAME...]] [--rounds N] [--json FILE] [--list]

  --only NAME    run these only: ${BENCHMARKS.join(', ')}
  --rounds N     measured rounds of each side, interleaved; default 5
  --json FILE    also write every figure to FILE
  --list         name the benchmarks
  --help         this text
`;

/** @returns {never} */
function usageError(message) {
  process.stderr.write(`bench: ${message}\n\n${USAGE}`);
  process.exit(2);
}

function parse() {
  try {
    return parseArgs({
      options: {
        only: { type: 'string' },
        rounds: { type: 'string', default: '5' },
        json: { type: 'string' },
        list: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    return usageError(error.message);
  }
}

const options = parse();
if (options.help) {
  process.stdout.write(USAGE);
  process.exit(0);
}
if (options.list) {
  process.stdout.write(`${BENCHMARKS.join('\n')}\n`);
  process.exit(0);
}
const rounds = Number(options.rounds);
if (!Number.isInteger(rounds) || rounds < 1)
  usageError(`--rounds takes a whole number from 1 up, not '${options.rounds}'`);
const names = options.only === undefined ? BENCHMARKS : options.only.split(',');
for (const name of names) if (!BENCHMARKS.includes(name)) usageError(`there is no benchmark '${name}'`);

execFileSync('npx', ['--no-install', 'nx', 'run-many', '-t', 'build', '--outputStyle=static'], {
  stdio: ['ignore', 'ignore', 'inherit'],
  env: { ...process.env, NX_TUI: 'false', NX_DAEMON: 'false' },
});

const host = {
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: cpus().length,
  memoryBytes: totalmem(),
  load: loadavg().map((value) => Number(value.toFixed(2))),
  node: process.version,
  v8: process.versions.v8,
};
process.stdout.write(
  `${host.cpu}, ${host.cores} cores, load ${host.load[0]}, Node ${host.node} (V8 ${host.v8}), ${rounds} rounds\n\n`,
);

/** @type {[title: string, cell: (row: any) => string][]} */
const COLUMNS = [
  ['what', (row) => row.what],
  ['median', (row) => format(row.ours.median)],
  ['min .. max', (row) => `${format(row.ours.min)} .. ${format(row.ours.max)}`],
  ['unit', (row) => row.unit],
  ['target', (row) => (row.target === undefined ? '' : format(row.target))],
  ['peer', (row) => (row.peer === undefined ? '' : `${row.peer.name} ${format(row.peer.median)}`)],
  ['ratio', (row) => (row.peer === undefined ? '' : (row.ours.median / row.peer.median).toFixed(2))],
];

function format(value) {
  if (value >= 1000) return Math.round(value).toLocaleString('en-US');
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

const results = [];
const notes = [];
for (const name of names) {
  process.stderr.write(`${name} ...\n`);
  const benchmark = await import(`./benchmarks/${name}.mjs`);
  try {
    const { rows, notes: remarks = [] } = await benchmark.run({ rounds });
    results.push(...rows.map((row) => ({ benchmark: name, ...row })));
    notes.push(...remarks.map((remark) => `${name}: ${remark}`));
  } catch (error) {
    process.exitCode = 1;
    notes.push(`${name}: FAILED: ${error.stack}`);
  }
}

const cells = [
  COLUMNS.map(([title]) => title),
  ...results.map((row) => COLUMNS.map(([, cell]) => cell(row))),
];
const widths = COLUMNS.map((_, column) => Math.max(...cells.map((line) => line[column].length)));
for (const line of cells)
  process.stdout.write(
    `${line
      .map((cell, column) => cell.padEnd(widths[column]))
      .join('  ')
      .trimEnd()}\n`,
  );
for (const note of notes) process.stdout.write(`\n${note}`);
if (notes.length > 0) process.stdout.write('\n');
if (options.json !== undefined)
  writeFileSync(options.json, `${JSON.stringify({ host, rounds, results, notes }, null, 2)}\n`);
