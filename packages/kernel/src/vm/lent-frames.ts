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

  /** @param runs first frame and count of each run of adjacent frames, one after the other */
  private constructor(
    private readonly physical: PhysicalPages,
    private readonly runs: readonly number[],
    readonly views: readonly Uint8Array[],
    readonly length: number,
  ) {}

  /** Takes `count` frames; ZX_ERR_NO_RESOURCES: too many are lent; ZX_ERR_NO_MEMORY. */
  static take(vm: VmSystem, count: number): LentFrames | Status {
    const { physical, evictor } = vm;
    if (!physical.canLend(count)) return ZX_ERR_NO_RESOURCES;
    if (count === 1) {
      evictor.makeRoom();
      return LentFrames.takeOne(physical);
    }
    evictor.makeRoomFor(count);
    const runs: number[] = [];
    for (let taken = 0; taken < count;) {
      const first = physical.allocateRun(count - taken);
      if (first === NO_FRAME) {
        freeRuns(physical, runs);
        return ZX_ERR_NO_MEMORY;
      }
      runs.push(first, physical.runLength);
      taken += physical.runLength;
    }
    const views: Uint8Array[] = [];
    for (let index = 0; index < runs.length; index += 2) {
      physical.lend(runs[index], runs[index + 1]);
      views.push(physical.ram.writable(runs[index], runs[index + 1]));
    }
    return new LentFrames(physical, runs, views, count * PAGE_SIZE);
  }

  /** What most loans are: lists that hold one are written as such, since those that grow take more. */
  private static takeOne(physical: PhysicalPages): LentFrames | Status {
    const frame = physical.allocate();
    if (frame === NO_FRAME) return ZX_ERR_NO_MEMORY;
    physical.lend(frame, 1);
    return new LentFrames(physical, [frame, 1], [physical.ram.writable(frame)], PAGE_SIZE);
  }

  release(): void {
    const runs = this.end();
    if (runs !== null) freeRuns(this.physical, runs);
  }

  /** The loan is over: its frames, as runs, which are the caller's to list or to free; null when it was over before. */
  end(): readonly number[] | null {
    if (this.isOver) return null;
    this.isOver = true;
    const { physical, runs } = this;
    for (let index = 0; index < runs.length; index += 2) physical.endLoan(runs[index], runs[index + 1]);
    return runs;
  }
}

function freeRuns(physical: PhysicalPages, runs: readonly number[]): void {
  for (let index = 0; index < runs.length; index += 2) {
    const end = runs[index] + runs[index + 1];
    for (let frame = runs[index]; frame < end; frame += 1) physical.free(frame);
  }
}
