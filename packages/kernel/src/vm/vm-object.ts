import { ZX_OBJ_TYPE_VMO } from '../abi/object-types.js';
import { ZX_DEFAULT_VMO_RIGHTS, ZX_RIGHT_RESIZE, type Rights } from '../abi/rights.js';
import { ZX_USER_SIGNAL_ALL, ZX_VMO_ZERO_CHILDREN } from '../abi/signals.js';
import { ZX_ERR_NO_MEMORY, ZX_ERR_UNAVAILABLE, ZX_OK, type Status } from '../abi/status.js';
import type { KernelCore } from '../kernel-core.js';
import { Dispatcher, type Koid } from '../object/dispatcher.js';
import { ObjectName } from '../object/object-name.js';
import { CowPages } from './cow-pages.js';
import { Attribution, attributionOf } from './frame-shares.js';
import { DiscardLock } from './discard-lock.js';
import { PAGE_UNTRACKED, frameEntry } from './page-entry.js';
import { NO_FRAME } from './physical-pages.js';
import { PinnedPages } from './pinned-pages.js';
import type { ReservedMemory } from './reserved-memory.js';
import type { VmMapping } from './vm-mapping.js';

/** How a VMO came to be. */
export type VmoKind = 'anonymous' | 'contiguous' | 'physical' | 'pager' | 'clone' | 'slice' | 'reference';

/** How to make a VMO; what is absent is false, or follows from the pages. */
export interface VmoOptions {
  readonly kind: VmoKind;
  readonly resizable?: boolean;
  readonly discardable?: boolean;
  /** The window of a slice or of physical memory: its first page in `cow`, and its length. */
  readonly window?: { readonly start: number; readonly pages: number };
  /** Stream size in whole pages, and the bytes beyond them; the whole size unless given. */
  readonly streamPages?: number;
  readonly streamRest?: number;
  readonly parent?: VmoDispatcher;
}

/**
 * A virtual memory object: a name, a size, a stream size, and pages (`CowPages`), which slices and references share with their parent.
 *
 * Lives while there are handles, mappings, or calls under way on it (`retain`). Children do not keep it: what they still need are its pages,
 * and they become children of its parent.
 *
 * @see Zircon `zx_vmo_create`, `zx_vmo_create_child`, `zx_pager_create_vmo`
 */
export class VmoDispatcher extends Dispatcher {
  override readonly type = ZX_OBJ_TYPE_VMO;
  override readonly defaultRights: Rights;
  override readonly objectName = new ObjectName();
  readonly kind: VmoKind;
  /** Shows memory of a resource: a physical VMO, or a slice of one. */
  readonly isPhysical: boolean;
  readonly resizable: boolean;
  /** Of a discardable VMO. */
  readonly discardLock: DiscardLock | null;
  /** Stream size: whole pages, and bytes beyond them in [0, 4096). */
  streamPages: number;
  streamRest: number;
  /** First page of `cow` that belongs to this VMO: 0 unless it is a slice. */
  readonly start: number;
  /** ZX_CACHE_POLICY_*: memory that is not cached can be mapped only. */
  cachePolicy = 0;
  /** A snapshot that can never be written. */
  immutable = false;
  /** Pages that hold the vDSO's code; mapping them executable has rules of its own. */
  fixedCode: { readonly page: number; readonly pages: number } | null = null;

  /** Of a contiguous one. */
  private fixedFrames: PinnedPages | null = null;
  private readonly windowPages: number;
  private readonly mappings = new Set<VmMapping>();
  private readonly children = new Set<VmoDispatcher>();
  private parent: VmoDispatcher | null;
  private users = 0;

  /** @param cow its one reference goes over to this VMO */
  constructor(
    core: KernelCore,
    readonly cow: CowPages,
    options: VmoOptions,
  ) {
    super(core);
    this.kind = options.kind;
    this.isPhysical = options.kind === 'physical' || options.parent?.isPhysical === true;
    this.resizable = options.resizable ?? false;
    this.discardLock = options.discardable === true ? new DiscardLock(this.koid, cow) : null;
    this.start = options.window?.start ?? 0;
    this.windowPages = options.window?.pages ?? -1;
    this.streamPages = options.streamPages ?? this.pages;
    this.streamRest = options.streamRest ?? 0;
    if (this.resizable) cow.canResize = true;
    this.defaultRights = ZX_DEFAULT_VMO_RIGHTS | (this.resizable ? ZX_RIGHT_RESIZE : 0);
    this.parent = options.parent ?? null;
    this.signals = ZX_VMO_ZERO_CHILDREN;
    cow.shownBy.add(this);
    this.parent?.addChild(this);
  }

  /** Anonymous memory, zero until written. */
  static anonymous(core: KernelCore, pages: number, options: Omit<VmoOptions, 'kind'> = {}): VmoDispatcher {
    return new VmoDispatcher(core, new CowPages(core.vm, pages), { ...options, kind: 'anonymous' });
  }

  /**
   * Anonymous memory in adjacent frames that never move, the first at a multiple of `align` pages of the physical address space.
   *
   * @returns ZX_ERR_NO_MEMORY: there are no such frames; ZX_ERR_UNAVAILABLE: too many are pinned
   */
  static contiguous(core: KernelCore, pages: number, align: number): VmoDispatcher | Status {
    const { evictor, physical } = core.vm;
    if (pages > physical.frameCount) return ZX_ERR_NO_MEMORY;
    evictor.makeRoomFor(pages);
    const first = physical.allocateAligned(pages, align);
    if (first === NO_FRAME) return ZX_ERR_NO_MEMORY;
    physical.ram.zero(first, pages);
    const vmo = new VmoDispatcher(core, new CowPages(core.vm, pages), { kind: 'contiguous', streamPages: 0 });
    vmo.fixedFrames = new PinnedPages(vmo.cow);
    for (let page = 0; page < pages; page += 1) {
      const listed = vmo.cow.list.set(page, frameEntry(first + page, PAGE_UNTRACKED));
      if (listed && vmo.fixedFrames.add(first + page)) continue;
      for (let rest = listed ? page + 1 : page; rest < pages; rest += 1) physical.free(first + rest);
      vmo.endIfUnused();
      return listed ? ZX_ERR_UNAVAILABLE : ZX_ERR_NO_MEMORY;
    }
    return vmo;
  }

  /** A window of a resource's memory, as it is at physical addresses. */
  static physical(core: KernelCore, memory: ReservedMemory, start: number, pages: number): VmoDispatcher {
    memory.cow.addReference();
    return new VmoDispatcher(core, memory.cow, {
      kind: 'physical',
      window: { start, pages },
      streamPages: 0,
    });
  }

  override get userSignals(): number {
    return ZX_USER_SIGNAL_ALL;
  }

  get discardable(): boolean {
    return this.discardLock !== null;
  }

  /** Size in pages. */
  get pages(): number {
    return this.windowPages < 0 ? this.cow.pages : this.windowPages;
  }

  get parentKoid(): Koid {
    return this.parent?.koid ?? 0;
  }

  get childCount(): number {
    return this.children.size;
  }

  get mappingCount(): number {
    return this.mappings.size;
  }

  /** Address spaces that it is mapped in. */
  get shareCount(): number {
    return new Set([...this.mappings].map((mapping) => mapping.space)).size;
  }

  /** Whether accesses may wait for a pager: true for a pager's VMO and all below it. */
  get isPagerBacked(): boolean {
    return this.cow.rootSource !== null;
  }

  /** The memory that counts for this VMO. Of several that show the same pages it is the first that is left, and never a slice. A resource's memory counts for none. */
  get attribution(): Attribution {
    if (this.isPhysical) return new Attribution();
    for (const vmo of this.cow.shownBy) {
      if (vmo.kind === 'slice') continue;
      if (vmo === this) return attributionOf(this.cow, 0, this.cow.pages);
      break;
    }
    return new Attribution();
  }

  /** The memory that counts for [page, page + pages) of a mapping. */
  attributionIn(page: number, pages: number): Attribution {
    if (this.isPhysical) return new Attribution();
    const first = this.start + page;
    return attributionOf(this.cow, first, Math.max(first, Math.min(first + pages, this.start + this.pages)));
  }

  /** [page, page + count) lies in the VMO; `rest` counts the bytes of a last page that is not whole. */
  contains(page: number, count: number): boolean {
    return page <= this.pages && count <= this.pages - page;
  }

  /** A call on the VMO is under way and may outlive its handles. */
  retain(): void {
    this.users += 1;
  }

  release(): void {
    this.users -= 1;
    this.endIfUnused();
  }

  addMapping(mapping: VmMapping): void {
    this.mappings.add(mapping);
  }

  removeMapping(mapping: VmMapping): void {
    this.mappings.delete(mapping);
    this.endIfUnused();
  }

  /** Changes size and stream size. What lies past the stream size in its last page must be zero already. */
  resize(pages: number, streamPages: number, streamRest: number): void {
    this.cow.resize(pages);
    this.streamPages = streamPages;
    this.streamRest = streamRest;
  }

  /** Changes the stream size, which lies in the VMO. What lies past the smaller of the old and the new in its last page must be zero already. */
  setStreamSize(pages: number, rest: number): void {
    this.cow.moveStreamEnd(this.streamPages + (this.streamRest === 0 ? 0 : 1), pages + (rest === 0 ? 0 : 1));
    this.streamPages = pages;
    this.streamRest = rest;
  }

  /**
   * A clone. Of memory without a pager it is a snapshot. Of a pager's own VMO it follows what it has no pages of its own for; of a clone it does as well, unless that
   * is a snapshot or was snapshotted itself.
   *
   * @param page first page
   * @param pages size; may reach past the end
   * @param snapshot what was modified in a clone under a pager is to be snapshotted: SNAPSHOT_MODIFIED
   * @returns the child; as `CowPages.canSnapshot` when it has to be a snapshot and cannot
   */
  createClone(page: number, pages: number, snapshot: boolean, resizable: boolean): VmoDispatcher | Status {
    const { cow } = this;
    const full = cow.rootSource === null || cow.isSnapshotted || (snapshot && cow.source === null);
    if (full) {
      const status = cow.canSnapshot(this.kind === 'slice');
      if (status !== ZX_OK) return status;
    }
    // A slice shows no more than its window, also to its children.
    const clone = cow.clone(full ? 'snapshot' : 'follow', this.start + page, pages, this.start + this.pages);
    return new VmoDispatcher(this.core, clone, { kind: 'clone', resizable, parent: this });
  }

  /** The same pages, as another object: all of them, or a window. */
  createShared(
    window: { readonly start: number; readonly pages: number } | null,
    resizable: boolean,
  ): VmoDispatcher {
    this.cow.addReference();
    return new VmoDispatcher(this.core, this.cow, {
      kind: window === null ? 'reference' : 'slice',
      resizable,
      parent: this,
      ...(window === null
        ? { streamPages: this.streamPages, streamRest: this.streamRest }
        : { window: { start: this.start + window.start, pages: window.pages } }),
    });
  }

  protected override onZeroHandles(): void {
    this.endIfUnused();
  }

  private addChild(child: VmoDispatcher): void {
    this.children.add(child);
    this.updateSignals(ZX_VMO_ZERO_CHILDREN, 0);
  }

  private removeChild(child: VmoDispatcher): void {
    this.children.delete(child);
    if (this.children.size === 0) this.updateSignals(0, ZX_VMO_ZERO_CHILDREN);
  }

  private endIfUnused(): void {
    if (this.handleCount !== 0 || this.mappings.size !== 0 || this.users !== 0) return;
    for (const child of this.children) {
      child.parent = this.parent;
      this.parent?.addChild(child);
    }
    this.children.clear();
    this.parent?.removeChild(this);
    this.cow.shownBy.delete(this);
    this.fixedFrames?.release();
    this.discardLock?.end();
    this.cow.removeReference();
    this.destroyed();
  }
}
