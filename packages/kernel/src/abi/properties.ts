/**
 * Properties of objects.
 *
 * @see Zircon `<zircon/types.h>`, `zx_object_get_property`
 */
/** 32 bytes; on jobs, processes, threads, VMOs, resources and BTIs. */
export const ZX_PROP_NAME = 3;
export const ZX_PROP_PROCESS_DEBUG_ADDR = 5; // u64
export const ZX_PROP_PROCESS_VDSO_BASE_ADDRESS = 6; // u64, get only
export const ZX_PROP_PROCESS_BREAK_ON_LOAD = 7; // u64
export const ZX_PROP_PROCESS_HW_TRACE_CONTEXT_ID = 8;
export const ZX_PROP_SOCKET_RX_THRESHOLD = 12;
export const ZX_PROP_SOCKET_TX_THRESHOLD = 13;
export const ZX_PROP_JOB_KILL_ON_OOM = 15;
export const ZX_PROP_EXCEPTION_STATE = 16; // u32
/** The older name of a VMO's stream size, u64. */
export const ZX_PROP_VMO_CONTENT_SIZE = 17;
export const ZX_PROP_EXCEPTION_STRATEGY = 18; // u32
export const ZX_PROP_STREAM_MODE_APPEND = 19;

export const ZX_EXCEPTION_STATE_TRY_NEXT = 0;
export const ZX_EXCEPTION_STATE_HANDLED = 1;
export const ZX_EXCEPTION_STATE_THREAD_EXIT = 2;
export const ZX_EXCEPTION_STRATEGY_FIRST_CHANCE = 0;
export const ZX_EXCEPTION_STRATEGY_SECOND_CHANCE = 1;
