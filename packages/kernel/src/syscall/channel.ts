/** Channels: making, reading, calling. Messages are put together in `channel-message.ts`. */
import { ZX_POL_NEW_CHANNEL } from '../abi/policy.js';
import { ZX_CHANNEL_MAX_MSG_BYTES } from '../abi/abi-limits.js';
import {
  CALL_ARGS_BYTES,
  CALL_ARGS_RD_BYTES,
  CALL_ARGS_RD_HANDLES,
  CALL_ARGS_RD_NUM_BYTES,
  CALL_ARGS_RD_NUM_HANDLES,
  CALL_ARGS_WR_BYTES,
  CALL_ARGS_WR_HANDLES,
  CALL_ARGS_WR_NUM_BYTES,
  CALL_ARGS_WR_NUM_HANDLES,
  HANDLE_INFO_BYTES,
  HANDLE_INFO_HANDLE,
  HANDLE_INFO_RIGHTS,
  HANDLE_INFO_TYPE,
  ZX_CHANNEL_READ_MAY_DISCARD,
  ZX_CHANNEL_WRITE_USE_IOVEC,
} from '../abi/channel.js';
import { ZX_RIGHT_READ, ZX_RIGHT_WRITE, type Rights } from '../abi/rights.js';
import {
  ZX_ERR_BUFFER_TOO_SMALL,
  ZX_ERR_INVALID_ARGS,
  ZX_ERR_NO_RESOURCES,
  ZX_OK,
  type Status,
} from '../abi/status.js';
import { ChannelDispatcher, Message } from '../ipc/channel.js';
import { Handle } from '../object/handle-table.js';
import { tryCopyIn } from '../task/user-memory.js';
import type { Blocker, Operation } from '../task/waiter.js';
import { deadlineArg, numberArg, type Caller, type SystemCall } from './call.js';
import { discardHandles, takeMessage, type HandleForm, type MessageSource } from './channel-message.js';
import {
  andThen,
  creationRoom,
  getU64,
  handleRoom,
  outBytes,
  outHandles,
  outOptionalU32,
  settle,
  withStruct,
} from './user-values.js';

/** Where a reader wants a message. */
interface MessageTarget {
  readonly bytes: number;
  readonly handles: number;
  readonly bytesRoom: number;
  readonly handlesRoom: number;
  readonly actualBytes: number;
  readonly actualHandles: number;
  readonly form: HandleForm;
}

function fits(message: Message, target: MessageTarget): boolean {
  return message.bytes.length <= target.bytesRoom && message.handles.length <= target.handlesRoom;
}

/** Gives the sizes of a message. */
function giveSizes(caller: Caller, message: Message, target: MessageTarget): Status | Operation {
  return andThen(outOptionalU32(caller, target.actualBytes, message.bytes.length), (status) =>
    status === ZX_OK ? outOptionalU32(caller, target.actualHandles, message.handles.length) : status,
  );
}

/** Gives the sizes and bytes of a message. */
function giveBytes(caller: Caller, message: Message, target: MessageTarget): Status | Operation {
  return andThen(giveSizes(caller, message, target), (status) => {
    if (status !== ZX_OK || message.bytes.length === 0) return status;
    return target.bytes === 0 ? ZX_ERR_INVALID_ARGS : outBytes(caller, target.bytes, message.bytes);
  });
}

/**
 * Gives a message with handles that was taken: sizes, bytes, handles. It is the caller's when this returns ZX_OK, and lost when a pointer is bad.
 * ZX_ERR_NO_RESOURCES: the table has filled up while this waited.
 */
function* deliver(caller: Caller, message: Message, target: MessageTarget): Operation {
  const table = caller.process.handles;
  let delivered = false;
  const values: number[] = [];
  try {
    let status = yield* settle(giveBytes(caller, message, target));
    if (status !== ZX_OK) return status;
    if (target.handles === 0) return ZX_ERR_INVALID_ARGS;
    if (!table.hasRoom(message.handles.length)) return ZX_ERR_NO_RESOURCES;
    for (const handle of message.handles) values.push(table.add(handle));
    const records = encodeHandles(message.handles, values, target.form);
    status = yield* settle(outBytes(caller, target.handles, records));
    delivered = status === ZX_OK;
    return status;
  } finally {
    if (!delivered) {
      message.handles.forEach((handle, index) => {
        const value = values[index];
        // In the table already: only if nobody closed it there meanwhile.
        if (value === undefined) handle.release();
        else if (table.get(value) === handle) table.remove(value)?.release();
      });
    }
  }
}

function encodeHandles(handles: readonly Handle[], values: readonly number[], form: HandleForm): Uint8Array {
  const recordBytes = form === 'plain' ? 4 : HANDLE_INFO_BYTES;
  const bytes = new Uint8Array(recordBytes * handles.length);
  const view = new DataView(bytes.buffer);
  handles.forEach((handle, index) => {
    const position = recordBytes * index;
    view.setUint32(position + HANDLE_INFO_HANDLE, values[index], true);
    if (form === 'plain') return;
    view.setUint32(position + HANDLE_INFO_TYPE, handle.dispatcher.type, true);
    view.setUint32(position + HANDLE_INFO_RIGHTS, handle.rights, true);
  });
  return bytes;
}

/** Gives a message that was taken: without handles there is nothing that could be left behind. */
function give(caller: Caller, message: Message, target: MessageTarget): Status | Operation {
  return message.handles.length === 0 ? giveBytes(caller, message, target) : deliver(caller, message, target);
}

function tooSmall(caller: Caller, message: Message, target: MessageTarget): Status | Operation {
  return andThen(giveSizes(caller, message, target), (status) =>
    status === ZX_OK ? ZX_ERR_BUFFER_TOO_SMALL : status,
  );
}

function read(caller: Caller, args: Uint32Array, form: HandleForm): Status | Operation {
  const options = args[2];
  if ((options & ~ZX_CHANNEL_READ_MAY_DISCARD) !== 0) return ZX_ERR_INVALID_ARGS;
  const channel = caller.process.handles.lookup(args[0], ChannelDispatcher, ZX_RIGHT_READ);
  if (typeof channel === 'number') return channel;
  const target: MessageTarget = {
    bytes: numberArg(args, 2),
    handles: numberArg(args, 3),
    bytesRoom: args[8],
    handlesRoom: args[10],
    actualBytes: numberArg(args, 6),
    actualHandles: numberArg(args, 7),
    form,
  };
  const message = channel.peek();
  if (typeof message === 'number') return message;
  if (!fits(message, target)) {
    if ((options & ZX_CHANNEL_READ_MAY_DISCARD) !== 0) channel.take().discard();
    return tooSmall(caller, message, target);
  }
  const room = handleRoom(caller, message.handles.length);
  if (room !== ZX_OK) return room;
  return give(caller, channel.take(), target);
}

/** The channel a message goes to; on errors the handles listed in `source` are consumed. */
function* channelForWriting(
  caller: Caller,
  value: number,
  options: number,
  rights: Rights,
  source: MessageSource,
): Generator<Blocker, ChannelDispatcher | Status, Status> {
  const channel =
    (options & ~ZX_CHANNEL_WRITE_USE_IOVEC) === 0
      ? caller.process.handles.lookup(value, ChannelDispatcher, rights)
      : ZX_ERR_INVALID_ARGS;
  if (typeof channel === 'number') yield* discardHandles(caller, source);
  return channel;
}

/** A message without handles whose bytes are at hand; undefined: anything else, errors too. */
function writeAtOnce(caller: Caller, args: Uint32Array): Status | undefined {
  const count = args[6];
  if (args[2] !== 0 || args[10] !== 0 || count > ZX_CHANNEL_MAX_MSG_BYTES) return undefined;
  const channel = caller.process.handles.lookup(args[0], ChannelDispatcher, ZX_RIGHT_WRITE);
  if (typeof channel === 'number') return channel;
  const bytes = new Uint8Array(count);
  if (tryCopyIn(caller.memory, numberArg(args, 2), bytes) < count) return undefined;
  return channel.write(new Message(bytes, []));
}

function write(caller: Caller, args: Uint32Array, form: HandleForm): Status | Operation {
  const status = writeAtOnce(caller, args);
  if (status !== undefined) return status;
  const options = args[2];
  return writeMessage(caller, args[0], options, {
    bytes: numberArg(args, 2),
    byteCount: args[6],
    handles: numberArg(args, 4),
    handleCount: args[10],
    usesVector: (options & ZX_CHANNEL_WRITE_USE_IOVEC) !== 0,
    form,
  });
}

function* writeMessage(caller: Caller, value: number, options: number, source: MessageSource): Operation {
  const channel = yield* channelForWriting(caller, value, options, ZX_RIGHT_WRITE, source);
  if (typeof channel === 'number') return channel;
  const message = yield* takeMessage(caller, channel, source);
  if (typeof message === 'number') return message;
  const status = channel.write(message);
  if (status !== ZX_OK) message.discard();
  return status;
}

function call(caller: Caller, args: Uint32Array, form: HandleForm): Status | Operation {
  const value = args[0];
  const options = args[2];
  const deadline = deadlineArg(args, 2);
  const actualBytes = numberArg(args, 4);
  const actualHandles = numberArg(args, 5);
  return withStruct(caller, numberArg(args, 3), CALL_ARGS_BYTES, (view) => {
    const source: MessageSource = {
      bytes: getU64(view, CALL_ARGS_WR_BYTES),
      byteCount: view.getUint32(CALL_ARGS_WR_NUM_BYTES, true),
      handles: getU64(view, CALL_ARGS_WR_HANDLES),
      handleCount: view.getUint32(CALL_ARGS_WR_NUM_HANDLES, true),
      usesVector: (options & ZX_CHANNEL_WRITE_USE_IOVEC) !== 0,
      form,
    };
    const target: MessageTarget = {
      bytes: getU64(view, CALL_ARGS_RD_BYTES),
      handles: getU64(view, CALL_ARGS_RD_HANDLES),
      bytesRoom: view.getUint32(CALL_ARGS_RD_NUM_BYTES, true),
      handlesRoom: view.getUint32(CALL_ARGS_RD_NUM_HANDLES, true),
      actualBytes,
      actualHandles,
      form,
    };
    return callWith(caller, value, options, deadline, source, target);
  });
}

function* callWith(
  caller: Caller,
  value: number,
  options: number,
  deadline: number,
  source: MessageSource,
  target: MessageTarget,
): Operation {
  const channel = yield* channelForWriting(caller, value, options, ZX_RIGHT_READ | ZX_RIGHT_WRITE, source);
  if (typeof channel === 'number') return channel;
  const message = yield* takeMessage(caller, channel, source);
  if (typeof message === 'number') return message;
  if (message.bytes.length < 4) {
    message.discard();
    return ZX_ERR_INVALID_ARGS;
  }
  const answers: Message[] = [];
  const status = yield* channel.call(message, deadline, (answer) => answers.push(answer));
  const answer = answers[0];
  if (answer === undefined) return status;
  if (!fits(answer, target)) {
    answer.discard();
    return yield* settle(tooSmall(caller, answer, target));
  }
  return yield* settle(give(caller, answer, target));
}

const READ_ARGS = (handles: string): readonly string[] => [
  'zx_handle_t handle',
  'uint32_t options',
  'void* bytes',
  `${handles}* handles`,
  'uint32_t num_bytes',
  'uint32_t num_handles',
  'uint32_t* actual_bytes',
  'uint32_t* actual_handles',
];

const WRITE_ARGS = (handles: string): readonly string[] => [
  'zx_handle_t handle',
  'uint32_t options',
  'const void* bytes',
  'uint32_t num_bytes',
  `${handles}* handles`,
  'uint32_t num_handles',
];

const CALL_ARGS = (structure: string): readonly string[] => [
  'zx_handle_t handle',
  'uint32_t options',
  'zx_instant_mono_t deadline',
  structure,
  'uint32_t* actual_bytes',
  'uint32_t* actual_handles',
];

export const CHANNEL_CALLS: readonly SystemCall[] = [
  {
    name: 'channel_create',
    returns: 'zx_status_t',
    policy: ZX_POL_NEW_CHANNEL,
    args: ['uint32_t options', 'zx_handle_t* out0', 'zx_handle_t* out1'],
    handler: (caller, args) => {
      if (args[0] !== 0) return ZX_ERR_INVALID_ARGS;
      const room = creationRoom(caller, 2);
      if (room !== ZX_OK) return room;
      return outHandles(
        caller,
        [numberArg(args, 1), numberArg(args, 2)],
        ChannelDispatcher.create(caller.core).map((end) => new Handle(end, end.defaultRights)),
      );
    },
  },
  {
    name: 'channel_read',
    returns: 'zx_status_t',
    args: READ_ARGS('zx_handle_t'),
    handler: (caller, args) => read(caller, args, 'plain'),
  },
  {
    name: 'channel_read_etc',
    returns: 'zx_status_t',
    args: READ_ARGS('zx_handle_info_t'),
    handler: (caller, args) => read(caller, args, 'etc'),
  },
  {
    name: 'channel_write',
    returns: 'zx_status_t',
    args: WRITE_ARGS('const zx_handle_t'),
    handler: (caller, args) => write(caller, args, 'plain'),
  },
  {
    name: 'channel_write_etc',
    returns: 'zx_status_t',
    args: WRITE_ARGS('zx_handle_disposition_t'),
    handler: (caller, args) => write(caller, args, 'etc'),
  },
  {
    name: 'channel_call',
    returns: 'zx_status_t',
    args: CALL_ARGS('const zx_channel_call_args_t* args'),
    handler: (caller, args) => call(caller, args, 'plain'),
  },
  {
    name: 'channel_call_etc',
    returns: 'zx_status_t',
    args: CALL_ARGS('zx_channel_call_etc_args_t* args'),
    handler: (caller, args) => call(caller, args, 'etc'),
  },
];
