/** The control-flow graph of a region: its blocks as nodes, with ways from the dispatcher to its entries. */

import { layEntrances } from './entrances.js';
import type { Entrances } from './entrances.js';
import { DISPATCHER, orderFlow } from './flow.js';
import type { Flow } from './flow.js';
import { isCall } from './region.js';
import type { Region, RegionBlock } from './region.js';

/** A region's nodes. */
export class RegionGraph {
  /** By node; the dispatcher and gates have none. */
  readonly blocks: readonly (RegionBlock | null)[];
  readonly flow: Flow;
  readonly entrances: Entrances;
  /** Numbers of entries, by node. */
  readonly entryOf: ReadonlyMap<number, number>;
  /** Most instructions that can retire from the start of a node until the budget is looked at again, by node. */
  readonly bounds: Int32Array;
  readonly #nodes = new Map<number, number>();

  constructor(region: Region) {
    const blocks = [...region.blocks.values()];
    blocks.forEach(({ start }, index) => this.#nodes.set(start, index + 1));
    const nodesOf = (offsets: readonly number[]): number[] => {
      const nodes: number[] = [];
      for (const offset of offsets) {
        const node = this.#nodes.get(offset);
        if (node !== undefined && !nodes.includes(node)) nodes.push(node);
      }
      return nodes;
    };
    const returns = new Map<number, number>();
    blocks.forEach(({ instructions, end }, index) => {
      const [last, back] = [instructions.at(-1), this.#nodes.get(end)];
      if (last !== undefined && back !== undefined && isCall(last)) returns.set(index + 1, back);
    });
    this.entrances = layEntrances(
      [[], ...blocks.map(({ targets }) => nodesOf(targets))],
      returns,
      nodesOf(region.entries),
    );
    const { successors, gates, copies } = this.entrances;
    this.blocks = successors.map((_, node) =>
      node === DISPATCHER || gates.has(node) ? null : blocks[(copies.get(node) ?? node) - 1],
    );
    this.flow = orderFlow(successors);
    // Besides those of the region, what was irreducible all the same.
    const entries = new Set([...this.entrances.entries, ...this.flow.successors[DISPATCHER]]);
    this.entryOf = new Map([...entries].map((node, index) => [node, index]));
    this.bounds = this.#findBounds();
  }

  /** The node that begins at an offset of the page. */
  nodeAt(offset: number): number | undefined {
    return this.#nodes.get(offset);
  }

  /** Whether the budget is looked at when the node begins. */
  isTested(node: number): boolean {
    const { gates, gateOf } = this.entrances;
    if (gates.has(node)) return false;
    return this.entryOf.has(node) || gateOf.has(node) || this.flow.isLoop(node);
  }

  /** The node that has its code around that of this one; null when the dispatcher has. */
  around(node: number): number | null {
    return this.flow.isMerge(node) ? null : this.flow.predecessor(node);
  }

  #findBounds(): Int32Array {
    const bounds = new Int32Array(this.blocks.length);
    const { sequence, successors } = this.flow;
    for (let place = sequence.length - 1; place > 0; place--) {
      const node = sequence[place];
      let most = 0;
      for (const to of successors[node]) {
        if (!this.flow.isBackward(node, to) && !this.isTested(to)) most = Math.max(most, bounds[to]);
      }
      bounds[node] = most + (this.blocks[node]?.instructions.length ?? 0);
    }
    return bounds;
  }
}
