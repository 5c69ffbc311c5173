import { extractField, insertField } from '../isa/instruction.js';
import type { InstructionSpec, Operand } from '../isa/instruction.js';
import { decode } from '../isa/table.js';
import { csrName } from './csr-names.js';
import { constantText } from './float-constants.js';
import { RAW_INSTRUCTIONS } from './pseudo.js';
import { FLOAT_REGISTERS, INTEGER_REGISTERS } from './registers.js';
import { ORDERING_SUFFIXES, ROUNDING_MODES, syntaxOf } from './syntax.js';
import type { InstructionSyntax, SyntaxItem, SyntaxPart } from './syntax.js';

/** One instruction as text. */
export interface DisassembledInstruction {
  readonly text: string;
  /** In bytes; also right where the bits mean nothing. */
  readonly length: 2 | 4;
}

const FENCE_TSO = RAW_INSTRUCTIONS.get('fence.tso')!.word;

/**
 * The text of the instruction in the low bits of `word`, as `assemble` reads it.
 *
 * Names are those of the instruction table, never pseudo-instructions; compressed instructions appear under their own
 * names (`c.addi`). The form is that of GNU objdump with `-M no-aliases`: no spaces between operands, shift amounts and
 * upper immediates in hexadecimal, targets as addresses. Bits that are no instruction, or one that has no text, are
 * data: `.half` or `.word`.
 *
 * @param word 32 bits; for an instruction of two bytes only the low half counts.
 * @param pc Address of the instruction, for targets; default 0. A bigint is exact beyond 2^53.
 */
export function disassemble(word: number, pc: number | bigint = 0): DisassembledInstruction {
  const length = (word & 3) === 3 ? 4 : 2;
  const bits = length === 4 ? word >>> 0 : word & 0xffff;
  const name = decode(bits)?.name;
  const syntax = name === undefined ? undefined : syntaxOf(name);
  if (syntax === undefined || !isWritten(syntax, bits)) {
    if (bits === FENCE_TSO) return { text: 'fence.tso', length };
    const data = length === 4 ? '.word' : '.half';
    return { text: `${data} 0x${bits.toString(16).padStart(length * 2, '0')}`, length };
  }
  const suffix =
    syntax.ordering === undefined ? '' : ORDERING_SUFFIXES[extractField(syntax.ordering.field, bits)];
  const operands = syntax.parts
    .filter(
      (part) => part.kind !== 'operand' || extractField(part.operand.field, bits) !== part.operand.usual,
    )
    .map((part) => partText(part, syntax, bits, pc))
    .join(',');
  return { text: `${syntax.spec.name}${suffix}${operands === '' ? '' : ` ${operands}`}`, length };
}

/** Whether the text says all of the encoding: a field that is not written has to be zero, as the assembler makes it. */
function isWritten({ spec, parts, ordering }: InstructionSyntax, bits: number): boolean {
  let encoded = spec.match;
  const add = (operand: Operand): void => {
    encoded |= insertField(operand.field, extractField(operand.field, bits)) ?? 0;
  };
  for (const part of parts) {
    if (part.kind === 'operand') add(part.operand);
    if (part.kind === 'memory') {
      if (part.offset !== undefined) add(part.offset);
      if (part.base.kind === 'operand') add(part.base.operand);
    }
  }
  if (ordering !== undefined) add(ordering);
  return encoded >>> 0 === bits;
}

function partText(part: SyntaxPart, syntax: InstructionSyntax, bits: number, pc: number | bigint): string {
  if (part.kind !== 'memory') return itemText(part, syntax, bits, pc);
  const offset = part.offset === undefined ? '' : extractField(part.offset.field, bits).toString();
  return `${offset}(${itemText(part.base, syntax, bits, pc)})`;
}

function itemText(item: SyntaxItem, { spec }: InstructionSyntax, bits: number, pc: number | bigint): string {
  if (item.kind === 'fixed') return INTEGER_REGISTERS[item.register];
  const value = extractField(item.operand.field, bits);
  switch (item.operand.kind) {
    case 'x':
      return INTEGER_REGISTERS[value];
    case 'f':
      return FLOAT_REGISTERS[value];
    case 'constant':
      return constantText(value);
    case 'rounding':
      return ROUNDING_MODES[value];
    case 'upper':
      return hex((value >> 12) & 0xf_ffff);
    case 'target':
      return `0x${BigInt.asUintN(64, BigInt(pc) + BigInt(value)).toString(16)}`;
    case 'csr':
      return csrName(value);
    case 'fence':
      return [...'iorw'].filter((_letter, index) => (value & (8 >> index)) !== 0).join('') || '0';
    case 'uimm':
      return isShift(spec, item.operand) ? hex(value) : value.toString();
    default:
      return value.toString();
  }
}

/** Shift amounts, which objdump prints in hexadecimal, are the short unsigned numbers outside CSR instructions. */
function isShift(spec: InstructionSpec, operand: Operand): boolean {
  return operand.field.bits <= 6 && spec.extension !== 'Zicsr';
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
