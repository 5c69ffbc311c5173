/**
 * The fields and operands that encodings are made of, by instruction format.
 *
 * @see The RISC-V Instruction Set Manual, Volume I, "Base Instruction Formats", "Immediate Encoding Variants" and
 * "Compressed Instruction Formats"
 */

import type { Field, Operand, OperandKind, OperandName } from './instruction.js';

type Slice = readonly [from: number, width: number, to: number];

function field(bits: number, signed: boolean, slices: readonly Slice[], bias = 0): Field {
  return { bits, signed, bias, slices: slices.map(([from, width, to]) => ({ from, width, to })) };
}

function operand(name: OperandName, kind: OperandKind, f: Field): Operand {
  return { name, kind, field: f };
}

/** The same place, of the other register file. */
const floating = ({ name, field: f }: Operand): Operand => operand(name, 'f', f);

const register = (name: OperandName, from: number): Operand =>
  operand(name, 'x', field(5, false, [[from, 5, 0]]));
const shortRegister = (name: OperandName, from: number): Operand =>
  operand(name, 'x', field(3, false, [[from, 3, 0]], 8));

export const RD = register('rd', 7);
export const RS1 = register('rs1', 15);
export const RS2 = register('rs2', 20);

export const FRD = floating(RD);
export const FRS1 = floating(RS1);
export const FRS2 = floating(RS2);
export const FRS3 = floating(register('rs3', 27));
/** The one rounding mode of an instruction that has no other. */
export const ROUNDING_TOWARDS_ZERO = operand('rm', 'rounding', field(3, false, [[12, 3, 0]]));
const rounding = (usual: number): Operand => ({ ...ROUNDING_TOWARDS_ZERO, usual });
/** Rounding mode; the one in fcsr unless written. */
export const ROUNDING = rounding(7);
/** Rounding mode of a conversion that is always exact; to nearest unless written. */
export const ROUNDING_EXACT = rounding(0);
/** Number of a constant of fli. */
export const FLI_CONSTANT = operand('imm', 'constant', field(5, false, [[15, 5, 0]]));

/** I-type immediate: 12 bits, signed. */
export const IMM_I = operand('imm', 'imm', field(12, true, [[20, 12, 0]]));
/** S-type immediate: 12 bits, signed. */
export const IMM_S = operand('imm', 'imm', field(12, true, [[7, 5, 0], [25, 7, 5]])); // prettier-ignore
/** B-type distance: 13 bits, signed, even. */
export const IMM_B = operand('imm', 'target', field(13, true, [[8, 4, 1], [25, 6, 5], [7, 1, 11], [31, 1, 12]])); // prettier-ignore
/** U-type immediate: the upper 20 of 32 bits. */
export const IMM_U = operand('imm', 'upper', field(32, true, [[12, 20, 12]]));
/** J-type distance: 21 bits, signed, even. */
export const IMM_J = operand('imm', 'target', field(21, true, [[21, 10, 1], [20, 1, 11], [12, 8, 12], [31, 1, 20]])); // prettier-ignore
/** Shift amount of 64-bit shifts. */
export const SHAMT_6 = operand('imm', 'uimm', field(6, false, [[20, 6, 0]]));
/** Shift amount of 32-bit shifts. */
export const SHAMT_5 = operand('imm', 'uimm', field(5, false, [[20, 5, 0]]));
/** Offset of a prefetch: 12 bits, signed, a multiple of 32. */
export const PREFETCH_OFFSET = operand('imm', 'imm', field(12, true, [[25, 7, 5]]));
/** CSR number. */
export const CSR = operand('csr', 'csr', field(12, false, [[20, 12, 0]]));
/** The five-bit immediate of csrrwi, csrrsi, csrrci. */
export const CSR_IMM = operand('imm', 'uimm', field(5, false, [[15, 5, 0]]));
export const FENCE_FM = operand('fm', 'uimm', field(4, false, [[28, 4, 0]]));
export const FENCE_PRED = operand('pred', 'fence', field(4, false, [[24, 4, 0]]));
export const FENCE_SUCC = operand('succ', 'fence', field(4, false, [[20, 4, 0]]));
/** Acquire (bit 1) and release (bit 0) of the A extension. */
export const AQ_RL = operand('aqrl', 'ordering', field(2, false, [[25, 2, 0]]));

/** rd = rs1 in bits 11..7 of a compressed instruction. */
export const C_RD = register('rd', 7);
export const C_RS1 = register('rs1', 7);
export const C_RS2 = register('rs2', 2);
/** Registers x8 to x15 in bits 9..7. */
export const C_RD_SHORT_HIGH = shortRegister('rd', 7);
export const C_RS1_SHORT = shortRegister('rs1', 7);
/** Registers x8 to x15 in bits 4..2. */
export const C_RD_SHORT = shortRegister('rd', 2);
export const C_RS2_SHORT = shortRegister('rs2', 2);
export const C_FRD = floating(C_RD);
export const C_FRS2 = floating(C_RS2);
export const C_FRD_SHORT = floating(C_RD_SHORT);
export const C_FRS2_SHORT = floating(C_RS2_SHORT);

const c = (kind: OperandKind, bits: number, signed: boolean, ...slices: readonly Slice[]): Operand =>
  operand('imm', kind, field(bits, signed, slices));

export const C_IMM_ADDI4SPN = c('uimm', 10, false, [6, 1, 2], [5, 1, 3], [11, 2, 4], [7, 4, 6]);
export const C_IMM_BYTE = c('uimm', 2, false, [6, 1, 0], [5, 1, 1]);
export const C_IMM_HALF = c('uimm', 2, false, [5, 1, 1]);
export const C_IMM_WORD = c('uimm', 7, false, [6, 1, 2], [10, 3, 3], [5, 1, 6]);
export const C_IMM_DOUBLE = c('uimm', 8, false, [10, 3, 3], [5, 2, 6]);
export const C_IMM_6 = c('imm', 6, true, [2, 5, 0], [12, 1, 5]);
export const C_IMM_ADDI16SP = c('imm', 10, true, [6, 1, 4], [2, 1, 5], [5, 1, 6], [3, 2, 7], [12, 1, 9]);
/** The upper immediate of c.lui: bits 17..12 of the value, sign-extended. */
export const C_IMM_LUI = c('upper', 18, true, [2, 5, 12], [12, 1, 17]);
export const C_SHAMT = c('uimm', 6, false, [2, 5, 0], [12, 1, 5]);
export const C_IMM_JUMP = c('target', 12, true, [3, 3, 1], [11, 1, 4], [2, 1, 5], [7, 1, 6], [6, 1, 7], [9, 2, 8], [8, 1, 10], [12, 1, 11]); // prettier-ignore
export const C_IMM_BRANCH = c('target', 9, true, [3, 2, 1], [10, 2, 3], [2, 1, 5], [5, 2, 6], [12, 1, 8]);
export const C_IMM_LWSP = c('uimm', 8, false, [4, 3, 2], [12, 1, 5], [2, 2, 6]);
export const C_IMM_LDSP = c('uimm', 9, false, [5, 2, 3], [12, 1, 5], [2, 3, 6]);
export const C_IMM_SWSP = c('uimm', 8, false, [9, 4, 2], [7, 2, 6]);
export const C_IMM_SDSP = c('uimm', 9, false, [10, 3, 3], [7, 3, 6]);
