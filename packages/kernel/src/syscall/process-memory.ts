/** Reading and writing another process's memory. */
import { ZX_RIGHT_READ, ZX_RIGHT_WRITE } from '../abi/rights.js';
import {
  ZX_ERR_BAD_STATE,
  ZX_ERR_INVALID_ARGS,
  ZX_ERR_NO_MEMORY,
  ZX_ERR_SHOULD_WAIT,
  ZX_OK,
  type Status,
} from '../abi/status.js';
import { ProcessDispatcher } from '../task/process.js';
import { CopyFault, type UserMemory } from '../task/user-memory.js';
import type { Blocker, Operation } from '../task/waiter.js';
import { numberArg, type Caller, type SystemCall } from './call.js';
import { outOptionalU64, settle } from './user-values.js';

/** One call copies no more, as on Zircon. */
const LONGEST = 64 * 1024 * 1024;
/** Bytes on their way between two memories. */
const CHUNK = 4096;

/** A place in the memory of one of the two. */
interface Place {
  readonly memory: UserMemory;
  readonly address: number;
  /** Whose memory it is, when that may end before the call does. */
  readonly process: ProcessDispatcher | null;
  readonly mayWait: boolean;
}

/** A piece of one memory, once it is accessible: a view, or the status that says that it never will be. */
function* accessible(
  { memory, address, process, mayWait }: Place,
  length: number,
  write: boolean,
): Generator<Blocker, Uint8Array | Status, Status> {
  for (;;) {
    // Its address space is gone with it.
    if (process?.hasEnded === true) return ZX_ERR_BAD_STATE;
    const view = memory.view(address, length, write);
    if (view !== null) return view;
    const outcome = memory.fault(address, write);
    if (typeof outcome === 'number') {
      if (outcome !== ZX_OK) return outcome;
    } else {
      if (!mayWait) return ZX_ERR_SHOULD_WAIT;
      const status = yield new CopyFault(outcome);
      if (status !== ZX_OK) return status;
    }
  }
}

interface Transfer {
  readonly caller: Caller;
  readonly process: ProcessDispatcher;
  readonly write: boolean;
  /** In the process. */
  readonly address: number;
  /** In the caller's memory. */
  readonly buffer: number;
  readonly length: number;
  readonly actual: number;
}

/**
 * Copies until the end, or until the process's memory does: then what was copied counts, if anything was.
 *
 * Both sides may have to wait, and what one gave is gone when the other has waited: bytes pass through a buffer.
 */
function* transfer({ caller, process, write, address, buffer, length, actual }: Transfer): Operation {
  const chunk = new Uint8Array(CHUNK);
  let done = 0;
  while (done < length) {
    // The caller's own memory is waited for like everybody's; another process's only by those who may.
    const theirs = {
      memory: process.space.memory,
      address: address + done,
      process,
      mayWait: caller.mayWaitForPager,
    };
    const own = { memory: caller.memory, address: buffer + done, process: null, mayWait: true };
    const most = Math.min(CHUNK, length - done);
    const source = yield* accessible(write ? own : theirs, most, false);
    let status: Status = ZX_OK;
    if (typeof source === 'number') {
      status = source;
    } else {
      const bytes = chunk.subarray(0, Math.min(most, source.length));
      bytes.set(source.subarray(0, bytes.length));
      const target = yield* accessible(write ? theirs : own, bytes.length, true);
      if (typeof target !== 'number') {
        target.set(bytes.subarray(0, target.length));
        done += Math.min(bytes.length, target.length);
        continue;
      }
      status = target;
    }
    const isOwn = typeof source === 'number' ? write : !write;
    if (isOwn) return ZX_ERR_INVALID_ARGS;
    if (done > 0) break;
    return status === ZX_ERR_SHOULD_WAIT || status === ZX_ERR_BAD_STATE ? status : ZX_ERR_NO_MEMORY;
  }
  return yield* settle(outOptionalU64(caller, actual, done));
}

function start(caller: Caller, args: Uint32Array, write: boolean): Status | Operation {
  const length = numberArg(args, 3);
  const buffer = numberArg(args, 2);
  if (length === 0 || length > LONGEST || buffer === 0) return ZX_ERR_INVALID_ARGS;
  const rights = write ? ZX_RIGHT_WRITE : ZX_RIGHT_READ;
  const process = caller.process.handles.lookup(args[0], ProcessDispatcher, rights);
  if (typeof process === 'number') return process;
  if (process.hasEnded) return ZX_ERR_BAD_STATE;
  return transfer({
    caller,
    process,
    write,
    address: numberArg(args, 1),
    buffer,
    length,
    actual: numberArg(args, 4),
  });
}

/** ZX_ERR_NO_MEMORY: nothing is mapped at the address, or not for this; the permissions are those of the process itself. */
export const PROCESS_MEMORY_CALLS: readonly SystemCall[] = [
  {
    name: 'process_read_memory',
    returns: 'zx_status_t',
    args: ['zx_handle_t handle', 'zx_vaddr_t vaddr', 'void* buffer', 'size_t buffer_size', 'size_t* actual'],
    handler: (caller, args) => start(caller, args, false),
  },
  {
    name: 'process_write_memory',
    returns: 'zx_status_t',
    args: [
      'zx_handle_t handle',
      'zx_vaddr_t vaddr',
      'const void* buffer',
      'size_t buffer_size',
      'size_t* actual',
    ],
    handler: (caller, args) => start(caller, args, true),
  },
];
