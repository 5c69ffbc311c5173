/**
 * Choosing a bank of the TLB, and forgetting translations, as WebAssembly; tlb.ts has the layout.
 *
 * A bank is emptied when it is chosen for another key, so that flushing one that is not in use just sets it free.
 *
 * @see The RISC-V Instruction Set Manual, Volume II, "Supervisor Memory-Management Fence Instruction",
 * "Svinval Extension for Fine-Grained Address-Translation Cache Invalidation"
 */

import { PRIVILEGE_SUPERVISOR, PRIVILEGE_USER } from '../hart/causes.js';
import { advancePc, HELPER_DONE, HELPER_JUMP, illegal } from '../hart/helper-result.js';
import { MSTATUS_TVM } from '../hart/mstatus.js';
import { masked, pair, setPair, word } from '../hart/state-code.js';
import { HART_ARGUMENTS, HART_BANK_USES, HART_DATA_BANK, HART_FETCH_BANK, HART_MSTATUS, HART_PRIVILEGE, HART_SATP, MODE_TRANSLATED } from '../hart/state.js'; // prettier-ignore
import type { CoreIndices } from '../interpreter/imports.js';
import { SFENCE_ADDRESS, SFENCE_ASID } from '../isa/priv.js';
import { HART_BANKS } from '../memory-layout.js';
import { block, br, brIf, call, fill, get, i32c, i64c, load, loop, op, ret, seq, set, store, tee, when } from '../wasm/code.js'; // prettier-ignore
import { FunctionBody } from '../wasm/function-body.js';
import type { Code } from '../wasm/function-body.js';
import { BANK_BYTES, BANK_COUNT, BANK_LAST_USE, BANK_MODE, BANK_SATP, BANK_SUPERPAGES, TLB_FETCHES, TLB_LOADS, TLB_STORES } from './tlb.js'; // prettier-ignore
import { tlbTag } from './translate.js';

/** Any address space, in place of an ASID. */
const ANY_ASID = -1;
const SATP_ASID_SHIFT = 44;
const NO_TAG = -1;

const lastUse = (bank: Code): Code => load('i64.load', bank, BANK_LAST_USE);
const isFree = (bank: Code): Code => op('i64.eqz', lastUse(bank));

/** Statement: no translations. */
const clear = (bank: Code): Code =>
  seq(
    // The first address of superpages too: with a last one of 0, there is none.
    fill(bank, i32c(0xff), i32c(BANK_SUPERPAGES + 8)),
    store('i64.store', bank, i64c(0), BANK_SUPERPAGES + 8),
  );

/** Runs the body for each bank of a hart; `br` to `next` goes to the following one. */
const eachBank = (hart: Code, bank: number, left: number, body: Code): Code =>
  seq(
    set(bank, op('i32.add', hart, i32c(HART_BANKS))),
    set(left, i32c(BANK_COUNT)),
    loop(
      'banks',
      block('next', body),
      set(bank, op('i32.add', get(bank), i32c(BANK_BYTES))),
      brIf('banks', tee(left, op('i32.sub', get(left), i32c(1)))),
    ),
  );

/** Whether a bank is not of an address space, if that is not any. */
const isOther = (bank: Code, asid: Code): Code =>
  op(
    'i32.and',
    op('i32.ne', asid, i32c(ANY_ASID)),
    op(
      'i32.or',
      op('i32.eqz', masked(load('i32.load', bank, BANK_MODE), i32c(MODE_TRANSLATED))),
      op(
        'i32.ne',
        asid,
        masked(
          op('i32.wrap_i64', op('i64.shr_u', load('i64.load', bank, BANK_SATP), i64c(SATP_ASID_SHIFT))),
          i32c(0xffff),
        ),
      ),
    ),
  );

/**
 * `selectBank(hart, mode)`: address of the bank for satp and these MODE_* bits. If there is none, the one that is free or
 * was chosen longest ago becomes it.
 */
export function buildSelectBank(): FunctionBody {
  const f = new FunctionBody(2);
  const [hart, mode] = [get(0), get(1)];
  const bank = f.local('i32');
  const left = f.local('i32');
  const oldest = f.local('i32');
  const satp = f.local('i64');
  const age = f.local('i64');
  const uses = f.local('i64');
  seq(
    // Physical addressing does not depend on satp.
    when(masked(mode, i32c(MODE_TRANSLATED)), set(satp, pair(hart, HART_SATP))),
    set(uses, op('i64.add', pair(hart, HART_BANK_USES), i64c(1))),
    setPair(hart, HART_BANK_USES, get(uses)),
    set(age, get(uses)),
    eachBank(
      hart,
      bank,
      left,
      seq(
        when(
          op('i64.lt_u', lastUse(get(bank)), get(age)),
          seq(set(age, lastUse(get(bank))), set(oldest, get(bank))),
        ),
        brIf('next', isFree(get(bank))),
        brIf('next', op('i32.ne', load('i32.load', get(bank), BANK_MODE), mode)),
        brIf('next', op('i64.ne', load('i64.load', get(bank), BANK_SATP), get(satp))),
        store('i64.store', get(bank), get(uses), BANK_LAST_USE),
        ret(get(bank)),
      ),
    ),
    clear(get(oldest)),
    store('i64.store', get(oldest), get(satp), BANK_SATP),
    store('i32.store', get(oldest), mode, BANK_MODE),
    store('i64.store', get(oldest), get(uses), BANK_LAST_USE),
    get(oldest),
  )(f);
  return f;
}

/** `flushBank(hart, bank)`: forgets a bank's translations. One that is not in use now is free for another key. */
export function buildFlushBank(): FunctionBody {
  const f = new FunctionBody(2);
  const [hart, bank] = [get(0), get(1)];
  when(
    op(
      'i32.or',
      op('i32.eq', word(hart, HART_DATA_BANK), bank),
      op('i32.eq', word(hart, HART_FETCH_BANK), bank),
    ),
    clear(bank),
    store('i64.store', bank, i64c(0), BANK_LAST_USE),
  )(f);
  return f;
}

/** `flushBanks(hart, asid)`: forgets the translations of an address space, or all for -1. Global ones may go too. */
export function buildFlushBanks({ flushBank }: CoreIndices): FunctionBody {
  const f = new FunctionBody(2);
  const [hart, asid] = [get(0), get(1)];
  const bank = f.local('i32');
  const left = f.local('i32');
  eachBank(
    hart,
    bank,
    left,
    seq(
      brIf('next', isFree(get(bank))),
      brIf('next', isOther(get(bank), asid)),
      call(flushBank, hart, get(bank)),
    ),
  )(f);
  return f;
}

/**
 * `flushPage(hart, low, high, asid)`: forgets the translation of the page that holds an address (given as its low and high
 * 32 bits), in an address space, or in all for -1.
 */
export function buildFlushPage({ flushBank }: CoreIndices): FunctionBody {
  const f = new FunctionBody(4);
  const [hart, low, high, asid] = [get(0), get(1), get(2), get(3)];
  const bank = f.local('i32');
  const left = f.local('i32');
  const va = f.local('i64');
  const entry = f.local('i32');
  const forget = (cache: number): Code => store('i64.store', get(entry), i64c(NO_TAG), cache);
  seq(
    set(va, op('i64.or', op('i64.extend_i32_u', low), op('i64.shl', op('i64.extend_i32_u', high), i64c(32)))),
    eachBank(
      hart,
      bank,
      left,
      seq(
        brIf('next', isFree(get(bank))),
        brIf('next', isOther(get(bank), asid)),
        when(
          op(
            'i32.and',
            op('i64.ge_u', get(va), load('i64.load', get(bank), BANK_SUPERPAGES)),
            op('i64.le_u', get(va), load('i64.load', get(bank), BANK_SUPERPAGES + 8)),
          ),
          // Any address of a superpage names all of it.
          seq(call(flushBank, hart, get(bank)), br('next')),
        ),
        set(entry, tlbTag(get(bank), op('i64.and', get(va), i64c(-4096)))),
        forget(TLB_LOADS),
        forget(TLB_STORES),
        forget(TLB_FETCHES),
      ),
    ),
  )(f);
  return f;
}

/** `sfenceVma(hart)`: the helper. Arguments: which operands are given, address, ASID. */
export function buildSfenceVma({ flushBanks, flushPage }: CoreIndices): FunctionBody {
  const f = new FunctionBody(1);
  const hart = get(0);
  const privilege = word(hart, HART_PRIVILEGE);
  const asid = f.local('i32');
  const given = (bits: number): Code => masked(word(hart, HART_ARGUMENTS), i32c(bits));
  seq(
    when(op('i32.eq', privilege, i32c(PRIVILEGE_USER)), illegal(hart)),
    when(
      op('i32.eq', privilege, i32c(PRIVILEGE_SUPERVISOR)),
      when(masked(word(hart, HART_MSTATUS), i32c(MSTATUS_TVM)), illegal(hart)),
    ),
    set(
      asid,
      op('select', masked(word(hart, HART_ARGUMENTS + 4), i32c(0xffff)), i32c(ANY_ASID), given(SFENCE_ASID)),
    ),
    // A fence of an address without an ASID reaches global pages, with one it does not; telling more than asked is harmless.
    when(
      given(SFENCE_ADDRESS),
      call(flushPage, hart, word(hart, HART_ARGUMENTS + 2), word(hart, HART_ARGUMENTS + 3), get(asid)),
      call(flushBanks, hart, get(asid)),
    ),
    advancePc(hart),
    i32c(HELPER_JUMP),
  )(f);
  return f;
}

/** `orderInvalidation(hart)`: the helper. Fences are in order anyway. */
export function buildOrderInvalidation(): FunctionBody {
  const f = new FunctionBody(1);
  when(op('i32.eq', word(get(0), HART_PRIVILEGE), i32c(PRIVILEGE_USER)), illegal(get(0)))(f);
  i32c(HELPER_DONE)(f);
  return f;
}
