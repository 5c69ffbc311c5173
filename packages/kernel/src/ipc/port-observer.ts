import { ZX_WAIT_ASYNC_BOOT_TIMESTAMP, ZX_WAIT_ASYNC_EDGE, ZX_WAIT_ASYNC_TIMESTAMP } from '../abi/port.js';
import type { Dispatcher, SignalObserver } from '../object/dispatcher.js';
import type { Handle } from '../object/handle-table.js';
import type { PortDispatcher } from './port.js';
import { SignalPacket } from './port-packet.js';

/**
 * One asynchronous wait (`zx_object_wait_async`), and the packet it will send: nothing has to be allocated when it fires.
 *
 *  1. `arm`: it watches the object, counted by the object and by the port; in level mode it fires at once when a signal is asserted already;
 *  2. it fires: it stops watching, and its packet lies on the port;
 *  3. the packet is read or discarded, and the port counts it no longer.
 * Or between 1 and 2 it is disarmed: cancelled, the handle it was made through closed, or the port closed.
 */
export class PortObserver extends SignalPacket implements SignalObserver {
  private watching = false;

  /**
   * @param handle the handle waited through
   * @param options ZX_WAIT_ASYNC_*
   */
  constructor(
    private readonly target: PortDispatcher,
    private readonly handle: Handle,
    key: bigint,
    trigger: number,
    private readonly options: number,
  ) {
    super(key, trigger);
  }

  override get source(): Dispatcher {
    return this.handle.dispatcher;
  }

  /** Begins. The caller checked `PortDispatcher.hasObserverRoom` and the object's own bound. */
  arm(): void {
    const object = this.handle.dispatcher;
    this.watching = true;
    this.target.observerArmed(this, object);
    object.addObserver(this);
    if ((this.options & ZX_WAIT_ASYNC_EDGE) === 0 && (object.signals & this.trigger) !== 0) {
      object.removeObserver(this);
      this.fire(object.signals);
    }
  }

  /** Ends before it fired; does nothing afterwards. */
  disarm(): void {
    if (!this.watching) return;
    this.handle.dispatcher.removeObserver(this);
    this.stopWatching();
    this.target.observerEnded();
  }

  onSignals(signals: number, raised: number): boolean {
    if ((raised & this.trigger) === 0) return false;
    this.fire(signals);
    return true;
  }

  onHandleClosed(handle: object): boolean {
    if (handle !== this.handle) return false;
    this.stopWatching();
    this.target.observerEnded();
    return true;
  }

  override onDelivered(): void {
    this.target.observerEnded();
  }

  override onDiscarded(): void {
    this.target.observerEnded();
  }

  private fire(signals: number): void {
    this.stopWatching();
    this.observed = signals;
    if ((this.options & (ZX_WAIT_ASYNC_TIMESTAMP | ZX_WAIT_ASYNC_BOOT_TIMESTAMP)) !== 0) {
      this.timestamp = this.target.core.clock.now();
    }
    this.target.queue(this);
  }

  private stopWatching(): void {
    this.watching = false;
    this.target.observerDisarmed(this, this.handle.dispatcher);
  }
}
