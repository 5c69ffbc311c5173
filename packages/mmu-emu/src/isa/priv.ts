/**
 * Instructions of the privileged architecture.
 *
 * @see The RISC-V Instruction Set Manual, Volume II, "Machine-Mode Privileged Instructions" and "Supervisor Instructions"
 */

import { instruction } from './forms.js';
import type { InstructionSpec } from './instruction.js';
import { RS1, RS2 } from './operands.js';
import { i64 } from './semantics.js';
import type { I64, SemanticsBuilder } from './semantics.js';

/** Bits of the first argument of the `sfenceVma` helper. */
export const SFENCE_ADDRESS = 1;
export const SFENCE_ASID = 2;

/** Register fields of the encoding: x0 as an operand means "all", whatever x0 holds. */
const given = (s: SemanticsBuilder, shift: number, flag: number): I64 =>
  i64.choose(
    i64.eqz(i64.and(i64.shrU(s.bits, i64.const(shift)), i64.const(31))),
    i64.const(0),
    i64.const(flag),
  );

const invalidate = (s: SemanticsBuilder): void =>
  s.run('sfenceVma', i64.or(given(s, 15, SFENCE_ADDRESS), given(s, 20, SFENCE_ASID)), s.rs1, s.rs2);

export const PRIVILEGED: readonly InstructionSpec[] = [
  instruction('Priv', 'mret', 0x30200073, 0xffffffff, [], (s) => s.run('mret')),
  instruction('Priv', 'sret', 0x10200073, 0xffffffff, [], (s) => s.run('sret')),
  instruction('Priv', 'wfi', 0x10500073, 0xffffffff, [], (s) => s.run('wfi')),
  instruction('Priv', 'sfence.vma', 0x12000073, 0xfe007fff, [RS1, RS2], invalidate),
];

/**
 * Svinval: the parts of an sfence.vma. Stores are in order and `sinval.vma` does the whole of its work, so the two
 * ordering instructions only see to it that user mode may not use them; mstatus.TVM does not concern them.
 *
 * @see The RISC-V Instruction Set Manual, Volume II, "Svinval Extension for Fine-Grained Address-Translation Cache
 * Invalidation"
 */
export const SVINVAL: readonly InstructionSpec[] = [
  instruction('Svinval', 'sinval.vma', 0x16000073, 0xfe007fff, [RS1, RS2], invalidate),
  instruction('Svinval', 'sfence.w.inval', 0x18000073, 0xffffffff, [], (s) => s.run('orderInvalidation')),
  instruction('Svinval', 'sfence.inval.ir', 0x18100073, 0xffffffff, [], (s) => s.run('orderInvalidation')),
];
