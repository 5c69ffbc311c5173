import type { CowNode } from './cow-node.js';
import type { CowPages } from './cow-pages.js';
import { isFrame } from './page-entry.js';
import type { FrameShares } from './vm-system.js';

/** Bits after the point of a fraction of a byte in ZX_INFO_VMO and the like. */
const FRACTION_BITS = 63n;
const FRACTION_MASK = (1n << FRACTION_BITS) - 1n;

/** What memory of a VMO, or of a part of it, counts as its own. */
export class Attribution {
  /** Frames that it sees and that count for it, alone or with others: its own, and those of hidden nodes. */
  pages = 0;
  /** Of these, the ones that no other VMO sees. */
  privatePages = 0;
  /** Frames by how many VMOs see them. */
  private readonly byShares = new Map<number, number>();

  /** `pages` more frames, each seen by `shares` VMOs. */
  add(pages: number, shares: number): void {
    this.pages += pages;
    if (shares === 1) this.privatePages += pages;
    this.byShares.set(shares, (this.byShares.get(shares) ?? 0) + pages);
  }

  /**
   * The bytes when a page that n VMOs see counts 1/n: whole bytes, and the fraction of another in units of 2^-63.
   *
   * @param pageBytes size of a page
   */
  scaled(pageBytes: number): { readonly bytes: bigint; readonly fraction: bigint } {
    let sum = 0n;
    for (const [shares, pages] of this.byShares) {
      sum += ((BigInt(pages) * BigInt(pageBytes)) << FRACTION_BITS) / BigInt(shares);
    }
    return { bytes: sum >> FRACTION_BITS, fraction: sum & FRACTION_MASK };
  }
}

/**
 * What counts for the VMOs that show `cow`, of pages [start, end): the frames of its own list, and 1/n of each frame in a hidden node that it and n - 1 others see. What
 * shows through from visible nodes counts for those, also what they see of hidden nodes above them.
 */
export function attributionOf(cow: CowPages, start: number, end: number): Attribution {
  const result = new Attribution();
  if (cow.parent === null) {
    result.add(cow.list.countFrames(start, end), 1);
    return result;
  }
  const above = hiddenAbove(cow);
  cow.eachRun(start, end, (owner, page, count) => {
    if (owner === cow) result.add(count, 1);
    else if (above.has(owner)) {
      const { pages, counts } = sharesOf(owner);
      const first = firstFrom(pages, page);
      // Frames one after the other, so also their counts.
      for (let index = first; index < first + count; index += 1) result.add(1, counts[index]);
    }
  });
  return result;
}

/** The hidden nodes above a node, up to the first one that is visible. */
function hiddenAbove(cow: CowPages): Set<CowNode> {
  const above = new Set<CowNode>();
  for (let node = cow.parent; node?.isHidden === true; node = node.parent) above.add(node);
  return above;
}

/** How many VMOs see each frame of a hidden node; kept until something changes that. */
function sharesOf(node: CowNode): FrameShares {
  const { shares } = node.vm;
  const known = shares.get(node);
  if (known !== undefined) return known;
  const pages = framePages(node);
  const made = { pages, counts: countViewers(node, pages) };
  shares.set(node, made);
  return made;
}

function framePages(node: CowNode): Float64Array {
  const { list } = node;
  const pages = new Float64Array(list.frames);
  let index = 0;
  for (let page = list.next(0, Infinity); page !== Infinity; page = list.next(page + 1, Infinity)) {
    if (isFrame(list.get(page))) pages[index++] = page;
  }
  return pages;
}

/** A node on the way down: which of the frames it can see, and whether they are to be uncovered on the way back. */
interface Visit {
  readonly node: CowNode;
  /** Page of the top node that the node's page 0 shows. */
  readonly offset: number;
  /** Frames [first, last) lie within all limits down to the node. */
  readonly first: number;
  readonly last: number;
  readonly leaving: boolean;
}

/** Walks all below `top` once; at each visible node every frame that nothing hides on the way counts one more. */
function countViewers(top: CowNode, pages: Float64Array): Uint32Array {
  const counts = new Uint32Array(pages.length);
  /** How many nodes on the way down hide a frame. */
  const hidden = new Uint32Array(pages.length);
  const visits: Visit[] = [];
  const descend = (node: CowNode, offset: number, first: number, last: number): void => {
    for (const child of node.children) {
      const start = offset + child.parentOffset;
      const from = Math.max(first, firstFrom(pages, start));
      const to = Math.min(last, firstFrom(pages, start + child.parentLimit));
      if (from < to) visits.push({ node: child, offset: start, first: from, last: to, leaving: false });
    }
  };
  descend(top, 0, 0, pages.length);
  for (let visit = visits.pop(); visit !== undefined; visit = visits.pop()) {
    const { node, offset, first, last, leaving } = visit;
    if (leaving) {
      cover(node, offset, pages, first, last, hidden, -1);
      continue;
    }
    cover(node, offset, pages, first, last, hidden, 1);
    if (node.isHidden) {
      visits.push({ ...visit, leaving: true });
      descend(node, offset, first, last);
      continue;
    }
    for (let index = first; index < last; index += 1)
      if (hidden[index] === 0) counts[index] = counts[index] + 1;
    cover(node, offset, pages, first, last, hidden, -1);
  }
  return counts;
}

/** Adds `by` to `hidden` for each of the frames [first, last) that the node's own content hides. */
function cover(
  node: CowNode,
  offset: number,
  pages: Float64Array,
  first: number,
  last: number,
  hidden: Uint32Array,
  by: 1 | -1,
): void {
  const { list, zeros } = node;
  const start = pages[first] - offset;
  const end = pages[last - 1] + 1 - offset;
  for (let page = list.next(start, end); page < end; page = list.next(page + 1, end)) {
    const index = firstFrom(pages, page + offset);
    if (pages[index] === page + offset) hidden[index] = hidden[index] + by;
  }
  if (zeros === null) return;
  for (let page = zeros.next(start, end); page < end; page = zeros.next(page, end)) {
    const stop = zeros.endOf(page, end);
    const to = firstFrom(pages, stop + offset);
    for (let index = firstFrom(pages, page + offset); index < to; index += 1)
      hidden[index] = hidden[index] + by;
    page = stop;
  }
}

/** Index of the first of the ascending `pages` that is at least `page`. */
function firstFrom(pages: Float64Array, page: number): number {
  let low = 0;
  let high = pages.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (pages[middle] < page) low = middle + 1;
    else high = middle;
  }
  return low;
}
