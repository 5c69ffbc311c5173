/** A kernel with few frames, from which pages are evicted. */
import { expect } from 'vitest';
import { ZX_OK } from '../../src/abi/status.js';
import { INFO_VMO_BYTES, INFO_VMO_COMMITTED_CHANGE_EVENTS, ZX_INFO_VMO } from '../../src/abi/info.js';
import { type PagedVmo } from './paged-vmo.js';
import { UserPager, ok } from './user-pager.js';
import { PAGE, VmFixture, type FixtureOptions } from './vm-fixture.js';

export const LOW = 100;
export const HIGH = 140;

/** With the thresholds LOW and HIGH. */
export async function shortOfFrames(options: FixtureOptions = {}): Promise<UserPager> {
  const fixture = await VmFixture.create({
    ramBytes: 2 ** 21,
    ...options,
    limits: { evictBelowFrames: LOW, evictToFrames: HIGH, ...options.limits },
  });
  return new UserPager(fixture);
}

/** Gives a hint, which never fails. */
export function hint(pager: UserPager, vmo: PagedVmo, op: number, page: number, count: number): void {
  expect(pager.host.call('vmo_op_range', vmo.handle, op, page * PAGE, count * PAGE, 0, 0)).toBe(ZX_OK);
}

/** `committed_change_events` of a VMO. */
export function changeEvents(pager: UserPager, vmo: PagedVmo): number {
  const record = new Uint8Array(INFO_VMO_BYTES);
  const { host } = pager;
  expect(host.call('object_get_info', vmo.handle, ZX_INFO_VMO, record, record.length, 0, 0)).toBe(ZX_OK);
  return Number(new DataView(record.buffer).getBigUint64(INFO_VMO_COMMITTED_CHANGE_EVENTS, true));
}

/** Pages of a VMO that are there, as a string of crosses and dots. */
export function resident(pager: UserPager, vmo: PagedVmo): string {
  const { cow } = pager.object(vmo);
  return Array.from({ length: vmo.pages }, (_, page) => (cow.list.get(page) === 0 ? '.' : 'x')).join('');
}

/** Commits anonymous memory until so many frames are free, without making room in between. */
export function fill(pager: UserPager, leave: number): number {
  const { physical } = pager.fixture;
  const count = physical.freeCount - leave;
  const { handle } = ok(pager.host.vmoCreate(count * PAGE, 0));
  const vmo = pager.host.handles.get(handle)?.dispatcher;
  const { cow } = pager.object({ handle, key: 0n, first: 0n, base: 0, pages: count });
  expect(vmo).toBeDefined();
  for (let page = 0; page < count; page += 1) expect(cow.frameForWrite(page)).toBeGreaterThanOrEqual(0);
  return handle;
}
