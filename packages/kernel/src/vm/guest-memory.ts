import { PAGE_SIZE } from '@faultline/mmu-emu';
import { ZX_ERR_NOT_FOUND, type Status } from '../abi/status.js';
import type { UserMemory } from '../task/user-memory.js';
import type { Blocker } from '../task/waiter.js';
import { FAULT_READ, FAULT_WRITE, type FaultKind } from './fault-kind.js';
import { PTE_A, PTE_R, PTE_W, USER_VPN_END, type PageTables } from './page-tables.js';
import type { VmSystem } from './vm-system.js';

/** What is needed of an address space. */
interface FaultingSpace {
  readonly tables: PageTables;
  readonly vm: VmSystem;
  fault(address: number, kind: FaultKind): Status | Blocker;
}

/**
 * A guest's memory as the kernel sees it: through the same page tables as the hart. What is not mapped there faults in the
 * same way, so that copies make pages dirty, fork them and wait for pagers as the guest's own accesses do.
 */
export class GuestMemory implements UserMemory {
  constructor(private readonly space: FaultingSpace) {}

  view(address: number, length: number, write: boolean): Uint8Array | null {
    const vpn = Math.floor(address / PAGE_SIZE);
    if (vpn >= USER_VPN_END) return null;
    const { tables, vm } = this.space;
    const needed = write ? PTE_W : PTE_R;
    const low = tables.lookup(vpn);
    if ((low & needed) === 0) return null;
    if ((low & PTE_A) === 0) tables.setAccessed(vpn);
    const offset = address - vpn * PAGE_SIZE;
    const frame = tables.frameOf(vpn, low);
    let end = PAGE_SIZE;
    let frames = 1;
    // Buffers of more than a page are often in adjacent frames.
    while (end - offset < length) {
      const next = tables.lookup(vpn + frames);
      if ((next & needed) === 0 || tables.frameOf(vpn + frames, next) !== frame + frames) break;
      if ((next & PTE_A) === 0) tables.setAccessed(vpn + frames);
      frames += 1;
      end += PAGE_SIZE;
    }
    const bytes = write ? vm.physical.ram.writable(frame, frames) : vm.physical.ram.readable(frame, frames);
    return bytes.subarray(offset, Math.min(end, offset + length));
  }

  fault(address: number, write: boolean): Status | Blocker {
    if (address >= USER_VPN_END * PAGE_SIZE) return ZX_ERR_NOT_FOUND;
    return this.space.fault(address, write ? FAULT_WRITE : FAULT_READ);
  }
}
