/**
 * Tasks: options, thread and process states.
 *
 * @see Zircon `<zircon/syscalls/object.h>`, `ZX_INFO_THREAD`, `ZX_INFO_PROCESS`; `<zircon/syscalls/debug.h>`
 */
export const ZX_PROCESS_SHARED = 1;

/** Option of `zx_job_set_critical`: only an exit with another code than 0 counts. */
export const ZX_JOB_CRITICAL_PROCESS_RETCODE_NONZERO = 1;

/** `zx_thread_state_t`: `zx_info_thread_t.state`. */
export const ZX_THREAD_STATE_NEW = 0;
export const ZX_THREAD_STATE_RUNNING = 1;
export const ZX_THREAD_STATE_SUSPENDED = 2;
export const ZX_THREAD_STATE_BLOCKED = 3;
export const ZX_THREAD_STATE_DYING = 4;
export const ZX_THREAD_STATE_DEAD = 5;
export const ZX_THREAD_STATE_BLOCKED_EXCEPTION = 0x103;
export const ZX_THREAD_STATE_BLOCKED_SLEEPING = 0x203;
export const ZX_THREAD_STATE_BLOCKED_FUTEX = 0x303;
export const ZX_THREAD_STATE_BLOCKED_PORT = 0x403;
export const ZX_THREAD_STATE_BLOCKED_CHANNEL = 0x503;
export const ZX_THREAD_STATE_BLOCKED_WAIT_ONE = 0x603;
export const ZX_THREAD_STATE_BLOCKED_WAIT_MANY = 0x703;
export const ZX_THREAD_STATE_BLOCKED_INTERRUPT = 0x803;
export const ZX_THREAD_STATE_BLOCKED_PAGER = 0x903;

/** `zx_info_process_t.flags`. */
export const ZX_INFO_PROCESS_FLAG_STARTED = 1;
export const ZX_INFO_PROCESS_FLAG_EXITED = 2;
export const ZX_INFO_PROCESS_FLAG_DEBUGGER_ATTACHED = 4;

/** Kinds of `zx_thread_read_state` and `zx_thread_write_state`. */
export const ZX_THREAD_STATE_GENERAL_REGS = 0;
export const ZX_THREAD_STATE_FP_REGS = 1;
export const ZX_THREAD_STATE_VECTOR_REGS = 2;
export const ZX_THREAD_STATE_DEBUG_REGS = 4;
export const ZX_THREAD_STATE_SINGLE_STEP = 5;
/** `zx_riscv64_thread_state_fp_regs_t`: 32 times 128 bits, then fcsr (u32), padded to 16 bytes. */
export const FP_REGS_BYTES = 528;
export const FP_REGS_FCSR = 512;
/** `zx_riscv64_thread_state_general_regs_t`: 32 u64, pc first (in x0's place), then x1 to x31. */
export const GENERAL_REGS_BYTES = 256;
