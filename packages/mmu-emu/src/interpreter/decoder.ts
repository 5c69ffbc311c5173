import { HART_F, HART_SINK, HART_X } from '../hart/state.js';
import type { InstructionSpec, Operand } from '../isa/instruction.js';
import { decode, instructionByName, INSTRUCTIONS } from '../isa/table.js';
import { handlersOf } from './handlers.js';
import type { HandlerNumbers } from './handlers.js';
import { HANDLER_ILLEGAL } from './record.js';

/** Where a record gets a value from: a field of the encoding, flattened, so that reading it is quick. Or a number, without bits. */
interface Source {
  /** The first slice of the field (`FieldSlice`), with its width as a mask. */
  readonly from: number;
  readonly mask: number;
  readonly to: number;
  /** The other slices: three numbers each. */
  readonly others: readonly number[];
  /** By how much the value goes up and comes down again to get its sign; 0 for an unsigned one. */
  readonly shift: number;
  readonly bias: number;
}

const numberSource = (bias: number): Source => ({ from: 0, mask: 0, to: 0, others: [], shift: 0, bias });

function fieldSource({ slices, bits, signed, bias }: Operand['field']): Source {
  const [first, ...others] = slices.map(({ from, width, to }) => [
    from,
    width === 32 ? -1 : 2 ** width - 1,
    to,
  ]);
  const [from, mask, to] = first;
  return { from, mask, to, others: others.flat(), shift: signed ? 32 - bits : 0, bias };
}

/** The value: at most 32 bits, of which an unsigned one has its top bit clear. */
function valueOf({ from, mask, to, others, shift, bias }: Source, encoding: number): number {
  let value = ((encoding >>> from) & mask) << to;
  for (let at = 0; at < others.length; at += 3)
    value |= ((encoding >>> others[at]) & others[at + 1]) << others[at + 2];
  return ((value << shift) >> shift) + bias;
}

interface DecodePlan {
  readonly handlers: HandlerNumbers;
  readonly rd: Source;
  readonly rs1: Source;
  readonly rs2: Source;
  readonly imm: Source;
  /** Only of instructions that have no immediate. */
  readonly rs3: Source | undefined;
  /** Words of the state at which the registers' files begin. */
  readonly files: { readonly rd: number; readonly rs1: number; readonly rs2: number };
}

function planOf(spec: InstructionSpec): DecodePlan {
  const optional = (name: string): Source | undefined => {
    const operand = spec.operands.find((o) => o.name === name);
    return operand && fieldSource(operand.field);
  };
  const field = (name: string): Source => optional(name) ?? numberSource(0);
  const { expansion } = spec;
  const long = expansion ? instructionByName(expansion.name)! : spec;
  const file = (name: string): number =>
    long.operands.some((o) => o.name === name && o.kind === 'f') ? HART_F : HART_X;
  const source = (name: 'rd' | 'rs1' | 'rs2' | 'imm'): Source => {
    if (expansion === undefined) return field(name);
    const from = expansion[name] ?? 0;
    return typeof from === 'number' ? numberSource(from) : field(from);
  };
  return {
    handlers: handlersOf(spec),
    rd: source('rd'),
    rs1: source('rs1'),
    rs2: source('rs2'),
    imm: source('imm'),
    rs3: optional('rs3'),
    files: { rd: file('rd'), rs1: file('rs1'), rs2: file('rs2') },
  };
}

const plans = new Map(INSTRUCTIONS.map((spec) => [spec, planOf(spec)]));

/** What an encoding says, with a compressed instruction in its long form. */
export interface DecodedInstruction {
  /** Has semantics. */
  readonly spec: InstructionSpec;
  /** Bytes of the encoding, 2 or 4. */
  readonly length: number;
  readonly rd: number;
  readonly rs1: number;
  readonly rs2: number;
  /** 0 where there is none. */
  readonly rs3: number;
  readonly imm: number;
  /** The encoding, u32; u16 for a compressed one. */
  readonly bits: number;
}

/** Decodes an encoding; undefined for one that is no instruction. */
export function decodeOperands(encoding: number): DecodedInstruction | undefined {
  const bits = ((encoding & 3) === 3 ? encoding : encoding & 0xffff) >>> 0;
  const spec = decode(bits);
  if (spec === undefined) return undefined;
  const plan = plans.get(spec)!;
  return {
    spec: spec.expansion ? instructionByName(spec.expansion.name)! : spec,
    length: spec.length,
    rd: valueOf(plan.rd, bits),
    rs1: valueOf(plan.rs1, bits),
    rs2: valueOf(plan.rs2, bits),
    rs3: plan.rs3 === undefined ? 0 : valueOf(plan.rs3, bits),
    imm: valueOf(plan.imm, bits),
    bits,
  };
}

/**
 * Writes the record of an encoding.
 * @param words the machine's memory.
 * @param record byte address of the record.
 * @param encoding u32; of a compressed instruction only the low half counts.
 * @param offset of the instruction in its page, to tell near targets; -1 when the page is not this one's.
 */
export function writeRecord(words: Uint32Array, record: number, encoding: number, offset: number): void {
  const at = record >>> 2;
  const bits = (encoding & 3) === 3 ? encoding : encoding & 0xffff;
  const spec = decode(bits);
  words[at + 3] = bits;
  if (spec === undefined) {
    words[at] = HANDLER_ILLEGAL;
    return;
  }
  const plan = plans.get(spec)!;
  const imm = valueOf(plan.imm, bits);
  const target = offset + imm;
  const handler = offset >= 0 && target >= 0 && target < 4096 ? plan.handlers.near : plan.handlers.far;
  const rd = registerAt(plan.files.rd, plan.rd, bits);
  words[at] = handler | ((rd === HART_X * 4 ? HART_SINK * 4 : rd) << 16);
  words[at + 1] =
    registerAt(plan.files.rs1, plan.rs1, bits) | (registerAt(plan.files.rs2, plan.rs2, bits) << 16);
  words[at + 2] = plan.rs3 === undefined ? imm : registerAt(HART_F, plan.rs3, bits);
}

/** Byte offset of a register in the hart's state. */
function registerAt(file: number, source: Source, encoding: number): number {
  return (file + valueOf(source, encoding) * 2) * 4;
}
