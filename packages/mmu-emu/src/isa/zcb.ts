/**
 * Zcb: more compressed instructions, each of which stands for one of I, M, Zba or Zbb.
 *
 * @see The RISC-V Instruction Set Manual, Volume I, "Zcb"
 */

import { compressed } from './forms.js';
import type { Expansion, InstructionSpec, Operand } from './instruction.js';
import { C_IMM_BYTE, C_IMM_HALF, C_RD_SHORT, C_RD_SHORT_HIGH, C_RS1_SHORT, C_RS2_SHORT } from './operands.js';

const spec = (
  name: string,
  match: number,
  mask: number,
  operands: readonly Operand[],
  syntax: string,
  expansion: Expansion,
): InstructionSpec => compressed('Zcb', name, match, mask, operands, syntax, expansion);

const load = (name: string, match: number, mask: number, offset: Operand): InstructionSpec =>
  spec(`c.${name}`, match, mask, [C_RD_SHORT, C_RS1_SHORT, offset], 'rd, imm(rs1)', {
    name,
    rd: 'rd',
    rs1: 'rs1',
    imm: 'imm',
  });

const store = (name: string, match: number, mask: number, offset: Operand): InstructionSpec =>
  spec(`c.${name}`, match, mask, [C_RS1_SHORT, C_RS2_SHORT, offset], 'rs2, imm(rs1)', {
    name,
    rs1: 'rs1',
    rs2: 'rs2',
    imm: 'imm',
  });

const unary = (name: string, match: number, expansion: Omit<Expansion, 'rd' | 'rs1'>): InstructionSpec =>
  spec(name, match, 0xfc7f, [C_RD_SHORT_HIGH], 'rd', { ...expansion, rd: 'rd', rs1: 'rd' });

export const ZCB: readonly InstructionSpec[] = [
  load('lbu', 0x8000, 0xfc03, C_IMM_BYTE),
  load('lhu', 0x8400, 0xfc43, C_IMM_HALF),
  load('lh', 0x8440, 0xfc43, C_IMM_HALF),
  store('sb', 0x8800, 0xfc03, C_IMM_BYTE),
  store('sh', 0x8c00, 0xfc43, C_IMM_HALF),
  unary('c.zext.b', 0x9c61, { name: 'andi', imm: 0xff }),
  unary('c.sext.b', 0x9c65, { name: 'sext.b' }),
  unary('c.zext.h', 0x9c69, { name: 'zext.h' }),
  unary('c.sext.h', 0x9c6d, { name: 'sext.h' }),
  unary('c.zext.w', 0x9c71, { name: 'add.uw', rs2: 0 }),
  unary('c.not', 0x9c75, { name: 'xori', imm: -1 }),
  spec('c.mul', 0x9c41, 0xfc63, [C_RD_SHORT_HIGH, C_RS2_SHORT], 'rd, rs2', {
    name: 'mul',
    rd: 'rd',
    rs1: 'rd',
    rs2: 'rs2',
  }),
];
