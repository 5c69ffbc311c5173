/* Job policies. */
#ifndef ZIRCON_SYSCALLS_POLICY_H_
#define ZIRCON_SYSCALLS_POLICY_H_

#include <stdint.h>
#include <zircon/compiler.h>
#include <zircon/types.h>

__BEGIN_CDECLS

#define ZX_JOB_POL_RELATIVE ((uint32_t)0u)
#define ZX_JOB_POL_ABSOLUTE ((uint32_t)1u)
#define ZX_JOB_POL_BASIC_V1 ((uint32_t)0u)
#define ZX_JOB_POL_BASIC_V2 ((uint32_t)0x01000000u)
#define ZX_JOB_POL_TIMER_SLACK ((uint32_t)1u)

#define ZX_POL_BAD_HANDLE ((uint32_t)0u)
#define ZX_POL_WRONG_OBJECT ((uint32_t)1u)
#define ZX_POL_VMAR_WX ((uint32_t)2u)
#define ZX_POL_NEW_ANY ((uint32_t)3u)
#define ZX_POL_NEW_VMO ((uint32_t)4u)
#define ZX_POL_NEW_CHANNEL ((uint32_t)5u)
#define ZX_POL_NEW_EVENT ((uint32_t)6u)
#define ZX_POL_NEW_EVENTPAIR ((uint32_t)7u)
#define ZX_POL_NEW_PORT ((uint32_t)8u)
#define ZX_POL_NEW_SOCKET ((uint32_t)9u)
#define ZX_POL_NEW_FIFO ((uint32_t)10u)
#define ZX_POL_NEW_TIMER ((uint32_t)11u)
#define ZX_POL_NEW_PROCESS ((uint32_t)12u)
#define ZX_POL_NEW_PROFILE ((uint32_t)13u)
#define ZX_POL_NEW_PAGER ((uint32_t)14u)
#define ZX_POL_AMBIENT_MARK_VMO_EXEC ((uint32_t)15u)

#define ZX_POL_ACTION_ALLOW ((uint32_t)0u)
#define ZX_POL_ACTION_DENY ((uint32_t)1u)
#define ZX_POL_ACTION_ALLOW_EXCEPTION ((uint32_t)2u)
#define ZX_POL_ACTION_DENY_EXCEPTION ((uint32_t)3u)
#define ZX_POL_ACTION_KILL ((uint32_t)4u)

#define ZX_POL_OVERRIDE_ALLOW ((uint32_t)0u)
#define ZX_POL_OVERRIDE_DENY ((uint32_t)1u)

typedef struct zx_policy_basic_v1 {
  uint32_t condition;
  uint32_t policy;
} zx_policy_basic_v1_t;

typedef struct zx_policy_basic_v2 {
  uint32_t condition;
  uint32_t action;
  uint32_t flags;
} zx_policy_basic_v2_t;
typedef zx_policy_basic_v2_t zx_policy_basic_t;

typedef struct zx_policy_timer_slack {
  zx_duration_t min_slack;
  uint32_t default_mode;
  uint8_t padding1[4];
} zx_policy_timer_slack_t;

__END_CDECLS

#endif
