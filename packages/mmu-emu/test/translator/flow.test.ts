import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DISPATCHER, orderFlow } from '../../src/translator/flow.js';

/** Random graphs of which every node can be reached. */
const graphs = fc
  .integer({ min: 2, max: 14 })
  .chain((size) =>
    fc.tuple(
      fc.array(fc.array(fc.integer({ min: 1, max: size - 1 }), { maxLength: 3 }), {
        minLength: size,
        maxLength: size,
      }),
      fc.array(fc.integer({ min: 0, max: size - 2 }), { minLength: size, maxLength: size }),
    ),
  )
  .map(([edges, parents]) => {
    const successors = edges.map((targets) => [...targets]);
    // Each node hangs on an earlier one.
    for (let node = 1; node < successors.length; node += 1) {
      successors[parents[node] % node].push(node);
    }
    successors[DISPATCHER] = [...new Set(successors[DISPATCHER])];
    return successors;
  });

/** Nodes that can be reached without going through one of them. */
function reached(successors: readonly (readonly number[])[], without: number): Set<number> {
  const seen = new Set<number>();
  const pending = without === DISPATCHER ? [] : [DISPATCHER];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    for (const to of successors[node]) if (to !== without) pending.push(to);
  }
  return seen;
}

describe('the order of control flow', () => {
  it('has dominators as their definition says, and no way back but to a loop or an entry', () => {
    fc.assert(
      fc.property(graphs, (successors) => {
        const flow = orderFlow(successors);
        expect(flow.sequence[0]).toBe(DISPATCHER);
        expect([...flow.sequence].sort((a, b) => a - b)).toEqual(successors.map((_, node) => node));
        for (const over of flow.sequence) {
          const others = reached(successors, over);
          for (const node of flow.sequence) {
            expect(flow.dominates(over, node), `${over} over ${node}`).toBe(
              node === over || !others.has(node),
            );
          }
        }
        for (const from of flow.sequence) {
          for (const to of successors[from]) {
            expect(flow.isBackward(from, to)).toBe(flow.order[to] <= flow.order[from]);
            if (from === DISPATCHER || !flow.isBackward(from, to)) continue;
            const isLoop = flow.dominates(to, from);
            expect(isLoop ? flow.isLoop(to) : successors[DISPATCHER].includes(to)).toBe(true);
          }
        }
        const children = flow.sequence.flatMap((node) => flow.children(node));
        expect(children.sort((a, b) => a - b)).toEqual(flow.sequence.slice(1).sort((a, b) => a - b));
      }),
      { numRuns: 500 },
    );
  });

  it('puts a block around what two ways lead to, and around every entry', () => {
    const flow = orderFlow([[1], [2, 3], [4], [4], [1]]);
    expect([1, 2, 3, 4].map((node) => flow.isMerge(node))).toEqual([true, false, false, true]);
    expect([1, 2, 3, 4].map((node) => flow.isLoop(node))).toEqual([true, false, false, false]);
  });

  it('makes an entry of what two ways lead into the middle of', () => {
    const successors = [[1], [2, 3], [3], [2]];
    const flow = orderFlow(successors);
    expect(successors[DISPATCHER].length).toBe(2);
    expect(flow.isLoop(successors[DISPATCHER][1])).toBe(false);
  });
});
