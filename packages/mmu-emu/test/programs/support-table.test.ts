/** docs/SUPPORT.md says what the machine has: each of its parts is shown by a program. */
import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { PROGRAMS } from './programs.js';
import { supportedParts } from './support-table.js';
import type { SupportedPart } from './support-table.js';

const nameOf = ({ section, part }: SupportedPart): string => `${section}: ${part}`;

/** What no program can show from inside, why, and the tests that show it. */
const EXCEPTIONS: Readonly<Record<string, readonly [reason: string, test: string]>> = {
  'Debugging: breakpoints': ['set from outside', 'debug/debugger.test.ts'],
  'Debugging: watchpoints': ['set from outside', 'debug/watchpoints.test.ts'],
  'Debugging: steps': ['made from outside', 'debug/debugger.test.ts'],
  'Debugging: trace': ['seen outside', 'debug/trace.test.ts'],
  'Debugging: GDB': ['needs a debugger', 'command/gdb.test.ts'],
};

describe('the table of what the machine supports', () => {
  const all = supportedParts();

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
