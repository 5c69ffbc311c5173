/**
 * The debug log.
 *
 * @see Zircon `<zircon/syscalls/log.h>`, `zx_debuglog_read`
 */
/** Option of `zx_debuglog_create`. */
export const ZX_LOG_FLAG_READABLE = 0x4000_0000;
/** Options that `zx_debuglog_write` accepts. */
export const ZX_LOG_FLAGS_MASK = 0x10;

export const DEBUGLOG_TRACE = 0x10;
export const DEBUGLOG_DEBUG = 0x20;
export const DEBUGLOG_INFO = 0x30;
export const DEBUGLOG_WARNING = 0x40;
export const DEBUGLOG_ERROR = 0x50;
export const DEBUGLOG_FATAL = 0x60;

/** `zx_log_record_t`: byte positions. */
export const LOG_RECORD_SEQUENCE = 0; // u64
export const LOG_RECORD_DATALEN = 12; // u16
export const LOG_RECORD_SEVERITY = 14; // u8
export const LOG_RECORD_FLAGS = 15; // u8
export const LOG_RECORD_TIMESTAMP = 16; // i64
export const LOG_RECORD_PID = 24; // u64
export const LOG_RECORD_TID = 32; // u64
export const LOG_RECORD_DATA = 40;
