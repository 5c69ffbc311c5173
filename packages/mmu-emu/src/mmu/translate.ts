/**
 * Address translation, as WebAssembly: the walk of Sv39, Sv48 and Sv57, its checks, and the filling of the TLB.
 *
 * `translate(hart, va, access, bytes)` gives the host address of a byte of RAM; or OUTCOME_TRAP after storing cause and
 * tval; or OUTCOME_DEVICE with the physical address in HART_PADDR. RAM lies above both. `bytes` is how much of the page is
 * accessed from there on, which matters where physical memory protection divides the page: the `mixed` global is then not
 * 0, and the TLB has no entry for it.
 *
 * Steps, numbered as the manual numbers them:
 *
 * 1. The root table is at HART_ROOT, the level is that of HART_TOP_SHIFT. An address whose upper bits are not copies of the
 *    highest one that is translated page-faults.
 * 2. The entry is read; an access fault if it is not in RAM, or physical memory protection forbids a supervisor to read it.
 * 3. V clear, W without R, or a reserved bit (63 to 54, D, A or U of a pointer; 60 to 54 of a leaf): page fault.
 * 4. R or X makes a leaf. A pointer goes one level down; below level 0, page fault. In a leaf, PBMT (Svpbmt) must be a
 *    type that exists and be enabled, and N (Svnapot) needs level 0 and the only size that exists, 64 KiB.
 * 5. U, SUM, MXR and the permissions are checked.
 * 6. A superpage whose low PPN bits are not zero: page fault.
 * 7. A clear, or D clear at a store: page fault (Svade), or the bits are set in memory (Svadu).
 * 8. The physical address: PPN of the leaf, page offset (of the superpage) of the address. Physical memory protection
 *    decides about it as about any other.
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
  HART_PBMT_LIMIT,
  HART_ROOT,
  HART_SETS_AD,
  HART_TOP_SHIFT,
  HART_TVAL,
  MODE_MACHINE,
  MODE_MXR,
  MODE_SUM,
  MODE_TRANSLATED,
  MODE_USER,
} from '../hart/state.js';
import { CAUSE_FETCH_ACCESS, CAUSE_FETCH_PAGE_FAULT, CAUSE_LOAD_ACCESS, CAUSE_LOAD_PAGE_FAULT, CAUSE_STORE_ACCESS, CAUSE_STORE_PAGE_FAULT } from '../hart/causes.js'; // prettier-ignore
import { FRAME_SLOT_MASK, FRAME_STORE_ENTRY } from '../interpreter/code-cache.js';
import type { CoreIndices } from '../interpreter/imports.js';
import { RAM_BASE } from '../ram.js';
import { block, br, brIf, call, get, getGlobal, i32c, i64c, load, loop, op, ret, seq, set, setGlobal, store, tee, when } from '../wasm/code.js'; // prettier-ignore
import { FunctionBody } from '../wasm/function-body.js';
import type { Code } from '../wasm/function-body.js';
import { PTE_A, PTE_D, PTE_R, PTE_U, PTE_V, PTE_W, PTE_X } from './pte.js';
import { PMP_ALLOWED, PMP_DENIED, PMP_MACHINE_SHIFT, PMP_MIXED } from './pmp-check.js';
import { BANK_SUPERPAGES, TLB_ENTRY_BITS, TLB_LOADS, TLB_MULTIPLIER, TLB_STEP_BITS, TLB_STORE_TO_CODE, TLB_STORES, TLB_TARGETS } from './tlb.js'; // prettier-ignore

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

/**
 * Code that gives the byte address of a page's tag, less the offset of its cache in the bank. `page` is the address with
 * the bits below 4096 cleared; where some are set, no tag is the same.
 */
export const tlbTag = (bank: Code, page: Code): Code =>
  op(
    'i32.add',
    bank,
    op(
      'i32.shl',
      op(
        'i32.shr_u',
        op('i32.mul', op('i32.wrap_i64', page), i32c(TLB_MULTIPLIER)),
        i32c(32 - TLB_ENTRY_BITS),
      ),
      i32c(TLB_STEP_BITS),
    ),
  );

/** Address of a frame's info, of the frame that a host address is in. */
export const frameInfoOf = (indices: CoreIndices, hostAddress: Code): Code =>
  op(
    'i32.add',
    getGlobal(indices.frameInfo),
    op('i32.shl', op('i32.shr_u', op('i32.sub', hostAddress, getGlobal(indices.ram)), i32c(12)), i32c(1)),
  );

/** Of that frame, FRAME_SLOT_MASK of its info: 1 + the slot of its decoded code, FRAME_WATCHED, or 0. */
export const slotInfoOf = (indices: CoreIndices, hostAddress: Code): Code =>
  op('i32.and', load('i32.load16_u', frameInfoOf(indices, hostAddress)), i32c(FRAME_SLOT_MASK));

/** `raise(hart, cause, tval)`: notes a trap. */
export function buildRaise(): FunctionBody {
  const f = new FunctionBody(3);
  store('i32.store', get(0), get(1), HART_CAUSE * 4)(f);
  store('i64.store', get(0), get(2), HART_TVAL * 4)(f);
  return f;
}

/** What physical memory protection has to allow, by access: bits of a permission as of an entry. */
const PMP_READ = 1;
const PMP_WRITE = 2;
const PMP_EXECUTE = 4;

/** Bits 53 to 10 of a page-table entry: the page number. */
const PTE_PPN = ((1n << 54n) - 1n) & ~0x3ffn;
const PTE_LEAF_RESERVED = 0x7fn << 54n;
/** What the lowest bits of the page number say of a page that is one of 16 with N set. */
const NAPOT_64K = 8;

/** `translate(hart, va, access, bytes)`. */
export function buildTranslate(indices: CoreIndices): FunctionBody {
  const f = new FunctionBody(4);
  const [hart, va, access, bytes] = [get(0), get(1), get(2), get(3)];
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
  const allowed = f.local('i32');

  const hasMode = (bit: number): Code => op('i32.and', get(mode), i32c(bit));
  const pteHas = (bits: number): Code => op('i32.wrap_i64', op('i64.and', get(pte), i64c(bits)));
  const faultIf = (condition: Code): Code => brIf('pageFault', condition);
  const isAccess = (kind: number): Code => op('i32.eq', access, i32c(kind));
  const ramOffset = (paddr: Code): Code => op('i64.sub', paddr, i64c(RAM_BASE));
  const outsideRam = (value: Code, bytes: number): Code =>
    op('i64.gt_u', value, op('i64.sub', op('i64.extend_i32_u', getGlobal(indices.ramBytes)), i64c(bytes)));

  /** Whether a supervisor's access to the entry is not allowed: pages of tables are its, whoever runs. */
  const entryForbidden = (ramOffset: Code, permissions: number): Code =>
    op(
      'i32.ne',
      call(indices.pmpCheck, hart, op('i64.add', ramOffset, i64c(RAM_BASE)), i64c(8), i32c(permissions)),
      i32c(PMP_ALLOWED),
    );

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
    brIf('accessFault', entryForbidden(get(offset), PMP_READ)),
    set(at, op('i32.add', getGlobal(indices.ram), op('i32.wrap_i64', get(offset)))),
    set(pte, load('i64.load', get(at))),
    faultIf(op('i32.eqz', pteHas(PTE_V))),
    faultIf(op('i32.eq', pteHas(PTE_R | PTE_W), i32c(PTE_W))),
  );

  const walk = loop(
    'level',
    readEntry,
    brIf('leaf', pteHas(PTE_R | PTE_X)),
    faultIf(op('i64.ne', op('i64.shr_u', get(pte), i64c(54)), i64c(0))),
    faultIf(pteHas(PTE_A | PTE_D | PTE_U)),
    faultIf(op('i64.eq', get(shift), i64c(12))),
    set(table, op('i64.shl', op('i64.shr_u', get(pte), i64c(10)), i64c(12))),
    set(shift, op('i64.sub', get(shift), i64c(9))),
    br('level'),
  );

  const checkReserved = seq(
    faultIf(op('i64.ne', op('i64.and', get(pte), i64c(PTE_LEAF_RESERVED)), i64c(0))),
    faultIf(
      op(
        'i32.gt_u',
        op('i32.wrap_i64', op('i64.and', op('i64.shr_u', get(pte), i64c(61)), i64c(3))),
        load('i32.load', hart, HART_PBMT_LIMIT * 4),
      ),
    ),
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
    set(offset, op('i64.shl', op('i64.and', get(pte), i64c(PTE_PPN)), i64c(2))),
    when(
      op('i64.lt_s', get(pte), i64c(0)),
      seq(
        faultIf(op('i64.ne', get(shift), i64c(12))),
        faultIf(op('i64.ne', op('i64.and', get(offset), i64c(0xf000)), i64c(NAPOT_64K << 12))),
        set(mask, i64c(0xffff)),
        set(offset, op('i64.and', get(offset), i64c(~0xffffn))),
      ),
      // Bits of the leaf's page address that the superpage takes from the virtual address.
      faultIf(op('i64.ne', op('i64.and', get(offset), get(mask)), i64c(0))),
    ),
  );

  const updateAccessed = seq(
    set(need, op('i64.extend_i32_u', choose32(isAccess(ACCESS_STORE), i32c(PTE_A | PTE_D), i32c(PTE_A)))),
    when(
      op('i64.ne', op('i64.and', get(pte), get(need)), get(need)),
      seq(
        faultIf(op('i32.eqz', load('i32.load', hart, HART_SETS_AD * 4))),
        brIf(
          'accessFault',
          entryForbidden(
            op('i64.extend_i32_u', op('i32.sub', get(at), getGlobal(indices.ram))),
            PMP_READ | PMP_WRITE,
          ),
        ),
        when(
          slotInfoOf(indices, get(at)),
          setGlobal(
            indices.status,
            op('i32.or', getGlobal(indices.status), call(indices.noteStoreToCode, get(at), i32c(8))),
          ),
        ),
        store('i64.store', get(at), tee(pte, op('i64.or', get(pte), get(need)))),
      ),
    ),
  );

  /** @param mark bits of the tag besides the page. */
  const fillEntry = (cache: number, mark = 0): Code =>
    seq(
      set(need, op('i64.and', va, i64c(-4096))),
      set(entry, tlbTag(load('i32.load', hart, HART_DATA_BANK * 4), get(need))),
      store('i64.store', get(entry), mark === 0 ? get(need) : op('i64.or', get(need), i64c(mark)), cache),
      store('i32.store', get(entry), op('i32.sub', get(host), op('i32.wrap_i64', va)), cache + TLB_TARGETS),
    );

  /** Widens the bank's range of addresses that superpages hold, by the one of this address. */
  const noteSuperpage = seq(
    set(
      entry,
      choose32(
        isAccess(ACCESS_FETCH),
        load('i32.load', hart, HART_FETCH_BANK * 4),
        load('i32.load', hart, HART_DATA_BANK * 4),
      ),
    ),
    set(need, op('i64.and', va, op('i64.xor', get(mask), i64c(-1)))),
    when(
      op('i64.lt_u', get(need), load('i64.load', get(entry), BANK_SUPERPAGES)),
      store('i64.store', get(entry), get(need), BANK_SUPERPAGES),
    ),
    set(need, op('i64.or', va, get(mask))),
    when(
      op('i64.gt_u', get(need), load('i64.load', get(entry), BANK_SUPERPAGES + 8)),
      store('i64.store', get(entry), get(need), BANK_SUPERPAGES + 8),
    ),
  );

  const fill = seq(
    when(op('i64.gt_u', get(mask), i64c(4095)), noteSuperpage),
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
          fillEntry(TLB_STORES, TLB_STORE_TO_CODE),
        ),
      ),
    ),
  );

  const permission = op(
    'i32.shl',
    choose32(
      isAccess(ACCESS_LOAD),
      i32c(PMP_READ),
      choose32(isAccess(ACCESS_STORE), i32c(PMP_WRITE), i32c(PMP_EXECUTE)),
    ),
    choose32(hasMode(MODE_MACHINE), i32c(PMP_MACHINE_SHIFT), i32c(0)),
  );
  /** The page as a whole; only if that has no one answer, the bytes that are accessed. */
  const checkProtection = seq(
    set(
      allowed,
      call(indices.pmpCheck, hart, op('i64.and', get(offset), i64c(-4096)), i64c(4096), permission),
    ),
    brIf('accessFault', op('i32.eq', get(allowed), i32c(PMP_DENIED))),
    setGlobal(indices.mixed, op('i32.eq', get(allowed), i32c(PMP_MIXED))),
    when(
      getGlobal(indices.mixed),
      brIf(
        'accessFault',
        op(
          'i32.ne',
          call(indices.pmpCheck, hart, get(offset), op('i64.extend_i32_u', bytes), permission),
          i32c(PMP_ALLOWED),
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
          op('i32.eqz', hasMode(MODE_TRANSLATED)),
          seq(
            brIf('accessFault', op('i64.ne', op('i64.shr_u', va, i64c(56)), i64c(0))),
            set(offset, va),
            br('translated'),
          ),
        ),
        set(shift, load('i64.load32_u', hart, HART_TOP_SHIFT * 4)),
        // How many bits lie above those that are translated; the shift of the highest level is of its lowest bit.
        set(need, op('i64.sub', i64c(55), get(shift))),
        faultIf(op('i64.ne', op('i64.shr_s', op('i64.shl', va, get(need)), get(need)), va)),
        set(table, load('i64.load', hart, HART_ROOT * 4)),
        block('leaf', walk),
        checkReserved,
        checkPermissions,
        checkAlignment,
        updateAccessed,
        set(offset, op('i64.or', get(offset), op('i64.and', va, get(mask)))),
      ),
      // offset: physical address
      checkProtection,
      when(
        outsideRam(ramOffset(get(offset)), 1),
        seq(
          brIf('accessFault', isAccess(ACCESS_FETCH)),
          store('i64.store', hart, get(offset), HART_PADDR * 4),
          ret(i32c(OUTCOME_DEVICE)),
        ),
      ),
      set(host, op('i32.add', getGlobal(indices.ram), op('i32.wrap_i64', ramOffset(get(offset))))),
      when(op('i32.eqz', getGlobal(indices.mixed)), fill),
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
