/* Binding of the system-call stubs. */
#ifndef FAULTLINE_LIB_ZIRCON_BIND_H_
#define FAULTLINE_LIB_ZIRCON_BIND_H_

#include <stdint.h>

/*
 * Fills the table of system-call entry points from the vDSO mapped at `vdso`. Has to run before the first system call,
 * after self-relocation. A call that the vDSO lacks returns ZX_ERR_NOT_SUPPORTED from then on.
 * False when there is no usable vDSO at that address: then nothing can be called at all.
 */
int zircon_bind_vdso(uintptr_t vdso);

/* Address of a vDSO symbol; 0 when it has none of this name, or when no vDSO is bound. */
uintptr_t zircon_vdso_symbol(const char *name);

#endif
