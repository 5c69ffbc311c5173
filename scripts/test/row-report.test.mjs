import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { reportRows, rowsOf } from '../row-report.mjs';
import { packageFolder } from '../workspace.mjs';

const TABLE = {
  sections: [
    { prefix: 'PK', title: 'packets', last: 2, instances: { 'Vmar Vmo': [2] } },
    { prefix: 'S', title: 'points', last: 1 },
  ],
  cannotBeShown: {},
  notYetShown: [],
};
const passed = (fullName) => ({ fullName, status: 'passed' });
const ALL = [passed('PK-01 S-01: a'), passed('through Vmar PK-02: b'), passed('through Vmo PK-02: b')];

describe('rows', () => {
  it('are complete when each is shown in each of its instances', () => {
    const { lines, problems } = reportRows(TABLE, ALL);
    expect(problems).toEqual([]);
    expect(lines).toEqual([
      'PK: packets',
      '  PK-01 (1) PK-02 (Vmar 1, Vmo 1)',
      'S: points',
      '  S-01 (1)',
      'rows: 3 of 3 shown, 0 cannot be, 0 not yet, 0 wrong',
    ]);
  });

  it('are missing when no test names them, or none in one instance, or it fails', () => {
    expect(reportRows(TABLE, ALL.slice(0, 2)).problems).toEqual(['PK-02 is shown by no test with Vmo']);
    expect(reportRows(TABLE, ALL.slice(1)).problems).toEqual([
      'PK-01 is shown by no test',
      'S-01 is shown by no test',
    ]);
    const failed = [{ fullName: 'PK-01 S-01: a', status: 'failed' }, ...ALL.slice(1)];
    expect(reportRows(TABLE, failed).problems).toHaveLength(2);
  });

  it('tell TrapDirty from NoTrapDirty', () => {
    const table = {
      ...TABLE,
      sections: [{ prefix: 'WB', title: 'w', last: 1, instances: { 'TrapDirty NoTrapDirty': [1] } }],
    };
    expect(reportRows(table, [passed('NoTrapDirty WB-01: c')]).problems).toEqual([
      'WB-01 is shown by no test with TrapDirty',
    ]);
  });

  it('must not be cited when they are not in the table', () => {
    expect(reportRows(TABLE, [...ALL, passed('PK-03: d')]).problems).toEqual([
      'there is no row PK-03: PK-03: d',
    ]);
    expect(reportRows({ ...TABLE, notYetShown: ['PK-09'] }, ALL).problems).toEqual([
      'there is no row PK-09, which notYetShown has',
    ]);
  });

  it('can be excused, but only while they are not shown', () => {
    const excused = { ...TABLE, cannotBeShown: { 'PK-01': 'why' }, notYetShown: ['S-01'] };
    expect(reportRows(excused, ALL.slice(1)).problems).toEqual([]);
    expect(reportRows(excused, ALL).problems).toEqual([
      'PK-01 is shown: take it out of cannotBeShown',
      'S-01 is shown: take it out of notYetShown',
    ]);
  });
});

it('the table has 365 rows and 26 points, and says why it excuses one', () => {
  const table = JSON.parse(readFileSync(join(packageFolder('kernel'), 'test/rows/rows.json'), 'utf8'));
  const rows = rowsOf(table);
  expect(rows.size).toBe(365 + 26);
  expect(rows.get('RM-02')).toEqual(['Vmar']);
  expect(rows.get('OZ-03')).toEqual(['TrapDirty', 'NoTrapDirty']);
  expect(new Set(table.notYetShown).size).toBe(table.notYetShown.length);
  for (const reason of Object.values(table.cannotBeShown)) expect(reason).toMatch(/\w{3}.*\.$/);
});
