/* What zx_object_get_info and zx_object_get_property tell. A topic carries a version in bits 28 and up. */
#ifndef ZIRCON_SYSCALLS_OBJECT_H_
#define ZIRCON_SYSCALLS_OBJECT_H_

#include <stdint.h>
#include <zircon/compiler.h>
#include <zircon/types.h>

__BEGIN_CDECLS

typedef uint32_t zx_object_info_topic_t;
#define ZX_INFO_TOPIC_(base, version) ((zx_object_info_topic_t)((base) | ((uint32_t)(version) << 28)))

#define ZX_INFO_NONE ZX_INFO_TOPIC_(0u, 0)
#define ZX_INFO_HANDLE_VALID ZX_INFO_TOPIC_(1u, 0)
#define ZX_INFO_HANDLE_BASIC ZX_INFO_TOPIC_(2u, 0)
#define ZX_INFO_PROCESS ZX_INFO_TOPIC_(3u, 1)
#define ZX_INFO_PROCESS_THREADS ZX_INFO_TOPIC_(4u, 0)
#define ZX_INFO_VMAR ZX_INFO_TOPIC_(7u, 0)
#define ZX_INFO_JOB_CHILDREN ZX_INFO_TOPIC_(8u, 0)
#define ZX_INFO_JOB_PROCESSES ZX_INFO_TOPIC_(9u, 0)
#define ZX_INFO_THREAD ZX_INFO_TOPIC_(10u, 0)
#define ZX_INFO_THREAD_EXCEPTION_REPORT_V1 ZX_INFO_TOPIC_(11u, 0)
#define ZX_INFO_THREAD_EXCEPTION_REPORT ZX_INFO_TOPIC_(11u, 1)
#define ZX_INFO_TASK_STATS_V1 ZX_INFO_TOPIC_(12u, 0)
#define ZX_INFO_TASK_STATS ZX_INFO_TOPIC_(12u, 1)
#define ZX_INFO_PROCESS_MAPS_V1 ZX_INFO_TOPIC_(13u, 0)
#define ZX_INFO_PROCESS_MAPS_V2 ZX_INFO_TOPIC_(13u, 1)
#define ZX_INFO_PROCESS_MAPS ZX_INFO_TOPIC_(13u, 2)
#define ZX_INFO_PROCESS_VMOS_V1 ZX_INFO_TOPIC_(14u, 0)
#define ZX_INFO_PROCESS_VMOS_V2 ZX_INFO_TOPIC_(14u, 1)
#define ZX_INFO_PROCESS_VMOS_V3 ZX_INFO_TOPIC_(14u, 2)
#define ZX_INFO_PROCESS_VMOS ZX_INFO_TOPIC_(14u, 3)
#define ZX_INFO_THREAD_STATS ZX_INFO_TOPIC_(15u, 0)
#define ZX_INFO_CPU_STATS ZX_INFO_TOPIC_(16u, 0)
#define ZX_INFO_KMEM_STATS ZX_INFO_TOPIC_(17u, 1)
#define ZX_INFO_RESOURCE ZX_INFO_TOPIC_(18u, 0)
#define ZX_INFO_HANDLE_COUNT ZX_INFO_TOPIC_(19u, 0)
#define ZX_INFO_BTI ZX_INFO_TOPIC_(20u, 0)
#define ZX_INFO_PROCESS_HANDLE_STATS ZX_INFO_TOPIC_(21u, 0)
#define ZX_INFO_SOCKET ZX_INFO_TOPIC_(22u, 0)
#define ZX_INFO_VMO_V1 ZX_INFO_TOPIC_(23u, 0)
#define ZX_INFO_VMO_V2 ZX_INFO_TOPIC_(23u, 1)
#define ZX_INFO_VMO_V3 ZX_INFO_TOPIC_(23u, 2)
#define ZX_INFO_VMO ZX_INFO_TOPIC_(23u, 3)
#define ZX_INFO_JOB ZX_INFO_TOPIC_(24u, 0)
#define ZX_INFO_TIMER ZX_INFO_TOPIC_(25u, 0)
#define ZX_INFO_STREAM ZX_INFO_TOPIC_(26u, 0)
#define ZX_INFO_HANDLE_TABLE ZX_INFO_TOPIC_(27u, 0)
#define ZX_INFO_MSI ZX_INFO_TOPIC_(28u, 0)
#define ZX_INFO_TASK_RUNTIME ZX_INFO_TOPIC_(30u, 1)
#define ZX_INFO_VMAR_MAPS ZX_INFO_TOPIC_(36u, 0)
#define ZX_INFO_MEMORY_STALL ZX_INFO_TOPIC_(38u, 0)
#define ZX_INFO_INTERRUPT ZX_INFO_TOPIC_(39u, 0)
#define ZX_INFO_CLOCK_MAPPED_SIZE ZX_INFO_TOPIC_(40u, 0)

typedef struct zx_info_handle_basic {
  zx_koid_t koid;
  zx_rights_t rights;
  zx_obj_type_t type;
  zx_koid_t related_koid;
  uint32_t reserved;
  uint8_t padding1[4];
} zx_info_handle_basic_t;

typedef struct zx_info_handle_extended {
  zx_obj_type_t type;
  zx_handle_t handle_value;
  zx_rights_t rights;
  uint32_t reserved;
  zx_koid_t koid;
  zx_koid_t related_koid;
  zx_koid_t peer_owner_koid;
} zx_info_handle_extended_t;

typedef struct zx_info_handle_count {
  uint32_t handle_count;
} zx_info_handle_count_t;

typedef struct zx_info_process_handle_stats {
  uint32_t handle_count[64];
} zx_info_process_handle_stats_t;

typedef uint32_t zx_info_process_flags_t;
#define ZX_INFO_PROCESS_FLAG_STARTED ((zx_info_process_flags_t)1u << 0)
#define ZX_INFO_PROCESS_FLAG_EXITED ((zx_info_process_flags_t)1u << 1)
#define ZX_INFO_PROCESS_FLAG_DEBUGGER_ATTACHED ((zx_info_process_flags_t)1u << 2)

typedef struct zx_info_process {
  int64_t return_code;
  zx_time_t start_time;
  zx_info_process_flags_t flags;
  uint8_t padding1[4];
} zx_info_process_t;

typedef struct zx_info_vmar {
  uintptr_t base;
  size_t len;
} zx_info_vmar_t;

typedef uint32_t zx_thread_state_t;
#define ZX_THREAD_STATE_NEW ((zx_thread_state_t)0x0000u)
#define ZX_THREAD_STATE_RUNNING ((zx_thread_state_t)0x0001u)
#define ZX_THREAD_STATE_SUSPENDED ((zx_thread_state_t)0x0002u)
#define ZX_THREAD_STATE_BLOCKED ((zx_thread_state_t)0x0003u)
#define ZX_THREAD_STATE_DYING ((zx_thread_state_t)0x0004u)
#define ZX_THREAD_STATE_DEAD ((zx_thread_state_t)0x0005u)
#define ZX_THREAD_STATE_BLOCKED_EXCEPTION ((zx_thread_state_t)0x0103u)
#define ZX_THREAD_STATE_BLOCKED_SLEEPING ((zx_thread_state_t)0x0203u)
#define ZX_THREAD_STATE_BLOCKED_FUTEX ((zx_thread_state_t)0x0303u)
#define ZX_THREAD_STATE_BLOCKED_PORT ((zx_thread_state_t)0x0403u)
#define ZX_THREAD_STATE_BLOCKED_CHANNEL ((zx_thread_state_t)0x0503u)
#define ZX_THREAD_STATE_BLOCKED_WAIT_ONE ((zx_thread_state_t)0x0603u)
#define ZX_THREAD_STATE_BLOCKED_WAIT_MANY ((zx_thread_state_t)0x0703u)
#define ZX_THREAD_STATE_BLOCKED_INTERRUPT ((zx_thread_state_t)0x0803u)
#define ZX_THREAD_STATE_BLOCKED_PAGER ((zx_thread_state_t)0x0903u)
#define ZX_THREAD_STATE_BASIC(state) ((state) & 0xFFu)

#define ZX_EXCEPTION_CHANNEL_TYPE_NONE ((uint32_t)0u)
#define ZX_EXCEPTION_CHANNEL_TYPE_DEBUGGER ((uint32_t)1u)
#define ZX_EXCEPTION_CHANNEL_TYPE_THREAD ((uint32_t)2u)
#define ZX_EXCEPTION_CHANNEL_TYPE_PROCESS ((uint32_t)3u)
#define ZX_EXCEPTION_CHANNEL_TYPE_JOB ((uint32_t)4u)
#define ZX_EXCEPTION_CHANNEL_TYPE_JOB_DEBUGGER ((uint32_t)5u)

typedef struct zx_cpu_set {
  uint64_t mask[8];
} zx_cpu_set_t;

typedef struct zx_info_thread {
  zx_thread_state_t state;
  uint32_t wait_exception_channel_type;
  zx_cpu_set_t cpu_affinity_mask;
} zx_info_thread_t;

typedef struct zx_info_thread_stats {
  zx_duration_t total_runtime;
  uint32_t last_scheduled_cpu;
  uint8_t padding1[4];
} zx_info_thread_stats_t;

typedef struct zx_info_task_stats {
  size_t mem_mapped_bytes;
  size_t mem_private_bytes;
  size_t mem_shared_bytes;
  size_t mem_scaled_shared_bytes;
  uint64_t mem_fractional_scaled_shared_bytes;
} zx_info_task_stats_t;

typedef struct zx_info_task_runtime {
  zx_duration_t cpu_time;
  zx_duration_t queue_time;
  zx_duration_t page_fault_time;
  zx_duration_t lock_contention_time;
} zx_info_task_runtime_t;

typedef struct zx_info_job {
  int64_t return_code;
  uint8_t exited;
  uint8_t kill_on_oom;
  uint8_t debugger_attached;
  uint8_t padding1[5];
} zx_info_job_t;

typedef struct zx_info_timer {
  uint32_t options;
  zx_clock_t clock_id;
  zx_time_t deadline;
  zx_duration_t slack;
} zx_info_timer_t;

#define ZX_INFO_VMO_TYPE_PAGED ((uint32_t)1u << 0)
#define ZX_INFO_VMO_TYPE_PHYSICAL ((uint32_t)0u << 0)
#define ZX_INFO_VMO_TYPE(flags) ((flags) & ((uint32_t)1u << 0))
#define ZX_INFO_VMO_RESIZABLE ((uint32_t)1u << 1)
#define ZX_INFO_VMO_IS_COW_CLONE ((uint32_t)1u << 2)
#define ZX_INFO_VMO_VIA_HANDLE ((uint32_t)1u << 3)
#define ZX_INFO_VMO_VIA_MAPPING ((uint32_t)1u << 4)
#define ZX_INFO_VMO_PAGER_BACKED ((uint32_t)1u << 5)
#define ZX_INFO_VMO_CONTIGUOUS ((uint32_t)1u << 6)
#define ZX_INFO_VMO_DISCARDABLE ((uint32_t)1u << 7)
#define ZX_INFO_VMO_IMMUTABLE ((uint32_t)1u << 8)
#define ZX_INFO_VMO_VIA_IOB_HANDLE ((uint32_t)1u << 9)

typedef struct zx_info_vmo {
  zx_koid_t koid;
  char name[ZX_MAX_NAME_LEN];
  uint64_t size_bytes;
  zx_koid_t parent_koid;
  size_t num_children;
  size_t num_mappings;
  size_t share_count;
  uint32_t flags;
  uint8_t padding1[4];
  uint64_t committed_bytes;
  zx_rights_t handle_rights;
  uint32_t cache_policy;
  uint64_t metadata_bytes;
  uint64_t committed_change_events;
  uint64_t populated_bytes;
  uint64_t committed_private_bytes;
  uint64_t populated_private_bytes;
  uint64_t committed_scaled_bytes;
  uint64_t populated_scaled_bytes;
  uint64_t committed_fractional_scaled_bytes;
  uint64_t populated_fractional_scaled_bytes;
} zx_info_vmo_t;

typedef uint32_t zx_info_maps_type_t;
#define ZX_INFO_MAPS_TYPE_NONE ((zx_info_maps_type_t)0u)
#define ZX_INFO_MAPS_TYPE_ASPACE ((zx_info_maps_type_t)1u)
#define ZX_INFO_MAPS_TYPE_VMAR ((zx_info_maps_type_t)2u)
#define ZX_INFO_MAPS_TYPE_MAPPING ((zx_info_maps_type_t)3u)

typedef struct zx_info_maps_mapping {
  zx_vm_option_t mmu_flags;
  uint8_t padding1[4];
  zx_koid_t vmo_koid;
  uint64_t vmo_offset;
  size_t committed_bytes;
  size_t populated_bytes;
  size_t committed_private_bytes;
  size_t populated_private_bytes;
  size_t committed_scaled_bytes;
  size_t populated_scaled_bytes;
  uint64_t committed_fractional_scaled_bytes;
  uint64_t populated_fractional_scaled_bytes;
} zx_info_maps_mapping_t;

typedef struct zx_info_maps {
  char name[ZX_MAX_NAME_LEN];
  zx_vaddr_t base;
  size_t size;
  size_t depth;
  zx_info_maps_type_t type;
  uint8_t padding1[4];
  union {
    zx_info_maps_mapping_t mapping;
  } u;
} zx_info_maps_t;

/* Properties. */
#define ZX_PROP_NAME ((uint32_t)3u)
#define ZX_PROP_PROCESS_DEBUG_ADDR ((uint32_t)5u)
#define ZX_PROP_PROCESS_VDSO_BASE_ADDRESS ((uint32_t)6u)
#define ZX_PROP_PROCESS_BREAK_ON_LOAD ((uint32_t)7u)
#define ZX_PROP_PROCESS_HW_TRACE_CONTEXT_ID ((uint32_t)8u)
#define ZX_PROP_SOCKET_RX_THRESHOLD ((uint32_t)12u)
#define ZX_PROP_SOCKET_TX_THRESHOLD ((uint32_t)13u)
#define ZX_PROP_JOB_KILL_ON_OOM ((uint32_t)15u)
#define ZX_PROP_EXCEPTION_STATE ((uint32_t)16u)
#define ZX_PROP_VMO_CONTENT_SIZE ((uint32_t)17u)
#define ZX_PROP_EXCEPTION_STRATEGY ((uint32_t)18u)
#define ZX_PROP_STREAM_MODE_APPEND ((uint32_t)19u)

__END_CDECLS

#endif
