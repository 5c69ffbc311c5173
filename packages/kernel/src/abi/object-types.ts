/**
 * Numbers of object types (`zx_obj_type_t`, u32) and reserved koids.
 *
 * @see Zircon `<zircon/types.h>`, `zx_obj_type_t`
 */
export const ZX_OBJ_TYPE_NONE = 0;
export const ZX_OBJ_TYPE_PROCESS = 1;
export const ZX_OBJ_TYPE_THREAD = 2;
export const ZX_OBJ_TYPE_VMO = 3;
export const ZX_OBJ_TYPE_CHANNEL = 4;
export const ZX_OBJ_TYPE_EVENT = 5;
export const ZX_OBJ_TYPE_PORT = 6;
export const ZX_OBJ_TYPE_INTERRUPT = 9;
export const ZX_OBJ_TYPE_PCI_DEVICE = 11;
export const ZX_OBJ_TYPE_DEBUGLOG = 12;
export const ZX_OBJ_TYPE_SOCKET = 14;
export const ZX_OBJ_TYPE_RESOURCE = 15;
export const ZX_OBJ_TYPE_EVENTPAIR = 16;
export const ZX_OBJ_TYPE_JOB = 17;
export const ZX_OBJ_TYPE_VMAR = 18;
export const ZX_OBJ_TYPE_FIFO = 19;
export const ZX_OBJ_TYPE_GUEST = 20;
export const ZX_OBJ_TYPE_VCPU = 21;
export const ZX_OBJ_TYPE_TIMER = 22;
export const ZX_OBJ_TYPE_IOMMU = 23;
export const ZX_OBJ_TYPE_BTI = 24;
export const ZX_OBJ_TYPE_PROFILE = 25;
export const ZX_OBJ_TYPE_PMT = 26;
export const ZX_OBJ_TYPE_SUSPEND_TOKEN = 27;
export const ZX_OBJ_TYPE_PAGER = 28;
export const ZX_OBJ_TYPE_EXCEPTION = 29;
export const ZX_OBJ_TYPE_CLOCK = 30;
export const ZX_OBJ_TYPE_STREAM = 31;
export const ZX_OBJ_TYPE_MSI = 32;
export const ZX_OBJ_TYPE_IOB = 33;
export const ZX_OBJ_TYPE_COUNTER = 34;
export const ZX_OBJ_TYPE_IOB_SHARED_REGION = 35;
/** Bound of arrays indexed by type. */
export const ZX_OBJ_TYPE_UPPER_BOUND = 64;

export const ZX_KOID_INVALID = 0;
export const ZX_KOID_KERNEL = 1;
/** The first koid that the kernel issues; smaller ones are reserved. */
export const ZX_KOID_FIRST = 1024;

export const ZX_HANDLE_INVALID = 0;
/** Bits that are set in every valid handle value. */
export const ZX_HANDLE_FIXED_BITS_MASK = 0x3;
