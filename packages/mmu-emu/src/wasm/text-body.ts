import { FunctionBody } from './function-body.js';
import type { WasmType } from './opcodes.js';

/** A function's name, parameters and result, as the text shows them. */
export interface TextSignature {
  readonly name: string;
  readonly parameters: readonly { readonly name: string; readonly type: WasmType }[];
  readonly result: WasmType;
}

/** An instruction with its operands folded into it, or a comment. */
interface Node {
  readonly head: string;
  readonly parts: readonly Node[];
}

/** What a block, loop or branch of an if is being made of. */
interface Frame {
  readonly head: string;
  /** Before the statements: the condition of an if. */
  readonly before: readonly Node[];
  readonly isIf: boolean;
  readonly hasResult: boolean;
  /** Finished branches of an if. */
  readonly branches: Node[];
  statements: Node[];
  /** Operands that nothing has taken yet; `SPILLED` for those that are written already. */
  operands: Node[];
}

/** On the stack of WebAssembly, but no more to be folded: a statement came in between. */
const SPILLED: Node = { head: '', parts: [] };
const WIDTH = 110;

const UNARY =
  /\.(eqz|clz|ctz|popcnt|abs|neg|ceil|floor|trunc|nearest|sqrt|wrap_|extend|convert_|demote_|promote_|reinterpret_|trunc_)/;

/**
 * A function that is written as text (WebAssembly's text format, folded) beside its bytes, with the names of its locals and labels and
 * with comments where guest instructions begin. Its text assembles to its bytes.
 *
 * @see WebAssembly Core Specification, "Text Format", "Folded Instructions"
 */
export class TextBody extends FunctionBody {
  readonly #signature: TextSignature;
  readonly #comment: (offset: number) => string;
  readonly #names: string[];
  readonly #locals: string[] = [];
  readonly #frames: Frame[] = [frameOf('', [], false, false)];
  readonly #labels: string[] = [];

  /** @param comment what stands where `mark` was called, for its argument. */
  constructor(signature: TextSignature, comment: (offset: number) => string) {
    super(signature.parameters.length);
    this.#signature = signature;
    this.#comment = comment;
    this.#names = signature.parameters.map(({ name }) => name);
  }

  /** The function, as a field of a module. */
  text(): string {
    const { name, parameters, result } = this.#signature;
    const frame = this.#top();
    const head = [
      `(func $${name} (export "${name}")`,
      ...parameters.map((parameter) => `(param $${parameter.name} ${parameter.type})`),
      `(result ${result})`,
    ].join(' ');
    const lines = [...frame.statements, ...frame.operands.filter((node) => node !== SPILLED)].flatMap(
      (node) => linesOf(node, 2),
    );
    return [head, ...this.#locals, ...lines].join('\n').concat(')\n');
  }

  override local(type: WasmType, name?: string): number {
    const index = super.local(type);
    const unique = name === undefined || this.#names.includes(name) ? `l${index}` : name;
    this.#names[index] = unique;
    this.#locals.push(`  (local $${unique} ${type})`);
    return index;
  }

  override mark(offset: number): void {
    this.note(this.#comment(offset));
  }

  override note(text: string): void {
    this.#statement({ head: `;; ${text}`, parts: [] });
  }

  override open(kind: 'block' | 'loop' | 'if', label: string, result?: WasmType): void {
    super.open(kind, label, result);
    const before = kind === 'if' ? this.#take(1) : [];
    const head = [kind, label === '' ? '' : `$${label}`, result === undefined ? '' : `(result ${result})`];
    this.#labels.push(label);
    this.#frames.push(
      frameOf(head.filter((part) => part !== '').join(' '), before, kind === 'if', result !== undefined),
    );
  }

  override otherwise(): void {
    super.otherwise();
    const frame = this.#top();
    frame.branches.push(branchOf('then', frame));
    frame.statements = [];
    frame.operands = [];
  }

  override close(): void {
    super.close();
    const frame = this.#frames.pop()!;
    this.#labels.pop();
    const { head, before, branches } = frame;
    const body = frame.isIf
      ? [...branches, branchOf(branches.length === 0 ? 'then' : 'else', frame)]
      : branchOf('', frame).parts;
    const node = { head, parts: [...before, ...body] };
    if (frame.hasResult) this.#top().operands.push(node);
    else this.#statement(node);
  }

  override branch(opcode: 'br' | 'br_if', label: string): void {
    super.branch(opcode, label);
    this.#statement({ head: `${opcode} ${this.#label(label)}`, parts: this.#take(opcode === 'br' ? 0 : 1) });
  }

  override branchTable(labels: readonly string[], fallback: string): void {
    super.branchTable(labels, fallback);
    const names = [...labels, fallback].map((label) => this.#label(label)).join(' ');
    this.#statement({ head: `br_table ${names}`, parts: this.#take(1) });
  }

  override numeric(name: string): void {
    super.numeric(name);
    if (name === 'unreachable') this.#statement({ head: name, parts: [] });
    else if (name === 'return' || name === 'drop') this.#statement({ head: name, parts: this.#take(1) });
    else this.#operand(name, name === 'select' ? 3 : UNARY.test(name) ? 1 : 2);
  }

  override memory(name: string, offset: number): void {
    super.memory(name, offset);
    const head = offset === 0 ? name : `${name} offset=${offset}`;
    if (name.includes('.load')) this.#operand(head, 1);
    else this.#statement({ head, parts: this.#take(2) });
  }

  override indexed(opcode: 0x20 | 0x21 | 0x22 | 0x23 | 0x24 | 0x10, index: number): void {
    super.indexed(opcode, index);
    const name = `$${this.#names[index]}`;
    if (opcode === 0x20) this.#operand(`local.get ${name}`, 0);
    else if (opcode === 0x21) this.#statement({ head: `local.set ${name}`, parts: this.#take(1) });
    else if (opcode === 0x22) this.#operand(`local.tee ${name}`, 1);
    else throw new Error('a region has neither calls nor globals');
  }

  override callIndirect(): void {
    throw new Error('a region has no calls');
  }

  override i32Const(value: number): void {
    super.i32Const(value);
    this.#operand(`i32.const ${value | 0}`, 0);
  }

  override i64Const(value: bigint | number): void {
    super.i64Const(value);
    this.#operand(`i64.const ${BigInt.asIntN(64, BigInt(value))}`, 0);
  }

  #top(): Frame {
    return this.#frames.at(-1)!;
  }

  /** The innermost label of that name; an outer one of the same name cannot be meant. */
  #label(label: string): string {
    return label === '' ? String(this.#labels.length - 1 - this.#labels.lastIndexOf('')) : `$${label}`;
  }

  /** Operands from the stack, the first deepest; spilled ones are where they were written. */
  #take(count: number): readonly Node[] {
    const { operands } = this.#top();
    const taken = count === 0 ? [] : operands.splice(-count);
    return taken.filter((node) => node !== SPILLED);
  }

  #operand(head: string, count: number): void {
    const node = { head, parts: this.#take(count) };
    this.#top().operands.push(node);
  }

  /** Whatever waits on the stack was evaluated before: it is written first. */
  #statement(node: Node): void {
    const frame = this.#top();
    frame.statements.push(...frame.operands.filter((operand) => operand !== SPILLED), node);
    frame.operands.fill(SPILLED);
  }
}

function frameOf(head: string, before: readonly Node[], isIf: boolean, hasResult: boolean): Frame {
  return { head, before, isIf, hasResult, branches: [], statements: [], operands: [] };
}

function branchOf(head: string, { statements, operands }: Frame): Node {
  return { head, parts: [...statements, ...operands.filter((node) => node !== SPILLED)] };
}

/** On one line if that is short and holds no comment. */
function linesOf(node: Node, indent: number): string[] {
  const space = ' '.repeat(indent);
  if (node.head.startsWith(';;')) return [space + node.head];
  const short = shortOf(node, WIDTH - indent);
  if (short !== null) return [space + short];
  const lines = [`${space}(${node.head}`, ...node.parts.flatMap((part) => linesOf(part, indent + 2))];
  // A parenthesis behind a comment would belong to it.
  if (node.parts.at(-1)?.head.startsWith(';;') === true) lines.push(`${space})`);
  else lines[lines.length - 1] += ')';
  return lines;
}

/** The text on one line; null when it has more characters than that, or a comment. */
function shortOf({ head, parts }: Node, width: number): string | null {
  if (head.startsWith(';;') || head.length + 2 > width) return null;
  let text = `(${head}`;
  for (const part of parts) {
    const inner = shortOf(part, width - text.length - 2);
    if (inner === null) return null;
    text += ` ${inner}`;
  }
  return `${text})`;
}
