/**
 * Memory of the caller of a system call: a guest's address space, or the buffers of a host caller.
 *
 * The kernel's copies from and to it fault and wait exactly as the caller's own accesses do, but they never end the caller:
 * a fault that cannot be resolved is a status.
 */
import { ZX_OK, type Status } from '../abi/status.js';
import type { Blocker, Operation, Waiter } from './waiter.js';

/** Where a system call takes its arguments from and gives its results to. */
export interface UserMemory {
  /**
   * A view of user memory from `address` on: at least 1 and at most `length` bytes, as far as they lie together and are
   * accessible without waiting; null when the page at `address` must be faulted in first. Valid until anything else runs.
   *
   * @param address a guest virtual address, or a position in a host caller's buffers
   */
  view(address: number, length: number, write: boolean): Uint8Array | null;

  /**
   * Resolves the fault at `address`.
   *
   * @returns ZX_OK: `view` will now succeed; a negative status: it never will (ZX_ERR_NOT_FOUND unmapped,
   * ZX_ERR_ACCESS_DENIED, ZX_ERR_OUT_OF_RANGE, a pager's failure); a blocker: wait for it, then call again
   */
  fault(address: number, write: boolean): Status | Blocker;
}

/**
 * The wait of a fault in the middle of a copy. The call that copies may have taken something already, so a thread is not suspended
 * before it is through.
 */
export class CopyFault implements Blocker {
  readonly whenSuspended = 'keep-waiting';

  constructor(private readonly fault: Blocker) {}

  get kind(): Blocker['kind'] {
    return this.fault.kind;
  }

  get deadline(): number {
    return this.fault.deadline;
  }

  subscribe(waiter: Waiter): void {
    this.fault.subscribe(waiter);
  }

  unsubscribe(waiter: Waiter): void {
    this.fault.unsubscribe(waiter);
  }

  describe(): string {
    return this.fault.describe();
  }
}

/** Copies as much as can be copied without waiting; returns the count of bytes done from `start` on. */
export function tryCopyIn(memory: UserMemory, address: number, into: Uint8Array, start = 0): number {
  let done = start;
  while (done < into.length) {
    const view = memory.view(address + done, into.length - done, false);
    if (view === null) break;
    into.set(view, done);
    done += view.length;
  }
  return done - start;
}

/** Copies as much as can be copied without waiting; returns the count of bytes done from `start` on. */
export function tryCopyOut(memory: UserMemory, address: number, bytes: Uint8Array, start = 0): number {
  let done = start;
  while (done < bytes.length) {
    const view = memory.view(address + done, bytes.length - done, true);
    if (view === null) break;
    view.set(
      view.length === bytes.length - done && done === 0 ? bytes : bytes.subarray(done, done + view.length),
    );
    done += view.length;
  }
  return done - start;
}

/** Copies all of `into.length` bytes in, waiting where a page is absent. The status of a fault that cannot be resolved. */
export function* copyIn(memory: UserMemory, address: number, into: Uint8Array): Operation {
  let done = 0;
  for (;;) {
    done += tryCopyIn(memory, address + done, into.subarray(done));
    if (done === into.length) return ZX_OK;
    const status = yield* faultIn(memory, address + done, false);
    if (status !== ZX_OK) return status;
  }
}

/** Copies all of `bytes` out, waiting where a page is absent. The status of a fault that cannot be resolved. */
export function* copyOut(memory: UserMemory, address: number, bytes: Uint8Array): Operation {
  let done = 0;
  for (;;) {
    done += tryCopyOut(memory, address + done, bytes.subarray(done));
    if (done === bytes.length) return ZX_OK;
    const status = yield* faultIn(memory, address + done, true);
    if (status !== ZX_OK) return status;
  }
}

/** Makes the page at `address` accessible, waiting as often as needed. */
export function* faultIn(memory: UserMemory, address: number, write: boolean): Operation {
  for (;;) {
    const outcome = memory.fault(address, write);
    if (typeof outcome === 'number') return outcome;
    const status = yield new CopyFault(outcome);
    if (status !== ZX_OK) return status;
  }
}
