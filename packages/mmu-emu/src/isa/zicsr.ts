/**
 * Zicsr: access to control and status registers.
 *
 * csrrw to x0 does not read, and csrrs and csrrc from x0 (or of the immediate 0) do not write; a read or write that
 * does not happen has no effect and raises nothing.
 *
 * @see The RISC-V Instruction Set Manual, Volume I, "Zicsr Extension for Control and Status Register Instructions"
 */

import { instruction, MASK_FUNCT3 } from './forms.js';
import type { InstructionSpec, Operand } from './instruction.js';
import { CSR, CSR_IMM, RD, RS1 } from './operands.js';
import { i64 } from './semantics.js';
import type { I64, SemanticsBuilder } from './semantics.js';

/** Bits of the access kind that the `csrAccess` helper takes. */
export const CSR_WRITE = 1;
export const CSR_SET = 2;
export const CSR_CLEAR = 4;
export const CSR_READ = 8;

const spec = (
  name: string,
  match: number,
  source: Operand,
  semantics: (s: SemanticsBuilder) => void,
): InstructionSpec => instruction('Zicsr', name, match, MASK_FUNCT3, [RD, CSR, source], semantics);

const swap =
  (source: (s: SemanticsBuilder) => I64) =>
  (s: SemanticsBuilder): void => {
    const kind = i64.choose(i64.eqz(s.rdIndex), i64.const(CSR_WRITE), i64.const(CSR_READ | CSR_WRITE));
    s.writeRd(s.call('csrAccess', s.csr, kind, source(s)));
  };

const modify =
  (how: number, source: (s: SemanticsBuilder) => I64, writes: (s: SemanticsBuilder) => I64) =>
  (s: SemanticsBuilder): void => {
    const kind = i64.choose(i64.eqz(writes(s)), i64.const(CSR_READ), i64.const(CSR_READ | how));
    s.writeRd(s.call('csrAccess', s.csr, kind, source(s)));
  };

const rs1 = (s: SemanticsBuilder): I64 => s.rs1;
const rs1Index = (s: SemanticsBuilder): I64 => s.rs1Index;

export const ZICSR: readonly InstructionSpec[] = [
  spec('csrrw', 0x1073, RS1, swap(rs1)),
  spec('csrrs', 0x2073, RS1, modify(CSR_SET, rs1, rs1Index)),
  spec('csrrc', 0x3073, RS1, modify(CSR_CLEAR, rs1, rs1Index)),
  // The immediate is in the place of the register number, which is what `rs1Index` reads.
  spec('csrrwi', 0x5073, CSR_IMM, swap(rs1Index)),
  spec('csrrsi', 0x6073, CSR_IMM, modify(CSR_SET, rs1Index, rs1Index)),
  spec('csrrci', 0x7073, CSR_IMM, modify(CSR_CLEAR, rs1Index, rs1Index)),
];
