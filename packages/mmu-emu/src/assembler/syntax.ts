/** How instructions are written: the table's syntax strings, taken apart. */
import type { InstructionSpec, Operand } from '../isa/instruction.js';
import { INSTRUCTIONS } from '../isa/table.js';
import { registerByName } from './registers.js';

/** An operand of the table, or a register that the instruction always uses. */
export type SyntaxItem =
  | { readonly kind: 'operand'; readonly operand: Operand }
  | { readonly kind: 'fixed'; readonly register: number };

/** What stands between two commas. */
export type SyntaxPart =
  | SyntaxItem
  /** `offset(base)` or `(base)`. */
  | { readonly kind: 'memory'; readonly offset: Operand | undefined; readonly base: SyntaxItem };

/** An instruction with its syntax taken apart. */
export interface InstructionSyntax {
  readonly spec: InstructionSpec;
  readonly parts: readonly SyntaxPart[];
  /** The acquire and release bits, which are written as a suffix of the name. */
  readonly ordering: Operand | undefined;
}

/** Suffixes by the value of the ordering field. */
export const ORDERING_SUFFIXES: readonly string[] = ['', '.rl', '.aq', '.aqrl'];

/** Names of rounding modes by the value of the field; the empty ones are reserved. */
export const ROUNDING_MODES: readonly string[] = ['rne', 'rtz', 'rdn', 'rup', 'rmm', '', '', 'dyn'];

function parseSyntax(spec: InstructionSpec): InstructionSyntax {
  const pieces = spec.syntax === '' ? [] : spec.syntax.split(',').map((piece) => piece.trim());
  return {
    spec,
    parts: pieces.map((piece) => parsePart(spec, piece)),
    ordering: spec.operands.find(({ kind }) => kind === 'ordering'),
  };
}

function parsePart(spec: InstructionSpec, piece: string): SyntaxPart {
  const memory = /^([a-z0-9]*)\(([a-z0-9]+)\)$/.exec(piece);
  if (memory === null) return parseItem(spec, piece);
  const offset = memory[1] === '' ? undefined : parseItem(spec, memory[1]);
  if (offset?.kind === 'fixed') throw new Error(`${spec.name}: a register cannot be an offset`);
  return { kind: 'memory', offset: offset?.operand, base: parseItem(spec, memory[2]) };
}

function parseItem(spec: InstructionSpec, name: string): SyntaxItem {
  const operand = spec.operands.find((candidate) => candidate.name === name);
  if (operand !== undefined) return { kind: 'operand', operand };
  const register = registerByName(name);
  if (register === undefined) throw new Error(`${spec.name}: the syntax names ${name}, which is no operand`);
  return { kind: 'fixed', register: register.number };
}

const BY_NAME = new Map(INSTRUCTIONS.map((spec) => [spec.name, parseSyntax(spec)]));

const BY_EXPANSION = new Map<string, InstructionSyntax[]>();
for (const syntax of BY_NAME.values()) {
  const name = syntax.spec.expansion?.name;
  // As GNU as does for rv64gc, only the C extension's own are chosen unasked.
  if (name === undefined || syntax.spec.extension !== 'C') continue;
  BY_EXPANSION.set(name, [...(BY_EXPANSION.get(name) ?? []), syntax]);
}

/** The instruction of this name, without a suffix. */
export function syntaxOf(name: string): InstructionSyntax | undefined {
  return BY_NAME.get(name);
}

/** The instruction of this mnemonic, which may end in `.aq`, `.rl` or `.aqrl` where the instruction has that. */
export function syntaxOfMnemonic(
  mnemonic: string,
): { readonly syntax: InstructionSyntax; readonly ordering: number } | undefined {
  const plain = BY_NAME.get(mnemonic);
  if (plain !== undefined) return { syntax: plain, ordering: 0 };
  const dot = mnemonic.lastIndexOf('.');
  if (dot <= 0) return undefined;
  const ordering = ORDERING_SUFFIXES.indexOf(mnemonic.slice(dot));
  const syntax = BY_NAME.get(mnemonic.slice(0, dot));
  return ordering > 0 && syntax?.ordering !== undefined ? { syntax, ordering } : undefined;
}

/** The compressed instructions that stand for an instruction of this name. */
export function compressedFormsOf(name: string): readonly InstructionSyntax[] {
  return BY_EXPANSION.get(name) ?? [];
}
