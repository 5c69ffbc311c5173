/**
 * Exceptions and job policies.
 *
 * @see Zircon `<zircon/syscalls/exception.h>`, `<zircon/syscalls/policy.h>`
 */
export const ZX_EXCP_GENERAL = 0x008;
export const ZX_EXCP_FATAL_PAGE_FAULT = 0x108;
export const ZX_EXCP_UNDEFINED_INSTRUCTION = 0x208;
export const ZX_EXCP_SW_BREAKPOINT = 0x308;
export const ZX_EXCP_HW_BREAKPOINT = 0x408;
export const ZX_EXCP_UNALIGNED_ACCESS = 0x508;
/** Set in the types that only debuggers and policies see. */
export const ZX_EXCP_SYNTH = 0x8000;
export const ZX_EXCP_THREAD_STARTING = 0x8008;
export const ZX_EXCP_THREAD_EXITING = 0x8108;
export const ZX_EXCP_POLICY_ERROR = 0x8208;
export const ZX_EXCP_PROCESS_STARTING = 0x8308;
export const ZX_EXCP_USER = 0x8309;

/** `synth_code` of ZX_EXCP_POLICY_ERROR. */
export const ZX_EXCP_POLICY_CODE_BAD_HANDLE = 0;
export const ZX_EXCP_POLICY_CODE_WRONG_OBJECT = 1;
export const ZX_EXCP_POLICY_CODE_VMAR_WX = 2;
export const ZX_EXCP_POLICY_CODE_NEW_ANY = 3;
export const ZX_EXCP_POLICY_CODE_NEW_VMO = 4;
export const ZX_EXCP_POLICY_CODE_NEW_CHANNEL = 5;
export const ZX_EXCP_POLICY_CODE_NEW_EVENT = 6;
export const ZX_EXCP_POLICY_CODE_NEW_EVENTPAIR = 7;
export const ZX_EXCP_POLICY_CODE_NEW_PORT = 8;
export const ZX_EXCP_POLICY_CODE_NEW_SOCKET = 9;
export const ZX_EXCP_POLICY_CODE_NEW_FIFO = 10;
export const ZX_EXCP_POLICY_CODE_NEW_TIMER = 11;
export const ZX_EXCP_POLICY_CODE_NEW_PROCESS = 12;
export const ZX_EXCP_POLICY_CODE_NEW_PROFILE = 13;
export const ZX_EXCP_POLICY_CODE_NEW_PAGER = 14;
export const ZX_EXCP_POLICY_CODE_AMBIENT_MARK_VMO_EXEC = 15;
export const ZX_EXCP_POLICY_CODE_CHANNEL_FULL_WRITE = 16;
export const ZX_EXCP_POLICY_CODE_PORT_TOO_MANY_PACKETS = 17;
/** `synth_data` is the number in t0. */
export const ZX_EXCP_POLICY_CODE_BAD_SYSCALL = 18;
export const ZX_EXCP_POLICY_CODE_PORT_TOO_MANY_OBSERVERS = 19;
export const ZX_EXCP_POLICY_CODE_HANDLE_LEAK = 20;
export const ZX_EXCP_POLICY_CODE_NEW_IOB = 21;
export const ZX_EXCP_POLICY_CODE_NEW_SAMPLER = 22;

/** `zx_info_thread_t.wait_exception_channel_type`. */
export const ZX_EXCEPTION_CHANNEL_TYPE_NONE = 0;
export const ZX_EXCEPTION_CHANNEL_TYPE_DEBUGGER = 1;
export const ZX_EXCEPTION_CHANNEL_TYPE_THREAD = 2;
export const ZX_EXCEPTION_CHANNEL_TYPE_PROCESS = 3;
export const ZX_EXCEPTION_CHANNEL_TYPE_JOB = 4;
export const ZX_EXCEPTION_CHANNEL_TYPE_JOB_DEBUGGER = 5;

/** Option of `zx_task_create_exception_channel`. */
export const ZX_EXCEPTION_CHANNEL_DEBUGGER = 1;
/** Option of `zx_thread_raise_exception`, the only one there is. */
export const ZX_EXCEPTION_TARGET_JOB_DEBUGGER = 1;

/** `zx_exception_context_t`: byte positions. */
export const EXCEPTION_CONTEXT_SYNTH_CODE = 24; // u32
export const EXCEPTION_CONTEXT_SYNTH_DATA = 28; // u32
export const EXCEPTION_CONTEXT_BYTES = 32;

/** `zx_exception_report_t`: byte positions. */
export const EXCEPTION_REPORT_SIZE = 0; // u32
export const EXCEPTION_REPORT_TYPE = 4; // u32
export const EXCEPTION_REPORT_CAUSE = 8; // u64, scause
export const EXCEPTION_REPORT_TVAL = 16; // u64, the address
export const EXCEPTION_REPORT_SYNTH_CODE = 32; // u32
export const EXCEPTION_REPORT_SYNTH_DATA = 36; // u32
export const EXCEPTION_REPORT_BYTES = 40;
export const EXCEPTION_REPORT_V1_BYTES = 32;

/** `zx_exception_info_t`: byte positions. */
export const EXCEPTION_INFO_PID = 0; // u64
export const EXCEPTION_INFO_TID = 8; // u64
export const EXCEPTION_INFO_TYPE = 16; // u32
export const EXCEPTION_INFO_BYTES = 24;
