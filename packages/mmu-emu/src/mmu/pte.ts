/**
 * Page-table entries of Sv39.
 *
 * ```
 *   63 62..61 60..54    53..28 27..19 18..10  9..8 7 6 5 4 3 2 1 0
 *    N  PBMT  reserved  PPN2   PPN1   PPN0    RSW  D A G U X W R V
 * ```
 *
 * @see The RISC-V Instruction Set Manual, Volume II, "Sv39: Page-Based 39-bit Virtual-Memory System"
 */

export const PTE_V = 1;
export const PTE_R = 2;
export const PTE_W = 4;
export const PTE_X = 8;
export const PTE_U = 16;
export const PTE_G = 32;
export const PTE_A = 64;
export const PTE_D = 128;

/** log2 of the page size. */
export const PAGE_SHIFT = 12;
/** Bytes of a page. */
export const PAGE_SIZE = 4096;
