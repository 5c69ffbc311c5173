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
export class Flow {
  /** Successors by node; those of the dispatcher are the entries. */
  readonly successors: readonly (readonly number[])[];
  /** Predecessors by node, in reverse postorder. */
  readonly predecessors: readonly (readonly number[])[];
  /** Position in reverse postorder, by node; the dispatcher's is 0. */
  readonly order: Int32Array;
  /** Nodes in reverse postorder. */
  readonly sequence: readonly number[];
  /** By node: the one that dominates it immediately; those that it so dominates; and what `isMerge` and `isLoop` tell. */
  readonly #dominator: Int32Array;
  readonly #children: readonly number[][];
  readonly #merges: Uint8Array;
  readonly #loops: Uint8Array;

  /** The order of a graph as it is, irreducible or not. Every node is reachable from the dispatcher. */
  constructor(successors: readonly (readonly number[])[]) {
    this.successors = successors;
    this.sequence = reversePostorder(successors);
    this.order = new Int32Array(successors.length).fill(-1);
    this.sequence.forEach((node, position) => (this.order[node] = position));
    const predecessors = listsOf(successors.length);
    for (const from of this.sequence) for (const to of successors[from]) predecessors[to].push(from);
    this.predecessors = predecessors;
    this.#dominator = immediateDominators(this.sequence, this.order, predecessors);
    this.#children = listsOf(successors.length);
    this.#merges = new Uint8Array(successors.length);
    this.#loops = new Uint8Array(successors.length);
    for (const node of this.sequence) this.#judge(node);
  }

  #judge(node: number): void {
    if (node !== DISPATCHER) this.#children[this.#dominator[node]].push(node);
    let forward = 0;
    for (const from of this.predecessors[node]) {
      if (!this.isBackward(from, node)) forward += from === DISPATCHER ? 2 : 1;
      else if (this.dominates(node, from)) this.#loops[node] = 1;
    }
    if (forward > 1) this.#merges[node] = 1;
  }

  /** Whether an edge goes back, or nowhere forward. */
  isBackward(from: number, to: number): boolean {
    return this.order[to] <= this.order[from];
  }

  /** Whether every way to `node` leads through `over`. */
  dominates(over: number, node: number): boolean {
    let at = node;
    while (this.order[at] > this.order[over]) at = this.#dominator[at];
    return at === over;
  }

  /** Several forward edges, or one from the dispatcher, lead to it. */
  isMerge(node: number): boolean {
    return this.#merges[node] !== 0;
  }

  /** Of a node other than the dispatcher that is no merge: from where the one forward edge to it comes. */
  predecessor(node: number): number {
    return this.predecessors[node].find((from) => !this.isBackward(from, node)) as number;
  }

  /** A back edge from a node that it dominates leads to it. */
  isLoop(node: number): boolean {
    return this.#loops[node] !== 0;
  }

  /** The nodes of the loop that begins at a node: those from which it is reached again without leaving what it dominates. */
  loop(header: number): ReadonlySet<number> {
    const inside = new Set([header]);
    const pending = this.predecessors[header].filter((from) => this.dominates(header, from));
    for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
      if (inside.has(node)) continue;
      inside.add(node);
      pending.push(...this.predecessors[node]);
    }
    return inside;
  }

  /** Nodes that it dominates immediately, in reverse postorder. */
  children(node: number): readonly number[] {
    return this.#children[node];
  }
}

/**
 * Orders a graph. Where it is irreducible, nodes become entries until it no longer is.
 *
 * @param successors by node; every node is reachable from node 0. The dispatcher's list is extended in place.
 */
export function orderFlow(successors: number[][]): Flow {
  for (;;) {
    const flow = new Flow(successors);
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

const listsOf = (count: number): number[][] => {
  const lists: number[][] = [];
  for (let index = 0; index < count; index++) lists.push([]);
  return lists;
};

function reversePostorder(successors: readonly (readonly number[])[]): number[] {
  const seen = new Uint8Array(successors.length);
  seen[DISPATCHER] = 1;
  const out: number[] = [];
  // Each with the number of its successors that were visited.
  const path: { readonly node: number; next: number }[] = [{ node: DISPATCHER, next: 0 }];
  while (path.length > 0) {
    const top = path[path.length - 1];
    const following = successors[top.node];
    if (top.next === following.length) {
      out.push(top.node);
      path.pop();
      continue;
    }
    const to = following[top.next++];
    if (seen[to] !== 0) continue;
    seen[to] = 1;
    path.push({ node: to, next: 0 });
  }
  return out.reverse();
}

/** @see K. Cooper, T. Harvey, K. Kennedy, "A Simple, Fast Dominance Algorithm" */
function immediateDominators(
  sequence: readonly number[],
  order: Int32Array,
  predecessors: readonly (readonly number[])[],
): Int32Array {
  const dominator = new Int32Array(order.length).fill(-1);
  dominator[DISPATCHER] = DISPATCHER;
  for (let changed = true; changed;) {
    changed = false;
    for (const node of sequence) {
      if (node === DISPATCHER) continue;
      let found = -1;
      for (const from of predecessors[node]) {
        if (dominator[from] === -1) continue;
        let other = found === -1 ? from : found;
        found = from;
        // Where the ways to both come together.
        while (found !== other) {
          while (order[found] > order[other]) found = dominator[found];
          while (order[other] > order[found]) other = dominator[other];
        }
      }
      if (dominator[node] !== found) {
        dominator[node] = found;
        changed = true;
      }
    }
  }
  return dominator;
}
