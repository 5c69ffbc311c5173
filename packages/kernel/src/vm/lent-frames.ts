import { PAGE_SIZE } from '@faultline/mmu-emu';
import { ZX_ERR_NO_MEMORY, ZX_ERR_NO_RESOURCES, type Status } from '../abi/status.js';
import { NO_FRAME, type PhysicalPages } from './physical-pages.js';
import type { VmSystem } from './vm-system.js';

/** Frames of guest RAM that are the borrower's to fill, and nobody else's, until the loan is over. */
export interface FrameLoan {
  /**
   * One view for each run of adjacent frames, in order. They hold whatever was there before, of any guest: every byte of what is supplied is
   * to be written.
   */
  readonly views: readonly Uint8Array[];
  /** Bytes of all of them, whole pages. */
  readonly length: number;
  /** The loan is over, and nothing of it is used. Does nothing when it is over. */
  release(): void;
}

/**
 * Frames on loan to a caller of the host.
 *
 * Life:
 *  1. `take`: frames that were free, in no VMO and with unknown contents;
 *  2. the borrower fills them, and takes as long as it likes. What becomes of the VMO, the request or the guest meanwhile does not matter to
 *     them, so that a borrower who writes late is seen by nobody;
 *  3. the loan ends once: by `release`, which frees them, or by `end`, whose caller has them from then on.
 */
export class LentFrames implements FrameLoan {
  private isOver = false;

  /**
   * @param firstRun first frame of the first run of adjacent frames, and `firstCount` how many: most loans have no other
   * @param others first frame and count of each further run, one after the other
   */
  private constructor(
    private readonly physical: PhysicalPages,
    private readonly firstRun: number,
    private readonly firstCount: number,
    private readonly others: readonly number[] | null,
    readonly views: readonly Uint8Array[],
    readonly length: number,
  ) {}

  /** Takes `count` frames; ZX_ERR_NO_RESOURCES: too many are lent; ZX_ERR_NO_MEMORY. */
  static take(vm: VmSystem, count: number): LentFrames | Status {
    const { physical, evictor } = vm;
    if (!physical.canLend(count)) return ZX_ERR_NO_RESOURCES;
    if (count === 1) evictor.makeRoom();
    else evictor.makeRoomFor(count);
    const first = count === 1 ? physical.allocate() : physical.allocateRun(count);
    if (first === NO_FRAME) return ZX_ERR_NO_MEMORY;
    const firstCount = count === 1 ? 1 : physical.runLength;
    physical.lend(first, firstCount);
    const views = [physical.ram.writable(first, firstCount)];
    if (firstCount === count) return new LentFrames(physical, first, count, null, views, count * PAGE_SIZE);
    const others: number[] = [];
    const loan = new LentFrames(physical, first, firstCount, others, views, count * PAGE_SIZE);
    for (let taken = firstCount; taken < count; taken += physical.runLength) {
      const run = physical.allocateRun(count - taken);
      if (run === NO_FRAME) {
        loan.release();
        return ZX_ERR_NO_MEMORY;
      }
      physical.lend(run, physical.runLength);
      others.push(run, physical.runLength);
      views.push(physical.ram.writable(run, physical.runLength));
    }
    return loan;
  }

  /** Runs of adjacent frames. */
  get runs(): number {
    return this.views.length;
  }

  /** The first frame of a run. */
  firstOf(run: number): number {
    return run === 0 || this.others === null ? this.firstRun : this.others[2 * run - 2];
  }

  /** Frames of a run. */
  countOf(run: number): number {
    return run === 0 || this.others === null ? this.firstCount : this.others[2 * run - 1];
  }

  release(): void {
    if (!this.end()) return;
    for (let run = 0; run < this.runs; run += 1) {
      const end = this.firstOf(run) + this.countOf(run);
      for (let frame = this.firstOf(run); frame < end; frame += 1) this.physical.free(frame);
    }
  }

  /** The loan is over: its frames are the caller's to list or to free. False when it was over before. */
  end(): boolean {
    if (this.isOver) return false;
    this.isOver = true;
    for (let run = 0; run < this.runs; run += 1) this.physical.endLoan(this.firstOf(run), this.countOf(run));
    return true;
  }
}
