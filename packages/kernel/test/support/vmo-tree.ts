/**
 * What a tree of VMOs holds, said as simply as it can be: each VMO has a map of cells, and a snapshot is a copy of that map. Two VMOs share a frame if they have the
 * same cell. There is nothing hidden here, but for closed VMOs that others still follow.
 */
import { ZX_ERR_INVALID_ARGS, ZX_ERR_NOT_SUPPORTED, ZX_OK, type Status } from '../../src/abi/status.js';

/** A page's contents: of one frame (`populated`), or of none. */
interface Cell {
  readonly value: bigint;
  readonly populated: boolean;
}

/** The pages that one VMO has, with its slices and references. */
export class TreePages {
  readonly own = new Map<number, Cell>();
  /** Those that follow it, and those that follow what it follows from a snapshot of it. */
  readonly children = new Set<TreePages>();
  /** Snapshots of one another, closed ones left out. */
  family = new Set<TreePages>([this]);
  shown = 0;
  /** One of the VMOs that show it was made resizable. */
  canResize = false;

  /**
   * @param supplied what the pager supplies, of its own VMO
   * @param parent what shows through below `limit`, from page `offset` on
   */
  constructor(
    public pages: number,
    readonly supplied: ((page: number) => bigint) | null,
    public parent: TreePages | null = null,
    public offset = 0,
    public limit = 0,
  ) {
    parent?.children.add(this);
  }

  get isUnderPager(): boolean {
    return this.supplied !== null || (this.parent !== null && this.parent.isUnderPager);
  }

  get(page: number): bigint {
    const own = this.own.get(page);
    if (own !== undefined) return own.value;
    if (this.parent === null) return this.supplied?.(page) ?? 0n;
    return page < this.limit ? this.parent.get(page + this.offset) : 0n;
  }

  set(page: number, value: bigint): void {
    this.own.set(page, { value, populated: true });
  }

  /** Where nothing shows through there are zeros anyway, and nothing is its own. */
  zero(page: number): void {
    if (this.supplied === null && page >= this.limit) this.own.delete(page);
    else this.own.set(page, { value: 0n, populated: false });
  }

  /** A frame of its own for the page. */
  commit(page: number): void {
    const cell = this.own.get(page);
    const shared = [...this.family].some(
      (other) => other !== this && [...other.own.values()].includes(cell as Cell),
    );
    if (cell === undefined || !cell.populated || shared) this.set(page, this.get(page));
  }

  /** By the pager. */
  supply(page: number): void {
    if (!this.own.has(page) && this.supplied !== null) this.set(page, this.supplied(page));
  }

  resize(pages: number): void {
    for (const page of [...this.own.keys()]) if (page >= pages) this.own.delete(page);
    for (let page = this.pages; page < pages; page += 1) if (this.supplied !== null) this.zero(page);
    this.limit = Math.min(this.limit, pages);
    for (const child of this.children) child.limit = Math.min(child.limit, Math.max(0, pages - child.offset));
    this.pages = pages;
  }

  /** Shows the nearest one up from here that has something of its own in the range. */
  follow(offset: number, pages: number, end: number): TreePages {
    let parent: TreePages = this;
    let at = offset;
    let limit = Math.max(0, Math.min(pages, end - offset));
    const hasOwn = (): boolean => [...parent.own.keys()].some((page) => page >= at && page < at + limit);
    while (parent.parent !== null && !hasOwn()) {
      limit = Math.max(0, Math.min(limit, parent.limit - at));
      at += parent.offset;
      parent = parent.parent;
    }
    return new TreePages(pages, null, parent, at, limit);
  }

  /** Has what this one has now, and follows what this one follows. */
  snapshot(offset: number, pages: number): TreePages {
    const size = Math.max(0, Math.min(pages, this.pages - offset));
    const limit = Math.max(0, Math.min(size, this.limit - offset));
    const copy = new TreePages(pages, null, this.parent, this.offset + offset, limit);
    for (const [page, cell] of this.own) {
      const at = page - offset;
      if (at >= 0 && at < size && (cell.populated || at < limit)) copy.own.set(at, cell);
    }
    this.family.add(copy);
    copy.family = this.family;
    return copy;
  }

  /** Whether it can be snapshotted other than by following it. */
  get canSnapshot(): boolean {
    if (this.supplied !== null || this.children.size !== 0) return false;
    return this.parent === null || this.parent.supplied !== null;
  }

  /** One VMO less shows it. Closed ones remain while two or more follow them. */
  hide(): void {
    this.shown -= 1;
    if (this.shown === 0) {
      this.family.delete(this);
      this.settle();
    }
  }

  private settle(): void {
    if (this.shown !== 0 || this.supplied !== null || this.children.size > 1) return;
    const { parent } = this;
    parent?.children.delete(this);
    const [child] = this.children;
    if (child === undefined) {
      parent?.settle();
      return;
    }
    const limit = Math.max(0, Math.min(child.limit, this.limit - child.offset));
    for (const [page, cell] of this.own) {
      const at = page - child.offset;
      if (at < 0 || at >= child.limit || child.own.has(at)) continue;
      if (cell.populated || at < limit) child.own.set(at, cell);
    }
    child.parent = parent;
    child.offset += this.offset;
    child.limit = limit;
    parent?.children.add(child);
  }

  /** The frames that count for it: its own, and those of closed VMOs that it follows. */
  frames(): Set<Cell> {
    const seen = new Set<Cell>();
    for (let page = 0; page < this.pages; page += 1) {
      let at = page;
      for (let pages: TreePages = this; ;) {
        const cell = pages.own.get(at);
        if (cell !== undefined) {
          if (cell.populated) seen.add(cell);
          break;
        }
        if (pages.parent === null || at >= pages.limit) break;
        at += pages.offset;
        pages = pages.parent;
        if (pages.shown !== 0 || pages.supplied !== null) break;
      }
    }
    return seen;
  }
}

export const CHILD_KINDS = ['alow', 'snapshot', 'modified', 'slice', 'reference'] as const;
export type ChildKind = (typeof CHILD_KINDS)[number];

/** A VMO: all of some pages, or a window. */
export class TreeVmo {
  constructor(
    readonly tree: TreePages,
    readonly kind: ChildKind | 'root',
    readonly resizable: boolean,
    readonly start = 0,
    private readonly window: number | null = null,
  ) {
    tree.shown += 1;
    if (resizable) tree.canResize = true;
  }

  get pages(): number {
    return this.window ?? this.tree.pages;
  }

  /** `zx_vmo_create_child`. */
  child(kind: ChildKind, offset: number, pages: number, resizable: boolean): TreeVmo | Status {
    const { tree } = this;
    switch (kind) {
      case 'slice':
        if (tree.canResize) return ZX_ERR_NOT_SUPPORTED;
        if (offset + pages > this.pages) return ZX_ERR_INVALID_ARGS;
        return new TreeVmo(tree, kind, false, this.start + offset, pages);
      case 'reference':
        if (this.kind === 'slice' || (resizable && !this.resizable)) return ZX_ERR_NOT_SUPPORTED;
        return new TreeVmo(tree, kind, resizable);
      default: {
        if (kind === 'snapshot' && tree.isUnderPager) return ZX_ERR_NOT_SUPPORTED;
        const full =
          !tree.isUnderPager || tree.family.size > 1 || (kind === 'modified' && tree.supplied === null);
        if (full && (!tree.canSnapshot || this.kind === 'slice')) return ZX_ERR_NOT_SUPPORTED;
        const made = full
          ? tree.snapshot(offset, pages)
          : tree.follow(this.start + offset, pages, this.start + this.pages);
        return new TreeVmo(made, kind, resizable);
      }
    }
  }

  /** `ZX_VMO_OP_DECOMMIT`. */
  decommit(page: number, count: number): Status {
    const { tree } = this;
    if (count === 0) return ZX_OK;
    if (this.kind !== 'root' || tree.isUnderPager || tree.family.size > 1) return ZX_ERR_NOT_SUPPORTED;
    for (let at = page; at < page + count; at += 1) tree.own.delete(at);
    return ZX_OK;
  }
}
