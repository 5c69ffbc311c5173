/**
 * Rounding modes, flags and special values of the floating-point extensions.
 *
 * @see The RISC-V Instruction Set Manual, Volume I, "Floating-Point Control and Status Register"
 */

/** To nearest, ties to even. */
export const ROUND_NEAREST_EVEN = 0;
/** Towards zero. */
export const ROUND_TOWARDS_ZERO = 1;
/** Down, towards minus infinity. */
export const ROUND_DOWN = 2;
/** Up, towards plus infinity. */
export const ROUND_UP = 3;
/** To nearest, ties away from zero. */
export const ROUND_NEAREST_MAX = 4;

/** NX. */
export const FLAG_INEXACT = 1;
/** UF. */
export const FLAG_UNDERFLOW = 2;
/** OF. */
export const FLAG_OVERFLOW = 4;
/** DZ. */
export const FLAG_DIVIDE_BY_ZERO = 8;
/** NV. */
export const FLAG_INVALID = 16;

/** The canonical NaN of doubles. */
export const CANONICAL_NAN_DOUBLE = 0x7ff8_0000_0000_0000n;
/** The canonical NaN of singles, in its box. */
export const CANONICAL_NAN_SINGLE = 0xffff_ffff_7fc0_0000n;
/** The upper half of a register that holds a single. */
export const BOX = 0xffff_ffff_0000_0000n;
/** The upper bits of a register that holds a half. */
export const BOX_HALF = 0xffff_ffff_ffff_0000n;
/** The canonical NaN of halves, in its box. */
export const CANONICAL_NAN_HALF = 0xffff_ffff_ffff_7e00n;
