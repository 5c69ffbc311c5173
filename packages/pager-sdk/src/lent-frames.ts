import { ZX_ERR_NO_RESOURCES, type Status } from '@faultline/kernel';
import type { FrameLoan, PagerHost } from './pager-host.js';

/** The frames that backings fill, and how many they may have. */
export class LentFrames {
  /** Bytes lent now. */
  lentBytes = 0;
  peakLentBytes = 0;

  constructor(
    private readonly host: PagerHost,
    readonly maxLentBytes: number,
  ) {}

  hasRoomFor(length: number): boolean {
    return this.lentBytes + length <= this.maxLentBytes;
  }

  /**
   * @param length bytes, whole pages
   * @returns the frames, or a negative status: ZX_ERR_NO_RESOURCES when too much is lent (here or in all), ZX_ERR_NO_MEMORY
   */
  borrow(length: number): FrameLoan | Status {
    if (!this.hasRoomFor(length)) return ZX_ERR_NO_RESOURCES;
    const { status, loan } = this.host.framesLend(length);
    if (loan === null) return status;
    this.lentBytes += length;
    if (this.lentBytes > this.peakLentBytes) this.peakLentBytes = this.lentBytes;
    return loan;
  }

  /** Nothing writes to these frames any more. To be called once; the loan itself is the caller's to end. */
  settle(loan: FrameLoan): void {
    this.lentBytes -= loan.length;
  }
}
