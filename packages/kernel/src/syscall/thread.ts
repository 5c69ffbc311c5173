/** Threads. */
import { ZX_RIGHT_MANAGE_THREAD } from '../abi/rights.js';
import {
  ZX_ERR_BAD_STATE,
  ZX_ERR_INVALID_ARGS,
  ZX_ERR_NO_RESOURCES,
  ZX_ERR_NOT_SUPPORTED,
  ZX_OK,
  type Status,
} from '../abi/status.js';
import { ZX_USER_ASPACE_BASE, ZX_USER_ASPACE_SIZE } from '../abi/vm.js';
import { Handle } from '../object/handle-table.js';
import { PAUSE } from '../task/pause.js';
import { tellExit } from '../task/exception-delivery.js';
import { ProcessDispatcher } from '../task/process.js';
import { Thread, type StartRegisters } from '../task/thread.js';
import { ThreadDispatcher } from '../task/thread-dispatcher.js';
import type { Operation } from '../task/waiter.js';
import { bigintArg, numberArg, type Caller, type SystemCall } from './call.js';
import { creationRoom, outHandle, withName } from './user-values.js';

const USER_END = ZX_USER_ASPACE_BASE + ZX_USER_ASPACE_SIZE;

/** 0, or an address in the user half. */
export function isUserEntry(address: number): boolean {
  return address < USER_END;
}

function startThread(caller: Caller, value: number, registers: StartRegisters, pc: number): Status {
  const dispatcher = caller.process.handles.lookup(value, ThreadDispatcher, ZX_RIGHT_MANAGE_THREAD);
  if (typeof dispatcher === 'number') return dispatcher;
  if (!isUserEntry(pc)) return ZX_ERR_INVALID_ARGS;
  // The first thread of a process is started with it, by `zx_process_start`.
  if (dispatcher.process.state !== 'running') return ZX_ERR_BAD_STATE;
  return dispatcher.start(registers);
}

/** Ends the calling thread; its debugger hears of it before. */
function exitThread(thread: Thread): Status | Operation {
  if (thread.process.debuggerExceptions.isBound) return tellExit(thread);
  thread.kill();
  return ZX_OK;
}

function* standBack(): Operation {
  yield PAUSE;
  return ZX_OK;
}

export const THREAD_CALLS: readonly SystemCall[] = [
  {
    name: 'thread_create',
    returns: 'zx_status_t',
    args: [
      'zx_handle_t process',
      'const char* name',
      'size_t name_size',
      'uint32_t options',
      'zx_handle_t* out',
    ],
    handler: (caller, args) => {
      const out = numberArg(args, 4);
      if (args[6] !== 0) return ZX_ERR_INVALID_ARGS;
      const process = caller.process.handles.lookup(args[0], ProcessDispatcher, ZX_RIGHT_MANAGE_THREAD);
      if (typeof process === 'number') return process;
      return withName(caller, numberArg(args, 1), numberArg(args, 2), (name) => {
        if (process.hasEnded) return ZX_ERR_BAD_STATE;
        if (process.threads.size >= caller.core.limits.threadsPerProcess) return ZX_ERR_NO_RESOURCES;
        const room = creationRoom(caller, 1);
        if (room !== ZX_OK) return room;
        const thread = process.createThread(name);
        return outHandle(caller, out, new Handle(thread, thread.defaultRights));
      });
    },
  },
  {
    name: 'thread_start',
    returns: 'zx_status_t',
    args: [
      'zx_handle_t handle',
      'zx_vaddr_t thread_entry',
      'zx_vaddr_t stack',
      'uintptr_t arg1',
      'uintptr_t arg2',
    ],
    handler: (caller, args) => {
      const registers = {
        pc: bigintArg(args, 1),
        sp: bigintArg(args, 2),
        arg1: bigintArg(args, 3),
        arg2: bigintArg(args, 4),
      };
      return startThread(caller, args[0], registers, numberArg(args, 1));
    },
  },
  {
    name: 'thread_start_regs',
    returns: 'zx_status_t',
    args: [
      'zx_handle_t handle',
      'uint64_t pc',
      'uint64_t sp',
      'uint64_t arg1',
      'uint64_t arg2',
      'uint64_t tp',
      'uint64_t abi_reg',
    ],
    handler: (caller, args) => {
      const registers = {
        pc: bigintArg(args, 1),
        sp: bigintArg(args, 2),
        arg1: bigintArg(args, 3),
        arg2: bigintArg(args, 4),
        tp: bigintArg(args, 5),
        gp: bigintArg(args, 6),
      };
      return startThread(caller, args[0], registers, numberArg(args, 1));
    },
  },
  {
    name: 'thread_exit',
    returns: 'void',
    args: [],
    noreturn: true,
    handler: (caller) => {
      if (!(caller.waiter instanceof Thread)) return ZX_ERR_NOT_SUPPORTED;
      return exitThread(caller.waiter);
    },
  },
  {
    // Lets every other runnable thread have a turn.
    name: 'thread_legacy_yield',
    returns: 'zx_status_t',
    args: ['uint32_t options'],
    handler: (_caller, args) => (args[0] === 0 ? standBack() : ZX_ERR_INVALID_ARGS),
  },
];
