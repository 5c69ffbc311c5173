import { ByteBuffer } from './byte-buffer.js';
import type { FunctionBody } from './function-body.js';
import { VALUE_TYPES } from './opcodes.js';
import type { WasmType } from './opcodes.js';

/** Most pages of 64 KiB that a memory has. */
export const MAXIMUM_PAGES = 65536;

interface Signature {
  readonly parameters: readonly WasmType[];
  readonly results: readonly WasmType[];
}

/**
 * A WebAssembly module under construction. Imports come first: declare them before functions.
 *
 * @see WebAssembly Core Specification, "Binary Format", "Modules"
 */
export class ModuleBuilder {
  readonly #types: string[] = [];
  readonly #typeBytes = new ByteBuffer();
  readonly #imports = new ByteBuffer();
  readonly #functionTypes: number[] = [];
  readonly #bodies: (FunctionBody | undefined)[] = [];
  readonly #globals = new ByteBuffer();
  readonly #exports = new ByteBuffer();
  #importCount = 0;
  #importedFunctions = 0;
  #importedGlobals = 0;
  #globalCount = 0;
  #exportCount = 0;

  /** Imports the memory; `maximum` in pages of 64 KiB. */
  importMemory(module: string, name: string, maximum: number, shared: boolean): void {
    const out = this.#import(module, name, 0x02);
    out.byte(shared ? 0x03 : 0x01);
    out.unsigned(1);
    out.unsigned(maximum);
  }

  /** Imports an immutable i32 global; gives its index. */
  importGlobal(module: string, name: string): number {
    const out = this.#import(module, name, 0x03);
    out.append([VALUE_TYPES.i32, 0x00]);
    return this.#importedGlobals++;
  }

  /** Imports a function; gives its index. */
  importFunction(
    module: string,
    name: string,
    parameters: readonly WasmType[],
    results: readonly WasmType[],
  ): number {
    this.#import(module, name, 0x00).unsigned(this.#type({ parameters, results }));
    return this.#importedFunctions++;
  }

  /** Imports the table of functions, with room for `minimum` of them. */
  importTable(module: string, name: string, minimum: number): void {
    const out = this.#import(module, name, 0x01);
    out.append([0x70, 0x00]);
    out.unsigned(minimum);
  }

  /** Index of a signature, for calls through the table. */
  signature(parameters: readonly WasmType[], results: readonly WasmType[]): number {
    return this.#type({ parameters, results });
  }

  /** Adds a mutable i32 global that starts at 0; gives its index. */
  global(): number {
    this.#globals.append([VALUE_TYPES.i32, 0x01, 0x41, 0x00, 0x0b]);
    return this.#importedGlobals + this.#globalCount++;
  }

  /** Declares a function whose body is given by `define`; gives its index. */
  declare(parameters: readonly WasmType[], results: readonly WasmType[]): number {
    this.#functionTypes.push(this.#type({ parameters, results }));
    this.#bodies.push(undefined);
    return this.#importedFunctions + this.#bodies.length - 1;
  }

  define(index: number, body: FunctionBody): void {
    this.#bodies[index - this.#importedFunctions] = body;
  }

  exportFunction(name: string, index: number): void {
    appendName(this.#exports, name);
    this.#exports.byte(0x00);
    this.#exports.unsigned(index);
    this.#exportCount += 1;
  }

  /** The module's bytes. Every declared function must be defined. */
  encode(): Uint8Array<ArrayBuffer> {
    const functions = new ByteBuffer();
    for (const type of this.#functionTypes) functions.unsigned(type);
    const bodies = new ByteBuffer(4096);
    for (const body of this.#bodies) {
      if (body === undefined) throw new Error('a declared function has no body');
      body.encode(bodies);
    }
    const sections: readonly (readonly [id: number, count: number, entries: ByteBuffer])[] = [
      [1, this.#types.length, this.#typeBytes],
      [2, this.#importCount, this.#imports],
      [3, this.#functionTypes.length, functions],
      [6, this.#globalCount, this.#globals],
      [7, this.#exportCount, this.#exports],
      [10, this.#bodies.length, bodies],
    ];
    const out = new ByteBuffer(bodies.length + 256);
    out.append([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]);
    for (const [id, count, entries] of sections) {
      if (count === 0) continue;
      const head = new ByteBuffer();
      head.unsigned(count);
      out.byte(id);
      out.unsigned(head.length + entries.length);
      out.append(head.view());
      out.append(entries.view());
    }
    return out.view();
  }

  /** Begins an import of that kind. */
  #import(module: string, name: string, kind: number): ByteBuffer {
    const out = this.#imports;
    appendName(out, module);
    appendName(out, name);
    out.byte(kind);
    this.#importCount += 1;
    return out;
  }

  #type({ parameters, results }: Signature): number {
    const key = `${parameters.join()}:${results.join()}`;
    const known = this.#types.indexOf(key);
    if (known >= 0) return known;
    const out = this.#typeBytes;
    out.byte(0x60);
    for (const types of [parameters, results]) {
      out.byte(types.length);
      out.append(types.map((type) => VALUE_TYPES[type]));
    }
    return this.#types.push(key) - 1;
  }
}

/** Names here are ASCII and short. */
function appendName(out: ByteBuffer, name: string): void {
  out.byte(name.length);
  for (let index = 0; index < name.length; index += 1) out.byte(name.charCodeAt(index));
}
