/**
 * Zircon status codes (`zx_status_t`): 0 is success, errors are negative.
 *
 * @see Zircon `<zircon/errors.h>`
 */
export type Status = number;

export const ZX_OK = 0;
export const ZX_ERR_INTERNAL = -1;
export const ZX_ERR_NOT_SUPPORTED = -2;
export const ZX_ERR_NO_RESOURCES = -3;
export const ZX_ERR_NO_MEMORY = -4;
export const ZX_ERR_INVALID_ARGS = -10;
export const ZX_ERR_BAD_HANDLE = -11;
export const ZX_ERR_WRONG_TYPE = -12;
export const ZX_ERR_BAD_SYSCALL = -13;
export const ZX_ERR_OUT_OF_RANGE = -14;
export const ZX_ERR_BUFFER_TOO_SMALL = -15;
export const ZX_ERR_BAD_STATE = -20;
export const ZX_ERR_TIMED_OUT = -21;
export const ZX_ERR_SHOULD_WAIT = -22;
export const ZX_ERR_CANCELED = -23;
export const ZX_ERR_PEER_CLOSED = -24;
export const ZX_ERR_NOT_FOUND = -25;
export const ZX_ERR_ALREADY_EXISTS = -26;
export const ZX_ERR_ALREADY_BOUND = -27;
export const ZX_ERR_UNAVAILABLE = -28;
export const ZX_ERR_ACCESS_DENIED = -30;
export const ZX_ERR_IO = -40;
export const ZX_ERR_IO_REFUSED = -41;
export const ZX_ERR_IO_DATA_INTEGRITY = -42;
export const ZX_ERR_IO_DATA_LOSS = -43;
export const ZX_ERR_IO_NOT_PRESENT = -44;
export const ZX_ERR_IO_OVERRUN = -45;
export const ZX_ERR_IO_MISSED_DEADLINE = -46;
export const ZX_ERR_IO_INVALID = -47;
export const ZX_ERR_BAD_PATH = -50;
export const ZX_ERR_NOT_DIR = -51;
export const ZX_ERR_NOT_FILE = -52;
export const ZX_ERR_FILE_BIG = -53;
export const ZX_ERR_NO_SPACE = -54;
export const ZX_ERR_NOT_EMPTY = -55;
export const ZX_ERR_STOP = -60;
export const ZX_ERR_NEXT = -61;
export const ZX_ERR_ASYNC = -62;
export const ZX_ERR_PROTOCOL_NOT_SUPPORTED = -70;
export const ZX_ERR_ADDRESS_UNREACHABLE = -71;
export const ZX_ERR_ADDRESS_IN_USE = -72;
export const ZX_ERR_NOT_CONNECTED = -73;
export const ZX_ERR_CONNECTION_REFUSED = -74;
export const ZX_ERR_CONNECTION_RESET = -75;
export const ZX_ERR_CONNECTION_ABORTED = -76;

/** Return codes of a process that the kernel ended (`zx_info_process_t.return_code`). */
export const ZX_TASK_RETCODE_SYSCALL_KILL = -1024;
export const ZX_TASK_RETCODE_OOM_KILL = -1025;
export const ZX_TASK_RETCODE_POLICY_KILL = -1026;
export const ZX_TASK_RETCODE_VDSO_KILL = -1027;
export const ZX_TASK_RETCODE_EXCEPTION_KILL = -1028;
export const ZX_TASK_RETCODE_CRITICAL_PROCESS_KILL = -1029;
