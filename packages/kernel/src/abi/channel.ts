/**
 * Channels: options and the structures their calls take.
 *
 * @see Zircon `<zircon/types.h>`, `zx_channel_read`, `zx_channel_write_etc`, `zx_channel_call`
 */
export const ZX_CHANNEL_READ_MAY_DISCARD = 1;
export const ZX_CHANNEL_WRITE_USE_IOVEC = 2;

/** Operations of a `zx_handle_disposition_t`. */
export const ZX_HANDLE_OP_MOVE = 0;
export const ZX_HANDLE_OP_DUPLICATE = 1;

/** `zx_handle_info_t`: byte positions of its u32 fields. */
export const HANDLE_INFO_HANDLE = 0;
export const HANDLE_INFO_TYPE = 4;
export const HANDLE_INFO_RIGHTS = 8;
export const HANDLE_INFO_UNUSED = 12;
export const HANDLE_INFO_BYTES = 16;

/** `zx_handle_disposition_t`: byte positions of its u32 fields; `result` is i32. */
export const DISPOSITION_OPERATION = 0;
export const DISPOSITION_HANDLE = 4;
export const DISPOSITION_TYPE = 8;
export const DISPOSITION_RIGHTS = 12;
export const DISPOSITION_RESULT = 16;
export const DISPOSITION_BYTES = 20;

/** `zx_channel_iovec_t`: byte positions. */
export const IOVEC_BUFFER = 0; // pointer
export const IOVEC_CAPACITY = 8; // u32
export const IOVEC_RESERVED = 12; // u32, must be 0
export const IOVEC_BYTES = 16;

/** `zx_channel_call_args_t` (and `_etc_args_t`): byte positions; pointers, then u32 counts. */
export const CALL_ARGS_WR_BYTES = 0;
export const CALL_ARGS_WR_HANDLES = 8;
export const CALL_ARGS_RD_BYTES = 16;
export const CALL_ARGS_RD_HANDLES = 24;
export const CALL_ARGS_WR_NUM_BYTES = 32;
export const CALL_ARGS_WR_NUM_HANDLES = 36;
export const CALL_ARGS_RD_NUM_BYTES = 40;
export const CALL_ARGS_RD_NUM_HANDLES = 44;
export const CALL_ARGS_BYTES = 48;
/** Transaction ids of `zx_channel_call` have the top bit set; a message with txid below is no reply to a call. */
export const CHANNEL_CALL_TXID_MIN = 0x8000_0000;
