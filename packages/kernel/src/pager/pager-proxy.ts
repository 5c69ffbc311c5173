import { ZX_PAGER_VMO_COMPLETE, ZX_PAGER_VMO_DIRTY, ZX_PAGER_VMO_READ } from '../abi/port.js';
import { ZX_OK } from '../abi/status.js';
import { PageRequestPacket } from '../ipc/port-packet.js';
import type { PortDispatcher } from '../ipc/port.js';
import type { KernelCore } from '../kernel-core.js';
import { ASKS_PAGE, type PageRequest } from '../vm/page-request.js';
import type { PageProvider } from '../vm/page-source.js';
import type { PagerDispatcher } from './pager-dispatcher.js';

/** The one packet of a VMO. */
class ProxyPacket extends PageRequestPacket {
  constructor(
    key: bigint,
    private readonly proxy: PagerProxy,
  ) {
    super(key);
  }

  override onDelivered(): void {
    this.proxy.packetLeft();
  }

  override onDiscarded(): void {
    this.proxy.packetLeft();
  }
}

/**
 * Between a VMO's page source and the port of its pager: turns requests into packets.
 *
 * A VMO has one packet. The life of a request here:
 *  1. `send`: if the packet is free it goes to the port at once (`active`), otherwise the request queues up;
 *  2. the packet is read: `active` is free, and the next request in the queue goes;
 *  3. `withdraw`: the request is over. If its packet was not read, it never is; a queued request just leaves the queue.
 * What was read is the pager's business; it answers the page source directly.
 *
 * COMPLETE is the last packet: queued when the VMO is detached or nobody can ask any more, after everything else, unless the pager is closed.
 * Once the port is closed packets go nowhere, and requests wait for an end that comes by detaching or closing.
 */
export class PagerProxy implements PageProvider {
  vmoKoid = 0;
  private readonly packet: ProxyPacket;
  /** The request that the packet in the port stands for. */
  private active: PageRequest | null = null;
  private head: PageRequest | null = null;
  private tail: PageRequest | null = null;
  private completing = false;
  /** The VMO's pages are gone: only COMPLETE is still to be read. */
  private sourceGone = false;
  private pagerClosed = false;

  constructor(
    private readonly core: KernelCore,
    readonly pager: PagerDispatcher,
    private readonly port: PortDispatcher,
    key: bigint,
  ) {
    this.packet = new ProxyPacket(key, this);
  }

  send(request: PageRequest): void {
    this.core.vm.counters.pageRequests += 1;
    if (this.core.events !== null) {
      const command = request.asks === ASKS_PAGE ? 'read' : 'dirty';
      this.report(command, request.start, request.end - request.start);
    }
    if (this.packet.port === null) {
      this.queue(request);
      return;
    }
    request.previousUnsent = this.tail;
    if (this.tail === null) this.head = request;
    else this.tail.nextUnsent = request;
    this.tail = request;
  }

  withdraw(request: PageRequest): void {
    if (request === this.active) {
      this.port.withdraw(this.packet);
      this.packetLeft();
      return;
    }
    this.unlink(request);
  }

  replace(request: PageRequest, successor: PageRequest): void {
    if (request === this.active) {
      this.active = successor;
      return;
    }
    const { previousUnsent, nextUnsent } = request;
    if (!this.unlink(request)) return;
    successor.previousUnsent = previousUnsent;
    successor.nextUnsent = nextUnsent;
    if (previousUnsent === null) this.head = successor;
    else previousUnsent.nextUnsent = successor;
    if (nextUnsent === null) this.tail = successor;
    else nextUnsent.previousUnsent = successor;
  }

  sourceDetached(): void {
    this.complete();
  }

  sourceClosed(): void {
    this.sourceGone = true;
    this.complete();
    if (this.packet.port === null) this.pager.proxyEnded(this);
  }

  /** The pager's last handle is gone: nothing more is delivered. */
  pagerEnded(): void {
    this.pagerClosed = true;
    this.active = null;
    while (this.head !== null) this.unlink(this.head);
    this.completing = false;
    this.port.withdraw(this.packet);
  }

  /** The packet is free. */
  packetLeft(): void {
    this.active = null;
    const next = this.head;
    if (next !== null) {
      this.unlink(next);
      this.queue(next);
      return;
    }
    if (this.completing) this.queueComplete();
    if (this.sourceGone && this.packet.port === null) this.pager.proxyEnded(this);
  }

  /** Takes a request out of those that were not sent yet; false when it is none of them. */
  private unlink(request: PageRequest): boolean {
    const { previousUnsent, nextUnsent } = request;
    if (previousUnsent === null && request !== this.head) return false;
    if (previousUnsent === null) this.head = nextUnsent;
    else previousUnsent.nextUnsent = nextUnsent;
    if (nextUnsent === null) this.tail = previousUnsent;
    else nextUnsent.previousUnsent = previousUnsent;
    request.previousUnsent = null;
    request.nextUnsent = null;
    return true;
  }

  private queue(request: PageRequest): void {
    this.packet.command = request.asks === ASKS_PAGE ? ZX_PAGER_VMO_READ : ZX_PAGER_VMO_DIRTY;
    this.packet.page = request.start;
    this.packet.pages = request.end - request.start;
    this.active = request;
    // A port that is closed takes nothing: the request stays unanswered.
    if (this.port.queue(this.packet) !== ZX_OK) this.active = null;
  }

  private complete(): void {
    if (this.completing || this.pagerClosed) return;
    this.completing = true;
    if (this.packet.port === null && this.head === null) this.queueComplete();
  }

  private queueComplete(): void {
    // It stays true: COMPLETE comes once, also when the VMO ends after it was detached.
    if (this.packet.command === ZX_PAGER_VMO_COMPLETE) return;
    this.packet.command = ZX_PAGER_VMO_COMPLETE;
    this.packet.page = 0;
    this.packet.pages = 0;
    if (this.core.events !== null) this.report('complete', 0, 0);
    this.port.queue(this.packet);
  }

  private report(command: 'read' | 'dirty' | 'complete', page: number, pages: number): void {
    const { core } = this;
    core.events?.({
      type: 'request',
      time: core.clock.now(),
      retired: core.retired,
      command,
      vmo: this.vmoKoid,
      key: this.packet.key,
      page,
      pages,
    });
  }
}
