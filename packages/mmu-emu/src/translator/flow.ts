/**
 * Control flow of a region, put in order so that WebAssembly's blocks and loops can express it.
 *
 * Node 0 is the dispatcher: it goes to the region's entries by number, and everything that cannot be expressed otherwise
 * goes through it. The method is that of N. Ramsey, "Beyond Relooper: recursive translation of unstructured control flow
 * to structured control flow" (ICFP 2022): a node with several forward edges into it gets a block around what comes
 * before it, a node with a back edge gets a loop, and the rest is nested as the dominator tree is.
 */

/** The dispatcher. */
export const DISPATCHER = 0;

/** A control-flow graph with its order. */
export interface Flow {
  /** Successors by node; those of the dispatcher are the entries. */
  readonly successors: readonly (readonly number[])[];
  /** Position in reverse postorder, by node; the dispatcher's is 0. */
  readonly order: readonly number[];
  /** Nodes in reverse postorder. */
  readonly sequence: readonly number[];
  /** Whether an edge goes back, or nowhere forward. */
  isBackward(from: number, to: number): boolean;
  /** Whether every way to `node` leads through `over`. */
  dominates(over: number, node: number): boolean;
  /** Several forward edges, or one from the dispatcher, lead to it. */
  isMerge(node: number): boolean;
  /** Of a node other than the dispatcher that is no merge: from where the one forward edge to it comes. */
  predecessor(node: number): number;
  /** A back edge from a node that it dominates leads to it. */
  isLoop(node: number): boolean;
  /** The nodes of the loop that begins at a node: those from which it is reached again without leaving what it dominates. */
  loop(header: number): ReadonlySet<number>;
  /** Nodes that it dominates immediately, in reverse postorder. */
  children(node: number): readonly number[];
}

/**
 * Orders a graph. Where it is irreducible, nodes become entries until it no longer is.
 *
 * @param successors by node; every node is reachable from node 0. The dispatcher's list is extended in place.
 */
export function orderFlow(successors: number[][]): Flow {
  for (;;) {
    const flow = analyseFlow(successors);
    const entries = successors[DISPATCHER];
    const found = new Set<number>();
    for (const from of flow.sequence) {
      if (from === DISPATCHER) continue;
      for (const to of successors[from]) {
        if (flow.isBackward(from, to) && !flow.dominates(to, from) && !entries.includes(to)) found.add(to);
      }
    }
    if (found.size === 0) return flow;
    entries.push(...found);
  }
}

/** The order of a graph as it is, irreducible or not. */
export function analyseFlow(successors: readonly (readonly number[])[]): Flow {
  const sequence = reversePostorder(successors);
  const order: number[] = Array.from({ length: successors.length }, () => -1);
  sequence.forEach((node, position) => (order[node] = position));
  const predecessors: number[][] = successors.map(() => []);
  for (const from of sequence) for (const to of successors[from]) predecessors[to].push(from);

  const dominator = immediateDominators(sequence, order, predecessors);
  const dominates = (over: number, node: number): boolean => {
    let at = node;
    while (order[at] > order[over]) at = dominator[at];
    return at === over;
  };
  const isBackward = (from: number, to: number): boolean => order[to] <= order[from];
  const children: number[][] = successors.map(() => []);
  for (const node of sequence) if (node !== DISPATCHER) children[dominator[node]].push(node);
  const merges = successors.map((_, node) => {
    const forward = predecessors[node].filter((from) => !isBackward(from, node));
    return forward.length > 1 || forward.includes(DISPATCHER);
  });
  const loops = successors.map((_, node) =>
    predecessors[node].some((from) => isBackward(from, node) && dominates(node, from)),
  );
  const loop = (header: number): ReadonlySet<number> => {
    const inside = new Set([header]);
    const pending = predecessors[header].filter((from) => dominates(header, from));
    for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
      if (inside.has(node)) continue;
      inside.add(node);
      pending.push(...predecessors[node]);
    }
    return inside;
  };
  return {
    successors,
    order,
    sequence,
    isBackward,
    dominates,
    isMerge: (node) => merges[node],
    predecessor: (node) => predecessors[node].find((from) => !isBackward(from, node)) as number,
    isLoop: (node) => loops[node],
    loop,
    children: (node) => children[node],
  };
}

function reversePostorder(successors: readonly (readonly number[])[]): number[] {
  const seen = new Set<number>([DISPATCHER]);
  const out: number[] = [];
  // Each with the number of its successors that were visited.
  const path: { readonly node: number; next: number }[] = [{ node: DISPATCHER, next: 0 }];
  for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
    const to = successors[top.node][top.next++];
    if (to === undefined) {
      out.push(top.node);
      path.pop();
    } else if (!seen.has(to)) {
      seen.add(to);
      path.push({ node: to, next: 0 });
    }
  }
  return out.reverse();
}

/** @see K. Cooper, T. Harvey, K. Kennedy, "A Simple, Fast Dominance Algorithm" */
function immediateDominators(
  sequence: readonly number[],
  order: readonly number[],
  predecessors: readonly (readonly number[])[],
): number[] {
  const dominator: number[] = Array.from({ length: order.length }, () => -1);
  dominator[DISPATCHER] = DISPATCHER;
  const meet = (a: number, b: number): number => {
    let [left, right] = [a, b];
    while (left !== right) {
      while (order[left] > order[right]) left = dominator[left];
      while (order[right] > order[left]) right = dominator[right];
    }
    return left;
  };
  for (let changed = true; changed;) {
    changed = false;
    for (const node of sequence) {
      if (node === DISPATCHER) continue;
      let found = -1;
      for (const from of predecessors[node]) {
        if (dominator[from] === -1) continue;
        found = found === -1 ? from : meet(found, from);
      }
      if (dominator[node] !== found) {
        dominator[node] = found;
        changed = true;
      }
    }
  }
  return dominator;
}
