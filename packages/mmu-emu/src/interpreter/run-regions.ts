/**
 * From region to region, as WebAssembly: where one is left for a place that another begins at, that one goes on, in the same page or
 * another, and the interpreter's loop knows nothing of it.
 *
 * `runRegions(hart, left, page, records, word)` enters the region that the word of a place names (record.ts); `left` is what
 * the slice still may retire, `page` the virtual address of its page, `records` the address of that page's first record. Gives what
 * is left then, and how it ended: `left * 4 + REGIONS_*`. The pc is in the state. Regions find what they need besides in the state,
 * since the engine never forgets the signature of a module's functions: the shorter, the better.
 */

import { HART_FETCH_BANK, HART_LEFT, HART_LOOK_UP_FAILED, HART_PC, HART_REGION_ENTRY, HART_REGION_PAGE, HART_REGION_RECORDS, HART_STRADDLER } from '../hart/state.js'; // prettier-ignore
import { TLB_FETCHES, TLB_TARGETS } from '../mmu/tlb.js';
import { tlbTag } from '../mmu/translate.js';
import { block, brIf, callIndirect, get, getGlobal, i32c, i64c, load, loop, op, ret, seq, set, store, tee, when } from '../wasm/code.js'; // prettier-ignore
import { FunctionBody } from '../wasm/function-body.js';
import type { CoreIndices } from './imports.js';
import { wordOf } from './places.js';
import { ARRIVALS_END, RECORD_ENTRIES, SLOT_FRAME, SLOT_RECORDS } from './record.js';
import { countExit, FIRST_STOP, REGION_EXIT_BITS, regionExitNumber } from './region-exits.js';

/** A jump led to a place where no region begins: its page's records are at HART_REGION_RECORDS. */
export const REGIONS_ARRIVED = 0;
/** The instruction at the pc is for the interpreter; the same holds of its page. */
export const REGIONS_STOPPED = 1;
/** A jump led to a page that has to be looked for. */
export const REGIONS_ELSEWHERE = 2;

/** `runRegions(hart, left, page, records, word)`. */
export function buildRunRegions({ type, retired }: NonNullable<CoreIndices['regions']>): FunctionBody {
  const f = new FunctionBody(5);
  const [hart, left, page, records, word] = [0, 1, 2, 3, 4];
  const result = f.local('i32');
  const counter = f.local('i32');
  const tag = f.local('i32');
  const slot = f.local('i32');
  const pc = f.local('i64');
  const end = (how: number) => ret(op('i32.or', op('i32.shl', get(left), i32c(2)), i32c(how)));
  const number = op('i32.shr_u', get(word), i32c(16));

  /** Finds the page of `pc`, where the TLB knows it. */
  const otherPage = seq(
    set(page, op('i64.and', get(pc), i64c(-4096))),
    set(
      tag,
      tlbTag(op('i32.add', load('i32.load', get(hart), HART_FETCH_BANK * 4), i32c(TLB_FETCHES)), get(page)),
    ),
    when(op('i64.ne', load('i64.load', get(tag)), get(page)), end(REGIONS_ELSEWHERE)),
    // The slot may have been given to another frame since.
    when(
      op(
        'i32.ne',
        load('i32.load', tee(slot, load('i32.load', get(tag), TLB_TARGETS)), SLOT_FRAME),
        load('i32.load', get(tag), TLB_TARGETS + 4),
      ),
      end(REGIONS_ELSEWHERE),
    ),
    set(records, op('i32.add', get(slot), i32c(SLOT_RECORDS))),
    store('i64.store', get(hart), get(page), HART_REGION_PAGE * 4),
    store('i32.store', get(hart), get(records), HART_REGION_RECORDS * 4),
  );

  store('i32.store', get(hart), i32c(0), HART_LOOK_UP_FAILED * 4)(f);
  store('i32.store', get(hart), get(left), HART_LEFT * 4)(f);
  store('i64.store', get(hart), get(page), HART_REGION_PAGE * 4)(f);
  store('i32.store', get(hart), get(records), HART_REGION_RECORDS * 4)(f);
  block(
    'stop',
    loop(
      'region',
      store('i32.store', get(hart), op('i32.and', get(word), i32c(0xffff)), HART_REGION_ENTRY * 4),
      set(result, callIndirect(type, get(hart), number)),
      store(
        'i64.store',
        // A counter has 8 bytes.
        tee(counter, op('i32.add', getGlobal(retired), op('i32.shl', number, i32c(3)))),
        op(
          'i64.add',
          load('i64.load', get(counter)),
          op(
            'i64.extend_i32_u',
            op('i32.sub', get(left), tee(left, op('i32.shr_u', get(result), i32c(REGION_EXIT_BITS)))),
          ),
        ),
      ),
      store('i32.store', get(hart), get(left), HART_LEFT * 4),
      countExit(get(hart), tee(result, op('i32.and', get(result), i32c((1 << REGION_EXIT_BITS) - 1)))),
      brIf('stop', op('i32.ge_u', get(result), i32c(FIRST_STOP))),
      set(pc, load('i64.load', get(hart), HART_PC * 4)),
      when(op('i64.ne', op('i64.and', get(pc), i64c(-4096)), get(page)), otherPage),
      set(word, load('i32.load', wordOf(get(records), pc), RECORD_ENTRIES)),
      brIf('region', op('i32.gt_u', get(word), i32c(ARRIVALS_END))),
      end(REGIONS_ARRIVED),
    ),
  )(f);
  when(
    op('i32.eq', get(result), i32c(regionExitNumber('lookUp'))),
    store('i32.store', get(hart), i32c(1), HART_LOOK_UP_FAILED * 4),
  )(f);
  when(
    op('i32.eq', get(result), i32c(regionExitNumber('severalPages'))),
    store('i32.store', get(hart), number, HART_STRADDLER * 4),
  )(f);
  end(REGIONS_STOPPED)(f);
  return f;
}
