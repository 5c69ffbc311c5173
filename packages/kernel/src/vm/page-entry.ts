/**
 * What a page list says about a page, in a u32. 0 says nothing: the page is absent.
 *
 * ```
 *  31             8   6 5   4       3 2          1 0
 * | frame          | split | always | dirty state | kind |
 * ```
 */

/** A page in a frame. */
export const ENTRY_FRAME = 1;
/** Zeros that a pager has supplied, without a frame. */
export const ENTRY_ZERO = 2;
const KIND_MASK = 3;

/** Dirty state of a page of a pager's VMO; other pages have none. */
export const PAGE_UNTRACKED = 0 << 2;
export const PAGE_CLEAN = 1 << 2;
export const PAGE_DIRTY = 2 << 2;
/** Being written back: dirty until that has ended, and again when it is written. */
export const PAGE_AWAITING_CLEAN = 3 << 2;
const DIRTY_MASK = 3 << 2;

/** The page must stay resident: ZX_VMO_OP_ALWAYS_NEED. */
export const PAGE_ALWAYS_NEED = 1 << 4;

/** The entry of a page in a frame; `flags` is a dirty state and PAGE_* bits. */
export function frameEntry(frame: number, flags: number): number {
  return ((frame << 8) | flags | ENTRY_FRAME) >>> 0;
}

/** Whether a frame stands for the page. */
export function isFrame(entry: number): boolean {
  return (entry & KIND_MASK) === ENTRY_FRAME;
}

/** The frame of an entry of kind ENTRY_FRAME. */
export function frameOf(entry: number): number {
  return entry >>> 8;
}

/** PAGE_UNTRACKED, PAGE_CLEAN, PAGE_DIRTY or PAGE_AWAITING_CLEAN. */
export function dirtyState(entry: number): number {
  return entry & DIRTY_MASK;
}

/** The same entry with another dirty state. */
export function withDirtyState(entry: number, state: number): number {
  return ((entry & ~DIRTY_MASK) | state) >>> 0;
}
