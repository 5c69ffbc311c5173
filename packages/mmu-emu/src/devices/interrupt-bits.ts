/**
 * Bits of mip, as devices raise them.
 *
 * @see The RISC-V Instruction Set Manual, Volume II, "Machine Interrupt (mip and mie) Registers"
 */

import {
  INTERRUPT_MACHINE_EXTERNAL,
  INTERRUPT_MACHINE_SOFTWARE,
  INTERRUPT_MACHINE_TIMER,
  INTERRUPT_SUPERVISOR_EXTERNAL,
  INTERRUPT_SUPERVISOR_SOFTWARE,
} from '../hart/causes.js';

export const MIP_SSIP = 1 << INTERRUPT_SUPERVISOR_SOFTWARE;
export const MIP_MSIP = 1 << INTERRUPT_MACHINE_SOFTWARE;
export const MIP_MTIP = 1 << INTERRUPT_MACHINE_TIMER;
export const MIP_SEIP = 1 << INTERRUPT_SUPERVISOR_EXTERNAL;
export const MIP_MEIP = 1 << INTERRUPT_MACHINE_EXTERNAL;
