/** How instructions of the bit-manipulation extensions are written down. */

import type { Extension, InstructionSpec, Operand } from './instruction.js';
import { RD, RS1, RS2 } from './operands.js';
import { i32, i64 } from './semantics.js';
import type { I32, I64, SemanticsBuilder } from './semantics.js';

/** What an extension's instructions are made with. */
export interface Forms {
  /** rd of rs1 and rs2. */
  readonly register: (name: string, match: number, compute: (a: I64, b: I64) => I64) => InstructionSpec;
  /** rd of rs1 and a shift amount. */
  readonly immediate: (
    name: string,
    match: number,
    shamt: Operand,
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

/** The forms, for the instructions of one extension. Sources are evaluated once. */
export function formsOf(extension: Extension): Forms {
  const spec = (
    name: string,
    match: number,
    mask: number,
    operands: readonly Operand[],
    semantics: (s: SemanticsBuilder) => void,
  ): InstructionSpec => ({
    name,
    extension,
    length: 4,
    match: match >>> 0,
    mask: mask >>> 0,
    operands,
    syntax: operands.map((operand) => operand.name).join(', '),
    constraints: [],
    semantics,
  });
  const described: Forms['described'] = (name, match, semantics) =>
    spec(name, match, 0xfe00707f, [RD, RS1, RS2], semantics);
  return {
    described,
    register: (name, match, compute) =>
      described(name, match, (s) => s.writeRd(compute(s.let(s.rs1), s.let(s.rs2)))),
    immediate: (name, match, shamt, compute) =>
      spec(name, match, shamt.field.bits === 6 ? 0xfc00707f : 0xfe00707f, [RD, RS1, shamt], (s) =>
        s.writeRd(compute(s.let(s.rs1), s.imm)),
      ),
    unary: (name, match, compute) =>
      spec(name, match, 0xfff0707f, [RD, RS1], (s) => s.writeRd(compute(s.let(s.rs1)))),
  };
}

/** The low 32 bits, zero-extended. */
export const low32 = (a: I64): I64 => i64.extendU(i32.wrap(a));
/** A 32-bit operation whose result is sign-extended. */
export const word =
  (compute: (a: I32, b: I32) => I32) =>
  (a: I64, b: I64): I64 =>
    i64.extendS(compute(i32.wrap(a), i32.wrap(b)));
