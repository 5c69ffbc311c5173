/** Combinators for {@link Code}: WebAssembly written as nested expressions. */

import type { Code } from './function-body.js';
import type { WasmType } from './opcodes.js';

/** Expression: a local. */
export const get =
  (local: number): Code =>
  (f) =>
    f.indexed(0x20, local);

/** Statement: sets a local. */
export const set =
  (local: number, value: Code): Code =>
  (f) => {
    value(f);
    f.indexed(0x21, local);
  };

/** Expression: a value, kept in a local. */
export const tee =
  (local: number, value: Code): Code =>
  (f) => {
    value(f);
    f.indexed(0x22, local);
  };

/** Expression: a global. */
export const getGlobal =
  (index: number): Code =>
  (f) =>
    f.indexed(0x23, index);

/** Statement: sets a global. */
export const setGlobal =
  (index: number, value: Code): Code =>
  (f) => {
    value(f);
    f.indexed(0x24, index);
  };

/** Expression: a 32-bit constant, of which the low 32 bits count. */
export const i32c =
  (value: number): Code =>
  (f) =>
    f.i32Const(value);

/** Expression: a 64-bit constant. */
export const i64c =
  (value: bigint | number): Code =>
  (f) =>
    f.i64Const(value);

/** An instruction without immediates, on these operands. */
export const op =
  (name: string, ...operands: readonly Code[]): Code =>
  (f) => {
    for (const operand of operands) operand(f);
    f.numeric(name);
  };

/** Expression: a load, by its name in the text format, at a static offset in bytes. */
export const load =
  (name: string, address: Code, offset = 0): Code =>
  (f) => {
    address(f);
    f.memory(name, offset);
  };

/** Statement: a store, as `load`. */
export const store =
  (name: string, address: Code, value: Code, offset = 0): Code =>
  (f) => {
    address(f);
    value(f);
    f.memory(name, offset);
  };

/** Statement: fills memory with a byte. */
export const fill =
  (address: Code, byte: Code, count: Code): Code =>
  (f) => {
    address(f);
    byte(f);
    count(f);
    f.fill();
  };

/** A call of a function by its index; an expression if it has a result. */
export const call =
  (index: number, ...operands: readonly Code[]): Code =>
  (f) => {
    for (const operand of operands) operand(f);
    f.indexed(0x10, index);
  };

/** A call through the table, of a function of this signature; the operands, then the place in the table. */
export const callIndirect =
  (type: number, ...operands: readonly Code[]): Code =>
  (f) => {
    for (const operand of operands) operand(f);
    f.callIndirect(type);
  };

/** Statements in order; an expression if the last is one. */
export const seq =
  (...statements: readonly Code[]): Code =>
  (f) => {
    for (const statement of statements) statement(f);
  };

/** Statement: `then` if the condition is not zero. */
export const when =
  (condition: Code, then: Code, otherwise?: Code): Code =>
  (f) => {
    condition(f);
    f.open('if', '');
    then(f);
    if (otherwise) {
      f.otherwise();
      otherwise(f);
    }
    f.close();
  };

/** Expression: one of two values; only the chosen one is evaluated. */
export const choose =
  (type: WasmType, condition: Code, then: Code, otherwise: Code): Code =>
  (f) => {
    condition(f);
    f.open('if', '', type);
    then(f);
    f.otherwise();
    otherwise(f);
    f.close();
  };

/** Statement: `br` to the label goes behind it. */
export const block =
  (label: string, ...statements: readonly Code[]): Code =>
  (f) => {
    f.open('block', label);
    for (const statement of statements) statement(f);
    f.close();
  };

/** Statement: `br` to the label goes to its start. */
export const loop =
  (label: string, ...statements: readonly Code[]): Code =>
  (f) => {
    f.open('loop', label);
    for (const statement of statements) statement(f);
    f.close();
  };

/** Statement: goes to the innermost label of this name. */
export const br =
  (label: string): Code =>
  (f) =>
    f.branch('br', label);

/** Statement: goes to the label if the condition is not zero. */
export const brIf =
  (label: string, condition: Code): Code =>
  (f) => {
    condition(f);
    f.branch('br_if', label);
  };

/** Statement: returns a value. */
export const ret = (value: Code): Code => op('return', value);
