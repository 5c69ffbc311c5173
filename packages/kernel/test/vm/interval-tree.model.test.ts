/** Intervals in a tree, against a list of them. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IntervalTree, type IntervalNode } from '../../src/vm/interval-tree.js';

function heightOf(tree: IntervalTree<unknown>): number {
  return (tree as unknown as { root: IntervalNode<unknown> | null }).root?.height ?? 0;
}

describe('a tree of intervals', () => {
  it('agrees with a list, whatever is put in and taken out', () => {
    const step = fc.record({
      remove: fc.boolean(),
      pick: fc.nat(),
      start: fc.nat({ max: 60 }),
      length: fc.nat({ max: 20 }),
    });
    fc.assert(
      fc.property(fc.array(step, { minLength: 20, maxLength: 200 }), (steps) => {
        const tree = new IntervalTree<number>();
        const model: { id: number; node: IntervalNode<number> }[] = [];
        for (const [id, { remove, pick, start, length }] of steps.entries()) {
          if (remove && model.length > 0) tree.remove(model.splice(pick % model.length, 1)[0].node);
          else model.push({ id, node: tree.insert(id, start, start + length) });
          const seen: number[] = [];
          const from = pick % 70;
          tree.visit(from, from + length, (item) => seen.push(item));
          const met = model.filter(({ node }) => node.start < from + length && node.end > from);
          met.sort((a, b) => a.node.start - b.node.start || a.id - b.id);
          expect(seen).toEqual(met.map((each) => each.id));
          expect(tree.size).toBe(model.length);
          // An AVL tree is at most 1.44 times as high as a full one.
          expect(heightOf(tree)).toBeLessThanOrEqual(1.44 * Math.log2(model.length + 2));
        }
      }),
      { numRuns: 200 },
    );
  });

  it.each([
    ['ascending', (index: number) => index],
    ['descending', (index: number) => 10_000 - index],
    ['all at one place', () => 5],
  ])('stays shallow when they come %s, and go again', (_order, place) => {
    const tree = new IntervalTree<number>();
    const nodes = Array.from({ length: 10_000 }, (_none, index) =>
      tree.insert(index, place(index), place(index) + 1),
    );
    expect(heightOf(tree)).toBeLessThanOrEqual(19);
    for (const node of nodes.slice(0, 9_990)) tree.remove(node);
    expect(heightOf(tree)).toBeLessThanOrEqual(5);
    expect(() => tree.remove(nodes[0])).toThrow();
  });
});
