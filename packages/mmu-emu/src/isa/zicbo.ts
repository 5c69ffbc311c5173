/**
 * Zicbom, Zicbop and Zicboz: cache-block operations. A block has 64 bytes, and there is no cache: zeroing a block is all
 * that has an effect. The other operations raise what a real cache's would.
 *
 * Whether an operation is allowed at all below machine mode is said by menvcfg, in user mode by senvcfg too; where it is
 * not it is an illegal instruction. Its address need not be aligned, and is what xtval gets.
 *
 * @see The RISC-V Instruction Set Manual, Volume I, "Cache-Block Management Instructions", "Cache-Block Zero
 * Instructions", "Cache-Block Prefetch Instructions"
 */

import { instruction } from './forms.js';
import type { Expansion, Extension, InstructionSpec } from './instruction.js';
import { PREFETCH_OFFSET, RS1 } from './operands.js';
import type { CacheBlockOperation } from './semantics.js';

const operation = (name: CacheBlockOperation, extension: Extension, match: number): InstructionSpec =>
  instruction(extension, `cbo.${name}`, match, 0xfff07fff, [RS1], (s) => s.cacheBlock(name, s.rs1), '(rs1)');

/** An `ori` to x0. It does nothing and never traps. */
const NOTHING: Expansion = { name: 'addi', rd: 0, rs1: 0, imm: 0 };
const prefetch = (letter: string, match: number): InstructionSpec =>
  instruction('Zicbop', `prefetch.${letter}`, match, 0x01f07fff, [RS1, PREFETCH_OFFSET], NOTHING, 'imm(rs1)');

export const ZICBO: readonly InstructionSpec[] = [
  operation('inval', 'Zicbom', 0x0000200f),
  operation('clean', 'Zicbom', 0x0010200f),
  operation('flush', 'Zicbom', 0x0020200f),
  operation('zero', 'Zicboz', 0x0040200f),
  prefetch('i', 0x00006013),
  prefetch('r', 0x00106013),
  prefetch('w', 0x00306013),
];
