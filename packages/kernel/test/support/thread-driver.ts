/** What tests know of the threads that make single accesses for them: `guest-thread.ts` by itself, `scheduled-thread.ts` with the kernel's scheduler. */
import type { Status } from '../../src/abi/status.js';
import type { KernelState } from '../../src/kernel-state.js';
import type { AddressSpace } from '../../src/vm/address-space.js';
import type { Access } from './access-code.js';
import type { VmFixture } from './vm-fixture.js';

/** How an access ended. */
export type Outcome =
  | { readonly end: 'done'; readonly value: bigint }
  | { readonly end: 'crash'; readonly address: number; readonly status: Status }
  | { readonly end: 'running' };

/** A thread that makes an access. */
export interface AccessingThread {
  /** What it accesses. */
  readonly address: number;
  /** It waits for a page. */
  readonly isBlocked: boolean;
  readonly outcome: Outcome;
  /** Ends it. */
  abandonWait(): void;
}

/** A way to run threads. */
export interface ThreadDriver {
  /** Kernel objects that exist without any space. */
  readonly OBJECTS_OF_DRIVER: number;
  /** Gives a kernel what threads of this kind need. */
  completeState(state: KernelState): void;
  createSpace(state: KernelState): AddressSpace;
  destroySpace(space: AddressSpace): void;
  readonly GuestThread: {
    /** Starts an access of 8 bytes, or a sweep; it runs until it is done, has crashed, or waits. */
    start(
      fixture: VmFixture,
      space: AddressSpace,
      access: Access,
      address: number,
      value?: bigint,
    ): AccessingThread;
  };
}
