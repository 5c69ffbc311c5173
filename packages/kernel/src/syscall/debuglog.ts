/** The debug log. */
import { ZX_LOG_RECORD_DATA_MAX } from '../abi/abi-limits.js';
import * as log from '../abi/log.js';
import { ZX_RSRC_SYSTEM_DEBUGLOG_BASE } from '../abi/resource.js';
import { ZX_RIGHT_NONE, ZX_RIGHT_READ, ZX_RIGHT_WRITE } from '../abi/rights.js';
import {
  ZX_ERR_BAD_HANDLE,
  ZX_ERR_INVALID_ARGS,
  ZX_ERR_SHOULD_WAIT,
  ZX_OK,
  type Status,
} from '../abi/status.js';
import { DebugLogDispatcher } from '../ipc/debug-log-dispatcher.js';
import type { LogRecord } from '../ipc/debug-log.js';
import { Handle } from '../object/handle-table.js';
import { ResourceDispatcher } from '../object/resource.js';
import { numberArg, type Caller, type SystemCall } from './call.js';
import { andThen, creationRoom, outBytes, outHandle, setI64, setU64, withBytes } from './user-values.js';

/** Bytes of one `zx_debug_write`. */
const DEBUG_WRITE_MAX = 256;

/** A record as `zx_log_record_t`, as long as its text. */
function encodeRecord(record: LogRecord): Uint8Array {
  const bytes = new Uint8Array(log.LOG_RECORD_DATA + record.data.length);
  const view = new DataView(bytes.buffer);
  setU64(view, log.LOG_RECORD_SEQUENCE, record.sequence);
  view.setUint16(log.LOG_RECORD_DATALEN, record.data.length, true);
  view.setUint8(log.LOG_RECORD_SEVERITY, record.severity);
  view.setUint8(log.LOG_RECORD_FLAGS, record.flags);
  setI64(view, log.LOG_RECORD_TIMESTAMP, record.timestamp);
  setU64(view, log.LOG_RECORD_PID, record.process);
  setU64(view, log.LOG_RECORD_TID, record.thread);
  bytes.set(record.data, log.LOG_RECORD_DATA);
  return bytes;
}

function checkPermission(caller: Caller, resource: number, options: number): Status {
  if (resource === 0) return options === 0 ? ZX_OK : ZX_ERR_BAD_HANDLE;
  return ResourceDispatcher.check(
    caller.process.handles,
    resource,
    ZX_RSRC_SYSTEM_DEBUGLOG_BASE,
    ZX_RIGHT_NONE,
  );
}

export const DEBUGLOG_CALLS: readonly SystemCall[] = [
  {
    name: 'debuglog_create',
    returns: 'zx_status_t',
    args: ['zx_handle_t resource', 'uint32_t options', 'zx_handle_t* out'],
    handler: (caller, args) => {
      const options = args[2];
      const permission = checkPermission(caller, args[0], options);
      if (permission !== ZX_OK) return permission;
      if ((options & ~log.ZX_LOG_FLAG_READABLE) !== 0) return ZX_ERR_INVALID_ARGS;
      const room = creationRoom(caller, 1);
      if (room !== ZX_OK) return room;
      const dispatcher = new DebugLogDispatcher(caller.core, (options & log.ZX_LOG_FLAG_READABLE) !== 0);
      return outHandle(caller, numberArg(args, 2), new Handle(dispatcher, dispatcher.defaultRights));
    },
  },
  {
    name: 'debuglog_write',
    returns: 'zx_status_t',
    args: ['zx_handle_t handle', 'uint32_t options', 'const void* buffer', 'size_t buffer_size'],
    handler: (caller, args) => {
      const options = args[2];
      if ((options & ~log.ZX_LOG_FLAGS_MASK) !== 0) return ZX_ERR_INVALID_ARGS;
      const dispatcher = caller.process.handles.lookup(args[0], DebugLogDispatcher, ZX_RIGHT_WRITE);
      if (typeof dispatcher === 'number') return dispatcher;
      const length = Math.min(numberArg(args, 3), ZX_LOG_RECORD_DATA_MAX);
      return withBytes(caller, numberArg(args, 2), length, (data) => {
        const { process, thread } = caller;
        caller.core.debugLog.write(log.DEBUGLOG_INFO, options, process.koid, thread?.koid ?? 0, data);
        return ZX_OK;
      });
    },
  },
  {
    // A record is taken before the buffer is looked at; a bad pointer loses it. A short buffer gets its beginning.
    name: 'debuglog_read',
    returns: 'zx_status_t',
    args: ['zx_handle_t handle', 'uint32_t options', 'void* buffer', 'size_t buffer_size'],
    handler: (caller, args) => {
      if (args[2] !== 0) return ZX_ERR_INVALID_ARGS;
      const dispatcher = caller.process.handles.lookup(args[0], DebugLogDispatcher, ZX_RIGHT_READ);
      if (typeof dispatcher === 'number') return dispatcher;
      const record = dispatcher.read();
      if (record === undefined) return ZX_ERR_SHOULD_WAIT;
      const bytes = encodeRecord(record).subarray(0, numberArg(args, 3));
      if (bytes.length === 0) return 0;
      return andThen(outBytes(caller, numberArg(args, 2), bytes), (status) =>
        status === ZX_OK ? bytes.length : status,
      );
    },
  },
  {
    // The console of older programs; here a way into the debug log.
    name: 'debug_write',
    returns: 'zx_status_t',
    args: ['const char* buffer', 'size_t buffer_size'],
    handler: (caller, args) => {
      const length = numberArg(args, 1);
      if (length > DEBUG_WRITE_MAX) return ZX_ERR_INVALID_ARGS;
      return withBytes(caller, numberArg(args, 0), length, (text) => {
        const { process, thread } = caller;
        for (let done = 0; done < text.length; done += ZX_LOG_RECORD_DATA_MAX) {
          const part = text.subarray(done, done + ZX_LOG_RECORD_DATA_MAX);
          caller.core.debugLog.write(log.DEBUGLOG_INFO, 0, process.koid, thread?.koid ?? 0, part);
        }
        return ZX_OK;
      });
    },
  },
];
