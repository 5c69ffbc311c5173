/**
 * Exception and interrupt numbers of xcause.
 *
 * @see The RISC-V Instruction Set Manual, Volume II, "Machine Cause (mcause) Register"
 */

export const CAUSE_FETCH_MISALIGNED = 0;
export const CAUSE_FETCH_ACCESS = 1;
export const CAUSE_ILLEGAL_INSTRUCTION = 2;
export const CAUSE_BREAKPOINT = 3;
export const CAUSE_LOAD_MISALIGNED = 4;
export const CAUSE_LOAD_ACCESS = 5;
export const CAUSE_STORE_MISALIGNED = 6;
export const CAUSE_STORE_ACCESS = 7;
export const CAUSE_USER_ECALL = 8;
export const CAUSE_SUPERVISOR_ECALL = 9;
export const CAUSE_MACHINE_ECALL = 11;
export const CAUSE_FETCH_PAGE_FAULT = 12;
export const CAUSE_LOAD_PAGE_FAULT = 13;
export const CAUSE_STORE_PAGE_FAULT = 15;

export const INTERRUPT_SUPERVISOR_SOFTWARE = 1;
export const INTERRUPT_MACHINE_SOFTWARE = 3;
export const INTERRUPT_SUPERVISOR_TIMER = 5;
export const INTERRUPT_MACHINE_TIMER = 7;
export const INTERRUPT_SUPERVISOR_EXTERNAL = 9;
export const INTERRUPT_MACHINE_EXTERNAL = 11;

/** Privilege levels as mstatus.MPP and mstatus.SPP hold them. */
export const PRIVILEGE_USER = 0;
export const PRIVILEGE_SUPERVISOR = 1;
export const PRIVILEGE_MACHINE = 3;
