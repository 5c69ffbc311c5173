/**
 * Direct memory access: what pins pages for devices.
 *
 * @see Zircon `zx_iommu_create`, `zx_bti_create`, `zx_bti_pin`, `zx_pmt_unpin`, `<zircon/syscalls/iommu.h>`
 */
/** An IOMMU that translates nothing: devices use physical addresses. */
export const ZX_IOMMU_TYPE_STUB = 0;
/** Of `zx_iommu_desc_stub_t`. */
export const IOMMU_DESC_STUB_BYTES = 1;

export const ZX_BTI_PERM_READ = 1 << 0;
export const ZX_BTI_PERM_WRITE = 1 << 1;
export const ZX_BTI_PERM_EXECUTE = 1 << 2;
/** One address for each `minimum_contiguity` bytes, here a page. */
export const ZX_BTI_COMPRESS = 1 << 3;
/** One address for all; only of contiguous VMOs. */
export const ZX_BTI_CONTIGUOUS = 1 << 4;

/** Of `zx_info_bti_t`: minimum_contiguity, aspace_size, pmo_count, quarantine_count, u64 each. */
export const INFO_BTI_BYTES = 32;
export const INFO_BTI_MINIMUM_CONTIGUITY = 0;
export const INFO_BTI_ASPACE_SIZE = 8;
export const INFO_BTI_PMO_COUNT = 16;
export const INFO_BTI_QUARANTINE_COUNT = 24;
