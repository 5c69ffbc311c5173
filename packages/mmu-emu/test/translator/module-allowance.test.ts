import { describe, expect, it } from 'vitest';
import { ModuleAllowance } from '../../src/translator/module-allowance.js';

/** How many modules there may be one after the other. */
function inARow(allowance: ModuleAllowance, retired: number): number {
  let count = 0;
  while (count < 10_000 && allowance.take(retired)) count += 1;
  return count;
}

describe('modules', () => {
  it('may be many at first, and one for every 2 ** 24 instructions from then on', () => {
    const allowance = new ModuleAllowance();
    expect(inARow(allowance, 5)).toBe(512);
    expect(inARow(allowance, 5 + 2 ** 24 - 1)).toBe(0);
    expect(inARow(allowance, 5 + 2 ** 24)).toBe(1);
    expect(inARow(allowance, 5 + 11 * 2 ** 24)).toBe(10);
    expect(inARow(allowance, 5 + 2 ** 40)).toBe(512);
  });

  it('may be as many as before where a machine goes back to what it was', () => {
    const allowance = new ModuleAllowance();
    expect(inARow(allowance, 2 ** 45)).toBe(512);
    expect(inARow(allowance, 1000)).toBe(0);
    expect(inARow(allowance, 1000 + 3 * 2 ** 24)).toBe(3);
  });
});
