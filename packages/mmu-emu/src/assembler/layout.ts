/** Gives every statement its address and size, and writes the bytes. */
import { AssemblerError } from './assembler-error.js';
import { evaluate } from './expression.js';
import type { Expression, ExpressionScope } from './expression.js';
import { InstructionWriter } from './instruction-writer.js';
import type { SourcePosition } from './lexer.js';
import type { Statement } from './statement.js';

/** What `assemble` is asked for, defaults filled in. */
export interface LayoutOptions {
  readonly origin: bigint;
  readonly compress: boolean;
  readonly symbols: ReadonlyMap<string, bigint>;
}

/** More than any program that is written by hand; a wrong `.org` should not take all memory. */
const MAX_BYTES = 64 * 2 ** 20;
/** Sizes of instructions only grow from pass to pass; only `.space` and `.align` could go on for ever. */
const MAX_PASSES = 64;

const NOP = 0x0000_0013;
const C_NOP = 0x0001;

interface LocalLabel {
  readonly statement: number;
  readonly address: bigint;
}

/**
 * Lays a program out in passes. Each pass uses the addresses of the one before for what lies ahead; when no address has
 * changed, they are right, and the last pass writes.
 */
export class Layout {
  readonly #statements: readonly Statement[];
  readonly #options: LayoutOptions;
  /** Smallest size of each instruction; grows from pass to pass, so that the passes come to an end. */
  readonly #sizes: number[];
  #before = new Map<string, bigint>();
  #symbols = new Map<string, bigint>();
  #localsBefore = new Map<number, LocalLabel[]>();
  #locals = new Map<number, LocalLabel[]>();
  #pcrelBefore = new Map<bigint, bigint>();
  #pcrel = new Map<bigint, bigint>();
  #pass = 0;
  #final = false;
  #output = new Uint8Array(4096);
  #length = 0;

  constructor(statements: readonly Statement[], options: LayoutOptions) {
    this.#statements = statements;
    this.#options = options;
    this.#sizes = new Array<number>(statements.length).fill(0);
  }

  /** @throws {AssemblerError} */
  run(): { readonly bytes: Uint8Array; readonly symbols: ReadonlyMap<string, bigint> } {
    do {
      if (this.#pass === MAX_PASSES) {
        throw new AssemblerError(
          'syntax',
          1,
          1,
          'the sizes of parts of this program depend on each other in a circle',
        );
      }
      this.#layOut();
      this.#pass++;
    } while (!this.#isStable());
    this.#final = true;
    this.#layOut();
    return { bytes: this.#output.slice(0, this.#length), symbols: this.#symbols };
  }

  #isStable(): boolean {
    if (this.#before.size !== this.#symbols.size) return false;
    for (const [name, value] of this.#symbols) if (this.#before.get(name) !== value) return false;
    for (const [label, places] of this.#locals) {
      const before = this.#localsBefore.get(label);
      if (before === undefined || places.some(({ address }, index) => before[index]?.address !== address))
        return false;
    }
    return true;
  }

  #layOut(): void {
    this.#before = this.#symbols;
    this.#symbols = new Map(this.#options.symbols);
    this.#localsBefore = this.#locals;
    this.#locals = new Map();
    this.#pcrelBefore = this.#pcrel;
    this.#pcrel = new Map();
    this.#length = 0;
    const labels = new Set<string>();
    const compressStack: boolean[] = [];
    let compress = this.#options.compress;
    for (let index = 0; index < this.#statements.length; index++) {
      const statement = this.#statements[index];
      const here = this.#here();
      switch (statement.kind) {
        case 'label':
          this.#define(statement.name, here, labels, statement, true);
          break;
        case 'local-label':
          this.#addLocal(statement.label, { statement: index, address: here });
          break;
        case 'assign':
          this.#define(
            statement.name,
            this.#value(statement.value, index),
            labels,
            statement,
            statement.once,
          );
          break;
        case 'option':
          if (statement.option === 'push') compressStack.push(compress);
          else if (statement.option === 'pop') compress = compressStack.pop() ?? compress;
          else compress = statement.option === 'rvc';
          break;
        case 'instruction':
          this.#instruction(statement, index, compress);
          break;
        default:
          this.#data(statement, index);
      }
    }
  }

  #instruction(
    statement: Statement & { readonly kind: 'instruction' },
    index: number,
    compress: boolean,
  ): void {
    const writer = new InstructionWriter({
      compress,
      final: this.#final,
      minimumBytes: this.#sizes[index],
      scopeAt: (address) => this.#scope(address, index),
      notePcrelHi: (address, distance) => this.#pcrel.set(address, distance),
      here: this.#here(),
    });
    const units = writer.write(statement);
    let size = 0;
    for (const { word, bytes } of units) {
      this.#append(BigInt(word), bytes, statement);
      size += bytes;
    }
    this.#sizes[index] = size;
  }

  #data(statement: Statement, index: number): void {
    switch (statement.kind) {
      case 'data':
        for (const expression of statement.values) {
          const value = this.#value(expression, index);
          const bits = statement.width * 8;
          if (this.#final && BigInt.asUintN(bits, value) !== value && BigInt.asIntN(bits, value) !== value) {
            throw outOfRange(expression, `${value} does not fit into ${statement.width} bytes`);
          }
          this.#append(value, statement.width, statement);
        }
        break;
      case 'bytes':
        this.#reserve(statement.bytes.length, statement);
        this.#output.set(statement.bytes, this.#length);
        this.#length += statement.bytes.length;
        break;
      case 'space':
        this.#fill(this.#count(statement.count, index), this.#fillByte(statement.fill, index), statement);
        break;
      case 'origin': {
        const offset = this.#value(statement.offset, index);
        // An offset is counted from the start; an expression with labels gives an address.
        const target = offset >= this.#options.origin ? offset - this.#options.origin : offset;
        if (target < BigInt(this.#length)) throw outOfRange(statement.offset, '.org cannot go back');
        this.#fill(this.#bounded(target, statement) - this.#length, 0, statement);
        break;
      }
      case 'align':
        this.#align(statement, index);
        break;
      default:
        break;
    }
  }

  #align(statement: Statement & { readonly kind: 'align' }, index: number): void {
    const value = this.#value(statement.bytes, index);
    const to = statement.power ? (value >= 0n && value <= 24n ? 1n << value : 0n) : value;
    if (to <= 0n || to > 1n << 24n || (to & (to - 1n)) !== 0n) {
      throw outOfRange(statement.bytes, `${value} is not an alignment`);
    }
    let count = Number((to - (this.#here() % to)) % to);
    if (statement.fill !== undefined) {
      this.#fill(count, this.#fillByte(statement.fill, index), statement);
      return;
    }
    // Nops where instructions can stand, zeros where the place is too small or odd for them.
    if (count % 2 === 1) {
      this.#fill(1, 0, statement);
      count--;
    }
    if (count % 4 === 2) {
      this.#append(BigInt(C_NOP), 2, statement);
      count -= 2;
    }
    for (; count > 0; count -= 4) this.#append(BigInt(NOP), 4, statement);
  }

  #here(): bigint {
    return this.#options.origin + BigInt(this.#length);
  }

  #define(name: string, value: bigint, labels: Set<string>, at: SourcePosition, once: boolean): void {
    if (labels.has(name) || (once && this.#symbols.has(name))) {
      throw new AssemblerError('duplicate-symbol', at.line, at.column, `${name} is defined already`);
    }
    if (once) labels.add(name);
    this.#symbols.set(name, value);
  }

  #addLocal(label: number, place: LocalLabel): void {
    const places = this.#locals.get(label);
    if (places === undefined) this.#locals.set(label, [place]);
    else places.push(place);
  }

  #scope(here: bigint, statement: number): ExpressionScope {
    // In the first pass nothing is known of what lies ahead; any near address will do to find sizes.
    const unknown = this.#pass === 0 ? here : undefined;
    return {
      here,
      symbol: (name) => this.#symbols.get(name) ?? this.#before.get(name) ?? unknown,
      local: (label, forward) => {
        const places = (forward ? this.#localsBefore : this.#locals).get(label) ?? [];
        const after = countBefore(places, statement);
        return places[forward ? after : after - 1]?.address ?? unknown;
      },
      pcrelHi: (address) =>
        this.#pcrel.get(address) ?? this.#pcrelBefore.get(address) ?? (this.#final ? undefined : 0n),
    };
  }

  #value(expression: Expression, statement: number): bigint {
    return evaluate(expression, this.#scope(this.#here(), statement));
  }

  #count(expression: Expression, statement: number): number {
    const count = this.#value(expression, statement);
    if (count < 0n) throw outOfRange(expression, `${count} is not a size`);
    return this.#bounded(count, expression);
  }

  #bounded(count: bigint, at: SourcePosition): number {
    if (count > BigInt(MAX_BYTES)) throw tooLarge(at);
    return Number(count);
  }

  #fillByte(expression: Expression | undefined, statement: number): number {
    return expression === undefined ? 0 : Number(BigInt.asUintN(8, this.#value(expression, statement)));
  }

  #fill(count: number, byte: number, at: SourcePosition): void {
    this.#reserve(count, at);
    this.#output.fill(byte, this.#length, this.#length + count);
    this.#length += count;
  }

  #append(value: bigint, bytes: number, at: SourcePosition): void {
    this.#reserve(bytes, at);
    for (let i = 0; i < bytes; i++) this.#output[this.#length++] = Number((value >> BigInt(8 * i)) & 0xffn);
  }

  #reserve(bytes: number, at: SourcePosition): void {
    const needed = this.#length + bytes;
    if (needed > MAX_BYTES) throw tooLarge(at);
    if (needed <= this.#output.length) return;
    const larger = new Uint8Array(Math.max(needed, this.#output.length * 2));
    larger.set(this.#output);
    this.#output = larger;
  }
}

/** How many of these places, which are in the order of the source, come before a statement. */
function countBefore(places: readonly LocalLabel[], statement: number): number {
  let low = 0;
  let high = places.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (places[middle].statement < statement) low = middle + 1;
    else high = middle;
  }
  return low;
}

function outOfRange(at: SourcePosition, message: string): AssemblerError {
  return new AssemblerError('out-of-range', at.line, at.column, message);
}

function tooLarge(at: SourcePosition): AssemblerError {
  return new AssemblerError('too-large', at.line, at.column, `the program is larger than ${MAX_BYTES} bytes`);
}
