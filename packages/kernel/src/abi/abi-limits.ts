/**
 * Limits that are part of the ABI. Bounds that an embedder can choose are in `../limits.ts`.
 *
 * @see Zircon `<zircon/types.h>`, `<zircon/limits.h>`
 */

/** Bytes of an object's name, its terminating NUL included. */
export const ZX_MAX_NAME_LEN = 32;
/** Items of one `zx_object_wait_many`. */
export const ZX_WAIT_MANY_MAX_ITEMS = 64;
/** Bytes of one channel message. */
export const ZX_CHANNEL_MAX_MSG_BYTES = 65_536;
/** Handles of one channel message. */
export const ZX_CHANNEL_MAX_MSG_HANDLES = 64;
/** Entries of the array that ZX_CHANNEL_WRITE_USE_IOVEC points to. */
export const ZX_CHANNEL_MAX_MSG_IOVECS = 8_192;
/** Bytes of one kernel call for random bytes; the vDSO's `zx_cprng_draw` asks as often as needed. */
export const ZX_CPRNG_DRAW_MAX_LEN = 256;
/** Bytes of a log record, header included. */
export const ZX_LOG_RECORD_MAX = 256;
/** Bytes of the text of a log record. */
export const ZX_LOG_RECORD_DATA_MAX = 216;
export const ZX_MIN_PAGE_SHIFT = 12;
export const ZX_MAX_PAGE_SHIFT = 21;
