import type { Hart } from '@faultline/mmu-emu';

/** ASIDs of Sv39 are 16 bits wide; 0 is left to translations that nobody owns. */
const LAST_ASID = 0xffff;

/** Address-space identifiers. One that is used again has no translations left in any hart. */
export class AsidAllocator {
  private readonly free: number[] = [];
  private next = 1;

  /** An ASID in [1, 65535], or 0 when all are in use. */
  allocate(): number {
    if (this.next <= LAST_ASID) return this.next++;
    return this.free.shift() ?? 0;
  }

  /** @param harts those that may have translations of it */
  release(asid: number, harts: readonly Hart[]): void {
    for (const hart of harts) hart.sfenceVmaAsid(asid);
    this.free.push(asid);
  }
}
