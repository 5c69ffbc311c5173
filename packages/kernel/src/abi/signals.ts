/**
 * Signals (`zx_signals_t`, u32 masks).
 *
 * @see Zircon `<zircon/types.h>`, and Kernel objects, "Signals"
 */
export const ZX_SIGNAL_NONE = 0;
export const ZX_OBJECT_READABLE = 1 << 0;
export const ZX_OBJECT_WRITABLE = 1 << 1;
export const ZX_OBJECT_PEER_CLOSED = 1 << 2;
export const ZX_OBJECT_SIGNALED = 1 << 3;
export const ZX_OBJECT_SIGNAL_4 = 1 << 4;
export const ZX_OBJECT_SIGNAL_5 = 1 << 5;
/** Reported when the handle waited through goes away; cannot be set. */
export const ZX_SIGNAL_HANDLE_CLOSED = 1 << 23;
export const ZX_USER_SIGNAL_0 = 1 << 24;
export const ZX_USER_SIGNAL_1 = 1 << 25;
export const ZX_USER_SIGNAL_2 = 1 << 26;
export const ZX_USER_SIGNAL_3 = 1 << 27;
export const ZX_USER_SIGNAL_4 = 1 << 28;
export const ZX_USER_SIGNAL_5 = 1 << 29;
export const ZX_USER_SIGNAL_6 = 1 << 30;
export const ZX_USER_SIGNAL_7 = 0x8000_0000;
export const ZX_USER_SIGNAL_ALL = 0xff00_0000;

export const ZX_EVENT_SIGNALED = ZX_OBJECT_SIGNALED;
export const ZX_EVENTPAIR_SIGNALED = ZX_OBJECT_SIGNALED;
export const ZX_EVENTPAIR_PEER_CLOSED = ZX_OBJECT_PEER_CLOSED;
export const ZX_CHANNEL_READABLE = ZX_OBJECT_READABLE;
export const ZX_CHANNEL_WRITABLE = ZX_OBJECT_WRITABLE;
export const ZX_CHANNEL_PEER_CLOSED = ZX_OBJECT_PEER_CLOSED;
export const ZX_CLOCK_STARTED = ZX_OBJECT_SIGNAL_4;
export const ZX_LOG_READABLE = ZX_OBJECT_READABLE;
export const ZX_LOG_WRITABLE = ZX_OBJECT_WRITABLE;
export const ZX_TIMER_SIGNALED = ZX_OBJECT_SIGNALED;
export const ZX_TASK_TERMINATED = ZX_OBJECT_SIGNALED;
export const ZX_JOB_TERMINATED = ZX_OBJECT_SIGNALED;
export const ZX_JOB_NO_JOBS = ZX_OBJECT_SIGNAL_4;
export const ZX_JOB_NO_PROCESSES = ZX_OBJECT_SIGNAL_5;
export const ZX_PROCESS_TERMINATED = ZX_OBJECT_SIGNALED;
export const ZX_THREAD_TERMINATED = ZX_OBJECT_SIGNALED;
export const ZX_THREAD_RUNNING = ZX_OBJECT_SIGNAL_4;
export const ZX_THREAD_SUSPENDED = ZX_OBJECT_SIGNAL_5;
export const ZX_VMO_ZERO_CHILDREN = ZX_OBJECT_SIGNALED;
