/* Descriptions of IOMMUs. */
#ifndef ZIRCON_SYSCALLS_IOMMU_H_
#define ZIRCON_SYSCALLS_IOMMU_H_

#include <stdint.h>
#include <zircon/compiler.h>
#include <zircon/types.h>

__BEGIN_CDECLS

#define ZX_IOMMU_TYPE_STUB ((uint32_t)0u)
#define ZX_IOMMU_TYPE_DUMMY ZX_IOMMU_TYPE_STUB
#define ZX_IOMMU_TYPE_INTEL ((uint32_t)1u)

typedef struct zx_iommu_desc_stub {
  uint8_t reserved;
} zx_iommu_desc_stub_t;
typedef zx_iommu_desc_stub_t zx_iommu_desc_dummy_t;

__END_CDECLS

#endif
