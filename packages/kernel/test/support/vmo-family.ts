/** Families of mapped VMOs: making children of every kind, and what is told of each. */
import { expect } from 'vitest';
import {
  INFO_VMO_BYTES,
  INFO_VMO_FLAGS,
  INFO_VMO_NUM_CHILDREN,
  INFO_VMO_POPULATED_BYTES,
  INFO_VMO_POPULATED_FRACTIONAL_SCALED_BYTES,
  INFO_VMO_POPULATED_PRIVATE_BYTES,
  INFO_VMO_POPULATED_SCALED_BYTES,
  ZX_INFO_VMO,
} from '../../src/abi/info.js';
import { ZX_OK } from '../../src/abi/status.js';
import { ZX_VMO_CHILD_SNAPSHOT_MODIFIED, ZX_VMO_OP_ZERO } from '../../src/abi/vm.js';
import { FRAME_PAGE } from '../../src/vm/physical-pages.js';
import { type PagedVmo } from './paged-vmo.js';
import { ok, type UserPager } from './user-pager.js';
import { PAGE } from './vm-fixture.js';

/** What ZX_INFO_VMO tells; memory in pages. */
export interface VmoInfo {
  readonly children: number;
  readonly flags: number;
  readonly populated: number;
  readonly private: number;
  readonly scaled: number;
}

export class VmoFamily {
  constructor(readonly pager: UserPager) {}

  /** An anonymous VMO, mapped. */
  anonymous(pages: number, options = 0): PagedVmo {
    const { handle } = ok(this.pager.host.vmoCreate(pages * PAGE, options));
    return { handle, key: 0n, first: 0n, base: this.pager.map(handle, pages), pages };
  }

  /** ZX_VMO_CHILD_SNAPSHOT_MODIFIED. @param options more of them */
  modified(parent: PagedVmo, page = 0, pages = parent.pages - page, options = 0): PagedVmo {
    return this.pager.clone(parent, ZX_VMO_CHILD_SNAPSHOT_MODIFIED | options, page, pages);
  }

  /** The first word of a page, through the mapping; it is there. */
  word(vmo: PagedVmo, page = 0): bigint {
    const { outcome } = this.pager.load(vmo, page);
    if (outcome.end !== 'done') throw new Error(`page ${page}: ${outcome.end}`);
    return outcome.value;
  }

  /** The first words of all pages. */
  words(vmo: PagedVmo): bigint[] {
    return Array.from({ length: vmo.pages }, (_, page) => this.word(vmo, page));
  }

  /** Through the mapping, at once. */
  write(vmo: PagedVmo, page: number, value: bigint): void {
    expect(this.pager.store(vmo, page, value).outcome.end).toBe('done');
  }

  writeAll(vmo: PagedVmo, first: bigint): void {
    for (let page = 0; page < vmo.pages; page += 1) this.write(vmo, page, first + BigInt(page));
  }

  async zero(vmo: PagedVmo, page: number, count: number): Promise<void> {
    ok(await this.pager.host.vmoOpRange(vmo.handle, ZX_VMO_OP_ZERO, page * PAGE, count * PAGE));
  }

  async resize(vmo: PagedVmo, pages: number): Promise<void> {
    ok(await this.pager.host.vmoSetSize(vmo.handle, pages * PAGE));
  }

  /** Unmaps and closes. */
  close(...vmos: readonly PagedVmo[]): void {
    for (const { handle, base, pages } of vmos) {
      if (base !== 0) ok(this.pager.host.vmarUnmap(this.pager.vmar, base, pages * PAGE));
      ok(this.pager.host.handleClose(handle));
    }
  }

  info(vmo: PagedVmo): VmoInfo {
    const record = new Uint8Array(INFO_VMO_BYTES);
    expect(this.pager.host.objectGetInfo(vmo.handle, ZX_INFO_VMO, record).status).toBe(ZX_OK);
    const view = new DataView(record.buffer);
    const bytes = (position: number): number => Number(view.getBigUint64(position, true));
    return {
      children: bytes(INFO_VMO_NUM_CHILDREN),
      flags: view.getUint32(INFO_VMO_FLAGS, true),
      populated: bytes(INFO_VMO_POPULATED_BYTES) / PAGE,
      private: bytes(INFO_VMO_POPULATED_PRIVATE_BYTES) / PAGE,
      scaled:
        (bytes(INFO_VMO_POPULATED_SCALED_BYTES) +
          bytes(INFO_VMO_POPULATED_FRACTIONAL_SCALED_BYTES) / 2 ** 63) /
        PAGE,
    };
  }

  /** Frames in page lists, of all VMOs there are. */
  frames(): number {
    const { physical } = this.pager.fixture;
    let frames = 0;
    for (let frame = 0; frame < physical.frameCount; frame += 1)
      if (physical.stateOf(frame) === FRAME_PAGE) frames += 1;
    return frames;
  }

  /** Scaled populated pages of each. */
  populated(...vmos: readonly PagedVmo[]): number[] {
    return vmos.map((vmo) => this.info(vmo).scaled);
  }
}
