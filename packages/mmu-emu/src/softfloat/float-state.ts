import { MSTATUS_FS } from '../hart/mstatus.js';
import { HART_MSTATUS } from '../hart/state.js';
import { get, i32c, load, op, store } from '../wasm/code.js';
import type { Code } from '../wasm/function-body.js';

/** Statement: mstatus.FS is Dirty. `hart` is the local that has the address of the hart's state. */
export const makeFloatStateDirty = (hart: number): Code =>
  store(
    'i32.store',
    get(hart),
    op('i32.or', load('i32.load', get(hart), HART_MSTATUS * 4), i32c(MSTATUS_FS)),
    HART_MSTATUS * 4,
  );
