/** `zx_pager_query_vmo_stats`: what modifies a VMO, and what does not. */
import { beforeEach, describe, expect, it } from 'vitest';
import { ZX_PAGER_RESET_VMO_STATS } from '../../src/abi/pager.js';
import { ZX_ERR_INVALID_ARGS, ZX_ERR_IO, ZX_OK } from '../../src/abi/status.js';
import { ZX_VMO_OP_COMMIT, ZX_VMO_RESIZABLE, ZX_VMO_TRAP_DIRTY } from '../../src/abi/vm.js';
import { GuestCall } from '../support/guest-call.js';
import { type PagedVmo } from '../support/paged-vmo.js';
import { DIRTY_MODES, UserPager, ok } from '../support/user-pager.js';
import { PAGE, VmFixture } from '../support/vm-fixture.js';

let pager: UserPager;

beforeEach(async () => {
  pager = new UserPager(await VmFixture.create());
});

/** A `zx_vmo_write` from a VMO's mapping. */
function writeFrom(source: PagedVmo, vmo: PagedVmo, count: number): GuestCall {
  const { fixture, space } = pager;
  return GuestCall.start(fixture, space, 'vmo_write', vmo.handle, source.base, 0, count * PAGE);
}

describe.each(DIRTY_MODES)('modified, %s', (mode, options) => {
  const traps = mode === 'TrapDirty';

  function create(pages = 1): PagedVmo {
    const vmo = pager.createVmo(pages, options | ZX_VMO_RESIZABLE);
    pager.supply(vmo, 0, pages);
    return vmo;
  }

  it.each(['Vmo', 'Vmar'] as const)(
    'MO-02 MO-03 S-14: by a write through %s, not by DIRTY alone; the answer resets it',
    async (path) => {
      const vmo = create();
      if (traps) {
        expect(pager.dirty(vmo, 0, 1)).toBe(ZX_OK);
        pager.expectDirty(vmo, '{0,1}');
      }
      expect(pager.modified(vmo)).toBe(false);
      const write = pager.writeWord(path, vmo, 0, 1n);
      await pager.turn();
      write.expectDone();
      expect([pager.modified(vmo), pager.modified(vmo)]).toEqual([true, false]);
      pager.expectDirty(vmo, '{0,1}');
      pager.finish();
    },
  );

  it.each(['Vmo', 'Vmar'] as const)('MO-05: not by a read through %s', async (path) => {
    const vmo = pager.createVmo(1, options);
    const read = path === 'Vmo' ? pager.read(vmo, 0, 1) : pager.load(vmo, 0);
    await pager.answerRead(vmo, 0, 1);
    expect(read.isBlocked).toBe(false);
    expect(pager.modified(vmo)).toBe(false);
    pager.expectDirty(vmo, '');
    pager.finish();
  });

  it('MO-04 RZ-17 S-14: by resizing, also where nothing becomes dirty', async () => {
    const vmo = create();
    ok(await pager.resize(vmo, 0).done);
    expect([pager.modified(vmo), pager.modified(vmo)]).toEqual([true, false]);
    pager.expectDirty(vmo, '');
    ok(await pager.resize(vmo, 2).done);
    expect([pager.modified(vmo), pager.modified(vmo)]).toEqual([true, false]);
    pager.expectDirty(vmo, '{0,2}Z');
    pager.expectBytes(vmo, 0, 2, 0);
    pager.finish();
  });

  it('MO-13 RZ-04: not by COMMIT, but by the resize that ends it', async () => {
    const vmo = pager.createVmo(2, options | ZX_VMO_RESIZABLE);
    pager.supply(vmo, 0, 1);
    const commit = pager.op(vmo, ZX_VMO_OP_COMMIT, 0, 2);
    pager.expectPackets(pager.R(vmo, 1, 1));
    expect(pager.modified(vmo)).toBe(false);
    ok(await pager.resize(vmo, 1).done);
    await pager.turn();
    expect(commit.status).toBe(ZX_OK);
    expect([pager.modified(vmo), pager.modified(vmo)]).toEqual([true, false]);
    pager.expectPattern(vmo, 0);
    pager.expectDirty(vmo, '');
    pager.finish();
  });

  it('MO-07 S-14: not by a write whose source fails, though the page is dirty', async () => {
    const vmo = create();
    const source = pager.createVmo(1);
    if (traps) pager.dirty(vmo, 0, 1);
    const write = writeFrom(source, vmo, 1);
    pager.expectPackets(pager.R(source, 0, 1));
    pager.fail(source, 0, 1);
    await pager.turn();
    expect(write.status).toBe(ZX_ERR_IO);
    expect(pager.modified(vmo)).toBe(false);
    pager.expectDirty(vmo, '{0,1}');
    pager.expectPattern(vmo, 0);
    pager.finish();
  });

  it('MO-08 S-15: nothing is copied where a later page of the source fails', async () => {
    const vmo = create(2);
    const source = pager.createVmo(2);
    pager.supply(source, 0, 1);
    if (traps) pager.dirty(vmo, 0, 2);
    const write = writeFrom(source, vmo, 2);
    pager.expectPackets(pager.R(source, 1, 1));
    pager.fail(source, 1, 1);
    await pager.turn();
    expect(write.status).toBe(ZX_ERR_IO);
    pager.expectPattern(vmo, 0, 2);
    expect(pager.modified(vmo)).toBe(false);
    pager.expectDirty(vmo, '{0,2}');
    if (traps) {
      pager.writeBack(vmo, 0, 2);
      pager.dirty(vmo, 0, 1);
      const half = pager.write(vmo, 0, 2, 7);
      pager.expectPackets(pager.D(vmo, 1, 1));
      pager.fail(vmo, 1, 1);
      await pager.turn();
      expect(half.status).toBe(ZX_ERR_IO);
      pager.expectBytes(vmo, 0, 1, 7);
      pager.expectPattern(vmo, 1);
      expect(pager.modified(vmo)).toBe(true);
      pager.expectDirty(vmo, '{0,1}');
    }
    pager.finish();
  });

  it('MO-08 S-15: also where the beginning of the source is mapped already', async () => {
    const vmo = create(2);
    const source = pager.createVmo(2);
    pager.supply(source, 0, 1);
    expect(pager.load(source, 0).outcome.end).toBe('done');
    if (traps) pager.dirty(vmo, 0, 2);
    const write = writeFrom(source, vmo, 2);
    pager.expectPackets(pager.R(source, 1, 1));
    pager.expectPattern(vmo, 0, 2);
    pager.fail(source, 1, 1);
    await pager.turn();
    expect(write.status).toBe(ZX_ERR_IO);
    pager.expectPattern(vmo, 0, 2);
    expect(pager.modified(vmo)).toBe(false);
    pager.finish();
  });

  it('S-15: nor where the source fails far behind what is copied together', async () => {
    const vmo = create(20);
    const source = pager.createVmo(20);
    for (const [page, count] of [
      [0, 18],
      [19, 1],
    ] as const)
      pager.supply(source, page, count);
    if (traps) pager.dirty(vmo, 0, 20);
    const write = writeFrom(source, vmo, 20);
    pager.expectPackets(pager.R(source, 18, 1));
    pager.fail(source, 18, 1);
    await pager.turn();
    expect(write.status).toBe(ZX_ERR_IO);
    pager.expectPattern(vmo, 0, 20);
    expect(pager.modified(vmo)).toBe(false);
    pager.finish();
  });

  it('MO-11: without the option, the answer leaves it as it is', async () => {
    const vmo = create();
    const write = pager.writeWord('Vmo', vmo, 0, 1n);
    if (traps) await pager.answerDirty(vmo, 0, 1);
    await pager.turn();
    write.expectDone();
    const ask = (option: number): number =>
      ok(pager.host.pagerQueryVmoStats(pager.pager, vmo.handle, option)).modified;
    expect([0, 0, ZX_PAGER_RESET_VMO_STATS, 0].map(ask)).toEqual([1, 1, 1, 0]);
    pager.finish();
  });

  it('MO-10 CL-19 QD-06: not by a write to a clone, which has neither statistics nor dirty ranges', async () => {
    const vmo = create();
    const clone = pager.clone(vmo);
    const write = pager.writeWord('Vmo', clone, 0, 1n);
    await pager.turn();
    write.expectDone();
    expect(pager.modified(vmo)).toBe(false);
    pager.expectDirty(vmo, '');
    const { host } = pager;
    expect(host.pagerQueryVmoStats(pager.pager, clone.handle, 0).status).toBe(ZX_ERR_INVALID_ARGS);
    const into = new Uint8Array(24);
    expect(host.pagerQueryDirtyRanges(pager.pager, clone.handle, 0, PAGE, into).status).toBe(
      ZX_ERR_INVALID_ARGS,
    );
    expect([pager.words(vmo), pager.words(clone)]).toEqual([[vmo.first], [1n]]);
    pager.finish();
  });
});

it.each(['Vmo', 'Vmar'] as const)('MO-06: not by a write that was refused, through %s', async (path) => {
  const vmo = pager.createVmo(1, ZX_VMO_TRAP_DIRTY);
  pager.supply(vmo, 0, 1);
  const write = pager.writeWord(path, vmo, 0, 1n);
  pager.expectPackets(pager.D(vmo, 0, 1));
  pager.fail(vmo, 0, 1);
  await pager.turn();
  write.expectFailed(ZX_ERR_IO);
  expect(pager.modified(vmo)).toBe(false);
  pager.expectDirty(vmo, '');
  pager.finish();
});
