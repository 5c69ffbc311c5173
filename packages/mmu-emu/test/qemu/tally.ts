/** Counts what was compared with QEMU, so that a kind of case which no test meets is a failure. */
import { reportCounts } from '../../../../scripts/vitest/report-counts.js';
import { referenceQemu } from './qemu.js';

/** Numbers by name. */
export class Tally {
  readonly #counts = new Map<string, number>();

  add(name: string, count = 1): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + count);
  }

  count(name: string): number {
    return this.#counts.get(name) ?? 0;
  }

  /** Those of the names that were never met. */
  missing(names: readonly string[]): string[] {
    return names.filter((name) => this.count(name) === 0);
  }

  /** Adds to a line of the report of the run: `what`, then every name with its number. */
  report(task: { readonly meta: object }, what: string): void {
    const counts = Object.fromEntries(this.#counts);
    reportCounts(task, `compared with QEMU ${referenceQemu().version}: ${what}`, counts);
  }
}

const EXCEPTIONS: Readonly<Record<number, string>> = {
  0: 'fetch misaligned', 1: 'fetch access', 2: 'illegal instruction', 3: 'breakpoint', 4: 'load misaligned',
  5: 'load access', 6: 'store misaligned', 7: 'store access', 8: 'ecall from U', 9: 'ecall from S', 11: 'ecall from M',
  12: 'fetch page fault', 13: 'load page fault', 15: 'store page fault',
}; // prettier-ignore
const INTERRUPTS: Readonly<Record<number, string>> = {
  1: 'S software',
  3: 'M software',
  5: 'S timer',
  7: 'M timer',
  9: 'S external',
  11: 'M external',
};

/** The name of a cause: a value of xcause. */
export function causeName(cause: bigint): string {
  const number = Number(BigInt.asUintN(32, cause));
  if (cause >> 63n === 0n) return EXCEPTIONS[number] ?? `exception ${number}`;
  return `${INTERRUPTS[number] ?? number} interrupt`;
}
