/**
 * Values that system calls take from and give to user memory.
 *
 * Every function does all it can at once and returns a status; where a page is absent it returns the operation that waits
 * for it and carries on. A pointer that leads nowhere is ZX_ERR_INVALID_ARGS, whatever the reason (unmapped, protected, a pager
 * that failed the page); calls that pass the reason on (the data buffers of `vmo_read` and `vmo_write`) use `task/user-memory.ts` directly.
 *
 * A handler looks its handles up and checks its arguments first, computes, and gives its results last: `return outU32(...)`.
 */
import { PAGE_SIZE } from '@faultline/mmu-emu';
import { ZX_MAX_NAME_LEN } from '../abi/abi-limits.js';
import {
  ZX_ERR_INVALID_ARGS,
  ZX_ERR_NO_MEMORY,
  ZX_ERR_NO_RESOURCES,
  ZX_OK,
  type Status,
} from '../abi/status.js';
import type { Handle } from '../object/handle-table.js';
import { copyIn, copyOut, tryCopyIn, tryCopyOut } from '../task/user-memory.js';
import type { Operation } from '../task/waiter.js';
import type { Caller } from './call.js';

/** Filled and copied out before anything else runs, so that the common case allocates nothing. */
const scratch = new Uint8Array(8);
const scratchView = new DataView(scratch.buffer);
const scratch4 = scratch.subarray(0, 4);

/** Goes on with `next` when `first` has ended, at once or later; `next` gets its status. */
export function andThen(
  first: Status | Operation,
  next: (status: Status) => Status | Operation,
): Status | Operation {
  return typeof first === 'number' ? next(first) : continued(first, next);
}

function* continued(first: Operation, next: (status: Status) => Status | Operation): Operation {
  const result = next(yield* first);
  return typeof result === 'number' ? result : yield* result;
}

/** Inside an operation: waits for what a function that returns `Status | Operation` has begun. */
export function* settle(result: Status | Operation): Operation {
  return typeof result === 'number' ? result : yield* result;
}

/**
 * Copies `bytes` to user memory.
 *
 * @param bytes must stay unchanged until the returned operation has ended
 * @returns ZX_OK, ZX_ERR_INVALID_ARGS when the memory is not writable, or an operation with these outcomes
 */
export function outBytes(caller: Caller, address: number, bytes: Uint8Array): Status | Operation {
  const done = tryCopyOut(caller.memory, address, bytes);
  return done === bytes.length ? ZX_OK : restOut(caller, address + done, bytes.subarray(done));
}

function* restOut(caller: Caller, address: number, bytes: Uint8Array): Operation {
  return (yield* copyOut(caller.memory, address, bytes)) === ZX_OK ? ZX_OK : ZX_ERR_INVALID_ARGS;
}

/** Gives a u32 (or i32) result; statuses as `outBytes`. */
export function outU32(caller: Caller, address: number, value: number): Status | Operation {
  scratchView.setUint32(0, value, true);
  const done = tryCopyOut(caller.memory, address, scratch4);
  return done === 4 ? ZX_OK : restOut(caller, address + done, scratch4.slice(done));
}

/** Gives a u64 result as two words, each taken as u32; statuses as `outBytes`. */
export function outU64Words(caller: Caller, address: number, low: number, high: number): Status | Operation {
  scratchView.setUint32(0, low, true);
  scratchView.setUint32(4, high, true);
  const done = tryCopyOut(caller.memory, address, scratch);
  return done === 8 ? ZX_OK : restOut(caller, address + done, scratch.slice(done));
}

/** Gives a u64 result from an integer in [0, 2^53); statuses as `outBytes`. */
export function outU64(caller: Caller, address: number, value: number): Status | Operation {
  return outU64Words(caller, address, value >>> 0, Math.floor(value / 0x1_0000_0000));
}

/** Gives a result of whole pages (a size or address, page index below 2^52) in bytes; statuses as `outBytes`. */
export function outPages(caller: Caller, address: number, pages: number): Status | Operation {
  return outU64Words(caller, address, (pages % 0x10_0000) * PAGE_SIZE, Math.floor(pages / 0x10_0000));
}

/** Like `outU32`, but a null pointer asks for nothing. */
export function outOptionalU32(caller: Caller, address: number, value: number): Status | Operation {
  return address === 0 ? ZX_OK : outU32(caller, address, value);
}

/** Like `outU64`, but a null pointer asks for nothing. */
export function outOptionalU64(caller: Caller, address: number, value: number): Status | Operation {
  return address === 0 ? ZX_OK : outU64(caller, address, value);
}

/** One of several results; a null `address` asks for nothing. */
export interface OutPart {
  readonly address: number;
  readonly bytes: Uint8Array;
}

/** Gives several results in order, skipping null pointers and empty ones; stops at the first that is not writable (ZX_ERR_INVALID_ARGS). */
export function outParts(caller: Caller, parts: readonly OutPart[]): Status | Operation {
  for (let index = 0; index < parts.length; index += 1) {
    const { address, bytes } = parts[index];
    if (address === 0 || bytes.length === 0) continue;
    const result = outBytes(caller, address, bytes);
    if (result === ZX_OK) continue;
    if (typeof result === 'number') return result;
    const rest = parts.slice(index + 1);
    return andThen(result, (status) => (status === ZX_OK ? outParts(caller, rest) : status));
  }
  return ZX_OK;
}

/** ZX_OK when the caller's table takes `handles` more; ZX_ERR_NO_RESOURCES otherwise. Ask before objects are made. */
export function handleRoom(caller: Caller, handles: number): Status {
  return caller.process.handles.hasRoom(handles) ? ZX_OK : ZX_ERR_NO_RESOURCES;
}

/**
 * Room for a call that makes objects and gives handles to them; ask before anything is made.
 *
 * @returns ZX_OK; ZX_ERR_NO_RESOURCES: the table takes no more handles; ZX_ERR_NO_MEMORY: the kernel takes no more objects
 */
export function creationRoom(caller: Caller, objects: number): Status {
  if (!caller.process.handles.hasRoom(objects)) return ZX_ERR_NO_RESOURCES;
  return caller.core.liveObjects + objects <= caller.core.limits.objects ? ZX_OK : ZX_ERR_NO_MEMORY;
}

/**
 * Puts a new handle into the caller's table and gives its value out.
 *
 * The caller of this function checked `handleRoom`; another thread may have used the room up since, if the call waited: then
 * ZX_ERR_NO_RESOURCES. On every error the handle is released.
 *
 * @returns ZX_OK; ZX_ERR_INVALID_ARGS when the memory is not writable; ZX_ERR_NO_RESOURCES; or an operation with these outcomes
 */
export function outHandle(caller: Caller, address: number, handle: Handle): Status | Operation {
  return outHandles(caller, [address], [handle]);
}

/** `outHandle` for several handles, each with its own pointer: all of them are given, or none stays. */
export function outHandles(
  caller: Caller,
  addresses: readonly number[],
  handles: readonly Handle[],
): Status | Operation {
  const table = caller.process.handles;
  if (!table.hasRoom(handles.length)) {
    for (const handle of handles) handle.release();
    return ZX_ERR_NO_RESOURCES;
  }
  const values = handles.map((handle) => table.add(handle));
  let result: Status | Operation = ZX_OK;
  for (let index = 0; index < handles.length; index += 1) {
    const address = addresses[index];
    const value = values[index];
    result = andThen(result, (status) => (status === ZX_OK ? outU32(caller, address, value) : status));
  }
  return andThen(result, (status) => {
    if (status === ZX_OK) return status;
    handles.forEach((handle, index) => {
      const value = values[index];
      // Another thread may have closed it meanwhile, and the slot may hold something else.
      if (table.get(value) === handle) table.remove(value)?.release();
    });
    return status;
  });
}

/**
 * Takes `length` bytes from user memory and goes on with `next`.
 *
 * The caller of this function bounds `length`: that much is allocated.
 *
 * @returns what `next` returns, or ZX_ERR_INVALID_ARGS when the memory is not readable
 */
export function withBytes(
  caller: Caller,
  address: number,
  length: number,
  next: (bytes: Uint8Array) => Status | Operation,
): Status | Operation {
  const bytes = new Uint8Array(length);
  if (length === 0) return next(bytes);
  const done = tryCopyIn(caller.memory, address, bytes);
  if (done === length) return next(bytes);
  return andThen(restIn(caller, address + done, bytes.subarray(done)), (status) =>
    status === ZX_OK ? next(bytes) : status,
  );
}

function* restIn(caller: Caller, address: number, into: Uint8Array): Operation {
  return (yield* copyIn(caller.memory, address, into)) === ZX_OK ? ZX_OK : ZX_ERR_INVALID_ARGS;
}

/** `withBytes`, for a structure: `next` gets a little-endian view of it (pass `true` to its accessors). */
export function withStruct(
  caller: Caller,
  address: number,
  length: number,
  next: (view: DataView, bytes: Uint8Array) => Status | Operation,
): Status | Operation {
  return withBytes(caller, address, length, (bytes) =>
    next(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), bytes),
  );
}

/** Takes one u32 from user memory and goes on with `next`; errors as `withBytes`. */
export function withU32(
  caller: Caller,
  address: number,
  next: (value: number) => Status | Operation,
): Status | Operation {
  return withStruct(caller, address, 4, (view) => next(view.getUint32(0, true)));
}

/**
 * Takes an object's name (`const char* name, size_t length`): at most 31 bytes of it, up to the first NUL.
 *
 * @returns what `next` returns, or ZX_ERR_INVALID_ARGS when the memory is not readable
 */
export function withName(
  caller: Caller,
  address: number,
  length: number,
  next: (name: Uint8Array) => Status | Operation,
): Status | Operation {
  return withBytes(caller, address, Math.min(length, ZX_MAX_NAME_LEN - 1), (bytes) => {
    const end = bytes.indexOf(0);
    return next(end < 0 ? bytes : bytes.subarray(0, end));
  });
}

/** The u64 at `offset` as a number, for pointers and sizes: exact below 2^53, above that only "too large" matters. */
export function getU64(view: DataView, offset: number): number {
  return view.getUint32(offset + 4, true) * 0x1_0000_0000 + view.getUint32(offset, true);
}

/** Writes an integer in [0, 2^53) as u64. */
export function setU64(view: DataView, offset: number, value: number): void {
  view.setUint32(offset, value >>> 0, true);
  view.setUint32(offset + 4, Math.floor(value / 0x1_0000_0000), true);
}

/** Writes an integer in (-2^53, 2^53) as i64. */
export function setI64(view: DataView, offset: number, value: number): void {
  view.setUint32(offset, value >>> 0, true);
  view.setInt32(offset + 4, Math.floor(value / 0x1_0000_0000), true);
}
