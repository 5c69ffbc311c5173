/**
 * Stores into pages of decoded code, as WebAssembly.
 *
 * `noteStoreToCode(host, bytes)`: the guest is about to store `bytes` (1 to 64, within a page) in a frame that has a slot or is
 * watched. Records that the bytes belong to become empty, and nobody has ever jumped there. Where a region is made of the page,
 * somebody watches it, or it is stored to so often that it counts as data, the cache of code does that (`CodeCache.storeToCode`).
 * Gives 0, or STATUS_END_SLICE.
 */

import { brIf, call, get, getGlobal, i32c, load, loop, op, ret, seq, set, store, tee, when } from '../wasm/code.js'; // prettier-ignore
import { slotInfoOf } from '../mmu/translate.js';
import { FunctionBody } from '../wasm/function-body.js';
import type { Code } from '../wasm/function-body.js';
import { FRAME_WATCHED, STORES_UNTIL_DATA } from './code-cache.js';
import type { CoreIndices } from './imports.js';
import { wordOfRecord } from './places.js';
import { RECORD_BYTES, RECORD_ENTRIES, RECORD_HANDLER, SLOT_BYTES, SLOT_OBSERVERS, SLOT_RECORDS, SLOT_STORES } from './record.js'; // prettier-ignore

/** `noteStoreToCode(host, bytes)`. */
export function buildNoteStoreToCode(indices: CoreIndices): FunctionBody {
  const f = new FunctionBody(2);
  const [host, bytes] = [0, 1];
  const offset = f.local('i32');
  const slot = f.local('i32');
  const record = f.local('i32');
  const last = f.local('i32');
  const stores = f.local('i32');
  const inCache: Code = ret(call(indices.storeToCode, get(host), get(bytes)));
  const records = op('i32.add', get(slot), i32c(SLOT_RECORDS));
  const recordAt = (half: Code): Code => op('i32.add', records, op('i32.mul', half, i32c(RECORD_BYTES)));
  seq(
    set(slot, slotInfoOf(indices, get(host))),
    when(op('i32.eq', get(slot), i32c(FRAME_WATCHED)), inCache),
    set(
      slot,
      op(
        'i32.add',
        getGlobal(indices.slots),
        op('i32.mul', op('i32.sub', get(slot), i32c(1)), i32c(SLOT_BYTES)),
      ),
    ),
    when(load('i32.load', get(slot), SLOT_OBSERVERS), inCache),
    when(
      op(
        'i32.ge_u',
        tee(stores, op('i32.add', load('i32.load', get(slot), SLOT_STORES), i32c(1))),
        i32c(STORES_UNTIL_DATA),
      ),
      inCache,
    ),
    store('i32.store', get(slot), get(stores), SLOT_STORES),
    set(offset, op('i32.and', op('i32.sub', get(host), getGlobal(indices.ram)), i32c(4095))),
    set(
      last,
      recordAt(op('i32.shr_u', op('i32.sub', op('i32.add', get(offset), get(bytes)), i32c(1)), i32c(1))),
    ),
    // An instruction may begin in the halfword before.
    set(record, recordAt(op('i32.shr_u', get(offset), i32c(1)))),
    when(op('i32.gt_u', get(offset), i32c(1)), set(record, op('i32.sub', get(record), i32c(RECORD_BYTES)))),
    loop(
      'records',
      // Only the handler goes: the instruction that stores here may still need its own operands.
      store('i32.store16', get(record), i32c(0), RECORD_HANDLER),
      store('i32.store', wordOfRecord(records, record), i32c(0), RECORD_ENTRIES),
      brIf('records', op('i32.le_u', tee(record, op('i32.add', get(record), i32c(RECORD_BYTES))), get(last))),
    ),
    i32c(0),
  )(f);
  return f;
}
