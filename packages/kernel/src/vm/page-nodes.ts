import type { PageList } from './page-list.js';

/** Few entries, so that a page that is alone takes little; the tree is higher for it. */
export const NODE_SHIFT = 4;
export const NODE_ENTRIES = 1 << NODE_SHIFT;

/** No node; node numbers start at 1. */
export const NO_NODE = 0;

const FIRST_CAPACITY = 256;

/**
 * The nodes of all page lists, in typed arrays: a list costs what is in it, and nothing of it is an object.
 *
 * A node has 16 entries: of a leaf, page entries; of an inner node, node numbers.
 */
export class PageNodes {
  /** Entry i of node n is at `n * 16 + i`. Replaced when the pool grows. */
  entries: Uint32Array = new Uint32Array(FIRST_CAPACITY * NODE_ENTRIES);
  /** Entries in use, by node. */
  used: Uint8Array = new Uint8Array(FIRST_CAPACITY);
  /** Slot of the parent's entry, by node; 0 for a root. */
  parentSlot: Uint32Array = new Uint32Array(FIRST_CAPACITY);
  /** First page that the node covers. */
  base: Float64Array = new Float64Array(FIRST_CAPACITY);
  private owner: (PageList | null)[] = [];
  private freeHead = NO_NODE;
  private next = 1;
  private count = 0;

  /** @param limit nodes at most */
  constructor(private readonly limit: number) {}

  /** Nodes in use. */
  get size(): number {
    return this.count;
  }

  hasRoom(nodes: number): boolean {
    return this.count + nodes <= this.limit;
  }

  /** An empty node; the caller asked `hasRoom`. */
  allocate(owner: PageList, base: number, parentSlot: number): number {
    let node = this.freeHead;
    if (node !== NO_NODE) this.freeHead = this.parentSlot[node];
    else {
      node = this.next++;
      if (node >= this.used.length) this.grow();
    }
    this.owner[node] = owner;
    this.base[node] = base;
    this.parentSlot[node] = parentSlot;
    this.count += 1;
    return node;
  }

  /** Gives back a node whose entries are all 0. */
  free(node: number): void {
    this.owner[node] = null;
    this.parentSlot[node] = this.freeHead;
    this.freeHead = node;
    this.count -= 1;
  }

  /** The list that a leaf belongs to. */
  listOf(node: number): PageList {
    const list = this.owner[node];
    if (list === null || list === undefined) throw new Error(`node ${node} belongs to no list`);
    return list;
  }

  private grow(): void {
    // By a quarter: what is not in use yet is part of what a page costs.
    const capacity = this.used.length + (this.used.length >>> 2);
    const entries = new Uint32Array(capacity * NODE_ENTRIES);
    entries.set(this.entries);
    this.entries = entries;
    const used = new Uint8Array(capacity);
    used.set(this.used);
    this.used = used;
    const parentSlot = new Uint32Array(capacity);
    parentSlot.set(this.parentSlot);
    this.parentSlot = parentSlot;
    const base = new Float64Array(capacity);
    base.set(this.base);
    this.base = base;
  }
}
