/**
 * Synchronous waits for signals: what `zx_object_wait_one` and `zx_object_wait_many` block on.
 *
 * A watch is held from `subscribe` to `unsubscribe` only; when the wait has ended it knows what was asserted at that moment.
 */
import { ZX_SIGNAL_HANDLE_CLOSED } from '../abi/signals.js';
import { ZX_ERR_CANCELED, ZX_OK } from '../abi/status.js';
import type { Blocker, BlockKind, Waiter } from '../task/waiter.js';
import type { SignalObserver } from './dispatcher.js';
import type { Handle } from './handle-table.js';

/** One object of a wait. */
export class SignalWatch implements SignalObserver {
  /** Everything asserted when the wait ended, with ZX_SIGNAL_HANDLE_CLOSED when the handle went. */
  observed = 0;
  private waiter: Waiter | null = null;
  private fired = false;

  constructor(
    readonly handle: Handle,
    readonly signals: number,
  ) {}

  begin(waiter: Waiter): void {
    this.waiter = waiter;
    this.fired = false;
    this.handle.dispatcher.addObserver(this);
  }

  end(): void {
    this.waiter = null;
    this.handle.dispatcher.removeObserver(this);
    if (!this.fired) this.observed = this.handle.dispatcher.signals;
  }

  onSignals(signals: number): boolean {
    if ((signals & this.signals) === 0) return false;
    this.finish(signals, ZX_OK);
    return true;
  }

  onHandleClosed(handle: object): boolean {
    if (handle !== this.handle) return false;
    this.finish((this.handle.dispatcher.signals | ZX_SIGNAL_HANDLE_CLOSED) >>> 0, ZX_ERR_CANCELED);
    return true;
  }

  private finish(observed: number, status: number): void {
    if (this.fired) return;
    this.fired = true;
    this.observed = observed;
    this.waiter?.wake(status);
  }
}

/** A wait for any of some signals of any of some objects; none: a sleep. */
export class SignalWait implements Blocker {
  constructor(
    readonly kind: BlockKind,
    readonly watches: readonly SignalWatch[],
    readonly deadline: number,
  ) {}

  subscribe(waiter: Waiter): void {
    for (const watch of this.watches) watch.begin(waiter);
  }

  unsubscribe(): void {
    for (const watch of this.watches) watch.end();
  }

  describe(): string {
    const first = this.watches[0];
    if (first === undefined) return 'a deadline';
    const one = `signals 0x${first.signals.toString(16)} of object ${first.handle.dispatcher.koid}`;
    return this.watches.length === 1 ? one : `${one} and ${this.watches.length - 1} more`;
  }
}
