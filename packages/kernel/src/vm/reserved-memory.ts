import { PAGE_SIZE } from '@faultline/mmu-emu';
import { ZX_ERR_NO_MEMORY, type Status } from '../abi/status.js';
import { CowPages } from './cow-pages.js';
import { PAGE_UNTRACKED, frameEntry } from './page-entry.js';
import { NO_FRAME } from './physical-pages.js';
import type { VmSystem } from './vm-system.js';

/**
 * Adjacent frames of RAM that stand for a device's memory: known by their physical addresses, and used for nothing else.
 *
 * Life: made for a resource, which lets go of it with its last handle (`release`); physical VMOs show windows of it, and it ends with the last of
 * them. Its pages never leave it: nothing decommits, zeroes, snapshots or evicts them.
 */
export class ReservedMemory {
  private constructor(
    readonly cow: CowPages,
    /** Physical address, in pages. */
    readonly firstPpn: number,
  ) {}

  /** @returns ZX_ERR_NO_MEMORY: there are no such frames, or no list nodes */
  static create(vm: VmSystem, pages: number): ReservedMemory | Status {
    const { evictor, physical } = vm;
    if (pages > physical.frameCount) return ZX_ERR_NO_MEMORY;
    evictor.makeRoomFor(pages);
    const first = physical.allocateAligned(pages, 1);
    if (first === NO_FRAME) return ZX_ERR_NO_MEMORY;
    physical.ram.zero(first, pages);
    const cow = new CowPages(vm, pages);
    for (let page = 0; page < pages; page += 1) {
      if (cow.list.set(page, frameEntry(first + page, PAGE_UNTRACKED))) continue;
      for (let rest = page; rest < pages; rest += 1) physical.free(first + rest);
      cow.removeReference();
      return ZX_ERR_NO_MEMORY;
    }
    return new ReservedMemory(cow, physical.ram.basePpn + first);
  }

  get pages(): number {
    return this.cow.pages;
  }

  /** Physical address of its first byte. */
  get base(): number {
    return this.firstPpn * PAGE_SIZE;
  }

  /** The resource is gone. */
  release(): void {
    this.cow.removeReference();
  }
}
