/**
 * Rights of a handle (`zx_rights_t`, u32).
 *
 * @see Zircon `<zircon/rights.h>`
 */
export type Rights = number;

export const ZX_RIGHT_NONE = 0;
export const ZX_RIGHT_DUPLICATE = 1 << 0;
export const ZX_RIGHT_TRANSFER = 1 << 1;
export const ZX_RIGHT_READ = 1 << 2;
export const ZX_RIGHT_WRITE = 1 << 3;
export const ZX_RIGHT_EXECUTE = 1 << 4;
export const ZX_RIGHT_MAP = 1 << 5;
export const ZX_RIGHT_GET_PROPERTY = 1 << 6;
export const ZX_RIGHT_SET_PROPERTY = 1 << 7;
export const ZX_RIGHT_ENUMERATE = 1 << 8;
export const ZX_RIGHT_DESTROY = 1 << 9;
export const ZX_RIGHT_SET_POLICY = 1 << 10;
export const ZX_RIGHT_GET_POLICY = 1 << 11;
export const ZX_RIGHT_SIGNAL = 1 << 12;
export const ZX_RIGHT_SIGNAL_PEER = 1 << 13;
export const ZX_RIGHT_WAIT = 1 << 14;
export const ZX_RIGHT_INSPECT = 1 << 15;
export const ZX_RIGHT_MANAGE_JOB = 1 << 16;
export const ZX_RIGHT_MANAGE_PROCESS = 1 << 17;
export const ZX_RIGHT_MANAGE_THREAD = 1 << 18;
export const ZX_RIGHT_APPLY_PROFILE = 1 << 19;
export const ZX_RIGHT_MANAGE_SOCKET = 1 << 20;
export const ZX_RIGHT_OP_CHILDREN = 1 << 21;
export const ZX_RIGHT_RESIZE = 1 << 22;
export const ZX_RIGHT_ATTACH_VMO = 1 << 23;
export const ZX_RIGHT_MANAGE_VMO = 1 << 24;
/** Request value only: the whole of a `rights` argument. */
export const ZX_RIGHT_SAME_RIGHTS = 0x8000_0000;

export const ZX_RIGHTS_BASIC = ZX_RIGHT_DUPLICATE | ZX_RIGHT_TRANSFER | ZX_RIGHT_WAIT | ZX_RIGHT_INSPECT;
export const ZX_RIGHTS_IO = ZX_RIGHT_READ | ZX_RIGHT_WRITE;
export const ZX_RIGHTS_PROPERTY = ZX_RIGHT_GET_PROPERTY | ZX_RIGHT_SET_PROPERTY;
export const ZX_RIGHTS_POLICY = ZX_RIGHT_GET_POLICY | ZX_RIGHT_SET_POLICY;

export const ZX_DEFAULT_VMO_RIGHTS = 0xd0ef;
/** A VMAR's handle also gets READ, WRITE and EXECUTE as its CAN_MAP_* flags say. */
export const ZX_DEFAULT_VMAR_RIGHTS = 0x20_8003;
export const ZX_DEFAULT_PAGER_RIGHTS = 0x180_8002;
export const ZX_DEFAULT_PORT_RIGHTS = 0x800f;
export const ZX_DEFAULT_EVENT_RIGHTS = 0xd003;
export const ZX_DEFAULT_EVENTPAIR_RIGHTS = 0xf003;
export const ZX_DEFAULT_CHANNEL_RIGHTS = 0xf00e;
export const ZX_DEFAULT_PROCESS_RIGHTS = 0x6_d3cf;
export const ZX_DEFAULT_THREAD_RIGHTS = 0x4_d2cf;
export const ZX_DEFAULT_JOB_RIGHTS = 0x7_dfcf;
export const ZX_DEFAULT_DEBUGLOG_RIGHTS = 0xd00b;
export const ZX_DEFAULT_CLOCK_RIGHTS = 0xd0cf;
export const ZX_DEFAULT_EXCEPTION_RIGHTS = 0x80c2;
export const ZX_DEFAULT_RESOURCE_RIGHTS = 0x800b;
export const ZX_DEFAULT_IOMMU_RIGHTS = 0x8003;
export const ZX_DEFAULT_BTI_RIGHTS = 0x80ef;
export const ZX_DEFAULT_PMT_RIGHTS = 0x8000;
export const ZX_DEFAULT_TIMER_RIGHTS = 0xd00b;
export const ZX_DEFAULT_SUSPEND_TOKEN_RIGHTS = 0x8002;
