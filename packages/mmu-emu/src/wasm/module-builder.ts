import type { FunctionBody } from './function-body.js';
import { pushSigned, pushUnsigned } from './leb128.js';
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
  readonly #typeBytes: number[][] = [];
  readonly #imports: number[][] = [];
  readonly #functionTypes: number[] = [];
  readonly #bodies: (FunctionBody | undefined)[] = [];
  readonly #globals: number[][] = [];
  readonly #exports: number[][] = [];
  #importedFunctions = 0;
  #importedGlobals = 0;

  /** Imports the memory; `maximum` in pages of 64 KiB. */
  importMemory(module: string, name: string, maximum: number, shared: boolean): void {
    const out = [...nameBytes(module), ...nameBytes(name), 0x02, shared ? 0x03 : 0x01];
    pushUnsigned(out, 1);
    pushUnsigned(out, maximum);
    this.#imports.push(out);
  }

  /** Imports an immutable i32 global; gives its index. */
  importGlobal(module: string, name: string): number {
    this.#imports.push([...nameBytes(module), ...nameBytes(name), 0x03, VALUE_TYPES.i32, 0x00]);
    return this.#importedGlobals++;
  }

  /** Imports a function; gives its index. */
  importFunction(
    module: string,
    name: string,
    parameters: readonly WasmType[],
    results: readonly WasmType[],
  ): number {
    const out = [...nameBytes(module), ...nameBytes(name), 0x00];
    pushUnsigned(out, this.#type({ parameters, results }));
    this.#imports.push(out);
    return this.#importedFunctions++;
  }

  /** Imports the table of functions, with room for `minimum` of them. */
  importTable(module: string, name: string, minimum: number): void {
    const out = [...nameBytes(module), ...nameBytes(name), 0x01, 0x70, 0x00];
    pushUnsigned(out, minimum);
    this.#imports.push(out);
  }

  /** Index of a signature, for calls through the table. */
  signature(parameters: readonly WasmType[], results: readonly WasmType[]): number {
    return this.#type({ parameters, results });
  }

  /** Adds a mutable i32 global that starts at 0; gives its index. */
  global(): number {
    const index = this.#importedGlobals + this.#globals.length;
    const out: number[] = [VALUE_TYPES.i32, 0x01, 0x41];
    pushSigned(out, 0);
    out.push(0x0b);
    this.#globals.push(out);
    return index;
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
    const out = [...nameBytes(name), 0x00];
    pushUnsigned(out, index);
    this.#exports.push(out);
  }

  /** The module's bytes. Every declared function must be defined. */
  encode(): Uint8Array<ArrayBuffer> {
    const functions = this.#functionTypes.map((type) => {
      const out: number[] = [];
      pushUnsigned(out, type);
      return out;
    });
    const bodies = this.#bodies.map((body) => {
      if (body === undefined) throw new Error('a declared function has no body');
      return body.encode();
    });
    const sections: readonly (readonly [id: number, entries: readonly (readonly number[])[]])[] = [
      [1, this.#typeBytes],
      [2, this.#imports],
      [3, functions],
      [6, this.#globals],
      [7, this.#exports],
      [10, bodies],
    ];
    const out: number[] = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
    for (const [id, entries] of sections) {
      if (entries.length === 0) continue;
      const count: number[] = [];
      pushUnsigned(count, entries.length);
      const length = entries.reduce((sum, entry) => sum + entry.length, count.length);
      out.push(id);
      pushUnsigned(out, length);
      for (const byte of count) out.push(byte);
      for (const entry of entries) for (const byte of entry) out.push(byte);
    }
    return new Uint8Array(out);
  }

  #type({ parameters, results }: Signature): number {
    const key = `${parameters.join()}:${results.join()}`;
    const known = this.#types.indexOf(key);
    if (known >= 0) return known;
    const out = [0x60, parameters.length, ...parameters.map((t) => VALUE_TYPES[t])];
    out.push(results.length, ...results.map((t) => VALUE_TYPES[t]));
    this.#typeBytes.push(out);
    return this.#types.push(key) - 1;
  }
}

/** Names here are ASCII and short. */
function nameBytes(name: string): number[] {
  return [name.length, ...[...name].map((character) => character.charCodeAt(0))];
}
