import { ENTRY_FRAME, frameOf, isFrame } from './page-entry.js';
import { NODE_ENTRIES, NODE_SHIFT, NO_NODE, type PageNodes } from './page-nodes.js';
import type { PageQueues } from './page-queues.js';
import type { PhysicalPages } from './physical-pages.js';

/** Pages that a tree of each height covers; 16^13 is 2^52. */
const SPAN: readonly number[] = Array.from({ length: 15 }, (_, height) => NODE_ENTRIES ** height);

/** Whose pages a list holds. */
export interface PageOwner {
  /** Koid of the VMO that the pages were made for. */
  readonly vmoKoid: number;
  /** Whether any page table says that the page was used since this was asked last. */
  takeAccessed(page: number): boolean;
  /** Whether clean pages may be given up. */
  readonly mayEvict: boolean;
  /** Gives a clean page up: it is fetched again when it is needed. */
  evict(page: number): void;
}

/**
 * The pages of one VMO: a sparse map from page index (below 2^52) to page entry (`page-entry.ts`), as a radix tree of nodes
 * with 16 entries. Its cost follows what is in it.
 *
 * A list of height h covers pages [0, 16^h). Frames in it know their place (`PhysicalPages.slotOf`), which leads back to list and page.
 */
export class PageList {
  /** Frames in the list. */
  frames = 0;
  private root = NO_NODE;
  private height = 0;
  /** The leaf that was looked at last, and its first page: neighbours are asked for one after the other. */
  private cachedLeaf = NO_NODE;
  private cachedBase = 0;

  /**
   * @param owner whose list it is, for those who come from a frame (`PageNodes.listOf`)
   * @param queues told of the pages; null when they cannot be evicted
   */
  constructor(
    private readonly nodes: PageNodes,
    private readonly physical: PhysicalPages,
    public owner: PageOwner | null = null,
    private readonly queues: PageQueues | null = null,
  ) {}

  get isEmpty(): boolean {
    return this.root === NO_NODE;
  }

  /** The entry of a page, 0 when there is none. */
  get(page: number): number {
    const leaf = this.leafOf(page);
    return leaf === NO_NODE ? 0 : this.nodes.entries[leaf * NODE_ENTRIES + (page - this.cachedBase)];
  }

  /**
   * Puts an entry in, or replaces one. A frame that is replaced is no longer listed, and the caller's.
   *
   * @returns false, and nothing is changed, when there are no nodes left
   */
  set(page: number, entry: number): boolean {
    let leaf = this.leafOf(page);
    if (leaf === NO_NODE) {
      leaf = this.makeLeaf(page);
      if (leaf === NO_NODE) return false;
    }
    const { nodes, physical } = this;
    const slot = leaf * NODE_ENTRIES + (page - this.cachedBase);
    const before = nodes.entries[slot];
    if (before === 0) nodes.used[leaf] = nodes.used[leaf] + 1;
    else if (isFrame(before) && (!isFrame(entry) || frameOf(before) !== frameOf(entry))) {
      this.letGo(frameOf(before));
    }
    if (isFrame(entry) && (!isFrame(before) || frameOf(before) !== frameOf(entry))) {
      physical.enlist(frameOf(entry), slot);
      this.frames += 1;
    }
    nodes.entries[slot] = entry;
    if (this.queues !== null && isFrame(entry)) this.queues.note(frameOf(entry), entry);
    return true;
  }

  /** Changes the flags of an entry that is there; its kind and frame stay. */
  update(page: number, entry: number): void {
    const leaf = this.leafOf(page);
    this.nodes.entries[leaf * NODE_ENTRIES + (page - this.cachedBase)] = entry;
    if (this.queues !== null && isFrame(entry)) this.queues.note(frameOf(entry), entry);
  }

  /** Takes an entry out and returns it, 0 when there was none. A frame is the caller's from here on. */
  remove(page: number): number {
    const leaf = this.leafOf(page);
    if (leaf === NO_NODE) return 0;
    const { nodes } = this;
    const slot = leaf * NODE_ENTRIES + (page - this.cachedBase);
    const entry = nodes.entries[slot];
    if (entry === 0) return 0;
    if (isFrame(entry)) this.letGo(frameOf(entry));
    this.dropEntry(leaf, slot);
    return entry;
  }

  /** The first page in [page, end) that has an entry; `end` when there is none. */
  next(page: number, end: number): number {
    const { entries, base } = this.nodes;
    let from = page;
    restart: while (from < end) {
      if (this.root === NO_NODE || from >= SPAN[this.height]) return end;
      let node = this.leafOf(from);
      if (node === NO_NODE) {
        node = this.root;
        for (let level = this.height; level > 1; level -= 1) {
          const scale = SPAN[level - 1];
          const start = base[node];
          let index = Math.floor((from - start) / scale);
          if (entries[node * NODE_ENTRIES + index] === 0) {
            do index += 1;
            while (index < NODE_ENTRIES && entries[node * NODE_ENTRIES + index] === 0);
            from = start + index * scale;
            if (index === NODE_ENTRIES) continue restart;
          }
          node = entries[node * NODE_ENTRIES + index];
        }
      }
      const start = base[node];
      for (let index = from - start; index < NODE_ENTRIES; index += 1) {
        if (entries[node * NODE_ENTRIES + index] === 0) continue;
        return Math.min(start + index, end);
      }
      from = start + NODE_ENTRIES;
    }
    return end;
  }

  /** The first page in [page, end) that has no entry; `end` when all have one. */
  nextAbsent(page: number, end: number): number {
    let at = page;
    while (at < end) {
      const leaf = this.leafOf(at);
      if (leaf === NO_NODE) return at;
      const { entries } = this.nodes;
      const start = this.cachedBase;
      for (let index = at - start; index < NODE_ENTRIES; index += 1) {
        if (entries[leaf * NODE_ENTRIES + index] === 0) return Math.min(start + index, end);
      }
      at = start + NODE_ENTRIES;
    }
    return end;
  }

  /**
   * Takes out every entry in [start, end).
   *
   * @param each gets page and entry, once the entry is out; it must not change this list
   */
  removeRange(start: number, end: number, each: (page: number, entry: number) => void): void {
    for (let page = this.next(start, end); page < end; page = this.next(page + 1, end)) {
      each(page, this.remove(page));
    }
  }

  /** Entries of kind frame in [start, end). */
  countFrames(start: number, end: number): number {
    if (start === 0 && end >= SPAN[this.height]) return this.frames;
    let count = 0;
    for (let page = this.next(start, end); page < end; page = this.next(page + 1, end)) {
      if ((this.get(page) & 3) === ENTRY_FRAME) count += 1;
    }
    return count;
  }

  private letGo(frame: number): void {
    this.physical.delist(frame);
    this.queues?.leave(frame);
    this.frames -= 1;
  }

  /** The leaf of a page, which is then the cached one, or NO_NODE. */
  private leafOf(page: number): number {
    const offset = page - this.cachedBase;
    if (offset >= 0 && offset < NODE_ENTRIES && this.cachedLeaf !== NO_NODE) return this.cachedLeaf;
    if (this.root === NO_NODE || page >= SPAN[this.height]) return NO_NODE;
    const { entries, base } = this.nodes;
    let node = this.root;
    for (let level = this.height; level > 1; level -= 1) {
      const index = Math.floor((page - base[node]) / SPAN[level - 1]);
      node = entries[node * NODE_ENTRIES + index];
      if (node === NO_NODE) return NO_NODE;
    }
    this.cachedLeaf = node;
    this.cachedBase = base[node];
    return node;
  }

  /** Makes the missing nodes down to the leaf of a page; NO_NODE, and nothing is made, when there are too few. */
  private makeLeaf(page: number): number {
    const { nodes } = this;
    let height = Math.max(this.height, 1);
    while (page >= SPAN[height]) height += 1;
    // What the tree lacks: new roots above the old one, then the path down to the leaf.
    let missing = this.root === NO_NODE ? height : height - this.height;
    if (this.root !== NO_NODE) {
      let node: number = height > this.height && page >= SPAN[this.height] ? NO_NODE : this.root;
      if (node === NO_NODE) missing += height - 1;
      for (let level = this.height; node !== NO_NODE && level > 1; level -= 1) {
        const index = Math.floor((page - nodes.base[node]) / SPAN[level - 1]);
        node = nodes.entries[node * NODE_ENTRIES + index];
        if (node === NO_NODE) missing += level - 1;
      }
    }
    if (!nodes.hasRoom(missing)) return NO_NODE;

    if (this.root === NO_NODE) {
      this.root = nodes.allocate(this, 0, 0);
      this.height = height;
    }
    while (this.height < height) {
      const root = nodes.allocate(this, 0, 0);
      nodes.entries[root * NODE_ENTRIES] = this.root;
      nodes.used[root] = 1;
      nodes.parentSlot[this.root] = root * NODE_ENTRIES;
      this.root = root;
      this.height += 1;
    }
    let node = this.root;
    for (let level = this.height; level > 1; level -= 1) {
      const scale = SPAN[level - 1];
      const start = nodes.base[node];
      const index = Math.floor((page - start) / scale);
      const slot = node * NODE_ENTRIES + index;
      let child = nodes.entries[slot];
      if (child === NO_NODE) {
        child = nodes.allocate(this, start + index * scale, slot);
        nodes.entries[slot] = child;
        nodes.used[node] = nodes.used[node] + 1;
      }
      node = child;
    }
    this.cachedLeaf = node;
    this.cachedBase = nodes.base[node];
    return node;
  }

  /** Clears an entry, and frees the nodes that are empty then. */
  private dropEntry(leaf: number, slot: number): void {
    const { nodes } = this;
    let node = leaf;
    let at = slot;
    for (;;) {
      nodes.entries[at] = 0;
      const used = nodes.used[node] - 1;
      nodes.used[node] = used;
      if (used !== 0) return;
      if (node === this.cachedLeaf) this.cachedLeaf = NO_NODE;
      at = nodes.parentSlot[node];
      nodes.free(node);
      if (at === 0) {
        this.root = NO_NODE;
        this.height = 0;
        return;
      }
      node = at >>> NODE_SHIFT;
    }
  }
}
