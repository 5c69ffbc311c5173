/**
 * Taking and returning from traps, in full-system mode.
 *
 * @see The RISC-V Instruction Set Manual, Volume II, "Privilege and Global Interrupt-Enable Stack in mstatus register",
 * "Machine Trap Delegation (medeleg and mideleg) Registers", "Machine Trap-Vector Base-Address (mtvec) Register",
 * "Machine Interrupt (mip and mie) Registers"
 */

import {
  INTERRUPT_MACHINE_EXTERNAL,
  INTERRUPT_MACHINE_SOFTWARE,
  INTERRUPT_MACHINE_TIMER,
  INTERRUPT_SUPERVISOR_EXTERNAL,
  INTERRUPT_SUPERVISOR_SOFTWARE,
  INTERRUPT_SUPERVISOR_TIMER,
  PRIVILEGE_MACHINE,
  PRIVILEGE_SUPERVISOR,
} from './causes.js';
import {
  MSTATUS_MIE,
  MSTATUS_MPIE,
  MSTATUS_MPP,
  MSTATUS_MPP_SHIFT,
  MSTATUS_MPRV,
  MSTATUS_SIE,
  MSTATUS_SPIE,
  MSTATUS_SPP,
} from './mstatus.js';
import {
  HART_MCAUSE,
  HART_MEDELEG,
  HART_MEPC,
  HART_MIDELEG,
  HART_MIE,
  HART_MIP,
  HART_MSTATUS,
  HART_MTVAL,
  HART_MTVEC,
  HART_PC,
  HART_PRIVILEGE,
  HART_SCAUSE,
  HART_SEPC,
  HART_STVAL,
  HART_STVEC,
} from './state.js';

/** Highest priority first. */
const PRIORITY = [
  INTERRUPT_MACHINE_EXTERNAL,
  INTERRUPT_MACHINE_SOFTWARE,
  INTERRUPT_MACHINE_TIMER,
  INTERRUPT_SUPERVISOR_EXTERNAL,
  INTERRUPT_SUPERVISOR_SOFTWARE,
  INTERRUPT_SUPERVISOR_TIMER,
] as const;

const INTERRUPT_BIT_HIGH = 0x8000_0000;
const VECTORED = 1;

/** The interrupt that the hart must take now, or -1. */
export function pendingInterrupt(state: Uint32Array): number {
  const pending = state[HART_MIP] & state[HART_MIE];
  if (pending === 0) return -1;
  const privilege = state[HART_PRIVILEGE];
  const mstatus = state[HART_MSTATUS];
  const delegated = state[HART_MIDELEG];
  const machineOn = privilege < PRIVILEGE_MACHINE || (mstatus & MSTATUS_MIE) !== 0;
  const supervisorOn =
    privilege < PRIVILEGE_SUPERVISOR || (privilege === PRIVILEGE_SUPERVISOR && (mstatus & MSTATUS_SIE) !== 0);
  const forMachine = machineOn ? pending & ~delegated : 0;
  const taken = forMachine !== 0 ? forMachine : supervisorOn ? pending & delegated : 0;
  for (const number of PRIORITY) if ((taken >>> number) & 1) return number;
  return -1;
}

/**
 * Enters the handler of a trap: the pc in the state is the trap's, and becomes the handler's. The caller recomputes
 * how addresses translate.
 * @param cause number without the interrupt bit.
 */
export function enterTrap(
  state: Uint32Array,
  cause: number,
  interrupt: boolean,
  tvalLow: number,
  tvalHigh: number,
): void {
  const privilege = state[HART_PRIVILEGE];
  const delegation = state[interrupt ? HART_MIDELEG : HART_MEDELEG];
  const toSupervisor = privilege <= PRIVILEGE_SUPERVISOR && ((delegation >>> cause) & 1) === 1;
  const epc = toSupervisor ? HART_SEPC : HART_MEPC;
  const causeWord = toSupervisor ? HART_SCAUSE : HART_MCAUSE;
  const tval = toSupervisor ? HART_STVAL : HART_MTVAL;
  const tvec = toSupervisor ? HART_STVEC : HART_MTVEC;
  state[epc] = state[HART_PC]!;
  state[epc + 1] = state[HART_PC + 1]!;
  state[causeWord] = cause;
  state[causeWord + 1] = interrupt ? INTERRUPT_BIT_HIGH : 0;
  state[tval] = tvalLow;
  state[tval + 1] = tvalHigh;
  let mstatus = state[HART_MSTATUS];
  if (toSupervisor) {
    const enabled = mstatus & MSTATUS_SIE ? MSTATUS_SPIE : 0;
    const previous = privilege === PRIVILEGE_SUPERVISOR ? MSTATUS_SPP : 0;
    mstatus = (mstatus & ~(MSTATUS_SIE | MSTATUS_SPIE | MSTATUS_SPP)) | enabled | previous;
    state[HART_PRIVILEGE] = PRIVILEGE_SUPERVISOR;
  } else {
    const enabled = mstatus & MSTATUS_MIE ? MSTATUS_MPIE : 0;
    mstatus =
      (mstatus & ~(MSTATUS_MIE | MSTATUS_MPIE | MSTATUS_MPP)) | enabled | (privilege << MSTATUS_MPP_SHIFT);
    state[HART_PRIVILEGE] = PRIVILEGE_MACHINE;
  }
  state[HART_MSTATUS] = mstatus;
  const vector = state[tvec];
  const low = (vector & ~VECTORED) >>> 0;
  const target = interrupt && vector & VECTORED ? low + 4 * cause : low;
  state[HART_PC] = target;
  state[HART_PC + 1] = state[tvec + 1] + (target >= 2 ** 32 ? 1 : 0);
}

/** mret: the pc, privilege and interrupt enable from before the trap into machine mode. */
export function returnFromMachine(state: Uint32Array): void {
  const mstatus = state[HART_MSTATUS];
  const privilege = (mstatus & MSTATUS_MPP) >>> MSTATUS_MPP_SHIFT;
  const enabled = mstatus & MSTATUS_MPIE ? MSTATUS_MIE : 0;
  const cleared = MSTATUS_MIE | MSTATUS_MPP | (privilege === PRIVILEGE_MACHINE ? 0 : MSTATUS_MPRV);
  state[HART_MSTATUS] = (mstatus & ~cleared) | enabled | MSTATUS_MPIE;
  state[HART_PRIVILEGE] = privilege;
  state[HART_PC] = state[HART_MEPC]!;
  state[HART_PC + 1] = state[HART_MEPC + 1]!;
}

/** sret: as mret, from supervisor mode. */
export function returnFromSupervisor(state: Uint32Array): void {
  const mstatus = state[HART_MSTATUS];
  const enabled = mstatus & MSTATUS_SPIE ? MSTATUS_SIE : 0;
  const cleared = MSTATUS_SIE | MSTATUS_SPP | MSTATUS_MPRV;
  state[HART_PRIVILEGE] = mstatus & MSTATUS_SPP ? PRIVILEGE_SUPERVISOR : 0;
  state[HART_MSTATUS] = (mstatus & ~cleared) | enabled | MSTATUS_SPIE;
  state[HART_PC] = state[HART_SEPC]!;
  state[HART_PC + 1] = state[HART_SEPC + 1]!;
}
