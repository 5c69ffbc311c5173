import { describe, expect, it } from 'vitest';
import { Unrest } from '../../src/translator/unrest.js';

const FRAME = 7;
const FORGOTTEN_AFTER = 2 ** 27;

/** How often a place has to be hot until its page is translated. */
function timesUntilCalm(unrest: Unrest, retired: number): number {
  let times = 1;
  while (!unrest.isCalm(FRAME, retired)) times += 1;
  return times;
}

/** After so many changes at once. */
function changed(times: number, retired = 0): Unrest {
  const unrest = new Unrest();
  for (let change = 0; change < times; change += 1) unrest.note(FRAME, retired);
  return unrest;
}

describe('unrest', () => {
  it.each([
    [0, 1],
    [8, 1],
    [9, 2],
    [10, 4],
    [20, 4096],
    [1000, 4096],
  ])('after %i changes asks to be hot %i times', (changes, times) => {
    const unrest = changed(changes);
    expect([timesUntilCalm(unrest, 0), timesUntilCalm(unrest, 0)]).toEqual([times, times]);
  });

  it('is of a frame', () => {
    expect(changed(20).isCalm(FRAME + 1, 0)).toBe(true);
  });

  it('forgets a change after so many instructions, counted from the first', () => {
    const unrest = changed(11, 1000);
    expect(timesUntilCalm(unrest, 1000 + FORGOTTEN_AFTER - 1)).toBe(8);
    expect(timesUntilCalm(unrest, 1000 + FORGOTTEN_AFTER)).toBe(4);
    unrest.note(FRAME, 1000 + 2 * FORGOTTEN_AFTER - 1);
    expect(timesUntilCalm(unrest, 1000 + 2 * FORGOTTEN_AFTER - 1)).toBe(8);
    expect(timesUntilCalm(unrest, 1000 + 2 * FORGOTTEN_AFTER)).toBe(4);
    expect(timesUntilCalm(unrest, 1000 + 12 * FORGOTTEN_AFTER)).toBe(1);
  });

  it('forgets however many there were in the end', () => {
    expect(timesUntilCalm(changed(100_000), 12 * FORGOTTEN_AFTER)).toBe(1);
  });

  it('goes on where the count of instructions begins again', () => {
    const unrest = changed(9, 5 * FORGOTTEN_AFTER);
    expect(timesUntilCalm(unrest, 10)).toBe(2);
    expect(timesUntilCalm(unrest, 10 + FORGOTTEN_AFTER)).toBe(1);
  });
});
