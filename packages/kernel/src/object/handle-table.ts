import { ZX_ERR_ACCESS_DENIED, ZX_ERR_BAD_HANDLE, ZX_ERR_WRONG_TYPE, type Status } from '../abi/status.js';
import type { Rights } from '../abi/rights.js';
import type { Totals } from '../totals.js';
import type { Dispatcher } from './dispatcher.js';

/**
 * Objects that lose a handle. Kept as a queue, because an object that ends may hold handles itself (messages in a channel),
 * whose objects end in turn, in chains as long as a guest cares to build.
 */
const releasing: Dispatcher[] = [];
let isReleasing = false;

function releaseAll(): void {
  isReleasing = true;
  try {
    for (let index = 0; index < releasing.length; index += 1) releasing[index].removeHandle();
  } finally {
    releasing.length = 0;
    isReleasing = false;
  }
}

/** A reference to an object with rights: in a process's table, or on its way in a message. */
export class Handle {
  /** The object's class. Here, because handles are all of one shape and objects are not: look-ups compare it. */
  private readonly kind: unknown;

  constructor(
    readonly dispatcher: Dispatcher,
    readonly rights: Rights,
  ) {
    this.kind = dispatcher.constructor;
    dispatcher.addHandle();
  }

  /** Whether the object is of a class. Most are of the very one that is asked for; `instanceof` with a class that varies takes longer than all the rest of a look-up. */
  isOf<T extends Dispatcher>(type: abstract new (...args: never[]) => T): this is { readonly dispatcher: T } {
    return this.kind === type || this.dispatcher instanceof type;
  }

  /**
   * Gives the reference up; the handle must be in no table. When this happens because another object's last handle
   * goes, it takes effect right after that.
   */
  release(): void {
    releasing.push(this.dispatcher);
    if (!isReleasing) releaseAll();
  }
}

/** Handle values have their two low bits set (`ZX_HANDLE_FIXED_BITS_MASK`). */
const FIXED_BITS = 3;
const INDEX_BITS = 20;
const GENERATION_MASK = 0x3ff;

/**
 * The handles of one process: u32 values, never 0, low bits 0b11. Slots are recycled, with another value each time,
 * so that a stale value is found out.
 */
export class HandleTable {
  private readonly slots: (Handle | null)[] = [];
  private readonly generations: number[] = [];
  private readonly free: number[] = [];
  private count = 0;

  /**
   * @param limit handles at most; at most 2^20
   * @param totals counts those of all tables; `totalLimit` at most
   */
  constructor(
    private readonly limit: number,
    private readonly totals: Pick<Totals, 'handles'> = { handles: 0 },
    private readonly totalLimit = Infinity,
  ) {}

  get size(): number {
    return this.count;
  }

  /** Free slots: a call that is about to make handles checks here first, so that it fails before any effect. */
  hasRoom(handles: number): boolean {
    return this.count + handles <= this.limit && this.totals.handles + handles <= this.totalLimit;
  }

  /** Puts a handle in; the caller checked `hasRoom`. Returns its value. */
  add(handle: Handle): number {
    if (!this.hasRoom(1)) throw new Error('the handle table is full; callers check hasRoom first');
    const index = this.free.pop() ?? this.slots.length;
    const generation = this.generations[index] ?? 1;
    this.slots[index] = handle;
    this.generations[index] = generation;
    this.count += 1;
    this.totals.handles += 1;
    return this.valueOf(index, generation);
  }

  /** The handle with this value. */
  get(value: number): Handle | undefined {
    const index = (value >>> 2) & ((1 << INDEX_BITS) - 1);
    const handle = this.slots[index];
    if (handle === undefined || handle === null) return undefined;
    return this.valueOf(index, this.generations[index]) === value >>> 0 ? handle : undefined;
  }

  /** Takes a handle out without releasing it: waits made through it end, the reference goes to the caller. */
  remove(value: number): Handle | undefined {
    const handle = this.get(value);
    if (handle === undefined) return undefined;
    const index = (value >>> 2) & ((1 << INDEX_BITS) - 1);
    this.slots[index] = null;
    this.generations[index] = (this.generations[index] % GENERATION_MASK) + 1;
    this.free.push(index);
    this.count -= 1;
    this.totals.handles -= 1;
    handle.dispatcher.handleClosed(handle);
    return handle;
  }

  /** The object behind a value, of the class asked for and with the rights asked for; in this order: BAD_HANDLE, WRONG_TYPE, ACCESS_DENIED. */
  lookup<T extends Dispatcher>(
    value: number,
    type: abstract new (...args: never[]) => T,
    rights: Rights,
  ): T | Status {
    const handle = this.get(value);
    if (handle === undefined) return ZX_ERR_BAD_HANDLE;
    if (!handle.isOf(type)) return ZX_ERR_WRONG_TYPE;
    if ((handle.rights & rights) !== rights) return ZX_ERR_ACCESS_DENIED;
    return handle.dispatcher;
  }

  /** Every handle with its value. */
  *entries(): IterableIterator<[number, Handle]> {
    for (let index = 0; index < this.slots.length; index += 1) {
      const handle = this.slots[index];
      if (handle !== undefined && handle !== null)
        yield [this.valueOf(index, this.generations[index]), handle];
    }
  }

  /** Closes everything: the process has ended. */
  clear(): void {
    for (const [value] of [...this.entries()]) this.remove(value)?.release();
  }

  private valueOf(index: number, generation: number): number {
    return ((generation << (INDEX_BITS + 2)) | (index << 2) | FIXED_BITS) >>> 0;
  }
}
