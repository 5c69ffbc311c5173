/**
 * C: compressed instructions. Each stands for one longer instruction, whose semantics it has.
 *
 * What an encoding's constraints exclude is reserved (an illegal instruction) unless another entry claims it. Hints
 * (a destination of x0, a zero immediate of c.addi, and so on) expand like the others and change nothing.
 *
 * @see The RISC-V Instruction Set Manual, Volume I, "C Extension for Compressed Instructions", "RVC Instruction Set
 * Listings"
 */

import { compressed } from './forms.js';
import type { Expansion, InstructionSpec, Operand, OperandConstraint } from './instruction.js';
import {
  C_IMM_6,
  C_IMM_ADDI16SP,
  C_IMM_ADDI4SPN,
  C_IMM_BRANCH,
  C_IMM_DOUBLE,
  C_IMM_JUMP,
  C_IMM_LDSP,
  C_IMM_LUI,
  C_IMM_LWSP,
  C_IMM_SDSP,
  C_IMM_SWSP,
  C_IMM_WORD,
  C_FRD,
  C_FRD_SHORT,
  C_FRS2,
  C_FRS2_SHORT,
  C_RD,
  C_RD_SHORT,
  C_RD_SHORT_HIGH,
  C_RS1,
  C_RS1_SHORT,
  C_RS2,
  C_RS2_SHORT,
  C_SHAMT,
} from './operands.js';

const SP = 2;
const NOT_ZERO_IMM: OperandConstraint = { name: 'imm', not: [0] };
const NOT_X0_RD: OperandConstraint = { name: 'rd', not: [0] };
const NOT_X0_RS1: OperandConstraint = { name: 'rs1', not: [0] };
const NOT_X0_RS2: OperandConstraint = { name: 'rs2', not: [0] };

const spec = (
  name: string,
  match: number,
  mask: number,
  operands: readonly Operand[],
  syntax: string,
  expansion: Expansion,
  ...constraints: readonly OperandConstraint[]
): InstructionSpec => compressed('C', name, match, mask, operands, syntax, expansion, ...constraints);

const FUNCT3 = 0xe003;
const FUNCT6 = 0xfc63;
const SHIFT = 0xec03;

const arithmetic = (name: string, match: number, to: string): InstructionSpec =>
  spec(name, match, FUNCT6, [C_RD_SHORT_HIGH, C_RS2_SHORT], 'rd, rs2', {
    name: to,
    rd: 'rd',
    rs1: 'rd',
    rs2: 'rs2',
  });

export const RV64C: readonly InstructionSpec[] = [
  // Quadrant 0
  spec('c.addi4spn', 0x0000, FUNCT3, [C_RD_SHORT, C_IMM_ADDI4SPN], 'rd, sp, imm', { name: 'addi', rd: 'rd', rs1: SP, imm: 'imm' }, NOT_ZERO_IMM), // prettier-ignore
  spec('c.lw', 0x4000, FUNCT3, [C_RD_SHORT, C_RS1_SHORT, C_IMM_WORD], 'rd, imm(rs1)', { name: 'lw', rd: 'rd', rs1: 'rs1', imm: 'imm' }), // prettier-ignore
  spec('c.ld', 0x6000, FUNCT3, [C_RD_SHORT, C_RS1_SHORT, C_IMM_DOUBLE], 'rd, imm(rs1)', { name: 'ld', rd: 'rd', rs1: 'rs1', imm: 'imm' }), // prettier-ignore
  spec('c.sw', 0xc000, FUNCT3, [C_RS1_SHORT, C_RS2_SHORT, C_IMM_WORD], 'rs2, imm(rs1)', { name: 'sw', rs1: 'rs1', rs2: 'rs2', imm: 'imm' }), // prettier-ignore
  spec('c.sd', 0xe000, FUNCT3, [C_RS1_SHORT, C_RS2_SHORT, C_IMM_DOUBLE], 'rs2, imm(rs1)', { name: 'sd', rs1: 'rs1', rs2: 'rs2', imm: 'imm' }), // prettier-ignore
  spec('c.fld', 0x2000, FUNCT3, [C_FRD_SHORT, C_RS1_SHORT, C_IMM_DOUBLE], 'rd, imm(rs1)', { name: 'fld', rd: 'rd', rs1: 'rs1', imm: 'imm' }), // prettier-ignore
  spec('c.fsd', 0xa000, FUNCT3, [C_RS1_SHORT, C_FRS2_SHORT, C_IMM_DOUBLE], 'rs2, imm(rs1)', { name: 'fsd', rs1: 'rs1', rs2: 'rs2', imm: 'imm' }), // prettier-ignore
  // Quadrant 1
  spec('c.nop', 0x0001, 0xef83, [C_IMM_6], '', { name: 'addi', rd: 0, rs1: 0, imm: 'imm' }),
  spec('c.addi', 0x0001, FUNCT3, [C_RD, C_IMM_6], 'rd, imm', { name: 'addi', rd: 'rd', rs1: 'rd', imm: 'imm' }, NOT_X0_RD), // prettier-ignore
  spec('c.addiw', 0x2001, FUNCT3, [C_RD, C_IMM_6], 'rd, imm', { name: 'addiw', rd: 'rd', rs1: 'rd', imm: 'imm' }, NOT_X0_RD), // prettier-ignore
  spec('c.li', 0x4001, FUNCT3, [C_RD, C_IMM_6], 'rd, imm', { name: 'addi', rd: 'rd', rs1: 0, imm: 'imm' }),
  spec('c.addi16sp', 0x6101, 0xef83, [C_IMM_ADDI16SP], 'sp, imm', { name: 'addi', rd: SP, rs1: SP, imm: 'imm' }, NOT_ZERO_IMM), // prettier-ignore
  spec('c.lui', 0x6001, FUNCT3, [C_RD, C_IMM_LUI], 'rd, imm', { name: 'lui', rd: 'rd', imm: 'imm' }, NOT_ZERO_IMM, { name: 'rd', not: [SP] }), // prettier-ignore
  spec('c.srli', 0x8001, SHIFT, [C_RD_SHORT_HIGH, C_SHAMT], 'rd, imm', { name: 'srli', rd: 'rd', rs1: 'rd', imm: 'imm' }), // prettier-ignore
  spec('c.srai', 0x8401, SHIFT, [C_RD_SHORT_HIGH, C_SHAMT], 'rd, imm', { name: 'srai', rd: 'rd', rs1: 'rd', imm: 'imm' }), // prettier-ignore
  spec('c.andi', 0x8801, SHIFT, [C_RD_SHORT_HIGH, C_IMM_6], 'rd, imm', { name: 'andi', rd: 'rd', rs1: 'rd', imm: 'imm' }), // prettier-ignore
  arithmetic('c.sub', 0x8c01, 'sub'),
  arithmetic('c.xor', 0x8c21, 'xor'),
  arithmetic('c.or', 0x8c41, 'or'),
  arithmetic('c.and', 0x8c61, 'and'),
  arithmetic('c.subw', 0x9c01, 'subw'),
  arithmetic('c.addw', 0x9c21, 'addw'),
  spec('c.j', 0xa001, FUNCT3, [C_IMM_JUMP], 'imm', { name: 'jal', rd: 0, imm: 'imm' }),
  spec('c.beqz', 0xc001, FUNCT3, [C_RS1_SHORT, C_IMM_BRANCH], 'rs1, imm', { name: 'beq', rs1: 'rs1', rs2: 0, imm: 'imm' }), // prettier-ignore
  spec('c.bnez', 0xe001, FUNCT3, [C_RS1_SHORT, C_IMM_BRANCH], 'rs1, imm', { name: 'bne', rs1: 'rs1', rs2: 0, imm: 'imm' }), // prettier-ignore
  // Quadrant 2
  spec('c.slli', 0x0002, FUNCT3, [C_RD, C_SHAMT], 'rd, imm', {
    name: 'slli',
    rd: 'rd',
    rs1: 'rd',
    imm: 'imm',
  }),
  spec('c.lwsp', 0x4002, FUNCT3, [C_RD, C_IMM_LWSP], 'rd, imm(sp)', { name: 'lw', rd: 'rd', rs1: SP, imm: 'imm' }, NOT_X0_RD), // prettier-ignore
  spec('c.ldsp', 0x6002, FUNCT3, [C_RD, C_IMM_LDSP], 'rd, imm(sp)', { name: 'ld', rd: 'rd', rs1: SP, imm: 'imm' }, NOT_X0_RD), // prettier-ignore
  spec('c.jr', 0x8002, 0xf07f, [C_RS1], 'rs1', { name: 'jalr', rd: 0, rs1: 'rs1', imm: 0 }, NOT_X0_RS1),
  spec(
    'c.mv',
    0x8002,
    0xf003,
    [C_RD, C_RS2],
    'rd, rs2',
    { name: 'add', rd: 'rd', rs1: 0, rs2: 'rs2' },
    NOT_X0_RS2,
  ),
  spec('c.ebreak', 0x9002, 0xffff, [], '', { name: 'ebreak' }),
  spec('c.jalr', 0x9002, 0xf07f, [C_RS1], 'rs1', { name: 'jalr', rd: 1, rs1: 'rs1', imm: 0 }, NOT_X0_RS1),
  spec('c.add', 0x9002, 0xf003, [C_RD, C_RS2], 'rd, rs2', { name: 'add', rd: 'rd', rs1: 'rd', rs2: 'rs2' }, NOT_X0_RS2), // prettier-ignore
  spec('c.swsp', 0xc002, FUNCT3, [C_RS2, C_IMM_SWSP], 'rs2, imm(sp)', { name: 'sw', rs1: SP, rs2: 'rs2', imm: 'imm' }), // prettier-ignore
  spec('c.sdsp', 0xe002, FUNCT3, [C_RS2, C_IMM_SDSP], 'rs2, imm(sp)', { name: 'sd', rs1: SP, rs2: 'rs2', imm: 'imm' }), // prettier-ignore
  spec('c.fldsp', 0x2002, FUNCT3, [C_FRD, C_IMM_LDSP], 'rd, imm(sp)', { name: 'fld', rd: 'rd', rs1: SP, imm: 'imm' }), // prettier-ignore
  spec('c.fsdsp', 0xa002, FUNCT3, [C_FRS2, C_IMM_SDSP], 'rs2, imm(sp)', { name: 'fsd', rs1: SP, rs2: 'rs2', imm: 'imm' }), // prettier-ignore
];
