/** Arguments of the calls on memory: positions and lengths of up to 64 bits as pages and rests, checked where they enter. */
import { PAGE_SIZE } from '@faultline/mmu-emu';
import type { Rights } from '../abi/rights.js';
import { ZX_ERR_ACCESS_DENIED, ZX_ERR_BAD_HANDLE, ZX_ERR_WRONG_TYPE, type Status } from '../abi/status.js';
import type { Handle } from '../object/handle-table.js';
import type { VmoDispatcher } from '../vm/vm-object.js';
import { VmoDispatcher as Vmo } from '../vm/vm-object.js';
import { VmarDispatcher as Vmar, type VmarDispatcher } from '../vm/vmar.js';
import { pageArg, pageOffsetArg, type Caller } from './call.js';

/** A handle whose object is known to be a T. */
export interface TypedHandle<T> {
  readonly object: T;
  readonly rights: Rights;
}

/** A byte range as pages: it begins at byte `offset` of page `page`, ends at byte `endRest` of page `endPage`, and touches pages up to `end`. */
export interface ByteRange {
  readonly page: number;
  readonly offset: number;
  /** Length: whole pages, and bytes beyond them. */
  readonly pages: number;
  readonly rest: number;
  readonly endPage: number;
  readonly endRest: number;
  /** The page after the last one touched; of an empty range, `page` or the page after it. */
  readonly end: number;
}

/** The 64-bit byte position and length in two arguments. */
export function rangeArg(args: Uint32Array, position: number, length: number): ByteRange {
  const page = pageArg(args, position);
  const offset = pageOffsetArg(args, position);
  const pages = pageArg(args, length);
  const rest = pageOffsetArg(args, length);
  const sum = offset + rest;
  const endPage = page + pages + (sum >= PAGE_SIZE ? 1 : 0);
  const endRest = sum % PAGE_SIZE;
  return { page, offset, pages, rest, endPage, endRest, end: endPage + (endRest === 0 ? 0 : 1) };
}

/** Pages that the 64-bit byte size in an argument takes, rounded up. */
export function sizeArg(args: Uint32Array, index: number): number {
  return pageArg(args, index) + (pageOffsetArg(args, index) === 0 ? 0 : 1);
}

/** A VMO handle: BAD_HANDLE, WRONG_TYPE, ACCESS_DENIED otherwise. */
export function vmoHandle(
  caller: Caller,
  value: number,
  rights: Rights,
): TypedHandle<VmoDispatcher> | Status {
  const handle = caller.process.handles.get(value);
  return typed(handle, handle?.dispatcher instanceof Vmo ? handle.dispatcher : null, rights);
}

/** A VMAR handle: BAD_HANDLE, WRONG_TYPE, ACCESS_DENIED otherwise. */
export function vmarHandle(
  caller: Caller,
  value: number,
  rights: Rights,
): TypedHandle<VmarDispatcher> | Status {
  const handle = caller.process.handles.get(value);
  return typed(handle, handle?.dispatcher instanceof Vmar ? handle.dispatcher : null, rights);
}

function typed<T>(handle: Handle | undefined, object: T | null, rights: Rights): TypedHandle<T> | Status {
  if (handle === undefined) return ZX_ERR_BAD_HANDLE;
  if (object === null) return ZX_ERR_WRONG_TYPE;
  if ((handle.rights & rights) !== rights) return ZX_ERR_ACCESS_DENIED;
  return { object, rights: handle.rights };
}
