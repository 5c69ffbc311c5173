import { Machine } from '@faultline/mmu-emu';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NO_FRAME, PhysicalPages } from '../../src/vm/physical-pages.js';

const machine = await Machine.create({ mode: 'hosted', ramBytes: 2 ** 20 });
const FRAMES = 256;

function fresh(lentLimit = 64): PhysicalPages {
  return new PhysicalPages(machine.ram, lentLimit);
}

describe('frames of guest RAM', () => {
  it('hands every frame out once, and then none', () => {
    const pages = fresh();
    const seen = new Set<number>();
    for (let frame = pages.allocate(); frame !== NO_FRAME; frame = pages.allocate()) seen.add(frame);
    expect(seen.size).toBe(FRAMES);
    expect(pages.freeCount).toBe(0);
    expect(pages.allocateRun(3)).toBe(NO_FRAME);
    pages.free(17);
    expect(pages.allocate()).toBe(17);
  });

  it('gives adjacent frames as long as there are any', () => {
    const pages = fresh();
    expect(pages.allocateRun(200)).not.toBe(NO_FRAME);
    expect(pages.runLength).toBe(200);
    pages.allocateRun(200);
    expect(pages.runLength).toBe(56);
  });

  it('gives the longest run there is when none is long enough', () => {
    const pages = fresh();
    while (pages.allocate() !== NO_FRAME);
    for (const frame of [3, 40, 41, 42, 90, 91]) pages.free(frame);
    expect(pages.allocateRun(8)).toBe(40);
    expect(pages.runLength).toBe(3);
  });

  it('clears frames only when asked', () => {
    const pages = fresh();
    const frame = pages.allocate();
    pages.ram.writable(frame).fill(7);
    pages.free(frame);
    expect(pages.allocateZeroed()).toBe(frame);
    expect(pages.ram.readable(frame).every((byte) => byte === 0)).toBe(true);
  });

  it('cannot free a frame before its loan is over', () => {
    const pages = fresh();
    const first = pages.allocateRun(2);
    pages.lend(first, 2);
    expect(() => pages.free(first)).toThrow();
    expect([pages.lentCount, pages.freeCount]).toEqual([2, FRAMES - 2]);
    pages.endLoan(first, 2);
    pages.free(first);
    expect([pages.lentCount, pages.freeCount]).toEqual([0, FRAMES - 1]);
  });

  it('bounds the frames on loan', () => {
    const pages = fresh(2);
    const [first, second] = [pages.allocate(), pages.allocate()];
    pages.lend(first, 1);
    expect(pages.canLend(1)).toBe(true);
    pages.lend(second, 1);
    expect(pages.canLend(1)).toBe(false);
    pages.endLoan(first, 1);
    expect(pages.canLend(1)).toBe(true);
  });

  it('refuses to free what is free, or pinned in a list', () => {
    const pages = fresh();
    const frame = pages.allocate();
    pages.free(frame);
    expect(() => pages.free(frame)).toThrow();
    const listed = pages.allocate();
    pages.enlist(listed, 64);
    expect(() => pages.free(listed)).toThrow();
  });

  it('agrees with a set of free frames, whatever is done', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('one' as const) }),
      fc.record({ kind: fc.constant('run' as const), want: fc.integer({ min: 1, max: 80 }) }),
      fc.record({ kind: fc.constant('free' as const), pick: fc.nat() }),
      fc.record({ kind: fc.constant('lend' as const), pick: fc.nat() }),
      fc.record({ kind: fc.constant('return' as const), pick: fc.nat() }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const pages = fresh(1_000);
        const free = new Set(Array.from({ length: FRAMES }, (_, frame) => frame));
        const used: number[] = [];
        const lent: number[] = [];
        const take = (frame: number): void => {
          expect(free.delete(frame)).toBe(true);
          used.push(frame);
        };
        for (const action of steps) {
          if (action.kind === 'one') {
            const frame = pages.allocate();
            if (free.size === 0) expect(frame).toBe(NO_FRAME);
            else take(frame);
          } else if (action.kind === 'run') {
            const frame = pages.allocateRun(action.want);
            if (free.size === 0) expect(frame).toBe(NO_FRAME);
            else {
              expect(pages.runLength).toBeLessThanOrEqual(action.want);
              for (let index = 0; index < pages.runLength; index += 1) take(frame + index);
            }
          } else if (action.kind === 'free' && used.length > 0) {
            const [frame] = used.splice(action.pick % used.length, 1) as [number];
            pages.free(frame);
            free.add(frame);
          } else if (action.kind === 'lend' && used.length > 0) {
            const [frame] = used.splice(action.pick % used.length, 1) as [number];
            pages.lend(frame, 1);
            lent.push(frame);
          } else if (action.kind === 'return' && lent.length > 0) {
            const [frame] = lent.splice(action.pick % lent.length, 1) as [number];
            pages.endLoan(frame, 1);
            used.push(frame);
          }
          expect(pages.freeCount).toBe(free.size);
          expect(pages.lentCount).toBe(lent.length);
        }
      }),
      { numRuns: 200 },
    );
  });
});
