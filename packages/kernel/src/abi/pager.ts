/**
 * Pagers: operations, dirty ranges, statistics.
 *
 * @see Zircon `<zircon/types.h>`, `zx_pager_op_range`, `zx_pager_query_dirty_ranges`, `zx_pager_query_vmo_stats`
 */
export const ZX_PAGER_OP_FAIL = 1;
export const ZX_PAGER_OP_DIRTY = 2;
export const ZX_PAGER_OP_WRITEBACK_BEGIN = 3;
export const ZX_PAGER_OP_WRITEBACK_END = 4;

/** Option of a dirty range, and `data` of ZX_PAGER_OP_WRITEBACK_BEGIN: a range of zeros that has no pages. */
export const ZX_VMO_DIRTY_RANGE_IS_ZERO = 1;

/** `zx_vmo_dirty_range_t`: byte positions of its u64 fields. */
export const DIRTY_RANGE_OFFSET = 0;
export const DIRTY_RANGE_LENGTH = 8;
export const DIRTY_RANGE_OPTIONS = 16;
export const DIRTY_RANGE_BYTES = 24;

/** `zx_pager_vmo_stats_t` is one u32, `modified`. */
export const PAGER_VMO_STATS_BYTES = 4;
export const ZX_PAGER_VMO_STATS_MODIFIED = 1;
/** Option of `zx_pager_query_vmo_stats`. */
export const ZX_PAGER_RESET_VMO_STATS = 1;
