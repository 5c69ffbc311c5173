/** The shape of a system call: what the table holds, what handlers get. */
import type { Status } from '../abi/status.js';
import type { HandleTable } from '../object/handle-table.js';
import type { KernelCore } from '../kernel-core.js';
import type { UserMemory } from '../task/user-memory.js';
import type { Operation, Waiter } from '../task/waiter.js';

/** Whether system calls that would wait for a pager may do so. */
export type PagerBlocking = 'allow' | 'fail';

/** The process on whose behalf a call is made; a guest's, or the host's own. */
export interface CallerProcess {
  readonly koid: number;
  readonly handles: HandleTable;
  readonly pagerBlocking: PagerBlocking;
}

/** Who makes a system call: a guest thread, or a host call. */
export interface Caller {
  readonly core: KernelCore;
  readonly process: CallerProcess;
  readonly waiter: Waiter;
  readonly memory: UserMemory;
  /** This call may wait for a pager; otherwise it fails with ZX_ERR_SHOULD_WAIT before any effect. */
  readonly mayWaitForPager: boolean;
  /** The guest thread; null for a host call. Calls that make sense for guests only fail with ZX_ERR_NOT_SUPPORTED. */
  readonly thread: { readonly koid: number } | null;
}

/**
 * Carries out a call. Argument i is 64 bits wide: `args[2 * i]` its low word, `args[2 * i + 1]` its high word; u32 arguments
 * are the low word. `args` is the caller's register file: read what is needed before waiting.
 *
 * Returns the status at once, or an operation when the call has to wait.
 */
export type Handler = (caller: Caller, args: Uint32Array) => Status | Operation;

/** A system call: what C sees of it, and what carries it out. */
export interface SystemCall {
  /** Without the `zx_` prefix: `vmo_read`. */
  readonly name: string;
  /** C type of the result. */
  readonly returns: string;
  /** C declarations of the arguments: `zx_handle_t handle`, `void* buffer`. */
  readonly args: readonly string[];
  readonly handler: Handler;
  /** What a job's policy must allow for it (`ZX_POL_*`): always, or depending on its arguments; null: nothing then. */
  readonly policy?: number | ((args: Uint32Array) => number | null);
  readonly noreturn?: true;
  /** Called by code in the vDSO only: not exported, not in the headers. */
  readonly internal?: true;
}

/** The 64-bit argument `index` as a number: a user address, or a length that was checked to be small. Exact below 2^53. */
export function numberArg(args: Uint32Array, index: number): number {
  return args[2 * index + 1] * 0x1_0000_0000 + args[2 * index];
}

/** The page index of the 64-bit byte position `index`: below 2^52, exact. */
export function pageArg(args: Uint32Array, index: number): number {
  return args[2 * index + 1] * 0x10_0000 + (args[2 * index] >>> 12);
}

/** The offset in its page of the 64-bit byte position `index`. */
export function pageOffsetArg(args: Uint32Array, index: number): number {
  return args[2 * index] & 0xfff;
}

/** The 64-bit argument `index` as an unsigned bigint: keys and other opaque values. */
export function bigintArg(args: Uint32Array, index: number): bigint {
  return (BigInt(args[2 * index + 1]) << 32n) | BigInt(args[2 * index]);
}

/**
 * An absolute deadline (`zx_time_t`, i64 nanoseconds on the monotonic clock) as a number: ZX_TIME_INFINITE is Infinity,
 * ZX_TIME_INFINITE_PAST is -Infinity, what a number cannot hold exactly is rounded.
 */
export function deadlineArg(args: Uint32Array, index: number): number {
  const low = args[2 * index];
  const high = args[2 * index + 1] | 0;
  if (high === 0x7fff_ffff && low === 0xffff_ffff) return Infinity;
  if (high === -0x8000_0000 && low === 0) return -Infinity;
  return high * 0x1_0000_0000 + low;
}
