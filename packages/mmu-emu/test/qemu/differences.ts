import { expect } from 'vitest';

/** How many are told in full. */
const SHOWN = 3;

/**
 * Fails if there are differences, and tells all that is needed to see them again: the seed of the run, the name of the test,
 * and the first differences whole.
 *
 * @param task The test, from its context.
 * @param differences A readable account of each.
 */
export function expectNoDifferences(task: { readonly name: string }, differences: readonly string[]): void {
  const seed = process.env['FAULTLINE_SEED'];
  const first = differences.slice(0, SHOWN).join('\n\n');
  expect(
    differences.length,
    `FAULTLINE_SEED=${seed} -t '${task.name}': ${differences.length} differ\n${first}\n`,
  ).toBe(0);
}
