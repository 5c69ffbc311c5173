import { ZX_ERR_CANCELED, ZX_ERR_TIMED_OUT, type Status } from '../abi/status.js';
import type { KernelCore } from '../kernel-core.js';
import type { Caller, CallerProcess, SystemCall } from '../syscall/call.js';
import { PAUSE } from '../task/pause.js';
import { Waiter, type Blocker, type Operation } from '../task/waiter.js';
import { HostMemory } from './host-memory.js';
import type { HostTask, HostWork } from './host-work.js';

/** Returned by `HostCall.start` when the call waits: no status has this value. */
export const PENDING = 1e9;

/** Arguments of one call, in the order of its declaration. */
const ARGUMENT_WORDS = 16;
const TWO_32 = 0x1_0000_0000;
const LARGEST_U64 = 0xffff_ffff_ffff_ffffn;

/**
 * One system call made from TypeScript.
 *
 * Its life: arguments are put in (`u32`, `u64`, `time`, `buffer`, `out`); `start` runs the handler; when that has to wait, the
 * call sleeps like a guest thread, and continues at a safe point after it was woken, until `onEnd` is told its status.
 * The results then lie in `memory`. A call that has ended can be reset and used again.
 */
export class HostCall extends Waiter implements Caller, HostTask {
  readonly memory = new HostMemory();
  readonly thread = null;
  readonly args = new Uint32Array(ARGUMENT_WORDS);
  mayWaitForPager = false;
  onEnd: ((status: Status) => void) | null = null;

  private words = 0;
  private operation: Operation | null = null;
  private name = '';
  private wakeStatus: Status = 0;
  private posted = false;

  constructor(
    readonly core: KernelCore,
    readonly process: CallerProcess & { readonly name: string },
    private readonly work: HostWork,
  ) {
    super(core.timers);
  }

  get waiter(): Waiter {
    return this;
  }

  reset(mayWaitForPager: boolean): this {
    this.words = 0;
    this.memory.reset();
    this.mayWaitForPager = mayWaitForPager;
    return this;
  }

  /** An argument of 32 bits: handle, options, rights, signals; also a signed one. */
  u32(value: number, what: string): this {
    if (typeof value !== 'number') throw new TypeError(`${what} is no number`);
    if (!Number.isInteger(value) || value < -0x8000_0000 || value >= TWO_32)
      throw new RangeError(`${what} is no 32-bit integer: ${value}`);
    return this.push(value >>> 0, value < 0 ? 0xffff_ffff : 0);
  }

  /** An argument of 64 bits: size, offset, length, key, address. */
  u64(value: number | bigint, what: string): this {
    if (typeof value === 'number') {
      if (!Number.isSafeInteger(value) || value < 0)
        throw new RangeError(`${what} is no integer in [0, 2^53): ${value}`);
      return this.push(value >>> 0, Math.floor(value / TWO_32));
    }
    if (typeof value !== 'bigint') throw new TypeError(`${what} is neither number nor bigint`);
    if (value < 0n || value > LARGEST_U64) throw new RangeError(`${what} is no 64-bit integer: ${value}`);
    return this.push(Number(value & 0xffff_ffffn), Number(value >> 32n));
  }

  /** An argument of 64 bits with a sign. */
  i64(value: number | bigint, what: string): this {
    if (typeof value === 'number') {
      if (!Number.isSafeInteger(value)) throw new RangeError(`${what} is no integer: ${value}`);
      return this.push(value >>> 0, Math.floor(value / TWO_32) >>> 0);
    }
    if (typeof value !== 'bigint') throw new TypeError(`${what} is neither number nor bigint`);
    return this.u64(BigInt.asUintN(64, value), what);
  }

  /** A point in time, nanoseconds on the kernel's clock: Infinity is ZX_TIME_INFINITE, -Infinity ZX_TIME_INFINITE_PAST. */
  time(value: number): this {
    if (typeof value !== 'number' || Number.isNaN(value))
      throw new TypeError(`the deadline is no number: ${value}`);
    if (value >= 2 ** 63) return this.push(0xffff_ffff, 0x7fff_ffff);
    if (value <= -(2 ** 63)) return this.push(0, 0x8000_0000);
    const whole = Math.floor(value);
    return this.push(whole >>> 0, Math.floor(whole / TWO_32) >>> 0);
  }

  /** A pointer to a buffer of the caller, read or written in place. Null is the null pointer. */
  buffer(buffer: Uint8Array | null): this {
    if (buffer !== null && !(buffer instanceof Uint8Array)) throw new TypeError('a buffer is no Uint8Array');
    return this.address(buffer === null ? 0 : this.memory.add(buffer));
  }

  /** A pointer to `bytes` bytes of the scratch area, for a result. @returns their position, for `memory.u32` and its like */
  out(bytes: number): number {
    const position = this.memory.reserve(bytes);
    this.address(this.memory.addressOf(position));
    return position;
  }

  /** A pointer, whatever it points to. */
  address(address: number): this {
    return this.push(address >>> 0, Math.floor(address / TWO_32));
  }

  /**
   * Runs the call.
   *
   * @returns its status, or `PENDING` when it waits: `onEnd` is told later
   */
  start(call: SystemCall): Status {
    this.name = call.name;
    this.endReservations();
    const result = call.handler(this, this.args);
    if (typeof result === 'number') return this.ended(result);
    this.operation = result;
    return this.advance(0);
  }

  get callName(): string {
    return `zx_${this.name}`;
  }

  /** What the call waits for; null when it does not. */
  get waitsFor(): Blocker | null {
    return this.blocker;
  }

  /** Ends a waiting call: it gives back what it holds, and `onEnd` is not told. */
  abandon(): void {
    this.abandonWait();
    this.work.waiting.delete(this);
    const { operation } = this;
    this.operation = null;
    operation?.return(ZX_ERR_CANCELED);
  }

  /** Ends a waiting call with a status. */
  cancel(status: Status): void {
    if (this.operation === null) return;
    this.abandon();
    this.onEnd?.(this.ended(status));
  }

  /** The safe point after the wait. */
  perform(): void {
    this.posted = false;
    // It was abandoned, or woken and put to sleep again, while it stood in the queue.
    if (this.operation === null || this.blocker !== null) return;
    const status = this.advance(this.wakeStatus);
    if (status !== PENDING) this.onEnd?.(status);
  }

  protected override resume(status: Status): void {
    this.wakeStatus = status;
    if (this.posted) return;
    this.posted = true;
    this.work.post(this);
  }

  private advance(status: Status): Status {
    const operation = this.operation as Operation;
    this.endReservations();
    let step = operation.next(status);
    // The host's own turn comes first: long calls need not stand back.
    while (step.done !== true && step.value === PAUSE) step = operation.next(ZX_ERR_TIMED_OUT);
    if (step.done === true) {
      this.operation = null;
      this.work.waiting.delete(this);
      return this.ended(step.value);
    }
    this.work.waiting.add(this);
    this.block(step.value);
    this.work.onChange?.();
    return PENDING;
  }

  /** Calls write to guests' memory, between two instructions of a thread perhaps: what a thread has reserved may be another's when it goes on. */
  private endReservations(): void {
    for (const hart of this.core.machine.harts) hart.clearReservation();
  }

  private ended(status: Status): Status {
    const { events } = this.core;
    if (events !== null) {
      events({
        type: 'system-call',
        time: this.core.clock.now(),
        retired: this.core.retired,
        process: this.process.koid,
        thread: 0,
        name: this.name,
        status,
      });
    }
    return status;
  }

  private push(low: number, high: number): this {
    this.args[this.words] = low;
    this.args[this.words + 1] = high;
    this.words += 2;
    return this;
  }
}
