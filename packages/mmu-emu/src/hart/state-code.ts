/** Words of a hart's state in WebAssembly: expressions and statements. `hart` gives the address of the state. */

import { load, op, store } from '../wasm/code.js';
import type { Code } from '../wasm/function-body.js';

/** Expression: a word, as i32. */
export const word = (hart: Code, index: number): Code => load('i32.load', hart, index * 4);

/** Expression: two words, as i64. */
export const pair = (hart: Code, index: number): Code => load('i64.load', hart, index * 4);

/** Statement: sets a word. */
export const setWord = (hart: Code, index: number, value: Code): Code =>
  store('i32.store', hart, value, index * 4);

/** Statement: sets two words. */
export const setPair = (hart: Code, index: number, value: Code): Code =>
  store('i64.store', hart, value, index * 4);

/** Expression: the bits of an i32 that a mask has. */
export const masked = (value: Code, mask: Code): Code => op('i32.and', value, mask);
