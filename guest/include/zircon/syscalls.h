/* Zircon's system calls. They are reached through the vDSO only; `guest/lib/zircon` binds them at start-up. */
#ifndef ZIRCON_SYSCALLS_H_
#define ZIRCON_SYSCALLS_H_

#include <zircon/compiler.h>
#include <zircon/types.h>

#include <zircon/syscalls/exception.h>
#include <zircon/syscalls/object.h>
#include <zircon/syscalls/policy.h>
#include <zircon/syscalls/port.h>

__BEGIN_CDECLS

#include <zircon/generated/syscalls.inc>

__END_CDECLS

#endif
