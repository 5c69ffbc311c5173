/**
 * Pseudo-instructions: names that stand for one or more real instructions.
 *
 * @see RISC-V Assembly Programmer's Manual, "A listing of standard RISC-V pseudoinstructions"
 */
import type { Expression } from './expression.js';
import type { SourcePosition } from './lexer.js';
import type { Operand } from './operand.js';

/** One instruction by name; real, or a pseudo-instruction again. */
export interface NamedInstruction {
  readonly name: string;
  readonly operands: readonly Operand[];
}

/** Kinds of operands: integer register, floating-point register, memory, anything else. */
type Kind = 'x' | 'f' | 'm' | 'e';

interface Form {
  readonly kinds: readonly Kind[];
  readonly expand: (operands: readonly Operand[], at: SourcePosition) => readonly NamedInstruction[];
}

const NOWHERE: SourcePosition = { line: 0, column: 0 };

const ZERO = 0;
const RA = 1;
const T1 = 6;

const register = (number: number): Operand => ({ kind: 'register', file: 'x', number, ...NOWHERE });
const number = (value: number | bigint): Operand => ({
  kind: 'expression',
  expression: literal(value),
  ...NOWHERE,
});
const literal = (value: number | bigint): Expression => ({
  kind: 'number',
  value: BigInt(value),
  ...NOWHERE,
});
const memory = (offset: Expression, base: number): Operand => ({ kind: 'memory', offset, base, ...NOWHERE });

const FORMS = new Map<string, Form[]>();

function define(name: string, kinds: string, expand: Form['expand']): void {
  const form: Form = { kinds: [...kinds] as Kind[], expand };
  const forms = FORMS.get(name);
  if (forms === undefined) FORMS.set(name, [form]);
  else forms.push(form);
}

/** One instruction out of fixed operands and the given ones, which are numbered `$0`, `$1`. */
function alias(
  name: string,
  kinds: string,
  target: string,
  ...template: readonly (string | Operand)[]
): void {
  define(name, kinds, (operands) => [
    {
      name: target,
      operands: template.map((part) => (typeof part === 'string' ? operands[Number(part.slice(1))] : part)),
    },
  ]);
}

const zero = register(ZERO);

alias('nop', '', 'addi', zero, zero, number(0));
alias('mv', 'xx', 'addi', '$0', '$1', number(0));
alias('not', 'xx', 'xori', '$0', '$1', number(-1));
alias('neg', 'xx', 'sub', '$0', zero, '$1');
alias('negw', 'xx', 'subw', '$0', zero, '$1');
alias('sext.w', 'xx', 'addiw', '$0', '$1', number(0));
alias('zext.w', 'xx', 'add.uw', '$0', '$1', zero);
alias('zext.b', 'xx', 'andi', '$0', '$1', number(255));
alias('seqz', 'xx', 'sltiu', '$0', '$1', number(1));
alias('snez', 'xx', 'sltu', '$0', zero, '$1');
alias('sltz', 'xx', 'slt', '$0', '$1', zero);
alias('sgtz', 'xx', 'slt', '$0', zero, '$1');
alias('sgt', 'xxx', 'slt', '$0', '$2', '$1');
alias('sgtu', 'xxx', 'sltu', '$0', '$2', '$1');

alias('beqz', 'xe', 'beq', '$0', zero, '$1');
alias('bnez', 'xe', 'bne', '$0', zero, '$1');
alias('blez', 'xe', 'bge', zero, '$0', '$1');
alias('bgez', 'xe', 'bge', '$0', zero, '$1');
alias('bltz', 'xe', 'blt', '$0', zero, '$1');
alias('bgtz', 'xe', 'blt', zero, '$0', '$1');
alias('bgt', 'xxe', 'blt', '$1', '$0', '$2');
alias('ble', 'xxe', 'bge', '$1', '$0', '$2');
alias('bgtu', 'xxe', 'bltu', '$1', '$0', '$2');
alias('bleu', 'xxe', 'bgeu', '$1', '$0', '$2');

alias('j', 'e', 'jal', zero, '$0');
alias('jal', 'e', 'jal', register(RA), '$0');
alias('ret', '', 'jalr', zero, memory(literal(0), RA));
define('jr', 'x', ([target]) => [jalr(zero, target)]);
alias('jr', 'm', 'jalr', zero, '$0');
define('jalr', 'x', ([target]) => [jalr(register(RA), target)]);
alias('jalr', 'm', 'jalr', register(RA), '$0');
define('jalr', 'xx', ([link, target]) => [jalr(link, target)]);
define('jalr', 'xxe', ([link, target, offset]) => [jalr(link, target, offset)]);

alias('csrr', 'xe', 'csrrs', '$0', '$1', zero);
for (const letter of ['w', 's', 'c']) {
  alias(`csr${letter}`, 'ex', `csrr${letter}`, zero, '$0', '$1');
  alias(`csr${letter}`, 'ee', `csrr${letter}i`, zero, '$0', '$1');
  alias(`csr${letter}i`, 'ee', `csrr${letter}i`, zero, '$0', '$1');
  alias(`csrr${letter}`, 'xee', `csrr${letter}i`, '$0', '$1', '$2');
}
for (const suffix of ['s', 'd']) {
  alias(`fmv.${suffix}`, 'ff', `fsgnj.${suffix}`, '$0', '$1', '$1');
  alias(`fneg.${suffix}`, 'ff', `fsgnjn.${suffix}`, '$0', '$1', '$1');
  alias(`fabs.${suffix}`, 'ff', `fsgnjx.${suffix}`, '$0', '$1', '$1');
  alias(`fgt.${suffix}`, 'xff', `flt.${suffix}`, '$0', '$2', '$1');
  alias(`fge.${suffix}`, 'xff', `fle.${suffix}`, '$0', '$2', '$1');
}
alias('fmv.x.s', 'xf', 'fmv.x.w', '$0', '$1');
alias('fmv.s.x', 'fx', 'fmv.w.x', '$0', '$1');
const FLOAT_CSRS = [['flags', 1], ['rm', 2], ['csr', 3]] as const; // prettier-ignore
for (const [name, csr] of FLOAT_CSRS) {
  alias(`fr${name}`, 'x', 'csrrs', '$0', number(csr), zero);
  alias(`fs${name}`, 'x', 'csrrw', zero, number(csr), '$0');
  alias(`fs${name}`, 'xx', 'csrrw', '$0', number(csr), '$1');
  if (csr === 3) continue;
  alias(`fs${name}i`, 'e', 'csrrwi', zero, number(csr), '$0');
  alias(`fs${name}i`, 'xe', 'csrrwi', '$0', number(csr), '$1');
}
alias('rdcycle', 'x', 'csrrs', '$0', number(0xc00), zero);
alias('rdtime', 'x', 'csrrs', '$0', number(0xc01), zero);
alias('rdinstret', 'x', 'csrrs', '$0', number(0xc02), zero);
// A write to a read-only CSR, which every implementation refuses.
alias('unimp', '', 'csrrw', zero, number(0xc00), zero);

alias('fence', '', 'fence', number(15), number(15));

alias('sfence.vma', '', 'sfence.vma', zero, zero);
alias('sfence.vma', 'x', 'sfence.vma', '$0', zero);

for (const name of ['add', 'and', 'or', 'xor', 'slt', 'addw', 'sll', 'srl', 'sra', 'sllw', 'srlw', 'sraw']) {
  const word = name.endsWith('w');
  alias(name, 'xxe', word ? `${name.slice(0, -1)}iw` : `${name}i`, '$0', '$1', '$2');
}
alias('sltu', 'xxe', 'sltiu', '$0', '$1', '$2');

for (const name of ['lb', 'lh', 'lw', 'ld', 'lbu', 'lhu', 'lwu']) {
  define(name, 'xe', ([target, address]) =>
    pcRelative(address, xNumber(target), (low, base) => ({ name, operands: [target, memory(low, base)] })),
  );
}
for (const name of ['sb', 'sh', 'sw', 'sd']) {
  define(name, 'xex', ([source, address, scratch]) =>
    pcRelative(address, xNumber(scratch), (low, base) => ({
      name,
      operands: [source, memory(low, base)],
    })),
  );
}
for (const name of ['flw', 'fld']) {
  define(name, 'fex', ([target, address, scratch]) =>
    pcRelative(address, xNumber(scratch), (low, base) => ({ name, operands: [target, memory(low, base)] })),
  );
}
for (const name of ['fsw', 'fsd']) {
  define(name, 'fex', ([source, address, scratch]) =>
    pcRelative(address, xNumber(scratch), (low, base) => ({ name, operands: [source, memory(low, base)] })),
  );
}
for (const name of ['la', 'lla']) {
  define(name, 'xe', ([target, address]) =>
    pcRelative(address, xNumber(target), (low, base) => ({
      name: 'addi',
      operands: [target, register(base), { kind: 'expression', expression: low, ...NOWHERE }],
    })),
  );
}
define('call', 'e', ([address]) => farJump(address, RA, RA));
// As GNU as does it: the scratch register is t1, whatever the link register.
define('call', 'xe', ([link, address]) => farJump(address, T1, xNumber(link)));
define('tail', 'e', ([address]) => farJump(address, T1, ZERO));
define('jump', 'ex', ([address, scratch]) => farJump(address, xNumber(scratch), ZERO));

function jalr(link: Operand, target: Operand, offset: Operand = number(0)): NamedInstruction {
  const expression = offset.kind === 'expression' ? offset.expression : literal(0);
  return { name: 'jalr', operands: [link, memory(expression, xNumber(target))] };
}

function farJump(address: Operand, scratch: number, link: number): readonly NamedInstruction[] {
  return pcRelative(address, scratch, (low, base) => ({
    name: 'jalr',
    operands: [register(link), memory(low, base)],
  }));
}

/**
 * `auipc` with the upper part of the distance to an address, and a second instruction with the lower part. The lower
 * part counts from the `auipc`, which is 4 bytes before the second instruction, hence `. - 4`.
 */
function pcRelative(
  address: Operand,
  scratch: number,
  second: (low: Expression, base: number) => NamedInstruction,
): readonly NamedInstruction[] {
  const { line, column } = address;
  const target: Expression = address.kind === 'expression' ? address.expression : literal(0);
  const high: Expression = { kind: 'modifier', name: '%pcrel_hi', operand: target, line, column };
  const before: Expression = {
    kind: 'binary',
    operator: '-',
    left: { kind: 'here', line, column },
    right: literal(4),
    line,
    column,
  };
  const low: Expression = { kind: 'modifier', name: '%pcrel_lo', operand: before, line, column };
  return [
    { name: 'auipc', operands: [register(scratch), { kind: 'expression', expression: high, line, column }] },
    second(low, scratch),
  ];
}

function xNumber(operand: Operand): number {
  return operand.kind === 'register' ? operand.number : 0;
}

function isKind(operand: Operand, kind: Kind): boolean {
  switch (kind) {
    case 'x':
      return operand.kind === 'register' && operand.file === 'x';
    case 'f':
      return operand.kind === 'register' && operand.file === 'f';
    case 'm':
      return operand.kind === 'memory';
    case 'e':
      return operand.kind === 'expression';
  }
}

/** Names for single encodings with bits that no operand of the assembly language gives. */
export const RAW_INSTRUCTIONS: ReadonlyMap<string, { readonly word: number; readonly bytes: 2 | 4 }> =
  new Map([
    ['fence.tso', { word: 0x8330_000f, bytes: 4 }],
    ['c.unimp', { word: 0x0000, bytes: 2 }],
  ]);

/** What a pseudo-instruction with these operands stands for; undefined when it is none. */
export function expandPseudo(
  name: string,
  operands: readonly Operand[],
  at: SourcePosition,
): readonly NamedInstruction[] | undefined {
  const form = FORMS.get(name)?.find(
    ({ kinds }) =>
      kinds.length === operands.length && operands.every((operand, index) => isKind(operand, kinds[index])),
  );
  return form?.expand(operands, at);
}

/** Whether there is a pseudo-instruction of this name, with whatever operands. */
export function isPseudo(name: string): boolean {
  return name === 'li' || FORMS.has(name);
}
