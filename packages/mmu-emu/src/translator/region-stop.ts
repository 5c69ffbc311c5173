/**
 * Where and how a region is left, in one constant, so that the code that leaves it is short: all of it is worked out where the
 * function ends.
 */

import type { RegionExit } from '../interpreter/region-exits.js';
import { REGION_EXIT_BITS, regionExitNumber } from '../interpreter/region-exits.js';
import { PAGE_SIZE } from '../mmu/pte.js';
import { i32c, op } from '../wasm/code.js';
import type { Code } from '../wasm/function-body.js';

/** From bit 0 on the offset in the page; from here on how many instructions were counted that have not retired. */
const STOP_UNDONE = 12;
/** From here on the exit. */
const STOP_EXIT = 22;
const MOST_UNDONE = (1 << (STOP_EXIT - STOP_UNDONE)) - 1;

/** A stop. @param offset in the page. */
export function stopOf(offset: number, undone: number, exit: RegionExit): number {
  if (undone > MOST_UNDONE) throw new RangeError(`${undone} instructions are too many for one block`);
  return offset | (undone << STOP_UNDONE) | (regionExitNumber(exit) << STOP_EXIT);
}

/** Expression: the pc at a stop, `base` being that of the page, or the address that a jump leads to. */
export const pcAtStop = (base: Code, stop: Code): Code =>
  op('i64.add', base, op('i64.extend_i32_u', op('i32.and', stop, i32c(PAGE_SIZE - 1))));

/** Expression: what the region returns. */
export const resultOfStop = (left: Code, stop: Code): Code =>
  op(
    'i32.or',
    op(
      'i32.shl',
      op('i32.add', left, op('i32.and', op('i32.shr_u', stop, i32c(STOP_UNDONE)), i32c(MOST_UNDONE))),
      i32c(REGION_EXIT_BITS),
    ),
    op('i32.shr_u', stop, i32c(STOP_EXIT)),
  );
