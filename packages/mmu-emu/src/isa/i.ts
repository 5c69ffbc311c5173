/**
 * RV64I: the base integer instructions.
 *
 * @see The RISC-V Instruction Set Manual, Volume I, "RV32I Base Integer Instruction Set" and "RV64I Base Integer
 * Instruction Set"
 */

import { CAUSE_BREAKPOINT } from '../hart/causes.js';
import { formsOf, instruction, MASK_FUNCT3, word } from './forms.js';
import type { InstructionSpec, Operand } from './instruction.js';
import { FENCE_FM, FENCE_PRED, FENCE_SUCC, IMM_B, IMM_I, IMM_J, IMM_S, IMM_U, RD, RS1, RS2, SHAMT_5, SHAMT_6 } from './operands.js'; // prettier-ignore
import { i32, i64 } from './semantics.js';
import type { I32, I64, MemoryWidth, SemanticsBuilder } from './semantics.js';

/** The builder's name for the environment call of the current privilege. */
const ENVIRONMENT_CALL = -1;

/** Every expression here uses a source once. */
const { register, immediate } = formsOf('I', (_, value) => value);

const spec = (
  name: string,
  match: number,
  mask: number,
  operands: readonly Operand[],
  semantics: (s: SemanticsBuilder) => void,
  syntax?: string,
): InstructionSpec => instruction('I', name, match, mask, operands, semantics, syntax);

const load = (name: string, match: number, width: MemoryWidth, signed: boolean): InstructionSpec =>
  spec(
    name,
    match,
    MASK_FUNCT3,
    [RD, RS1, IMM_I],
    (s) => s.writeRd(s.load(i64.add(s.rs1, s.imm), width, signed)),
    'rd, imm(rs1)',
  );

const store = (name: string, match: number, width: MemoryWidth): InstructionSpec =>
  spec(
    name,
    match,
    MASK_FUNCT3,
    [RS1, RS2, IMM_S],
    (s) => s.store(i64.add(s.rs1, s.imm), width, s.rs2),
    'rs2, imm(rs1)',
  );

const branch = (name: string, match: number, condition: (a: I64, b: I64) => I32): InstructionSpec =>
  spec(name, match, MASK_FUNCT3, [RS1, RS2, IMM_B], (s) => s.branch(condition(s.rs1, s.rs2)));

/** In RV64 the count of a 32-bit shift is five bits, which is what the 32-bit operation takes. */
export const RV64I: readonly InstructionSpec[] = [
  spec('lui', 0x37, 0x7f, [RD, IMM_U], (s) => s.writeRd(s.imm)),
  spec('auipc', 0x17, 0x7f, [RD, IMM_U], (s) => s.writeRd(i64.add(s.pc, s.imm))),
  spec('jal', 0x6f, 0x7f, [RD, IMM_J], (s) => {
    s.writeRd(s.nextPc);
    s.jumpRelative();
  }),
  spec(
    'jalr',
    0x67,
    MASK_FUNCT3,
    [RD, RS1, IMM_I],
    (s) => {
      const target = s.let(i64.and(i64.add(s.rs1, s.imm), i64.const(-2)));
      s.writeRd(s.nextPc);
      s.jump(target);
    },
    'rd, imm(rs1)',
  ),
  branch('beq', 0x63, i64.eq),
  branch('bne', 0x1063, i64.ne),
  branch('blt', 0x4063, i64.ltS),
  branch('bge', 0x5063, i64.geS),
  branch('bltu', 0x6063, i64.ltU),
  branch('bgeu', 0x7063, i64.geU),
  load('lb', 0x03, 1, true),
  load('lh', 0x1003, 2, true),
  load('lw', 0x2003, 4, true),
  load('ld', 0x3003, 8, true),
  load('lbu', 0x4003, 1, false),
  load('lhu', 0x5003, 2, false),
  load('lwu', 0x6003, 4, false),
  store('sb', 0x23, 1),
  store('sh', 0x1023, 2),
  store('sw', 0x2023, 4),
  store('sd', 0x3023, 8),
  immediate('addi', 0x13, IMM_I, i64.add),
  immediate('slti', 0x2013, IMM_I, (a, b) => i64.extendU(i64.ltS(a, b))),
  immediate('sltiu', 0x3013, IMM_I, (a, b) => i64.extendU(i64.ltU(a, b))),
  immediate('xori', 0x4013, IMM_I, i64.xor),
  immediate('ori', 0x6013, IMM_I, i64.or),
  immediate('andi', 0x7013, IMM_I, i64.and),
  immediate('slli', 0x1013, SHAMT_6, i64.shl),
  immediate('srli', 0x5013, SHAMT_6, i64.shrU),
  immediate('srai', 0x40005013, SHAMT_6, i64.shrS),
  register('add', 0x33, i64.add),
  register('sub', 0x40000033, i64.sub),
  register('sll', 0x1033, i64.shl),
  register('slt', 0x2033, (a, b) => i64.extendU(i64.ltS(a, b))),
  register('sltu', 0x3033, (a, b) => i64.extendU(i64.ltU(a, b))),
  register('xor', 0x4033, i64.xor),
  register('srl', 0x5033, i64.shrU),
  register('sra', 0x40005033, i64.shrS),
  register('or', 0x6033, i64.or),
  register('and', 0x7033, i64.and),
  immediate('addiw', 0x1b, IMM_I, word(i32.add)),
  immediate('slliw', 0x101b, SHAMT_5, word(i32.shl)),
  immediate('srliw', 0x501b, SHAMT_5, word(i32.shrU)),
  immediate('sraiw', 0x4000501b, SHAMT_5, word(i32.shrS)),
  register('addw', 0x3b, word(i32.add)),
  register('subw', 0x4000003b, word(i32.sub)),
  register('sllw', 0x103b, word(i32.shl)),
  register('srlw', 0x503b, word(i32.shrU)),
  register('sraw', 0x4000503b, word(i32.shrS)),
  // Harts take turns in one thread and devices act between accesses, so every order is kept already. Unused fields of
  // a fence are ignored, as the manual asks.
  spec(
    'fence',
    0x0f,
    MASK_FUNCT3,
    [RD, RS1, FENCE_FM, FENCE_PRED, FENCE_SUCC],
    () => undefined,
    'pred, succ',
  ),
  spec('ecall', 0x73, 0xffffffff, [], (s) => s.trap(i64.const(ENVIRONMENT_CALL), i64.const(0))),
  spec('ebreak', 0x100073, 0xffffffff, [], (s) => s.trap(i64.const(CAUSE_BREAKPOINT), s.pc)),
];
