/**
 * `npm run rows`: which rows of the table of Zircon's pager behaviours (packages/kernel/test/rows/rows.json) the last
 * run of the tests has shown. It runs no test: it reads the report that `npm test` leaves, or the one named as an argument.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { reportRows } from './row-report.mjs';
import { VITEST_REPORT, packageFolder } from './workspace.mjs';

const table = JSON.parse(readFileSync(join(packageFolder('kernel'), 'test/rows/rows.json'), 'utf8'));
let report;
try {
  report = JSON.parse(readFileSync(process.argv[2] ?? VITEST_REPORT, 'utf8'));
} catch {
  process.stderr.write('There is no report of a run; `npm test -- vitest` leaves one.\n');
  process.exit(2);
}
const tests = report.testResults.flatMap(({ assertionResults }) => assertionResults);
const { lines, problems } = reportRows(table, tests);
process.stdout.write([...lines, ...problems, ''].join('\n'));
process.exitCode = problems.length > 0 ? 1 : 0;
