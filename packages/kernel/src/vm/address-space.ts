import { PAGE_SIZE } from '@faultline/mmu-emu';
import {
  ZX_ERR_ACCESS_DENIED,
  ZX_ERR_NO_MEMORY,
  ZX_ERR_NO_RESOURCES,
  ZX_ERR_NOT_FOUND,
  ZX_ERR_OUT_OF_RANGE,
  ZX_OK,
  type Status,
} from '../abi/status.js';
import {
  ZX_USER_ASPACE_BASE,
  ZX_USER_ASPACE_SIZE,
  ZX_VM_CAN_MAP_EXECUTE,
  ZX_VM_CAN_MAP_READ,
  ZX_VM_CAN_MAP_SPECIFIC,
  ZX_VM_CAN_MAP_WRITE,
  ZX_VM_PERM_EXECUTE,
  ZX_VM_PERM_READ,
  ZX_VM_PERM_WRITE,
} from '../abi/vm.js';
import type { Hart } from '@faultline/mmu-emu';
import type { KernelCore } from '../kernel-core.js';
import type { UserMemory } from '../task/user-memory.js';
import type { Blocker } from '../task/waiter.js';
import { LOOKUP_ABSENT, LOOKUP_ZERO } from './cow-lookup.js';
import { FAULT_WRITE, type FaultKind } from './fault-kind.js';
import { GuestMemory } from './guest-memory.js';
import { frameOf, isFrame } from './page-entry.js';
import { PTE_A, PTE_R, PTE_W, PTE_X, PageTables, USER_VPN_END } from './page-tables.js';
import type { VmSystem } from './vm-system.js';
import { VmMapping } from './vm-mapping.js';
import { VmarDispatcher } from './vmar.js';

const NEEDED = [ZX_VM_PERM_READ, ZX_VM_PERM_WRITE, ZX_VM_PERM_EXECUTE] as const;
const NEEDED_FLAGS = [PTE_R, PTE_W, PTE_X] as const;

/** A fault also maps what is resident of the aligned group of this many pages around it. */
const FAULT_AROUND = 16;

/** Up to here pages are fenced one by one, beyond it the whole address space is. */
const FENCED_SINGLY = 16;

/**
 * The user half of an address space: the root VMAR, and Sv39 page tables that are a cache of what VMARs and VMOs say.
 *
 * Translations are made by faults only (and by ZX_VM_MAP_RANGE and the like), one leaf entry a page; they go, by range, when mappings or
 * pages change. A page is mapped writable once it may be written without the kernel hearing of it: an own page of anonymous memory
 * or of a clone, or a dirty page of a pager's VMO. Everything else is mapped read-only, and the first store faults.
 *
 * A translation that appears where there was none needs no fence: harts do not remember that there was none.
 */
export class AddressSpace {
  readonly vm: VmSystem;
  readonly asid: number;
  readonly rootVmar: VmarDispatcher;
  /** The kernel's view of this memory, on behalf of a system call. */
  readonly memory: UserMemory;
  /** Koid of the VMO, and page in it, of the last fault; 0 and 0 when nothing was mapped there. */
  faultVmo = 0;
  faultPage = 0;
  /** The vDSO's code has been mapped. */
  hasFixedCode = false;

  readonly tables: PageTables;
  private lastMapping: VmMapping | null = null;
  private regions = 0;
  /** The harts that ran in it: no other has its translations. */
  private readonly ranOn: Hart[] = [];
  private destroyed = false;
  /** Frames of tables on their way out, between `unmap` and the fence. */
  private readonly emptied: number[] = [];

  private constructor(
    readonly core: KernelCore,
    tables: PageTables,
    asid: number,
  ) {
    this.vm = core.vm;
    this.tables = tables;
    this.asid = asid;
    this.memory = new GuestMemory(this);
    this.rootVmar = new VmarDispatcher(
      core,
      this,
      null,
      ZX_USER_ASPACE_BASE / PAGE_SIZE,
      ZX_USER_ASPACE_SIZE / PAGE_SIZE,
      ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE | ZX_VM_CAN_MAP_EXECUTE | ZX_VM_CAN_MAP_SPECIFIC,
    );
  }

  /** An empty address space; ZX_ERR_NO_MEMORY when there is no frame for its root table, ZX_ERR_NO_RESOURCES when all ASIDs are in use. */
  static create(core: KernelCore): AddressSpace | Status {
    core.vm.evictor.makeRoom();
    const asid = core.vm.asids.allocate();
    if (asid === 0) return ZX_ERR_NO_RESOURCES;
    const tables = PageTables.create(core.vm.physical, core.limits.pageTableFrames);
    if (tables === null) {
      core.vm.asids.release(asid, []);
      return ZX_ERR_NO_MEMORY;
    }
    return new AddressSpace(core, tables, asid);
  }

  /** Makes a hart run in this address space. */
  activate(hart: Hart): void {
    const { physical } = this.vm;
    if (!this.ranOn.includes(hart)) this.ranOn.push(hart);
    hart.setAddressSpace(physical.ram.basePpn + this.tables.rootFrame, this.asid);
  }

  /** Unmaps everything and gives all back; no hart may run in it afterwards. Idempotent. */
  destroy(): void {
    if (this.destroyed) return;
    this.rootVmar.destroyTree();
    this.destroyed = true;
    this.vm.asids.release(this.asid, this.ranOn);
    this.tables.destroy();
  }

  /** Room for more mappings and sub-regions. */
  hasRegionRoom(regions: number): boolean {
    const { limits, totals } = this.core;
    return (
      this.regions + regions <= limits.mappingsPerProcess && totals.mappings + regions <= limits.mappings
    );
  }

  /** For VMARs: a mapping or sub-region was made (1) or is gone (-1). */
  countRegion(change: 1 | -1): void {
    this.regions += change;
    this.core.totals.mappings += change;
    this.lastMapping = null;
  }

  /** Mappings changed their extent. */
  mappingsMoved(): void {
    this.lastMapping = null;
  }

  /** The mapping at a page number, or null. */
  mappingAt(vpn: number): VmMapping | null {
    const last = this.lastMapping;
    if (last !== null && vpn >= last.vpn && vpn < last.endVpn) return last;
    const found = this.rootVmar.mappingAt(vpn);
    if (found !== null) this.lastMapping = found;
    return found;
  }

  /**
   * Resolves a fault of the hart or of the kernel on behalf of a caller, at a user address.
   *
   * @returns ZX_OK: the access can be retried; a blocker: wait for it, then retry (or end with the status of the wait if it is
   * not ZX_OK); else the reason why it is fatal: ZX_ERR_NOT_FOUND nothing mapped, ZX_ERR_ACCESS_DENIED, ZX_ERR_OUT_OF_RANGE past the end of the VMO,
   * ZX_ERR_BAD_STATE the pager is gone, ZX_ERR_NO_MEMORY
   */
  fault(address: number, kind: FaultKind): Status | Blocker {
    this.vm.evictor.makeRoom();
    const outcome = this.resolve(Math.floor(address / PAGE_SIZE), kind);
    const { counters } = this.vm;
    if (outcome === ZX_OK) counters.faultsResolved[kind] += 1;
    else if (typeof outcome === 'number') counters.faultsFatal[kind] += 1;
    else counters.faultsBlocked[kind] += 1;
    return outcome;
  }

  /** Whether an access would need no fault: somebody else's may have mapped the page meanwhile. */
  isMapped(address: number, kind: FaultKind): boolean {
    const vpn = Math.floor(address / PAGE_SIZE);
    const needed = PTE_A | NEEDED_FLAGS[kind];
    return vpn < USER_VPN_END && (this.tables.lookup(vpn) & needed) === needed;
  }

  /** Removes the translations of [vpn, end). */
  forget(vpn: number, end: number): void {
    if (this.destroyed) return;
    const { emptied } = this;
    if (this.tables.unmap(vpn, end, emptied) === 0) return;
    this.fence(vpn, end);
    for (let frame = emptied.pop(); frame !== undefined; frame = emptied.pop()) this.vm.physical.free(frame);
  }

  /** Takes permissions away from the translations of [vpn, end); those that are gained come with faults. */
  restrict(vpn: number, end: number, permissions: number): void {
    const flags = VmMapping.tableFlags(permissions);
    if (flags === 0) this.forget(vpn, end);
    else if (this.tables.restrict(vpn, end, flags) !== 0) this.fence(vpn, end);
  }

  /** Whether a page was used since this was asked last. */
  takeAccessed(vpn: number): boolean {
    if (this.destroyed || !this.tables.takeAccessed(vpn)) return false;
    // Harts write the bit when they fill in a translation, not when they use it.
    this.fence(vpn, vpn + 1);
    return true;
  }

  /** Maps what is resident in [vpn, end) of a mapping, for reading; never waits. */
  mapResident(mapping: VmMapping, vpn: number, end: number): void {
    if ((mapping.permissions & ZX_VM_PERM_READ) === 0) return;
    this.vm.evictor.makeRoom();
    const { vmo } = mapping;
    const last = Math.min(end, mapping.vpn + vmo.pages - mapping.page);
    for (let at = vpn; at < last;) {
      const page = vmo.start + mapping.pageAt(at);
      const frame = vmo.cow.find(page);
      if (frame < 0) {
        at += vmo.cow.runFrom(page, page + last - at);
        continue;
      }
      if (
        this.tables.lookup(at) === 0 &&
        !this.install(mapping, at, frame, vmo.cow.source === null && vmo.cow.foundIsWritable)
      )
        return;
      at += 1;
    }
  }

  private resolve(vpn: number, kind: FaultKind): Status | Blocker {
    const mapping = this.mappingAt(vpn);
    if (mapping === null) {
      this.faultVmo = 0;
      this.faultPage = 0;
      return ZX_ERR_NOT_FOUND;
    }
    const { vmo } = mapping;
    const page = mapping.pageAt(vpn);
    this.faultVmo = vmo.koid;
    this.faultPage = page;
    if ((mapping.permissions & NEEDED[kind]) === 0) return ZX_ERR_ACCESS_DENIED;
    if (page >= vmo.pages) return ZX_ERR_OUT_OF_RANGE;
    if (mapping.throughStream && page >= vmo.streamPages + (vmo.streamRest === 0 ? 0 : 1))
      return ZX_ERR_OUT_OF_RANGE;

    const { cow } = vmo;
    const at = vmo.start + page;
    const frame = kind === FAULT_WRITE ? cow.frameForWrite(at) : cow.find(at);
    if (frame >= 0) {
      const writable = kind === FAULT_WRITE || (cow.source === null && cow.foundIsWritable);
      if (kind === FAULT_WRITE) cow.markModified();
      if (!this.install(mapping, vpn, frame, writable)) return ZX_ERR_NO_MEMORY;
      if (kind !== FAULT_WRITE) this.faultAround(mapping, vpn);
      return ZX_OK;
    }
    if (frame === LOOKUP_ZERO)
      return this.install(mapping, vpn, this.vm.zeroFrame, false) ? ZX_OK : ZX_ERR_NO_MEMORY;
    if (frame === LOOKUP_ABSENT) return cow.needOne();
    return frame;
  }

  /**
   * Maps the neighbours on either side that are in the VMO's own list, up to the first that is not or that is mapped already: where pages
   * come one by one there is nothing to do, and where they are all there a fault maps sixteen.
   */
  private faultAround(mapping: VmMapping, vpn: number): void {
    const group = vpn - (vpn % FAULT_AROUND);
    const first = Math.max(group, mapping.vpn);
    const last = Math.min(
      group + FAULT_AROUND,
      mapping.endVpn,
      mapping.vpn + mapping.vmo.pages - mapping.page,
    );
    for (let at = vpn + 1; at < last && this.mapNeighbour(mapping, at); at += 1);
    for (let at = vpn - 1; at >= first && this.mapNeighbour(mapping, at); at -= 1);
  }

  private mapNeighbour(mapping: VmMapping, vpn: number): boolean {
    // Where pages come one after the other, the one before is mapped and the one after is not there.
    if (this.tables.lookup(vpn) !== 0) return false;
    const { vmo } = mapping;
    const { cow } = vmo;
    const entry = cow.list.get(vmo.start + mapping.pageAt(vpn));
    if (!isFrame(entry)) return false;
    // An own page of memory that nobody tracks can be written at once.
    return this.install(mapping, vpn, frameOf(entry), cow.source === null);
  }

  private install(mapping: VmMapping, vpn: number, frame: number, writable: boolean): boolean {
    let flags = VmMapping.tableFlags(mapping.permissions);
    if (!writable) flags &= ~PTE_W;
    const before = this.tables.map(vpn, frame, flags);
    if (before === -1) return false;
    if (before !== 0) this.fence(vpn, vpn + 1);
    return true;
  }

  /** Shoots translations of [vpn, end) down, on every hart that may have some. */
  private fence(vpn: number, end: number): void {
    for (const hart of this.ranOn) {
      if (end - vpn > FENCED_SINGLY) hart.sfenceVmaAsid(this.asid);
      else for (let at = vpn; at < end; at += 1) hart.sfenceVmaPage(at * PAGE_SIZE);
    }
  }
}
