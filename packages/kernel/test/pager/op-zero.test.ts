/** ZX_VMO_OP_ZERO on a pager's VMO: what it asks for, and what becomes dirty. */
import { beforeEach, describe, expect, it } from 'vitest';
import { ZX_ERR_INVALID_ARGS, ZX_ERR_OUT_OF_RANGE, ZX_OK } from '../../src/abi/status.js';
import { ZX_VMAR_OP_ZERO, ZX_VMO_OP_ZERO, ZX_VMO_RESIZABLE, ZX_VMO_TRAP_DIRTY } from '../../src/abi/vm.js';
import { pattern, type PagedVmo } from '../support/paged-vmo.js';
import { type Call } from '../support/pager-actors.js';
import { DIRTY_MODES, UserPager, ok } from '../support/user-pager.js';
import { PAGE, VmFixture } from '../support/vm-fixture.js';

let pager: UserPager;

beforeEach(async () => {
  pager = new UserPager(await VmFixture.create());
});

async function resize(vmo: PagedVmo, pages: number): Promise<void> {
  ok(await pager.resize(vmo, pages).done);
}

/** Zeroes whole pages, at once and without asking anybody. */
async function zero(vmo: PagedVmo, page: number, count: number): Promise<void> {
  const call = pager.op(vmo, ZX_VMO_OP_ZERO, page, count);
  await pager.turn();
  expect(call.status).toBe(ZX_OK);
  pager.expectPackets();
}

function zeroBytes(vmo: PagedVmo, offset: number, length: number): Call {
  return pager.opBytes(vmo, ZX_VMO_OP_ZERO, offset, length);
}

describe('whole pages', () => {
  it('OZ-01 S-12 NoTrapDirty: are not asked for, also where they are absent', async () => {
    const vmo = pager.createVmo(3, ZX_VMO_RESIZABLE);
    pager.supply(vmo, 0, 1);
    await zero(vmo, 0, 2);
    pager.expectBytes(vmo, 0, 2, 0);
    pager.expectDirty(vmo, '{0,2}Z');
    await resize(vmo, 4);
    await zero(vmo, 3, 1);
    expect(pager.committed(vmo)).toBe(0);
    pager.expectDirty(vmo, '{0,2}Z {3,1}Z');
    pager.finish();
  });

  it('OZ-02 S-12 TrapDirty: no leave is asked for', async () => {
    const vmo = pager.createVmo(2, ZX_VMO_RESIZABLE | ZX_VMO_TRAP_DIRTY);
    pager.supply(vmo, 0, 2);
    await zero(vmo, 0, 1);
    pager.expectDirty(vmo, '{0,1}Z');
    await resize(vmo, 4);
    await zero(vmo, 2, 2);
    expect(pager.committed(vmo)).toBe(1);
    pager.expectDirty(vmo, '{0,1}Z {2,2}Z');
    pager.expectPattern(vmo, 1);
    pager.expectBytes(vmo, 0, 1, 0);
    pager.finish();
  });
});

describe.each(DIRTY_MODES)('ZERO, %s', (mode, options) => {
  const traps = mode === 'TrapDirty';

  function create(pages: number, present: number): PagedVmo {
    const vmo = pager.createVmo(pages, options | ZX_VMO_RESIZABLE);
    if (present !== 0) pager.supply(vmo, 0, present);
    return vmo;
  }

  it('OZ-03: growth stays what it is', async () => {
    const vmo = create(1, 1);
    await resize(vmo, 3);
    pager.expectDirty(vmo, '{1,2}Z');
    await zero(vmo, 1, 2);
    pager.expectDirty(vmo, '{1,2}Z');
    expect(pager.committed(vmo)).toBe(1);
    pager.expectBytes(vmo, 1, 2, 0);
    pager.finish();
  });

  it('OZ-04 IN-02: pages are given back, and become one range of zeros with growth', async () => {
    const vmo = create(1, 1);
    await resize(vmo, 3);
    const write = pager.write(vmo, 2, 1, 7);
    if (traps) await pager.answerDirty(vmo, 2, 1);
    await pager.turn();
    expect([write.status, pager.committed(vmo)]).toEqual([ZX_OK, 2]);
    await zero(vmo, 0, 3);
    pager.expectBytes(vmo, 0, 3, 0);
    expect(pager.committed(vmo)).toBe(0);
    pager.expectDirty(vmo, '{0,3}Z');
    pager.finish();
  });

  it('OZ-07: part of a page is a write; a page of zeros stays without a page', async () => {
    const vmo = create(1, 1);
    await resize(vmo, 2);
    const part = zeroBytes(vmo, 8, 8);
    if (traps) await pager.answerDirty(vmo, 0, 1);
    await pager.turn();
    expect(part.status).toBe(ZX_OK);
    const expected = pattern(vmo, 0);
    expected.fill(0, 8, 16);
    expect(pager.contents(vmo, 0, 1)).toEqual(expected);
    pager.expectDirty(vmo, '{0,1} {1,1}Z');
    const across = zeroBytes(vmo, PAGE - 8, PAGE);
    await pager.turn();
    expect(across.status).toBe(ZX_OK);
    pager.expectPackets();
    expected.fill(0, PAGE - 8);
    expect(pager.contents(vmo, 0, 1)).toEqual(expected);
    pager.expectBytes(vmo, 1, 1, 0);
    pager.expectDirty(vmo, '{0,1} {1,1}Z');
    pager.finish();
  });

  it('OZ-08: absent pages join the growth after them; part of one is asked for', async () => {
    const vmo = create(2, 0);
    await resize(vmo, 3);
    pager.expectDirty(vmo, '{2,1}Z');
    await zero(vmo, 1, 1);
    pager.expectDirty(vmo, '{1,2}Z');
    const part = zeroBytes(vmo, PAGE - 8, 8);
    await pager.answerRead(vmo, 0, 1);
    if (traps) await pager.answerDirty(vmo, 0, 1);
    expect(part.status).toBe(ZX_OK);
    pager.expectDirty(vmo, '{0,1} {1,2}Z');
    const expected = pattern(vmo, 0);
    expected.fill(0, PAGE - 8);
    expect(pager.contents(vmo, 0, 1)).toEqual(expected);
    pager.finish();
  });

  it('OZ-09 S-12: zeros that the pager supplied stay clean', async () => {
    const vmo = create(2, 0);
    pager.supplyZero(vmo, 0, 2);
    await zero(vmo, 0, 2);
    pager.expectDirty(vmo, '');
    pager.expectBytes(vmo, 0, 2, 0);
    expect(pager.committed(vmo)).toBe(0);
    pager.finish();
  });

  it('OZ-11 WB-26 S-10: new zeros before them end the writeback of zeros', async () => {
    const vmo = create(1, 1);
    await resize(vmo, 2);
    pager.expectDirty(vmo, '{1,1}Z');
    pager.writebackBegin(vmo, 1, 1, true);
    await zero(vmo, 0, 1);
    expect(pager.writebackEnd(vmo, 1, 1)).toBe(ZX_OK);
    pager.expectDirty(vmo, '{0,2}Z');
    pager.writeBack(vmo, 0, 2, true);
    pager.expectDirty(vmo, '');
    pager.finish();
  });

  it('WB-27: so that an end of all of them without a new beginning cleans nothing', async () => {
    const vmo = create(1, 1);
    await resize(vmo, 2);
    pager.writebackBegin(vmo, 1, 1, true);
    await zero(vmo, 0, 1);
    expect(pager.writebackEnd(vmo, 0, 2)).toBe(ZX_OK);
    pager.expectDirty(vmo, '{0,2}Z');
    pager.finish();
  });

  it('new zeros after them, or over them, do not', async () => {
    const vmo = create(3, 3);
    await zero(vmo, 0, 1);
    pager.writebackBegin(vmo, 0, 1, true);
    await zero(vmo, 0, 2);
    pager.expectDirty(vmo, '{0,2}Z');
    pager.writebackEnd(vmo, 0, 2);
    pager.expectDirty(vmo, '{1,1}Z');
    pager.finish();
  });

  it('OZ-12: readers that wait go on, with zeros', async () => {
    const vmo = create(2, 1);
    const read = pager.read(vmo, 1, 1);
    pager.expectPackets(pager.R(vmo, 1, 1));
    await zero(vmo, 1, 1);
    expect(read.status).toBe(ZX_OK);
    expect(read.bytes.every((byte) => byte === 0)).toBe(true);
    pager.expectDirty(vmo, '{1,1}Z');
    pager.finish();
  });

  it('OZ-14 MO-04: is a modification', async () => {
    const vmo = create(1, 1);
    if (traps) pager.dirty(vmo, 0, 1);
    expect(pager.modified(vmo)).toBe(false);
    await zero(vmo, 0, 1);
    expect([pager.modified(vmo), pager.modified(vmo)]).toEqual([true, false]);
    pager.expectDirty(vmo, '{0,1}Z');
    pager.finish();
  });

  it('RZ-08 OZ-06 TH-08 S-19: what waits for part of a page fails when the VMO loses it', async () => {
    const vmo = create(3, 1);
    const long = zeroBytes(vmo, PAGE + 8, 2 * PAGE);
    // The end of the first lies past the VMO: it is refused before anything waits.
    await pager.turn();
    expect(long.status).toBe(ZX_ERR_OUT_OF_RANGE);
    await resize(vmo, 4);
    const first = zeroBytes(vmo, PAGE + 8, 2 * PAGE);
    const second = zeroBytes(vmo, 2 * PAGE, PAGE - 8);
    pager.expectPackets(pager.R(vmo, 1, 1), pager.R(vmo, 2, 1));
    await resize(vmo, 1);
    await pager.turn();
    expect([first.status, second.status]).toEqual([ZX_ERR_OUT_OF_RANGE, ZX_ERR_OUT_OF_RANGE]);
    pager.finish();
  });

  it('OZ-05 CL-17: in a clone asks nobody and leaves the parent alone', async () => {
    const vmo = create(2, 0);
    pager.supply(vmo, 1, 1);
    const expectParentKept = (): void => {
      pager.expectDirty(vmo, '');
      expect(pager.modified(vmo)).toBe(false);
      pager.expectPattern(vmo, 1);
    };
    const all = pager.clone(vmo);
    await zero(all, 0, 2);
    pager.expectBytes(all, 0, 2, 0);
    expect(pager.committed(vmo)).toBe(1);
    expectParentKept();
    const into = new Uint8Array(24);
    expect(pager.host.pagerQueryDirtyRanges(pager.pager, all.handle, 0, PAGE, into).status).toBe(
      ZX_ERR_INVALID_ARGS,
    );
    const absent = pager.clone(vmo);
    await zero(absent, 0, 1);
    pager.expectBytes(absent, 0, 1, 0);
    expect(pager.contents(absent, 1, 1)).toEqual(pattern(vmo, 1));
    expect(pager.supply(vmo, 0, 1)).toBe(ZX_OK);
    const present = pager.clone(vmo);
    await zero(present, 0, 1);
    pager.expectBytes(present, 0, 1, 0);
    pager.expectPattern(vmo, 0);
    expectParentKept();
    pager.finish();
  });

  it('part of a page of a clone is a write to the clone', async () => {
    const vmo = create(1, 0);
    const clone = pager.clone(vmo);
    const part = zeroBytes(clone, 8, 8);
    await pager.answerRead(vmo, 0, 1);
    expect(part.status).toBe(ZX_OK);
    const expected = pattern(vmo, 0);
    expect(pager.contents(vmo, 0, 1)).toEqual(expected);
    expected.fill(0, 8, 16);
    expect(pager.contents(clone, 0, 1)).toEqual(expected);
    pager.expectDirty(vmo, '');
    pager.finish();
  });

  it('through a mapping: the same', async () => {
    const vmo = create(2, 2);
    const call = pager.host.vmarOpRange(pager.vmar, ZX_VMAR_OP_ZERO, vmo.base, PAGE);
    expect((await call).status).toBe(ZX_OK);
    expect(pager.load(vmo, 0).outcome).toEqual({ end: 'done', value: 0n });
    pager.expectDirty(vmo, '{0,1}Z');
    pager.finish();
  });
});
