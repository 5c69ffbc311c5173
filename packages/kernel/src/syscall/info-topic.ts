/**
 * What `zx_object_get_info` and `zx_object_get_property` know about objects, described by the parts that own the objects.
 *
 * Each part exports its topics and properties as arrays (`VMO_INFO_TOPICS`, `TASK_INFO_TOPICS`, ...); `object.ts` collects them.
 */
import type { Rights } from '../abi/rights.js';
import type { Status } from '../abi/status.js';
import type { Dispatcher } from '../object/dispatcher.js';
import type { Handle } from '../object/handle-table.js';
import type { Caller } from './call.js';

/** An abstract class or class: what `instanceof` takes. */
export type DispatcherClass<T extends Dispatcher> = abstract new (...args: never[]) => T;

/** Records of a topic: whole records in `bytes`, as many as fit; `available` counts all there are. */
export interface InfoRecords {
  readonly bytes: Uint8Array;
  readonly available: number;
}

/** What one topic of `zx_object_get_info` tells. */
export interface InfoTopic {
  /** `ZX_INFO_*` with its version. Older versions are topics of their own. */
  readonly topic: number;
  /** The class of object it is about: ZX_ERR_WRONG_TYPE for others; null: any object. */
  readonly object: DispatcherClass<Dispatcher> | null;
  /** Rights that the handle must have: ZX_ERR_ACCESS_DENIED. */
  readonly rights: Rights;
  /** Bytes of one record. */
  readonly recordBytes: number;
  /** `single`: exactly one record, a buffer too small is ZX_ERR_BUFFER_TOO_SMALL. `list`: as many as there are and fit. */
  readonly form: 'single' | 'list';
  /**
   * Fills records. Implementations declare `dispatcher` as the class named in `object`.
   *
   * @param handle the handle asked through
   * @param capacity records that fit, for lists; 1 for single records
   */
  read(caller: Caller, dispatcher: Dispatcher, handle: Handle, capacity: number): InfoRecords | Status;
}

/** One property of `zx_object_get_property` and `zx_object_set_property`. */
export interface ObjectProperty {
  /** `ZX_PROP_*` */
  readonly property: number;
  /** The class of object that has it: ZX_ERR_WRONG_TYPE for others; null: any, the functions decide. */
  readonly object: DispatcherClass<Dispatcher> | null;
  /** Least bytes of the value: ZX_ERR_BUFFER_TOO_SMALL. */
  readonly bytes: number;
  /** Further rights to set it, beside SET_PROPERTY. */
  readonly setRights?: Rights;
  /** The value in exactly `bytes` bytes. Absent: it cannot be read (ZX_ERR_NOT_SUPPORTED). Implementations declare `dispatcher` as the class named in `object`. */
  get?(caller: Caller, dispatcher: Dispatcher): Uint8Array | Status;
  /** @param value what the caller gave, at least `bytes` (a name may be shorter). Absent: it cannot be set (ZX_ERR_NOT_SUPPORTED). */
  set?(caller: Caller, dispatcher: Dispatcher, value: Uint8Array): Status;
}

/** One record. */
export function oneRecord(bytes: Uint8Array): InfoRecords {
  return { bytes, available: 1 };
}

/** Koids as records of a list (ZX_INFO_PROCESS_THREADS, ...): as many as fit. */
export function koidRecords(koids: readonly number[], capacity: number): InfoRecords {
  const shown = koids.slice(0, capacity);
  const view = new DataView(new ArrayBuffer(8 * shown.length));
  shown.forEach((koid, index) => {
    view.setUint32(8 * index, koid >>> 0, true);
    view.setUint32(8 * index + 4, Math.floor(koid / 0x1_0000_0000), true);
  });
  return { bytes: new Uint8Array(view.buffer), available: koids.length };
}
