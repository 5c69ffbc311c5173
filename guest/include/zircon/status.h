#ifndef ZIRCON_STATUS_H_
#define ZIRCON_STATUS_H_

#include <zircon/compiler.h>
#include <zircon/types.h>

__BEGIN_CDECLS

/* The name of a status, as "ZX_ERR_NOT_FOUND"; "(UNKNOWN)" for any other number. */
const char *zx_status_get_string(zx_status_t status);

__END_CDECLS

#endif
