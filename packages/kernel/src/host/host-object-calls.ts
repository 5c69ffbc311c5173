import {
  HANDLE_BASIC_BYTES,
  HANDLE_BASIC_KOID,
  HANDLE_BASIC_RELATED_KOID,
  HANDLE_BASIC_RIGHTS,
  HANDLE_BASIC_TYPE,
  HANDLE_COUNT_BYTES,
  ZX_INFO_HANDLE_BASIC,
  ZX_INFO_HANDLE_COUNT,
} from '../abi/info.js';
import { ZX_MAX_NAME_LEN } from '../abi/abi-limits.js';
import { WAIT_ITEM_BYTES, WAIT_ITEM_HANDLE, WAIT_ITEM_PENDING, WAIT_ITEM_WAITFOR } from '../abi/port.js';
import { ZX_PROP_NAME } from '../abi/properties.js';
import type { Rights } from '../abi/rights.js';
import { HostCaller, type HandleResult, type StatusResult, type WaitOptions } from './host-caller.js';

/** Signals seen by a wait. */
export interface ObservedResult extends StatusResult {
  /** Everything asserted when the wait ended; 0 when it failed before it began. */
  readonly observed: number;
}

/** One object of `objectWaitMany`. */
export interface WaitItem {
  readonly handle: number;
  readonly signals: number;
}

/** How many records `objectGetInfo` found. */
export interface InfoResult extends StatusResult {
  /** Records written. */
  readonly actual: number;
  /** Records there are. */
  readonly available: number;
}

/** ZX_INFO_HANDLE_BASIC. */
export interface HandleBasicResult extends StatusResult {
  readonly koid: number;
  readonly relatedKoid: number;
  readonly rights: Rights;
  /** `zx_obj_type_t` */
  readonly type: number;
}

/** Calls about handles, and those that every object understands. */
export class HostObjectCalls extends HostCaller {
  handleClose(handle: number): StatusResult {
    return this.statusOf(this.begin().u32(handle, 'handle'), 'handle_close');
  }

  handleCloseMany(handles: readonly number[]): StatusResult {
    const call = this.begin().buffer(bytesOfU32s(handles)).u64(handles.length, 'num_handles');
    return this.statusOf(call, 'handle_close_many');
  }

  handleDuplicate(handle: number, rights: Rights): HandleResult {
    return this.handleOf(this.begin().u32(handle, 'handle').u32(rights, 'rights'), 'handle_duplicate');
  }

  /** The handle given is gone afterwards, also when this fails. */
  handleReplace(handle: number, rights: Rights): HandleResult {
    return this.handleOf(this.begin().u32(handle, 'handle').u32(rights, 'rights'), 'handle_replace');
  }

  handleCheckValid(handle: number): StatusResult {
    return this.statusOf(this.begin().u32(handle, 'handle'), 'handle_check_valid');
  }

  objectWaitOne(handle: number, signals: number, options: WaitOptions = {}): Promise<ObservedResult> {
    const call = this.begin(options)
      .u32(handle, 'handle')
      .u32(signals, 'signals')
      .time(options.deadline ?? Infinity);
    const observed = call.out(4);
    return this.later(call, 'object_wait_one', options, (status) => ({
      status,
      observed: call.memory.u32(observed),
    }));
  }

  /** @returns the signals of each item, in order */
  objectWaitMany(
    items: readonly WaitItem[],
    options: WaitOptions = {},
  ): Promise<StatusResult & { readonly pending: readonly number[] }> {
    const bytes = new Uint8Array(items.length * WAIT_ITEM_BYTES);
    const view = new DataView(bytes.buffer);
    items.forEach((item, index) => {
      view.setUint32(index * WAIT_ITEM_BYTES + WAIT_ITEM_HANDLE, item.handle, true);
      view.setUint32(index * WAIT_ITEM_BYTES + WAIT_ITEM_WAITFOR, item.signals, true);
    });
    const call = this.begin(options)
      .buffer(bytes)
      .u64(items.length, 'num_items')
      .time(options.deadline ?? Infinity);
    return this.later(call, 'object_wait_many', options, (status) => ({
      status,
      pending: items.map((_item, index) => view.getUint32(index * WAIT_ITEM_BYTES + WAIT_ITEM_PENDING, true)),
    }));
  }

  objectWaitAsync(handle: number, port: number, key: bigint, signals: number, options: number): StatusResult {
    const call = this.begin()
      .u32(handle, 'handle')
      .u32(port, 'port')
      .u64(key, 'key')
      .u32(signals, 'signals')
      .u32(options, 'options');
    return this.statusOf(call, 'object_wait_async');
  }

  objectSignal(handle: number, clear: number, set: number): StatusResult {
    return this.statusOf(
      this.begin().u32(handle, 'handle').u32(clear, 'clear').u32(set, 'set'),
      'object_signal',
    );
  }

  objectSignalPeer(handle: number, clear: number, set: number): StatusResult {
    return this.statusOf(
      this.begin().u32(handle, 'handle').u32(clear, 'clear').u32(set, 'set'),
      'object_signal_peer',
    );
  }

  /** @param into room for records; an empty buffer asks how many there are */
  objectGetInfo(handle: number, topic: number, into: Uint8Array): InfoResult {
    const call = this.begin()
      .u32(handle, 'handle')
      .u32(topic, 'topic')
      .buffer(into)
      .u64(into.length, 'buffer_size');
    const actual = call.out(8);
    const available = call.out(8);
    return this.finish(call, 'object_get_info', (status) => ({
      status,
      actual: call.memory.number(actual),
      available: call.memory.number(available),
    }));
  }

  handleBasicInfo(handle: number): HandleBasicResult {
    const { status, view } = this.record(handle, ZX_INFO_HANDLE_BASIC, HANDLE_BASIC_BYTES);
    return {
      status,
      koid: Number(view.getBigUint64(HANDLE_BASIC_KOID, true)),
      relatedKoid: Number(view.getBigUint64(HANDLE_BASIC_RELATED_KOID, true)),
      rights: view.getUint32(HANDLE_BASIC_RIGHTS, true),
      type: view.getUint32(HANDLE_BASIC_TYPE, true),
    };
  }

  /** Handles to the object in all tables and messages. */
  handleCount(handle: number): StatusResult & { readonly count: number } {
    const { status, view } = this.record(handle, ZX_INFO_HANDLE_COUNT, HANDLE_COUNT_BYTES);
    return { status, count: view.getUint32(0, true) };
  }

  objectGetProperty(handle: number, property: number, into: Uint8Array): StatusResult {
    const call = this.begin()
      .u32(handle, 'handle')
      .u32(property, 'property')
      .buffer(into)
      .u64(into.length, 'size');
    return this.statusOf(call, 'object_get_property');
  }

  objectSetProperty(handle: number, property: number, value: Uint8Array): StatusResult {
    const call = this.begin()
      .u32(handle, 'handle')
      .u32(property, 'property')
      .buffer(value)
      .u64(value.length, 'size');
    return this.statusOf(call, 'object_set_property');
  }

  objectGetName(handle: number): StatusResult & { readonly name: string } {
    const bytes = new Uint8Array(ZX_MAX_NAME_LEN);
    const { status } = this.objectGetProperty(handle, ZX_PROP_NAME, bytes);
    return { status, name: new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0))) };
  }

  /** @param name cut after 31 bytes of UTF-8 */
  objectSetName(handle: number, name: string): StatusResult {
    return this.objectSetProperty(handle, ZX_PROP_NAME, new TextEncoder().encode(name));
  }

  objectGetChild(handle: number, koid: number | bigint, rights: Rights): HandleResult {
    const call = this.begin().u32(handle, 'handle').u64(koid, 'koid').u32(rights, 'rights');
    return this.handleOf(call, 'object_get_child');
  }

  /**
   * A topic of one record; the view is all zeros when the call failed.
   *
   * @internal
   */
  protected record(handle: number, topic: number, bytes: number): StatusResult & { readonly view: DataView } {
    const into = new Uint8Array(bytes);
    const { status } = this.objectGetInfo(handle, topic, into);
    return { status, view: new DataView(into.buffer) };
  }
}

/** Little-endian u32 values, as C arrays of handles are. */
export function bytesOfU32s(values: readonly number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(4 * values.length));
  values.forEach((value, index) => view.setUint32(4 * index, value, true));
  return new Uint8Array(view.buffer);
}
