/** Stream sizes of pagers' VMOs: what lies past them, and what growing and shrinking them leaves. */
import { beforeEach, describe, expect, it } from 'vitest';
import { ZX_ERR_OUT_OF_RANGE, ZX_OK } from '../../src/abi/status.js';
import { ZX_VMO_RESIZABLE, ZX_VMO_TRAP_DIRTY, ZX_VMO_UNBOUNDED } from '../../src/abi/vm.js';
import { pattern, type PagedVmo } from '../support/paged-vmo.js';
import { UserPager, ok } from '../support/user-pager.js';
import { PAGE, VmFixture } from '../support/vm-fixture.js';

let pager: UserPager;

beforeEach(async () => {
  pager = new UserPager(await VmFixture.create());
});

/** Of an unbounded VMO, as far as these tests look. */
const LOOKED_AT = 10;

function unbounded(streamPages: number): PagedVmo {
  const options = ZX_VMO_UNBOUNDED | ZX_VMO_TRAP_DIRTY;
  const { handle } = ok(pager.host.pagerCreateVmo(pager.pager, options, pager.port, 1n, streamPages * PAGE));
  return { handle, key: 1n, first: 1n, base: 0, pages: LOOKED_AT };
}

async function setStream(vmo: PagedVmo, pages: number): Promise<void> {
  ok(await pager.host.vmoSetStreamSize(vmo.handle, pages * PAGE));
  expect([pager.modified(vmo), pager.modified(vmo)]).toEqual([true, false]);
  pager.expectPackets();
}

/** The dirty ranges among the first pages, which is all that the query is asked for. */
function dirtyRanges(vmo: PagedVmo, pages = LOOKED_AT): string {
  const into = new Uint8Array(24 * 8);
  const { status, actual, available } = pager.host.pagerQueryDirtyRanges(
    pager.pager,
    vmo.handle,
    0,
    pages * PAGE,
    into,
  );
  expect([status, actual]).toEqual([ZX_OK, available]);
  const words = new BigUint64Array(into.buffer);
  return Array.from({ length: actual }, (_, index) => {
    const [offset, length, options] = words.subarray(3 * index, 3 * index + 3);
    return `{${Number(offset) / PAGE},${Number(length) / PAGE}}${options === 1n ? 'Z' : ''}`;
  }).join(' ');
}

describe('set_stream_size', () => {
  it('SS-01 CR-15 QD-08 MO-14 S-23: past the stream of an unbounded VMO are zeros that are not dirty; growing over them makes them so', async () => {
    const vmo = unbounded(2);
    expect(pager.modified(vmo)).toBe(false);
    expect(dirtyRanges(vmo)).toBe('');
    pager.expectBytes(vmo, 2, 8, 0);
    await setStream(vmo, 5);
    expect(dirtyRanges(vmo)).toBe('{2,3}Z');
    pager.expectBytes(vmo, 2, 8, 0);
    await setStream(vmo, 1);
    expect(dirtyRanges(vmo)).toBe('');
    pager.expectBytes(vmo, 1, 9, 0);
    pager.finish();
  });

  it('SS-02 MO-14 S-23: the same in a VMO of fixed size, of which nothing was supplied', async () => {
    const vmo = pager.createVmo(3, ZX_VMO_TRAP_DIRTY);
    await setStream(vmo, 2);
    pager.expectDirty(vmo, '');
    pager.expectBytes(vmo, 2, 1, 0);
    await setStream(vmo, 1);
    pager.expectDirty(vmo, '');
    pager.expectBytes(vmo, 1, 2, 0);
    ok(await pager.host.vmoSetStreamSize(vmo.handle, 2 * PAGE));
    expect(pager.dirty(vmo, 1, 1)).toBe(ZX_OK);
    expect(pager.modified(vmo)).toBe(true);
    pager.expectDirty(vmo, '{1,1}');
    pager.expectBytes(vmo, 2, 1, 0);
    await setStream(vmo, 1);
    pager.expectDirty(vmo, '');
    pager.expectBytes(vmo, 1, 2, 0);
    pager.finish();
  });

  it('SS-03 CR-15 QD-08 MO-14 S-23: what was written past the stream is gone when the stream grows over it', async () => {
    const vmo = unbounded(2);
    for (const page of [4, 5, 8]) {
      const write = pager.write(vmo, page, 1, 7);
      await pager.answerDirty(vmo, page, 1);
      expect(write.status).toBe(ZX_OK);
    }
    expect(dirtyRanges(vmo)).toBe('{4,2} {8,1}');
    for (const page of [2, 3, 6, 7, 9]) pager.expectBytes(vmo, page, 1, 0);
    for (const page of [4, 5, 8]) pager.expectBytes(vmo, page, 1, 7);
    expect(pager.committed(vmo)).toBe(3);
    await setStream(vmo, 7);
    expect(pager.committed(vmo)).toBe(0);
    expect(dirtyRanges(vmo)).toBe('{2,5}Z');
    pager.expectBytes(vmo, 2, 8, 0);
    await setStream(vmo, 1);
    expect(dirtyRanges(vmo)).toBe('');
    pager.expectBytes(vmo, 1, 9, 0);
    pager.finish();
  });

  it('an unaligned end asks for the page that it cuts, and zeroes the rest of it', async () => {
    const vmo = pager.createVmo(2, ZX_VMO_TRAP_DIRTY);
    pager.supply(vmo, 1, 1);
    const call = pager.host.vmoSetStreamSize(vmo.handle, 8);
    await pager.answerRead(vmo, 0, 1);
    await pager.answerDirty(vmo, 0, 1);
    expect((await call).status).toBe(ZX_OK);
    const expected = pattern(vmo, 0);
    expected.fill(0, 8);
    expect(pager.contents(vmo, 0, 1)).toEqual(expected);
    pager.expectBytes(vmo, 1, 1, 0);
    pager.expectDirty(vmo, '{0,1}');
    expect((await pager.host.vmoSetStreamSize(vmo.handle, 2 * PAGE + 1)).status).toBe(ZX_ERR_OUT_OF_RANGE);
    pager.finish();
  });

  it('a new size is the stream size as well: zeros that were past the stream are to be written back, contents stay', async () => {
    const vmo = pager.createVmo(6, ZX_VMO_RESIZABLE);
    await setStream(vmo, 1);
    expect((await pager.write(vmo, 3, 1, 7).done).status).toBe(ZX_OK);
    pager.expectDirty(vmo, '{3,1}');
    ok(await pager.resize(vmo, 5).done);
    pager.expectDirty(vmo, '{1,2}Z {3,1} {4,1}Z');
    pager.expectBytes(vmo, 3, 1, 7);
    await setStream(vmo, 2);
    ok(await pager.resize(vmo, 7).done);
    pager.expectDirty(vmo, '{1,6}Z');
    pager.finish();
  });

  it('what a writeback has begun for is trimmed where the stream ends', async () => {
    const vmo = pager.createVmo(4, ZX_VMO_RESIZABLE);
    ok(await pager.resize(vmo, 8).done);
    pager.expectDirty(vmo, '{4,4}Z');
    pager.writebackBegin(vmo, 4, 4, true);
    await setStream(vmo, 6);
    await setStream(vmo, 8);
    pager.expectDirty(vmo, '{4,4}Z');
    pager.writebackEnd(vmo, 4, 4);
    pager.expectDirty(vmo, '{6,2}Z');
    pager.finish();
  });

  it('readers of what it takes away go on, with zeros', async () => {
    const vmo = pager.createVmo(2);
    const read = pager.read(vmo, 1, 1);
    pager.expectPackets(pager.R(vmo, 1, 1));
    await setStream(vmo, 1);
    await pager.turn();
    expect(read.status).toBe(ZX_OK);
    expect(read.bytes.every((byte) => byte === 0)).toBe(true);
    pager.finish();
  });
});
