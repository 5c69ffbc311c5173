/** Frames that callers of the host fill, and supply to a pager's VMO without a VMO of their own. */
import { beforeEach, describe, expect, it } from 'vitest';
import {
  ZX_ERR_ACCESS_DENIED,
  ZX_ERR_BAD_HANDLE,
  ZX_ERR_BAD_STATE,
  ZX_ERR_INVALID_ARGS,
  ZX_ERR_NO_MEMORY,
  ZX_ERR_NO_RESOURCES,
  ZX_ERR_OUT_OF_RANGE,
  ZX_ERR_WRONG_TYPE,
  ZX_OK,
  type Status,
} from '../../src/abi/status.js';
import { ZX_DEFAULT_PAGER_RIGHTS, ZX_RIGHT_MANAGE_VMO } from '../../src/abi/rights.js';
import type { FrameLoan } from '../../src/vm/lent-frames.js';
import { type PagedVmo } from '../support/paged-vmo.js';
import { UserPager, ok } from '../support/user-pager.js';
import { PAGE, VmFixture } from '../support/vm-fixture.js';

let fixture: VmFixture;
let pager: UserPager;
let vmo: PagedVmo;

beforeEach(async () => {
  fixture = await VmFixture.create({ ramBytes: 2 ** 20, limits: { lentFrames: 100 } });
  pager = new UserPager(fixture);
  vmo = pager.createVmo(8);
});

/** A loan with each page full of a byte of its own, from `first` on. */
function filled(pages: number, first: number): FrameLoan {
  const { loan } = ok(fixture.host.framesLend(pages * PAGE));
  if (loan === null) throw new Error('a call that succeeds gives a loan');
  let byte = first;
  for (const view of loan.views)
    for (let at = 0; at < view.length; at += PAGE) view.fill(byte++, at, at + PAGE);
  return loan;
}

function supply(loan: FrameLoan, page: number, pages: number, target = vmo.handle, by = pager.pager): Status {
  return fixture.host.pagerSupplyFrames(by, target, page * PAGE, loan, pages * PAGE).status;
}

describe('frames on loan', () => {
  it('are as few views as there can be, and nobody else has them', () => {
    const { physical } = fixture;
    const before = physical.freeCount;
    const loan = filled(64, 1);
    expect([loan.length, loan.views.map((view) => view.length)]).toEqual([64 * PAGE, [64 * PAGE]]);
    expect([physical.lentCount, physical.freeCount]).toEqual([64, before - 64]);
    const other = filled(36, 101);
    expect(loan.views[0].subarray(0, PAGE).every((byte) => byte === 1)).toBe(true);
    loan.release();
    loan.release();
    other.release();
    expect([physical.lentCount, physical.freeCount]).toEqual([0, before]);
    pager.finish();
  });

  it('come in pieces where RAM is in pieces', () => {
    const { physical } = fixture;
    const taken: number[] = [];
    for (let frame = physical.allocate(); frame >= 0; frame = physical.allocate()) taken.push(frame);
    for (const frame of taken.slice(-40)) if (frame % 4 !== 0) physical.free(frame);
    const { loan } = ok(fixture.host.framesLend(6 * PAGE));
    expect(loan?.views.map((view) => view.length)).toEqual([3 * PAGE, 3 * PAGE]);
    loan?.release();
    for (const frame of taken) if (physical.stateOf(frame) !== 0) physical.free(frame);
    pager.finish();
  });

  it('are bounded by a limit, and by RAM', async () => {
    expect(fixture.host.framesLend(101 * PAGE)).toEqual({ status: ZX_ERR_NO_RESOURCES, loan: null });
    const first = filled(60, 0);
    expect(fixture.host.framesLend(41 * PAGE).status).toBe(ZX_ERR_NO_RESOURCES);
    first.release();
    const small = await VmFixture.create({ ramBytes: 2 ** 20 });
    const { freeCount } = small.physical;
    expect(small.host.framesLend((freeCount + 1) * PAGE)).toEqual({ status: ZX_ERR_NO_MEMORY, loan: null });
    expect([small.physical.freeCount, small.physical.lentCount]).toEqual([freeCount, 0]);
    pager.finish();
  });

  it('are whole pages', () => {
    for (const length of [0, -PAGE, 1, PAGE + 1, NaN, 2 ** 53])
      expect(() => fixture.host.framesLend(length)).toThrow(RangeError);
    pager.finish();
  });
});

describe('frames supplied', () => {
  it('become pages, and whoever waits goes on', async () => {
    const reader = pager.read(vmo, 2, 2);
    pager.expectPackets(pager.R(vmo, 2, 2));
    expect(supply(filled(2, 7), 2, 2)).toBe(ZX_OK);
    expect((await reader.done).status).toBe(ZX_OK);
    expect([pager.contents(vmo, 2, 1)[5], pager.contents(vmo, 3, 1)[5]]).toEqual([7, 8]);
    expect(fixture.physical.lentCount).toBe(0);
    pager.finish();
  });

  it('leave alone what is there, and what is left of the loan is free', () => {
    pager.supply(vmo, 1, 1);
    const before = pager.contents(vmo, 1, 1);
    const free = fixture.physical.freeCount;
    expect(supply(filled(5, 30), 0, 3)).toBe(ZX_OK);
    expect(pager.contents(vmo, 1, 1)).toEqual(before);
    expect([pager.contents(vmo, 0, 1)[0], pager.contents(vmo, 2, 1)[0]]).toEqual([30, 32]);
    expect([pager.committed(vmo), free - fixture.physical.freeCount]).toEqual([3, 2]);
    pager.finish();
  });

  it('are refused, and freed, as pages of a VMO are', () => {
    const { host } = fixture;
    const free = fixture.physical.freeCount;
    const foreign = ok(host.pagerCreateVmo(ok(host.pagerCreate(0)).handle, 0, pager.port, 1n, PAGE)).handle;
    const lesser = ok(host.pagerCreate(0)).handle;
    const weak = ok(host.handleReplace(lesser, ZX_DEFAULT_PAGER_RIGHTS & ~ZX_RIGHT_MANAGE_VMO)).handle;
    expect(supply(filled(1, 0), 0, 1, 0xffff_ffff)).toBe(ZX_ERR_BAD_HANDLE);
    expect(supply(filled(1, 0), 0, 1, vmo.handle, 0xffff_ffff)).toBe(ZX_ERR_BAD_HANDLE);
    expect(supply(filled(1, 0), 0, 1, pager.port)).toBe(ZX_ERR_WRONG_TYPE);
    expect(supply(filled(1, 0), 0, 1, vmo.handle, weak)).toBe(ZX_ERR_ACCESS_DENIED);
    expect(supply(filled(1, 0), 0, 1, foreign)).toBe(ZX_ERR_INVALID_ARGS);
    expect(supply(filled(2, 0), 7, 2)).toBe(ZX_ERR_OUT_OF_RANGE);
    expect(supply(filled(1, 0), 0.5, 1)).toBe(ZX_ERR_INVALID_ARGS);
    expect(supply(filled(1, 0), 0, 2)).toBe(ZX_ERR_INVALID_ARGS);
    expect(pager.detach(vmo)).toBe(ZX_OK);
    expect(supply(filled(1, 0), 0, 1)).toBe(ZX_ERR_BAD_STATE);
    expect([fixture.physical.lentCount, fixture.physical.freeCount]).toEqual([0, free]);
  });

  it('are supplied once', () => {
    const loan = filled(1, 1);
    expect([supply(loan, 0, 1), supply(loan, 1, 1)]).toEqual([ZX_OK, ZX_ERR_INVALID_ARGS]);
    const released = filled(1, 2);
    released.release();
    expect(supply(released, 1, 1)).toBe(ZX_ERR_INVALID_ARGS);
    expect(pager.committed(vmo)).toBe(1);
    pager.finish();
  });

  it('come from this kernel', () => {
    const loan: FrameLoan = { views: [], length: PAGE, release: () => undefined };
    expect(() => supply(loan, 0, 1)).toThrow(TypeError);
    pager.finish();
  });
});
