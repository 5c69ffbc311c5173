/** Suspending threads and processes, and what can be seen and changed of a thread that does not run. */
import { ZX_RIGHT_READ, ZX_RIGHT_WRITE } from '../abi/rights.js';
import {
  ZX_ERR_ACCESS_DENIED,
  ZX_ERR_BAD_HANDLE,
  ZX_ERR_BAD_STATE,
  ZX_ERR_BUFFER_TOO_SMALL,
  ZX_ERR_INVALID_ARGS,
  ZX_ERR_NOT_SUPPORTED,
  ZX_ERR_WRONG_TYPE,
  ZX_OK,
  type Status,
} from '../abi/status.js';
import {
  ZX_THREAD_STATE_DEBUG_REGS,
  ZX_THREAD_STATE_FP_REGS,
  ZX_THREAD_STATE_GENERAL_REGS,
  ZX_THREAD_STATE_SINGLE_STEP,
  ZX_THREAD_STATE_VECTOR_REGS,
} from '../abi/task.js';
import { Handle } from '../object/handle-table.js';
import { ProcessDispatcher } from '../task/process.js';
import { FLOATING_POINT_REGISTERS, GENERAL_REGISTERS, type RegisterSet } from '../task/register-state.js';
import { SuspendTokenDispatcher } from '../task/suspend-token.js';
import type { Thread } from '../task/thread.js';
import { ThreadDispatcher } from '../task/thread-dispatcher.js';
import type { Operation } from '../task/waiter.js';
import { numberArg, type Caller, type SystemCall } from './call.js';
import { creationRoom, outBytes, outHandle, withStruct } from './user-values.js';

/** The task behind a handle; a caller cannot suspend itself, since it could not take the token. */
function suspendable(caller: Caller, value: number): Thread | ProcessDispatcher | Status {
  const handle = caller.process.handles.get(value);
  if (handle === undefined) return ZX_ERR_BAD_HANDLE;
  const { dispatcher } = handle;
  if (!(dispatcher instanceof ThreadDispatcher || dispatcher instanceof ProcessDispatcher))
    return ZX_ERR_WRONG_TYPE;
  if ((handle.rights & ZX_RIGHT_WRITE) === 0) return ZX_ERR_ACCESS_DENIED;
  const task = dispatcher instanceof ThreadDispatcher ? dispatcher.thread : dispatcher;
  return task === caller.waiter || dispatcher === caller.process ? ZX_ERR_NOT_SUPPORTED : task;
}

function suspend(caller: Caller, args: Uint32Array): Status | Operation {
  const out = numberArg(args, 1);
  const task = suspendable(caller, args[0]);
  if (typeof task === 'number') return task;
  const room = creationRoom(caller, 1);
  if (room !== ZX_OK) return room;
  const status = task.suspend();
  if (status !== ZX_OK) return status;
  const token = new SuspendTokenDispatcher(caller.core, task);
  return outHandle(caller, out, new Handle(token, token.defaultRights));
}

/** A kind of registers; ZX_ERR_NOT_SUPPORTED for those that these harts do not have. */
function registerSet(kind: number): RegisterSet | Status {
  switch (kind) {
    case ZX_THREAD_STATE_GENERAL_REGS:
      return GENERAL_REGISTERS;
    case ZX_THREAD_STATE_FP_REGS:
      return FLOATING_POINT_REGISTERS;
    case ZX_THREAD_STATE_VECTOR_REGS:
    case ZX_THREAD_STATE_DEBUG_REGS:
    case ZX_THREAD_STATE_SINGLE_STEP:
      return ZX_ERR_NOT_SUPPORTED;
    default:
      return ZX_ERR_INVALID_ARGS;
  }
}

function readState(caller: Caller, args: Uint32Array): Status | Operation {
  const buffer = numberArg(args, 2);
  const dispatcher = caller.process.handles.lookup(args[0], ThreadDispatcher, ZX_RIGHT_READ);
  if (typeof dispatcher === 'number') return dispatcher;
  const { thread } = dispatcher;
  if (!thread.isStopped) return ZX_ERR_BAD_STATE;
  const set = registerSet(args[2]);
  if (typeof set === 'number') return set;
  if (numberArg(args, 3) < set.bytes) return ZX_ERR_BUFFER_TOO_SMALL;
  const bytes = new Uint8Array(set.bytes);
  set.read(thread.registers, new DataView(bytes.buffer));
  return outBytes(caller, buffer, bytes);
}

function writeState(caller: Caller, args: Uint32Array): Status | Operation {
  const buffer = numberArg(args, 2);
  const dispatcher = caller.process.handles.lookup(args[0], ThreadDispatcher, ZX_RIGHT_WRITE);
  if (typeof dispatcher === 'number') return dispatcher;
  const { thread } = dispatcher;
  if (!thread.isStopped) return ZX_ERR_BAD_STATE;
  const set = registerSet(args[2]);
  if (typeof set === 'number') return set;
  if (numberArg(args, 3) !== set.bytes) return ZX_ERR_INVALID_ARGS;
  return withStruct(caller, buffer, set.bytes, (view) => {
    // It may have gone on while the buffer was fetched.
    if (!thread.isStopped) return ZX_ERR_BAD_STATE;
    const status = set.write(thread.registers, view);
    if (status === ZX_OK && set === GENERAL_REGISTERS) thread.redirected();
    return status;
  });
}

export const SUSPEND_CALLS: readonly SystemCall[] = [
  {
    // The older name.
    name: 'task_suspend',
    returns: 'zx_status_t',
    args: ['zx_handle_t handle', 'zx_handle_t* token'],
    handler: suspend,
  },
  {
    name: 'task_suspend_token',
    returns: 'zx_status_t',
    args: ['zx_handle_t handle', 'zx_handle_t* token'],
    handler: suspend,
  },
  {
    name: 'thread_read_state',
    returns: 'zx_status_t',
    args: ['zx_handle_t handle', 'uint32_t kind', 'void* buffer', 'size_t buffer_size'],
    handler: readState,
  },
  {
    name: 'thread_write_state',
    returns: 'zx_status_t',
    args: ['zx_handle_t handle', 'uint32_t kind', 'const void* buffer', 'size_t buffer_size'],
    handler: writeState,
  },
];
