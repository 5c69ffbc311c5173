import { IntervalTree } from './interval-tree.js';
import { isFrame, frameOf } from './page-entry.js';
import { PageList, type PageOwner } from './page-list.js';
import type { PageSource } from './page-source.js';
import type { VmSystem } from './vm-system.js';
import { ZEROS_UNTRACKED, ZeroRanges, hasZeroRangeRoom } from './zero-ranges.js';

/** Nodes that one more entry of a page list can need. */
const MOST_NODES = 13;

/** A mapping, which hears that what it shows of a range of pages is no longer right. Pages are those of the node; the ranges reach into what it shows, and perhaps beyond. */
export interface PageViewer {
  /** Translations of [start, end) go away. */
  pagesChanged(start: number, end: number): void;
  /** Translations of [start, end) no longer let anybody write. */
  writesTrapped(start: number, end: number): void;
  /** Whether a translation of the page was used since this was asked last. */
  takeAccessed(page: number): boolean;
}

/**
 * A node of a tree of pages: an own page list, and what shows through from the parent.
 *
 * Kinds of nodes:
 * - visible: VMOs show it (`references`). It may be written at any time.
 * - hidden: nobody shows it, nobody writes it. It keeps what its children share. A snapshot makes one: the hidden node takes the place and the
 *   pages of the node that is snapshotted, and both that one and its snapshot become children of it. Further snapshots become children of the same
 *   node, for as long as nothing was written since. A visible node with children becomes hidden when its last VMO goes.
 * - a root under a pager (`source`): never hidden, even when no VMO is left, since its pages come and go with the pager.
 *
 * At page p < `parentLimit` without content of its own a node shows the parent's page p + `parentOffset`; from `parentLimit` on, zeros. Content is a
 * page in the list, or zeros in `zeros`. The limit only ever shrinks: what a parent lost by shrinking stays lost, even if it grows again.
 *
 * Invariants, between operations:
 *  1. a frame in a hidden node is seen by at least one visible node: one with a path to it on which no limit and no content is in the way;
 *  2. a hidden node has at least two children (one, when no list nodes were left to merge it with its child);
 *  3. hidden nodes have hidden nodes above them, then perhaps a root under a pager or a visible node, then others like it; a child of a hidden node that a
 *     snapshot made has no children unless it is hidden itself;
 *  4. nobody has a writable translation of a frame but the visible node whose list it is in.
 *
 * What keeps 1: whoever stops seeing a range of its parent (a copy on write, zeroing, shrinking, closing) looks whether anybody else
 * sees the frames there (`unseen`, `isSeen`); a write to a frame that nobody else sees takes it over instead of copying it (`CowPages`). A hidden
 * frame needs no counter for that, so that making a clone costs the same whatever is resident. The search ends with the first
 * node that sees the frame.
 *
 * Nothing here recurses: chains may be as long as there are objects.
 */
export class CowNode implements PageOwner {
  list: PageList;
  /** Zeros that the kernel knows of, where something else would be seen otherwise; null: there were never any. */
  zeros: ZeroRanges | null = null;
  /** The mappings of the VMOs that show these pages. */
  readonly views = new IntervalTree<PageViewer>();
  /** VMOs that show these pages. */
  references = 0;
  /** Pins: frames that may be written without a translation. Nothing that has any can be snapshotted. */
  holds = 0;
  /** Pages evicted and discarded so far: `committed_change_events` of ZX_INFO_VMO. */
  evictions = 0;
  /** Contents of a discardable VMO that were given up, and are not there until it is locked again. */
  isDiscarded = false;

  parent: CowNode | null = null;
  parentOffset = 0;
  parentLimit = 0;
  readonly children = new Set<CowNode>();

  /**
   * @param pages size
   * @param source where absent pages come from; null for all but the root under a pager
   * @param rootSource the source at the top of the tree; null: all of it is anonymous
   */
  constructor(
    readonly vm: VmSystem,
    public pages: number,
    readonly source: PageSource | null,
    readonly rootSource: PageSource | null,
  ) {
    this.list = new PageList(vm.nodes, vm.physical, this, source === null ? null : vm.queues);
  }

  get vmoKoid(): number {
    return this.source?.vmoKoid ?? 0;
  }

  get mayEvict(): boolean {
    return this.source?.mayEvict === true;
  }

  /** Nobody shows it, but children do what shows through. */
  get isHidden(): boolean {
    return this.references === 0 && this.source === null;
  }

  get isClone(): boolean {
    return this.parent !== null;
  }

  get hasChildren(): boolean {
    return this.children.size !== 0;
  }

  /** Whether content of its own hides what is below a page. */
  hides(page: number): boolean {
    return this.list.get(page) !== 0 || (this.zeros !== null && this.zeros.covers(page));
  }

  /** Whether anything of [start, end) is its own content. */
  hasOwn(start: number, end: number): boolean {
    return this.list.next(start, end) !== end || (this.zeros !== null && this.zeros.next(start, end) !== end);
  }

  /** Makes this an only child-to-be of `parent`: it shows [offset, offset + limit) of it. */
  attach(parent: CowNode, offset: number, limit: number): void {
    this.parent = parent;
    this.parentOffset = offset;
    this.parentLimit = limit;
    parent.children.add(this);
    this.vm.shares.clear();
  }

  /**
   * For a snapshot: puts a hidden node in this one's place, which takes all that this one has; what it has shows through as before.
   *
   * @returns the hidden node
   */
  hide(): CowNode {
    const { parent, pages } = this;
    const hidden = new CowNode(this.vm, pages, null, this.rootSource);
    hidden.list = this.list;
    hidden.list.owner = hidden;
    hidden.zeros = this.zeros;
    this.list = new PageList(this.vm.nodes, this.vm.physical, this);
    this.zeros = null;
    if (parent !== null) {
      parent.children.delete(this);
      hidden.attach(parent, this.parentOffset, this.parentLimit);
    }
    this.attach(hidden, 0, pages);
    this.writesTrapped(0, pages);
    return hidden;
  }

  /** The next write to a page of [start, end) of this node is to be heard of. */
  writesTrapped(start: number, end: number): void {
    this.views.visit(start, end, trapWrites);
  }

  /** Its frame at a page is seen by some visible node below it, other than `except` and what hangs on that. */
  isSeen(page: number, except: CowNode | null = null): boolean {
    const nodes: CowNode[] = [this];
    const pages = [page];
    for (let node = nodes.pop(); node !== undefined; node = nodes.pop()) {
      const at = pages.pop() as number;
      for (const child of node.children) {
        const below = at - child.parentOffset;
        if (child === except || below < 0 || below >= child.parentLimit || child.hides(below)) continue;
        if (!child.isHidden) return true;
        nodes.push(child);
        pages.push(below);
      }
    }
    return false;
  }

  /** `by`, below, has stopped seeing [start, end): frames that nobody sees any more are freed, here and further up. */
  unseen(start: number, end: number, by: CowNode | null): void {
    if (!this.isHidden || start >= end) return;
    const spared = this.fullViewer(start, end, by);
    if (spared === null) {
      this.freeUnseen(start, end);
      return;
    }
    // All that it sees is seen; what is left to ask about is what its own content hides from it.
    const { list, zeros, parentOffset } = spared;
    const last = end - parentOffset;
    for (let page = start - parentOffset; page < last;) {
      const entry = list.next(page, last);
      const zero = zeros === null ? last : zeros.next(page, last);
      const from = Math.min(entry, zero);
      if (from === last) return;
      const to = from === entry ? list.nextAbsent(from, last) : (zeros as ZeroRanges).endOf(from, last);
      this.freeUnseen(from + parentOffset, to + parentOffset);
      page = to;
    }
  }

  /** With no VMO to show it any more: it ends, or goes on as a hidden node. */
  protected unreferenced(): void {
    this.vm.shares.clear();
    if (this.children.size === 0) this.end();
    else if (this.isHidden) {
      this.unseen(0, this.pages, null);
      this.mergeIfAlone();
    }
  }

  /** Frees all frames of [start, end), and forgets the zeros. */
  protected discard(start: number, end: number): void {
    this.list.removeRange(start, end, (_page, entry) => this.freeFrame(entry));
    this.zeros?.remove(start, end);
  }

  evict(page: number): void {
    this.changed(page, page + 1);
    this.freeFrame(this.list.remove(page));
    this.evictions += 1;
  }

  takeAccessed(page: number): boolean {
    let accessed = false;
    this.eachView(page, page + 1, (viewer, from) => {
      if (viewer.takeAccessed(from)) accessed = true;
    });
    return accessed;
  }

  /** Translations of [start, end) are wrong now, here and wherever these pages show through. */
  changed(start: number, end: number): void {
    this.eachView(start, end, dropTranslations);
  }

  /** Everywhere that [start, end) shows, here and below: the viewer, and where that is to it. */
  private eachView(
    start: number,
    end: number,
    visit: (viewer: PageViewer, from: number, to: number) => void,
  ): void {
    this.views.visit(start, end, visit);
    if (this.children.size === 0) return;
    const nodes: CowNode[] = [this];
    const starts = [start];
    const ends = [end];
    for (let node = nodes.pop(); node !== undefined; node = nodes.pop()) {
      const from = starts.pop() as number;
      const to = ends.pop() as number;
      for (const child of node.children) {
        const first = Math.max(from - child.parentOffset, 0);
        const last = Math.min(to - child.parentOffset, child.parentLimit);
        if (first >= last || (last - first === 1 && child.hides(first))) continue;
        child.views.visit(first, last, visit);
        nodes.push(child);
        starts.push(first);
        ends.push(last);
      }
    }
  }

  /** What it sees of its parent ends at `limit` from here on. */
  protected shrinkLimit(limit: number): void {
    const before = this.parentLimit;
    if (limit >= before) return;
    this.parentLimit = limit;
    this.parent?.unseen(limit + this.parentOffset, before + this.parentOffset, this);
  }

  protected shrinkChildren(pages: number): void {
    for (const child of this.children) {
      child.parentLimit = Math.min(child.parentLimit, Math.max(0, pages - child.parentOffset));
    }
  }

  /** A visible child that [start, end) shows through to, but for its own content; of several, one with few pages. */
  private fullViewer(start: number, end: number, except: CowNode | null): CowNode | null {
    let best: CowNode | null = null;
    for (const child of this.children) {
      if (child === except || child.isHidden) continue;
      if (start < child.parentOffset || end > child.parentOffset + child.parentLimit) continue;
      if (best === null || child.list.frames < best.list.frames) best = child;
      if (best.list.frames === 0) break;
    }
    return best;
  }

  private freeUnseen(start: number, end: number): void {
    let node: CowNode = this;
    let first = start;
    let last = end;
    for (;;) {
      const { list } = node;
      for (let page = list.next(first, last); page < last; page = list.next(page + 1, last)) {
        if (!node.isSeen(page)) node.freeFrame(list.remove(page));
      }
      if (node.parent === null) return;
      last = Math.min(last, node.parentLimit) + node.parentOffset;
      first += node.parentOffset;
      node = node.parent;
      if (!node.isHidden || first >= last) return;
    }
  }

  /** Nothing shows it any more, and nothing shows through it. */
  private end(): void {
    for (let node: CowNode = this; ;) {
      node.discard(0, Infinity);
      node.source?.close();
      const { parent } = node;
      if (parent === null) return;
      parent.children.delete(node);
      if (parent.references !== 0) return;
      if (parent.children.size !== 0) {
        if (!parent.isHidden) return;
        parent.unseen(node.parentOffset, node.parentOffset + node.parentLimit, null);
        parent.mergeIfAlone();
        return;
      }
      node = parent;
    }
  }

  /** A hidden node with one child is not needed: the child takes over what it has. */
  private mergeIfAlone(): void {
    if (this.children.size !== 1) return;
    const [child] = this.children;
    if (child === undefined || !this.giveFrames(child) || !this.giveZeros(child)) return;
    const { parent } = this;
    this.children.clear();
    if (parent === null) {
      child.parent = null;
      child.parentOffset = 0;
      child.parentLimit = 0;
      child.zeros?.remove(0, Infinity);
      child.zeros = null;
      return;
    }
    parent.children.delete(this);
    const limit = Math.max(0, Math.min(child.parentLimit, this.parentLimit - child.parentOffset));
    child.attach(parent, child.parentOffset + this.parentOffset, limit);
  }

  /** Moves all frames to the only child, which sees each of them; false when the nodes for that are lacking, and some are left. */
  private giveFrames(child: CowNode): boolean {
    const { list } = this;
    // The child's list has nothing where this one has a frame, so that the smaller can be put into the larger.
    if (
      child.parentOffset === 0 &&
      child.list.frames < list.frames &&
      this.vm.nodes.hasRoom(child.list.frames * MOST_NODES)
    ) {
      const small = child.list;
      small.removeRange(0, Infinity, (page, entry) => list.set(page, entry));
      child.list = list;
      list.owner = child;
      this.list = small;
      return true;
    }
    for (let page = list.next(0, Infinity); page !== Infinity; page = list.next(page + 1, Infinity)) {
      const entry = list.remove(page);
      if (child.list.set(page - child.parentOffset, entry)) continue;
      // The node that was freed by taking it out is there to put it back.
      list.set(page, entry);
      return false;
    }
    return true;
  }

  /** Zeros that hide what is above them hide it from the only child from now on; false when there are too many, and some have stayed. */
  private giveZeros(child: CowNode): boolean {
    const { zeros } = this;
    if (zeros === null) return true;
    const { parentOffset } = child;
    for (const [start, end] of zeros.entries()) {
      const last = Math.min(end, this.parentLimit, child.parentLimit + parentOffset) - parentOffset;
      for (let page = Math.max(0, start - parentOffset); page < last;) {
        if (!hasZeroRangeRoom(this.vm.zeroRanges)) return false;
        const next = child.list.next(page, last);
        child.zeros ??= new ZeroRanges(this.vm.zeroRanges);
        child.zeros.add(page, next, ZEROS_UNTRACKED);
        page = child.list.nextAbsent(next, last);
      }
    }
    zeros.remove(0, Infinity);
    return true;
  }

  private freeFrame(entry: number): void {
    if (isFrame(entry)) this.vm.physical.free(frameOf(entry));
  }
}

function trapWrites(viewer: PageViewer, from: number, to: number): void {
  viewer.writesTrapped(from, to);
}

function dropTranslations(viewer: PageViewer, from: number, to: number): void {
  viewer.pagesChanged(from, to);
}
