/** Numbers of exceptions against the list of riscv-opcodes. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as causes from '../../src/hart/causes.js';
import { DELEGABLE_EXCEPTIONS } from '../../src/hart/csr-table.js';
import { causeName } from '../qemu/tally.js';

/** Those of extensions that are not here: hypervisor, double traps, control-flow integrity, reports of errors in hardware. */
const ABSENT = [
  ...[
    'virtual supervisor ecall',
    'fetch guest page fault',
    'load guest page fault',
    'store guest page fault',
  ],
  ...['virtual instruction', 'double trap', 'software check fault', 'hardware error fault'],
];

const LIST = new Map(
  readFileSync(new URL('../data/riscv-opcodes/causes.csv', import.meta.url), 'utf8')
    .trim()
    .split('\n')
    .map((line) => {
      const [number = '', name = ''] = line.split(',').map((part) => part.trim().replaceAll('"', ''));
      return [name, Number(number)] as const;
    }),
);
const PRESENT = [...LIST].filter(([name]) => !ABSENT.includes(name));

/** What it is called here: "misaligned load" is CAUSE_LOAD_MISALIGNED. */
const constantOf = (name: string): string =>
  `CAUSE_${name
    .replace(/^misaligned (.*)$/, '$1 misaligned')
    .replaceAll(' ', '_')
    .toUpperCase()}`;

describe('exceptions', () => {
  it('have the numbers of riscv-opcodes, and none is missing or made up', () => {
    const ours = Object.entries(causes).filter(([name]) => name.startsWith('CAUSE_'));
    expect(PRESENT.length).toBe(14);
    expect(Object.fromEntries(ours)).toEqual(
      Object.fromEntries(PRESENT.map(([name, number]) => [constantOf(name), number])),
    );
    for (const name of ABSENT) expect(LIST.has(name), name).toBe(true);
  });

  it('can be delegated, but for the environment call of machine mode', () => {
    const bits = PRESENT.filter(([name]) => name !== 'machine ecall').map(([, number]) => 2 ** number);
    expect(DELEGABLE_EXCEPTIONS).toBe(bits.reduce((sum, bit) => sum + bit, 0));
  });

  it('each have a name in what is compared with QEMU', () => {
    const names = PRESENT.map(([, number]) => causeName(BigInt(number)));
    expect(names.filter((name) => name.startsWith('exception'))).toEqual([]);
    expect(new Set(names).size).toBe(PRESENT.length);
  });
});
