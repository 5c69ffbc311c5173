/**
 * Decoded instructions, as the interpreter reads them.
 *
 * ```
 *   slot:    i32 frame (-1: free)   i32 stores since the last decoding   i32 observers   ... 32 bytes
 *            2048 records, one a halfword of the page
 *            sentinel: a record of handler 0, so that running off the page fetches the next one
 *            2048 words, one a halfword: below 65536 how often a jump arrived there (65535: it is not looked at any
 *            more), else region number * 65536 + entry number
 *   record:  u16 handler   u16 rd   u16 rs1   u16 rs2   i32 immediate   u32 encoding
 * ```
 *
 * Registers are byte offsets in the hart's state; x0 as destination is HART_SINK. A third source register is in the
 * immediate's place. Handler 0 means that nothing is
 * decoded here yet.
 */

export const SLOT_FRAME = 0;
export const SLOT_STORES = 4;
/** How many have to hear of each store: regions made of the page, and one for whoever watches it. */
export const SLOT_OBSERVERS = 8;
/** Offset of the first record. */
export const SLOT_RECORDS = 32;

export const RECORD_BYTES = 16;
/** One a halfword of a page. */
export const RECORDS = 2048;
/** Offset of the words of regions and arrivals from the first record. */
export const RECORD_ENTRIES = RECORDS * RECORD_BYTES + 32;
/** Bytes of a slot. */
export const SLOT_BYTES = SLOT_RECORDS + RECORD_ENTRIES + RECORDS * 4;
/** Regions that there may be; number 0 is none. */
export const REGION_NUMBERS = 16_384;
/** A word of arrivals that is not counted up any more. */
export const ARRIVALS_END = 0xffff;
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
