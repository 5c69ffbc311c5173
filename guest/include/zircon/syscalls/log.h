/* Records of the debug log. */
#ifndef ZIRCON_SYSCALLS_LOG_H_
#define ZIRCON_SYSCALLS_LOG_H_

#include <stdint.h>
#include <zircon/compiler.h>
#include <zircon/types.h>

__BEGIN_CDECLS

#define ZX_LOG_RECORD_MAX ((size_t)256u)
#define ZX_LOG_RECORD_DATA_MAX ((size_t)216u)
#define ZX_LOG_FLAG_READABLE ((uint32_t)0x40000000u)
#define ZX_LOG_FLAGS_MASK ((uint32_t)0x10u)

#define DEBUGLOG_TRACE ((uint8_t)0x10u)
#define DEBUGLOG_DEBUG ((uint8_t)0x20u)
#define DEBUGLOG_INFO ((uint8_t)0x30u)
#define DEBUGLOG_WARNING ((uint8_t)0x40u)
#define DEBUGLOG_ERROR ((uint8_t)0x50u)
#define DEBUGLOG_FATAL ((uint8_t)0x60u)

typedef struct zx_log_record {
  uint64_t sequence;
  uint8_t padding1[4];
  uint16_t datalen;
  uint8_t severity;
  uint8_t flags;
  zx_time_t timestamp;
  zx_koid_t pid;
  zx_koid_t tid;
  char data[216];
} zx_log_record_t;

__END_CDECLS

#endif
