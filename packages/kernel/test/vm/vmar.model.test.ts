/**
 * Regions of an address space against a description of them: random maps, unmaps, changes of permission, sub-regions and
 * their ends. What is where is compared by page, by the list that ZX_INFO_VMAR_MAPS gives, and by accesses on the hart.
 */
import { Machine } from '@faultline/mmu-emu';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  INFO_MAPS_BASE,
  INFO_MAPS_BYTES,
  INFO_MAPS_DEPTH,
  INFO_MAPS_SIZE,
  INFO_MAPS_TYPE,
  ZX_INFO_MAPS_TYPE_MAPPING,
  ZX_INFO_VMAR_MAPS,
} from '../../src/abi/info.js';
import {
  ZX_ERR_ACCESS_DENIED,
  ZX_ERR_ALREADY_EXISTS,
  ZX_ERR_BAD_STATE,
  ZX_ERR_INVALID_ARGS,
  ZX_ERR_NOT_FOUND,
  ZX_OK,
  type Status,
} from '../../src/abi/status.js';
import {
  ZX_VM_CAN_MAP_READ,
  ZX_VM_CAN_MAP_SPECIFIC,
  ZX_VM_CAN_MAP_WRITE,
  ZX_VM_PERM_READ,
  ZX_VM_PERM_WRITE,
  ZX_VM_SPECIFIC,
  ZX_VM_SPECIFIC_OVERWRITE,
} from '../../src/abi/vm.js';
import type { AddressSpace } from '../../src/vm/address-space.js';
import { GuestThread } from '../support/guest-thread.js';
import { ok } from '../support/user-pager.js';
import { PAGE, VmFixture } from '../support/vm-fixture.js';

/** Pages of the region that everything happens in. */
const PAGES = 24;
const CAN_MAP = ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE | ZX_VM_CAN_MAP_SPECIFIC;
const READ_WRITE = ZX_VM_PERM_READ | ZX_VM_PERM_WRITE;

interface ModelRegion {
  readonly handle: number;
  readonly start: number;
  readonly end: number;
  readonly parent: ModelRegion | null;
  alive: boolean;
}

/** What one page shows. */
interface ModelPage {
  readonly vmoPage: number;
  permissions: number;
  /** The region that its mapping is in. */
  readonly region: ModelRegion;
}

class Model {
  readonly pages: (ModelPage | null)[] = Array.from({ length: PAGES }, () => null);
  readonly regions: ModelRegion[] = [];

  region(handle: number, start: number, end: number, parent: ModelRegion | null): ModelRegion {
    const region = { handle, start, end, parent, alive: true };
    this.regions.push(region);
    return region;
  }

  /** Sub-regions right below a region that reach into a range. */
  below(region: ModelRegion, start: number, end: number): ModelRegion[] {
    return this.regions.filter(
      (child) => child.alive && child.parent === region && child.start < end && child.end > start,
    );
  }

  isFree(region: ModelRegion, start: number, end: number): boolean {
    return (
      this.pages.slice(start, end).every((page) => page === null) &&
      this.below(region, start, end).length === 0
    );
  }

  end(region: ModelRegion): void {
    region.alive = false;
    for (const child of this.regions) if (child.alive && child.parent === region) this.end(child);
    this.pages.fill(null, region.start, region.end);
  }

  /** Mapping at a place of its own choice. */
  map(
    region: ModelRegion,
    start: number,
    count: number,
    vmoPage: number,
    over: boolean,
    permissions: number,
  ): Status {
    if (!region.alive) return ZX_ERR_BAD_STATE;
    const end = start + count;
    if (start < region.start || end > region.end) return ZX_ERR_INVALID_ARGS;
    if (!over && !this.isFree(region, start, end)) return ZX_ERR_ALREADY_EXISTS;
    if (this.below(region, start, end).length > 0) return ZX_ERR_INVALID_ARGS;
    for (let page = start; page < end; page += 1)
      this.pages[page] = { vmoPage: vmoPage + page - start, permissions, region };
    return ZX_OK;
  }

  unmap(region: ModelRegion, start: number, count: number): Status {
    if (!region.alive) return ZX_ERR_BAD_STATE;
    const end = start + count;
    if (start < region.start || end > region.end) return ZX_ERR_INVALID_ARGS;
    const inside = this.below(region, start, end);
    if (inside.some((child) => child.start < start || child.end > end)) return ZX_ERR_INVALID_ARGS;
    for (const child of inside) this.end(child);
    this.pages.fill(null, start, end);
    return ZX_OK;
  }

  protect(region: ModelRegion, start: number, count: number, permissions: number): Status {
    if (!region.alive) return ZX_ERR_BAD_STATE;
    const end = start + count;
    if (start < region.start || end > region.end) return ZX_ERR_INVALID_ARGS;
    const pages = this.pages.slice(start, end);
    for (const page of pages) {
      if (page === null) return ZX_ERR_NOT_FOUND;
      if (page.region !== region && (permissions & ~page.permissions) !== 0) return ZX_ERR_ACCESS_DENIED;
    }
    for (const page of pages) (page as ModelPage).permissions = permissions;
    return ZX_OK;
  }
}

type Action =
  | { readonly kind: 'map'; readonly over: boolean; readonly vmoPage: number; readonly permissions: number }
  | { readonly kind: 'unmap' | 'allocate' | 'destroy' }
  | { readonly kind: 'protect'; readonly permissions: number };

interface Step {
  readonly action: Action;
  /** Which region, of those made so far. */
  readonly region: number;
  readonly start: number;
  readonly count: number;
}

const permissions = fc.constantFrom(0, ZX_VM_PERM_READ, READ_WRITE);
const action = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('map' as const),
      over: fc.boolean(),
      vmoPage: fc.nat(8),
      permissions,
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('protect' as const), permissions }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('unmap' as const, 'allocate' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('destroy' as const) }) },
);
const step: fc.Arbitrary<Step> = fc.record({
  action,
  region: fc.nat(5),
  start: fc.nat(PAGES),
  count: fc.integer({ min: 1, max: PAGES / 2 }),
});

/** One run: the same steps on both sides. */
class Run {
  private readonly model = new Model();
  private readonly space: AddressSpace;
  private readonly vmo: number;
  private readonly base: number;

  constructor(private readonly fixture: VmFixture) {
    const { host } = fixture;
    const { space, vmar } = fixture.space();
    this.space = space;
    this.vmo = ok(host.vmoCreate(2 * PAGES * PAGE, 0)).handle;
    const words = new BigUint64Array((2 * PAGES * PAGE) / 8);
    for (let page = 0; page < 2 * PAGES; page += 1) words[(page * PAGE) / 8] = BigInt(page + 1);
    const bytes = new Uint8Array(words.buffer);
    expect(host.call('vmo_write', this.vmo, bytes, 0, bytes.length)).toBe(ZX_OK);
    const { handle, address } = ok(host.vmarAllocate(vmar, CAN_MAP, 0, PAGES * PAGE));
    this.base = address;
    this.model.region(handle, 0, PAGES, null);
  }

  step({ action, region: which, start, count }: Step): void {
    const { model, base, vmo } = this;
    const { host } = this.fixture;
    const region = model.regions[which % model.regions.length];
    const address = base + start * PAGE;
    const offset = (start - region.start) * PAGE;
    switch (action.kind) {
      case 'map': {
        const { over, permissions, vmoPage } = action;
        // An offset before the region is none that can be said.
        if (offset < 0) return;
        const place = over ? ZX_VM_SPECIFIC_OVERWRITE : ZX_VM_SPECIFIC;
        const mapped = host.vmarMap(
          region.handle,
          permissions | place,
          offset,
          vmo,
          vmoPage * PAGE,
          count * PAGE,
        );
        expect(mapped.status).toBe(model.map(region, start, count, vmoPage, over, permissions));
        if (mapped.status === ZX_OK) expect(mapped.address).toBe(address);
        return;
      }
      case 'unmap':
        expect(host.vmarUnmap(region.handle, address, count * PAGE).status).toBe(
          model.unmap(region, start, count),
        );
        return;
      case 'protect':
        expect(host.vmarProtect(region.handle, action.permissions, address, count * PAGE).status).toBe(
          model.protect(region, start, count, action.permissions),
        );
        return;
      case 'allocate': {
        if (offset < 0) return;
        const made = host.vmarAllocate(region.handle, CAN_MAP | ZX_VM_SPECIFIC, offset, count * PAGE);
        const outside = start + count > region.end;
        const expected = !region.alive
          ? ZX_ERR_BAD_STATE
          : outside
            ? ZX_ERR_INVALID_ARGS
            : model.isFree(region, start, start + count)
              ? ZX_OK
              : ZX_ERR_ALREADY_EXISTS;
        expect(made.status).toBe(expected);
        if (made.status === ZX_OK) model.region(made.handle, start, start + count, region);
        return;
      }
      case 'destroy':
        if (region.parent === null) return;
        expect(host.vmarDestroy(region.handle).status).toBe(region.alive ? ZX_OK : ZX_ERR_BAD_STATE);
        if (region.alive) model.end(region);
    }
  }

  /** Every page shows what the description says. */
  check(): void {
    const { model, space, base } = this;
    model.pages.forEach((page, index) => {
      const mapping = space.mappingAt(base / PAGE + index);
      const found =
        mapping === null
          ? null
          : [mapping.pageAt(base / PAGE + index), mapping.permissions, mapping.parent.vpn];
      expect(found).toEqual(
        page === null ? null : [page.vmoPage, page.permissions, base / PAGE + page.region.start],
      );
    });
    expect(this.listed()).toEqual(model.pages.map((page) => page !== null));
  }

  /** The hart sees it as well. */
  checkAccesses(): void {
    const { model, space, base, fixture } = this;
    model.pages.forEach((page, index) => {
      const address = base + index * PAGE;
      const word = page === null ? 0n : BigInt(page.vmoPage + 1);
      const read = GuestThread.start(fixture, space, 'read', address).outcome;
      const write = GuestThread.start(fixture, space, 'write', address, word).outcome;
      const refused = page === null ? ZX_ERR_NOT_FOUND : ZX_ERR_ACCESS_DENIED;
      const may = page?.permissions ?? 0;
      const done = { end: 'done', value: word };
      const crash = { end: 'crash', address, status: refused };
      expect([read, write]).toEqual([
        (may & ZX_VM_PERM_READ) === 0 ? crash : done,
        (may & ZX_VM_PERM_WRITE) === 0 ? crash : done,
      ]);
    });
  }

  /** Which pages ZX_INFO_VMAR_MAPS says are mapped; its records ascend, and none lies in another that is not a region. */
  private listed(): boolean[] {
    const { model, base } = this;
    const bytes = new Uint8Array(256 * INFO_MAPS_BYTES);
    const { status, actual, available } = this.fixture.host.objectGetInfo(
      model.regions[0].handle,
      ZX_INFO_VMAR_MAPS,
      bytes,
    );
    expect([status, actual]).toEqual([ZX_OK, available]);
    const view = new DataView(bytes.buffer);
    const mapped = model.pages.map(() => false);
    let before = -1;
    for (let at = 0; at < actual * INFO_MAPS_BYTES; at += INFO_MAPS_BYTES) {
      const first = (Number(view.getBigUint64(at + INFO_MAPS_BASE, true)) - base) / PAGE;
      const count = Number(view.getBigUint64(at + INFO_MAPS_SIZE, true)) / PAGE;
      expect(first).toBeGreaterThanOrEqual(before);
      before = first;
      if (view.getUint32(at + INFO_MAPS_TYPE, true) !== ZX_INFO_MAPS_TYPE_MAPPING) continue;
      const page = model.pages[first] as ModelPage;
      expect(view.getBigUint64(at + INFO_MAPS_DEPTH, true)).toBe(BigInt(depthOf(page.region) + 1));
      for (let index = first; index < first + count; index += 1) {
        expect(mapped[index]).toBe(false);
        mapped[index] = true;
      }
    }
    return mapped;
  }
}

function depthOf(region: ModelRegion): number {
  return region.parent === null ? 0 : 1 + depthOf(region.parent);
}

describe('regions', () => {
  it('are what a description by page says, whatever is done to them', { timeout: 120_000 }, async () => {
    const machine = await Machine.create({ mode: 'hosted', ramBytes: 4 * 2 ** 20 });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const fixture = await VmFixture.create({ machine });
        const run = new Run(fixture);
        for (const one of steps) {
          run.step(one);
          run.check();
        }
        run.checkAccesses();
        fixture.expectNoLeaks();
      }),
      { numRuns: 200 },
    );
  });
});
