/* Exceptions and thread state. */
#ifndef ZIRCON_SYSCALLS_EXCEPTION_H_
#define ZIRCON_SYSCALLS_EXCEPTION_H_

#include <stdint.h>
#include <zircon/compiler.h>
#include <zircon/types.h>

__BEGIN_CDECLS

typedef uint32_t zx_excp_type_t;
#define ZX_EXCP_GENERAL ((zx_excp_type_t)0x008u)
#define ZX_EXCP_FATAL_PAGE_FAULT ((zx_excp_type_t)0x108u)
#define ZX_EXCP_UNDEFINED_INSTRUCTION ((zx_excp_type_t)0x208u)
#define ZX_EXCP_SW_BREAKPOINT ((zx_excp_type_t)0x308u)
#define ZX_EXCP_HW_BREAKPOINT ((zx_excp_type_t)0x408u)
#define ZX_EXCP_UNALIGNED_ACCESS ((zx_excp_type_t)0x508u)
#define ZX_EXCP_SYNTH ((zx_excp_type_t)0x8000u)
#define ZX_EXCP_THREAD_STARTING ((zx_excp_type_t)0x8008u)
#define ZX_EXCP_THREAD_EXITING ((zx_excp_type_t)0x8108u)
#define ZX_EXCP_POLICY_ERROR ((zx_excp_type_t)0x8208u)
#define ZX_EXCP_PROCESS_STARTING ((zx_excp_type_t)0x8308u)
#define ZX_EXCP_USER ((zx_excp_type_t)0x8309u)
#define ZX_EXCP_IS_ARCH(type) (((type) & ZX_EXCP_SYNTH) == 0u)

#define ZX_EXCP_POLICY_CODE_BAD_HANDLE ((uint32_t)0u)
#define ZX_EXCP_POLICY_CODE_WRONG_OBJECT ((uint32_t)1u)
#define ZX_EXCP_POLICY_CODE_VMAR_WX ((uint32_t)2u)
#define ZX_EXCP_POLICY_CODE_NEW_ANY ((uint32_t)3u)
#define ZX_EXCP_POLICY_CODE_NEW_VMO ((uint32_t)4u)
#define ZX_EXCP_POLICY_CODE_NEW_CHANNEL ((uint32_t)5u)
#define ZX_EXCP_POLICY_CODE_NEW_EVENT ((uint32_t)6u)
#define ZX_EXCP_POLICY_CODE_NEW_EVENTPAIR ((uint32_t)7u)
#define ZX_EXCP_POLICY_CODE_NEW_PORT ((uint32_t)8u)
#define ZX_EXCP_POLICY_CODE_NEW_SOCKET ((uint32_t)9u)
#define ZX_EXCP_POLICY_CODE_NEW_FIFO ((uint32_t)10u)
#define ZX_EXCP_POLICY_CODE_NEW_TIMER ((uint32_t)11u)
#define ZX_EXCP_POLICY_CODE_NEW_PROCESS ((uint32_t)12u)
#define ZX_EXCP_POLICY_CODE_NEW_PROFILE ((uint32_t)13u)
#define ZX_EXCP_POLICY_CODE_NEW_PAGER ((uint32_t)14u)
#define ZX_EXCP_POLICY_CODE_AMBIENT_MARK_VMO_EXEC ((uint32_t)15u)
#define ZX_EXCP_POLICY_CODE_CHANNEL_FULL_WRITE ((uint32_t)16u)
#define ZX_EXCP_POLICY_CODE_PORT_TOO_MANY_PACKETS ((uint32_t)17u)
#define ZX_EXCP_POLICY_CODE_BAD_SYSCALL ((uint32_t)18u)
#define ZX_EXCP_POLICY_CODE_PORT_TOO_MANY_OBSERVERS ((uint32_t)19u)
#define ZX_EXCP_POLICY_CODE_HANDLE_LEAK ((uint32_t)20u)
#define ZX_EXCP_POLICY_CODE_NEW_IOB ((uint32_t)21u)
#define ZX_EXCP_POLICY_CODE_NEW_SAMPLER ((uint32_t)22u)

typedef struct zx_riscv64_exc_data {
  uint64_t cause; /* scause */
  uint64_t tval;  /* the address */
  uint64_t padding1;
} zx_riscv64_exc_data_t;

typedef struct zx_exception_header {
  uint32_t size;
  zx_excp_type_t type;
} zx_exception_header_t;

typedef struct zx_exception_context {
  union {
    zx_riscv64_exc_data_t riscv_64;
  } arch;
  uint32_t synth_code; /* of a fatal page fault: the failing status */
  uint32_t synth_data;
} zx_exception_context_t;

typedef struct zx_exception_report {
  zx_exception_header_t header;
  zx_exception_context_t context;
} zx_exception_report_t;

typedef struct zx_exception_info {
  zx_koid_t pid;
  zx_koid_t tid;
  zx_excp_type_t type;
  uint8_t padding1[4];
} zx_exception_info_t;

typedef uint32_t zx_thread_state_topic_t;
#define ZX_THREAD_STATE_GENERAL_REGS ((zx_thread_state_topic_t)0u)
#define ZX_THREAD_STATE_FP_REGS ((zx_thread_state_topic_t)1u)
#define ZX_THREAD_STATE_VECTOR_REGS ((zx_thread_state_topic_t)2u)
#define ZX_THREAD_STATE_DEBUG_REGS ((zx_thread_state_topic_t)4u)
#define ZX_THREAD_STATE_SINGLE_STEP ((zx_thread_state_topic_t)5u)

typedef struct zx_riscv64_thread_state_general_regs {
  uint64_t pc;
  uint64_t ra;
  uint64_t sp;
  uint64_t gp;
  uint64_t tp;
  uint64_t t0, t1, t2;
  uint64_t s0, s1;
  uint64_t a0, a1, a2, a3, a4, a5, a6, a7;
  uint64_t s2, s3, s4, s5, s6, s7, s8, s9, s10, s11;
  uint64_t t3, t4, t5, t6;
} zx_riscv64_thread_state_general_regs_t;

#if defined(__riscv)
typedef zx_riscv64_thread_state_general_regs_t zx_thread_state_general_regs_t;
#endif

__END_CDECLS

#endif
