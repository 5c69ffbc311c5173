import { HART_PC, HART_X } from '@faultline/mmu-emu';
import * as excp from '../abi/exceptions.js';
import type { Status } from '../abi/status.js';
import { statusName } from '../abi/status-name.js';

const GENERAL_REGISTERS = 32;

/** Why a thread could not go on: what `zx_exception_report_t` says, and where it was. */
export interface ExceptionReport {
  /** `ZX_EXCP_*` */
  readonly type: number;
  /** scause; 0 for policy exceptions. */
  readonly cause: number;
  /** stval: the address of a fault, the bits of an undefined instruction; 0 for policy exceptions. */
  readonly address: bigint;
  /** For a fatal page fault, what was attempted; null otherwise. */
  readonly access: 'read' | 'write' | 'execute' | null;
  /** Why a page fault is fatal (a status as u32), or the policy that was violated (`ZX_EXCP_POLICY_CODE_*`). */
  readonly synthCode: number;
  readonly synthData: number;
  /** Address of the instruction. */
  readonly pc: bigint;
  /** `zx_riscv64_thread_state_general_regs_t`: pc, then x1 to x31. */
  readonly registers: BigUint64Array;
}

/** The general registers in a saved or loaded context. */
export function generalRegisters(context: Uint32Array): BigUint64Array {
  const registers = new BigUint64Array(GENERAL_REGISTERS);
  registers[0] = wordPair(context, HART_PC);
  for (let index = 1; index < GENERAL_REGISTERS; index += 1) {
    registers[index] = wordPair(context, HART_X + 2 * index);
  }
  return registers;
}

/** The 64-bit value in two words. */
export function wordPair(words: Uint32Array, index: number): bigint {
  return (BigInt(words[index + 1]) << 32n) | BigInt(words[index]);
}

const TYPE_NAMES = new Map([
  [excp.ZX_EXCP_GENERAL, 'general exception'],
  [excp.ZX_EXCP_FATAL_PAGE_FAULT, 'fatal page fault'],
  [excp.ZX_EXCP_UNDEFINED_INSTRUCTION, 'undefined instruction'],
  [excp.ZX_EXCP_SW_BREAKPOINT, 'breakpoint'],
  [excp.ZX_EXCP_UNALIGNED_ACCESS, 'unaligned access'],
  [excp.ZX_EXCP_POLICY_ERROR, 'policy error'],
]);

/** One line for people: what happened, where, and why. */
export function describeException(report: ExceptionReport): string {
  const name = TYPE_NAMES.get(report.type) ?? `exception 0x${report.type.toString(16)}`;
  const pc = `at pc 0x${report.pc.toString(16)}`;
  const address = `0x${report.address.toString(16)}`;
  switch (report.type) {
    case excp.ZX_EXCP_FATAL_PAGE_FAULT: {
      const status: Status = report.synthCode | 0;
      return `${name}: ${report.access ?? 'access'} of ${address} ${pc}: ${statusName(status)} (${status})`;
    }
    case excp.ZX_EXCP_UNDEFINED_INSTRUCTION:
      return `${name} ${address} ${pc}`;
    case excp.ZX_EXCP_POLICY_ERROR:
      return report.synthCode === excp.ZX_EXCP_POLICY_CODE_BAD_SYSCALL
        ? `${name}: system call ${report.synthData} from outside the vDSO ${pc}`
        : `${name} ${report.synthCode} ${pc}`;
    case excp.ZX_EXCP_UNALIGNED_ACCESS:
      return `${name} to ${address} ${pc}`;
    default:
      return `${name} ${pc}`;
  }
}
