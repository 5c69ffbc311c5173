/**
 * Decoded instructions, as the interpreter reads them.
 *
 * ```
 *   slot:    i32 frame (-1: free)   i32 stores since the last decoding   ... 32 bytes
 *            2048 records, one a halfword of the page
 *            sentinel: a record of handler 0, so that running off the page fetches the next one
 *   record:  u16 handler   u16 rd   u16 rs1   u16 rs2   i32 immediate   u32 encoding
 * ```
 *
 * Registers are byte offsets in the hart's state; x0 as destination is HART_SINK. Handler 0 means that nothing is
 * decoded here yet.
 */

export const SLOT_FRAME = 0;
export const SLOT_STORES = 4;
/** Offset of the first record. */
export const SLOT_RECORDS = 32;

export const RECORD_BYTES = 16;
export const RECORD_HANDLER = 0;
export const RECORD_RD = 2;
export const RECORD_RS1 = 4;
export const RECORD_RS2 = 6;
export const RECORD_IMM = 8;
export const RECORD_BITS = 12;

/** Handlers that are no instruction's. */
export const HANDLER_FETCH = 0;
export const HANDLER_ILLEGAL = 1;
/** First handler of an instruction. */
export const FIRST_HANDLER = 2;
