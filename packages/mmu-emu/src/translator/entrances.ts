/**
 * Ways from the dispatcher to the entries of a region, laid so that loops keep their one beginning.
 *
 * An entry in the middle of a loop would give it a second way in, and every round would go through the dispatcher. So a loop
 * with such entries gets a *gate* in front: all ways to its beginning lead through the gate, and so do those from the
 * dispatcher to what is inside, from gate to gate where loops are nested. Where a loop is entered just before its
 * beginning (a jump over what the next round starts with), the entry is a copy of that piece, outside the loop.
 */

import { DISPATCHER, Flow } from './flow.js';

/** In front of a loop. */
export interface Gate {
  /** Where the loop begins, and where everybody goes who does not come for an entry inside it. */
  readonly header: number;
  /** Entries inside it by where the way to them leads next: a gate further in, or the entry. */
  readonly ways: ReadonlyMap<number, number[]>;
}

/** A graph with its entrances. */
export interface Entrances {
  /** By node: those given, then copies and gates. The dispatcher's are where ways to entries begin. */
  readonly successors: number[][];
  /** The entries, in their order; some are copies now. */
  readonly entries: readonly number[];
  /** Where the way from the dispatcher to an entry begins. */
  readonly first: ReadonlyMap<number, number>;
  readonly gates: ReadonlyMap<number, Gate>;
  /** The gate in front of a header. */
  readonly gateOf: ReadonlyMap<number, number>;
  /** Of copies: what they are copies of. */
  readonly copies: ReadonlyMap<number, number>;
}

interface Loop {
  readonly header: number;
  readonly nodes: ReadonlySet<number>;
}

/**
 * Lays the ways.
 *
 * @param targets by node, without the dispatcher's; every node can be reached from an entry.
 * @param returns by node that ends by a call: where the call comes back. It is an entry.
 * @param entries the most important first.
 */
export function layEntrances(
  targets: readonly (readonly number[])[],
  returns: ReadonlyMap<number, number>,
  entries: readonly number[],
): Entrances {
  const loops = findLoops(targets, returns, entries);
  const successors = targets.map((to) => [...to]);
  const copies = new Map<number, number>();
  const placed = entries.map((entry) => {
    const around = loops.filter(({ nodes }) => nodes.has(entry));
    const innermost = around.at(-1);
    if (innermost === undefined || innermost.header === entry || returns.has(entry)) return { entry, around };
    if (targets[entry].length !== 1 || targets[entry][0] !== innermost.header) return { entry, around };
    const copy = successors.push([innermost.header]) - 1;
    copies.set(copy, entry);
    return { entry: copy, around: around.slice(0, -1) };
  });

  const gateOf = new Map<number, number>();
  const gates = new Map<number, Gate & { readonly ways: Map<number, number[]> }>();
  for (const { entry, around } of placed) {
    for (const { header } of around) {
      if (header === entry || gateOf.has(header)) continue;
      const gate = successors.push([]) - 1;
      gateOf.set(header, gate);
      gates.set(gate, { header, ways: new Map() });
    }
  }
  const first = new Map<number, number>();
  for (const { entry, around } of placed) {
    const chain = around.map(({ header }) => gateOf.get(header)).filter((gate) => gate !== undefined);
    first.set(entry, chain[0] ?? entry);
    chain.forEach((gate, index) => {
      const { header, ways } = gates.get(gate)!;
      const next = chain[index + 1] ?? entry;
      if (next !== header) ways.set(next, [...(ways.get(next) ?? []), entry]);
    });
  }
  for (const to of successors) to.forEach((node, index) => (to[index] = gateOf.get(node) ?? node));
  for (const [gate, { header, ways }] of gates) successors[gate] = [header, ...ways.keys()];
  successors[DISPATCHER] = [...new Set(first.values())];
  return { successors, entries: placed.map(({ entry }) => entry), first, gates, gateOf, copies };
}

/** The loops that there are when nothing is entered in its middle, outer ones before those in them. */
function findLoops(
  targets: readonly (readonly number[])[],
  returns: ReadonlyMap<number, number>,
  entries: readonly number[],
): Loop[] {
  const graph = targets.map((to, node) => {
    const back = returns.get(node);
    return back === undefined ? [...to] : [...to, back];
  });
  graph[DISPATCHER] = [];
  const seen = new Set<number>();
  for (const entry of entries) {
    if (seen.has(entry)) continue;
    graph[DISPATCHER].push(entry);
    const pending = [entry];
    for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
      if (seen.has(node)) continue;
      seen.add(node);
      pending.push(...graph[node]);
    }
  }
  const flow = new Flow(graph);
  return flow.sequence
    .filter((node) => node !== DISPATCHER && flow.isLoop(node))
    .map((header) => ({ header, nodes: flow.loop(header) }))
    .sort((a, b) => b.nodes.size - a.nodes.size);
}
