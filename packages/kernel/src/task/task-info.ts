/** What `zx_object_get_info` and `zx_object_get_property` tell about processes, threads and jobs. */
import { ZX_EXCEPTION_CHANNEL_TYPE_NONE } from '../abi/exceptions.js';
import * as info from '../abi/info.js';
import {
  ZX_PROP_PROCESS_BREAK_ON_LOAD,
  ZX_PROP_PROCESS_DEBUG_ADDR,
  ZX_PROP_PROCESS_VDSO_BASE_ADDRESS,
} from '../abi/properties.js';
import {
  ZX_RIGHT_ENUMERATE,
  ZX_RIGHT_INSPECT,
  ZX_RIGHT_MANAGE_PROCESS,
  ZX_RIGHT_MANAGE_THREAD,
  type Rights,
} from '../abi/rights.js';
import { ZX_JOB_TERMINATED } from '../abi/signals.js';
import { ZX_ERR_BAD_STATE, ZX_OK } from '../abi/status.js';
import { handleStats, handleTableRecords } from '../syscall/object-info.js';
import { koidRecords, oneRecord, type InfoTopic, type ObjectProperty } from '../syscall/info-topic.js';
import { processMaps } from '../syscall/vm-info.js';
import { setU64 } from '../syscall/user-values.js';
import { JobDispatcher } from './job.js';
import { ProcessDispatcher } from './process.js';
import { ThreadDispatcher } from './thread-dispatcher.js';

/** A record of a fixed size, filled in. */
function record(bytes: number, fill: (view: DataView) => void): Uint8Array {
  const view = new DataView(new ArrayBuffer(bytes));
  fill(view);
  return new Uint8Array(view.buffer);
}

interface TaskTopic<T> {
  readonly topic: number;
  readonly rights: Rights;
  readonly bytes: number;
  fill(view: DataView, dispatcher: T): void;
}

function processTopic(topic: TaskTopic<ProcessDispatcher>): InfoTopic {
  return {
    topic: topic.topic,
    object: ProcessDispatcher,
    rights: topic.rights,
    recordBytes: topic.bytes,
    form: 'single',
    read: (_caller, dispatcher: ProcessDispatcher) =>
      oneRecord(record(topic.bytes, (view) => topic.fill(view, dispatcher))),
  };
}

function threadTopic(topic: TaskTopic<ThreadDispatcher>): InfoTopic {
  return {
    topic: topic.topic,
    object: ThreadDispatcher,
    rights: topic.rights,
    recordBytes: topic.bytes,
    form: 'single',
    read: (_caller, dispatcher: ThreadDispatcher) =>
      oneRecord(record(topic.bytes, (view) => topic.fill(view, dispatcher))),
  };
}

function jobKoids(topic: number, list: (job: JobDispatcher) => Iterable<number>): InfoTopic {
  return {
    topic,
    object: JobDispatcher,
    rights: ZX_RIGHT_ENUMERATE,
    recordBytes: 8,
    form: 'list',
    read: (_caller, dispatcher: JobDispatcher, _handle, capacity) =>
      koidRecords([...list(dispatcher)], capacity),
  };
}

/** Instructions count as nanoseconds, as on the virtual clock. */
export const TASK_INFO_TOPICS: readonly InfoTopic[] = [
  processTopic({
    topic: info.ZX_INFO_PROCESS,
    rights: ZX_RIGHT_INSPECT,
    bytes: info.INFO_PROCESS_BYTES,
    fill: (view, process) => {
      view.setBigInt64(info.INFO_PROCESS_RETURN_CODE, process.returnCode, true);
      setU64(view, info.INFO_PROCESS_START_TIME, process.startTime);
      view.setUint32(info.INFO_PROCESS_FLAGS, process.flags, true);
    },
  }),
  {
    topic: info.ZX_INFO_PROCESS_THREADS,
    object: ProcessDispatcher,
    rights: ZX_RIGHT_ENUMERATE,
    recordBytes: 8,
    form: 'list',
    read: (_caller, dispatcher: ProcessDispatcher, _handle, capacity) =>
      koidRecords([...dispatcher.threads.keys()], capacity),
  },
  {
    topic: info.ZX_INFO_PROCESS_HANDLE_STATS,
    object: ProcessDispatcher,
    rights: ZX_RIGHT_INSPECT,
    recordBytes: info.PROCESS_HANDLE_STATS_BYTES,
    form: 'single',
    read: (_caller, dispatcher: ProcessDispatcher) => oneRecord(handleStats(dispatcher.handles.entries())),
  },
  {
    topic: info.ZX_INFO_HANDLE_TABLE,
    object: ProcessDispatcher,
    rights: ZX_RIGHT_INSPECT | ZX_RIGHT_MANAGE_PROCESS | ZX_RIGHT_MANAGE_THREAD,
    recordBytes: info.HANDLE_EXTENDED_BYTES,
    form: 'list',
    read: (_caller, dispatcher: ProcessDispatcher, _handle, capacity) =>
      handleTableRecords(dispatcher.handles.entries(), capacity),
  },
  {
    topic: info.ZX_INFO_PROCESS_MAPS,
    object: ProcessDispatcher,
    rights: ZX_RIGHT_INSPECT,
    recordBytes: info.INFO_MAPS_BYTES,
    form: 'list',
    read: (_caller, dispatcher: ProcessDispatcher, _handle, capacity) =>
      dispatcher.state === 'dead'
        ? ZX_ERR_BAD_STATE
        : processMaps(dispatcher.space, capacity, info.INFO_MAPS_BYTES),
  },
  threadTopic({
    topic: info.ZX_INFO_THREAD,
    rights: ZX_RIGHT_INSPECT,
    bytes: info.INFO_THREAD_BYTES,
    fill: (view, { thread, core }) => {
      view.setUint32(info.INFO_THREAD_STATE, thread.zxState, true);
      const handler = thread.exception?.handler?.type ?? ZX_EXCEPTION_CHANNEL_TYPE_NONE;
      view.setUint32(info.INFO_THREAD_WAIT_EXCEPTION_CHANNEL_TYPE, handler, true);
      const harts = core.machine.harts.length;
      view.setUint8(info.INFO_THREAD_CPU_AFFINITY, 2 ** harts - 1);
    },
  }),
  threadTopic({
    topic: info.ZX_INFO_THREAD_STATS,
    rights: ZX_RIGHT_INSPECT,
    bytes: info.INFO_THREAD_STATS_BYTES,
    fill: (view, { thread }) => {
      setU64(view, info.INFO_THREAD_STATS_TOTAL_RUNTIME, thread.retired);
      view.setUint32(info.INFO_THREAD_STATS_LAST_CPU, thread.cpu?.hart.id ?? 0, true);
    },
  }),
  jobKoids(info.ZX_INFO_JOB_CHILDREN, (job) => job.jobs.keys()),
  jobKoids(info.ZX_INFO_JOB_PROCESSES, (job) => job.processes.keys()),
  {
    topic: info.ZX_INFO_JOB,
    object: JobDispatcher,
    rights: ZX_RIGHT_INSPECT,
    recordBytes: info.INFO_JOB_BYTES,
    form: 'single',
    read: (_caller, dispatcher: JobDispatcher) =>
      oneRecord(
        record(info.INFO_JOB_BYTES, (view) => {
          view.setBigInt64(info.INFO_JOB_RETURN_CODE, dispatcher.returnCode, true);
          view.setUint8(info.INFO_JOB_EXITED, (dispatcher.signals & ZX_JOB_TERMINATED) === 0 ? 0 : 1);
          view.setUint8(info.INFO_JOB_DEBUGGER_ATTACHED, dispatcher.debuggerExceptions.isBound ? 1 : 0);
        }),
      ),
  },
];

function u64Bytes(value: bigint): Uint8Array {
  return record(8, (view) => view.setBigUint64(0, value, true));
}

function u64Of(bytes: Uint8Array): bigint {
  return new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
}

/** Addresses that debuggers and loaders leave at a process. */
export const TASK_PROPERTIES: readonly ObjectProperty[] = [
  {
    property: ZX_PROP_PROCESS_DEBUG_ADDR,
    object: ProcessDispatcher,
    bytes: 8,
    get: (_caller, dispatcher: ProcessDispatcher) => u64Bytes(dispatcher.debugAddress),
    set: (_caller, dispatcher: ProcessDispatcher, value) => {
      dispatcher.debugAddress = u64Of(value);
      return ZX_OK;
    },
  },
  {
    property: ZX_PROP_PROCESS_BREAK_ON_LOAD,
    object: ProcessDispatcher,
    bytes: 8,
    get: (_caller, dispatcher: ProcessDispatcher) => u64Bytes(dispatcher.breakOnLoad),
    set: (_caller, dispatcher: ProcessDispatcher, value) => {
      dispatcher.breakOnLoad = u64Of(value);
      return ZX_OK;
    },
  },
  {
    property: ZX_PROP_PROCESS_VDSO_BASE_ADDRESS,
    object: ProcessDispatcher,
    bytes: 8,
    get: (_caller, dispatcher: ProcessDispatcher) => u64Bytes(BigInt(dispatcher.vdsoAddress())),
  },
];
