/** The places of a page, as WebAssembly: where what is at an address in it has its record and its word (record.ts). */

import { get, i32c, op } from '../wasm/code.js';
import type { Code } from '../wasm/function-body.js';

/** An address, 64 bits, in its page: 32 bits. */
export const pageOffset = (address: Code): Code => op('i32.and', op('i32.wrap_i64', address), i32c(4095));

/** From a page's first record to the one of the address in the local `pc`: a place has 2 bytes, a record 16. */
export const recordOffset = (pc: number): Code => op('i32.shl', pageOffset(get(pc)), i32c(3));

/** Address of the record of the address in the local `pc`; that of its page's first is `records`. */
export const recordOf = (records: Code, pc: number): Code => op('i32.add', records, recordOffset(pc));

/** Address of the word of the address in the local `pc`, less RECORD_ENTRIES. */
export const wordOf = (records: Code, pc: number): Code =>
  op('i32.add', records, op('i32.shl', pageOffset(get(pc)), i32c(1)));

/** Address of the word of the place whose record is at `record`, less RECORD_ENTRIES: a word has 4 bytes. */
export const wordOfRecord = (records: Code, record: number): Code =>
  op('i32.add', records, op('i32.shr_u', op('i32.sub', get(record), records), i32c(2)));
