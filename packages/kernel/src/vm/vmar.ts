import { ZX_OBJ_TYPE_VMAR } from '../abi/object-types.js';
import {
  ZX_DEFAULT_VMAR_RIGHTS,
  ZX_RIGHT_EXECUTE,
  ZX_RIGHT_READ,
  ZX_RIGHT_WRITE,
  type Rights,
} from '../abi/rights.js';
import {
  ZX_ERR_ACCESS_DENIED,
  ZX_ERR_ALREADY_EXISTS,
  ZX_ERR_BAD_STATE,
  ZX_ERR_INVALID_ARGS,
  ZX_ERR_NOT_FOUND,
  ZX_ERR_NO_MEMORY,
  ZX_ERR_NO_RESOURCES,
  ZX_OK,
  type Status,
} from '../abi/status.js';
import {
  ZX_VM_CAN_MAP_EXECUTE,
  ZX_VM_CAN_MAP_READ,
  ZX_VM_CAN_MAP_SPECIFIC,
  ZX_VM_CAN_MAP_WRITE,
  ZX_VM_COMPACT,
} from '../abi/vm.js';
import type { KernelCore } from '../kernel-core.js';
import { Dispatcher } from '../object/dispatcher.js';
import type { AddressSpace } from './address-space.js';
import { RangeList } from './range-list.js';
import { VmMapping, type Permissions } from './vm-mapping.js';
import type { VmoDispatcher } from './vm-object.js';

/** What lies in a VMAR. */
export type Region = VmMapping | VmarDispatcher;

/** Where a new region goes, in pages. */
export interface Placement {
  /** `any`: chosen by the kernel; `below`: as well, ending at most `offset` pages from the VMAR's start; `at`: exactly at `offset`; `over`: there too, replacing mappings. */
  readonly mode: 'any' | 'below' | 'at' | 'over';
  readonly offset: number;
  /** Alignment of the address; 1 for none beyond that of a page. */
  readonly align: number;
}

/** What a mapping shows, and how. @see VmMapping */
export interface MappingRequest {
  readonly vmo: VmoDispatcher;
  readonly page: number;
  readonly pages: number;
  readonly permissions: Permissions;
  readonly most: Permissions;
  readonly fixed: boolean;
  readonly throughStream: boolean;
}

/** Random places tried before the first gap is taken. */
const RANDOM_TRIES = 8;

/**
 * A virtual memory address region: a range of an address space that mappings and sub-regions are made in, without overlap.
 *
 * Life: the root is made with its address space, others by `allocate`; alive until destroyed by `destroyTree` (its own, or an ancestor's, or that of
 * the process). Its handles do not keep it alive, and a dead one answers ZX_ERR_BAD_STATE.
 *
 * Page numbers throughout: `vpn` is address / 4096.
 *
 * @see Zircon `zx_vmar_allocate`, `zx_vmar_map`, `zx_vmar_unmap`, `zx_vmar_protect`, `zx_vmar_destroy`
 */
export class VmarDispatcher extends Dispatcher {
  override readonly type = ZX_OBJ_TYPE_VMAR;
  override readonly defaultRights: Rights;
  private alive = true;
  private readonly children = new RangeList<Region>(
    ({ vpn }) => vpn,
    ({ endVpn }) => endVpn,
  );

  /** @param flags ZX_VM_CAN_MAP_*, ZX_VM_COMPACT */
  constructor(
    core: KernelCore,
    readonly space: AddressSpace,
    readonly parent: VmarDispatcher | null,
    readonly vpn: number,
    readonly pages: number,
    readonly flags: number,
  ) {
    super(core);
    this.defaultRights =
      ZX_DEFAULT_VMAR_RIGHTS |
      ((flags & ZX_VM_CAN_MAP_READ) !== 0 ? ZX_RIGHT_READ : 0) |
      ((flags & ZX_VM_CAN_MAP_WRITE) !== 0 ? ZX_RIGHT_WRITE : 0) |
      ((flags & ZX_VM_CAN_MAP_EXECUTE) !== 0 ? ZX_RIGHT_EXECUTE : 0);
  }

  get isAlive(): boolean {
    return this.alive;
  }

  get endVpn(): number {
    return this.vpn + this.pages;
  }

  /** [vpn, end) lies in this region. */
  encloses(vpn: number, end: number): boolean {
    return vpn >= this.vpn && end <= this.endVpn && vpn <= end;
  }

  /** The mapping at a page number, in this region or one below. */
  mappingAt(vpn: number): VmMapping | null {
    let vmar: VmarDispatcher = this;
    for (;;) {
      const region = vmar.children.after(vpn);
      if (region === undefined || region.vpn > vpn) return null;
      if (region instanceof VmMapping) return region;
      vmar = region;
    }
  }

  /**
   * Everything in this region, depth first, ascending, with the depth below this region (1 for children).
   */
  *tree(): IterableIterator<readonly [Region, number]> {
    const stack = [this.children[Symbol.iterator]()];
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const next = top.next();
      if (next.done === true) {
        stack.pop();
        continue;
      }
      const region = next.value;
      yield [region, stack.length];
      if (region instanceof VmarDispatcher) stack.push(region.children[Symbol.iterator]());
    }
  }

  /**
   * A sub-region of `pages` pages.
   *
   * @returns the region, or ZX_ERR_BAD_STATE, ZX_ERR_INVALID_ARGS (outside), ZX_ERR_ALREADY_EXISTS, ZX_ERR_NO_RESOURCES (no gap, or
   * too many regions), ZX_ERR_NO_MEMORY
   */
  allocate(placement: Placement, pages: number, flags: number): VmarDispatcher | Status {
    if (!this.alive) return ZX_ERR_BAD_STATE;
    if (!this.space.hasRegionRoom(1)) return ZX_ERR_NO_RESOURCES;
    if (this.core.liveObjects >= this.core.limits.objects) return ZX_ERR_NO_MEMORY;
    const vpn = this.place(placement, pages);
    if (vpn < 0) return vpn;
    const child = new VmarDispatcher(this.core, this.space, this, vpn, pages, flags);
    this.insert(child);
    return child;
  }

  /**
   * A mapping.
   *
   * @returns it, or a status as of `allocate`; with mode `over` ZX_ERR_INVALID_ARGS when a sub-region is in the way, ZX_ERR_ACCESS_DENIED when the vDSO's code is
   */
  map(placement: Placement, request: MappingRequest): VmMapping | Status {
    if (!this.alive) return ZX_ERR_BAD_STATE;
    if (!this.space.hasRegionRoom(2)) return ZX_ERR_NO_RESOURCES;
    const vpn = this.place(placement, request.pages);
    if (vpn < 0) return vpn;
    if (placement.mode === 'over') {
      const status = this.unmap(vpn, vpn + request.pages, false);
      if (status !== ZX_OK) return status;
    }
    const mapping = new VmMapping(
      this.space,
      this,
      request.vmo,
      vpn,
      request.pages,
      request.page,
      request.permissions,
      request.most,
      request.fixed,
      request.throughStream,
    );
    this.insert(mapping);
    return mapping;
  }

  /**
   * Unmaps [vpn, end), which may be empty of mappings; mappings that are cut keep the rest.
   *
   * @param destroyRegions whether sub-regions that lie in the range go as well
   * @returns ZX_OK; ZX_ERR_BAD_STATE; ZX_ERR_INVALID_ARGS: outside, a sub-region is cut, or not to be destroyed; ZX_ERR_ACCESS_DENIED: the vDSO's
   * code; ZX_ERR_NO_RESOURCES. Nothing is changed on errors.
   */
  unmap(vpn: number, end: number, destroyRegions: boolean): Status {
    if (!this.alive) return ZX_ERR_BAD_STATE;
    if (!this.encloses(vpn, end)) return ZX_ERR_INVALID_ARGS;
    const { children } = this;
    for (let region = children.after(vpn); region !== undefined; region = children.after(region.endVpn)) {
      if (region.vpn >= end) break;
      if (region instanceof VmMapping) {
        if (region.fixed) return ZX_ERR_ACCESS_DENIED;
        if (region.vpn < vpn && region.endVpn > end && !this.space.hasRegionRoom(1))
          return ZX_ERR_NO_RESOURCES;
        continue;
      }
      if (!destroyRegions || region.vpn < vpn || region.endVpn > end) return ZX_ERR_INVALID_ARGS;
      if (region.holdsFixed()) return ZX_ERR_ACCESS_DENIED;
    }
    this.cutAt(vpn);
    this.cutAt(end);
    for (let region = children.after(vpn); region !== undefined; region = children.after(vpn)) {
      if (region.vpn >= end) break;
      children.remove(region, region.vpn);
      if (region instanceof VmMapping) this.dropMapping(region);
      else region.endTree();
    }
    return ZX_OK;
  }

  /**
   * Changes the permissions of [vpn, end), which must be all mapped.
   *
   * @param inSubRegions whether mappings in sub-regions may be changed; they can only lose permissions
   * @returns ZX_OK; ZX_ERR_BAD_STATE; ZX_ERR_INVALID_ARGS: outside, or a sub-region without `inSubRegions`; ZX_ERR_NOT_FOUND: a hole;
   * ZX_ERR_ACCESS_DENIED: more than a mapping can get, or the vDSO's code; ZX_ERR_NO_RESOURCES. Nothing is changed on errors.
   */
  protect(vpn: number, end: number, permissions: Permissions, inSubRegions: boolean): Status {
    if (!this.alive) return ZX_ERR_BAD_STATE;
    if (!this.encloses(vpn, end)) return ZX_ERR_INVALID_ARGS;
    if (!this.space.hasRegionRoom(2)) return ZX_ERR_NO_RESOURCES;
    const status = this.eachMapping(vpn, end, (mapping) => {
      if (mapping.parent !== this && !inSubRegions) return ZX_ERR_INVALID_ARGS;
      if (mapping.fixed || (permissions & ~mapping.most) !== 0) return ZX_ERR_ACCESS_DENIED;
      return mapping.parent !== this && (permissions & ~mapping.permissions) !== 0
        ? ZX_ERR_ACCESS_DENIED
        : ZX_OK;
    });
    if (status !== ZX_OK) return status;
    this.space.rootVmar.cutInnermost(vpn);
    this.space.rootVmar.cutInnermost(end);
    return this.eachMapping(vpn, end, (mapping) => {
      mapping.permissions = permissions;
      this.space.restrict(mapping.vpn, mapping.endVpn, permissions);
      return ZX_OK;
    });
  }

  /**
   * Calls `each` for the mappings that cover [vpn, end), those of sub-regions included, ascending, until one returns another status than ZX_OK.
   *
   * @returns that status; ZX_ERR_NOT_FOUND: there is a hole
   */
  eachMapping(vpn: number, end: number, each: (mapping: VmMapping) => Status): Status {
    for (let at = vpn; at < end;) {
      const mapping = this.mappingAt(at);
      if (mapping === null) return ZX_ERR_NOT_FOUND;
      const status = each(mapping);
      if (status !== ZX_OK) return status;
      at = mapping.endVpn;
    }
    return ZX_OK;
  }

  /** Ends this region and all in it. @returns ZX_OK, or ZX_ERR_BAD_STATE: it has ended before; ZX_ERR_ACCESS_DENIED: it holds the vDSO's code */
  destroy(): Status {
    if (!this.alive) return ZX_ERR_BAD_STATE;
    if (this.holdsFixed()) return ZX_ERR_ACCESS_DENIED;
    this.destroyTree();
    return ZX_OK;
  }

  /** Ends this region and all in it, whatever it holds. */
  destroyTree(): void {
    if (!this.alive) return;
    this.parent?.children.remove(this, this.vpn);
    this.endTree();
  }

  protected override onZeroHandles(): void {
    if (!this.alive) this.destroyed();
  }

  /** For a region that is in no parent's children any more. */
  private endTree(): void {
    const ending: VmarDispatcher[] = [this];
    for (let vmar = ending.pop(); vmar !== undefined; vmar = ending.pop()) {
      vmar.alive = false;
      for (const region of vmar.children.clear()) {
        if (region instanceof VmMapping) this.dropMapping(region);
        else ending.push(region);
      }
      if (vmar.parent !== null) this.space.countRegion(-1);
      if (vmar.handleCount === 0) vmar.destroyed();
    }
  }

  private dropMapping(mapping: VmMapping): void {
    mapping.destroy();
    this.space.countRegion(-1);
  }

  private holdsFixed(): boolean {
    for (const [region] of this.tree()) {
      if (region instanceof VmMapping && region.fixed) return true;
    }
    return false;
  }

  private insert(region: Region): void {
    this.children.insert(region, region.vpn);
    this.space.countRegion(1);
  }

  /** Makes two mappings of one that lies across a page boundary, in the innermost region there. */
  private cutInnermost(vpn: number): void {
    this.mappingAt(vpn)?.parent.cutAt(vpn);
  }

  private cutAt(vpn: number): void {
    const mapping = this.children.after(vpn);
    if (!(mapping instanceof VmMapping) || mapping.vpn >= vpn) return;
    const rest = new VmMapping(
      this.space,
      this,
      mapping.vmo,
      vpn,
      mapping.endVpn - vpn,
      mapping.pageAt(vpn),
      mapping.permissions,
      mapping.most,
      mapping.fixed,
      mapping.throughStream,
    );
    mapping.shorten(vpn - mapping.vpn);
    this.children.insert(rest, vpn);
    this.space.countRegion(1);
  }

  private isFree(vpn: number, pages: number): boolean {
    const region = this.children.after(vpn);
    return region === undefined || region.vpn >= vpn + pages;
  }

  /** First page of a place, or a status. */
  private place(placement: Placement, pages: number): number {
    const { mode, offset, align } = placement;
    if (mode === 'at' || mode === 'over') {
      const vpn = this.vpn + offset;
      if (offset > this.pages || pages > this.pages - offset || vpn % align !== 0) return ZX_ERR_INVALID_ARGS;
      return mode === 'over' || this.isFree(vpn, pages) ? vpn : ZX_ERR_ALREADY_EXISTS;
    }
    if (mode === 'below' && offset > this.pages) return ZX_ERR_INVALID_ARGS;
    const end = mode === 'below' ? this.vpn + offset : this.endVpn;
    const first = Math.ceil(this.vpn / align) * align;
    const slots = Math.floor((end - pages - first) / align) + 1;
    if (slots <= 0) return ZX_ERR_NO_RESOURCES;
    if (this.space.vm.aslr && (this.flags & ZX_VM_COMPACT) === 0) {
      for (let tries = 0; tries < RANDOM_TRIES; tries += 1) {
        const vpn = first + (this.core.rng.next() % slots) * align;
        if (this.isFree(vpn, pages)) return vpn;
      }
    }
    const gap = this.children.firstGap(first, end, pages, align);
    return gap < 0 ? ZX_ERR_NO_RESOURCES : gap;
  }
}

/** Flags of `allocate` that are kept. */
export const VMAR_FLAGS =
  ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE | ZX_VM_CAN_MAP_EXECUTE | ZX_VM_CAN_MAP_SPECIFIC | ZX_VM_COMPACT;
