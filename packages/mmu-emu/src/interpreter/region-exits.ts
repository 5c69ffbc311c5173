/**
 * Why a region of translated code was left, as numbers.
 *
 * A region returns the number beside what is left of the budget, and the interpreter's loop counts it in the hart's state
 * (HART_REGION_EXITS). A failed look-up in the TLB says nothing about its cause: the interpreter runs the access again, on
 * the slow way, and that counts what was found there (HART_LOOK_UP_FAILED).
 */

import { HART_LOOK_UP_FAILED, HART_REGION_EXITS } from '../hart/state.js';
import type { RoutineName } from '../isa/semantics.js';
import { ROUTINES } from '../isa/semantics.js';
import { i32c, i64c, load, op, seq, store, when } from '../wasm/code.js';
import type { Code } from '../wasm/function-body.js';

/** A jump led out of the region, and the interpreter goes on where it led. */
const WAYS_OUT = ['otherPage', 'otherRegion', 'computedJump'] as const;

/** The interpreter runs the instruction that the region stopped at. */
const STOPS = ['budget', 'pageCrossing', 'regionLimit', 'csr', 'system', 'fence', 'routine', 'illegal', 'floatState', 'roundingMode', 'severalPages', 'lookUp'] as const; // prettier-ignore

/** What a look-up failed for. */
const ACCESSES = ['tlbMiss', 'misaligned', 'device', 'storeToCode', 'protection', 'fault'] as const;

/** Why a region is left. */
export type RegionExit = (typeof WAYS_OUT)[number] | (typeof STOPS)[number] | RoutineName;
/** What became of an access whose look-up failed in a region. */
export type FailedAccess = (typeof ACCESSES)[number];

/** In the order of their numbers. */
export const REGION_EXITS: readonly RegionExit[] = [
  ...WAYS_OUT,
  ...STOPS,
  ...(Object.keys(ROUTINES) as RoutineName[]),
];
/** In the order of their numbers, which follow those of the exits. */
export const FAILED_ACCESSES: readonly FailedAccess[] = ACCESSES;

const NUMBERS = new Map<string, number>([...REGION_EXITS, ...ACCESSES].map((name, index) => [name, index]));

/** log2 of more than there are exits: what is left of the budget stands above the exit's number. */
export const REGION_EXIT_BITS = 6;
/** The first exit at which the interpreter has to run the instruction at the pc. */
export const FIRST_STOP = WAYS_OUT.length;

/** Number of an exit. */
export function regionExitNumber(exit: RegionExit | FailedAccess): number {
  return NUMBERS.get(exit) as number;
}

/** Adds one to the counter of an exit. */
export const countExit = (hart: Code, exit: Code): Code => {
  const counter = op('i32.add', hart, op('i32.shl', exit, i32c(3)));
  const word = HART_REGION_EXITS * 4;
  return store('i64.store', counter, op('i64.add', load('i64.load', counter, word), i64c(1)), word);
};

/** After a region was left for an access: counts what it was, once. */
export const countAccess = (hart: Code, access: Code): Code =>
  when(
    load('i32.load', hart, HART_LOOK_UP_FAILED * 4),
    seq(store('i32.store', hart, i32c(0), HART_LOOK_UP_FAILED * 4), countExit(hart, access)),
  );
