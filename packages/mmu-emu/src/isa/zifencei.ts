/**
 * Zifencei: instruction-fetch fence.
 *
 * @see The RISC-V Instruction Set Manual, Volume I, "Zifencei Extension for Instruction-Fetch Fence"
 */

import type { InstructionSpec } from './instruction.js';

export const ZIFENCEI: readonly InstructionSpec[] = [
  {
    name: 'fence.i',
    extension: 'Zifencei',
    length: 4,
    match: 0x100f,
    mask: 0x707f,
    operands: [],
    syntax: '',
    constraints: [],
    semantics: (s) => s.run('fenceI'),
  },
];
