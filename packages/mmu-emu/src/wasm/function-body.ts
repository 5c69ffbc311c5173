import { pushSigned, pushSigned64, pushUnsigned } from './leb128.js';
import { MEMORY_OPCODES, NUMERIC_OPCODES, VALUE_TYPES } from './opcodes.js';
import type { WasmType } from './opcodes.js';

/** A piece of code: appends itself to a function. An expression leaves one value, a statement none. */
export type Code = (body: FunctionBody) => void;

/** A function under construction: its locals, its bytes, and the labels around the point it has come to. */
export class FunctionBody {
  readonly bytes: number[] = [];
  readonly #locals: WasmType[] = [];
  readonly #parameters: number;
  readonly #labels: string[] = [];

  /** @param parameters number of parameters; they are locals 0 and up. */
  constructor(parameters: number) {
    this.#parameters = parameters;
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
    this.bytes.push(kind === 'block' ? 0x02 : kind === 'loop' ? 0x03 : 0x04);
    this.bytes.push(result === undefined ? 0x40 : VALUE_TYPES[result]);
    this.#labels.push(label);
  }

  otherwise(): void {
    this.bytes.push(0x05);
  }

  close(): void {
    this.bytes.push(0x0b);
    this.#labels.pop();
  }

  /** @throws {Error} when no such label is open. */
  depth(label: string): number {
    const at = this.#labels.lastIndexOf(label);
    if (at < 0) throw new Error(`no label ${label} here`);
    return this.#labels.length - 1 - at;
  }

  branch(opcode: 'br' | 'br_if', label: string): void {
    this.bytes.push(opcode === 'br' ? 0x0c : 0x0d);
    pushUnsigned(this.bytes, this.depth(label));
  }

  branchTable(labels: readonly string[], fallback: string): void {
    this.bytes.push(0x0e);
    pushUnsigned(this.bytes, labels.length);
    for (const label of labels) pushUnsigned(this.bytes, this.depth(label));
    pushUnsigned(this.bytes, this.depth(fallback));
  }

  /** An instruction without immediates. */
  numeric(name: string): void {
    const opcode = NUMERIC_OPCODES[name];
    if (opcode === undefined) throw new Error(`no instruction ${name}`);
    if (opcode > 0xff) this.bytes.push(opcode >>> 8);
    this.bytes.push(opcode & 0xff);
  }

  /** A load or store at a static offset. Alignment is a hint only, and guest accesses may be misaligned. */
  memory(name: string, offset: number): void {
    const found = MEMORY_OPCODES[name];
    if (found === undefined) throw new Error(`no instruction ${name}`);
    this.bytes.push(found.opcode, found.align);
    pushUnsigned(this.bytes, offset);
  }

  /** local.get, local.set, local.tee, global.get, global.set or call. */
  indexed(opcode: 0x20 | 0x21 | 0x22 | 0x23 | 0x24 | 0x10, index: number): void {
    this.bytes.push(opcode);
    pushUnsigned(this.bytes, index);
  }

  /** call_indirect through table 0; `type` is the index of the signature. */
  callIndirect(type: number): void {
    this.bytes.push(0x11);
    pushUnsigned(this.bytes, type);
    this.bytes.push(0x00);
  }

  /** memory.fill: address, byte and count are on the stack. */
  fill(): void {
    this.bytes.push(0xfc, 0x0b, 0x00);
  }

  i32Const(value: number): void {
    this.bytes.push(0x41);
    pushSigned(this.bytes, value);
  }

  i64Const(value: bigint): void {
    this.bytes.push(0x42);
    pushSigned64(this.bytes, value);
  }

  /** The function as the code section has it. */
  encode(): number[] {
    const body: number[] = [];
    pushUnsigned(body, this.#locals.length);
    for (const type of this.#locals) body.push(1, VALUE_TYPES[type]);
    const out: number[] = [];
    pushUnsigned(out, body.length + this.bytes.length + 1);
    return out.concat(body, this.bytes, 0x0b);
  }
}
