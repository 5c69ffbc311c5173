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

import type { Extension, InstructionSpec } from './instruction.js';
import { PREFETCH_OFFSET, RS1 } from './operands.js';
import type { CacheBlockOperation } from './semantics.js';

const operation = (name: CacheBlockOperation, extension: Extension, match: number): InstructionSpec => ({
  name: `cbo.${name}`,
  extension,
  length: 4,
  match,
  mask: 0xfff07fff,
  operands: [RS1],
  syntax: '(rs1)',
  constraints: [],
  semantics: (s) => s.cacheBlock(name, s.rs1),
});

/** An `ori` to x0. It does nothing and never traps. */
const prefetch = (letter: string, match: number): InstructionSpec => ({
  name: `prefetch.${letter}`,
  extension: 'Zicbop',
  length: 4,
  match,
  mask: 0x01f07fff,
  operands: [RS1, PREFETCH_OFFSET],
  syntax: 'imm(rs1)',
  constraints: [],
  expansion: { name: 'addi', rd: 0, rs1: 0, imm: 0 },
});

export const ZICBO: readonly InstructionSpec[] = [
  operation('inval', 'Zicbom', 0x0000200f),
  operation('clean', 'Zicbom', 0x0010200f),
  operation('flush', 'Zicbom', 0x0020200f),
  operation('zero', 'Zicboz', 0x0040200f),
  prefetch('i', 0x00006013),
  prefetch('r', 0x00106013),
  prefetch('w', 0x00306013),
];
