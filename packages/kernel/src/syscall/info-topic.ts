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

export interface InfoTopic {
  /** `ZX_INFO_*` with its version. Older versions are topics of their own. */
  readonly topic: number;
  /** Rights that the handle must have: ZX_ERR_ACCESS_DENIED. */
  readonly rights: Rights;
  /** Bytes of one record. */
  readonly recordBytes: number;
  /** `single`: exactly one record, a buffer too small is ZX_ERR_BUFFER_TOO_SMALL. `list`: as many as there are and fit. */
  readonly form: 'single' | 'list';
  /**
   * Fills records.
   *
   * @param handle the handle asked through; its rights were checked, its type was not: return ZX_ERR_WRONG_TYPE
   * @param capacity records that fit, for lists; 1 for single records
   */
  read(caller: Caller, handle: Handle, capacity: number): InfoRecords | Status;
}

export interface ObjectProperty {
  /** `ZX_PROP_*` */
  readonly property: number;
  /** Least bytes of the value: ZX_ERR_BUFFER_TOO_SMALL. */
  readonly bytes: number;
  /** Further rights to set it, beside SET_PROPERTY. */
  readonly setRights?: Rights;
  /** The value in exactly `bytes` bytes; ZX_ERR_WRONG_TYPE on other objects, ZX_ERR_NOT_SUPPORTED when it cannot be read. */
  get(caller: Caller, dispatcher: Dispatcher): Uint8Array | Status;
  /** @param value all that the caller gave, at least `bytes`. ZX_ERR_WRONG_TYPE on other objects; null: it cannot be set (ZX_ERR_NOT_SUPPORTED). */
  readonly set: ((caller: Caller, dispatcher: Dispatcher, value: Uint8Array) => Status) | null;
}
