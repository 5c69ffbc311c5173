/**
 * How an instruction is written down: its encoding, its operands, and what it does.
 *
 * One record an instruction serves the decoder, the assembler, the disassembler and every execution engine.
 *
 * @see The RISC-V Instruction Set Manual, Volume I, "RV32/64G Instruction Set Listings"
 */

import type { SemanticsBuilder } from './semantics.js';

/** Extensions as the manuals name them; `Priv` is what the privileged manual adds. */
export type Extension =
  | ('F' | 'D' | 'Zfa' | 'Zfhmin')
  | ('I' | 'M' | 'A' | 'C' | 'Zicsr' | 'Zifencei' | 'Zicond' | 'Zba' | 'Zbb' | 'Zbc' | 'Zbs' | 'Priv')
  | ('Zihintpause' | 'Zawrs' | 'Zimop' | 'Zcmop' | 'Zcb' | 'Zicbom' | 'Zicbop' | 'Zicboz' | 'Svinval');

/** `width` bits of the encoding, from bit `from` upward, are bits `to` upward of the field's value. */
export interface FieldSlice {
  readonly from: number;
  readonly width: number;
  readonly to: number;
}

/** A number inside an encoding, possibly scattered. Bits of the value that no slice gives are zero. */
export interface Field {
  readonly slices: readonly FieldSlice[];
  /** Width of the value in bits, counting the low bits that are always zero. */
  readonly bits: number;
  /** Two's complement of `bits` bits; unsigned otherwise. */
  readonly signed: boolean;
  /** Added after extraction: 8 for the three-bit register fields of the C extension. */
  readonly bias: number;
}

/**
 * What an operand is to a reader of assembly.
 *
 * - `x`: integer register; `f`: floating-point register
 * - `imm`: number; `uimm`: unsigned number (shift amounts, CSR immediates)
 * - `upper`: the 20-bit number of lui and auipc, written as such; the field's value is it shifted left by 12
 * - `target`: a code address, written as such; the field is the distance from the instruction
 * - `csr`: CSR name or number
 * - `fence`: set of the letters i, o, r, w
 * - `rounding`: rounding mode by name
 * - `constant`: a constant of fli, by value or name
 * - `ordering`: not written as an operand, but as the suffix `.aq`, `.rl` or `.aqrl` of the name (bit 1 aq, bit 0 rl)
 */
export type OperandKind =
  'x' | 'f' | 'imm' | 'uimm' | 'upper' | 'target' | 'csr' | 'fence' | 'rounding' | 'constant' | 'ordering';

/** Names under which semantics, expansion rules and syntax refer to a field. */
export type OperandName =
  'rd' | 'rs1' | 'rs2' | 'rs3' | 'rm' | 'imm' | 'csr' | 'pred' | 'succ' | 'fm' | 'aqrl';

/** One operand. */
export interface Operand {
  readonly name: OperandName;
  readonly kind: OperandKind;
  readonly field: Field;
  /** What the operand is when it is not written; such an operand comes last. */
  readonly usual?: number;
}

/** An operand value that no encoding of the instruction has: it is reserved, or another instruction's. */
export interface OperandConstraint {
  readonly name: OperandName;
  readonly not: readonly number[];
}

/** The instruction that another, most often a compressed one, stands for. A name takes the operand's value; a number is itself. */
export interface Expansion {
  readonly name: string;
  readonly rd?: OperandName | number;
  readonly rs1?: OperandName | number;
  readonly rs2?: OperandName | number;
  readonly imm?: OperandName | number;
}

/** One instruction. */
export interface InstructionSpec {
  /** Lower-case mnemonic. */
  readonly name: string;
  readonly extension: Extension;
  /** Length in bytes. */
  readonly length: 2 | 4;
  /** An encoding (u32; u16 for length 2) is this instruction when `(encoding & mask) >>> 0 === match` and every constraint holds. Where several fit, the one with most mask bits. */
  readonly match: number;
  readonly mask: number;
  readonly operands: readonly Operand[];
  /** Operand names as assembly writes them, e.g. `rd, imm(rs1)`; empty for none. */
  readonly syntax: string;
  readonly constraints: readonly OperandConstraint[];
  /** Instructions that stand for another have this instead of semantics. */
  readonly expansion?: Expansion;
  /** @internal What it does. Present unless `expansion` is. */
  readonly semantics?: (s: SemanticsBuilder) => void;
}

/** Reads a field of an encoding: a number of at most 32 bits, signed if the field is. */
export function extractField(field: Field, encoding: number): number {
  let value = 0;
  for (const { from, width, to } of field.slices) {
    value |= ((encoding >>> from) & (width === 32 ? -1 : (1 << width) - 1)) << to;
  }
  if (field.signed) {
    const shift = 32 - field.bits;
    value = (value << shift) >> shift;
  } else {
    value >>>= 0;
  }
  return value + field.bias;
}

/**
 * The bits that give a field this value, or `undefined` when the value does not fit (too large, or with low bits that
 * the field cannot hold). Result is u32.
 */
export function insertField(field: Field, value: number): number | undefined {
  const unbiased = value - field.bias;
  if (!Number.isInteger(unbiased)) return undefined;
  const span = 2 ** field.bits;
  const low = field.signed ? -span / 2 : 0;
  if (unbiased < low || unbiased >= low + span) return undefined;
  let encoding = 0;
  let held = 0;
  for (const { from, width, to } of field.slices) {
    const ones = width === 32 ? -1 : (1 << width) - 1;
    encoding |= ((unbiased >> to) & ones) << from;
    held |= ones << to;
  }
  const all = field.bits === 32 ? -1 : (1 << field.bits) - 1;
  if ((unbiased & all & ~held) !== 0) return undefined;
  return encoding >>> 0;
}

/** Whether an encoding is this instruction's. */
export function matches(spec: InstructionSpec, encoding: number): boolean {
  if (((encoding & spec.mask) ^ spec.match) !== 0) return false;
  for (const { name, not } of spec.constraints) {
    const operand = spec.operands.find((o) => o.name === name);
    if (operand && not.includes(extractField(operand.field, encoding))) return false;
  }
  return true;
}
