/**
 * Kernel objects. A dispatcher lives as long as something refers to it: handles (counted here), mappings, other objects.
 * `onZeroHandles` runs when the last handle goes, including handles that travelled in messages.
 */
import type { Rights } from '../abi/rights.js';
import type { KernelCore } from '../kernel-core.js';
import type { ObjectName } from './object-name.js';

/** A kernel object id: unique, never reused, from 1024 up; exact in a number. */
export type Koid = number;

/** Hears of changes of an object's signals. */
export interface SignalObserver {
  /**
   * @param signals all that are asserted now
   * @param raised those of them that were not before
   * @returns true to be removed
   */
  onSignals(signals: number, raised: number): boolean;
  /** A handle to the object was closed or transferred; return true if this observer was made through it and is to be removed. */
  onHandleClosed(handle: object): boolean;
}

/**
 * A kernel object.
 *
 *  1. it is made, and counted in `KernelCore.liveObjects`;
 *  2. handles, mappings and other objects refer to it; `handleCount` counts handles only;
 *  3. the last handle goes: `onZeroHandles`, once, save for types that get handles anew (threads, processes by `zx_object_get_child`);
 *  4. nothing refers to it: it calls `destroyed`, once, and is counted no longer.
 */
export abstract class Dispatcher {
  readonly koid: Koid;
  /** `zx_obj_type_t` */
  abstract readonly type: number;
  /** Rights of a freshly made handle. */
  abstract readonly defaultRights: Rights;
  /** Asserted signals, u32. */
  signals = 0;
  handleCount = 0;
  /** The name behind ZX_PROP_NAME; null: this type has none. */
  readonly objectName: ObjectName | null = null;
  private observers: Set<SignalObserver> | null = null;

  protected constructor(readonly core: KernelCore) {
    this.koid = core.nextKoid();
    core.liveObjects += 1;
  }

  /** Peer of a channel end, job of a process, process of a thread; 0 for others. */
  get relatedKoid(): Koid {
    return 0;
  }

  /** Signals that `zx_object_signal` may change; 0: the call is not supported. */
  get userSignals(): number {
    return 0;
  }

  /**
   * For `zx_object_get_child`: the job, process or thread below this one.
   *
   * @returns null: there is none with this koid; undefined: this type has no children (ZX_ERR_WRONG_TYPE)
   */
  findChild(_koid: Koid): Dispatcher | null | undefined {
    return undefined;
  }

  addHandle(): void {
    this.handleCount += 1;
  }

  removeHandle(): void {
    this.handleCount -= 1;
    if (this.handleCount === 0) this.onZeroHandles();
  }

  /** The last handle is gone. */
  protected onZeroHandles(): void {}

  /** To be called once, when nothing refers to the object any more: leak checks count on it. */
  protected destroyed(): void {
    this.core.liveObjects -= 1;
  }

  /** Clears, then sets, as one change; observers hear of it when a bit was newly set. */
  updateSignals(clear: number, set: number): void {
    const before = this.signals;
    this.signals = ((before & ~clear) | set) >>> 0;
    const raised = (this.signals & ~before) >>> 0;
    if (raised === 0 || this.observers === null) return;
    for (const observer of this.observers) {
      if (observer.onSignals(this.signals, raised)) this.observers.delete(observer);
    }
  }

  addObserver(observer: SignalObserver): void {
    this.observers ??= new Set();
    this.observers.add(observer);
  }

  removeObserver(observer: SignalObserver): void {
    this.observers?.delete(observer);
  }

  get observerCount(): number {
    return this.observers?.size ?? 0;
  }

  /** A handle to this object left its table: waits made through it end. */
  handleClosed(handle: object): void {
    if (this.observers === null) return;
    for (const observer of this.observers) {
      if (observer.onHandleClosed(handle)) this.observers.delete(observer);
    }
  }
}
