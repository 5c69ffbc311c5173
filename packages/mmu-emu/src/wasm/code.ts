/** Combinators for {@link Code}: WebAssembly written as nested expressions. */

import type { Code } from './function-body.js';
import type { WasmType } from './opcodes.js';

export const get =
  (local: number): Code =>
  (f) =>
    f.indexed(0x20, local);

export const set =
  (local: number, value: Code): Code =>
  (f) => {
    value(f);
    f.indexed(0x21, local);
  };

export const tee =
  (local: number, value: Code): Code =>
  (f) => {
    value(f);
    f.indexed(0x22, local);
  };

export const getGlobal =
  (index: number): Code =>
  (f) =>
    f.indexed(0x23, index);

export const setGlobal =
  (index: number, value: Code): Code =>
  (f) => {
    value(f);
    f.indexed(0x24, index);
  };

export const i32c =
  (value: number): Code =>
  (f) =>
    f.i32Const(value);

export const i64c =
  (value: bigint | number): Code =>
  (f) =>
    f.i64Const(BigInt(value));

/** An instruction without immediates, on these operands. */
export const op =
  (name: string, ...operands: readonly Code[]): Code =>
  (f) => {
    for (const operand of operands) operand(f);
    f.numeric(name);
  };

export const load =
  (name: string, address: Code, offset = 0): Code =>
  (f) => {
    address(f);
    f.memory(name, offset);
  };

export const store =
  (name: string, address: Code, value: Code, offset = 0): Code =>
  (f) => {
    address(f);
    value(f);
    f.memory(name, offset);
  };

export const call =
  (index: number, ...operands: readonly Code[]): Code =>
  (f) => {
    for (const operand of operands) operand(f);
    f.indexed(0x10, index);
  };

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

export const block =
  (label: string, ...statements: readonly Code[]): Code =>
  (f) => {
    f.open('block', label);
    for (const statement of statements) statement(f);
    f.close();
  };

export const loop =
  (label: string, ...statements: readonly Code[]): Code =>
  (f) => {
    f.open('loop', label);
    for (const statement of statements) statement(f);
    f.close();
  };

export const br =
  (label: string): Code =>
  (f) =>
    f.branch('br', label);

export const brIf =
  (label: string, condition: Code): Code =>
  (f) => {
    condition(f);
    f.branch('br_if', label);
  };

export const ret = (value: Code): Code => op('return', value);
