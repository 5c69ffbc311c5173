/** docs/SUPPORT.md says what the machine has: each of its parts is shown by a program. */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { PROGRAMS } from './programs.js';

interface Part {
  readonly section: string;
  readonly part: string;
}
const nameOf = ({ section, part }: Part): string => `${section}: ${part}`;

/** The names in the first columns of the tables, by heading. */
function parts(): Part[] {
  const text = readFileSync(new URL('../../../../docs/SUPPORT.md', import.meta.url), 'utf8');
  return text.split(/^## /m).flatMap((chapter) => {
    const [section = '', ...lines] = chapter.split('\n');
    const rows = lines.filter((line) => line.startsWith('|')).slice(2);
    return rows.flatMap((row) => (row.split('|')[1] ?? '').split(',').map((part) => ({ section, part: part.trim() }))); // prettier-ignore
  });
}

/** What no program can show from inside, why, and the tests that show it. */
const EXCEPTIONS: Readonly<Record<string, readonly [reason: string, test: string]>> = {
  'Debugging: breakpoints': ['set from outside', 'debug/debugger.test.ts'],
  'Debugging: watchpoints': ['set from outside', 'debug/watchpoints.test.ts'],
  'Debugging: steps': ['made from outside', 'debug/debugger.test.ts'],
  'Debugging: trace': ['seen outside', 'debug/trace.test.ts'],
  'Debugging: GDB': ['needs a debugger', 'command/gdb.test.ts'],
};

describe('the table of what the machine supports', () => {
  const all = parts();

  test('has sections with parts', () => {
    expect([...new Set(all.map(({ section }) => section))]).toEqual([
      'Unprivileged',
      'Privileged',
      'Harts, boot and devices',
      'Debugging',
    ]);
    expect(all.length).toBeGreaterThan(60);
  });

  test('has a program or an exception for each part, and neither for anything else', () => {
    const shown = [...new Set([...PROGRAMS.map(nameOf), ...Object.keys(EXCEPTIONS)])];
    expect(shown.sort()).toEqual(all.map(nameOf).sort());
  });

  test('has exceptions only where there is no program, with a test that shows the part', () => {
    const programs = new Set(PROGRAMS.map(nameOf));
    for (const [name, [reason, file]] of Object.entries(EXCEPTIONS)) {
      expect(programs.has(name), name).toBe(false);
      expect(reason).not.toBe('');
      expect(existsSync(new URL(`../${file}`, import.meta.url)), file).toBe(true);
    }
  });

  test('is shown by programs that test something, each by its own name', () => {
    for (const program of PROGRAMS) expect(program.checks.length, nameOf(program)).toBeGreaterThan(0);
    const names = PROGRAMS.map((program) => `${nameOf(program)} ${program.variant}`);
    expect(new Set(names).size).toBe(names.length);
  });
});
