import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ZEROS_DIRTY, ZEROS_UNTRACKED, ZeroRanges } from '../../src/vm/zero-ranges.js';

const SIZE = 40;

describe('ranges of zeros', () => {
  it('agree with an array of pages, whatever is done', () => {
    const range = fc.tuple(fc.integer({ min: 0, max: SIZE }), fc.integer({ min: 0, max: SIZE }));
    const step = fc.record({ kind: fc.constantFrom(ZEROS_DIRTY, ZEROS_UNTRACKED, null), range });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const zeros = new ZeroRanges({ used: 0, limit: 1000 });
        const model: (number | null)[] = new Array<number | null>(SIZE).fill(null);
        for (const {
          kind,
          range: [a, b],
        } of steps) {
          const [start, end] = [Math.min(a, b), Math.max(a, b)];
          if (kind === null) zeros.remove(start, end);
          else zeros.add(start, end, kind);
          model.fill(kind, start, end);
        }
        const seen: (number | null)[] = new Array<number | null>(SIZE).fill(null);
        let before = -1;
        let kindBefore: number | null = null;
        for (const [start, end, kind] of zeros.entries()) {
          expect(start).toBeLessThan(end);
          expect(start > before || (start === before && kind !== kindBefore)).toBe(true);
          before = end;
          kindBefore = kind;
          seen.fill(kind, start, end);
        }
        expect(seen).toEqual(model);
        for (let page = 0; page < SIZE; page += 1) {
          expect(zeros.covers(page)).toBe(model[page] !== null);
          const next = model.findIndex((kind, at) => at >= page && kind !== null);
          expect(zeros.next(page, SIZE)).toBe(next < 0 ? SIZE : next);
          const stop = model.findIndex((kind, at) => at >= page && kind === null);
          expect(zeros.endOf(page, SIZE)).toBe(stop < 0 ? SIZE : stop);
        }
      }),
      { numRuns: 400 },
    );
  });
});
