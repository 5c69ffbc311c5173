/** Handles: closing, duplicating, replacing. */
import { ZX_HANDLE_FIXED_BITS_MASK, ZX_HANDLE_INVALID } from '../abi/object-types.js';
import { ZX_RIGHT_DUPLICATE, ZX_RIGHT_SAME_RIGHTS, type Rights } from '../abi/rights.js';
import {
  ZX_ERR_ACCESS_DENIED,
  ZX_ERR_BAD_HANDLE,
  ZX_ERR_INVALID_ARGS,
  ZX_ERR_NOT_FOUND,
  ZX_ERR_OUT_OF_RANGE,
  ZX_OK,
  type Status,
} from '../abi/status.js';
import { Handle } from '../object/handle-table.js';
import { faultIn, tryCopyIn } from '../task/user-memory.js';
import { PAUSE } from '../task/pause.js';
import type { Operation } from '../task/waiter.js';
import { numberArg, type Caller, type SystemCall } from './call.js';
import { handleRoom, outHandle } from './user-values.js';

/** Handles that are closed before others get their turn. */
const CLOSE_AT_ONCE = 1024;

/**
 * The rights of a copy: SAME_RIGHTS as the whole value, or a subset.
 *
 * @returns the rights; undefined when more is asked for than there is
 */
export function rightsForCopy(source: Rights, asked: Rights): Rights | undefined {
  if (asked === ZX_RIGHT_SAME_RIGHTS) return source;
  return (asked & ~source) === 0 ? asked : undefined;
}

/**
 * Closes every valid handle of an array in user memory.
 *
 * @returns ZX_OK; ZX_ERR_BAD_HANDLE: an entry was invalid; ZX_ERR_INVALID_ARGS: the array could not be read to its end
 */
export function* closeAll(caller: Caller, address: number, count: number): Operation {
  const chunk = new Uint8Array(4 * Math.min(count, CLOSE_AT_ONCE));
  const view = new DataView(chunk.buffer);
  let status: Status = ZX_OK;
  for (let done = 0; done < count;) {
    const entries = Math.min(count - done, CLOSE_AT_ONCE);
    const from = address + 4 * done;
    const into = chunk.subarray(0, 4 * entries);
    let copied = 0;
    for (;;) {
      copied += tryCopyIn(caller.memory, from + copied, into.subarray(copied));
      if (copied === into.length) break;
      const fault = yield* faultIn(caller.memory, from + copied, false);
      if (fault !== ZX_OK) return ZX_ERR_INVALID_ARGS;
    }
    for (let index = 0; index < entries; index += 1) {
      const value = view.getUint32(4 * index, true);
      if (value === ZX_HANDLE_INVALID) continue;
      const handle = caller.process.handles.remove(value);
      if (handle === undefined) status = ZX_ERR_BAD_HANDLE;
      else handle.release();
    }
    done += entries;
    if (done < count) yield PAUSE;
  }
  return status;
}

export const HANDLE_CALLS: readonly SystemCall[] = [
  {
    name: 'handle_close',
    returns: 'zx_status_t',
    args: ['zx_handle_t handle'],
    handler: (caller, args) => {
      if (args[0] === ZX_HANDLE_INVALID) return ZX_OK;
      const handle = caller.process.handles.remove(args[0]);
      if (handle === undefined) return ZX_ERR_BAD_HANDLE;
      handle.release();
      return ZX_OK;
    },
  },
  {
    name: 'handle_close_many',
    returns: 'zx_status_t',
    args: ['const zx_handle_t* handles', 'size_t num_handles'],
    handler: (caller, args) => closeAll(caller, numberArg(args, 0), numberArg(args, 1)),
  },
  {
    name: 'handle_duplicate',
    returns: 'zx_status_t',
    args: ['zx_handle_t handle', 'zx_rights_t rights', 'zx_handle_t* out'],
    handler: (caller, args) => {
      const source = caller.process.handles.get(args[0]);
      if (source === undefined) return ZX_ERR_BAD_HANDLE;
      if ((source.rights & ZX_RIGHT_DUPLICATE) === 0) return ZX_ERR_ACCESS_DENIED;
      const rights = rightsForCopy(source.rights, args[2]);
      if (rights === undefined) return ZX_ERR_INVALID_ARGS;
      const room = handleRoom(caller, 1);
      if (room !== ZX_OK) return room;
      return outHandle(caller, numberArg(args, 2), new Handle(source.dispatcher, rights));
    },
  },
  {
    // The source goes whatever happens: also when the rights are refused, also when the pointer is bad.
    name: 'handle_replace',
    returns: 'zx_status_t',
    args: ['zx_handle_t handle', 'zx_rights_t rights', 'zx_handle_t* out'],
    handler: (caller, args) => {
      const asked = args[2];
      const address = numberArg(args, 2);
      const source = caller.process.handles.remove(args[0]);
      if (source === undefined) return ZX_ERR_BAD_HANDLE;
      const rights = rightsForCopy(source.rights, asked);
      if (rights === undefined) {
        source.release();
        return ZX_ERR_INVALID_ARGS;
      }
      const replacement = new Handle(source.dispatcher, rights);
      source.release();
      return outHandle(caller, address, replacement);
    },
  },
  {
    name: 'handle_check_valid',
    returns: 'zx_status_t',
    args: ['zx_handle_t handle'],
    handler: (caller, args) => {
      const value = args[0];
      if (value === ZX_HANDLE_INVALID) return ZX_ERR_INVALID_ARGS;
      if ((value & ZX_HANDLE_FIXED_BITS_MASK) !== ZX_HANDLE_FIXED_BITS_MASK) return ZX_ERR_OUT_OF_RANGE;
      return caller.process.handles.get(value) === undefined ? ZX_ERR_NOT_FOUND : ZX_OK;
    },
  },
];
