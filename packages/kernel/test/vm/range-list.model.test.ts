/** Ranges in a list, against an array that is sorted after each step. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { RangeList } from '../../src/vm/range-list.js';

interface Range {
  readonly start: number;
  end: number;
}

const PLACES = 400;

function ranges(): RangeList<Range> {
  return new RangeList<Range>(
    ({ start }) => start,
    ({ end }) => end,
  );
}

/** The first place for `length`, by trying one after the other. */
function gapIn(sorted: readonly Range[], from: number, end: number, length: number, align: number): number {
  for (let at = Math.ceil(from / align) * align; at + length <= end; at += align)
    if (!sorted.some((range) => range.start < at + length && range.end > at)) return at;
  return -1;
}

it('finds the first gap that is long enough, at every alignment', () => {
  const range = fc.record({ gap: fc.nat({ max: 6 }), length: fc.integer({ min: 1, max: 5 }) });
  const query = fc.record({
    remove: fc.nat(),
    from: fc.nat({ max: 900 }),
    length: fc.integer({ min: 1, max: 9 }),
    align: fc.constantFrom(1, 2, 4, 8),
  });
  fc.assert(
    fc.property(
      fc.oneof(fc.array(range), fc.array(range, { minLength: 130, maxLength: 300 })),
      fc.array(query, { minLength: 20, maxLength: 60 }),
      (items, queries) => {
        const list = ranges();
        const sorted: Range[] = [];
        let at = 0;
        for (const { gap, length } of items) {
          sorted.push({ start: at + gap, end: at + gap + length });
          at += gap + length;
        }
        // Not in their order, so that chunks are split.
        for (const item of [...sorted].sort((a, b) => (a.start % 7) - (b.start % 7)))
          list.insert(item, item.start);
        const taken: Range[] = [];
        for (const { remove, from, length, align } of queries) {
          const end = at + 5;
          expect(list.firstGap(from, end, length, align)).toBe(gapIn(sorted, from, end, length, align));
          const back = remove % 3 === 0 ? taken.pop() : undefined;
          if (back !== undefined) {
            list.insert(back, back.start);
            sorted.push(back);
            sorted.sort((one, other) => one.start - other.start);
          } else if (sorted.length > 0) {
            const [gone] = sorted.splice(remove % sorted.length, 1);
            list.remove(gone, gone.start);
            taken.push(gone);
          }
        }
      },
    ),
    { numRuns: 150 },
  );
});

it('a list of ranges agrees with a sorted array, however many it has', () => {
  const step = fc.record({
    kind: fc.constantFrom('insert', 'insert', 'remove', 'replace', 'shrink'),
    place: fc.nat({ max: PLACES - 1 }),
    length: fc.integer({ min: 1, max: 10 }),
  });
  fc.assert(
    fc.property(fc.array(step, { minLength: 300, maxLength: 900 }), (steps) => {
      const list = ranges();
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
  const list = ranges();
  const range = { start: 10, end: 20 };
  list.insert(range, 10);
  expect(() => list.remove({ ...range }, 10)).toThrow();
  expect(() => list.replace({ ...range }, range, 10)).toThrow();
  expect(() => list.remove(range, 20)).toThrow();
  expect([...list]).toEqual([range]);
});
