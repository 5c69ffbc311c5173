import type { RegionExit } from '../interpreter/region-exits.js';
import type { Extension, InstructionSpec } from '../isa/instruction.js';
import { SemanticsBuilder } from '../isa/semantics.js';
import type { Statement, Value } from '../isa/semantics.js';

/** What the translator must know of an instruction before it lowers it. */
export interface Shape {
  readonly description: SemanticsBuilder;
  /** How it goes on: to the next, to pc + imm or the next, to pc + imm, or to an address. */
  readonly ending: 'none' | 'branch' | 'jump' | 'indirect';
  /** Registers that it reads, and the fcsr. */
  readonly reads: ReadonlySet<RegisterOperand>;
  /** File of the register that it writes, if it writes one. */
  readonly writes: 'x' | 'f' | null;
  /** Its code may leave the region before it has done anything. */
  readonly mayGiveUp: boolean;
  /** Only an access to memory makes it do so. */
  readonly onlyAccesses: boolean;
}

/** Operands that are registers. */
export type RegisterOperand = 'rs1' | 'rs2' | 'frs1' | 'frs2' | 'frs3' | 'fcsr';
const REGISTERS = ['rs1', 'rs2', 'frs1', 'frs2', 'frs3', 'fcsr'] as const;

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

/** How regions are left at instructions that are not translated, by extension; a long computation otherwise. */
const REFUSALS: Partial<Readonly<Record<Extension, RegionExit>>> = {
  I: 'system',
  Priv: 'system',
  Svinval: 'system',
  Zawrs: 'system',
  Zicsr: 'csr',
  Zifencei: 'fence',
  Zicbom: 'fence',
  Zicboz: 'fence',
};

/** How a region is left at an instruction that has no shape. */
export function refusalOf({ extension }: InstructionSpec): RegionExit {
  return REFUSALS[extension] ?? 'routine';
}

/** A statement that looks an address up. */
export type Access = Extract<Statement, { readonly kind: 'load' | 'store' | 'storeConditional' | 'atomic' }>;
const ACCESSES = new Set<Statement['kind']>(['load', 'store', 'storeConditional', 'atomic']);

/** Whether a statement is one. */
export const isAccess = (statement: Statement): statement is Access => ACCESSES.has(statement.kind);

/** Statements whose code may leave the region. */
const GIVING_UP = new Set<Statement['kind']>([...ACCESSES, 'compute', 'requireFloat', 'roundingMode']);

function makeShape(spec: InstructionSpec): Shape | null {
  if (spec.semantics === undefined) return null;
  const description = new SemanticsBuilder();
  spec.semantics(description);
  const values: Value[] = [];
  let ending: Shape['ending'] = 'none';
  let writes: Shape['writes'] = null;
  let takesMode = false;
  const givesUp = new Set<Statement['kind']>();
  for (const statement of description.statements) {
    const used = valuesOf(statement);
    if (used?.every(isTranslated) !== true) return null;
    values.push(...used);
    if (statement.kind === 'branch') ending = 'branch';
    else if (statement.kind === 'jumpRelative') ending = 'jump';
    else if (statement.kind === 'jump') ending = 'indirect';
    else if (statement.kind === 'writeRd') writes = 'x';
    else if (statement.kind === 'writeFd') writes = 'f';
    else if (statement.kind === 'roundingMode') takesMode = true;
    if (GIVING_UP.has(statement.kind)) givesUp.add(statement.kind);
  }
  const operands = new Set<string>(values.flatMap(operandsOf));
  if (takesMode) operands.add('fcsr');
  const reads = new Set(REGISTERS.filter((name) => operands.has(name)));
  const onlyAccesses = [...givesUp].every((kind) => ACCESSES.has(kind));
  return { description, ending, reads, writes, mayGiveUp: givesUp.size > 0, onlyAccesses };
}

/** Values of a statement that the translator lowers; null for one that it leaves to the interpreter. */
function valuesOf(statement: Statement): readonly Value[] | null {
  switch (statement.kind) {
    case 'let':
    case 'writeRd':
    case 'writeFd':
      return [statement.value];
    case 'requireFloat':
    case 'roundingMode':
      return [];
    case 'compute':
      // Without a shortcut there is nothing but the routine, and that is the interpreter's.
      return statement.shortcut === undefined
        ? null
        : [statement.shortcut.condition, statement.shortcut.value];
    case 'load':
      return [statement.address];
    case 'store':
    case 'storeConditional':
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
const OPERANDS = new Set<string>([...REGISTERS, 'imm', 'pc', 'nextPc', 'bits', 'rs1Index', 'rdIndex']);

function isTranslated(value: Value): boolean {
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
