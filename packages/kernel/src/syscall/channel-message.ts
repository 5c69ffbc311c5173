/** Messages out of user memory: their bytes, in one piece or from a vector, and their handles, out of the sender's table. */
import {
  ZX_CHANNEL_MAX_MSG_BYTES,
  ZX_CHANNEL_MAX_MSG_HANDLES,
  ZX_CHANNEL_MAX_MSG_IOVECS,
} from '../abi/abi-limits.js';
import {
  DISPOSITION_BYTES,
  DISPOSITION_HANDLE,
  DISPOSITION_OPERATION,
  DISPOSITION_RESULT,
  DISPOSITION_RIGHTS,
  DISPOSITION_TYPE,
  IOVEC_BUFFER,
  IOVEC_BYTES,
  IOVEC_CAPACITY,
  IOVEC_RESERVED,
  ZX_HANDLE_OP_DUPLICATE,
  ZX_HANDLE_OP_MOVE,
} from '../abi/channel.js';
import { ZX_OBJ_TYPE_NONE } from '../abi/object-types.js';
import { ZX_RIGHT_DUPLICATE, ZX_RIGHT_TRANSFER } from '../abi/rights.js';
import {
  ZX_ERR_ACCESS_DENIED,
  ZX_ERR_BAD_HANDLE,
  ZX_ERR_INVALID_ARGS,
  ZX_ERR_NOT_SUPPORTED,
  ZX_ERR_OUT_OF_RANGE,
  ZX_ERR_WRONG_TYPE,
  ZX_OK,
  type Status,
} from '../abi/status.js';
import { Message, type ChannelDispatcher } from '../ipc/channel.js';
import { Handle } from '../object/handle-table.js';
import { PAUSE } from '../task/pause.js';
import { copyIn } from '../task/user-memory.js';
import type { Blocker, Operation } from '../task/waiter.js';
import type { Caller } from './call.js';
import { rightsForCopy } from './handle.js';
import { getU64, outBytes, settle } from './user-values.js';

/** `plain`: an array of handles, all moved. `etc`: `zx_handle_disposition_t` on the way in, `zx_handle_info_t` on the way out. */
export type HandleForm = 'plain' | 'etc';

/** Where a writer keeps a message. */
export interface MessageSource {
  /** Address of the bytes, or of the `zx_channel_iovec_t`s that name them. */
  readonly bytes: number;
  readonly byteCount: number;
  readonly handles: number;
  readonly handleCount: number;
  readonly usesVector: boolean;
  readonly form: HandleForm;
}

/** Handles that are looked at before others get their turn. */
const AT_ONCE = 1024;

/**
 * Makes a message.
 *
 * Errors, in this order: ZX_ERR_OUT_OF_RANGE (more than 65536 bytes, 8192 vectors or 64 handles), ZX_ERR_INVALID_ARGS (memory
 * not readable, a vector's reserved field), and of each handle in turn, the first one counting: ZX_ERR_BAD_HANDLE (also when it
 * was listed before), ZX_ERR_NOT_SUPPORTED (the channel's own), ZX_ERR_WRONG_TYPE, ZX_ERR_ACCESS_DENIED (TRANSFER, DUPLICATE), ZX_ERR_INVALID_ARGS.
 * Listed handles to be moved are consumed in every case, as far as the list can be read.
 */
export function* takeMessage(
  caller: Caller,
  channel: ChannelDispatcher,
  source: MessageSource,
): Generator<Blocker, Message | Status, Status> {
  const bytes =
    source.handleCount > ZX_CHANNEL_MAX_MSG_HANDLES
      ? ZX_ERR_OUT_OF_RANGE
      : yield* takeBytes(caller, source.bytes, source.byteCount, source.usesVector);
  if (typeof bytes === 'number') {
    yield* discardHandles(caller, source);
    return bytes;
  }
  if (source.handleCount === 0) return new Message(bytes, []);
  const list = new Uint8Array(entryBytes(source.form) * source.handleCount);
  if ((yield* copyIn(caller.memory, source.handles, list)) !== ZX_OK) return ZX_ERR_INVALID_ARGS;
  const handles = source.form === 'plain' ? moveAll(caller, channel, list) : dispose(caller, channel, list);
  if (typeof handles !== 'number') return new Message(bytes, handles);
  // What became of each handle; that this cannot be said does not change what went wrong.
  if (source.form === 'etc') yield* settle(outBytes(caller, source.handles, list));
  return handles;
}

/** Consumes the handles listed for a message that will not be sent. More than a table can hold are not all valid, and not all looked at. */
export function* discardHandles(caller: Caller, source: MessageSource): Operation {
  const size = entryBytes(source.form);
  const count = Math.min(source.handleCount, caller.core.limits.handlesPerProcess);
  for (let done = 0; done < count; done += AT_ONCE) {
    if (done > 0) yield PAUSE;
    const list = new Uint8Array(size * Math.min(count - done, AT_ONCE));
    if ((yield* copyIn(caller.memory, source.handles + size * done, list)) !== ZX_OK) return ZX_OK;
    const view = new DataView(list.buffer);
    for (let position = 0; position < list.length; position += size) {
      const moved =
        source.form === 'plain' ||
        view.getUint32(position + DISPOSITION_OPERATION, true) === ZX_HANDLE_OP_MOVE;
      if (!moved) continue;
      const value = view.getUint32(position + (source.form === 'plain' ? 0 : DISPOSITION_HANDLE), true);
      caller.process.handles.remove(value)?.release();
    }
  }
  return ZX_OK;
}

function entryBytes(form: HandleForm): number {
  return form === 'plain' ? 4 : DISPOSITION_BYTES;
}

function* takeBytes(
  caller: Caller,
  address: number,
  count: number,
  usesVector: boolean,
): Generator<Blocker, Uint8Array | Status, Status> {
  if (!usesVector) {
    if (count > ZX_CHANNEL_MAX_MSG_BYTES) return ZX_ERR_OUT_OF_RANGE;
    const bytes = new Uint8Array(count);
    return (yield* copyIn(caller.memory, address, bytes)) === ZX_OK ? bytes : ZX_ERR_INVALID_ARGS;
  }
  if (count > ZX_CHANNEL_MAX_MSG_IOVECS) return ZX_ERR_OUT_OF_RANGE;
  const vector = new Uint8Array(IOVEC_BYTES * count);
  if ((yield* copyIn(caller.memory, address, vector)) !== ZX_OK) return ZX_ERR_INVALID_ARGS;
  const view = new DataView(vector.buffer);
  let total = 0;
  for (let position = 0; position < vector.length; position += IOVEC_BYTES) {
    if (view.getUint32(position + IOVEC_RESERVED, true) !== 0) return ZX_ERR_INVALID_ARGS;
    total += view.getUint32(position + IOVEC_CAPACITY, true);
    if (total > ZX_CHANNEL_MAX_MSG_BYTES) return ZX_ERR_OUT_OF_RANGE;
  }
  const bytes = new Uint8Array(total);
  let done = 0;
  for (let position = 0; position < vector.length; position += IOVEC_BYTES) {
    const capacity = view.getUint32(position + IOVEC_CAPACITY, true);
    const part = bytes.subarray(done, done + capacity);
    if ((yield* copyIn(caller.memory, getU64(view, position + IOVEC_BUFFER), part)) !== ZX_OK) {
      return ZX_ERR_INVALID_ARGS;
    }
    done += capacity;
  }
  return bytes;
}

/** Takes every handle of a plain list out of the table; all of them, or the first error and none. */
function moveAll(caller: Caller, channel: ChannelDispatcher, list: Uint8Array): Handle[] | Status {
  const view = new DataView(list.buffer);
  const moved: Handle[] = [];
  let status: Status = ZX_OK;
  for (let position = 0; position < list.length; position += 4) {
    const handle = caller.process.handles.remove(view.getUint32(position, true));
    if (handle !== undefined) moved.push(handle);
    if (status !== ZX_OK) continue;
    if (handle === undefined) status = ZX_ERR_BAD_HANDLE;
    else if (handle.dispatcher === channel) status = ZX_ERR_NOT_SUPPORTED;
    else if ((handle.rights & ZX_RIGHT_TRANSFER) === 0) status = ZX_ERR_ACCESS_DENIED;
  }
  if (status === ZX_OK) return moved;
  for (const handle of moved) handle.release();
  return status;
}

/** Carries out a list of dispositions, and writes each one's result into it; all of them, or the first error and none. */
function dispose(caller: Caller, channel: ChannelDispatcher, list: Uint8Array): Handle[] | Status {
  const taken: Handle[] = [];
  let first: Status = ZX_OK;
  for (let position = 0; position < list.length; position += DISPOSITION_BYTES) {
    const view = new DataView(list.buffer, position, DISPOSITION_BYTES);
    const outcome = disposeOne(caller, channel, view);
    const status = typeof outcome === 'number' ? outcome : ZX_OK;
    view.setInt32(DISPOSITION_RESULT, status, true);
    if (first === ZX_OK) first = status;
    if (typeof outcome !== 'number') taken.push(outcome);
  }
  if (first === ZX_OK) return taken;
  for (const handle of taken) handle.release();
  return first;
}

function disposeOne(caller: Caller, channel: ChannelDispatcher, view: DataView): Handle | Status {
  const { handles } = caller.process;
  const operation = view.getUint32(DISPOSITION_OPERATION, true);
  const value = view.getUint32(DISPOSITION_HANDLE, true);
  if (operation === ZX_HANDLE_OP_MOVE) {
    const source = handles.remove(value);
    if (source === undefined) return ZX_ERR_BAD_HANDLE;
    const outcome = checkDisposition(channel, source, view, ZX_RIGHT_TRANSFER);
    source.release();
    return outcome;
  }
  if (operation !== ZX_HANDLE_OP_DUPLICATE) return ZX_ERR_INVALID_ARGS;
  const source = handles.get(value);
  if (source === undefined) return ZX_ERR_BAD_HANDLE;
  return checkDisposition(channel, source, view, ZX_RIGHT_TRANSFER | ZX_RIGHT_DUPLICATE);
}

/** The handle that travels; made before the source is released, so that the object lives on. */
function checkDisposition(
  channel: ChannelDispatcher,
  source: Handle,
  view: DataView,
  needed: number,
): Handle | Status {
  if (source.dispatcher === channel) return ZX_ERR_NOT_SUPPORTED;
  const type = view.getUint32(DISPOSITION_TYPE, true);
  if (type !== ZX_OBJ_TYPE_NONE && type !== source.dispatcher.type) return ZX_ERR_WRONG_TYPE;
  if ((source.rights & needed) !== needed) return ZX_ERR_ACCESS_DENIED;
  const asked = view.getUint32(DISPOSITION_RIGHTS, true);
  const rights = rightsForCopy(source.rights, asked);
  return rights === undefined ? ZX_ERR_INVALID_ARGS : new Handle(source.dispatcher, rights);
}
