import type { InstructionSpec } from '../isa/instruction.js';
import { SemanticsBuilder } from '../isa/semantics.js';
import type { Statement, Value } from '../isa/semantics.js';

/** What the translator must know of an instruction before it lowers it. */
export interface Shape {
  readonly description: SemanticsBuilder;
  /** How it goes on: to the next, to pc + imm or the next, to pc + imm, or to an address. */
  readonly ending: 'none' | 'branch' | 'jump' | 'indirect';
  readonly readsRs1: boolean;
  readonly readsRs2: boolean;
  readonly writesRd: boolean;
}

const shapes = new Map<InstructionSpec, Shape | null>();

/** The shape of an instruction that has semantics; null when it is not translated and the interpreter runs it. */
export function shapeOf(spec: InstructionSpec): Shape | null {
  let shape = shapes.get(spec);
  if (shape === undefined) {
    shape = makeShape(spec);
    shapes.set(spec, shape);
  }
  return shape;
}

function makeShape(spec: InstructionSpec): Shape | null {
  if (spec.semantics === undefined) return null;
  const description = new SemanticsBuilder();
  spec.semantics(description);
  const values: Value[] = [];
  let ending: Shape['ending'] = 'none';
  let writesRd = false;
  for (const statement of description.statements) {
    const used = valuesOf(statement);
    if (used?.every(isTranslated) !== true) return null;
    values.push(...used);
    if (statement.kind === 'branch') ending = 'branch';
    else if (statement.kind === 'jumpRelative') ending = 'jump';
    else if (statement.kind === 'jump') ending = 'indirect';
    else if (statement.kind === 'writeRd') writesRd = true;
  }
  const operands = new Set(values.flatMap(operandsOf));
  return {
    description,
    ending,
    readsRs1: operands.has('rs1'),
    readsRs2: operands.has('rs2'),
    writesRd,
  };
}

/** Values of a statement that the translator lowers; null for one that it leaves to the interpreter. */
function valuesOf(statement: Statement): readonly Value[] | null {
  switch (statement.kind) {
    case 'let':
    case 'writeRd':
      return [statement.value];
    case 'load':
      return statement.reserve ? null : [statement.address];
    case 'store':
      return [statement.address, statement.value];
    case 'atomic':
      return [statement.address, statement.replacement];
    case 'branch':
      return [statement.condition];
    case 'jump':
      return [statement.target];
    case 'jumpRelative':
      return [];
    default:
      return null;
  }
}

/** Operands that are constants of a region, or registers in its locals. */
const OPERANDS = new Set<string>(['rs1', 'rs2', 'imm', 'pc', 'nextPc', 'bits', 'rs1Index', 'rdIndex']);

function isTranslated(value: Value): boolean {
  if (value.type !== 'i32' && value.type !== 'i64') return false;
  switch (value.kind) {
    case 'operand':
      return OPERANDS.has(value.name);
    case 'op':
      return value.args.every(isTranslated);
    case 'choose':
      return [value.condition, value.then, value.otherwise].every(isTranslated);
    default:
      return true;
  }
}

function operandsOf(value: Value): readonly string[] {
  switch (value.kind) {
    case 'operand':
      return [value.name];
    case 'op':
      return value.args.flatMap(operandsOf);
    case 'choose':
      return [value.condition, value.then, value.otherwise].flatMap(operandsOf);
    default:
      return [];
  }
}
