/* Calls that Zircon has under its newest API level only. They are declared with the others here. */
#ifndef ZIRCON_SYSCALLS_NEXT_H_
#define ZIRCON_SYSCALLS_NEXT_H_

#include <zircon/syscalls.h>

#endif
