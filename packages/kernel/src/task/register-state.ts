/**
 * The registers of a thread as debuggers see them.
 *
 * @see Zircon `zx_thread_read_state`, `zx_thread_write_state`; `<zircon/syscalls/debug.h>`
 */
import { HART_F, HART_FCSR, HART_PC, HART_X } from '@faultline/mmu-emu';
import { FP_REGS_BYTES, FP_REGS_FCSR, GENERAL_REGS_BYTES } from '../abi/task.js';
import { ZX_ERR_INVALID_ARGS, ZX_OK, type Status } from '../abi/status.js';
import { ZX_USER_ASPACE_BASE, ZX_USER_ASPACE_SIZE } from '../abi/vm.js';

const REGISTERS = 32;
const USER_END = BigInt(ZX_USER_ASPACE_BASE + ZX_USER_ASPACE_SIZE);
/** Flags and rounding mode; the other bits of fcsr are 0. */
const FCSR_MASK = 0xff;

/** One kind of registers: how it lies in a debugger's buffer. */
export interface RegisterSet {
  readonly bytes: number;
  /** @param context words of a hart's context */
  read(context: Uint32Array, view: DataView): void;
  /** @returns ZX_OK; ZX_ERR_INVALID_ARGS: no thread can have these values, and nothing is changed */
  write(context: Uint32Array, view: DataView): Status;
}

/** `zx_riscv64_thread_state_general_regs_t`: pc, then x1 to x31, 64 bits each. */
export const GENERAL_REGISTERS: RegisterSet = {
  bytes: GENERAL_REGS_BYTES,
  read: (context, view) => {
    for (let index = 0; index < REGISTERS; index += 1) copyOut(context, placeOf(index), view, 8 * index);
  },
  write: (context, view) => {
    if (view.getBigUint64(0, true) >= USER_END) return ZX_ERR_INVALID_ARGS;
    for (let index = 0; index < REGISTERS; index += 1) copyIn(context, placeOf(index), view, 8 * index);
    return ZX_OK;
  },
};

/** `zx_riscv64_thread_state_fp_regs_t`: f0 to f31 in the low half of 128 bits each, then fcsr. */
export const FLOATING_POINT_REGISTERS: RegisterSet = {
  bytes: FP_REGS_BYTES,
  read: (context, view) => {
    for (let index = 0; index < REGISTERS; index += 1) copyOut(context, HART_F + 2 * index, view, 16 * index);
    view.setUint32(FP_REGS_FCSR, context[HART_FCSR], true);
  },
  write: (context, view) => {
    for (let index = 0; index < REGISTERS; index += 1) copyIn(context, HART_F + 2 * index, view, 16 * index);
    context[HART_FCSR] = view.getUint32(FP_REGS_FCSR, true) & FCSR_MASK;
    return ZX_OK;
  },
};

/** Where a general register lies in a context; the first is pc. */
function placeOf(index: number): number {
  return index === 0 ? HART_PC : HART_X + 2 * index;
}

function copyOut(context: Uint32Array, place: number, view: DataView, offset: number): void {
  view.setUint32(offset, context[place], true);
  view.setUint32(offset + 4, context[place + 1], true);
}

function copyIn(context: Uint32Array, place: number, view: DataView, offset: number): void {
  context[place] = view.getUint32(offset, true);
  context[place + 1] = view.getUint32(offset + 4, true);
}
