/**
 * Topics of `zx_object_get_info` and their records. A topic is a base number with a version in bits 28 and up.
 *
 * @see Zircon `<zircon/syscalls/object.h>`
 */
export const ZX_INFO_NONE = 0;
export const ZX_INFO_HANDLE_VALID = 1;
export const ZX_INFO_HANDLE_BASIC = 2;
export const ZX_INFO_PROCESS = 3 | (1 << 28);
export const ZX_INFO_PROCESS_THREADS = 4;
export const ZX_INFO_VMAR = 7;
export const ZX_INFO_JOB_CHILDREN = 8;
export const ZX_INFO_JOB_PROCESSES = 9;
export const ZX_INFO_THREAD = 10;
export const ZX_INFO_THREAD_EXCEPTION_REPORT_V1 = 11;
export const ZX_INFO_THREAD_EXCEPTION_REPORT = 11 | (1 << 28);
export const ZX_INFO_TASK_STATS_V1 = 12;
export const ZX_INFO_TASK_STATS = 12 | (1 << 28);
export const ZX_INFO_PROCESS_MAPS_V1 = 13;
export const ZX_INFO_PROCESS_MAPS_V2 = 13 | (1 << 28);
export const ZX_INFO_PROCESS_MAPS = 13 | (2 << 28);
export const ZX_INFO_PROCESS_VMOS_V1 = 14;
export const ZX_INFO_PROCESS_VMOS_V2 = 14 | (1 << 28);
export const ZX_INFO_PROCESS_VMOS_V3 = 14 | (2 << 28);
export const ZX_INFO_PROCESS_VMOS = 14 | (3 << 28);
export const ZX_INFO_THREAD_STATS = 15;
export const ZX_INFO_CPU_STATS = 16;
export const ZX_INFO_KMEM_STATS = 17 | (1 << 28);
export const ZX_INFO_RESOURCE = 18;
export const ZX_INFO_HANDLE_COUNT = 19;
export const ZX_INFO_BTI = 20;
export const ZX_INFO_PROCESS_HANDLE_STATS = 21;
export const ZX_INFO_SOCKET = 22;
export const ZX_INFO_VMO_V1 = 23;
export const ZX_INFO_VMO_V2 = 23 | (1 << 28);
export const ZX_INFO_VMO_V3 = 23 | (2 << 28);
export const ZX_INFO_VMO = 23 | (3 << 28);
export const ZX_INFO_JOB = 24;
export const ZX_INFO_TIMER = 25;
export const ZX_INFO_STREAM = 26;
export const ZX_INFO_HANDLE_TABLE = 27;
export const ZX_INFO_MSI = 28;
export const ZX_INFO_TASK_RUNTIME = 30 | (1 << 28);
export const ZX_INFO_VMAR_MAPS = 36;
export const ZX_INFO_MEMORY_STALL = 38;
export const ZX_INFO_INTERRUPT = 39;
export const ZX_INFO_CLOCK_MAPPED_SIZE = 40;

/** `zx_info_handle_basic_t`: byte positions. */
export const HANDLE_BASIC_KOID = 0; // u64
export const HANDLE_BASIC_RIGHTS = 8; // u32
export const HANDLE_BASIC_TYPE = 12; // u32
export const HANDLE_BASIC_RELATED_KOID = 16; // u64
export const HANDLE_BASIC_RESERVED = 24; // u32
export const HANDLE_BASIC_BYTES = 32;

/** `zx_info_handle_extended_t`: byte positions. */
export const HANDLE_EXTENDED_TYPE = 0; // u32
export const HANDLE_EXTENDED_HANDLE_VALUE = 4; // u32
export const HANDLE_EXTENDED_RIGHTS = 8; // u32
export const HANDLE_EXTENDED_KOID = 16; // u64
export const HANDLE_EXTENDED_RELATED_KOID = 24; // u64
export const HANDLE_EXTENDED_PEER_OWNER_KOID = 32; // u64
export const HANDLE_EXTENDED_BYTES = 40;

export const HANDLE_COUNT_BYTES = 4; // u32
/** u32[64], indexed by object type. */
export const PROCESS_HANDLE_STATS_BYTES = 256;

/** `zx_info_resource_t`: byte positions. */
export const INFO_RESOURCE_KIND = 0; // u32
export const INFO_RESOURCE_FLAGS = 4; // u32
export const INFO_RESOURCE_BASE = 8; // u64
export const INFO_RESOURCE_SIZE = 16; // u64
export const INFO_RESOURCE_NAME = 24; // 32 bytes
export const INFO_RESOURCE_BYTES = 56;

/** `zx_info_process_t`: byte positions. */
export const INFO_PROCESS_RETURN_CODE = 0; // i64
export const INFO_PROCESS_START_TIME = 8; // i64
export const INFO_PROCESS_FLAGS = 16; // u32
export const INFO_PROCESS_BYTES = 24;

/** `zx_info_vmar_t`: byte positions. */
export const INFO_VMAR_BASE = 0; // u64
export const INFO_VMAR_LEN = 8; // u64
export const INFO_VMAR_BYTES = 16;

/** `zx_info_thread_t`: byte positions; 64 bytes of processor affinity from 8 on. */
export const INFO_THREAD_STATE = 0; // u32
export const INFO_THREAD_WAIT_EXCEPTION_CHANNEL_TYPE = 4; // u32
export const INFO_THREAD_CPU_AFFINITY = 8;
export const INFO_THREAD_BYTES = 72;

/** `zx_info_thread_stats_t`: byte positions. */
export const INFO_THREAD_STATS_TOTAL_RUNTIME = 0; // i64
export const INFO_THREAD_STATS_LAST_CPU = 8; // u32
export const INFO_THREAD_STATS_BYTES = 16;

/** `zx_info_task_stats_t`: byte positions of its u64 fields. */
export const INFO_TASK_STATS_MAPPED = 0;
export const INFO_TASK_STATS_PRIVATE = 8;
export const INFO_TASK_STATS_SHARED = 16;
export const INFO_TASK_STATS_SCALED_SHARED = 24;
export const INFO_TASK_STATS_FRACTIONAL_SCALED = 32;
export const INFO_TASK_STATS_BYTES = 40;
export const INFO_TASK_STATS_V1_BYTES = 32;

/** `zx_info_task_runtime_t`: byte positions of its i64 fields. */
export const INFO_TASK_RUNTIME_CPU = 0;
export const INFO_TASK_RUNTIME_QUEUE = 8;
export const INFO_TASK_RUNTIME_PAGE_FAULT = 16;
export const INFO_TASK_RUNTIME_LOCK = 24;
export const INFO_TASK_RUNTIME_BYTES = 32;

/** `zx_info_job_t`: byte positions. */
/** `zx_info_timer_t` */
export const INFO_TIMER_OPTIONS = 0; // u32
export const INFO_TIMER_CLOCK_ID = 4; // u32
export const INFO_TIMER_DEADLINE = 8; // i64
export const INFO_TIMER_SLACK = 16; // i64
export const INFO_TIMER_BYTES = 24;

export const INFO_JOB_RETURN_CODE = 0; // i64
export const INFO_JOB_EXITED = 8; // u8
export const INFO_JOB_KILL_ON_OOM = 9; // u8
export const INFO_JOB_DEBUGGER_ATTACHED = 10; // u8
export const INFO_JOB_BYTES = 16;

/** `zx_info_vmo_t`: byte positions; u64 where nothing is said. Older versions are prefixes. */
export const INFO_VMO_KOID = 0;
export const INFO_VMO_NAME = 8; // 32 bytes
export const INFO_VMO_SIZE_BYTES = 40;
export const INFO_VMO_PARENT_KOID = 48;
export const INFO_VMO_NUM_CHILDREN = 56;
export const INFO_VMO_NUM_MAPPINGS = 64;
export const INFO_VMO_SHARE_COUNT = 72;
export const INFO_VMO_FLAGS = 80; // u32
export const INFO_VMO_COMMITTED_BYTES = 88;
export const INFO_VMO_HANDLE_RIGHTS = 96; // u32
export const INFO_VMO_CACHE_POLICY = 100; // u32
export const INFO_VMO_METADATA_BYTES = 104;
export const INFO_VMO_COMMITTED_CHANGE_EVENTS = 112;
export const INFO_VMO_POPULATED_BYTES = 120;
export const INFO_VMO_COMMITTED_PRIVATE_BYTES = 128;
export const INFO_VMO_POPULATED_PRIVATE_BYTES = 136;
export const INFO_VMO_COMMITTED_SCALED_BYTES = 144;
export const INFO_VMO_POPULATED_SCALED_BYTES = 152;
export const INFO_VMO_COMMITTED_FRACTIONAL_SCALED_BYTES = 160;
export const INFO_VMO_POPULATED_FRACTIONAL_SCALED_BYTES = 168;
export const INFO_VMO_BYTES = 176;
export const INFO_VMO_V1_BYTES = 104;
export const INFO_VMO_V2_BYTES = 120;
export const INFO_VMO_V3_BYTES = 128;

/** `zx_info_vmo_t.flags`. */
export const ZX_INFO_VMO_TYPE_PAGED = 1 << 0;
export const ZX_INFO_VMO_TYPE_PHYSICAL = 0;
export const ZX_INFO_VMO_RESIZABLE = 1 << 1;
export const ZX_INFO_VMO_IS_COW_CLONE = 1 << 2;
export const ZX_INFO_VMO_VIA_HANDLE = 1 << 3;
export const ZX_INFO_VMO_VIA_MAPPING = 1 << 4;
export const ZX_INFO_VMO_PAGER_BACKED = 1 << 5;
export const ZX_INFO_VMO_CONTIGUOUS = 1 << 6;
export const ZX_INFO_VMO_DISCARDABLE = 1 << 7;
export const ZX_INFO_VMO_IMMUTABLE = 1 << 8;
export const ZX_INFO_VMO_VIA_IOB_HANDLE = 1 << 9;

/** `zx_info_maps_t`: byte positions; u64 where nothing is said. */
export const INFO_MAPS_NAME = 0; // 32 bytes
export const INFO_MAPS_BASE = 32;
export const INFO_MAPS_SIZE = 40;
export const INFO_MAPS_DEPTH = 48;
export const INFO_MAPS_TYPE = 56; // u32
export const INFO_MAPS_MMU_FLAGS = 64; // u32
export const INFO_MAPS_VMO_KOID = 72;
export const INFO_MAPS_VMO_OFFSET = 80;
export const INFO_MAPS_COMMITTED_BYTES = 88;
export const INFO_MAPS_POPULATED_BYTES = 96;
export const INFO_MAPS_COMMITTED_PRIVATE_BYTES = 104;
export const INFO_MAPS_POPULATED_PRIVATE_BYTES = 112;
export const INFO_MAPS_COMMITTED_SCALED_BYTES = 120;
export const INFO_MAPS_POPULATED_SCALED_BYTES = 128;
export const INFO_MAPS_COMMITTED_FRACTIONAL_SCALED_BYTES = 136;
export const INFO_MAPS_POPULATED_FRACTIONAL_SCALED_BYTES = 144;
export const INFO_MAPS_BYTES = 152;
export const INFO_MAPS_V1_BYTES = 96;
export const INFO_MAPS_V2_BYTES = 104;

/** `zx_info_maps_t.type`. */
export const ZX_INFO_MAPS_TYPE_NONE = 0;
export const ZX_INFO_MAPS_TYPE_ASPACE = 1;
export const ZX_INFO_MAPS_TYPE_VMAR = 2;
export const ZX_INFO_MAPS_TYPE_MAPPING = 3;
