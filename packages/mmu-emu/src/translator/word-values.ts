/**
 * Which registers hold 32-bit numbers, sign-extended, as what ends in `w` leaves them.
 *
 * And, or and exclusive or of such are done in 32 bits: then a chain of them needs no extensions in between, and the host's
 * compiler sees rotations for what they are.
 */

import type { Value } from '../isa/semantics.js';
import type { RegionInstruction } from './region.js';

const COMPARISON = /^i(32|64)\.(eqz|eq|ne|[lg][te]_[su])$/;
const BITWISE = new Set(['i64.and', 'i64.or', 'i64.xor']);

/** Whether a value is one. @param words a bit for each integer register that holds one before the instruction. */
export function isWord(value: Value, instruction: RegionInstruction, words: number): boolean {
  switch (value.kind) {
    case 'const':
      return BigInt.asIntN(32, value.value) === value.value;
    case 'operand':
      if (value.name === 'imm') return true;
      if (value.name !== 'rs1' && value.name !== 'rs2') return false;
      return instruction[value.name] === 0 || ((words >>> instruction[value.name]) & 1) === 1;
    case 'local':
      return instruction.shape.description.statements.some(
        (statement) =>
          (statement.kind === 'load' &&
            statement.local === value.index &&
            (statement.width < 4 || (statement.width === 4 && statement.signed))) ||
          (statement.kind === 'atomic' && statement.local === value.index && statement.width === 4) ||
          (statement.kind === 'storeConditional' && statement.local === value.index),
      );
    case 'op': {
      const [first] = value.args;
      if (value.op === 'i64.extend_i32_s') return true;
      if (value.op === 'i64.extend_i32_u') return first?.kind === 'op' && COMPARISON.test(first.op);
      return BITWISE.has(value.op) && value.args.every((arg) => isWord(arg, instruction, words));
    }
    case 'choose':
      return false;
  }
}

/** Whether a value is made of two of them by and, or, or exclusive or. */
export function isBitwiseOfWords(value: Value, instruction: RegionInstruction, words: number): boolean {
  return value.kind === 'op' && BITWISE.has(value.op) && isWord(value, instruction, words);
}

/** The registers that hold one after an instruction. */
export function wordsAfter(instruction: RegionInstruction, words: number): number {
  const { shape, rd } = instruction;
  if (shape.writes !== 'x') return words;
  const written = shape.description.statements.some(
    (statement) => statement.kind === 'writeRd' && isWord(statement.value, instruction, words),
  );
  return written ? words | (1 << rd) : words & ~(1 << rd);
}
