import { ZX_VM_PERM_EXECUTE, ZX_VM_PERM_READ, ZX_VM_PERM_WRITE } from '../abi/vm.js';
import type { AddressSpace } from './address-space.js';
import type { PageViewer } from './cow-node.js';
import type { IntervalNode } from './interval-tree.js';
import { PTE_R, PTE_W, PTE_X } from './page-tables.js';
import type { VmoDispatcher } from './vm-object.js';
import type { VmarDispatcher } from './vmar.js';

/** What a mapping may do: ZX_VM_PERM_READ, _WRITE and _EXECUTE. */
export type Permissions = number;
export const PERMISSIONS_MASK = ZX_VM_PERM_READ | ZX_VM_PERM_WRITE | ZX_VM_PERM_EXECUTE;

/**
 * A range of an address space that shows pages of a VMO. Page tables hold no more than a part of what it allows: they are
 * filled by faults, and emptied by range whenever the VMO's pages or the permissions change.
 *
 * Life: made by its VMAR, in the VMAR's children and the VMO's mappings; `unmap` and `protect` cut it into several; `destroy` takes it out of
 * both, and the VMO may end then.
 */
export class VmMapping implements PageViewer {
  /** Among all that the VMO's pages are seen through. */
  private view: IntervalNode<PageViewer>;

  /**
   * @param vpn first page of the address range
   * @param pages length
   * @param page first page of the VMO
   * @param most permissions that `protect` can give
   * @param fixed the vDSO's code: neither unmapped nor protected
   * @param throughStream accesses past the page of the VMO's stream size are out of range: ZX_VM_FAULT_BEYOND_STREAM_SIZE
   */
  constructor(
    readonly space: AddressSpace,
    readonly parent: VmarDispatcher,
    readonly vmo: VmoDispatcher,
    readonly vpn: number,
    public pages: number,
    readonly page: number,
    public permissions: Permissions,
    readonly most: Permissions,
    readonly fixed: boolean,
    readonly throughStream: boolean,
  ) {
    this.view = this.addView();
    vmo.addMapping(this);
  }

  get endVpn(): number {
    return this.vpn + this.pages;
  }

  /** The page of the VMO behind an address. */
  pageAt(vpn: number): number {
    return this.page + (vpn - this.vpn);
  }

  pagesChanged(start: number, end: number): void {
    const { first } = this;
    const from = Math.max(start - first, 0);
    const to = Math.min(end - first, this.pages);
    this.space.forget(this.vpn + from, this.vpn + to);
  }

  writesTrapped(start: number, end: number): void {
    const { first } = this;
    const from = Math.max(start - first, 0);
    const to = Math.min(end - first, this.pages);
    this.space.restrict(this.vpn + from, this.vpn + to, this.permissions & ~ZX_VM_PERM_WRITE);
  }

  takeAccessed(page: number): boolean {
    return this.space.takeAccessed(this.vpn + (page - this.first));
  }

  /** For its VMAR: the end is cut off, and goes to another mapping. */
  shorten(pages: number): void {
    this.vmo.cow.views.remove(this.view);
    this.pages = pages;
    this.view = this.addView();
  }

  /** Out of the VMO, and out of the page tables; the caller takes it out of its VMAR. */
  destroy(): void {
    this.space.forget(this.vpn, this.endVpn);
    this.vmo.cow.views.remove(this.view);
    this.vmo.removeMapping(this);
  }

  /** First of the pages behind the VMO. */
  private get first(): number {
    return this.vmo.start + this.page;
  }

  private addView(): IntervalNode<PageViewer> {
    return this.vmo.cow.views.insert(this, this.first, this.first + this.pages);
  }

  /** The page-table permissions that stand for these. */
  static tableFlags(permissions: Permissions): number {
    return (
      ((permissions & ZX_VM_PERM_READ) !== 0 ? PTE_R : 0) |
      ((permissions & ZX_VM_PERM_WRITE) !== 0 ? PTE_W : 0) |
      ((permissions & ZX_VM_PERM_EXECUTE) !== 0 ? PTE_X : 0)
    );
  }
}
