/** Who uses a pager's VMO, and may have to wait: calls of the host, and threads that write a word. */
import { expect } from 'vitest';
import { ZX_OK, type Status } from '../../src/abi/status.js';
import type { GuestThread } from './guest-thread.js';
import { pattern, type PagedVmo } from './paged-vmo.js';
import type { UserPager } from './user-pager.js';
import { PAGE } from './vm-fixture.js';

/** A call of the host that may wait. */
export class Call {
  status: Status | undefined;

  /** @param done settles with the call */
  constructor(readonly done: Promise<{ readonly status: Status }>) {
    void done.then(({ status }) => (this.status = status));
  }

  get isBlocked(): boolean {
    return this.status === undefined;
  }
}

/** A `zx_vmo_read` of whole pages. */
export class Reader extends Call {
  readonly bytes: Uint8Array;

  constructor(
    pager: UserPager,
    private readonly vmo: PagedVmo,
    private readonly page: number,
    count: number,
  ) {
    const bytes = new Uint8Array(count * PAGE);
    super(pager.host.vmoRead(vmo.handle, bytes, page * PAGE));
    this.bytes = bytes;
  }

  /** Pages from the start that have arrived with their pattern. */
  get arrived(): number {
    const expected = pattern(this.vmo, this.page, this.bytes.length / PAGE);
    let pages = 0;
    while (pages * PAGE < this.bytes.length) {
      const at = pages * PAGE;
      if (Buffer.compare(this.bytes.subarray(at, at + PAGE), expected.subarray(at, at + PAGE)) !== 0) break;
      pages += 1;
    }
    return pages;
  }
}

/** A write of one word. */
export interface WordWrite {
  readonly isBlocked: boolean;
  /** It is done. */
  expectDone(): void;
  /** It failed: a crash with this status, or the call's. */
  expectFailed(status: Status): void;
}

export class MappedWordWrite implements WordWrite {
  constructor(private readonly thread: GuestThread) {}

  get isBlocked(): boolean {
    return this.thread.isBlocked;
  }

  expectDone(): void {
    expect(this.thread.outcome.end).toBe('done');
  }

  expectFailed(status: Status): void {
    expect(this.thread.outcome).toEqual({ end: 'crash', address: this.thread.address, status });
  }
}

export class CalledWordWrite implements WordWrite {
  constructor(private readonly call: Call) {}

  get isBlocked(): boolean {
    return this.call.isBlocked;
  }

  expectDone(): void {
    expect(this.call.status).toBe(ZX_OK);
  }

  expectFailed(status: Status): void {
    expect(this.call.status).toBe(status);
  }
}
