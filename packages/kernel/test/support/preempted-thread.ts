/** A thread of a guest that runs for exactly as many instructions as it is given at a time, on whichever hart. */
import { CAUSE_FETCH_PAGE_FAULT, CAUSE_USER_ECALL, CONTEXT_WORDS, EXIT_BUDGET, EXIT_TRAP, HART_CAUSE, HART_PC, HART_TVAL, HART_X, type Hart } from '@faultline/mmu-emu'; // prettier-ignore
import { ZX_OK, type Status } from '../../src/abi/status.js';
import type { KernelState } from '../../src/kernel-state.js';
import { Waiter } from '../../src/task/waiter.js';
import type { AddressSpace } from '../../src/vm/address-space.js';
import { FAULT_EXECUTE } from '../../src/vm/fault-kind.js';

/** How a slice ended: its budget is used up, the thread waits for the page of its next instruction, or it has made a system call. */
export type SliceEnd = 'budget' | 'waits' | 'ecall';

export class PreemptedThread extends Waiter {
  private readonly context = new Uint32Array(CONTEXT_WORDS);

  constructor(
    state: KernelState,
    private readonly space: AddressSpace,
    pc: number,
    registers: Readonly<Record<number, bigint>>,
  ) {
    super(state.timers);
    this.set(HART_PC, BigInt(pc));
    for (const [register, value] of Object.entries(registers)) this.set(HART_X + 2 * Number(register), value);
  }

  get pc(): number {
    return Number(this.get(HART_PC));
  }

  x(register: number): bigint {
    return this.get(HART_X + 2 * register);
  }

  get isBlocked(): boolean {
    return this.blocker !== null;
  }

  /** Runs on a hart. @returns how it ended, and the instructions retired */
  run(hart: Hart, budget: number): { readonly end: SliceEnd; readonly retired: number } {
    if (this.isBlocked) throw new Error('it waits');
    this.space.activate(hart);
    hart.context.set(this.context);
    let retired = 0;
    for (;;) {
      const reason = hart.run(budget - retired);
      retired += hart.retired;
      this.context.set(hart.context);
      if (reason === EXIT_BUDGET) return { end: 'budget', retired };
      const cause = hart.state[HART_CAUSE];
      if (reason === EXIT_TRAP && cause === CAUSE_USER_ECALL) return { end: 'ecall', retired };
      if (reason !== EXIT_TRAP || cause !== CAUSE_FETCH_PAGE_FAULT)
        throw new Error(`exit ${reason}, cause ${cause}`);
      const address = hart.state[HART_TVAL + 1] * 2 ** 32 + hart.state[HART_TVAL];
      const outcome = this.space.fault(address, FAULT_EXECUTE);
      if (outcome === ZX_OK) continue;
      if (typeof outcome === 'number') throw new Error(`status ${outcome}`);
      this.block(outcome);
      return { end: 'waits', retired };
    }
  }

  protected override resume(status: Status): void {
    if (status !== ZX_OK) throw new Error(`a page did not come: ${status}`);
  }

  private set(word: number, value: bigint): void {
    this.context[word] = Number(value & 0xffff_ffffn);
    this.context[word + 1] = Number(value >> 32n);
  }

  private get(word: number): bigint {
    return (BigInt(this.context[word + 1]) << 32n) | BigInt(this.context[word]);
  }
}
