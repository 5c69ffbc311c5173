import type { KernelCore } from '../kernel-core.js';
import { Dispatcher, type Koid } from './dispatcher.js';

/**
 * One of two ends. Both are made together and know each other until one's last handle closes; the other then
 * hears of it once (`onPeerClosed`) and lives on alone.
 */
export abstract class PeeredDispatcher extends Dispatcher {
  private other: PeeredDispatcher | null = null;
  private otherKoid: Koid = 0;

  protected constructor(core: KernelCore) {
    super(core);
  }

  /** The other end; null when it is closed. */
  get peer(): PeeredDispatcher | null {
    return this.other;
  }

  /** The koid of the other end, also when it is closed. */
  override get relatedKoid(): Koid {
    return this.otherKoid;
  }

  /** Joins two new ends. */
  protected static join(a: PeeredDispatcher, b: PeeredDispatcher): void {
    a.other = b;
    a.otherKoid = b.koid;
    b.other = a;
    b.otherKoid = a.koid;
  }

  /** The other end is gone: asserts PEER_CLOSED and whatever belongs to it. */
  protected abstract onPeerClosed(): void;

  protected override onZeroHandles(): void {
    const other = this.other;
    this.other = null;
    if (other !== null) {
      other.other = null;
      other.onPeerClosed();
    }
    this.destroyed();
  }
}
