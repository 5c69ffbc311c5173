import type { Machine } from '@faultline/mmu-emu';
import type { KernelLimits } from '../limits.js';
import { AsidAllocator } from './asid-allocator.js';
import { Evictor, evictionThresholds } from './evictor.js';
import { PageNodes } from './page-nodes.js';
import { PageQueues } from './page-queues.js';
import { NO_FRAME, PhysicalPages } from './physical-pages.js';
import type { ZeroRangeBudget } from './zero-ranges.js';

/** Counts since the kernel was made; for statistics, never read by the kernel itself. */
export interface VmCounters {
  /** Faults that found their page at once, by access (`FAULT_READ`, `FAULT_WRITE`, `FAULT_EXECUTE`). */
  faultsResolved: [number, number, number];
  /** Faults that had to wait for a pager, by access. Each is counted again when it is retried. */
  faultsBlocked: [number, number, number];
  /** Faults that could not be resolved, by access. */
  faultsFatal: [number, number, number];
  /** Page requests made (packets that went to a port, or waited for the VMO's packet to be free). */
  pageRequests: number;
  /** Pages that pagers supplied and that were taken. */
  pagesSupplied: number;
  /** Pages that requests failed for. */
  pagesFailed: number;
  /** Pages copied on write. */
  pagesCopied: number;
}

/** How many VMOs see each frame of a page list. */
export interface FrameShares {
  /** Pages of the list that have a frame, ascending. */
  readonly pages: Float64Array;
  /** VMOs that see the frame, by position in `pages`. */
  readonly counts: Uint32Array;
}

/** What all of the kernel's memory management shares: frames, page-list nodes, address-space identifiers, counts. */
export class VmSystem {
  readonly physical: PhysicalPages;
  readonly nodes: PageNodes;
  readonly queues: PageQueues;
  readonly evictor: Evictor;
  readonly asids: AsidAllocator;
  readonly zeroRanges: ZeroRangeBudget;
  /** By how many VMOs the frames of hidden nodes are shared, as far as somebody has asked since sharing changed last. */
  readonly shares = new Map<object, FrameShares>();
  /** Full of zeros, mapped read-only wherever a page reads as zero and nobody has written. */
  readonly zeroFrame: number;
  readonly counters: VmCounters = {
    faultsResolved: [0, 0, 0],
    faultsBlocked: [0, 0, 0],
    faultsFatal: [0, 0, 0],
    pageRequests: 0,
    pagesSupplied: 0,
    pagesFailed: 0,
    pagesCopied: 0,
  };

  /** @param aslr whether mappings without a fixed place go to random ones */
  constructor(
    readonly machine: Machine,
    limits: KernelLimits,
    readonly aslr = true,
  ) {
    this.physical = new PhysicalPages(machine.ram, limits.lentFrames, limits.pinnedFrames);
    this.nodes = new PageNodes(limits.pageListNodes);
    this.zeroRanges = { used: 0, limit: limits.zeroRanges };
    const thresholds = evictionThresholds(
      machine.ram.frameCount,
      limits.evictBelowFrames,
      limits.evictToFrames,
    );
    // A round of eviction makes room for about one generation.
    this.queues = new PageQueues(machine.ram.frameCount, Math.max(1, thresholds.high - thresholds.low));
    this.evictor = new Evictor(this.physical, this.nodes, this.queues, thresholds);
    this.asids = new AsidAllocator();
    const frame = this.physical.allocateZeroed();
    if (frame === NO_FRAME) throw new Error('a machine has at least one frame');
    this.zeroFrame = frame;
  }
}
