/** How instructions are written down: records by their encoding, and the forms that those of several extensions have. */

import type { Expansion, Extension, InstructionSpec, Operand, OperandConstraint } from './instruction.js';
import { RD, RS1, RS2 } from './operands.js';
import { i32, i64 } from './semantics.js';
import type { I32, I64, SemanticsBuilder } from './semantics.js';

/** Fixed bits: the opcode with funct3, with funct7 or the funct6 of long shifts, and with funct7 and rs2. */
export const MASK_FUNCT3 = 0x707f;
export const MASK_FUNCT7 = 0xfe00707f;
const MASK_FUNCT6 = 0xfc00707f;
const MASK_FUNCT7_RS2 = 0xfff0707f;

/** What an instruction does, or the one that it stands for. */
export type Meaning = ((s: SemanticsBuilder) => void) | Expansion;

/** Operands as assembly has them when nothing else is said: their names, in order. */
const syntaxOf = (operands: readonly Operand[]): string => operands.map(({ name }) => name).join(', ');

/** An instruction of four bytes. */
export function instruction(
  extension: Extension,
  name: string,
  match: number,
  mask: number,
  operands: readonly Operand[],
  meaning: Meaning,
  syntax = syntaxOf(operands),
): InstructionSpec {
  const does = typeof meaning === 'function' ? { semantics: meaning } : { expansion: meaning };
  return { name, extension, length: 4, match: match >>> 0, mask: mask >>> 0, operands, syntax, constraints: [], ...does }; // prettier-ignore
}

/** One of two bytes, which stands for another. */
export function compressed(
  extension: Extension,
  name: string,
  match: number,
  mask: number,
  operands: readonly Operand[],
  syntax: string,
  expansion: Expansion,
  ...constraints: readonly OperandConstraint[]
): InstructionSpec {
  return { name, extension, length: 2, match, mask, operands, syntax, constraints, expansion };
}

/** What an extension's instructions are made with. */
export interface Forms {
  /** rd of rs1 and rs2. */
  readonly register: (name: string, match: number, compute: (a: I64, b: I64) => I64) => InstructionSpec;
  /** rd of rs1 and a number: a shift amount, or the immediate of 12 bits. */
  readonly immediate: (
    name: string,
    match: number,
    number: Operand,
    compute: (a: I64, b: I64) => I64,
  ) => InstructionSpec;
  /** rd of rs1 alone. */
  readonly unary: (name: string, match: number, compute: (a: I64) => I64) => InstructionSpec;
  /** rd of rs1 and rs2, with more than an expression to say. */
  readonly described: (
    name: string,
    match: number,
    semantics: (s: SemanticsBuilder) => void,
  ) => InstructionSpec;
}

/** Fixed bits of an instruction with a number of so many bits. */
const MASK_OF_NUMBER: Readonly<Record<number, number>> = { 5: MASK_FUNCT7, 6: MASK_FUNCT6, 12: MASK_FUNCT3 };

/**
 * The forms, for the instructions of one extension.
 *
 * @param source how an expression gets at a register: evaluated once, before it, unless said otherwise; where every
 * expression uses each source no more than once, that is not needed.
 */
export function formsOf(
  extension: Extension,
  source = (s: SemanticsBuilder, value: I64): I64 => s.let(value),
): Forms {
  const described: Forms['described'] = (name, match, semantics) =>
    instruction(extension, name, match, MASK_FUNCT7, [RD, RS1, RS2], semantics);
  return {
    described,
    register: (name, match, compute) =>
      described(name, match, (s) => s.writeRd(compute(source(s, s.rs1), source(s, s.rs2)))),
    immediate: (name, match, number, compute) =>
      instruction(extension, name, match, MASK_OF_NUMBER[number.field.bits], [RD, RS1, number], (s) =>
        s.writeRd(compute(source(s, s.rs1), s.imm)),
      ),
    unary: (name, match, compute) =>
      instruction(extension, name, match, MASK_FUNCT7_RS2, [RD, RS1], (s) =>
        s.writeRd(compute(source(s, s.rs1))),
      ),
  };
}

/** The low 32 bits, zero-extended. */
export const low32 = (a: I64): I64 => i64.extendU(i32.wrap(a));
/** A 32-bit operation whose result is sign-extended. */
export const word =
  (compute: (a: I32, b: I32) => I32) =>
  (a: I64, b: I64): I64 =>
    i64.extendS(compute(i32.wrap(a), i32.wrap(b)));
