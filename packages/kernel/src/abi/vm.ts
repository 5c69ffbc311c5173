/**
 * Virtual memory: VMO options, children, range operations, mapping flags, layouts.
 *
 * @see Zircon `<zircon/types.h>`, `zx_vmo_create`, `zx_vmo_create_child`, `zx_vmo_op_range`, `zx_vmar_map`
 */

/** Options of `zx_vmo_create` and `zx_pager_create_vmo`. */
export const ZX_VMO_RESIZABLE = 1 << 1;
export const ZX_VMO_DISCARDABLE = 1 << 2;
/** `zx_pager_create_vmo` only: writes ask the pager first. */
export const ZX_VMO_TRAP_DIRTY = 1 << 3;
export const ZX_VMO_UNBOUNDED = 1 << 4;

/** The largest VMO in bytes is 0xffff_ffff_fffe_0000: this many pages. */
export const ZX_VMO_MAX_PAGES = 0xf_ffff_ffff_ffe0;

/** Options of `zx_vmo_create_child`. */
export const ZX_VMO_CHILD_SNAPSHOT = 1 << 0;
export const ZX_VMO_CHILD_RESIZABLE = 1 << 2;
export const ZX_VMO_CHILD_SLICE = 1 << 3;
export const ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE = 1 << 4;
export const ZX_VMO_CHILD_NO_WRITE = 1 << 5;
export const ZX_VMO_CHILD_REFERENCE = 1 << 6;
export const ZX_VMO_CHILD_SNAPSHOT_MODIFIED = 1 << 7;

/** Operations of `zx_vmo_op_range`. */
export const ZX_VMO_OP_COMMIT = 1;
export const ZX_VMO_OP_DECOMMIT = 2;
export const ZX_VMO_OP_LOCK = 3;
export const ZX_VMO_OP_UNLOCK = 4;
export const ZX_VMO_OP_CACHE_SYNC = 6;
export const ZX_VMO_OP_CACHE_INVALIDATE = 7;
export const ZX_VMO_OP_CACHE_CLEAN = 8;
export const ZX_VMO_OP_CACHE_CLEAN_INVALIDATE = 9;
export const ZX_VMO_OP_ZERO = 10;
export const ZX_VMO_OP_TRY_LOCK = 11;
export const ZX_VMO_OP_DONT_NEED = 12;
export const ZX_VMO_OP_ALWAYS_NEED = 13;
export const ZX_VMO_OP_PREFETCH = 14;

/** Operations of `zx_vmar_op_range`. */
export const ZX_VMAR_OP_COMMIT = 1;
export const ZX_VMAR_OP_DECOMMIT = 2;
export const ZX_VMAR_OP_MAP_RANGE = 3;
export const ZX_VMAR_OP_ZERO = 10;
export const ZX_VMAR_OP_DONT_NEED = 12;
export const ZX_VMAR_OP_ALWAYS_NEED = 13;
export const ZX_VMAR_OP_PREFETCH = 14;

export const ZX_CACHE_POLICY_CACHED = 0;
export const ZX_CACHE_POLICY_UNCACHED = 1;
export const ZX_CACHE_POLICY_UNCACHED_DEVICE = 2;
export const ZX_CACHE_POLICY_WRITE_COMBINING = 3;
export const ZX_CACHE_POLICY_MASK = 3;

/** Mapping and region flags (`zx_vm_option_t`, u32). */
export const ZX_VM_PERM_READ = 1 << 0;
export const ZX_VM_PERM_WRITE = 1 << 1;
export const ZX_VM_PERM_EXECUTE = 1 << 2;
export const ZX_VM_COMPACT = 1 << 3;
export const ZX_VM_SPECIFIC = 1 << 4;
export const ZX_VM_SPECIFIC_OVERWRITE = 1 << 5;
export const ZX_VM_CAN_MAP_SPECIFIC = 1 << 6;
export const ZX_VM_CAN_MAP_READ = 1 << 7;
export const ZX_VM_CAN_MAP_WRITE = 1 << 8;
export const ZX_VM_CAN_MAP_EXECUTE = 1 << 9;
export const ZX_VM_MAP_RANGE = 1 << 10;
export const ZX_VM_REQUIRE_NON_RESIZABLE = 1 << 11;
export const ZX_VM_ALLOW_FAULTS = 1 << 12;
export const ZX_VM_OFFSET_IS_UPPER_LIMIT = 1 << 13;
export const ZX_VM_PERM_READ_IF_XOM_UNSUPPORTED = 1 << 14;
export const ZX_VM_FAULT_BEYOND_STREAM_SIZE = 1 << 15;

/** Bits 24 to 31: log2 of the alignment asked for; 10 (1 KiB) to 32 (4 GiB), 0 for none. */
export const ZX_VM_ALIGN_BASE = 24;
export const ZX_VM_ALIGN_MASK = 0xff00_0000;
export const ZX_VM_ALIGN_MIN_LOG2 = 10;
export const ZX_VM_ALIGN_MAX_LOG2 = 32;

/** User addresses of RISC-V Sv39: [base, base + size). */
export const ZX_USER_ASPACE_BASE = 0x20_0000;
export const ZX_USER_ASPACE_SIZE = 0x40_0000_0000 - ZX_USER_ASPACE_BASE;

/** `zx_vmo_lock_state_t`: byte positions of its u64 fields. */
export const VMO_LOCK_STATE_OFFSET = 0;
export const VMO_LOCK_STATE_SIZE = 8;
export const VMO_LOCK_STATE_DISCARDED_OFFSET = 16;
export const VMO_LOCK_STATE_DISCARDED_SIZE = 24;
export const VMO_LOCK_STATE_BYTES = 32;
