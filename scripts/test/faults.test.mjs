import { describe, expect, it } from 'vitest';
import { faultsOf, filesOf, packages, placeOf } from '../faults.mjs';

describe.each(packages)('the faults of %s', (name) => {
  const faults = faultsOf(name);

  it('have names of their own', () => {
    const names = faults.map((fault) => fault.name);
    expect(names.filter((other, index) => names.indexOf(other) !== index)).toEqual([]);
  });

  it('have one place each in a source, and change it', () => {
    const misplaced = faults.filter(
      (fault) => placeOf(name, fault).times !== 1 || fault.replace === fault.find,
    );
    expect(misplaced.map((fault) => fault.name)).toEqual([]);
  });

  it('have tests', () => {
    const untested = faults.filter((fault) => filesOf(name, fault).length === 0);
    expect(untested.map((fault) => fault.name)).toEqual([]);
  });
});
