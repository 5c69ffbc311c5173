/**
 * Zifencei: instruction-fetch fence.
 *
 * @see The RISC-V Instruction Set Manual, Volume I, "Zifencei Extension for Instruction-Fetch Fence"
 */

import { instruction, MASK_FUNCT3 } from './forms.js';
import type { InstructionSpec } from './instruction.js';

export const ZIFENCEI: readonly InstructionSpec[] = [
  instruction('Zifencei', 'fence.i', 0x100f, MASK_FUNCT3, [], (s) => s.run('fenceI')),
];
