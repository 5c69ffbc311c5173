/** What helpers of the semantics give, and how they end; see `HELPERS`. */

import { i32c, i64c, op, ret, seq } from '../wasm/code.js';
import type { Code } from '../wasm/function-body.js';
import { CAUSE_ILLEGAL_INSTRUCTION } from './causes.js';
import { pair, setPair, setWord, word } from './state-code.js';
import { HART_BITS, HART_CAUSE, HART_PC, HART_TVAL } from './state.js';

/** The instruction is done and the next one follows. */
export const HELPER_DONE = 0;
/** A trap: cause and tval are in the state; the instruction did not happen. */
export const HELPER_TRAP = 1;
/** Done; go on at the pc in the state, with the TLB banks in the state. */
export const HELPER_JUMP = 2;
/** As HELPER_JUMP, and end the slice. */
export const HELPER_END_SLICE = 3;

/** Statement: leaves the helper with an illegal-instruction exception. */
export const illegal = (hart: Code): Code =>
  seq(
    setWord(hart, HART_CAUSE, i32c(CAUSE_ILLEGAL_INSTRUCTION)),
    setPair(hart, HART_TVAL, op('i64.extend_i32_u', word(hart, HART_BITS))),
    ret(i32c(HELPER_TRAP)),
  );

/** Statement: the pc of the following instruction. Every instruction that has a helper is four bytes long. */
export const advancePc = (hart: Code): Code =>
  setPair(hart, HART_PC, op('i64.add', pair(hart, HART_PC), i64c(4)));
