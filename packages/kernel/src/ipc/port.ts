import { ZX_OBJ_TYPE_PORT } from '../abi/object-types.js';
import { ZX_DEFAULT_PORT_RIGHTS } from '../abi/rights.js';
import {
  ZX_ERR_BAD_HANDLE,
  ZX_ERR_CANCELED,
  ZX_ERR_NO_MEMORY,
  ZX_ERR_SHOULD_WAIT,
  ZX_ERR_TIMED_OUT,
  ZX_OK,
  type Status,
} from '../abi/status.js';
import type { KernelCore } from '../kernel-core.js';
import { Dispatcher } from '../object/dispatcher.js';
import { WaitQueue, type Blocker, type Operation, type Waiter } from '../task/waiter.js';
import type { PortObserver } from './port-observer.js';
import { UserPacket, type PortPacket } from './port-packet.js';

/**
 * A port: a first-in first-out queue of packets, and of waiters for them.
 *
 * The life of a packet:
 *  1. its owner queues it (`queue`); the first waiter, if any, is woken, and `onReadable` is told;
 *  2. whoever runs first takes the oldest (`dequeue`): the packet is read, then told `onDelivered`, and belongs to its owner again;
 *  3. or it never gets there: `cancel`, `withdraw`, or the port's last handle closes.
 * A waiter that was woken and finds the queue empty, because another was faster, waits again.
 *
 * Closing the last handle discards packets and observers, and ends every wait with ZX_ERR_CANCELED: nothing could end it any
 * more. (Zircon's sources leave such a waiter until its deadline.) The object is then gone; owners of packets may still hold
 * a reference, and `queue` tells them ZX_ERR_BAD_HANDLE.
 *
 * @see Zircon `zx_port_create`, `zx_port_wait`, `zx_port_queue`, `zx_port_cancel`
 */
export class PortDispatcher extends Dispatcher {
  override readonly type = ZX_OBJ_TYPE_PORT;
  override readonly defaultRights = ZX_DEFAULT_PORT_RIGHTS;
  /** For a host listener: a packet was queued. Runs inside kernel operations: it only takes a note. */
  onReadable: (() => void) | null = null;

  private head: PortPacket | null = null;
  private tail: PortPacket | null = null;
  private queued = 0;
  private userPackets = 0;
  private closed = false;
  private readonly waiters = new WaitQueue();
  /** Asynchronous waits that have not fired yet, by the object they watch. */
  private readonly armed = new Map<Dispatcher, Set<PortObserver>>();
  /** Asynchronous waits, from when they are made until their packet is read. */
  private observerTotal = 0;

  constructor(core: KernelCore) {
    super(core);
  }

  /** Packets in the queue. */
  get length(): number {
    return this.queued;
  }

  get isClosed(): boolean {
    return this.closed;
  }

  /**
   * Appends a packet.
   *
   * @returns ZX_OK; ZX_ERR_BAD_HANDLE: the last handle is closed; ZX_ERR_SHOULD_WAIT: too many user packets; ZX_ERR_NO_MEMORY: too many on all ports. On errors the packet is not taken.
   */
  queue(packet: PortPacket): Status {
    if (packet.port !== null) throw new Error('a packet lies in one queue at most');
    if (this.closed) return ZX_ERR_BAD_HANDLE;
    if (packet instanceof UserPacket) {
      const { limits, totals } = this.core;
      if (this.userPackets >= limits.portPackets) return ZX_ERR_SHOULD_WAIT;
      if (totals.packets >= limits.packets) return ZX_ERR_NO_MEMORY;
      this.userPackets += 1;
      totals.packets += 1;
    }
    packet.port = this;
    packet.previous = this.tail;
    packet.next = null;
    if (this.tail === null) this.head = packet;
    else this.tail.next = packet;
    this.tail = packet;
    this.queued += 1;
    this.waiters.wakeOne(ZX_OK);
    this.onReadable?.();
    return ZX_OK;
  }

  /**
   * Takes the oldest packet.
   *
   * @param read takes what it needs out of the packet, which its owner may change right afterwards
   * @returns what `read` returned; undefined when there is no packet
   */
  dequeue<T>(read: (packet: PortPacket) => T): T | undefined {
    const packet = this.head;
    if (packet === null) return undefined;
    const result = read(packet);
    this.deliver(packet);
    return result;
  }

  /** The oldest packet, which stays where it is until it is delivered. */
  get first(): PortPacket | null {
    return this.head;
  }

  /** A packet of the queue has been read. */
  deliver(packet: PortPacket): void {
    this.unlink(packet);
    packet.onDelivered();
  }

  /** The owner of a packet takes it back; false when it does not lie in this port's queue. */
  withdraw(packet: PortPacket): boolean {
    if (packet.port !== this) return false;
    this.unlink(packet);
    return true;
  }

  /**
   * Removes asynchronous waits and queued packets with this key.
   *
   * @param source only those of this object; null: all
   * @returns whether anything was removed
   */
  cancel(source: Dispatcher | null, key: bigint): boolean {
    let removed = 0;
    const watched = source === null ? [...this.armed.keys()] : [source];
    for (const object of watched) {
      for (const observer of this.armed.get(object) ?? []) {
        if (observer.key !== key) continue;
        observer.disarm();
        removed += 1;
      }
    }
    for (let packet = this.head; packet !== null;) {
      const next: PortPacket | null = packet.next;
      if (packet.key === key && (source === null ? this.cancellable(packet) : packet.source === source)) {
        this.unlink(packet);
        packet.onDiscarded();
        removed += 1;
      }
      packet = next;
    }
    return removed > 0;
  }

  /**
   * Waits for a packet and takes it.
   *
   * @param deadline nanoseconds; passed: takes what is there, and waits for nothing
   * @param read as of `dequeue`; its result is the caller's business
   * @returns ZX_OK, ZX_ERR_TIMED_OUT, or ZX_ERR_CANCELED when the last handle is closed
   */
  *wait(deadline: number, read: (packet: PortPacket) => void): Operation {
    let status: Status = ZX_OK;
    let taken = false;
    try {
      for (;;) {
        if (this.head !== null) {
          taken = true;
          this.dequeue(read);
          return ZX_OK;
        }
        if (status !== ZX_OK) return status;
        if (this.closed) return ZX_ERR_CANCELED;
        if (deadline <= this.core.clock.now()) return ZX_ERR_TIMED_OUT;
        status = yield new PortWait(this, this.waiters, deadline);
      }
    } finally {
      // A waiter that was woken and then killed passes the wake on.
      if (!taken && this.head !== null) this.waiters.wakeOne(ZX_OK);
    }
  }

  /** Room for one more asynchronous wait. */
  get hasObserverRoom(): boolean {
    const { limits, totals } = this.core;
    return this.observerTotal < limits.observersPerPort && totals.observers < limits.observers;
  }

  /** An asynchronous wait was made, and now watches `source`. */
  observerArmed(observer: PortObserver, source: Dispatcher): void {
    this.observerTotal += 1;
    this.core.totals.observers += 1;
    let set = this.armed.get(source);
    if (set === undefined) this.armed.set(source, (set = new Set()));
    set.add(observer);
  }

  /** It watches no longer. */
  observerDisarmed(observer: PortObserver, source: Dispatcher): void {
    const set = this.armed.get(source);
    if (set === undefined) return;
    set.delete(observer);
    if (set.size === 0) this.armed.delete(source);
  }

  /** It is over: its packet was read or will never come. */
  observerEnded(): void {
    this.observerTotal -= 1;
    this.core.totals.observers -= 1;
  }

  protected override onZeroHandles(): void {
    this.closed = true;
    for (const set of [...this.armed.values()]) for (const observer of [...set]) observer.disarm();
    for (let packet = this.head; packet !== null; packet = this.head) {
      this.unlink(packet);
      packet.onDiscarded();
    }
    this.waiters.wakeAll(ZX_ERR_CANCELED);
    this.destroyed();
  }

  /** Page requests are not for their receiver to cancel: their packet belongs to the source of pages. */
  private cancellable(packet: PortPacket): boolean {
    return packet instanceof UserPacket || packet.source !== null;
  }

  private unlink(packet: PortPacket): void {
    if (packet.previous === null) this.head = packet.next;
    else packet.previous.next = packet.next;
    if (packet.next === null) this.tail = packet.previous;
    else packet.next.previous = packet.previous;
    packet.port = null;
    packet.previous = null;
    packet.next = null;
    this.queued -= 1;
    if (packet instanceof UserPacket) {
      this.userPackets -= 1;
      this.core.totals.packets -= 1;
    }
  }
}

/** One wait for a packet. */
class PortWait implements Blocker {
  readonly kind = 'port';

  constructor(
    private readonly port: PortDispatcher,
    private readonly waiters: WaitQueue,
    readonly deadline: number,
  ) {}

  subscribe(waiter: Waiter): void {
    this.waiters.add(waiter);
  }

  unsubscribe(waiter: Waiter): void {
    this.waiters.remove(waiter);
  }

  describe(): string {
    return `a packet on port ${this.port.koid}`;
  }
}
