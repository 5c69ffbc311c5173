/**
 * Fields of mstatus that exist here, all in its low word; UXL and SXL in the high word are fixed to 64 bits, and SD in it
 * says that FS is Dirty. Without V, VS is zero.
 *
 * ```
 *    22   21   20    19   18   17    14..13  12..11  8    7     5     3    1
 *    TSR  TW   TVM   MXR  SUM  MPRV  FS      MPP     SPP  MPIE  SPIE  MIE  SIE
 * ```
 *
 * FS is Off (0), Initial (1), Clean (2) or Dirty (3). The machine makes it Dirty whenever it writes an f register or sets
 * bits of fcsr, and never anything else.
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
export const MSTATUS_FS_SHIFT = 13;
/** All bits of FS; FS of this value is Dirty. */
export const MSTATUS_FS = 3 << MSTATUS_FS_SHIFT;
export const MSTATUS_MPRV = 1 << 17;
export const MSTATUS_SUM = 1 << 18;
export const MSTATUS_MXR = 1 << 19;
export const MSTATUS_TVM = 1 << 20;
export const MSTATUS_TW = 1 << 21;
export const MSTATUS_TSR = 1 << 22;

/** What a supervisor sees as sstatus. */
export const SSTATUS_MASK = MSTATUS_SIE | MSTATUS_SPIE | MSTATUS_SPP | MSTATUS_FS | MSTATUS_SUM | MSTATUS_MXR;
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
