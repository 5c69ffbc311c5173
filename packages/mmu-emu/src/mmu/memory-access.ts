/**
 * Loads, stores and atomics that the TLB does not answer, as WebAssembly: TLB misses, devices, pages with decoded code,
 * and accesses that cross a page.
 *
 * A misaligned access is done here like any other. One that crosses a page translates both pages before it touches
 * either, so that a fault on the second leaves the first unchanged; tval is then the first address of the second page.
 * Misaligned accesses to devices, and any that cross from or to one, raise access faults.
 */

import { HART_ARGUMENTS } from '../hart/state.js';
import { CAUSE_LOAD_ACCESS, CAUSE_LOAD_MISALIGNED, CAUSE_STORE_ACCESS, CAUSE_STORE_MISALIGNED } from '../hart/causes.js'; // prettier-ignore
import { HART_DATA_BANK } from '../hart/state.js';
import type { CoreIndices } from '../interpreter/imports.js';
import { countAccess, regionExitNumber } from '../interpreter/region-exits.js';
import { brIf, block, br, call, choose, get, getGlobal, i32c, i64c, load, loop, op, ret, seq, set, setGlobal, store, tee, when } from '../wasm/code.js'; // prettier-ignore
import { FunctionBody } from '../wasm/function-body.js';
import type { Code } from '../wasm/function-body.js';
import { TLB_LOADS, TLB_STORE_TO_CODE, TLB_STORES, TLB_TARGETS } from './tlb.js';
import { ACCESS_LOAD, ACCESS_STORE, OUTCOME_DEVICE, OUTCOME_TRAP, slotInfoOf, tlbTag } from './translate.js';

export const STATUS_DONE = 0;
export const STATUS_TRAP = 1;
export const STATUS_END_SLICE = 2;

const isDevice = (host: number): Code => op('i32.eq', get(host), i32c(OUTCOME_DEVICE));
const isTrap = (host: number): Code => op('i32.eq', get(host), i32c(OUTCOME_TRAP));

/** Tells the code cache of a store, and has the slice end if somebody watches it, if the frame has decoded code. */
export const noteStore = (indices: CoreIndices, host: Code, bytes: Code): Code =>
  when(
    slotInfoOf(indices, host),
    setGlobal(
      indices.status,
      op('i32.or', getGlobal(indices.status), call(indices.noteStoreToCode, host, bytes)),
    ),
  );

/** For the statistics of regions: what an access was that no TLB answered, once it is translated. */
function countTranslated(indices: CoreIndices, host: number, isStore: Code): Code {
  const number = (kind: Parameters<typeof regionExitNumber>[0]): Code => i32c(regionExitNumber(kind));
  const hasCode = slotInfoOf(indices, get(host));
  const inRam = choose(
    'i32',
    getGlobal(indices.mixed),
    number('protection'),
    choose(
      'i32',
      op('i32.and', isStore, op('i32.ne', hasCode, i32c(0))),
      number('storeToCode'),
      number('tlbMiss'),
    ),
  );
  const kind = choose(
    'i32',
    isTrap(host),
    number('fault'),
    choose('i32', isDevice(host), number('device'), inRam),
  );
  return countAccess(get(0), kind);
}

/** The same, of an access that is misaligned. */
const countMisaligned = countAccess(get(0), i32c(regionExitNumber('misaligned')));
const isMisaligned = (va: number, bytes: number): Code =>
  op('i32.and', op('i32.wrap_i64', get(va)), op('i32.sub', get(bytes), i32c(1)));

/** One of four accesses by width. */
const byWidth = (bytes: number, each: (width: 1 | 2 | 4 | 8) => Code): Code =>
  block(
    'done',
    ...([1, 2, 4] as const).map((width) =>
      when(op('i32.eq', get(bytes), i32c(width)), seq(each(width), br('done'))),
    ),
    each(8),
  );

/** Bytes of an access that lie in the page of its first byte; sets `first`, gives whether there are more. */
const crosses = (va: number, bytes: number, first: number): Code =>
  op(
    'i32.lt_u',
    tee(first, op('i32.sub', i32c(4096), op('i32.and', op('i32.wrap_i64', get(va)), i32c(4095)))),
    get(bytes),
  );

/** Address of byte `i` of an access whose first `first` bytes are at `host` and the others at `second`. */
const byteAddress = (host: number, second: number, first: number, i: number): Code =>
  choose(
    'i32',
    op('i32.lt_u', get(i), get(first)),
    op('i32.add', get(host), get(i)),
    op('i32.add', get(second), op('i32.sub', get(i), get(first))),
  );

/** Translates both pages of a crossing access, or leaves by `failed` with a trap noted. */
function translateBoth(
  indices: CoreIndices,
  access: number,
  cause: number,
  locals: { va: number; bytes: number; first: number; host: number; second: number; next: number },
  failed: Code,
): Code {
  const { va, bytes, first, host, second, next } = locals;
  return seq(
    set(next, op('i64.add', get(va), op('i64.extend_i32_u', get(first)))),
    set(host, call(indices.translate, get(0), get(va), i32c(access), get(first))),
    when(isTrap(host), failed),
    set(
      second,
      call(indices.translate, get(0), get(next), i32c(access), op('i32.sub', get(bytes), get(first))),
    ),
    when(isTrap(second), failed),
    when(isDevice(host), seq(call(indices.raise, get(0), i32c(cause), get(va)), failed)),
    when(isDevice(second), seq(call(indices.raise, get(0), i32c(cause), get(next)), failed)),
  );
}

/** A device access by an import; an access fault when it is misaligned or nothing is there. */
function device(
  indices: CoreIndices,
  imported: number,
  cause: number,
  va: number,
  bytes: number,
  failed: Code,
): Code {
  const fault = seq(call(indices.raise, get(0), i32c(cause), get(va)), failed);
  return seq(
    when(isMisaligned(va, bytes), fault),
    setGlobal(indices.status, call(imported, get(0), get(bytes))),
    when(op('i32.eq', getGlobal(indices.status), i32c(STATUS_TRAP)), fault),
  );
}

const LOADS = { 1: 'i64.load8_u', 2: 'i64.load16_u', 4: 'i64.load32_u', 8: 'i64.load' } as const;
const STORES = { 1: 'i64.store8', 2: 'i64.store16', 4: 'i64.store32', 8: 'i64.store' } as const;

/** `slowLoad(hart, va, bytes)`: the value, zero-extended; the outcome is in the status global. */
export function buildSlowLoad(indices: CoreIndices): FunctionBody {
  const f = new FunctionBody(3);
  const [hart, va, bytes] = [0, 1, 2];
  const first = f.local('i32');
  const host = f.local('i32');
  const second = f.local('i32');
  const i = f.local('i32');
  const next = f.local('i64');
  const value = f.local('i64');
  const failed = seq(setGlobal(indices.status, i32c(STATUS_TRAP)), ret(i64c(0)));

  setGlobal(indices.status, i32c(STATUS_DONE))(f);
  when(isMisaligned(va, bytes), countMisaligned)(f);
  when(
    crosses(va, bytes, first),
    seq(
      translateBoth(
        indices,
        ACCESS_LOAD,
        CAUSE_LOAD_ACCESS,
        { va, bytes, first, host, second, next },
        failed,
      ),
      set(i, get(bytes)),
      loop(
        'bytes',
        set(i, op('i32.sub', get(i), i32c(1))),
        set(
          value,
          op(
            'i64.or',
            op('i64.shl', get(value), i64c(8)),
            load('i64.load8_u', byteAddress(host, second, first, i)),
          ),
        ),
        brIf('bytes', get(i)),
      ),
      ret(get(value)),
    ),
  )(f);
  set(host, call(indices.translate, get(hart), get(va), i32c(ACCESS_LOAD), get(bytes)))(f);
  countTranslated(indices, host, i32c(0))(f);
  when(isTrap(host), failed)(f);
  when(
    isDevice(host),
    seq(
      device(indices, indices.deviceLoad, CAUSE_LOAD_ACCESS, va, bytes, failed),
      ret(load('i64.load', get(hart), HART_ARGUMENTS * 4)),
    ),
  )(f);
  byWidth(bytes, (width) => set(value, load(LOADS[width], get(host))))(f);
  get(value)(f);
  return f;
}

/**
 * An aligned store to a page with decoded code that the TLB knows: done, and the function returns; unless it is data again.
 */
function storeToKnownCode(indices: CoreIndices, host: number): Code {
  const [va, bytes, value] = [1, 2, 3];
  const page = op('i64.and', get(va), i64c(-4096));
  return when(
    op(
      'i64.eq',
      load('i64.load', tee(host, tlbTag(load('i32.load', get(0), HART_DATA_BANK * 4), page)), TLB_STORES),
      op('i64.or', page, i64c(TLB_STORE_TO_CODE)),
    ),
    seq(
      set(
        host,
        op('i32.add', op('i32.wrap_i64', get(va)), load('i32.load', get(host), TLB_STORES + TLB_TARGETS)),
      ),
      when(
        slotInfoOf(indices, get(host)),
        seq(
          countAccess(get(0), i32c(regionExitNumber('storeToCode'))),
          setGlobal(indices.status, call(indices.noteStoreToCode, get(host), get(bytes))),
          byWidth(bytes, (width) => store(STORES[width], get(host), get(value))),
          op('return'),
        ),
      ),
    ),
  );
}

/** `slowStore(hart, va, bytes, value)`: the outcome is in the status global. */
export function buildSlowStore(indices: CoreIndices): FunctionBody {
  const f = new FunctionBody(4);
  const [hart, va, bytes, value] = [0, 1, 2, 3];
  const first = f.local('i32');
  const host = f.local('i32');
  const second = f.local('i32');
  const i = f.local('i32');
  const next = f.local('i64');
  const failed = seq(setGlobal(indices.status, i32c(STATUS_TRAP)), op('return'));

  setGlobal(indices.status, i32c(STATUS_DONE))(f);
  when(isMisaligned(va, bytes), countMisaligned, storeToKnownCode(indices, host))(f);
  when(
    crosses(va, bytes, first),
    seq(
      translateBoth(
        indices,
        ACCESS_STORE,
        CAUSE_STORE_ACCESS,
        { va, bytes, first, host, second, next },
        failed,
      ),
      noteStore(indices, get(host), get(first)),
      noteStore(indices, get(second), op('i32.sub', get(bytes), get(first))),
      loop(
        'bytes',
        store('i64.store8', byteAddress(host, second, first, i), get(value)),
        set(value, op('i64.shr_u', get(value), i64c(8))),
        brIf('bytes', op('i32.lt_u', tee(i, op('i32.add', get(i), i32c(1))), get(bytes))),
      ),
      op('return'),
    ),
  )(f);
  set(host, call(indices.translate, get(hart), get(va), i32c(ACCESS_STORE), get(bytes)))(f);
  countTranslated(indices, host, i32c(1))(f);
  when(isTrap(host), failed)(f);
  when(
    isDevice(host),
    seq(
      store('i64.store', get(hart), get(value), HART_ARGUMENTS * 4),
      device(indices, indices.deviceStore, CAUSE_STORE_ACCESS, va, bytes, failed),
      op('return'),
    ),
  )(f);
  noteStore(indices, get(host), get(bytes))(f);
  byWidth(bytes, (width) => store(STORES[width], get(host), get(value)))(f);
  return f;
}

/**
 * `atomicAddress(hart, va, bytes, access)`: host address for an atomic access, or 0 with a trap noted. Devices take no
 * atomics: access fault.
 */
export function buildAtomicAddress(indices: CoreIndices): FunctionBody {
  const f = new FunctionBody(4);
  const [hart, va, bytes, access] = [0, 1, 2, 3];
  const host = f.local('i32');
  const entry = f.local('i32');
  const isLoad = op('i32.eq', get(access), i32c(ACCESS_LOAD));
  const byAccess = (onLoad: number, onStore: number): Code =>
    op('select', i32c(onLoad), i32c(onStore), isLoad);

  when(
    isMisaligned(va, bytes),
    seq(
      countMisaligned,
      call(indices.raise, get(hart), byAccess(CAUSE_LOAD_MISALIGNED, CAUSE_STORE_MISALIGNED), get(va)),
      ret(i32c(0)),
    ),
  )(f);
  set(
    entry,
    op(
      'i32.add',
      tlbTag(load('i32.load', get(hart), HART_DATA_BANK * 4), op('i64.and', get(va), i64c(-4096))),
      byAccess(TLB_LOADS, TLB_STORES),
    ),
  )(f);
  when(
    op('i64.eq', load('i64.load', get(entry)), op('i64.and', get(va), i64c(-4096))),
    ret(op('i32.add', op('i32.wrap_i64', get(va)), load('i32.load', get(entry), TLB_TARGETS))),
  )(f);
  set(host, call(indices.translate, get(hart), get(va), get(access), get(bytes)))(f);
  countTranslated(indices, host, op('i32.eq', get(access), i32c(ACCESS_STORE)))(f);
  when(
    isDevice(host),
    seq(
      call(indices.raise, get(hart), byAccess(CAUSE_LOAD_ACCESS, CAUSE_STORE_ACCESS), get(va)),
      ret(i32c(0)),
    ),
  )(f);
  when(
    op('i32.and', op('i32.ne', get(host), i32c(OUTCOME_TRAP)), op('i32.eq', get(access), i32c(ACCESS_STORE))),
    noteStore(indices, get(host), get(bytes)),
  )(f);
  get(host)(f);
  return f;
}
