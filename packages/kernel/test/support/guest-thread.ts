/** A thread that makes an access, or a few, in user mode, on a hart, and waits as a kernel's threads do. */
import {
  CAUSE_FETCH_PAGE_FAULT,
  CAUSE_LOAD_PAGE_FAULT,
  CAUSE_STORE_PAGE_FAULT,
  CAUSE_USER_ECALL,
  CONTEXT_WORDS,
  EXIT_TRAP,
  HART_CAUSE,
  HART_PC,
  HART_TVAL,
  HART_X,
} from '@faultline/mmu-emu';
import { ZX_OK, type Status } from '../../src/abi/status.js';
import type { KernelState } from '../../src/kernel-state.js';
import { Waiter } from '../../src/task/waiter.js';
import { AddressSpace } from '../../src/vm/address-space.js';
import { FAULT_EXECUTE, FAULT_READ, FAULT_WRITE, type FaultKind } from '../../src/vm/fault-kind.js';
import { accessCode, type Access } from './access-code.js';
import type { AccessingThread, Outcome, ThreadDriver } from './thread-driver.js';
import type { VmFixture } from './vm-fixture.js';

const KINDS = new Map<number, FaultKind>([
  [CAUSE_LOAD_PAGE_FAULT, FAULT_READ],
  [CAUSE_STORE_PAGE_FAULT, FAULT_WRITE],
  [CAUSE_FETCH_PAGE_FAULT, FAULT_EXECUTE],
]);
const A0 = 10;
const A1 = 11;

export const OBJECTS_OF_DRIVER = 0;

export function completeState(_state: KernelState): void {}

export function createSpace(state: KernelState): AddressSpace {
  const space = AddressSpace.create(state);
  if (typeof space === 'number') throw new Error(`no address space: ${space}`);
  return space;
}

export function destroySpace(space: AddressSpace): void {
  space.destroy();
}

export class GuestThread extends Waiter implements AccessingThread {
  outcome: Outcome = { end: 'running' };
  private readonly context = new Uint32Array(CONTEXT_WORDS);
  private faultAddress = 0;

  private constructor(
    private readonly fixture: VmFixture,
    private readonly space: AddressSpace,
    readonly address: number,
  ) {
    super(fixture.state.timers);
  }

  static start(
    fixture: VmFixture,
    space: AddressSpace,
    access: Access,
    address: number,
    value = 0n,
  ): GuestThread {
    const thread = new GuestThread(fixture, space, address);
    thread.set(HART_PC, BigInt(accessCode(fixture.state, space, access, 'ecall')));
    thread.set(HART_X + 2 * A0, value);
    thread.set(HART_X + 2 * A1, BigInt(address));
    thread.run();
    return thread;
  }

  get isBlocked(): boolean {
    return this.blocker !== null;
  }

  protected override resume(status: Status): void {
    this.fixture.state.work.post({
      perform: () => {
        if (status === ZX_OK) this.run();
        else this.outcome = { end: 'crash', address: this.faultAddress, status };
      },
    });
  }

  private run(): void {
    const hart = this.fixture.nextHart();
    this.space.activate(hart);
    hart.context.set(this.context);
    for (;;) {
      if (hart.run(1000) !== EXIT_TRAP) throw new Error('it runs for longer than a hundred accesses');
      const cause = hart.state[HART_CAUSE];
      if (cause === CAUSE_USER_ECALL) {
        this.context.set(hart.context);
        this.outcome = { end: 'done', value: this.get(HART_X + 2 * A0) };
        return;
      }
      const kind = KINDS.get(cause);
      if (kind === undefined) throw new Error(`trap ${cause}`);
      this.faultAddress = hart.state[HART_TVAL + 1] * 2 ** 32 + hart.state[HART_TVAL];
      const outcome = this.space.fault(this.faultAddress, kind);
      if (outcome === ZX_OK) continue;
      if (typeof outcome === 'number')
        this.outcome = { end: 'crash', address: this.faultAddress, status: outcome };
      else {
        this.context.set(hart.context);
        this.block(outcome);
      }
      return;
    }
  }

  private set(word: number, value: bigint): void {
    this.context[word] = Number(value & 0xffff_ffffn);
    this.context[word + 1] = Number(value >> 32n);
  }

  private get(word: number): bigint {
    return (BigInt(this.context[word + 1]) << 32n) | BigInt(this.context[word]);
  }
}

({ OBJECTS_OF_DRIVER, completeState, createSpace, destroySpace, GuestThread }) satisfies ThreadDriver;
