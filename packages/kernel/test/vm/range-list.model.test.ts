/** Ranges in a list, against an array that is sorted after each step. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { RangeList } from '../../src/vm/range-list.js';

interface Range {
  readonly start: number;
  end: number;
}

const PLACES = 400;

it('a list of ranges agrees with a sorted array, however many it has', () => {
  const step = fc.record({
    kind: fc.constantFrom('insert', 'insert', 'remove', 'replace', 'shrink'),
    place: fc.nat({ max: PLACES - 1 }),
    length: fc.integer({ min: 1, max: 10 }),
  });
  fc.assert(
    fc.property(fc.array(step, { minLength: 300, maxLength: 900 }), (steps) => {
      const list = new RangeList<Range>(({ end }) => end);
      const model = new Map<number, Range>();
      for (const { kind, place, length } of steps) {
        const start = place * 10;
        const known = model.get(start);
        if (kind === 'insert' && known === undefined) {
          const range = { start, end: start + length };
          list.insert(range, start);
          model.set(start, range);
        } else if (kind === 'remove' && known !== undefined) {
          list.remove(known, start);
          model.delete(start);
        } else if (kind === 'replace' && known !== undefined) {
          const other = { ...known };
          list.replace(known, other, start);
          model.set(start, other);
        } else if (kind === 'shrink' && known !== undefined) known.end = start + 1;
        const sorted = [...model.values()].sort((a, b) => a.start - b.start);
        const position = start + length;
        expect(list.after(position)).toBe(sorted.find(({ end }) => end > position));
        expect(list.size).toBe(sorted.length);
      }
      const sorted = [...model.values()].sort((a, b) => a.start - b.start);
      expect([...list]).toEqual(sorted);
      expect(list.clear()).toEqual(sorted);
      expect([list.size, list.after(0)]).toEqual([0, undefined]);
    }),
    { numRuns: 60 },
  );
});

it('what is not in the list is not taken out of it', () => {
  const list = new RangeList<Range>(({ end }) => end);
  const range = { start: 10, end: 20 };
  list.insert(range, 10);
  expect(() => list.remove({ ...range }, 10)).toThrow();
  expect(() => list.replace({ ...range }, range, 10)).toThrow();
  expect(() => list.remove(range, 20)).toThrow();
  expect([...list]).toEqual([range]);
});
