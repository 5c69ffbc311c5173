/** Futexes, and sleeping. Futexes are for guests: a host caller has no memory to share, and gets ZX_ERR_NOT_SUPPORTED. */
import { ZX_HANDLE_INVALID } from '../abi/object-types.js';
import {
  ZX_ERR_BAD_HANDLE,
  ZX_ERR_BAD_STATE,
  ZX_ERR_INVALID_ARGS,
  ZX_ERR_NOT_SUPPORTED,
  ZX_ERR_TIMED_OUT,
  ZX_ERR_WRONG_TYPE,
  ZX_OK,
  type Status,
} from '../abi/status.js';
import { Thread } from '../task/thread.js';
import { ThreadDispatcher } from '../task/thread-dispatcher.js';
import type { Blocker, Operation } from '../task/waiter.js';
import { deadlineArg, numberArg, type Caller, type SystemCall } from './call.js';
import { outU64, withU32 } from './user-values.js';

/** User addresses end here. */
const ADDRESS_END = 2 ** 38;

function isFutexAddress(address: number): boolean {
  return address !== 0 && address % 4 === 0 && address < ADDRESS_END;
}

/** The guest thread that calls. */
function guestThread(caller: Caller): Thread | null {
  return caller.waiter instanceof Thread ? caller.waiter : null;
}

/**
 * The thread that is to own a futex.
 *
 * @param exempt address of the futex whose waiters cannot be its owner
 * @returns the thread, null for none; ZX_ERR_BAD_HANDLE, ZX_ERR_WRONG_TYPE; ZX_ERR_INVALID_ARGS: of another process, not started, dead, the caller,
 * or a waiter of this futex
 */
function ownerArgument(self: Thread, value: number, address: number): Thread | null | Status {
  if (value === ZX_HANDLE_INVALID) return null;
  const handle = self.process.handles.get(value);
  if (handle === undefined) return ZX_ERR_BAD_HANDLE;
  if (!(handle.dispatcher instanceof ThreadDispatcher)) return ZX_ERR_WRONG_TYPE;
  const { thread } = handle.dispatcher;
  if (
    thread === self ||
    thread.process !== self.process ||
    thread.state === 'new' ||
    thread.state === 'dead'
  ) {
    return ZX_ERR_INVALID_ARGS;
  }
  return self.process.futexes.isWaiting(thread, address) ? ZX_ERR_INVALID_ARGS : thread;
}

function* futexWait(self: Thread, address: number, deadline: number): Operation {
  return yield self.process.futexes.waitAt(address, deadline);
}

function wake(caller: Caller, address: number, count: number, newOwner: 'none' | 'woken'): Status {
  const self = guestThread(caller);
  if (self === null) return ZX_ERR_NOT_SUPPORTED;
  if (!isFutexAddress(address)) return ZX_ERR_INVALID_ARGS;
  self.process.futexes.wake(address, count, newOwner);
  return ZX_OK;
}

interface Requeue {
  readonly from: number;
  readonly current: number;
  readonly to: number;
  readonly count: number;
  readonly owner: number;
  /** Waiters to wake first; null: one, who then owns the first futex. */
  readonly wake: number | null;
}

function requeue(caller: Caller, request: Requeue): Status | Operation {
  const self = guestThread(caller);
  if (self === null) return ZX_ERR_NOT_SUPPORTED;
  const { from, to } = request;
  if (!isFutexAddress(from) || !isFutexAddress(to) || from === to) return ZX_ERR_INVALID_ARGS;
  return withU32(caller, from, (value) => {
    if (value !== request.current) return ZX_ERR_BAD_STATE;
    const { futexes } = self.process;
    const owner = ownerArgument(self, request.owner, to);
    if (typeof owner === 'number') return owner;
    if (owner !== null && futexes.isWaiting(owner, from)) return ZX_ERR_INVALID_ARGS;
    futexes.wake(from, request.wake ?? 1, request.wake === null ? 'woken' : 'none');
    futexes.requeue(from, to, request.count);
    futexes.setOwner(to, owner);
    return ZX_OK;
  });
}

/** A deadline and nothing else. */
class Sleep implements Blocker {
  readonly kind = 'sleeping';

  constructor(readonly deadline: number) {}

  subscribe(): void {}

  unsubscribe(): void {}

  describe(): string {
    return this.deadline === Infinity ? 'nothing, for ever' : `time ${this.deadline}`;
  }
}

function* sleep(deadline: number): Operation {
  const status = yield new Sleep(deadline);
  return status === ZX_ERR_TIMED_OUT ? ZX_OK : status;
}

export const FUTEX_CALLS: readonly SystemCall[] = [
  {
    // The value is compared and the wait begun as one step: nothing else runs between.
    name: 'futex_wait',
    returns: 'zx_status_t',
    args: [
      'const zx_futex_t* value_ptr',
      'zx_futex_t current_value',
      'zx_handle_t new_futex_owner',
      'zx_instant_mono_t deadline',
    ],
    handler: (caller, args) => {
      const self = guestThread(caller);
      if (self === null) return ZX_ERR_NOT_SUPPORTED;
      const address = numberArg(args, 0);
      const current = args[2];
      const ownerHandle = args[4];
      const deadline = deadlineArg(args, 3);
      if (!isFutexAddress(address)) return ZX_ERR_INVALID_ARGS;
      return withU32(caller, address, (value) => {
        if (value !== current) return ZX_ERR_BAD_STATE;
        const owner = ownerArgument(self, ownerHandle, address);
        if (typeof owner === 'number') return owner;
        const { futexes } = self.process;
        if (deadline <= caller.core.clock.now()) {
          futexes.setOwner(address, owner);
          return ZX_ERR_TIMED_OUT;
        }
        futexes.futexAt(address).owner = owner;
        return futexWait(self, address, deadline);
      });
    },
  },
  {
    name: 'futex_wake',
    returns: 'zx_status_t',
    args: ['const zx_futex_t* value_ptr', 'uint32_t wake_count'],
    handler: (caller, args) => wake(caller, numberArg(args, 0), args[2], 'none'),
  },
  {
    name: 'futex_wake_single_owner',
    returns: 'zx_status_t',
    args: ['const zx_futex_t* value_ptr'],
    handler: (caller, args) => wake(caller, numberArg(args, 0), 1, 'woken'),
  },
  {
    name: 'futex_requeue',
    returns: 'zx_status_t',
    args: [
      'const zx_futex_t* value_ptr',
      'uint32_t wake_count',
      'zx_futex_t current_value',
      'const zx_futex_t* requeue_ptr',
      'uint32_t requeue_count',
      'zx_handle_t new_requeue_owner',
    ],
    handler: (caller, args) =>
      requeue(caller, {
        from: numberArg(args, 0),
        wake: args[2],
        current: args[4],
        to: numberArg(args, 3),
        count: args[8],
        owner: args[10],
      }),
  },
  {
    name: 'futex_requeue_single_owner',
    returns: 'zx_status_t',
    args: [
      'const zx_futex_t* value_ptr',
      'zx_futex_t current_value',
      'const zx_futex_t* requeue_ptr',
      'uint32_t requeue_count',
      'zx_handle_t new_requeue_owner',
    ],
    handler: (caller, args) =>
      requeue(caller, {
        from: numberArg(args, 0),
        wake: null,
        current: args[2],
        to: numberArg(args, 2),
        count: args[6],
        owner: args[8],
      }),
  },
  {
    // 0 when nobody owns it.
    name: 'futex_get_owner',
    returns: 'zx_status_t',
    args: ['const zx_futex_t* value_ptr', 'zx_koid_t* koid'],
    handler: (caller, args) => {
      const self = guestThread(caller);
      if (self === null) return ZX_ERR_NOT_SUPPORTED;
      const address = numberArg(args, 0);
      if (!isFutexAddress(address)) return ZX_ERR_INVALID_ARGS;
      const owner = self.process.futexes.ownerOf(address);
      return outU64(
        caller,
        numberArg(args, 1),
        owner === null || owner.state === 'dead' ? 0 : owner.dispatcher.koid,
      );
    },
  },
  {
    name: 'nanosleep',
    returns: 'zx_status_t',
    args: ['zx_instant_mono_t deadline'],
    handler: (caller, args) => {
      const deadline = deadlineArg(args, 0);
      return deadline <= caller.core.clock.now() ? ZX_OK : sleep(deadline);
    },
  },
];
