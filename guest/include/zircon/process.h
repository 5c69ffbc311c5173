/* Handles that a process gets at its start. */
#ifndef ZIRCON_PROCESS_H_
#define ZIRCON_PROCESS_H_

#include <stdint.h>
#include <zircon/compiler.h>
#include <zircon/types.h>

__BEGIN_CDECLS

/* Takes a start-up handle, which is then the caller's: `info` is a PA_HND value. ZX_HANDLE_INVALID when there is none. */
zx_handle_t zx_take_startup_handle(uint32_t info);

/* Borrowed: not to be closed. */
zx_handle_t zx_process_self(void);
zx_handle_t zx_vmar_root_self(void);
zx_handle_t zx_job_default(void);
/* The calling thread. */
zx_handle_t zx_thread_self(void);

__END_CDECLS

#endif
