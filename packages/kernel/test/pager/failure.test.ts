/** Failing pages: who hears of it, and when. */
import { beforeEach, describe, expect, it } from 'vitest';
import {
  ZX_ERR_BAD_STATE,
  ZX_ERR_BUFFER_TOO_SMALL,
  ZX_ERR_IO,
  ZX_ERR_IO_DATA_INTEGRITY,
  ZX_ERR_NO_SPACE,
  ZX_OK,
} from '../../src/abi/status.js';
import { ACCESS_PATHS, PageAccess } from '../support/page-access.js';
import { type Call } from '../support/pager-actors.js';
import { UserPager } from '../support/user-pager.js';
import { VmFixture } from '../support/vm-fixture.js';

let pager: UserPager;

beforeEach(async () => {
  pager = new UserPager(await VmFixture.create());
});

function statuses(calls: readonly Call[]): (number | undefined)[] {
  return calls.map((call) => call.status);
}

describe.each(ACCESS_PATHS)('failure, read through %s', (path) => {
  it('FL-01: of a single page ends who waits for it', async () => {
    const vmo = pager.createVmo(1);
    const access = PageAccess.start(pager, path, vmo, 0);
    pager.expectPackets(pager.R(vmo, 0, 1));
    expect(pager.fail(vmo, 0, 1)).toBe(ZX_OK);
    await pager.turn();
    access.expectFailed(ZX_ERR_IO);
    pager.finish();
  });
});

describe('failure', () => {
  it('FL-02: of the exact range ends the commit', async () => {
    const vmo = pager.createVmo(11);
    const commit = pager.commit(vmo, 0, 11);
    pager.expectPackets(pager.R(vmo, 0, 11));
    expect(pager.fail(vmo, 0, 11)).toBe(ZX_OK);
    await pager.turn();
    expect(commit.status).toBe(ZX_ERR_IO);
    pager.finish();
  });

  it('FL-06 FL-16: of the first page suffices, and of the others is no error', async () => {
    const vmo = pager.createVmo(11);
    const commit = pager.commit(vmo, 0, 11);
    pager.expectPackets(pager.R(vmo, 0, 11));
    for (let page = 0; page < 11; page += 1) expect(pager.fail(vmo, page, 1)).toBe(ZX_OK);
    await pager.turn();
    expect(commit.status).toBe(ZX_ERR_IO);
    pager.finish();
  });

  it('FL-03 CM-05 CO-06: of many commits at once, apart or overlapping', async () => {
    const vmo = pager.createVmo(11);
    const apart = Array.from({ length: 11 }, (_, page) => pager.commit(vmo, page, 1));
    pager.expectPackets(...apart.map((_, page) => pager.R(vmo, page, 1)));
    pager.fail(vmo, 0, 11);
    await pager.turn();
    expect(statuses(apart)).toEqual(apart.map(() => ZX_ERR_IO));
    const same = Array.from({ length: 11 }, () => pager.commit(vmo, 0, 11));
    pager.expectPackets(pager.R(vmo, 0, 11));
    pager.fail(vmo, 0, 11);
    await pager.turn();
    expect(statuses(same)).toEqual(same.map(() => ZX_ERR_IO));
    pager.finish();
  });

  it.each([0, 1])('FL-04: leaves other VMOs alone, whichever of two (%i) is first', async (which) => {
    const vmos = [pager.createVmo(1), pager.createVmo(1)];
    const calls = vmos.map((vmo) => pager.commit(vmo, 0, 1));
    pager.expectPackets(...vmos.map((vmo) => pager.R(vmo, 0, 1)));
    pager.fail(vmos[which], 0, 1);
    await pager.turn();
    expect([calls[which].status, calls[1 - which].status]).toEqual([ZX_ERR_IO, undefined]);
    pager.fail(vmos[1 - which], 0, 1);
    await pager.turn();
    expect(statuses(calls)).toEqual([ZX_ERR_IO, ZX_ERR_IO]);
    pager.finish();
  });

  it.each([
    ['IO', ZX_ERR_IO],
    ['IO_DATA_INTEGRITY', ZX_ERR_IO_DATA_INTEGRITY],
    ['BAD_STATE', ZX_ERR_BAD_STATE],
    ['NO_SPACE', ZX_ERR_NO_SPACE],
    ['BUFFER_TOO_SMALL', ZX_ERR_BUFFER_TOO_SMALL],
  ])('FL-05: passes %s on', async (_name, status) => {
    const vmo = pager.createVmo(11);
    const calls = [pager.commit(vmo, 0, 11), pager.read(vmo, 0, 11)];
    pager.expectPackets(pager.R(vmo, 0, 11));
    pager.fail(vmo, 0, 11, status);
    await pager.turn();
    expect(statuses(calls)).toEqual([status, status]);
    pager.finish();
  });

  it('FL-08 FL-16 S-05: of a part fails the commits whose first page it was', async () => {
    const vmo = pager.createVmo(11);
    const calls = [pager.commit(vmo, 0, 2), pager.commit(vmo, 9, 2), pager.commit(vmo, 5, 2)];
    pager.expectPackets(pager.R(vmo, 0, 2), pager.R(vmo, 9, 2), pager.R(vmo, 5, 2));
    pager.supply(vmo, 0, 1);
    pager.fail(vmo, 1, 9);
    pager.supply(vmo, 10, 1);
    await pager.turn();
    expect(statuses(calls)).toEqual([undefined, ZX_ERR_IO, ZX_ERR_IO]);
    pager.expectPackets(pager.R(vmo, 1, 1));
    pager.fail(vmo, 1, 9);
    await pager.turn();
    expect(statuses(calls)).toEqual([ZX_ERR_IO, ZX_ERR_IO, ZX_ERR_IO]);
    pager.finish();
  });

  it('FL-09 RV-08 FL-16 S-05: of a part fails the reads whose first page it was', async () => {
    const vmo = pager.createVmo(11);
    const calls = [pager.read(vmo, 0, 2), pager.read(vmo, 9, 2), pager.read(vmo, 5, 2)];
    pager.expectPackets(pager.R(vmo, 0, 2), pager.R(vmo, 9, 2), pager.R(vmo, 5, 2));
    pager.fail(vmo, 1, 9);
    pager.supply(vmo, 0, 1);
    pager.supply(vmo, 10, 1);
    await pager.turn();
    expect(statuses(calls)).toEqual([undefined, ZX_ERR_IO, ZX_ERR_IO]);
    pager.expectPackets(pager.R(vmo, 1, 1));
    pager.fail(vmo, 1, 9);
    await pager.turn();
    expect(statuses(calls)).toEqual([ZX_ERR_IO, ZX_ERR_IO, ZX_ERR_IO]);
    pager.finish();
  });

  it('FL-10 EW-06 FL-16 S-05: reaches one that hangs on a request only when that is over', async () => {
    const vmo = pager.createVmo(4);
    const first = pager.read(vmo, 0, 4);
    pager.expectPackets(pager.R(vmo, 0, 4));
    const second = pager.read(vmo, 1, 1);
    pager.fail(vmo, 1, 1);
    await pager.turn();
    expect(statuses([first, second])).toEqual([undefined, undefined]);
    pager.supply(vmo, 0, 1);
    await pager.turn();
    expect([first.arrived, second.isBlocked]).toEqual([1, true]);
    pager.supply(vmo, 2, 2);
    await pager.turn();
    expect(statuses([first, second])).toEqual([undefined, ZX_ERR_IO]);
    const packets = pager.packets();
    expect(packets).toEqual([pager.R(vmo, 1, 1)]);
    pager.supply(vmo, 1, 3);
    await pager.turn();
    expect([first.status, first.arrived]).toEqual([ZX_OK, 4]);
    pager.finish();
  });

  it('FL-11 EW-05 FL-16: ends a read at once when it hits the page that the read awaits', async () => {
    const vmo = pager.createVmo(3);
    const read = pager.read(vmo, 0, 3);
    pager.expectPackets(pager.R(vmo, 0, 3));
    pager.supply(vmo, 0, 1);
    await pager.turn();
    expect([read.isBlocked, read.arrived]).toEqual([true, 1]);
    pager.fail(vmo, 1, 1);
    await pager.turn();
    expect(read.status).toBe(ZX_ERR_IO);
    pager.finish();
  });

  it('of pages that nobody waits for is no error, and not remembered', async () => {
    const vmo = pager.createVmo(1);
    expect(pager.fail(vmo, 0, 1)).toBe(ZX_OK);
    const read = pager.read(vmo, 0, 1);
    pager.expectPackets(pager.R(vmo, 0, 1));
    pager.supply(vmo, 0, 1);
    await pager.turn();
    expect(read.status).toBe(ZX_OK);
    pager.finish();
  });

  it('hands what is left of a failed request to those who hang on it', async () => {
    const vmo = pager.createVmo(4);
    const commit = pager.commit(vmo, 0, 4);
    const thread = pager.load(vmo, 3);
    pager.expectPackets(pager.R(vmo, 0, 4));
    pager.fail(vmo, 0, 1);
    await pager.turn();
    expect([commit.status, thread.isBlocked]).toEqual([ZX_ERR_IO, true]);
    pager.supply(vmo, 3, 1);
    await pager.turn();
    expect(thread.outcome.end).toBe('done');
    pager.finish();
  });
});
