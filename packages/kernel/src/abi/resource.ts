/**
 * Resources: permission to ask the kernel for something that belongs to no process.
 *
 * @see Zircon `<zircon/syscalls/resource.h>`
 */
export const ZX_RSRC_KIND_MMIO = 0;
export const ZX_RSRC_KIND_IRQ = 1;
export const ZX_RSRC_KIND_IOPORT = 2;
export const ZX_RSRC_KIND_ROOT = 3;
export const ZX_RSRC_KIND_SMC = 4;
export const ZX_RSRC_KIND_SYSTEM = 5;

/** Bases of ZX_RSRC_KIND_SYSTEM. */
export const ZX_RSRC_SYSTEM_HYPERVISOR_BASE = 0;
export const ZX_RSRC_SYSTEM_VMEX_BASE = 1;
export const ZX_RSRC_SYSTEM_DEBUG_BASE = 2;
export const ZX_RSRC_SYSTEM_INFO_BASE = 3;
export const ZX_RSRC_SYSTEM_CPU_BASE = 4;
export const ZX_RSRC_SYSTEM_POWER_BASE = 5;
export const ZX_RSRC_SYSTEM_MEXEC_BASE = 6;
export const ZX_RSRC_SYSTEM_ENERGY_INFO_BASE = 7;
export const ZX_RSRC_SYSTEM_IOMMU_BASE = 8;
export const ZX_RSRC_SYSTEM_FRAMEBUFFER_BASE = 9;
export const ZX_RSRC_SYSTEM_PROFILE_BASE = 10;
export const ZX_RSRC_SYSTEM_MSI_BASE = 11;
export const ZX_RSRC_SYSTEM_DEBUGLOG_BASE = 12;
