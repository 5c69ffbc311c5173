import { PAGE_SIZE, ZX_ERR_NO_RESOURCES, ZX_OK, ZX_VMO_OP_DECOMMIT, type Status } from '@faultline/kernel';
import { PagerError } from './pager-error.js';
import type { FrameLoan, PagerHost } from './pager-host.js';

/** Frames of the auxiliary VMO that a backing may fill. */
export interface LentRange {
  /** Where in the auxiliary VMO they lie: a multiple of the slot size. */
  readonly slot: number;
  /** Byte offset of the slot in the auxiliary VMO. */
  readonly auxOffset: number;
  /** Bytes, whole pages. */
  readonly length: number;
  readonly loan: FrameLoan;
}

/**
 * The auxiliary VMO from which pages are supplied, divided into slots as long as the longest read. A slot is one read's from `borrow`
 * until `giveBack`, so that a backing that takes its time (or never answers) keeps what it may still write to, and nobody else's.
 *
 * Frames move away when they are supplied; a slot is empty again then. After a failure they are decommitted.
 */
export class LentFrames {
  /** The auxiliary VMO. */
  readonly vmo: number;
  /** Bytes lent now. */
  lentBytes = 0;
  peakLentBytes = 0;
  private readonly freeSlots: number[] = [];
  private slots = 0;
  private closed = false;

  /** @throws {PagerError} `kernel` when the auxiliary VMO could not be made */
  constructor(
    private readonly host: PagerHost,
    private readonly slotBytes: number,
    readonly maxLentBytes: number,
  ) {
    const { status, handle } = host.vmoCreate(slotBytes * (maxLentBytes / PAGE_SIZE), 0);
    if (status !== ZX_OK) throw new PagerError('kernel', `zx_vmo_create: ${status}`, { status });
    this.vmo = handle;
  }

  hasRoomFor(length: number): boolean {
    return this.lentBytes + length <= this.maxLentBytes;
  }

  /**
   * @param length bytes, whole pages, at most a slot
   * @returns the frames, or a negative status: ZX_ERR_NO_RESOURCES when too much is lent (here or in all), ZX_ERR_NO_MEMORY
   */
  borrow(length: number): LentRange | Status {
    if (!this.hasRoomFor(length)) return ZX_ERR_NO_RESOURCES;
    const slot = this.freeSlots.pop() ?? this.slots++;
    const auxOffset = slot * this.slotBytes;
    const { status, loan } = this.host.vmoLend(this.vmo, auxOffset, length);
    if (status !== ZX_OK || loan === null) {
      this.freeSlots.push(slot);
      return status;
    }
    this.lentBytes += length;
    if (this.lentBytes > this.peakLentBytes) this.peakLentBytes = this.lentBytes;
    return { slot, auxOffset, length, loan };
  }

  /** Nothing writes to these frames any more. They stay in the auxiliary VMO until `giveBack`. */
  settle(range: LentRange): void {
    range.loan.release();
    this.lentBytes -= range.length;
  }

  /** The slot is free again; `supplied` of its leading bytes have moved away. To be called once, after `settle`. */
  giveBack(range: LentRange, supplied: number): void {
    if (this.closed) return;
    if (supplied < range.length) {
      const rest = range.length - supplied;
      // Takes effect at once: an anonymous VMO has nobody to wait for.
      void this.host.vmoOpRange(this.vmo, ZX_VMO_OP_DECOMMIT, range.auxOffset + supplied, rest);
    }
    this.freeSlots.push(range.slot);
  }

  /** Gives the auxiliary VMO up; frames still lent stay in quarantine until they are settled. */
  close(): void {
    this.closed = true;
    this.host.handleClose(this.vmo);
  }
}
