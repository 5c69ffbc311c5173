/**
 * Taking and returning from traps, and waiting for interrupts, as WebAssembly.
 *
 * @see The RISC-V Instruction Set Manual, Volume II, "Privilege and Global Interrupt-Enable Stack in mstatus register",
 * "Machine Trap Delegation (medeleg and mideleg) Registers", "Machine Trap-Vector Base-Address (mtvec) Register",
 * "Machine Interrupt (mip and mie) Registers", "Trap-Return Instructions", "Wait for Interrupt"
 */

import type { CoreIndices } from '../interpreter/imports.js';
import { call, get, i32c, i64c, op, ret, seq, set, tee, when } from '../wasm/code.js';
import { FunctionBody } from '../wasm/function-body.js';
import type { Code } from '../wasm/function-body.js';
import {
  INTERRUPT_MACHINE_EXTERNAL,
  INTERRUPT_MACHINE_SOFTWARE,
  INTERRUPT_MACHINE_TIMER,
  INTERRUPT_SUPERVISOR_EXTERNAL,
  INTERRUPT_SUPERVISOR_SOFTWARE,
  INTERRUPT_SUPERVISOR_TIMER,
  PRIVILEGE_MACHINE,
  PRIVILEGE_SUPERVISOR,
  PRIVILEGE_USER,
} from './causes.js';
import { advancePc, HELPER_END_SLICE, HELPER_JUMP, illegal } from './helper-result.js';
import { MSTATUS_MIE, MSTATUS_MPIE, MSTATUS_MPP, MSTATUS_MPP_SHIFT, MSTATUS_MPRV, MSTATUS_SIE, MSTATUS_SPIE, MSTATUS_SPP, MSTATUS_TSR, MSTATUS_TW } from './mstatus.js'; // prettier-ignore
import { masked, pair, setPair, setWord, word } from './state-code.js';
import { HART_CAUSE, HART_FUTILE_TRAPS, HART_HOSTED, HART_LAST_TRAP, HART_LEFT, HART_MCAUSE, HART_MEDELEG, HART_MEPC, HART_MIDELEG, HART_MIE, HART_MIP, HART_MSTATUS, HART_MTVAL, HART_MTVEC, HART_PC, HART_PRIVILEGE, HART_RESERVATION, HART_SCAUSE, HART_SEPC, HART_SLICE_END, HART_STVAL, HART_STVEC, HART_TVAL, HART_WAIT_PC, HART_WAITS } from './state.js'; // prettier-ignore

/** Highest priority first. */
const PRIORITY = [
  INTERRUPT_MACHINE_EXTERNAL,
  INTERRUPT_MACHINE_SOFTWARE,
  INTERRUPT_MACHINE_TIMER,
  INTERRUPT_SUPERVISOR_EXTERNAL,
  INTERRUPT_SUPERVISOR_SOFTWARE,
  INTERRUPT_SUPERVISOR_TIMER,
] as const;

const INTERRUPT_BIT = 1n << 63n;
const VECTORED = 1;

/** Traps in a row, with nothing retired between them, after which a hart counts as waiting. */
export const FUTILE_TRAPS = 64;

const choose32 = (condition: Code, then: Code, otherwise: Code): Code =>
  op('select', then, otherwise, condition);

/** `pendingInterrupt(hart)`: the interrupt that the hart must take now, or -1. A hosted hart takes none. */
export function buildPendingInterrupt(): FunctionBody {
  const f = new FunctionBody(1);
  const hart = get(0);
  const pending = f.local('i32');
  const privilege = f.local('i32');
  const taken = f.local('i32');
  const mstatusHas = (bit: number): Code =>
    op('i32.ne', masked(word(hart, HART_MSTATUS), i32c(bit)), i32c(0));
  /** Whether interrupts to a privilege are on: always below it, by a bit in it. */
  const isOn = (level: number, bit: number): Code =>
    op(
      'i32.or',
      op('i32.lt_u', get(privilege), i32c(level)),
      op('i32.and', op('i32.eq', get(privilege), i32c(level)), mstatusHas(bit)),
    );
  seq(
    when(op('i32.eqz', tee(pending, masked(word(hart, HART_MIP), word(hart, HART_MIE)))), ret(i32c(-1))),
    when(word(hart, HART_HOSTED), ret(i32c(-1))),
    set(privilege, word(hart, HART_PRIVILEGE)),
    when(
      isOn(PRIVILEGE_MACHINE, MSTATUS_MIE),
      set(taken, masked(get(pending), op('i32.xor', word(hart, HART_MIDELEG), i32c(-1)))),
    ),
    when(
      op('i32.eqz', get(taken)),
      when(
        isOn(PRIVILEGE_SUPERVISOR, MSTATUS_SIE),
        set(taken, masked(get(pending), word(hart, HART_MIDELEG))),
      ),
    ),
    ...PRIORITY.map((number) => when(masked(get(taken), i32c(1 << number)), ret(i32c(number)))),
    i32c(-1),
  )(f);
  return f;
}

/**
 * `enterTrap(hart, cause, isInterrupt, tval)`: enters the handler of a trap. The pc in the state is the trap's, and becomes
 * the handler's. `cause` is without the interrupt bit.
 */
export function buildEnterTrap({ updateMode }: CoreIndices): FunctionBody {
  const f = new FunctionBody(4);
  const [hart, cause, isInterrupt, tval] = [get(0), get(1), get(2), get(3)];
  const privilege = f.local('i32');
  const mstatus = f.local('i32');
  const target = f.local('i64');
  /** The registers of a privilege. */
  const enter = (epc: number, xcause: number, xtval: number, xtvec: number): Code =>
    seq(
      // As where a slice begins: whatever an embedder has put there.
      setPair(hart, epc, op('i64.and', pair(hart, HART_PC), i64c(-2))),
      setPair(
        hart,
        xcause,
        op('i64.or', op('i64.extend_i32_u', cause), op('select', i64c(INTERRUPT_BIT), i64c(0), isInterrupt)),
      ),
      setPair(hart, xtval, tval),
      set(target, pair(hart, xtvec)),
    );
  /** mstatus with the bits of a level cleared, and set anew. */
  const stack = (cleared: number, enable: number, previousEnable: number, previous: Code): Code =>
    op(
      'i32.or',
      masked(get(mstatus), i32c(~cleared)),
      op('i32.or', choose32(masked(get(mstatus), i32c(enable)), i32c(previousEnable), i32c(0)), previous),
    );
  const delegated = op(
    'i32.and',
    op('i32.le_u', get(privilege), i32c(PRIVILEGE_SUPERVISOR)),
    masked(
      op('i32.shr_u', choose32(isInterrupt, word(hart, HART_MIDELEG), word(hart, HART_MEDELEG)), cause),
      i32c(1),
    ),
  );
  seq(
    set(privilege, word(hart, HART_PRIVILEGE)),
    set(mstatus, word(hart, HART_MSTATUS)),
    when(
      delegated,
      seq(
        enter(HART_SEPC, HART_SCAUSE, HART_STVAL, HART_STVEC),
        setWord(hart, HART_PRIVILEGE, i32c(PRIVILEGE_SUPERVISOR)),
        set(
          mstatus,
          stack(
            MSTATUS_SIE | MSTATUS_SPIE | MSTATUS_SPP,
            MSTATUS_SIE,
            MSTATUS_SPIE,
            choose32(get(privilege), i32c(MSTATUS_SPP), i32c(0)),
          ),
        ),
      ),
      seq(
        enter(HART_MEPC, HART_MCAUSE, HART_MTVAL, HART_MTVEC),
        setWord(hart, HART_PRIVILEGE, i32c(PRIVILEGE_MACHINE)),
        set(
          mstatus,
          stack(
            MSTATUS_MIE | MSTATUS_MPIE | MSTATUS_MPP,
            MSTATUS_MIE,
            MSTATUS_MPIE,
            op('i32.shl', get(privilege), i32c(MSTATUS_MPP_SHIFT)),
          ),
        ),
      ),
    ),
    setWord(hart, HART_MSTATUS, get(mstatus)),
    setPair(
      hart,
      HART_PC,
      op(
        'i64.add',
        op('i64.and', get(target), i64c(~VECTORED)),
        op(
          'i64.extend_i32_u',
          choose32(
            masked(isInterrupt, op('i32.wrap_i64', get(target))),
            op('i32.shl', cause, i32c(2)),
            i32c(0),
          ),
        ),
      ),
    ),
    call(updateMode, hart),
  )(f);
  return f;
}

/** Statement: the hart waits at the pc in the state. */
const wait = (hart: Code): Code =>
  seq(setWord(hart, HART_WAITS, i32c(1)), setPair(hart, HART_WAIT_PC, pair(hart, HART_PC)));

/** `takeTrap(hart)`: takes the exception in the state. Not 0 when the hart makes no progress and the slice shall end. */
export function buildTakeTrap({ enterTrap }: CoreIndices): FunctionBody {
  const f = new FunctionBody(1);
  const hart = get(0);
  const now = f.local('i64');
  const futile = f.local('i32');
  seq(
    set(now, op('i64.sub', pair(hart, HART_SLICE_END), op('i64.extend_i32_u', word(hart, HART_LEFT)))),
    set(
      futile,
      choose32(
        op('i64.eq', get(now), pair(hart, HART_LAST_TRAP)),
        op('i32.add', word(hart, HART_FUTILE_TRAPS), i32c(1)),
        i32c(0),
      ),
    ),
    setWord(hart, HART_FUTILE_TRAPS, get(futile)),
    setPair(hart, HART_LAST_TRAP, get(now)),
    setWord(hart, HART_RESERVATION, i32c(0)),
    call(enterTrap, hart, word(hart, HART_CAUSE), i32c(0), pair(hart, HART_TVAL)),
    when(op('i32.lt_u', get(futile), i32c(FUTILE_TRAPS)), ret(i32c(0))),
    wait(hart),
    i32c(1),
  )(f);
  return f;
}

/** `takeInterrupt(hart)`: takes the interrupt that is pending, which ends a wait. 0 when there is none. */
export function buildTakeInterrupt({ pendingInterrupt, enterTrap }: CoreIndices): FunctionBody {
  const f = new FunctionBody(1);
  const hart = get(0);
  const number = f.local('i32');
  seq(
    when(op('i32.lt_s', tee(number, call(pendingInterrupt, hart)), i32c(0)), ret(i32c(0))),
    setWord(hart, HART_WAITS, i32c(0)),
    setWord(hart, HART_FUTILE_TRAPS, i32c(0)),
    call(enterTrap, hart, get(number), i32c(1), i64c(0)),
    i32c(1),
  )(f);
  return f;
}

/** A helper that returns from a trap: the pc, privilege and interrupt enable from before it. */
function buildReturn(
  { updateMode, pendingInterrupt }: CoreIndices,
  forbidden: (hart: Code, privilege: Code) => Code,
  registers: { readonly epc: number; readonly enable: number; readonly previousEnable: number },
  previous: (mstatus: Code) => Code,
  cleared: (privilege: Code) => Code,
): FunctionBody {
  const f = new FunctionBody(1);
  const hart = get(0);
  const mstatus = f.local('i32');
  const privilege = f.local('i32');
  seq(
    when(forbidden(hart, word(hart, HART_PRIVILEGE)), illegal(hart)),
    set(mstatus, word(hart, HART_MSTATUS)),
    set(privilege, previous(get(mstatus))),
    setWord(hart, HART_PRIVILEGE, get(privilege)),
    setWord(
      hart,
      HART_MSTATUS,
      op(
        'i32.or',
        masked(get(mstatus), op('i32.xor', cleared(get(privilege)), i32c(-1))),
        op(
          'i32.or',
          choose32(masked(get(mstatus), i32c(registers.previousEnable)), i32c(registers.enable), i32c(0)),
          i32c(registers.previousEnable),
        ),
      ),
    ),
    setPair(hart, HART_PC, pair(hart, registers.epc)),
    call(updateMode, hart),
    choose32(
      op('i32.ge_s', call(pendingInterrupt, hart), i32c(0)),
      i32c(HELPER_END_SLICE),
      i32c(HELPER_JUMP),
    ),
  )(f);
  return f;
}

/** `mret(hart)`: the helper. */
export const buildMret = (indices: CoreIndices): FunctionBody =>
  buildReturn(
    indices,
    (_, privilege) => op('i32.ne', privilege, i32c(PRIVILEGE_MACHINE)),
    { epc: HART_MEPC, enable: MSTATUS_MIE, previousEnable: MSTATUS_MPIE },
    (mstatus) => op('i32.shr_u', masked(mstatus, i32c(MSTATUS_MPP)), i32c(MSTATUS_MPP_SHIFT)),
    (privilege) =>
      choose32(
        op('i32.eq', privilege, i32c(PRIVILEGE_MACHINE)),
        i32c(MSTATUS_MIE | MSTATUS_MPP),
        i32c(MSTATUS_MIE | MSTATUS_MPP | MSTATUS_MPRV),
      ),
  );

/** `sret(hart)`: the helper. */
export const buildSret = (indices: CoreIndices): FunctionBody =>
  buildReturn(
    indices,
    (hart, privilege) =>
      op(
        'i32.or',
        op('i32.eqz', privilege),
        op(
          'i32.and',
          op('i32.eq', privilege, i32c(PRIVILEGE_SUPERVISOR)),
          op('i32.ne', masked(word(hart, HART_MSTATUS), i32c(MSTATUS_TSR)), i32c(0)),
        ),
      ),
    { epc: HART_SEPC, enable: MSTATUS_SIE, previousEnable: MSTATUS_SPIE },
    (mstatus) => op('i32.ne', masked(mstatus, i32c(MSTATUS_SPP)), i32c(0)),
    () => i32c(MSTATUS_SIE | MSTATUS_SPP | MSTATUS_MPRV),
  );

/** `wfi(hart)`: the helper. Ends also when an interrupt is pending and enabled in mie, but not globally. */
export function buildWfi(): FunctionBody {
  const f = new FunctionBody(1);
  const hart = get(0);
  const privilege = word(hart, HART_PRIVILEGE);
  seq(
    when(op('i32.eq', privilege, i32c(PRIVILEGE_USER)), illegal(hart)),
    when(
      op('i32.eq', privilege, i32c(PRIVILEGE_SUPERVISOR)),
      when(masked(word(hart, HART_MSTATUS), i32c(MSTATUS_TW)), illegal(hart)),
    ),
    advancePc(hart),
    when(masked(word(hart, HART_MIP), word(hart, HART_MIE)), ret(i32c(HELPER_JUMP))),
    setWord(hart, HART_FUTILE_TRAPS, i32c(0)),
    wait(hart),
    i32c(HELPER_END_SLICE),
  )(f);
  return f;
}
