/** A system call whose buffers lie in an address space, as a guest's do. */
import { ZX_OK, type Status } from '../../src/abi/status.js';
import type { Caller } from '../../src/syscall/call.js';
import { CALL_TABLE, callNumber } from '../../src/syscall/table.js';
import { Waiter, advance, BLOCKED, type Operation } from '../../src/task/waiter.js';
import type { AddressSpace } from '../../src/vm/address-space.js';
import type { VmFixture } from './vm-fixture.js';

export class GuestCall extends Waiter {
  status: Status | undefined;
  private operation: Operation | null = null;

  private constructor(private readonly fixture: VmFixture) {
    super(fixture.state.timers);
  }

  /** Starts a call with the host process's handles; pointers are addresses in `space`. It runs until it ends or waits. */
  static start(
    fixture: VmFixture,
    space: AddressSpace,
    name: string,
    ...args: readonly (number | bigint)[]
  ): GuestCall {
    const number = callNumber(name);
    if (number === undefined) throw new Error(`no system call ${name}`);
    const words = new Uint32Array(16);
    args.forEach((arg, index) => {
      const value = BigInt.asUintN(64, BigInt(arg));
      words[2 * index] = Number(value & 0xffff_ffffn);
      words[2 * index + 1] = Number(value >> 32n);
    });
    const call = new GuestCall(fixture);
    const caller: Caller = {
      core: fixture.state,
      process: fixture.host,
      waiter: call,
      memory: space.memory,
      mayWaitForPager: fixture.host.pagerBlocking === 'allow',
      thread: null,
    };
    const result = CALL_TABLE[number].handler(caller, words);
    if (typeof result === 'number') call.status = result;
    else {
      call.operation = result;
      call.step(ZX_OK);
    }
    return call;
  }

  get isBlocked(): boolean {
    return this.blocker !== null;
  }

  /** The caller is killed. */
  kill(): void {
    this.abandonWait();
    this.operation?.return(ZX_OK);
    this.operation = null;
  }

  protected override resume(status: Status): void {
    this.fixture.state.work.post({
      perform: () => {
        if (this.operation !== null) this.step(status);
      },
    });
  }

  private step(status: Status): void {
    const result = advance(this.operation as Operation, this, status);
    if (result === BLOCKED) return;
    this.operation = null;
    this.status = result;
  }
}
