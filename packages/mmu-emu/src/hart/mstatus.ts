/**
 * Fields of mstatus that exist here, all in its low word; UXL and SXL in the high word are fixed to 64 bits. Without F
 * and V, FS and VS are zero.
 *
 * ```
 *    22   21   20    19   18   17    12..11  8    7     5     3    1
 *    TSR  TW   TVM   MXR  SUM  MPRV  MPP     SPP  MPIE  SPIE  MIE  SIE
 * ```
 *
 * @see The RISC-V Instruction Set Manual, Volume II, "Machine Status (mstatus and mstatush) Registers"
 */

export const MSTATUS_SIE = 1 << 1;
export const MSTATUS_MIE = 1 << 3;
export const MSTATUS_SPIE = 1 << 5;
export const MSTATUS_MPIE = 1 << 7;
export const MSTATUS_SPP = 1 << 8;
export const MSTATUS_MPP_SHIFT = 11;
export const MSTATUS_MPP = 3 << MSTATUS_MPP_SHIFT;
export const MSTATUS_MPRV = 1 << 17;
export const MSTATUS_SUM = 1 << 18;
export const MSTATUS_MXR = 1 << 19;
export const MSTATUS_TVM = 1 << 20;
export const MSTATUS_TW = 1 << 21;
export const MSTATUS_TSR = 1 << 22;

/** What a supervisor sees as sstatus. */
export const SSTATUS_MASK = MSTATUS_SIE | MSTATUS_SPIE | MSTATUS_SPP | MSTATUS_SUM | MSTATUS_MXR;
export const MSTATUS_MASK =
  SSTATUS_MASK |
  MSTATUS_MIE |
  MSTATUS_MPIE |
  MSTATUS_MPP |
  MSTATUS_MPRV |
  MSTATUS_TVM |
  MSTATUS_TW |
  MSTATUS_TSR;

/** High words: UXL = SXL = 2, and UXL = 2. */
export const MSTATUS_HIGH = 0b1010;
export const SSTATUS_HIGH = 0b0010;
