/**
 * Access to control and status registers, as WebAssembly, by the table of csr-table.ts.
 *
 * Three things are asked of TypeScript: what time it is, to compare the time with stimecmp, and to write a register of
 * physical memory protection.
 */

import type { CoreIndices } from '../interpreter/imports.js';
import { CSR_CLEAR, CSR_READ, CSR_SET, CSR_WRITE } from '../isa/zicsr.js';
import { CSR_NUMBERS, CSR_TABLE } from '../memory-layout.js';
import { block, br, call, get, i32c, i64c, load, op, ret, seq, set, store, tee, when } from '../wasm/code.js';
import { FunctionBody } from '../wasm/function-body.js';
import type { Code } from '../wasm/function-body.js';
import { PRIVILEGE_MACHINE, PRIVILEGE_SUPERVISOR, PRIVILEGE_USER } from './causes.js';
import { AFFECTS_TIMER, AFFECTS_TLB, AFFECTS_TRANSLATION, COUNTER_CYCLE, COUNTER_INSTRET, COUNTER_TIME, CSR_CONSTANT, CSR_DELEGATED, CSR_EFFECTS, CSR_ENTRY_BYTES, CSR_GUARD, CSR_OFFSET, CSR_READABLE, CSR_SHIFT, CSR_SPECIAL, CSR_WRITABLE, ENVCFG_CBIE, EXTERNAL_INTERRUPT, GUARD_COUNTER, GUARD_FLOAT, GUARD_STIMECMP, GUARD_TVM, MENVCFG_STCE_HIGH, SPECIAL_CBIE, SPECIAL_COUNTER, SPECIAL_FLOAT, SPECIAL_INHIBIT, SPECIAL_MIP, SPECIAL_PMP, SPECIAL_SATP, SPECIAL_SIP, SPECIAL_STATUS, SPECIAL_TIME, SPECIAL_VECTOR, TIMER_INTERRUPT } from './csr-table.js'; // prettier-ignore
import { advancePc, HELPER_DONE, HELPER_END_SLICE, HELPER_JUMP, illegal } from './helper-result.js';
import { MSTATUS_FS, MSTATUS_MPP, MSTATUS_MPP_SHIFT, MSTATUS_MPRV, MSTATUS_MXR, MSTATUS_SUM, MSTATUS_TVM } from './mstatus.js'; // prettier-ignore
import { masked, pair, setPair, setWord, word } from './state-code.js';
import { HART_ARGUMENTS, HART_EXTERNAL_PIN, HART_EXTERNAL_SOFTWARE, HART_LEFT, HART_MCOUNTEREN, HART_MCOUNTINHIBIT, HART_MCYCLE_OFFSET, HART_MENVCFG, HART_MIDELEG, HART_MINSTRET_OFFSET, HART_MSTATUS, HART_PRIVILEGE, HART_SCOUNTEREN, HART_SLICE_END } from './state.js'; // prettier-ignore

const SATP_MODE_SHIFT = 60;
const SATP_MODE_SV39 = 8;
const SATP_MODE_SV57 = 10;
const CBIE_RESERVED = 2 << 4;
const MPP_RESERVED = 2 << MSTATUS_MPP_SHIFT;
const VECTOR_MODE = 3;
const VECTOR_LAST_MODE = 1;
const SD = 1n << 63n;
/** What of mstatus decides how addresses are translated. */
const TRANSLATING = MSTATUS_MPP | MSTATUS_MPRV | MSTATUS_SUM | MSTATUS_MXR;

const byteOf = (entry: Code, offset: number): Code => load('i32.load8_u', entry, offset);
const hasSstc = (hart: Code): Code => masked(word(hart, HART_MENVCFG + 1), i32c(MENVCFG_STCE_HIGH));
/** Instructions that have retired. */
const retired = (hart: Code): Code =>
  op('i64.sub', pair(hart, HART_SLICE_END), op('i64.extend_i32_u', word(hart, HART_LEFT)));
const delegation = (hart: Code): Code => op('i64.extend_i32_u', word(hart, HART_MIDELEG));
/** Whether mcountinhibit stops the counter of an entry. */
const inhibited = (hart: Code, entry: Code): Code =>
  masked(
    word(hart, HART_MCOUNTINHIBIT),
    op(
      'select',
      i32c(COUNTER_CYCLE),
      i32c(COUNTER_INSTRET),
      op('i32.eq', load('i32.load16_u', entry, CSR_OFFSET), i32c(HART_MCYCLE_OFFSET * 4)),
    ),
  );
/** One of two i64 with bits of the other. */
const merge = (value: Code, other: Code, bits: number): Code =>
  op('i64.or', op('i64.and', value, i64c(~BigInt(bits))), op('i64.and', other, i64c(bits)));

/** `csrEntry(csr)`: address of a register's entry, or 0 where there is no such register. */
export function buildCsrEntry(): FunctionBody {
  const f = new FunctionBody(1);
  const index = f.local('i32');
  when(op('i32.eqz', tee(index, byteOf(get(0), CSR_NUMBERS))), ret(i32c(0)))(f);
  op('i32.add', op('i32.mul', get(index), i32c(CSR_ENTRY_BYTES)), i32c(CSR_TABLE))(f);
  return f;
}

/** `readCsr(hart, entry)`: the value. */
export function buildReadCsr({ time }: CoreIndices): FunctionBody {
  const f = new FunctionBody(2);
  const [hart, entry] = [get(0), get(1)];
  const value = f.local('i64');
  const special = f.local('i32');
  const is = (kind: number): Code => op('i32.eq', get(special), i32c(kind));
  const place = op('i32.add', hart, load('i32.load16_u', entry, CSR_OFFSET));
  seq(
    set(
      value,
      op(
        'i64.and',
        op('i64.shr_u', load('i64.load', place), load('i64.load8_u', entry, CSR_SHIFT)),
        load('i64.load', entry, CSR_READABLE),
      ),
    ),
    when(byteOf(entry, CSR_DELEGATED), set(value, op('i64.and', get(value), delegation(hart)))),
    set(value, op('i64.or', get(value), load('i64.load', entry, CSR_CONSTANT))),
    when(
      tee(special, byteOf(entry, CSR_SPECIAL)),
      seq(
        when(
          is(SPECIAL_STATUS),
          when(
            op('i32.eq', masked(word(hart, HART_MSTATUS), i32c(MSTATUS_FS)), i32c(MSTATUS_FS)),
            set(value, op('i64.or', get(value), i64c(SD))),
          ),
        ),
        when(
          is(SPECIAL_COUNTER),
          when(op('i32.eqz', inhibited(hart, entry)), set(value, op('i64.add', get(value), retired(hart)))),
        ),
        when(is(SPECIAL_TIME), set(value, op('i64.trunc_sat_f64_s', call(time, hart)))),
      ),
    ),
    get(value),
  )(f);
  return f;
}

/** `writeCsr(hart, entry, csr, value)`: of a register that can be written. Counters stand at the value after one instruction more. */
export function buildWriteCsr({ writePmp }: CoreIndices): FunctionBody {
  const f = new FunctionBody(4);
  const [hart, entry, csr] = [get(0), get(1), get(2)];
  const value = 3;
  const place = f.local('i32');
  const special = f.local('i32');
  const mask = f.local('i64');
  const shift = f.local('i64');
  const is = (kind: number): Code => op('i32.eq', get(special), i32c(kind));
  const low = op('i32.wrap_i64', get(value));
  const old = load('i64.load', get(place));
  const count = op('i64.add', retired(hart), i64c(1));

  /** A counter that stops keeps its value; one that goes on is kept less what has retired. */
  const stopOrGoOn = (bit: number, index: number): Code =>
    when(
      masked(op('i32.xor', word(hart, HART_MCOUNTINHIBIT), low), i32c(bit)),
      setPair(
        hart,
        index,
        op(
          'i64.add',
          pair(hart, index),
          op('select', count, op('i64.sub', i64c(0), count), masked(low, i32c(bit))),
        ),
      ),
    );
  const specials = seq(
    when(
      is(SPECIAL_STATUS),
      when(
        op('i32.eq', masked(low, i32c(MSTATUS_MPP)), i32c(MPP_RESERVED)),
        set(value, merge(get(value), old, MSTATUS_MPP)),
      ),
    ),
    when(
      is(SPECIAL_FLOAT),
      setWord(hart, HART_MSTATUS, op('i32.or', word(hart, HART_MSTATUS), i32c(MSTATUS_FS))),
    ),
    when(
      is(SPECIAL_VECTOR),
      when(op('i32.gt_u', masked(low, i32c(VECTOR_MODE)), i32c(VECTOR_LAST_MODE)), op('return')),
    ),
    when(
      is(SPECIAL_SATP),
      when(
        op(
          'i32.and',
          op('i64.ne', op('i64.shr_u', get(value), i64c(SATP_MODE_SHIFT)), i64c(0)),
          op(
            'i64.gt_u',
            op('i64.sub', op('i64.shr_u', get(value), i64c(SATP_MODE_SHIFT)), i64c(SATP_MODE_SV39)),
            i64c(SATP_MODE_SV57 - SATP_MODE_SV39),
          ),
        ),
        op('return'),
      ),
    ),
    when(
      is(SPECIAL_CBIE),
      when(
        op('i32.eq', masked(low, i32c(ENVCFG_CBIE)), i32c(CBIE_RESERVED)),
        set(value, merge(get(value), old, ENVCFG_CBIE)),
      ),
    ),
    when(
      is(SPECIAL_MIP),
      seq(
        when(hasSstc(hart), set(mask, op('i64.and', get(mask), i64c(~TIMER_INTERRUPT)))),
        setWord(hart, HART_EXTERNAL_SOFTWARE, masked(low, i32c(EXTERNAL_INTERRUPT))),
        set(value, op('i64.or', get(value), op('i64.extend_i32_u', word(hart, HART_EXTERNAL_PIN)))),
      ),
    ),
    when(
      is(SPECIAL_COUNTER),
      when(op('i32.eqz', inhibited(hart, entry)), set(value, op('i64.sub', get(value), count))),
    ),
    when(
      is(SPECIAL_INHIBIT),
      seq(stopOrGoOn(COUNTER_CYCLE, HART_MCYCLE_OFFSET), stopOrGoOn(COUNTER_INSTRET, HART_MINSTRET_OFFSET)),
    ),
    when(
      is(SPECIAL_PMP),
      seq(
        call(writePmp, hart, csr, low, op('i32.wrap_i64', op('i64.shr_u', get(value), i64c(32)))),
        op('return'),
      ),
    ),
  );
  seq(
    set(place, op('i32.add', hart, load('i32.load16_u', entry, CSR_OFFSET))),
    set(mask, load('i64.load', entry, CSR_WRITABLE)),
    when(tee(special, byteOf(entry, CSR_SPECIAL)), specials),
    when(byteOf(entry, CSR_DELEGATED), set(mask, op('i64.and', get(mask), delegation(hart)))),
    set(shift, load('i64.load8_u', entry, CSR_SHIFT)),
    set(mask, op('i64.shl', get(mask), get(shift))),
    store(
      'i64.store',
      get(place),
      op(
        'i64.or',
        op('i64.and', old, op('i64.xor', get(mask), i64c(-1))),
        op('i64.and', op('i64.shl', get(value), get(shift)), get(mask)),
      ),
    ),
  )(f);
  return f;
}

/** `csrAccess(hart)`: the helper. Arguments: number, kind of access, operand. */
export function buildCsrAccess(indices: CoreIndices): FunctionBody {
  const f = new FunctionBody(1);
  const hart = get(0);
  const csr = f.local('i32');
  const kind = f.local('i32');
  const entry = f.local('i32');
  const privilege = f.local('i32');
  const special = f.local('i32');
  const guard = f.local('i32');
  const effects = f.local('i32');
  const mstatus = f.local('i32');
  const old = f.local('i64');
  const value = f.local('i64');
  const hasKind = (bits: number): Code => masked(get(kind), i32c(bits));
  const affects = (bits: number): Code => masked(get(effects), i32c(bits));
  const below = (most: number): Code => op('i32.eq', get(privilege), i32c(most));
  const illegalIf = (condition: Code): Code => when(condition, br('illegal'));
  const enabled = (register: number): Code =>
    masked(op('i32.shr_u', word(hart, register), masked(get(csr), i32c(31))), i32c(1));
  const isSpecial = (which: number): Code => op('i32.eq', get(special), i32c(which));

  const guards = seq(
    when(
      op('i32.eq', get(guard), i32c(GUARD_FLOAT)),
      illegalIf(op('i32.eqz', masked(word(hart, HART_MSTATUS), i32c(MSTATUS_FS)))),
    ),
    when(
      op('i32.eq', get(guard), i32c(GUARD_TVM)),
      when(below(PRIVILEGE_SUPERVISOR), illegalIf(masked(word(hart, HART_MSTATUS), i32c(MSTATUS_TVM)))),
    ),
    when(
      op('i32.eq', get(guard), i32c(GUARD_STIMECMP)),
      when(
        below(PRIVILEGE_SUPERVISOR),
        seq(
          illegalIf(op('i32.eqz', hasSstc(hart))),
          illegalIf(op('i32.eqz', masked(word(hart, HART_MCOUNTEREN), i32c(COUNTER_TIME)))),
        ),
      ),
    ),
    when(
      op('i32.eq', get(guard), i32c(GUARD_COUNTER)),
      when(
        op('i32.ne', get(privilege), i32c(PRIVILEGE_MACHINE)),
        seq(
          illegalIf(op('i32.eqz', enabled(HART_MCOUNTEREN))),
          when(below(PRIVILEGE_USER), illegalIf(op('i32.eqz', enabled(HART_SCOUNTEREN)))),
        ),
      ),
    ),
  );

  const modify = seq(
    set(value, get(old)),
    when(
      isSpecial(SPECIAL_MIP),
      set(
        value,
        op(
          'i64.or',
          op('i64.and', get(old), i64c(~EXTERNAL_INTERRUPT)),
          op('i64.extend_i32_u', word(hart, HART_EXTERNAL_SOFTWARE)),
        ),
      ),
    ),
    set(
      value,
      op(
        'select',
        op('i64.or', get(value), pair(hart, HART_ARGUMENTS + 4)),
        op('i64.and', get(value), op('i64.xor', pair(hart, HART_ARGUMENTS + 4), i64c(-1))),
        hasKind(CSR_SET),
      ),
    ),
  );

  seq(
    block(
      'illegal',
      set(csr, word(hart, HART_ARGUMENTS)),
      set(kind, word(hart, HART_ARGUMENTS + 2)),
      set(privilege, word(hart, HART_PRIVILEGE)),
      illegalIf(op('i32.eqz', tee(entry, call(indices.csrEntry, get(csr))))),
      illegalIf(
        op('i32.lt_u', get(privilege), masked(op('i32.shr_u', get(csr), i32c(8)), i32c(PRIVILEGE_MACHINE))),
      ),
      when(
        hasKind(CSR_WRITE | CSR_SET | CSR_CLEAR),
        illegalIf(op('i32.eq', op('i32.shr_u', get(csr), i32c(10)), i32c(3))),
      ),
      when(tee(guard, byteOf(get(entry), CSR_GUARD)), guards),
      set(special, byteOf(get(entry), CSR_SPECIAL)),
      when(
        op('i32.or', isSpecial(SPECIAL_SIP), isSpecial(SPECIAL_MIP)),
        when(hasSstc(hart), call(indices.compareTime, hart)),
      ),
      set(old, call(indices.readCsr, hart, get(entry))),
      set(value, pair(hart, HART_ARGUMENTS + 4)),
      when(hasKind(CSR_SET | CSR_CLEAR), modify),
      setPair(hart, HART_ARGUMENTS, op('select', get(old), i64c(0), hasKind(CSR_READ))),
      when(op('i32.eqz', hasKind(CSR_WRITE | CSR_SET | CSR_CLEAR)), ret(i32c(HELPER_DONE))),
      set(mstatus, word(hart, HART_MSTATUS)),
      call(indices.writeCsr, hart, get(entry), get(csr), get(value)),
      when(op('i32.eqz', tee(effects, byteOf(get(entry), CSR_EFFECTS))), ret(i32c(HELPER_DONE))),
      // Interrupts are switched off and on all the time, and change nothing else.
      when(
        isSpecial(SPECIAL_STATUS),
        when(
          op('i32.eqz', masked(op('i32.xor', get(mstatus), word(hart, HART_MSTATUS)), i32c(TRANSLATING))),
          set(effects, i32c(0)),
        ),
      ),
      when(affects(AFFECTS_TLB), call(indices.flushBanks, hart, i32c(-1))),
      when(affects(AFFECTS_TRANSLATION), call(indices.updateAddressSpace, hart)),
      when(
        affects(AFFECTS_TIMER),
        seq(
          call(indices.compareTime, hart),
          // The slice may be longer than there is time.
          advancePc(hart),
          ret(i32c(HELPER_END_SLICE)),
        ),
      ),
      when(
        op('i32.ge_s', call(indices.pendingInterrupt, hart), i32c(0)),
        seq(advancePc(hart), ret(i32c(HELPER_END_SLICE))),
      ),
      when(affects(AFFECTS_TRANSLATION), seq(advancePc(hart), ret(i32c(HELPER_JUMP)))),
      ret(i32c(HELPER_DONE)),
    ),
    illegal(hart),
    op('unreachable'),
  )(f);
  return f;
}

/** `readCsrOfHost(hart, csr)`: as machine mode reads, whatever the hart does. The value goes to HART_ARGUMENTS; 0 if there is no such register. */
export function buildReadCsrOfHost({ csrEntry, readCsr }: CoreIndices): FunctionBody {
  const f = new FunctionBody(2);
  const [hart, csr] = [get(0), get(1)];
  const entry = f.local('i32');
  when(op('i32.eqz', tee(entry, call(csrEntry, csr))), ret(i32c(0)))(f);
  setPair(hart, HART_ARGUMENTS, call(readCsr, hart, get(entry)))(f);
  i32c(1)(f);
  return f;
}

/** `writeCsrOfHost(hart, csr)`: as machine mode writes HART_ARGUMENTS. What depends on the register is the caller's to update. 0 if it cannot be written. */
export function buildWriteCsrOfHost({ csrEntry, writeCsr }: CoreIndices): FunctionBody {
  const f = new FunctionBody(2);
  const [hart, csr] = [get(0), get(1)];
  const entry = f.local('i32');
  when(op('i32.eq', op('i32.shr_u', csr, i32c(10)), i32c(3)), ret(i32c(0)))(f);
  when(op('i32.eqz', tee(entry, call(csrEntry, csr))), ret(i32c(0)))(f);
  call(writeCsr, hart, get(entry), csr, pair(hart, HART_ARGUMENTS))(f);
  i32c(1)(f);
  return f;
}
