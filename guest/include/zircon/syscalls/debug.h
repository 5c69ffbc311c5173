/* Thread state lies with the exceptions. */
#ifndef ZIRCON_SYSCALLS_DEBUG_H_
#define ZIRCON_SYSCALLS_DEBUG_H_
#include <zircon/syscalls/exception.h>
#endif
