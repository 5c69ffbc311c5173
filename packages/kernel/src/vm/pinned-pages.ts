import { NODE_ENTRIES, NODE_SHIFT } from './page-nodes.js';
import type { PhysicalPages } from './physical-pages.js';
import type { VmSystem } from './vm-system.js';

/** Whose pages are pinned. */
interface PinHolder {
  readonly vm: VmSystem;
  /** Counts what keeps frames in their place, so that no snapshot is made meanwhile. */
  holds: number;
}

/**
 * Frames that stay where they are, and keep their pages: for devices, which know physical addresses only.
 *
 * Life: made empty; `add` pins one frame after the other, in the order of their pages; `release` lets go of all of them, once. Whoever made it sees to
 * it that the pages' VMO lives as long.
 */
export class PinnedPages {
  readonly frames: number[] = [];
  private released = false;

  constructor(private readonly holder: PinHolder) {
    holder.holds += 1;
  }

  /** @returns false: the frame is pinned as often as can be counted, or too many are */
  add(frame: number): boolean {
    const { physical, queues } = this.holder.vm;
    if (!physical.pin(frame)) return false;
    queues.leave(frame);
    this.frames.push(frame);
    return true;
  }

  /** Idempotent. */
  release(): void {
    if (this.released) return;
    this.released = true;
    this.holder.holds -= 1;
    const { physical } = this.holder.vm;
    for (const frame of this.frames) {
      physical.unpin(frame);
      if (!physical.isHeld(frame)) this.noteAgain(physical, frame);
    }
    this.frames.length = 0;
    this.holder.vm.evictor.lookAgain();
  }

  /** What its list says of the page decides whether it can be evicted from here on. */
  private noteAgain(physical: PhysicalPages, frame: number): void {
    const { nodes } = this.holder.vm;
    const slot = physical.slotOf(frame);
    const leaf = slot >>> NODE_SHIFT;
    const list = nodes.listOf(leaf);
    const page = nodes.base[leaf] + (slot % NODE_ENTRIES);
    list.update(page, list.get(page));
  }
}
