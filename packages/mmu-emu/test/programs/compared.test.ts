/** Together the comparisons with QEMU meet everything that the machine has. */
import { describe, expect, test } from 'vitest';
import * as causes from '../../src/hart/causes.js';
import { supportedParts } from './support-table.js';
import { EXPECTED_EXTENSIONS, EXPECTED_FLOAT, EXPECTED_PRIVILEGED, EXPECTED_PROTECTED, EXPECTED_TRAPS } from '../qemu/expected.js'; // prettier-ignore
import { causeName, Tally } from '../qemu/tally.js';

const MET = new Set(
  [EXPECTED_EXTENSIONS, EXPECTED_FLOAT, EXPECTED_PRIVILEGED, EXPECTED_PROTECTED, EXPECTED_TRAPS].flat(),
);
/** Whether a trap is met in some mode. */
const isMet = (name: string): boolean => ['', 'M: ', 'S: '].some((taker) => MET.has(taker + name));

/** Causes that no instruction raises here, and why. */
const NEVER = new Map([
  ['fetch misaligned', 'with compressed instructions every even address may be jumped to'],
]);

/** What stands for a part in the reports, where it is not the part's own name. */
const STANDS_FOR: Readonly<Record<string, readonly string[]>> = {
  RV64I: ['I'],
  // Counters are registers.
  Zicntr: ['cycle', 'time', 'instret'],
  // What memory does with accesses of extensions that are compared.
  Zic64b: ['cbo.zero'],
  Za64rs: ['A'],
  Ziccif: ['I'],
  Ziccrse: ['A'],
  Ziccamoa: ['A'],
  Zicclsm: ['I'],
  traps: ['medeleg', 'M: breakpoint', 'S: breakpoint'],
  interrupts: ['mideleg', 'mie', 'mip', 'sip', 'M: M external interrupt'],
  counters: ['mcounteren', 'scounteren', 'mcountinhibit', 'mcycle', 'minstret'],
  WFI: ['wfi'],
  PMP: ['PMP TOR', 'PMP NA4', 'PMP NAPOT', 'pmpcfg2'],
  Sstc: ['stimecmp', 'S: S timer interrupt'],
  M: ['instruction in M', 'M'],
  S: ['instruction in S'],
  U: ['instruction in U'],
};

/** Parts that are not compared, and why. */
const NOT_COMPARED = new Map([
  ['Zihpm', 'QEMU is told to have no such counters'],
  ['Zkt', 'time that depends on data is not seen'],
]);

describe('what is compared with QEMU', () => {
  test('meets every exception and interrupt', () => {
    const names = Object.entries(causes).flatMap(([name, number]) => {
      if (name.startsWith('CAUSE_')) return [causeName(BigInt(number))];
      return name.startsWith('INTERRUPT_') ? [causeName((1n << 63n) | BigInt(number))] : [];
    });
    expect(names.length).toBe(20);
    expect(names.filter((name) => !isMet(name))).toEqual([...NEVER.keys()]);
  });

  test('meets every part of the instruction set and of the privileged architecture', () => {
    const parts = supportedParts().filter(({ section }) => /rivileged$/.test(section));
    expect(parts.length).toBeGreaterThan(50);
    const missing = parts.filter(({ part }) => !(STANDS_FOR[part] ?? [part]).every((name) => MET.has(name)));
    expect(missing.map(({ part }) => part)).toEqual([...NOT_COMPARED.keys()]);
  });

  test('fails where a number is zero', () => {
    const counts = new Tally();
    for (const name of EXPECTED_TRAPS) counts.add(name);
    expect(counts.missing(EXPECTED_TRAPS)).toEqual([]);
    expect(counts.missing([...EXPECTED_TRAPS, 'double trap'])).toEqual(['double trap']);
  });
});
