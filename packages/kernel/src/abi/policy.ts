/**
 * Policies of jobs. The conditions have the numbers of the policy codes of exceptions (ZX_EXCP_POLICY_CODE_*).
 *
 * @see Zircon `<zircon/syscalls/policy.h>`, `zx_job_set_policy`
 */
export const ZX_JOB_POL_RELATIVE = 0;
export const ZX_JOB_POL_ABSOLUTE = 1;
export const ZX_JOB_POL_BASIC_V1 = 0;
export const ZX_JOB_POL_BASIC_V2 = 0x0100_0000;
export const ZX_JOB_POL_TIMER_SLACK = 1;

export const ZX_POL_BAD_HANDLE = 0;
export const ZX_POL_WRONG_OBJECT = 1;
export const ZX_POL_VMAR_WX = 2;
/** Stands for all conditions about new objects. */
export const ZX_POL_NEW_ANY = 3;
export const ZX_POL_NEW_VMO = 4;
export const ZX_POL_NEW_CHANNEL = 5;
export const ZX_POL_NEW_EVENT = 6;
export const ZX_POL_NEW_EVENTPAIR = 7;
export const ZX_POL_NEW_PORT = 8;
export const ZX_POL_NEW_SOCKET = 9;
export const ZX_POL_NEW_FIFO = 10;
export const ZX_POL_NEW_TIMER = 11;
export const ZX_POL_NEW_PROCESS = 12;
export const ZX_POL_NEW_PROFILE = 13;
export const ZX_POL_NEW_PAGER = 14;
export const ZX_POL_AMBIENT_MARK_VMO_EXEC = 15;

export const ZX_POL_ACTION_ALLOW = 0;
export const ZX_POL_ACTION_DENY = 1;
export const ZX_POL_ACTION_ALLOW_EXCEPTION = 2;
export const ZX_POL_ACTION_DENY_EXCEPTION = 3;
export const ZX_POL_ACTION_KILL = 4;

export const ZX_POL_OVERRIDE_ALLOW = 0;
export const ZX_POL_OVERRIDE_DENY = 1;

/** `zx_policy_basic_v1_t`: condition, action. `zx_policy_basic_v2_t`: and whether jobs below may change it. All u32. */
export const POLICY_BASIC_V1_BYTES = 8;
export const POLICY_BASIC_V2_BYTES = 12;
