/**
 * From a pc to the record of its instruction, as WebAssembly.
 *
 * `fetch(hart, pc)` gives the address of a record that is decoded, or 0 with a trap noted. An instruction that crosses
 * a page is decoded into HART_CROSSING each time its bytes differ from the last: its two pages may be any two frames. So
 * are all instructions of a page that physical memory protection divides; each halfword of those is checked.
 */

import { HART_CROSSING, HART_FETCH_BANK } from '../hart/state.js';
import { ACCESS_FETCH, OUTCOME_TRAP, tlbTag } from '../mmu/translate.js';
import { TLB_FETCHES, TLB_TARGETS } from '../mmu/tlb.js';
import { block, br, brIf, call, get, getGlobal, i32c, i64c, load, op, ret, seq, set, store, tee, when } from '../wasm/code.js'; // prettier-ignore
import { FunctionBody } from '../wasm/function-body.js';
import type { Code } from '../wasm/function-body.js';
import type { CoreIndices } from './imports.js';
import { pageOffset } from './places.js';
import { RECORD_BITS, RECORD_HANDLER, SLOT_FRAME, SLOT_RECORDS } from './record.js';

/** `fetch(hart, pc)`. */
export function buildFetch(indices: CoreIndices): FunctionBody {
  const f = new FunctionBody(2);
  const [hart, pc] = [0, 1];
  const entry = f.local('i32');
  const slot = f.local('i32');
  const host = f.local('i32');
  const frame = f.local('i32');
  const record = f.local('i32');
  const bits = f.local('i32');
  const offset = pageOffset(get(pc));
  const crossing = op('i32.add', get(hart), i32c(HART_CROSSING * 4));
  const pageStart: Code = op('i32.add', getGlobal(indices.ram), op('i32.shl', get(frame), i32c(12)));

  block(
    'single',
    block(
      'found',
      set(
        entry,
        tlbTag(
          op('i32.add', load('i32.load', get(hart), HART_FETCH_BANK * 4), i32c(TLB_FETCHES)),
          op('i64.and', get(pc), i64c(-4096)),
        ),
      ),
      when(
        op('i64.eq', load('i64.load', get(entry)), op('i64.and', get(pc), i64c(-4096))),
        seq(
          set(slot, load('i32.load', get(entry), TLB_TARGETS)),
          set(frame, load('i32.load', get(entry), TLB_TARGETS + 4)),
          // The slot may have been given to another frame since.
          brIf('found', op('i32.eq', load('i32.load', get(slot), SLOT_FRAME), get(frame))),
        ),
      ),
      set(host, call(indices.translate, get(hart), get(pc), i32c(ACCESS_FETCH), i32c(2))),
      when(op('i32.eq', get(host), i32c(OUTCOME_TRAP)), ret(i32c(0))),
      when(getGlobal(indices.mixed), seq(set(bits, load('i32.load16_u', get(host))), br('single'))),
      set(frame, op('i32.shr_u', op('i32.sub', get(host), getGlobal(indices.ram)), i32c(12))),
      set(slot, call(indices.claim, get(frame))),
      store('i64.store', get(entry), op('i64.and', get(pc), i64c(-4096))),
      store('i32.store', get(entry), get(slot), TLB_TARGETS),
      store('i32.store', get(entry), get(frame), TLB_TARGETS + 4),
    ),
    set(record, op('i32.add', op('i32.add', get(slot), i32c(SLOT_RECORDS)), op('i32.shl', offset, i32c(3)))),
    when(load('i32.load16_u', get(record)), ret(get(record))),
    when(
      op('i32.ne', offset, i32c(4094)),
      seq(
        call(indices.decode, get(record), load('i32.load', op('i32.add', pageStart, offset)), offset),
        ret(get(record)),
      ),
    ),
    set(bits, load('i32.load16_u', op('i32.add', pageStart, i32c(4094)))),
    when(
      op('i32.ne', op('i32.and', get(bits), i32c(3)), i32c(3)),
      seq(call(indices.decode, get(record), get(bits), i32c(4094)), ret(get(record))),
    ),
  )(f);
  when(
    op('i32.eq', op('i32.and', get(bits), i32c(3)), i32c(3)),
    seq(
      set(
        host,
        call(indices.translate, get(hart), op('i64.add', get(pc), i64c(2)), i32c(ACCESS_FETCH), i32c(2)),
      ),
      when(op('i32.eq', get(host), i32c(OUTCOME_TRAP)), ret(i32c(0))),
      set(bits, op('i32.or', get(bits), op('i32.shl', load('i32.load16_u', get(host)), i32c(16)))),
    ),
  )(f);
  // A record that was never written has handler 0, and might have the right bits.
  when(
    op(
      'i32.or',
      op('i32.eqz', load('i32.load16_u', crossing, RECORD_HANDLER)),
      op('i32.ne', load('i32.load', crossing, RECORD_BITS), get(bits)),
    ),
    call(indices.decode, crossing, get(bits), i32c(-1)),
  )(f);
  tee(record, crossing)(f);
  return f;
}
