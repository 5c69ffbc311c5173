/** Exceptions: who hears of them, whose they are, and raising one. */
import {
  EXCEPTION_CONTEXT_BYTES,
  EXCEPTION_CONTEXT_SYNTH_CODE,
  EXCEPTION_CONTEXT_SYNTH_DATA,
  ZX_EXCEPTION_CHANNEL_DEBUGGER,
  ZX_EXCEPTION_TARGET_JOB_DEBUGGER,
  ZX_EXCP_USER,
} from '../abi/exceptions.js';
import {
  ZX_DEFAULT_PROCESS_RIGHTS,
  ZX_DEFAULT_THREAD_RIGHTS,
  ZX_RIGHT_DUPLICATE,
  ZX_RIGHT_ENUMERATE,
  ZX_RIGHT_INSPECT,
  ZX_RIGHT_MANAGE_THREAD,
  ZX_RIGHT_NONE,
  ZX_RIGHT_TRANSFER,
} from '../abi/rights.js';
import {
  ZX_ERR_ACCESS_DENIED,
  ZX_ERR_BAD_HANDLE,
  ZX_ERR_INVALID_ARGS,
  ZX_ERR_NOT_SUPPORTED,
  ZX_ERR_WRONG_TYPE,
  ZX_OK,
  type Status,
} from '../abi/status.js';
import { Handle } from '../object/handle-table.js';
import { raiseUserException } from '../task/exception-delivery.js';
import { ExceptionDispatcher } from '../task/exception-dispatcher.js';
import { JobDispatcher } from '../task/job.js';
import { ProcessDispatcher } from '../task/process.js';
import { Thread } from '../task/thread.js';
import { ThreadDispatcher } from '../task/thread-dispatcher.js';
import type { Operation } from '../task/waiter.js';
import { numberArg, type Caller, type SystemCall } from './call.js';
import { creationRoom, outHandle, withStruct } from './user-values.js';

const THREAD_CHANNEL_RIGHTS =
  ZX_RIGHT_INSPECT | ZX_RIGHT_DUPLICATE | ZX_RIGHT_TRANSFER | ZX_RIGHT_MANAGE_THREAD;
const GROUP_CHANNEL_RIGHTS = THREAD_CHANNEL_RIGHTS | ZX_RIGHT_ENUMERATE;

/** A handler cannot do more to a task than the handle allows that the channel was made with. */
function createChannel(caller: Caller, args: Uint32Array): Status | Operation {
  const out = numberArg(args, 2);
  const options = args[2];
  if ((options & ~ZX_EXCEPTION_CHANNEL_DEBUGGER) !== 0) return ZX_ERR_INVALID_ARGS;
  const handle = caller.process.handles.get(args[0]);
  if (handle === undefined) return ZX_ERR_BAD_HANDLE;
  const { dispatcher: task, rights } = handle;
  const isDebugger = options === ZX_EXCEPTION_CHANNEL_DEBUGGER;
  const isThread = task instanceof ThreadDispatcher;
  if (!isThread && !(task instanceof ProcessDispatcher) && !(task instanceof JobDispatcher))
    return ZX_ERR_WRONG_TYPE;
  const needed = isThread ? THREAD_CHANNEL_RIGHTS : GROUP_CHANNEL_RIGHTS;
  if ((rights & needed) !== needed) return ZX_ERR_ACCESS_DENIED;
  if (isThread && isDebugger) return ZX_ERR_INVALID_ARGS;
  // The two ends of a channel.
  const room = creationRoom(caller, 2);
  if (room !== ZX_OK) return room;
  const place = !isThread && isDebugger ? task.debuggerExceptions : task.exceptions;
  const threadRights = isThread ? rights : ZX_DEFAULT_THREAD_RIGHTS;
  const end = place.bind(caller.core, threadRights, processRights(task, rights));
  return typeof end === 'number' ? end : outHandle(caller, out, end);
}

function processRights(task: ThreadDispatcher | ProcessDispatcher | JobDispatcher, rights: number): number {
  if (task instanceof ThreadDispatcher) return ZX_RIGHT_NONE;
  return task instanceof ProcessDispatcher ? rights : ZX_DEFAULT_PROCESS_RIGHTS;
}

/** A handle to the thread or process of an exception, with the rights that its handler has. */
function getTask(
  caller: Caller,
  args: Uint32Array,
  task: (exception: ExceptionDispatcher) => Handle | null,
): Status | Operation {
  const out = numberArg(args, 1);
  const exception = caller.process.handles.lookup(args[0], ExceptionDispatcher, ZX_RIGHT_NONE);
  if (typeof exception === 'number') return exception;
  const room = creationRoom(caller, 1);
  if (room !== ZX_OK) return room;
  const handle = task(exception);
  return handle === null ? ZX_ERR_ACCESS_DENIED : outHandle(caller, out, handle);
}

export const EXCEPTION_CALLS: readonly SystemCall[] = [
  {
    name: 'task_create_exception_channel',
    returns: 'zx_status_t',
    args: ['zx_handle_t handle', 'uint32_t options', 'zx_handle_t* out'],
    handler: createChannel,
  },
  {
    name: 'exception_get_thread',
    returns: 'zx_status_t',
    args: ['zx_handle_t handle', 'zx_handle_t* out'],
    handler: (caller, args) =>
      getTask(caller, args, ({ thread, threadRights }) => new Handle(thread, threadRights)),
  },
  {
    // ZX_ERR_ACCESS_DENIED: it came over a thread's own channel.
    name: 'exception_get_process',
    returns: 'zx_status_t',
    args: ['zx_handle_t handle', 'zx_handle_t* out'],
    handler: (caller, args) =>
      getTask(caller, args, ({ thread, processRights: given }) =>
        given === ZX_RIGHT_NONE ? null : new Handle(thread.process, given),
      ),
  },
  {
    name: 'thread_raise_exception',
    returns: 'zx_status_t',
    args: ['uint32_t options', 'uint32_t type', 'const void* context'],
    handler: (caller, args) => {
      const { waiter } = caller;
      if (!(waiter instanceof Thread)) return ZX_ERR_NOT_SUPPORTED;
      if (args[0] !== ZX_EXCEPTION_TARGET_JOB_DEBUGGER || args[2] !== ZX_EXCP_USER)
        return ZX_ERR_INVALID_ARGS;
      return withStruct(caller, numberArg(args, 2), EXCEPTION_CONTEXT_BYTES, (view) =>
        raiseUserException(
          waiter,
          view.getUint32(EXCEPTION_CONTEXT_SYNTH_CODE, true),
          view.getUint32(EXCEPTION_CONTEXT_SYNTH_DATA, true),
        ),
      );
    },
  },
];
