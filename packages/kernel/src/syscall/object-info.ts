/** Information about objects, and their properties. */
import { ZX_MAX_NAME_LEN } from '../abi/abi-limits.js';
import * as info from '../abi/info.js';
import { ZX_OBJ_TYPE_UPPER_BOUND } from '../abi/object-types.js';
import { ZX_PROP_NAME } from '../abi/properties.js';
import {
  ZX_RIGHT_GET_PROPERTY,
  ZX_RIGHT_INSPECT,
  ZX_RIGHT_NONE,
  ZX_RIGHT_SET_PROPERTY,
} from '../abi/rights.js';
import {
  ZX_ERR_ACCESS_DENIED,
  ZX_ERR_BAD_HANDLE,
  ZX_ERR_BUFFER_TOO_SMALL,
  ZX_ERR_INVALID_ARGS,
  ZX_ERR_NOT_SUPPORTED,
  ZX_ERR_WRONG_TYPE,
  ZX_OK,
  type Status,
} from '../abi/status.js';
import type { Handle } from '../object/handle-table.js';
import { ResourceDispatcher } from '../object/resource.js';
import type { Operation } from '../task/waiter.js';
import { numberArg, type Caller, type SystemCall } from './call.js';
import { oneRecord, type InfoRecords, type InfoTopic, type ObjectProperty } from './info-topic.js';
import { andThen, outBytes, outOptionalU64, outParts, setU64, withBytes } from './user-values.js';

function handleBasic(handle: Handle): Uint8Array {
  const bytes = new Uint8Array(info.HANDLE_BASIC_BYTES);
  const view = new DataView(bytes.buffer);
  setU64(view, info.HANDLE_BASIC_KOID, handle.dispatcher.koid);
  view.setUint32(info.HANDLE_BASIC_RIGHTS, handle.rights, true);
  view.setUint32(info.HANDLE_BASIC_TYPE, handle.dispatcher.type, true);
  setU64(view, info.HANDLE_BASIC_RELATED_KOID, handle.dispatcher.relatedKoid);
  return bytes;
}

const HANDLE_INFO_TOPICS: readonly InfoTopic[] = [
  {
    topic: info.ZX_INFO_HANDLE_VALID,
    object: null,
    rights: ZX_RIGHT_NONE,
    recordBytes: 0,
    form: 'single',
    read: () => oneRecord(new Uint8Array(0)),
  },
  {
    topic: info.ZX_INFO_HANDLE_BASIC,
    object: null,
    rights: ZX_RIGHT_NONE,
    recordBytes: info.HANDLE_BASIC_BYTES,
    form: 'single',
    read: (_caller, _dispatcher, handle) => oneRecord(handleBasic(handle)),
  },
  {
    topic: info.ZX_INFO_HANDLE_COUNT,
    object: null,
    rights: ZX_RIGHT_INSPECT,
    recordBytes: info.HANDLE_COUNT_BYTES,
    form: 'single',
    read: (_caller, dispatcher) => oneRecord(u32(dispatcher.handleCount)),
  },
];

const RESOURCE_TOPIC: InfoTopic = {
  topic: info.ZX_INFO_RESOURCE,
  object: ResourceDispatcher,
  rights: ZX_RIGHT_INSPECT,
  recordBytes: info.INFO_RESOURCE_BYTES,
  form: 'single',
  read: (_caller, resource: ResourceDispatcher) => {
    const bytes = new Uint8Array(info.INFO_RESOURCE_BYTES);
    const view = new DataView(bytes.buffer);
    view.setUint32(info.INFO_RESOURCE_KIND, resource.kind, true);
    setU64(view, info.INFO_RESOURCE_BASE, resource.base);
    setU64(view, info.INFO_RESOURCE_SIZE, resource.size);
    bytes.set(resource.objectName.bytes, info.INFO_RESOURCE_NAME);
    return oneRecord(bytes);
  },
};

/** Counts of handles by object type: the record of ZX_INFO_PROCESS_HANDLE_STATS. */
export function handleStats(handles: Iterable<[number, Handle]>): Uint8Array {
  const counts = new DataView(new ArrayBuffer(info.PROCESS_HANDLE_STATS_BYTES));
  for (const [, handle] of handles) {
    const position = 4 * handle.dispatcher.type;
    if (handle.dispatcher.type < ZX_OBJ_TYPE_UPPER_BOUND) {
      counts.setUint32(position, counts.getUint32(position, true) + 1, true);
    }
  }
  return new Uint8Array(counts.buffer);
}

/** ZX_INFO_HANDLE_TABLE's records: one `zx_info_handle_extended_t` a handle, as many as `capacity`. */
export function handleTableRecords(handles: Iterable<[number, Handle]>, capacity: number): InfoRecords {
  const all = [...handles];
  const shown = all.slice(0, capacity);
  const bytes = new Uint8Array(shown.length * info.HANDLE_EXTENDED_BYTES);
  shown.forEach(([value, handle], index) => {
    const view = new DataView(bytes.buffer, index * info.HANDLE_EXTENDED_BYTES);
    view.setUint32(info.HANDLE_EXTENDED_TYPE, handle.dispatcher.type, true);
    view.setUint32(info.HANDLE_EXTENDED_HANDLE_VALUE, value, true);
    view.setUint32(info.HANDLE_EXTENDED_RIGHTS, handle.rights, true);
    setU64(view, info.HANDLE_EXTENDED_KOID, handle.dispatcher.koid);
    setU64(view, info.HANDLE_EXTENDED_RELATED_KOID, handle.dispatcher.relatedKoid);
  });
  return { bytes, available: all.length };
}

const NAME_PROPERTY: ObjectProperty = {
  property: ZX_PROP_NAME,
  object: null,
  bytes: ZX_MAX_NAME_LEN,
  get: (_caller, dispatcher) => dispatcher.objectName?.bytes.slice() ?? ZX_ERR_WRONG_TYPE,
  set: (_caller, dispatcher, value) => {
    const name = dispatcher.objectName;
    if (name === null) return ZX_ERR_WRONG_TYPE;
    name.set(value);
    return ZX_OK;
  },
};

/** Properties longer than this do not exist: what a caller gives beyond it is not read. */
const PROPERTY_BYTES_MAX = 64;

/** Everything known about objects, from all parts of the kernel. */
export class ObjectKnowledge {
  private readonly topics = new Map<number, InfoTopic>();
  private readonly properties = new Map<number, ObjectProperty>();

  constructor(topics: readonly InfoTopic[], properties: readonly ObjectProperty[]) {
    for (const topic of [...HANDLE_INFO_TOPICS, RESOURCE_TOPIC, ...topics]) {
      if (this.topics.has(topic.topic)) throw new Error(`topic ${topic.topic} is there twice`);
      this.topics.set(topic.topic, topic);
    }
    for (const property of [NAME_PROPERTY, ...properties]) {
      if (this.properties.has(property.property))
        throw new Error(`property ${property.property} is there twice`);
      this.properties.set(property.property, property);
    }
  }

  /** The calls over this knowledge. */
  get calls(): readonly SystemCall[] {
    return [
      {
        name: 'object_get_info',
        returns: 'zx_status_t',
        args: [
          'zx_handle_t handle',
          'uint32_t topic',
          'void* buffer',
          'size_t buffer_size',
          'size_t* actual',
          'size_t* avail',
        ],
        handler: (caller, args) => this.getInfo(caller, args),
      },
      {
        name: 'object_get_property',
        returns: 'zx_status_t',
        args: ['zx_handle_t handle', 'uint32_t property', 'void* value', 'size_t value_size'],
        handler: (caller, args) => this.getProperty(caller, args),
      },
      {
        name: 'object_set_property',
        returns: 'zx_status_t',
        args: ['zx_handle_t handle', 'uint32_t property', 'const void* value', 'size_t value_size'],
        handler: (caller, args) => this.setProperty(caller, args),
      },
    ];
  }

  private getInfo(caller: Caller, args: Uint32Array): Status | Operation {
    const buffer = numberArg(args, 2);
    const size = numberArg(args, 3);
    const actual = numberArg(args, 4);
    const available = numberArg(args, 5);
    const topic = this.topics.get(args[2]);
    if (topic === undefined) return ZX_ERR_NOT_SUPPORTED;
    const handle = caller.process.handles.get(args[0]);
    if (handle === undefined) return ZX_ERR_BAD_HANDLE;
    const { dispatcher } = handle;
    if (topic.object !== null && !(dispatcher instanceof topic.object)) return ZX_ERR_WRONG_TYPE;
    if ((handle.rights & topic.rights) !== topic.rights) return ZX_ERR_ACCESS_DENIED;
    if (topic.recordBytes === 0) return ZX_OK;
    const capacity = Math.floor(size / topic.recordBytes);
    const records = topic.read(caller, dispatcher, handle, topic.form === 'single' ? 1 : capacity);
    if (typeof records === 'number') return records;
    if (topic.form === 'single' && capacity === 0) {
      return andThen(outOptionalU64(caller, actual, 0), (first) => {
        if (first !== ZX_OK) return first;
        return andThen(outOptionalU64(caller, available, 1), (second) =>
          second === ZX_OK ? ZX_ERR_BUFFER_TOO_SMALL : second,
        );
      });
    }
    // Without a null check: a null buffer with room claimed for records is a bad pointer.
    const given = records.bytes.length === 0 ? ZX_OK : outBytes(caller, buffer, records.bytes);
    const count = records.bytes.length / topic.recordBytes;
    return andThen(given, (status) => {
      if (status !== ZX_OK) return status;
      return outParts(caller, [
        { address: actual, bytes: u64(count) },
        { address: available, bytes: u64(records.available) },
      ]);
    });
  }

  private getProperty(caller: Caller, args: Uint32Array): Status | Operation {
    const address = numberArg(args, 2);
    if (address === 0) return ZX_ERR_INVALID_ARGS;
    const handle = caller.process.handles.get(args[0]);
    if (handle === undefined) return ZX_ERR_BAD_HANDLE;
    if ((handle.rights & ZX_RIGHT_GET_PROPERTY) === 0) return ZX_ERR_ACCESS_DENIED;
    const property = this.properties.get(args[2]);
    if (property?.get === undefined) return ZX_ERR_NOT_SUPPORTED;
    if (numberArg(args, 3) < property.bytes) return ZX_ERR_BUFFER_TOO_SMALL;
    if (property.object !== null && !(handle.dispatcher instanceof property.object)) return ZX_ERR_WRONG_TYPE;
    const value = property.get(caller, handle.dispatcher);
    return typeof value === 'number' ? value : outBytes(caller, address, value);
  }

  private setProperty(caller: Caller, args: Uint32Array): Status | Operation {
    const address = numberArg(args, 2);
    if (address === 0) return ZX_ERR_INVALID_ARGS;
    const handle = caller.process.handles.get(args[0]);
    if (handle === undefined) return ZX_ERR_BAD_HANDLE;
    if ((handle.rights & ZX_RIGHT_SET_PROPERTY) === 0) return ZX_ERR_ACCESS_DENIED;
    const property = this.properties.get(args[2]);
    if (property?.set === undefined) return ZX_ERR_NOT_SUPPORTED;
    const size = numberArg(args, 3);
    // A name may be short; anything else has its size.
    if (property.property !== ZX_PROP_NAME && size < property.bytes) return ZX_ERR_BUFFER_TOO_SMALL;
    if (property.object !== null && !(handle.dispatcher instanceof property.object)) return ZX_ERR_WRONG_TYPE;
    const further = property.setRights ?? ZX_RIGHT_NONE;
    if ((handle.rights & further) !== further) return ZX_ERR_ACCESS_DENIED;
    return withBytes(
      caller,
      address,
      Math.min(size, PROPERTY_BYTES_MAX),
      (value) => property.set?.(caller, handle.dispatcher, value) ?? ZX_ERR_NOT_SUPPORTED,
    );
  }
}

function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

function u64(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  setU64(new DataView(bytes.buffer), 0, value);
  return bytes;
}
