/**
 * Address translation, as WebAssembly: the Sv39 walk, its checks, and the filling of the TLB.
 *
 * `translate(hart, va, access)` gives the host address of a byte of RAM; or OUTCOME_TRAP after storing cause and tval;
 * or OUTCOME_DEVICE with the physical address in HART_PADDR. RAM lies above both.
 *
 * Steps, numbered as the manual numbers them:
 *
 * 1. The root table is at HART_ROOT, the level is 2. An address whose bits 63 to 39 differ from bit 38 page-faults.
 * 2. The entry is read; an access fault if it is not in RAM.
 * 3. V clear, W without R, or a reserved bit (63 to 54; D, A or U of a pointer): page fault.
 * 4. R or X makes a leaf. A pointer goes one level down; below level 0, page fault.
 * 5. U, SUM, MXR and the permissions are checked.
 * 6. A superpage whose low PPN bits are not zero: page fault.
 * 7. A clear, or D clear at a store: page fault (Svade), or the bits are set in memory (Svadu).
 * 8. The physical address: PPN of the leaf, page offset (of the superpage) of the address.
 *
 * @see The RISC-V Instruction Set Manual, Volume II, "Virtual Address Translation Process"
 */

import {
  HART_CAUSE,
  HART_DATA_BANK,
  HART_DATA_MODE,
  HART_FETCH_BANK,
  HART_FETCH_MODE,
  HART_PADDR,
  HART_ROOT,
  HART_SETS_AD,
  HART_TVAL,
  MODE_MXR,
  MODE_SUM,
  MODE_SV39,
  MODE_USER,
} from '../hart/state.js';
import { CAUSE_FETCH_ACCESS, CAUSE_FETCH_PAGE_FAULT, CAUSE_LOAD_ACCESS, CAUSE_LOAD_PAGE_FAULT, CAUSE_STORE_ACCESS, CAUSE_STORE_PAGE_FAULT } from '../hart/causes.js'; // prettier-ignore
import { FRAME_SLOT_MASK, FRAME_STORE_ENTRY } from '../interpreter/code-cache.js';
import type { CoreIndices } from '../interpreter/imports.js';
import { RAM_BASE } from '../ram.js';
import { block, br, brIf, call, get, getGlobal, i32c, i64c, load, loop, op, ret, seq, set, store, tee, when } from '../wasm/code.js'; // prettier-ignore
import { FunctionBody } from '../wasm/function-body.js';
import type { Code } from '../wasm/function-body.js';
import { PTE_A, PTE_D, PTE_R, PTE_U, PTE_V, PTE_W, PTE_X } from './pte.js';
import { BANK_HAS_SUPERPAGE, TLB_ENTRIES, TLB_ENTRY_BITS, TLB_LOADS, TLB_STORES } from './tlb.js';

export const ACCESS_LOAD = 0;
export const ACCESS_STORE = 1;
export const ACCESS_FETCH = 2;

export const OUTCOME_TRAP = 0;
export const OUTCOME_DEVICE = 1;

const choose32 = (condition: Code, then: Code, otherwise: Code): Code =>
  op('select', then, otherwise, condition);

/** Code for the cause of a fault at an access known only at run time. */
const causeOf = (access: Code, onLoad: number, onStore: number, onFetch: number): Code =>
  choose32(
    op('i32.eq', access, i32c(ACCESS_LOAD)),
    i32c(onLoad),
    choose32(op('i32.eq', access, i32c(ACCESS_STORE)), i32c(onStore), i32c(onFetch)),
  );

/** Code that gives the byte address of an address's TLB entry, less the offset of its array in the bank. */
export const tlbEntry = (bank: Code, vaddr: Code): Code =>
  op(
    'i32.add',
    bank,
    op(
      'i32.and',
      op(
        'i32.xor',
        op('i32.shr_u', op('i32.wrap_i64', vaddr), i32c(8)),
        op('i32.shr_u', op('i32.wrap_i64', vaddr), i32c(8 + TLB_ENTRY_BITS)),
      ),
      i32c((TLB_ENTRIES - 1) << 4),
    ),
  );

/** Address of a frame's info, of the frame that a host address is in. */
export const frameInfoOf = (indices: CoreIndices, hostAddress: Code): Code =>
  op(
    'i32.add',
    getGlobal(indices.frameInfo),
    op('i32.shl', op('i32.shr_u', op('i32.sub', hostAddress, getGlobal(indices.ram)), i32c(12)), i32c(1)),
  );

/** `raise(hart, cause, tval)`: notes a trap. */
export function buildRaise(): FunctionBody {
  const f = new FunctionBody(3);
  store('i32.store', get(0), get(1), HART_CAUSE * 4)(f);
  store('i64.store', get(0), get(2), HART_TVAL * 4)(f);
  return f;
}

/** `translate(hart, va, access)`. */
export function buildTranslate(indices: CoreIndices): FunctionBody {
  const f = new FunctionBody(3);
  const [hart, va, access] = [get(0), get(1), get(2)];
  const mode = f.local('i32');
  const shift = f.local('i64');
  const table = f.local('i64');
  const offset = f.local('i64');
  const at = f.local('i32');
  const pte = f.local('i64');
  const need = f.local('i64');
  const entry = f.local('i32');
  const host = f.local('i32');
  const mask = f.local('i64');

  const hasMode = (bit: number): Code => op('i32.and', get(mode), i32c(bit));
  const pteHas = (bits: number): Code => op('i32.wrap_i64', op('i64.and', get(pte), i64c(bits)));
  const faultIf = (condition: Code): Code => brIf('pageFault', condition);
  const isAccess = (kind: number): Code => op('i32.eq', access, i32c(kind));
  const ramOffset = (paddr: Code): Code => op('i64.sub', paddr, i64c(RAM_BASE));
  const outsideRam = (value: Code, bytes: number): Code =>
    op('i64.gt_u', value, op('i64.sub', op('i64.extend_i32_u', getGlobal(indices.ramBytes)), i64c(bytes)));

  const readEntry = seq(
    set(
      offset,
      ramOffset(
        op(
          'i64.add',
          get(table),
          op('i64.shl', op('i64.and', op('i64.shr_u', va, get(shift)), i64c(511)), i64c(3)),
        ),
      ),
    ),
    brIf('accessFault', outsideRam(get(offset), 8)),
    set(at, op('i32.add', getGlobal(indices.ram), op('i32.wrap_i64', get(offset)))),
    set(pte, load('i64.load', get(at))),
    faultIf(op('i32.eqz', pteHas(PTE_V))),
    faultIf(op('i32.eq', pteHas(PTE_R | PTE_W), i32c(PTE_W))),
    faultIf(op('i64.ne', op('i64.shr_u', get(pte), i64c(54)), i64c(0))),
  );

  const walk = loop(
    'level',
    readEntry,
    brIf('leaf', pteHas(PTE_R | PTE_X)),
    faultIf(pteHas(PTE_A | PTE_D | PTE_U)),
    faultIf(op('i64.eq', get(shift), i64c(12))),
    set(table, op('i64.shl', op('i64.shr_u', get(pte), i64c(10)), i64c(12))),
    set(shift, op('i64.sub', get(shift), i64c(9))),
    br('level'),
  );

  const checkPermissions = seq(
    when(
      hasMode(MODE_USER),
      faultIf(op('i32.eqz', pteHas(PTE_U))),
      when(pteHas(PTE_U), seq(faultIf(isAccess(ACCESS_FETCH)), faultIf(op('i32.eqz', hasMode(MODE_SUM))))),
    ),
    faultIf(
      op(
        'i32.eqz',
        pteHasAny(
          get(pte),
          choose32(
            isAccess(ACCESS_LOAD),
            choose32(hasMode(MODE_MXR), i32c(PTE_R | PTE_X), i32c(PTE_R)),
            choose32(isAccess(ACCESS_STORE), i32c(PTE_W), i32c(PTE_X)),
          ),
        ),
      ),
    ),
  );

  const checkAlignment = seq(
    set(mask, op('i64.sub', op('i64.shl', i64c(1), get(shift)), i64c(1))),
    // Bits of the leaf's page address that the superpage takes from the virtual address.
    set(offset, op('i64.shl', op('i64.shr_u', get(pte), i64c(10)), i64c(12))),
    faultIf(op('i64.ne', op('i64.and', get(offset), get(mask)), i64c(0))),
  );

  const updateAccessed = seq(
    set(need, op('i64.extend_i32_u', choose32(isAccess(ACCESS_STORE), i32c(PTE_A | PTE_D), i32c(PTE_A)))),
    when(
      op('i64.ne', op('i64.and', get(pte), get(need)), get(need)),
      seq(
        faultIf(op('i32.eqz', load('i32.load', hart, HART_SETS_AD * 4))),
        when(
          op('i32.and', load('i32.load16_u', frameInfoOf(indices, get(at))), i32c(FRAME_SLOT_MASK)),
          call(indices.storeToCode, get(at), i32c(8)),
        ),
        store('i64.store', get(at), tee(pte, op('i64.or', get(pte), get(need)))),
      ),
    ),
  );

  const fillEntry = (array: number): Code =>
    seq(
      set(entry, tlbEntry(load('i32.load', hart, HART_DATA_BANK * 4), va)),
      store('i64.store', get(entry), op('i64.and', va, i64c(-4096)), array),
      store('i32.store', get(entry), op('i32.sub', get(host), op('i32.wrap_i64', va)), array + 8),
    );

  const fill = seq(
    when(
      op('i64.ne', get(mask), i64c(0)),
      store(
        'i32.store',
        choose32(
          isAccess(ACCESS_FETCH),
          load('i32.load', hart, HART_FETCH_BANK * 4),
          load('i32.load', hart, HART_DATA_BANK * 4),
        ),
        i32c(1),
        BANK_HAS_SUPERPAGE,
      ),
    ),
    when(isAccess(ACCESS_LOAD), fillEntry(TLB_LOADS)),
    when(
      isAccess(ACCESS_STORE),
      seq(
        set(at, frameInfoOf(indices, get(host))),
        set(entry, load('i32.load16_u', get(at))),
        when(
          op('i32.eqz', op('i32.and', get(entry), i32c(FRAME_SLOT_MASK))),
          seq(
            store('i32.store16', get(at), op('i32.or', get(entry), i32c(FRAME_STORE_ENTRY))),
            fillEntry(TLB_STORES),
          ),
        ),
      ),
    ),
  );

  set(
    mode,
    choose32(
      isAccess(ACCESS_FETCH),
      load('i32.load', hart, HART_FETCH_MODE * 4),
      load('i32.load', hart, HART_DATA_MODE * 4),
    ),
  )(f);
  block(
    'accessFault',
    block(
      'pageFault',
      block(
        'translated',
        // Physical addresses have 56 bits.
        when(
          op('i32.eqz', hasMode(MODE_SV39)),
          seq(
            brIf('accessFault', op('i64.ne', op('i64.shr_u', va, i64c(56)), i64c(0))),
            set(offset, va),
            br('translated'),
          ),
        ),
        faultIf(op('i64.ne', op('i64.shr_s', op('i64.shl', va, i64c(25)), i64c(25)), va)),
        set(table, load('i64.load', hart, HART_ROOT * 4)),
        set(shift, i64c(30)),
        block('leaf', walk),
        checkPermissions,
        checkAlignment,
        updateAccessed,
        set(offset, op('i64.or', get(offset), op('i64.and', va, get(mask)))),
        // From here on only whether it was a superpage matters.
        set(mask, op('i64.sub', get(shift), i64c(12))),
      ),
      // offset: physical address
      when(
        outsideRam(ramOffset(get(offset)), 1),
        seq(
          brIf('accessFault', isAccess(ACCESS_FETCH)),
          store('i64.store', hart, get(offset), HART_PADDR * 4),
          ret(i32c(OUTCOME_DEVICE)),
        ),
      ),
      set(host, op('i32.add', getGlobal(indices.ram), op('i32.wrap_i64', ramOffset(get(offset))))),
      fill,
      ret(get(host)),
    ),
    call(
      indices.raise,
      hart,
      causeOf(access, CAUSE_LOAD_PAGE_FAULT, CAUSE_STORE_PAGE_FAULT, CAUSE_FETCH_PAGE_FAULT),
      va,
    ),
    ret(i32c(OUTCOME_TRAP)),
  )(f);
  call(
    indices.raise,
    hart,
    causeOf(access, CAUSE_LOAD_ACCESS, CAUSE_STORE_ACCESS, CAUSE_FETCH_ACCESS),
    va,
  )(f);
  i32c(OUTCOME_TRAP)(f);
  return f;
}

function pteHasAny(pte: Code, bits: Code): Code {
  return op('i32.and', op('i32.wrap_i64', pte), bits);
}
