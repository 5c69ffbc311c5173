/** One actor that reads a page, by a thread of a guest or by a system call. */
import { expect } from 'vitest';
import { ZX_OK, type Status } from '../../src/abi/status.js';
import type { GuestThread } from './guest-thread.js';
import { pattern, type PagedVmo } from './paged-vmo.js';
import { Reader } from './pager-actors.js';
import { type UserPager } from './user-pager.js';
import { PAGE } from './vm-fixture.js';

/** How memory is accessed: through a mapping, or by `zx_vmo_read` and `zx_vmo_write`. */
export type AccessPath = 'Vmar' | 'Vmo';

/** Both, for `describe.each`. */
export const ACCESS_PATHS = ['Vmar', 'Vmo'] as const satisfies readonly AccessPath[];

export class PageAccess {
  private constructor(
    private readonly vmo: PagedVmo,
    private readonly page: number,
    private readonly actor: GuestThread | Reader,
  ) {}

  /** Starts a read of the first word of a page (`Vmar`), or of all of it (`Vmo`). */
  static start(pager: UserPager, path: AccessPath, vmo: PagedVmo, page: number): PageAccess {
    return new PageAccess(vmo, page, path === 'Vmar' ? pager.load(vmo, page) : pager.read(vmo, page, 1));
  }

  get isBlocked(): boolean {
    return this.actor.isBlocked;
  }

  /** It is done, and saw the pattern: that of `vmo`, which is another one when memory was mapped anew meanwhile. */
  expectDone(vmo = this.vmo): void {
    this.expectBytes(pattern(vmo, this.page));
  }

  /** It is done, and saw zeros. */
  expectZeros(): void {
    this.expectBytes(new Uint8Array(PAGE));
  }

  /** It failed: the thread crashed at the page, or the call returned the status. */
  expectFailed(status: Status): void {
    if (this.actor instanceof Reader) expect(this.actor.status).toBe(status);
    else {
      const address = this.vmo.base + this.page * PAGE;
      expect(this.actor.outcome).toEqual({ end: 'crash', address, status });
    }
  }

  private expectBytes(expected: Uint8Array): void {
    if (this.actor instanceof Reader) {
      expect(this.actor.status).toBe(ZX_OK);
      expect(Buffer.compare(this.actor.bytes, expected)).toBe(0);
    } else {
      const value = new DataView(expected.buffer, expected.byteOffset).getBigUint64(0, true);
      expect(this.actor.outcome).toEqual({ end: 'done', value });
    }
  }
}
