/**
 * Operations on cache blocks, as WebAssembly.
 *
 * Nothing is cached, so that only filling a block with zeros does anything. It needs what a store needs; the others need
 * what a load needs, and raise a store's exceptions.
 *
 * @see The RISC-V Instruction Set Manual, Volume I, "Base Cache Management Operation ISA Extensions"
 */

import { CAUSE_ILLEGAL_INSTRUCTION, CAUSE_LOAD_ACCESS, CAUSE_STORE_ACCESS } from '../hart/causes.js';
import { HART_CACHE_BLOCKS, HART_CAUSE } from '../hart/state.js';
import type { CoreIndices } from '../interpreter/imports.js';
import type { CacheBlockOperation } from '../isa/semantics.js';
import {
  brIf,
  call,
  get,
  getGlobal,
  i32c,
  i64c,
  load,
  loop,
  op,
  ret,
  seq,
  set,
  store,
  when,
} from '../wasm/code.js';
import { FunctionBody } from '../wasm/function-body.js';
import { noteStore } from './memory-access.js';
import { ACCESS_LOAD, ACCESS_STORE, OUTCOME_DEVICE, OUTCOME_TRAP } from './translate.js';

const BLOCK_BYTES = 64;
/** What physical memory protection cannot divide. */
const PIECE_BYTES = 4;

/** What each operation is called in HART_CACHE_BLOCKS, and as an argument. */
export const CACHE_BLOCK_BITS: Readonly<Record<CacheBlockOperation, number>> = {
  inval: 1,
  clean: 2,
  flush: 4,
  zero: 8,
};

/**
 * `cacheBlock(hart, va, operation, encoding)`: 1, or 0 with a trap noted. `operation` is of CACHE_BLOCK_BITS. Anything but
 * RAM gives an access fault.
 */
export function buildCacheBlock(indices: CoreIndices): FunctionBody {
  const f = new FunctionBody(4);
  const [hart, va, operation, encoding] = [get(0), get(1), get(2), get(3)];
  const host = f.local('i32');
  const block = f.local('i64');
  const offset = f.local('i32');
  const fails = ret(i32c(0));
  const isZero = op('i32.eq', operation, i32c(CACHE_BLOCK_BITS.zero));
  seq(
    when(
      op('i32.eqz', op('i32.and', load('i32.load', hart, HART_CACHE_BLOCKS * 4), operation)),
      seq(
        call(indices.raise, hart, i32c(CAUSE_ILLEGAL_INSTRUCTION), op('i64.extend_i32_u', encoding)),
        fails,
      ),
    ),
    set(block, op('i64.and', va, i64c(-BLOCK_BYTES))),
    set(offset, i32c(BLOCK_BYTES)),
    loop(
      'pieces',
      // From the last piece to the first. Where the page is all under the same protection, one is enough.
      set(offset, op('i32.sub', get(offset), i32c(PIECE_BYTES))),
      set(
        host,
        call(
          indices.translate,
          hart,
          op('i64.add', get(block), op('i64.extend_i32_u', get(offset))),
          op('select', i32c(ACCESS_STORE), i32c(ACCESS_LOAD), isZero),
          i32c(PIECE_BYTES),
        ),
      ),
      when(
        op('i32.eq', get(host), i32c(OUTCOME_TRAP)),
        seq(
          // The causes of stores are those of loads and 2.
          call(
            indices.raise,
            hart,
            op(
              'i32.or',
              load('i32.load', hart, HART_CAUSE * 4),
              i32c(CAUSE_STORE_ACCESS - CAUSE_LOAD_ACCESS),
            ),
            va,
          ),
          fails,
        ),
      ),
      when(getGlobal(indices.mixed), brIf('pieces', get(offset))),
    ),
    when(
      op('i32.eq', get(host), i32c(OUTCOME_DEVICE)),
      seq(call(indices.raise, hart, i32c(CAUSE_STORE_ACCESS), va), fails),
    ),
    set(host, op('i32.and', get(host), i32c(-BLOCK_BYTES))),
    when(
      isZero,
      seq(
        noteStore(indices, get(host), i32c(BLOCK_BYTES)),
        ...Array.from({ length: BLOCK_BYTES / 8 }, (_, i) => store('i64.store', get(host), i64c(0), 8 * i)),
      ),
    ),
    i32c(1),
  )(f);
  return f;
}
