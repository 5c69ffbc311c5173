import type { Blocker, Waiter } from './waiter.js';
import { WaitQueue } from './waiter.js';
import type { Thread } from './thread.js';

/**
 * Threads that wait for a word of their process's memory to change, by the word's address.
 *
 * A futex exists here while somebody waits on it, and no longer; so does its owner, who is only ever told to those who ask.
 *
 * @see Zircon Kernel objects, "Futex"; `zx_futex_wait`, `zx_futex_wake`, `zx_futex_requeue`
 */
export class FutexTable {
  private readonly futexes = new Map<number, Futex>();

  /** Futexes that exist. */
  get size(): number {
    return this.futexes.size;
  }

  /** What a thread blocks on to wait at `address`. */
  waitAt(address: number, deadline: number): FutexWait {
    return new FutexWait(this, address, deadline);
  }

  /** Whether `thread` waits at `address`. */
  isWaiting(thread: Thread, address: number): boolean {
    return (
      thread.blocker instanceof FutexWait && thread.blocker.isIn(this) && thread.blocker.address === address
    );
  }

  ownerOf(address: number): Thread | null {
    return this.futexes.get(address)?.owner ?? null;
  }

  /** Only a futex that somebody waits on has an owner. */
  setOwner(address: number, owner: Thread | null): void {
    const futex = this.futexes.get(address);
    if (futex !== undefined) futex.owner = owner;
  }

  /**
   * Wakes up to `count` waiters, in the order in which they began to wait.
   *
   * @param newOwner `none`: it has no owner afterwards; `woken`: the woken thread, if any waiters remain
   * @returns how many were woken
   */
  wake(address: number, count: number, newOwner: 'none' | 'woken'): number {
    const futex = this.futexes.get(address);
    if (futex === undefined) return 0;
    let woken = 0;
    let last: Thread | null = null;
    while (woken < count && futex.waiters.first !== null) {
      last = futex.waiters.first as Thread;
      futex.waiters.wakeOne(0);
      woken += 1;
    }
    futex.owner = newOwner === 'woken' ? last : null;
    return woken;
  }

  /** Moves up to `count` waiters to another address. */
  requeue(from: number, to: number, count: number): void {
    for (let moved = 0; moved < count; moved += 1) {
      const first = this.futexes.get(from)?.waiters.first;
      if (first === undefined || first === null) return;
      const wait = first.blocker;
      if (!(wait instanceof FutexWait)) throw new Error('who waits on a futex blocks on it');
      wait.unsubscribe(first);
      wait.address = to;
      wait.subscribe(first);
    }
  }

  /** For `FutexWait`: the futex at an address, made when it is missing. */
  futexAt(address: number): Futex {
    let futex = this.futexes.get(address);
    if (futex === undefined) this.futexes.set(address, (futex = new Futex()));
    return futex;
  }

  /** For `FutexWait`: a waiter has gone. */
  removed(address: number, futex: Futex): void {
    if (futex.waiters.isEmpty) this.futexes.delete(address);
  }
}

class Futex {
  readonly waiters = new WaitQueue();
  owner: Thread | null = null;
}

/** One thread's wait; `requeue` moves it to another address. */
export class FutexWait implements Blocker {
  readonly kind = 'futex';

  constructor(
    private readonly table: FutexTable,
    public address: number,
    readonly deadline: number,
  ) {}

  isIn(table: FutexTable): boolean {
    return this.table === table;
  }

  subscribe(waiter: Waiter): void {
    this.table.futexAt(this.address).waiters.add(waiter);
  }

  unsubscribe(waiter: Waiter): void {
    const futex = this.table.futexAt(this.address);
    futex.waiters.remove(waiter);
    this.table.removed(this.address, futex);
  }

  describe(): string {
    return `the futex at 0x${this.address.toString(16)}`;
  }
}
