/**
 * What of the state decides how addresses are translated, recomputed when it changes, as WebAssembly: the root of the page
 * tables, the MODE_* bits, and the TLB banks that hold what they give.
 */

import type { CoreIndices } from '../interpreter/imports.js';
import { CACHE_BLOCK_BITS } from '../mmu/cache-block.js';
import { call, get, i32c, i64c, op, seq, set, when } from '../wasm/code.js';
import { FunctionBody } from '../wasm/function-body.js';
import type { Code } from '../wasm/function-body.js';
import { PRIVILEGE_MACHINE, PRIVILEGE_SUPERVISOR, PRIVILEGE_USER } from './causes.js';
import {
  ENVCFG_CBCFE,
  ENVCFG_CBIE,
  ENVCFG_CBZE,
  MENVCFG_ADUE_HIGH,
  MENVCFG_PBMTE_HIGH,
} from './csr-table.js';
import { MSTATUS_MPP, MSTATUS_MPP_SHIFT, MSTATUS_MPRV, MSTATUS_MXR, MSTATUS_SUM } from './mstatus.js';
import { masked, pair, setPair, setWord, word } from './state-code.js';
import { HART_CACHE_BLOCKS, HART_DATA_BANK, HART_DATA_MODE, HART_FETCH_BANK, HART_FETCH_MODE, HART_MENVCFG, HART_MSTATUS, HART_PBMT_LIMIT, HART_PRIVILEGE, HART_ROOT, HART_SATP, HART_SENVCFG, HART_SETS_AD, HART_TOP_SHIFT, MODE_MACHINE, MODE_MXR, MODE_SUM, MODE_TRANSLATED, MODE_USER } from './state.js'; // prettier-ignore

const SATP_PPN = (1n << 44n) - 1n;
const SATP_MODE_SHIFT = 60;
const SATP_MODE_SV39 = 8;
/** Highest memory type of Svpbmt that exists. */
const PBMT_IO = 2;
/** The shift of the highest level: 30 for Sv39, 9 more for each mode after it. */
const SV39_TOP_SHIFT = 30;
const LEVEL_BITS = 9;

const choose32 = (condition: Code, then: Code, otherwise: Code): Code =>
  op('select', then, otherwise, condition);

/** `updateAddressSpace(hart)`: satp or menvcfg may have changed, or what `updateMode` is for. */
export function buildUpdateAddressSpace({ updateMode }: CoreIndices): FunctionBody {
  const f = new FunctionBody(1);
  const hart = get(0);
  const environment = word(hart, HART_MENVCFG + 1);
  seq(
    setPair(hart, HART_ROOT, op('i64.shl', op('i64.and', pair(hart, HART_SATP), i64c(SATP_PPN)), i64c(12))),
    setWord(
      hart,
      HART_TOP_SHIFT,
      op(
        'i32.add',
        op(
          'i32.mul',
          op(
            'i32.sub',
            op('i32.wrap_i64', op('i64.shr_u', pair(hart, HART_SATP), i64c(SATP_MODE_SHIFT))),
            i32c(SATP_MODE_SV39),
          ),
          i32c(LEVEL_BITS),
        ),
        i32c(SV39_TOP_SHIFT),
      ),
    ),
    setWord(
      hart,
      HART_PBMT_LIMIT,
      choose32(masked(environment, i32c(MENVCFG_PBMTE_HIGH)), i32c(PBMT_IO), i32c(0)),
    ),
    setWord(hart, HART_SETS_AD, op('i32.ne', masked(environment, i32c(MENVCFG_ADUE_HIGH)), i32c(0))),
    call(updateMode, hart),
  )(f);
  return f;
}

/** `updateMode(hart)`: the privilege, mstatus or senvcfg may have changed. */
export function buildUpdateMode({ selectBank }: CoreIndices): FunctionBody {
  const f = new FunctionBody(1);
  const hart = get(0);
  const privilege = f.local('i32');
  const mstatus = f.local('i32');
  const level = f.local('i32');
  const mode = f.local('i32');
  const translated = f.local('i32');
  const enabled = f.local('i32');
  const mstatusHas = (bit: number): Code => masked(get(mstatus), i32c(bit));
  const bits = (condition: Code, value: number): Code => choose32(condition, i32c(value), i32c(0));
  /** MODE_* bits for a level; `ofData` are added where it is translated. */
  const modeOf = (of: number, ofData: Code): Code =>
    choose32(
      op('i32.eq', get(of), i32c(PRIVILEGE_MACHINE)),
      i32c(MODE_MACHINE),
      choose32(
        get(translated),
        op('i32.or', op('i32.or', i32c(MODE_TRANSLATED), bits(op('i32.eqz', get(of)), MODE_USER)), ofData),
        i32c(0),
      ),
    );
  const ofData = op(
    'i32.or',
    bits(mstatusHas(MSTATUS_MXR), MODE_MXR),
    bits(
      op(
        'i32.and',
        op('i32.ne', get(level), i32c(PRIVILEGE_USER)),
        op('i32.ne', mstatusHas(MSTATUS_SUM), i32c(0)),
      ),
      MODE_SUM,
    ),
  );
  const below = (limit: number, register: number): Code =>
    when(
      op('i32.lt_u', get(privilege), i32c(limit)),
      set(enabled, masked(get(enabled), word(hart, register))),
    );
  const { inval, clean, flush, zero } = CACHE_BLOCK_BITS;

  seq(
    set(privilege, word(hart, HART_PRIVILEGE)),
    set(mstatus, word(hart, HART_MSTATUS)),
    set(translated, op('i64.lt_s', pair(hart, HART_SATP), i64c(0))),
    set(
      level,
      choose32(
        mstatusHas(MSTATUS_MPRV),
        op('i32.shr_u', mstatusHas(MSTATUS_MPP), i32c(MSTATUS_MPP_SHIFT)),
        get(privilege),
      ),
    ),
    set(mode, modeOf(level, ofData)),
    setWord(hart, HART_DATA_MODE, get(mode)),
    setWord(hart, HART_DATA_BANK, call(selectBank, hart, get(mode))),
    set(level, modeOf(privilege, i32c(0))),
    setWord(hart, HART_FETCH_MODE, get(level)),
    when(
      op('i32.eq', get(level), get(mode)),
      setWord(hart, HART_FETCH_BANK, word(hart, HART_DATA_BANK)),
      setWord(hart, HART_FETCH_BANK, call(selectBank, hart, get(level))),
    ),
    // Cache-block operations: all in machine mode, otherwise those of xenvcfg.
    set(enabled, i32c(ENVCFG_CBIE | ENVCFG_CBCFE | ENVCFG_CBZE)),
    below(PRIVILEGE_MACHINE, HART_MENVCFG),
    below(PRIVILEGE_SUPERVISOR, HART_SENVCFG),
    setWord(
      hart,
      HART_CACHE_BLOCKS,
      op(
        'i32.or',
        bits(masked(get(enabled), i32c(ENVCFG_CBIE)), inval),
        op(
          'i32.or',
          bits(masked(get(enabled), i32c(ENVCFG_CBCFE)), clean | flush),
          bits(masked(get(enabled), i32c(ENVCFG_CBZE)), zero),
        ),
      ),
    ),
  )(f);
  return f;
}
