import { extractField, insertField, matches } from '../isa/instruction.js';
import type { Expansion, Operand as OperandField, OperandName } from '../isa/instruction.js';
import { AssemblerError } from './assembler-error.js';
import type { AssemblerErrorCode } from './assembler-error.js';
import { csrByName } from './csr-names.js';
import { evaluate } from './expression.js';
import type { Expression, ExpressionScope } from './expression.js';
import { constantNumber } from './float-constants.js';
import type { SourcePosition } from './lexer.js';
import { constantSteps } from './load-immediate.js';
import type { Operand } from './operand.js';
import { expandPseudo, isPseudo, RAW_INSTRUCTIONS } from './pseudo.js';
import type { NamedInstruction } from './pseudo.js';
import { compressedFormsOf, ROUNDING_MODES, syntaxOfMnemonic } from './syntax.js';
import type { InstructionSyntax, SyntaxItem, SyntaxPart } from './syntax.js';

/** One encoding. */
export interface EncodedInstruction {
  readonly word: number;
  readonly bytes: 2 | 4;
}

/** Where and how a statement is written. */
export interface WriterContext {
  readonly here: bigint;
  /** Whether shorter forms may be chosen. */
  readonly compress: boolean;
  /** Whether addresses are right; until then values out of range are no error. */
  readonly final: boolean;
  /** The statement may not be shorter than this, so that sizes only grow from pass to pass. */
  readonly minimumBytes: number;
  scopeAt(address: bigint): ExpressionScope;
  /** Remembers what a `%pcrel_hi` at this address points to, relative to it. */
  notePcrelHi(address: bigint, distance: bigint): void;
}

type Values = Map<OperandName, number>;

const NOP: EncodedInstruction = { word: 0x0000_0013, bytes: 4 };
const C_NOP: EncodedInstruction = { word: 0x0001, bytes: 2 };

/** Encodes the instructions that one statement stands for. */
export class InstructionWriter {
  readonly #context: WriterContext;
  #here: bigint;
  readonly #output: EncodedInstruction[] = [];
  #bytes = 0;

  constructor(context: WriterContext) {
    this.#context = context;
    this.#here = context.here;
  }

  /** @throws {AssemblerError} */
  write(statement: NamedInstruction & SourcePosition): readonly EncodedInstruction[] {
    this.#write(statement, statement, 0);
    while (this.#bytes < this.#context.minimumBytes)
      this.#emit(this.#context.minimumBytes - this.#bytes < 4 ? C_NOP : NOP);
    return this.#output;
  }

  #write(instruction: NamedInstruction, at: SourcePosition, depth: number): void {
    const { name, operands } = instruction;
    if (name === 'li') {
      this.#loadImmediate(operands, at);
      return;
    }
    const raw = operands.length === 0 ? RAW_INSTRUCTIONS.get(name) : undefined;
    if (raw !== undefined) {
      this.#emit(raw);
      return;
    }
    const real = syntaxOfMnemonic(name);
    if (real !== undefined && isShape(real.syntax.parts, operands)) {
      this.#encode(real.syntax, real.ordering, operands, at);
      return;
    }
    const expanded = depth < 4 ? expandPseudo(name, operands, at) : undefined;
    if (expanded === undefined) throw mismatch(name, operands, real?.syntax, at);
    for (const step of expanded) this.#write(step, at, depth + 1);
  }

  #loadImmediate(operands: readonly Operand[], at: SourcePosition): void {
    const [target, constant] = operands;
    if (
      operands.length !== 2 ||
      target?.kind !== 'register' ||
      target.file !== 'x' ||
      constant?.kind !== 'expression'
    ) {
      throw failure('bad-operand', at, 'li is written li rd, value');
    }
    const value = evaluate(constant.expression, this.#context.scopeAt(this.#here));
    if (this.#context.final && BigInt.asIntN(64, value) !== value && BigInt.asUintN(64, value) !== value) {
      throw failure('out-of-range', constant, `${value} does not fit into 64 bits`);
    }
    let source: Operand = { ...target, number: 0 };
    for (const { name, immediate } of constantSteps(value)) {
      const expression: Expression = { kind: 'number', value: immediate, line: at.line, column: at.column };
      const operand: Operand = { kind: 'expression', expression, line: at.line, column: at.column };
      this.#write({ name, operands: name === 'lui' ? [target, operand] : [target, source, operand] }, at, 1);
      source = target;
    }
  }

  #encode(
    syntax: InstructionSyntax,
    ordering: number,
    operands: readonly Operand[],
    at: SourcePosition,
  ): void {
    const values: Values = new Map();
    // What depends on where the linker of another toolchain would put it is left alone, as there.
    let movable = false;
    syntax.parts.forEach((part, index) => {
      const operand = operands.at(index);
      if (part.kind === 'memory') {
        if (operand?.kind !== 'memory') return;
        this.#setRegister(part.base, operand.base, operand, values);
        if (part.offset !== undefined) {
          values.set(part.offset.name, this.#number(part.offset, operand.offset));
          movable ||= hasModifier(operand.offset);
        } else if (evaluate(operand.offset, this.#context.scopeAt(this.#here)) !== 0n) {
          throw failure('bad-operand', operand, 'the address is a register without an offset');
        }
      } else if (operand === undefined) {
        // Only what has a usual value may be left out.
      } else if (operand.kind === 'register') {
        this.#setRegister(part, operand.number, operand, values);
      } else if (operand.kind === 'expression' && part.kind === 'operand') {
        values.set(part.operand.name, this.#number(part.operand, operand.expression));
        movable ||= hasModifier(operand.expression);
      }
    });
    if (syntax.ordering !== undefined) values.set(syntax.ordering.name, ordering);

    const mayShrink = this.#context.compress && !movable && syntax.spec.length === 4;
    // A single instruction that had to be long in an earlier pass stays so.
    const mustStay = this.#bytes === 0 && this.#context.minimumBytes === 4 && isTargeted(syntax);
    const short = mayShrink && !mustStay ? compressed(syntax, values) : undefined;
    if (short !== undefined) {
      this.#emit({ word: short, bytes: 2 });
      return;
    }
    let word = syntax.spec.match;
    for (const operand of syntax.spec.operands) {
      const value = values.get(operand.name) ?? operand.usual ?? 0;
      const bits = insertField(operand.field, value);
      if (bits !== undefined) word |= bits;
      else if (this.#context.final) throw this.#rangeError(syntax, operand, operands, value, at);
    }
    word >>>= 0;
    // An operand may lie in bits that the instruction fixes.
    const isHeld = ([name, value]: readonly [OperandName, number]): boolean =>
      syntax.spec.operands.every(
        (operand) => operand.name !== name || extractField(operand.field, word) === value,
      );
    if (this.#context.final && (!matches(syntax.spec, word) || ![...values].every(isHeld))) {
      throw failure(
        'bad-operand',
        at,
        `${syntax.spec.name} is not possible with these operands: the encoding means something else`,
      );
    }
    this.#emit({ word, bytes: syntax.spec.length });
  }

  #setRegister(item: SyntaxItem, register: number, at: SourcePosition, values: Values): void {
    if (item.kind === 'operand') {
      if (insertField(item.operand.field, register) === undefined) {
        throw failure('bad-operand', at, 'only registers x8 to x15 (s0, s1, a0 to a5) are possible here');
      }
      values.set(item.operand.name, register);
    } else if (item.register !== register) {
      throw failure('bad-operand', at, `only register x${item.register} is possible here`);
    }
  }

  /** The value of the field that an operand gives; a number that no field holds where it cannot be represented. */
  #number(operand: OperandField, expression: Expression): number {
    if (operand.kind === 'csr' && expression.kind === 'symbol') {
      const number = csrByName(expression.name);
      if (number !== undefined) return number;
    }
    if (operand.kind === 'rounding' && expression.kind === 'symbol') {
      const mode = ROUNDING_MODES.indexOf(expression.name);
      if (mode >= 0) return mode;
    }
    if (operand.kind === 'constant') {
      const number = constantNumber(expression);
      if (number === undefined) throw failure('bad-operand', expression, 'fli has no such constant');
      return number;
    }
    if (operand.kind === 'fence' && expression.kind === 'symbol') {
      const set = fenceSet(expression.name);
      if (set !== undefined) return set;
    }
    const value = evaluate(expression, this.#context.scopeAt(this.#here));
    if (expression.kind === 'modifier' && expression.name === '%pcrel_hi') {
      const distance = evaluate(expression.operand, this.#context.scopeAt(this.#here)) - this.#here;
      if (this.#context.final && BigInt.asIntN(32, distance + 0x800n) !== distance + 0x800n) {
        throw failure('out-of-range', expression, `${distance} bytes away is out of reach`);
      }
      this.#context.notePcrelHi(this.#here, distance);
    }
    if (operand.kind === 'upper') {
      return value >= 0n && value <= 0xf_ffffn ? Number(BigInt.asIntN(32, value << 12n)) : NaN;
    }
    // Addresses wrap around at 2^64, numbers do not.
    return Number(operand.kind === 'target' ? BigInt.asIntN(64, value - this.#here) : value);
  }

  #rangeError(
    syntax: InstructionSyntax,
    operand: OperandField,
    operands: readonly Operand[],
    value: number,
    at: SourcePosition,
  ): AssemblerError {
    const index = syntax.parts.findIndex((part) =>
      part.kind === 'memory' ? part.offset === operand : part.kind === 'operand' && part.operand === operand,
    );
    const given = operands[index] ?? at;
    const place = 'kind' in given && given.kind === 'expression' ? given.expression : given;
    return failure('out-of-range', place, describeRange(operand, value));
  }

  #emit(instruction: EncodedInstruction): void {
    this.#output.push(instruction);
    this.#bytes += instruction.bytes;
    this.#here += BigInt(instruction.bytes);
  }
}

function describeRange(operand: OperandField, value: number): string {
  const { field } = operand;
  if (operand.kind === 'upper')
    return 'a value from 0 to 0xfffff is possible here (compressed: 1 to 31 and 0xfffe0 to 0xfffff)';
  const low = field.signed ? -(2 ** (field.bits - 1)) : 0;
  const high = low + 2 ** field.bits - 1;
  // The lowest bit that a slice gives says what the value has to be a multiple of.
  const step = 2 ** Math.min(...field.slices.map(({ to }) => to));
  const multiple = step > 1 ? `, a multiple of ${step},` : '';
  const what =
    operand.kind === 'target'
      ? `the target is ${value} bytes away; a distance`
      : `${value} does not fit; a value`;
  return `${what} from ${low} to ${high - step + 1}${multiple} is possible here`;
}

/** A compressed encoding of the instruction, if there is one. */
function compressed(syntax: InstructionSyntax, values: Values): number | undefined {
  const { name } = syntax.spec;
  const direct = compressedForm(name, values);
  if (direct !== undefined) return direct;
  const rs1 = values.get('rs1') ?? 0;
  const rs2 = values.get('rs2') ?? 0;
  // The same thing said otherwise: operands exchanged, and a move as an addition to zero.
  if (['add', 'addw', 'and', 'or', 'xor'].includes(name)) {
    return compressedForm(name, new Map([...values, ['rs1', rs2], ['rs2', rs1]]));
  }
  if (name === 'addi' && values.get('imm') === 0 && rs1 !== 0) {
    return compressedForm(
      'add',
      new Map([
        ['rd', values.get('rd') ?? 0],
        ['rs1', 0],
        ['rs2', rs1],
      ]),
    );
  }
  return undefined;
}

function compressedForm(name: string, values: Values): number | undefined {
  for (const { spec } of compressedFormsOf(name)) {
    const short = expansionOperands(spec.expansion!, values);
    if (short === undefined) continue;
    let word = spec.match;
    const fits = spec.operands.every((operand) => {
      const bits = insertField(operand.field, short.get(operand.name) ?? 0);
      word |= bits ?? 0;
      return bits !== undefined;
    });
    if (fits && matches(spec, word)) return word;
  }
  return undefined;
}

/** The operands that a compressed instruction needs so that its expansion has the values wanted. */
function expansionOperands(expansion: Expansion, wanted: Values): Values | undefined {
  const operands: Values = new Map();
  for (const name of ['rd', 'rs1', 'rs2', 'imm'] as const) {
    const source = expansion[name];
    const value = wanted.get(name);
    if (
      typeof source === 'number'
        ? value !== undefined && source !== value
        : value === undefined && source !== undefined
    ) {
      return undefined;
    }
    if (typeof source === 'string' && value !== undefined) {
      if (operands.has(source) && operands.get(source) !== value) return undefined;
      operands.set(source, value);
    } else if (source === undefined && value !== undefined) {
      return undefined;
    }
  }
  return operands;
}

function isShape(parts: readonly SyntaxPart[], operands: readonly Operand[]): boolean {
  return (
    parts.length >= operands.length &&
    parts.every((part, index) => {
      const operand = operands.at(index);
      if (operand === undefined) return part.kind === 'operand' && part.operand.usual !== undefined;
      if (part.kind === 'memory') return operand.kind === 'memory';
      if (part.kind === 'fixed' || part.operand.kind === 'x')
        return operand.kind === 'register' && operand.file === 'x';
      if (part.operand.kind === 'f') return operand.kind === 'register' && operand.file === 'f';
      return operand.kind === 'expression';
    })
  );
}

function isTargeted(syntax: InstructionSyntax): boolean {
  return syntax.spec.operands.some(({ kind }) => kind === 'target');
}

function hasModifier(expression: Expression): boolean {
  return expression.kind === 'modifier';
}

/** The bits of a set like `rw`; letters in the order i, o, r, w. */
function fenceSet(name: string): number | undefined {
  if (!/^i?o?r?w?$/.test(name)) return undefined;
  return [...'iorw'].reduce((set, letter, index) => (name.includes(letter) ? set | (8 >> index) : set), 0);
}

function mismatch(
  name: string,
  operands: readonly Operand[],
  syntax: InstructionSyntax | undefined,
  at: SourcePosition,
): AssemblerError {
  if (syntax === undefined && !isPseudo(name))
    return failure('unknown-instruction', at, `there is no instruction ${name}`);
  if (syntax === undefined)
    return failure('bad-operand', at, `${name} does not take these ${operands.length} operands`);
  const form = `${name} ${syntax.spec.syntax}`.trim();
  return failure('bad-operand', at, `${name} is written ${JSON.stringify(form)}`);
}

function failure(code: AssemblerErrorCode, at: SourcePosition, message: string): AssemblerError {
  return new AssemblerError(code, at.line, at.column, message);
}
