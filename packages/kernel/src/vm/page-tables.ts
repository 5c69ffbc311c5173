import { NO_FRAME, type PhysicalPages } from './physical-pages.js';

/** Bits of a page-table entry's low word. @see RISC-V Privileged Architecture, "Sv39: Page-Based 39-bit Virtual-Memory System" */
const PTE_V = 1 << 0;
export const PTE_R = 1 << 1;
export const PTE_W = 1 << 2;
export const PTE_X = 1 << 3;
const PTE_U = 1 << 4;
export const PTE_A = 1 << 6;
const PTE_D = 1 << 7;

const LEAF_SHIFT = 9;
const INDEX_MASK = 511;
const NO_LEAF = -1;

/** Page numbers of user addresses are below 2^26: the lower half of Sv39. */
export const USER_VPN_END = 1 << 26;

/**
 * The Sv39 page tables of one address space, in guest RAM. A table's frame keeps the count of its valid entries in
 * `PhysicalPages.slotOf`; a table that becomes empty is freed, except for the root.
 *
 * Leaf entries are 4 KiB pages with U and A set, and D where they are writable. `takeAccessed` clears A; the next use sets it again, or faults and
 * is mapped again, as the machine does it. The caller does the fences: before a frame that was mapped, or a table that went empty, can be used for anything else.
 */
export class PageTables {
  /** Frames in use, root included. */
  frames = 1;
  /** The table of the last leaf that was looked up, and what it covers: vpn >> 9. */
  private cachedLeaf = NO_FRAME;
  private cachedIndex = NO_LEAF;

  private constructor(
    private readonly physical: PhysicalPages,
    private readonly limit: number,
    readonly rootFrame: number,
  ) {}

  /** @param limit frames at most; null: no frame is free */
  static create(physical: PhysicalPages, limit: number): PageTables | null {
    const root = physical.allocateZeroed();
    if (root === NO_FRAME) return null;
    physical.setSlot(root, 0);
    return new PageTables(physical, limit, root);
  }

  /** The low word of the entry for a page, 0 when it is not valid. */
  lookup(vpn: number): number {
    const leaf = this.leafOf(vpn);
    return leaf === NO_FRAME ? 0 : this.physical.ram.readPteLo(leaf, vpn & INDEX_MASK);
  }

  /** The frame that a valid entry leads to. */
  frameOf(vpn: number, low: number): number {
    const { ram } = this.physical;
    const high = ram.readPteHi(this.leafOf(vpn), vpn & INDEX_MASK);
    return (low >>> 10) + high * 0x40_0000 - ram.basePpn;
  }

  /**
   * Maps a page, or changes its mapping.
   *
   * @param permissions of PTE_R, PTE_W, PTE_X; at least R
   * @returns the low word of the entry before (0: none, no fence needed), or -1 when a table was needed and there was no frame for it
   */
  map(vpn: number, frame: number, permissions: number): number {
    let leaf = this.leafOf(vpn);
    if (leaf === NO_FRAME) {
      leaf = this.makeLeaf(vpn);
      if (leaf === NO_FRAME) return -1;
    }
    const { physical } = this;
    const index = vpn & INDEX_MASK;
    const before = physical.ram.readPteLo(leaf, index);
    const ppn = physical.ram.basePpn + frame;
    const dirty = (permissions & PTE_W) !== 0 ? PTE_D : 0;
    const low = ((ppn << 10) | permissions | dirty | PTE_V | PTE_U | PTE_A) >>> 0;
    physical.ram.writePte(leaf, index, low, ppn >>> 22);
    if (before === 0) physical.setSlot(leaf, physical.slotOf(leaf) + 1);
    return before;
  }

  /**
   * Removes the entries of [vpn, end).
   *
   * @param empty gets the frames of tables that became empty, to be freed after the fence
   * @returns how many entries were valid
   */
  unmap(vpn: number, end: number, empty: number[]): number {
    const { ram } = this.physical;
    let removed = 0;
    for (let at = vpn; at < end;) {
      const next = Math.min(end, ((at >>> LEAF_SHIFT) + 1) << LEAF_SHIFT);
      const leaf = this.leafOf(at);
      if (leaf === NO_FRAME) {
        at = this.middleOf(at) === NO_FRAME ? ((at >>> (2 * LEAF_SHIFT)) + 1) << (2 * LEAF_SHIFT) : next;
        continue;
      }
      let live = this.physical.slotOf(leaf);
      for (; at < next && live > 0; at += 1) {
        if (ram.readPteLo(leaf, at & INDEX_MASK) === 0) continue;
        ram.writePte(leaf, at & INDEX_MASK, 0, 0);
        removed += 1;
        live -= 1;
      }
      this.physical.setSlot(leaf, live);
      if (live === 0) this.dropLeaf(next - 1, leaf, empty);
      at = next;
    }
    return removed;
  }

  /** Takes permissions away from the entries of [vpn, end); returns how many were changed. */
  restrict(vpn: number, end: number, permissions: number): number {
    const { ram } = this.physical;
    let changed = 0;
    for (let at = vpn; at < end; at += 1) {
      const leaf = this.leafOf(at);
      if (leaf === NO_FRAME) {
        at = (((at >>> LEAF_SHIFT) + 1) << LEAF_SHIFT) - 1;
        continue;
      }
      const low = ram.readPteLo(leaf, at & INDEX_MASK);
      const gone = low & ~permissions & (PTE_R | PTE_W | PTE_X);
      if (low === 0 || gone === 0) continue;
      ram.writePte(
        leaf,
        at & INDEX_MASK,
        (low & ~gone & ((gone & PTE_W) !== 0 ? ~PTE_D : -1)) >>> 0,
        ram.readPteHi(leaf, at & INDEX_MASK),
      );
      changed += 1;
    }
    return changed;
  }

  /** Clears the accessed bit of a page's entry; whether it was set. The caller does the fence. */
  takeAccessed(vpn: number): boolean {
    const low = this.lookup(vpn);
    if ((low & PTE_A) === 0) return false;
    this.rewrite(vpn, (low & ~PTE_A) >>> 0);
    return true;
  }

  /** Sets the accessed bit of a valid entry. */
  setAccessed(vpn: number): void {
    this.rewrite(vpn, (this.lookup(vpn) | PTE_A) >>> 0);
  }

  /** Valid entries in [vpn, end). */
  count(vpn: number, end: number): number {
    let valid = 0;
    for (let at = vpn; at < end; at += 1) {
      if (this.leafOf(at) === NO_FRAME) at |= INDEX_MASK;
      else if (this.lookup(at) !== 0) valid += 1;
    }
    return valid;
  }

  /** Frees every table; the fence has been done. */
  destroy(): void {
    const empty: number[] = [];
    this.unmap(0, USER_VPN_END, empty);
    for (const frame of empty) this.physical.free(frame);
    this.physical.free(this.rootFrame);
    this.cachedIndex = NO_LEAF;
  }

  /** Another low word for a valid entry. */
  private rewrite(vpn: number, low: number): void {
    const { ram } = this.physical;
    const leaf = this.leafOf(vpn);
    ram.writePte(leaf, vpn & INDEX_MASK, low, ram.readPteHi(leaf, vpn & INDEX_MASK));
  }

  private leafOf(vpn: number): number {
    const index = vpn >>> LEAF_SHIFT;
    if (index === this.cachedIndex) return this.cachedLeaf;
    const middle = this.middleOf(vpn);
    if (middle === NO_FRAME) return NO_FRAME;
    const leaf = this.child(middle, index & INDEX_MASK);
    if (leaf === NO_FRAME) return NO_FRAME;
    this.cachedIndex = index;
    this.cachedLeaf = leaf;
    return leaf;
  }

  private middleOf(vpn: number): number {
    return this.child(this.rootFrame, vpn >>> (2 * LEAF_SHIFT));
  }

  /** The frame of the table that an entry points to. */
  private child(table: number, index: number): number {
    const { ram } = this.physical;
    const low = ram.readPteLo(table, index);
    if (low === 0) return NO_FRAME;
    return (low >>> 10) + ram.readPteHi(table, index) * 0x40_0000 - ram.basePpn;
  }

  private makeLeaf(vpn: number): number {
    let middle = this.middleOf(vpn);
    const fresh = middle === NO_FRAME;
    if (this.frames + (fresh ? 2 : 1) > this.limit) return NO_FRAME;
    if (fresh) {
      middle = this.makeTable(this.rootFrame, vpn >>> (2 * LEAF_SHIFT));
      if (middle === NO_FRAME) return NO_FRAME;
    }
    const leaf = this.makeTable(middle, (vpn >>> LEAF_SHIFT) & INDEX_MASK);
    if (leaf === NO_FRAME) {
      if (fresh) this.physical.free(this.dropTable(this.rootFrame, vpn >>> (2 * LEAF_SHIFT), middle));
      return NO_FRAME;
    }
    this.cachedIndex = vpn >>> LEAF_SHIFT;
    this.cachedLeaf = leaf;
    return leaf;
  }

  private makeTable(parent: number, index: number): number {
    const { physical } = this;
    const frame = physical.allocateZeroed();
    if (frame === NO_FRAME) return frame;
    physical.setSlot(frame, 0);
    const ppn = physical.ram.basePpn + frame;
    physical.ram.writePte(parent, index, ((ppn << 10) | PTE_V) >>> 0, ppn >>> 22);
    physical.setSlot(parent, physical.slotOf(parent) + 1);
    this.frames += 1;
    return frame;
  }

  private dropLeaf(vpn: number, leaf: number, empty: number[]): void {
    const middle = this.middleOf(vpn);
    empty.push(this.dropTable(middle, (vpn >>> LEAF_SHIFT) & INDEX_MASK, leaf));
    if (this.physical.slotOf(middle) === 0)
      empty.push(this.dropTable(this.rootFrame, vpn >>> (2 * LEAF_SHIFT), middle));
    this.cachedIndex = NO_LEAF;
  }

  private dropTable(parent: number, index: number, frame: number): number {
    const { physical } = this;
    physical.ram.writePte(parent, index, 0, 0);
    physical.setSlot(parent, physical.slotOf(parent) - 1);
    this.frames -= 1;
    return frame;
  }
}
