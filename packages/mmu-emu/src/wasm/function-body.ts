import { ByteBuffer } from './byte-buffer.js';
import { MEMORY_OPCODES, NUMERIC_OPCODES, VALUE_TYPES } from './opcodes.js';
import type { WasmType } from './opcodes.js';

/** A piece of code: appends itself to a function. An expression leaves one value, a statement none. */
export type Code = (body: FunctionBody) => void;

/** A function under construction: its locals, its bytes, and the labels around the point it has come to. */
export class FunctionBody {
  readonly #bytes = new ByteBuffer(1024);
  readonly #locals: WasmType[] = [];
  readonly #parameters: number;
  readonly #labels: string[] = [];

  /** @param parameters number of parameters; they are locals 0 and up. */
  constructor(parameters: number) {
    this.#parameters = parameters;
  }

  /** Its code so far, without locals and end. */
  get bytes(): Uint8Array {
    return this.#bytes.view();
  }

  /** Adds a local; gives its index. The name is for the text of the function (`TextBody`). */
  local(type: WasmType, _name?: string): number {
    return this.#parameters + this.#locals.push(type) - 1;
  }

  /** For the text of the function: here begins what was made of the instruction at that offset of its page. */
  mark(_offset: number): void {}

  /** For the text of the function: a remark. */
  note(_text: string): void {}

  /** Opens a block, loop or if; `br` to its label goes to its end (block, if) or start (loop). */
  open(kind: 'block' | 'loop' | 'if', label: string, result?: WasmType): void {
    this.#bytes.byte(kind === 'block' ? 0x02 : kind === 'loop' ? 0x03 : 0x04);
    this.#bytes.byte(result === undefined ? 0x40 : VALUE_TYPES[result]);
    this.#labels.push(label);
  }

  otherwise(): void {
    this.#bytes.byte(0x05);
  }

  close(): void {
    this.#bytes.byte(0x0b);
    this.#labels.pop();
  }

  /** @throws {Error} when no such label is open. */
  depth(label: string): number {
    const at = this.#labels.lastIndexOf(label);
    if (at < 0) throw new Error(`no label ${label} here`);
    return this.#labels.length - 1 - at;
  }

  branch(opcode: 'br' | 'br_if', label: string): void {
    this.#bytes.byte(opcode === 'br' ? 0x0c : 0x0d);
    this.#bytes.unsigned(this.depth(label));
  }

  branchTable(labels: readonly string[], fallback: string): void {
    this.#bytes.byte(0x0e);
    this.#bytes.unsigned(labels.length);
    for (const label of labels) this.#bytes.unsigned(this.depth(label));
    this.#bytes.unsigned(this.depth(fallback));
  }

  /** An instruction without immediates. */
  numeric(name: string): void {
    const opcode = NUMERIC_OPCODES[name];
    if (opcode === undefined) throw new Error(`no instruction ${name}`);
    if (opcode > 0xff) this.#bytes.byte(opcode >>> 8);
    this.#bytes.byte(opcode & 0xff);
  }

  /** A load or store at a static offset. Alignment is a hint only, and guest accesses may be misaligned. */
  memory(name: string, offset: number): void {
    const found = MEMORY_OPCODES[name];
    if (found === undefined) throw new Error(`no instruction ${name}`);
    this.#bytes.byte(found.opcode);
    this.#bytes.byte(found.align);
    this.#bytes.unsigned(offset);
  }

  /** local.get, local.set, local.tee, global.get, global.set or call. */
  indexed(opcode: 0x20 | 0x21 | 0x22 | 0x23 | 0x24 | 0x10, index: number): void {
    this.#bytes.byte(opcode);
    this.#bytes.unsigned(index);
  }

  /** call_indirect through table 0; `type` is the index of the signature. */
  callIndirect(type: number): void {
    this.#bytes.byte(0x11);
    this.#bytes.unsigned(type);
    this.#bytes.byte(0x00);
  }

  /** memory.fill: address, byte and count are on the stack. */
  fill(): void {
    this.#bytes.append([0xfc, 0x0b, 0x00]);
  }

  i32Const(value: number): void {
    this.#bytes.byte(0x41);
    this.#bytes.signed(value);
  }

  /** A number is an integer that JavaScript has exactly. */
  i64Const(value: bigint | number): void {
    this.#bytes.byte(0x42);
    if (typeof value === 'bigint') this.#bytes.signed64(value);
    else if ((value | 0) === value) this.#bytes.signed(value);
    else this.#bytes.signed64(BigInt(value));
  }

  /** Appends the function as the code section has it. */
  encode(out: ByteBuffer): void {
    const locals = new ByteBuffer();
    locals.unsigned(this.#locals.length);
    for (const type of this.#locals) {
      locals.byte(1);
      locals.byte(VALUE_TYPES[type]);
    }
    out.unsigned(locals.length + this.#bytes.length + 1);
    out.append(locals.view());
    out.append(this.#bytes.view());
    out.byte(0x0b);
  }
}
