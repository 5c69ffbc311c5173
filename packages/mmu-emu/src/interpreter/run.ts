/**
 * The interpreter's loop, as WebAssembly: one function with a `br_table` over all handlers.
 *
 * `run(hart, budget)` retires exactly `budget` instructions (at least one) from the pc in the state, unless a trap or a
 * helper ends it earlier. What is left of the budget is in HART_LEFT afterwards.
 */

import { HART_CROSSING, HART_DATA_BANK, HART_DEFERRED, HART_HOSTED, HART_LEFT, HART_PC, HART_REGION_RECORDS } from '../hart/state.js'; // prettier-ignore
import type { ValueType } from '../isa/semantics.js';
import { block, br, brIf, call, get, getGlobal, i32c, i64c, load, loop, op, ret, set, seq, store, tee, when } from '../wasm/code.js'; // prettier-ignore
import { FunctionBody } from '../wasm/function-body.js';
import type { Code } from '../wasm/function-body.js';
import { beforeInstruction } from './debug-hooks.js';
import { HANDLERS } from './handlers.js';
import type { CoreIndices } from './imports.js';
import { currentPc, lowerHandler, raiseIllegal, RUN_BUDGET, RUN_END_SLICE, RUN_TRAP } from './lower.js';
import type { RunLocals } from './lower.js';
import { recordOf, recordOffset, wordOfRecord } from './places.js';
import { ARRIVALS_END, FIRST_HANDLER, HANDLER_FETCH, RECORD_BYTES, RECORD_ENTRIES, RECORD_HANDLER, RECORDS } from './record.js'; // prettier-ignore
import { REGIONS_ELSEWHERE, REGIONS_STOPPED } from './run-regions.js';

function declareLocals(f: FunctionBody): RunLocals {
  const many = (type: ValueType, count: number): readonly number[] =>
    Array.from({ length: count }, () => f.local(type));
  return {
    hart: 0,
    left: 1,
    rec: f.local('i32'),
    bank: f.local('i32'),
    pcBase: f.local('i64'),
    page: f.local('i64'),
    pageRecords: f.local('i32'),
    pc: f.local('i64'),
    address: f.local('i64'),
    value: f.local('i64'),
    entry: f.local('i32'),
    status: f.local('i32'),
    observed: f.local('i32'),
    countBelow: f.local('i32'),
    temporaries: { i32: many('i32', 4), i64: many('i64', 12), f32: many('f32', 2), f64: many('f64', 12) },
  };
}

/** What the pc of every record is counted from, when `rec` is that of `pc`. */
const pcBaseOf = (l: RunLocals): Code =>
  op('i64.sub', get(l.pc), op('i64.extend_i32_u', op('i32.shr_u', get(l.rec), i32c(3))));

/**
 * A jump has led to `rec`: goes on in the region that begins there, or counts the arrival. Behind it follows the
 * instruction at `rec`.
 */
function enterRegion(
  { hot, run, threshold, everywhere }: NonNullable<CoreIndices['regions']>,
  l: RunLocals,
): Code {
  const { rec, left, pc } = l;
  const word = wordOfRecord(get(l.pageRecords), rec);
  const enter = seq(
    set(l.status, call(run, get(l.hart), get(left), get(l.page), get(l.pageRecords), get(l.status))),
    set(left, op('i32.shr_u', get(l.status), i32c(2))),
    set(pc, load('i64.load', get(l.hart), HART_PC * 4)),
    brIf('fetch', op('i32.and', get(l.status), i32c(REGIONS_ELSEWHERE))),
    set(l.page, op('i64.and', get(pc), i64c(-4096))),
    set(l.pageRecords, load('i32.load', get(l.hart), HART_REGION_RECORDS * 4)),
    set(rec, recordOf(get(l.pageRecords), pc)),
    set(l.pcBase, pcBaseOf(l)),
    brIf('arrive', op('i32.eqz', op('i32.and', get(l.status), i32c(REGIONS_STOPPED)))),
  );
  const count = when(
    op('i32.lt_u', get(l.status), everywhere ? i32c(ARRIVALS_END) : get(l.countBelow)),
    seq(
      store('i32.store', get(l.entry), tee(l.status, op('i32.add', get(l.status), i32c(1))), RECORD_ENTRIES),
      when(op('i32.eq', get(l.status), getGlobal(threshold)), brIf('arrive', call(hot, get(rec)))),
    ),
  );
  const inPage = op('i64.ne', get(l.page), i64c(1));
  // Straight-line code comes to the sentinel, too, which has no word.
  const offset = op('i32.sub', get(rec), get(l.pageRecords));
  const hasWord = everywhere
    ? op('i32.and', inPage, op('i32.lt_u', offset, i32c(RECORDS * RECORD_BYTES)))
    : inPage;
  return when(
    hasWord,
    seq(
      set(l.status, load('i32.load', tee(l.entry, word), RECORD_ENTRIES)),
      when(op('i32.gt_u', get(l.status), i32c(ARRIVALS_END)), enter, count),
      set(l.countBelow, i32c(ARRIVALS_END)),
    ),
  );
}

/** `run(hart, budget)`: one of the RUN_* results. */
export function buildRun(indices: CoreIndices): FunctionBody {
  const f = new FunctionBody(2);
  const l = declareLocals(f);
  const { hart, left, rec, pc } = l;
  const state = (word: number): Code => load('i32.load', get(hart), word * 4);

  /** Finds the record of `pc`, and where its page's records are. */
  const find = seq(
    // With the budget used up, a fault of the next fetch belongs to the next run.
    when(
      op('i32.eqz', get(left)),
      seq(
        store('i64.store', get(hart), get(pc), HART_PC * 4),
        store('i32.store', get(hart), state(HART_DEFERRED), HART_LEFT * 4),
        store('i32.store', get(hart), i32c(0), HART_DEFERRED * 4),
        ret(i32c(RUN_BUDGET)),
      ),
    ),
    brIf('fetchTrap', op('i32.eqz', tee(rec, call(indices.fetch, get(hart), get(pc))))),
    set(l.pcBase, pcBaseOf(l)),
    when(
      op('i32.eq', get(rec), op('i32.add', get(hart), i32c(HART_CROSSING * 4))),
      set(l.page, i64c(1)),
      seq(
        set(l.page, op('i64.and', get(pc), i64c(-4096))),
        set(l.pageRecords, op('i32.sub', get(rec), recordOffset(pc))),
      ),
    ),
  );

  const refetch = seq(set(left, op('i32.add', get(left), i32c(1))), set(pc, currentPc(l)), br('fetch'));
  const bodies: readonly Code[] = [
    refetch,
    raiseIllegal(l),
    ...HANDLERS.map((handler) => lowerHandler(l, indices, handler)),
  ];
  if (bodies.length !== HANDLERS.length + FIRST_HANDLER) throw new Error('handlers and their numbers differ');
  const labels = bodies.map((_, i) => `handler${i}`);

  const dispatch: Code = (body) => {
    for (let i = bodies.length - 1; i >= 0; i--) body.open('block', labels[i]);
    load('i32.load16_u', get(rec), RECORD_HANDLER)(body);
    body.branchTable(labels, labels[HANDLER_FETCH]);
    bodies.forEach((code) => {
      body.close();
      code(body);
    });
  };

  const next = loop(
    'next',
    when(op('i32.eqz', get(left)), seq(set(pc, currentPc(l)), br('fetch'))),
    indices.debug === null
      ? seq()
      : beforeInstruction(indices.debug, l, currentPc(l), ret(i32c(RUN_END_SLICE))),
    set(left, op('i32.sub', get(left), i32c(1))),
    dispatch,
  );

  set(l.bank, state(HART_DATA_BANK))(f);
  // The lowest bit of a pc is always zero, whatever an embedder puts there.
  set(pc, op('i64.and', load('i64.load', get(hart), HART_PC * 4), i64c(-2)))(f);
  loop(
    'fetch',
    block(
      'fetchTrap',
      block(
        'trap',
        find,
        indices.regions === null ? next : loop('arrive', enterRegion(indices.regions, l), next),
        op('unreachable'),
      ),
      // The instruction did not retire.
      set(pc, currentPc(l)),
      set(left, op('i32.add', get(left), i32c(1))),
    ),
    store('i64.store', get(hart), get(pc), HART_PC * 4),
    store('i32.store', get(hart), get(left), HART_LEFT * 4),
    indices.debug === null ? seq() : call(indices.debug.exception, get(hart)),
    when(state(HART_HOSTED), ret(i32c(RUN_TRAP))),
    when(call(indices.takeTrap, get(hart)), ret(i32c(RUN_END_SLICE))),
    set(pc, load('i64.load', get(hart), HART_PC * 4)),
    set(l.bank, state(HART_DATA_BANK)),
    set(l.countBelow, i32c(ARRIVALS_END)),
    br('fetch'),
  )(f);
  op('unreachable')(f);
  return f;
}
