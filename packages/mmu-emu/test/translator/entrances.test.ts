import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { layEntrances } from '../../src/translator/entrances.js';
import { DISPATCHER, orderFlow } from '../../src/translator/flow.js';

/** Random targets by node, node 0 without any, and entries from which every node is reached. */
const regions = fc.integer({ min: 2, max: 12 }).chain((size) =>
  fc.record({
    targets: fc.array(fc.array(fc.integer({ min: 1, max: size - 1 }), { maxLength: 2 }), {
      minLength: size,
      maxLength: size,
    }),
    some: fc.uniqueArray(fc.integer({ min: 1, max: size - 1 }), { minLength: 1 }),
  }),
);

/** Nodes that one leads to. */
function reachable(targets: readonly (readonly number[])[], from: number): Set<number> {
  const seen = new Set([from]);
  for (const node of seen) for (const to of targets[node]) seen.add(to);
  return seen;
}

describe('ways to the entries of a region', () => {
  it('lead to each entry or its copy, from gate to gate, and change no other way', () => {
    fc.assert(
      fc.property(regions, ({ targets: random, some }) => {
        const targets = random.map((to, node) => (node === DISPATCHER ? [] : [...new Set(to)]));
        const entries = [...some];
        for (let node = 1; node < targets.length; node += 1) {
          if (!entries.some((entry) => reachable(targets, entry).has(node))) entries.push(node);
        }
        const laid = layEntrances(targets, new Map(), entries);
        laid.entries.forEach((entry, index) => {
          expect(laid.copies.get(entry) ?? entry).toBe(entries[index]);
          let at = laid.first.get(entry) as number;
          expect(laid.successors[DISPATCHER]).toContain(at);
          for (let gate = laid.gates.get(at); gate !== undefined; gate = laid.gates.get(at)) {
            const next = [...gate.ways].find(([, those]) => those.includes(entry))?.[0] ?? gate.header;
            expect(laid.successors[at]).toContain(next);
            at = next;
          }
          expect(at).toBe(entry);
        });
        // Gates and copies apart, everything leads where it did.
        for (let node = 1; node < targets.length; node += 1) {
          const through = laid.successors[node].map((to) => laid.gates.get(to)?.header ?? to);
          expect(through).toEqual(targets[node]);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('leave a loop its one beginning when the loop inside it is entered, and the loop around it', () => {
    // 1 outer, 2 middle, 3 inner; each is an entry.
    const targets = [[], [2], [3], [3, 4], [2, 5], [1, 6], []];
    const { successors, gates } = layEntrances(targets, new Map(), [1, 2, 3]);
    const before = [...successors[DISPATCHER]];
    const flow = orderFlow(successors);
    expect(flow.successors[DISPATCHER]).toEqual(before);
    expect(gates.size).toBe(2);
    expect(flow.isLoop(3)).toBe(true);
    for (const gate of gates.keys()) expect(flow.isLoop(gate)).toBe(true);
  });

  it('enter a loop that begins in its middle by a copy of what the first round leaves out', () => {
    // 1 jumps to 3; 2 is where the next round begins.
    const { successors, entries, gates, copies } = layEntrances(
      [[], [3], [3], [2, 4], []],
      new Map(),
      [1, 2],
    );
    expect([...copies]).toEqual([[5, 2]]);
    expect(entries).toEqual([1, 5]);
    expect(gates.size).toBe(0);
    expect(orderFlow(successors).isLoop(3)).toBe(true);
  });

  it('keep a loop whole that calls a function in its middle', () => {
    // 1 calls 3, which comes back at 2.
    const targets = [[], [3], [1, 4], [], []];
    const { successors, gates } = layEntrances(targets, new Map([[1, 2]]), [1, 2]);
    expect([...gates.values()].map(({ header }) => header)).toEqual([1]);
    expect(orderFlow(successors).isLoop([...gates.keys()][0])).toBe(true);
  });
});
