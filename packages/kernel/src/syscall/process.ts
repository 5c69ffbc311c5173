/** Processes and jobs. */
import { ZX_POL_NEW_PROCESS } from '../abi/policy.js';
import { ZX_HANDLE_INVALID } from '../abi/object-types.js';
import {
  ZX_RIGHT_DESTROY,
  ZX_RIGHT_MANAGE_JOB,
  ZX_RIGHT_MANAGE_PROCESS,
  ZX_RIGHT_TRANSFER,
  ZX_RIGHT_WRITE,
} from '../abi/rights.js';
import {
  ZX_ERR_ACCESS_DENIED,
  ZX_ERR_BAD_HANDLE,
  ZX_ERR_BAD_STATE,
  ZX_ERR_INVALID_ARGS,
  ZX_ERR_NO_RESOURCES,
  ZX_ERR_NOT_SUPPORTED,
  ZX_ERR_OUT_OF_RANGE,
  ZX_ERR_WRONG_TYPE,
  ZX_OK,
  ZX_TASK_RETCODE_SYSCALL_KILL,
  type Status,
} from '../abi/status.js';
import { ZX_PROCESS_SHARED } from '../abi/task.js';
import { Handle } from '../object/handle-table.js';
import { JobDispatcher } from '../task/job.js';
import { ProcessDispatcher } from '../task/process.js';
import { Thread } from '../task/thread.js';
import { ThreadDispatcher } from '../task/thread-dispatcher.js';
import type { Operation } from '../task/waiter.js';
import { bigintArg, numberArg, type Caller, type SystemCall } from './call.js';
import { isUserEntry } from './thread.js';
import { creationRoom, outHandle, outHandles, withName } from './user-values.js';

function createProcess(
  caller: Caller,
  job: JobDispatcher,
  name: Uint8Array,
  outs: readonly number[],
): Status | Operation {
  const { core } = caller;
  if (job.hasEnded) return ZX_ERR_BAD_STATE;
  if (core.tasks.processes >= core.limits.processes) return ZX_ERR_NO_RESOURCES;
  const room = creationRoom(caller, 2);
  if (room !== ZX_OK) return room;
  // A process cannot be allowed more than the one that makes it.
  const process = ProcessDispatcher.create(job, name, caller.process.pagerBlocking);
  if (typeof process === 'number') return process;
  const { rootVmar } = process.space;
  return outHandles(caller, outs, [
    new Handle(process, process.defaultRights),
    new Handle(rootVmar, rootVmar.defaultRights),
  ]);
}

/**
 * Starts a process with a handle for it.
 *
 * @param arg out of the caller's table already; it is the new process's afterwards, or released
 */
function startProcess(caller: Caller, args: Uint32Array, arg: Handle | undefined): Status {
  const { handles } = caller.process;
  const process = handles.lookup(args[0], ProcessDispatcher, ZX_RIGHT_WRITE);
  if (typeof process === 'number') return process;
  const thread = handles.lookup(args[2], ThreadDispatcher, ZX_RIGHT_WRITE);
  if (typeof thread === 'number') return thread;
  if (thread.process !== process) return ZX_ERR_ACCESS_DENIED;
  const hasArg = args[8] !== ZX_HANDLE_INVALID;
  if (hasArg && arg === undefined) return ZX_ERR_BAD_HANDLE;
  if (arg !== undefined && (arg.rights & ZX_RIGHT_TRANSFER) === 0) return ZX_ERR_ACCESS_DENIED;
  if (!isUserEntry(numberArg(args, 2))) return ZX_ERR_INVALID_ARGS;
  if (process.state !== 'initial' || thread.thread.state !== 'new') return ZX_ERR_BAD_STATE;
  if (arg !== undefined && !process.handles.hasRoom(1)) return ZX_ERR_NO_RESOURCES;
  return process.start(thread, {
    pc: bigintArg(args, 2),
    sp: bigintArg(args, 3),
    arg1: arg === undefined ? 0 : process.handles.add(arg),
    arg2: bigintArg(args, 5),
  });
}

export const PROCESS_CALLS: readonly SystemCall[] = [
  {
    name: 'job_create',
    returns: 'zx_status_t',
    args: ['zx_handle_t parent_job', 'uint32_t options', 'zx_handle_t* out'],
    handler: (caller, args) => {
      if (args[2] !== 0) return ZX_ERR_INVALID_ARGS;
      const parent = caller.process.handles.lookup(args[0], JobDispatcher, ZX_RIGHT_MANAGE_JOB);
      if (typeof parent === 'number') return parent;
      if (parent.hasEnded) return ZX_ERR_BAD_STATE;
      if (parent.height === 0) return ZX_ERR_OUT_OF_RANGE;
      const room = creationRoom(caller, 1);
      if (room !== ZX_OK) return room;
      const job = new JobDispatcher(caller.core, parent);
      return outHandle(caller, numberArg(args, 2), new Handle(job, job.defaultRights));
    },
  },
  {
    // Address spaces that are shared between processes (ZX_PROCESS_SHARED) are not offered.
    name: 'process_create',
    returns: 'zx_status_t',
    policy: ZX_POL_NEW_PROCESS,
    args: [
      'zx_handle_t job',
      'const char* name',
      'size_t name_size',
      'uint32_t options',
      'zx_handle_t* proc_handle',
      'zx_handle_t* vmar_handle',
    ],
    handler: (caller, args) => {
      const options = args[6];
      const outs = [numberArg(args, 4), numberArg(args, 5)];
      if (options === ZX_PROCESS_SHARED) return ZX_ERR_NOT_SUPPORTED;
      if (options !== 0) return ZX_ERR_INVALID_ARGS;
      const job = caller.process.handles.lookup(args[0], JobDispatcher, ZX_RIGHT_MANAGE_PROCESS);
      if (typeof job === 'number') return job;
      return withName(caller, numberArg(args, 1), numberArg(args, 2), (name) =>
        createProcess(caller, job, name, outs),
      );
    },
  },
  {
    name: 'process_start',
    returns: 'zx_status_t',
    args: [
      'zx_handle_t handle',
      'zx_handle_t thread',
      'zx_vaddr_t entry',
      'zx_vaddr_t stack',
      'zx_handle_t arg1',
      'uintptr_t arg2',
    ],
    handler: (caller, args) => {
      const arg = args[8] === ZX_HANDLE_INVALID ? undefined : caller.process.handles.remove(args[8]);
      const status = startProcess(caller, args, arg);
      if (status !== ZX_OK) arg?.release();
      return status;
    },
  },
  {
    name: 'process_exit',
    returns: 'void',
    args: ['int64_t retcode'],
    noreturn: true,
    handler: (caller, args) => {
      if (!(caller.waiter instanceof Thread)) return ZX_ERR_NOT_SUPPORTED;
      caller.waiter.process.kill(bigintArg(args, 0));
      return ZX_OK;
    },
  },
  {
    name: 'task_kill',
    returns: 'zx_status_t',
    args: ['zx_handle_t handle'],
    handler: (caller, args) => {
      const handle = caller.process.handles.get(args[0]);
      if (handle === undefined) return ZX_ERR_BAD_HANDLE;
      const { dispatcher } = handle;
      if (!(dispatcher instanceof ProcessDispatcher || dispatcher instanceof JobDispatcher))
        return ZX_ERR_WRONG_TYPE;
      if ((handle.rights & ZX_RIGHT_DESTROY) === 0) return ZX_ERR_ACCESS_DENIED;
      dispatcher.kill(BigInt(ZX_TASK_RETCODE_SYSCALL_KILL));
      return ZX_OK;
    },
  },
];
