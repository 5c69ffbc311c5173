import { ZX_ERR_NOT_SUPPORTED, ZX_ERR_TIMED_OUT, type Status } from '../abi/status.js';
import type { KernelState } from '../kernel-state.js';
import { HandleTable } from '../object/handle-table.js';
import type { PagerBlocking, SystemCall } from '../syscall/call.js';
import { Waiter, type Blocker } from '../task/waiter.js';
import { HostCall, PENDING } from './host-call.js';

/** Options of calls that may wait. */
export interface WaitOptions {
  /** When to give up, in nanoseconds on the kernel's clock: ZX_ERR_TIMED_OUT. Default Infinity. */
  readonly deadline?: number;
  /** Aborting rejects the promise with the signal's reason; what the call had not done yet is not done. */
  readonly signal?: AbortSignal;
  /** The call may wait for a pager; default: what the process says. */
  readonly mayWaitForPager?: boolean;
}

/** An argument of `call`: a pointer is a buffer, null, or a number that need not lead anywhere. */
export type HostArgument = number | bigint | Uint8Array | null;

/** Result of a call that gives nothing but its status. */
export interface StatusResult {
  readonly status: Status;
}

/** Result of a call that makes a handle; 0 when it failed. */
export interface HandleResult extends StatusResult {
  readonly handle: number;
}

/** Calls that have ended and can be used again. */
const SPARE_CALLS = 16;

/** Ends a host call when its deadline has come. */
class HostDeadline extends Waiter {
  constructor(
    private readonly kernel: KernelState,
    private readonly expired: () => void,
    deadline: number,
  ) {
    super(kernel.timers);
    const blocker: Blocker = {
      kind: 'sleeping',
      deadline,
      subscribe: () => undefined,
      unsubscribe: () => undefined,
      describe: () => 'a deadline',
    };
    this.block(blocker);
    kernel.work.onChange?.();
  }

  protected override resume(): void {
    this.kernel.work.post({ perform: this.expired });
  }
}

/**
 * The system calls for TypeScript callers, in their general form: a process of the host, with its own handle table and koid.
 *
 * Calls that cannot wait return at once. Calls that can return a promise; the kernel continues them at safe points only.
 */
export class HostCaller {
  readonly koid: number;
  /** @internal */
  readonly handles: HandleTable;
  /** @internal */
  protected readonly kernel: KernelState;
  readonly pagerBlocking: PagerBlocking;
  private readonly spare: HostCall[] = [];

  /**
   * @internal
   * @param name for reports
   */
  constructor(
    kernel: KernelState,
    readonly name: string,
    options: { readonly pagerBlocking?: PagerBlocking } = {},
  ) {
    this.kernel = kernel;
    this.koid = kernel.nextKoid();
    this.handles = new HandleTable(kernel.limits.handlesPerProcess, kernel.totals, kernel.limits.handles);
    this.pagerBlocking = options.pagerBlocking ?? 'fail';
  }

  /**
   * Makes a system call that does not have to wait.
   *
   * @param name as in the table, without `zx_`
   * @param args one for each argument of the C declaration; numbers and bigints of 64 bits, buffers for pointers
   * @throws {RangeError} no such call, another number of arguments, or an argument out of range
   * @throws {Error} the call has to wait; it was taken back: use `callWaiting`
   */
  call(name: string, ...args: readonly HostArgument[]): Status {
    const call = this.begin();
    this.putAll(call, name, args);
    return this.finish(call, name, (status) => status);
  }

  /** Makes a system call that may have to wait; arguments as of `call`. */
  callWaiting(name: string, args: readonly HostArgument[], options: WaitOptions = {}): Promise<Status> {
    const call = this.begin(options);
    this.putAll(call, name, args);
    return this.later(call, name, options, (status) => status);
  }

  /** Closes every handle. Calls that wait are not affected, save by the end of what they wait for. */
  close(): void {
    this.handles.clear();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /**
   * A call to put arguments into.
   *
   * @internal
   */
  protected begin(options: WaitOptions = {}): HostCall {
    const call = this.spare.pop() ?? new HostCall(this.kernel, this, this.kernel.work);
    return call.reset(options.mayWaitForPager ?? this.pagerBlocking === 'allow');
  }

  /**
   * Runs a call that does not wait, and makes its result while its memory is there.
   *
   * @internal
   */
  protected finish<T>(call: HostCall, name: string, result: (status: Status) => T): T {
    const status = call.start(this.find(name));
    if (status === PENDING) {
      const waitsFor = call.waitsFor?.describe() ?? 'its turn';
      call.abandon();
      throw new Error(`zx_${name} waits for ${waitsFor}; call it in its form that returns a promise`);
    }
    const value = result(status);
    this.end(call);
    return value;
  }

  /**
   * Runs a call that gives nothing but its status.
   *
   * @internal
   */
  protected statusOf(call: HostCall, name: string): StatusResult {
    return this.finish(call, name, (status) => ({ status }));
  }

  /**
   * Runs a call with one out-parameter left to add: a handle.
   *
   * @internal
   */
  protected handleOf(call: HostCall, name: string): HandleResult {
    const out = call.out(4);
    return this.finish(call, name, (status) => ({ status, handle: call.memory.u32(out) }));
  }

  /**
   * Runs a call that may wait.
   *
   * @internal
   */
  protected later<T>(
    call: HostCall,
    name: string,
    options: WaitOptions,
    result: (status: Status) => T,
  ): Promise<T> {
    return this.laterBy(call, this.find(name), options, result);
  }

  /**
   * `later`, for a call that is given instead of named.
   *
   * @internal
   */
  protected laterBy<T>(
    call: HostCall,
    systemCall: SystemCall,
    options: WaitOptions,
    result: (status: Status) => T,
  ): Promise<T> {
    const { signal, deadline = Infinity } = options;
    if (signal?.aborted === true) return Promise.reject(signal.reason as Error);
    const status = call.start(systemCall);
    if (status !== PENDING) {
      const value = result(status);
      this.end(call);
      return Promise.resolve(value);
    }
    return new Promise((resolve, reject) => {
      const timer =
        deadline === Infinity || call.waitsFor?.deadline === deadline
          ? null
          : new HostDeadline(this.kernel, () => call.cancel(ZX_ERR_TIMED_OUT), deadline);
      const abort = (): void => {
        timer?.abandonWait();
        call.abandon();
        reject(signal?.reason as Error);
      };
      signal?.addEventListener('abort', abort, { once: true });
      call.onEnd = (final) => {
        timer?.abandonWait();
        signal?.removeEventListener('abort', abort);
        resolve(result(final));
      };
    });
  }

  private end(call: HostCall): void {
    if (this.spare.length < SPARE_CALLS) this.spare.push(call);
  }

  private find(name: string): SystemCall {
    const call = this.kernel.callsByName.get(name);
    if (call !== undefined) return call;
    return { name, returns: 'zx_status_t', args: [], handler: () => ZX_ERR_NOT_SUPPORTED };
  }

  private putAll(call: HostCall, name: string, args: readonly HostArgument[]): void {
    const declared = this.kernel.callsByName.get(name);
    if (declared === undefined) throw new RangeError(`there is no system call zx_${name}`);
    if (declared.args.length !== args.length) {
      throw new RangeError(`zx_${name}(${declared.args.join(', ')}) was given ${args.length} arguments`);
    }
    args.forEach((arg, index) => {
      if (arg === null || arg instanceof Uint8Array) call.buffer(arg);
      else if (typeof arg === 'number' && !Number.isSafeInteger(arg)) call.time(arg);
      else call.i64(arg, declared.args[index]);
    });
  }
}
