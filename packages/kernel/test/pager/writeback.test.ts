/** Writeback of pages and of zeros: what begins, what ends, and what is dirty all the same. */
import { beforeEach, describe, expect, it } from 'vitest';
import { ZX_ERR_IO, ZX_ERR_OUT_OF_RANGE, ZX_OK } from '../../src/abi/status.js';
import { ZX_VMO_RESIZABLE, ZX_VMO_TRAP_DIRTY } from '../../src/abi/vm.js';
import { pattern, type PagedVmo } from '../support/paged-vmo.js';
import { DIRTY_MODES, UserPager } from '../support/user-pager.js';
import { PAGE, VmFixture } from '../support/vm-fixture.js';

let pager: UserPager;

beforeEach(async () => {
  pager = new UserPager(await VmFixture.create());
});

/** A VMO of supplied pages that has grown; the whole of it mapped and read. */
async function grown(options: number, before: number, after: number): Promise<PagedVmo> {
  const vmo = pager.createVmo(before, options | ZX_VMO_RESIZABLE);
  pager.supply(vmo, 0, before);
  return regrown(vmo, after);
}

async function regrown(vmo: PagedVmo, pages: number): Promise<PagedVmo> {
  expect((await pager.resize(vmo, pages).done).status).toBe(ZX_OK);
  const mapped = { ...vmo, base: pager.map(vmo.handle, pages), pages };
  for (let page = 0; page < pages; page += 1) expect(pager.load(mapped, page).isBlocked).toBe(false);
  return mapped;
}

/** A write to pages that are there; whose pager, if it is asked, is asked for all of them at once. */
async function write(mode: string, vmo: PagedVmo, page: number, count: number, byte: number): Promise<void> {
  const call = pager.write(vmo, page, count, byte);
  if (mode === 'TrapDirty') await pager.answerDirty(vmo, page, count);
  else await pager.turn();
  expect(call.status).toBe(ZX_OK);
  pager.expectPackets();
}

/** A write of one page through its mapping. */
async function store(mode: string, vmo: PagedVmo, page: number, value: bigint): Promise<void> {
  const thread = pager.store(vmo, page, value);
  if (mode === 'TrapDirty') await pager.answerDirty(vmo, page, 1);
  expect(thread.outcome.end).toBe('done');
  pager.expectPackets();
}

/** What a thread sees through the mapping, asking nobody. */
function expectMapped(vmo: PagedVmo, values: readonly bigint[]): void {
  const seen = values.map((_, page) => pager.load(vmo, page).outcome);
  expect(seen).toEqual(values.map((value) => ({ end: 'done', value })));
  pager.expectPackets();
}

function first(vmo: PagedVmo, page: number): bigint {
  return vmo.first + BigInt((page * PAGE) / 8);
}

const SEVENS = 0x0707_0707_0707_0707n;

describe.each(DIRTY_MODES)('pages, %s', (mode, options) => {
  it('WB-01: are dirty until their writeback has ended, and can be written again', async () => {
    const vmo = await grown(options, 1, 1);
    await write(mode, vmo, 0, 1, 7);
    expect(pager.writebackBegin(vmo, 0, 1)).toBe(ZX_OK);
    pager.expectDirty(vmo, '{0,1}');
    expect(pager.writebackEnd(vmo, 0, 1)).toBe(ZX_OK);
    pager.expectDirty(vmo, '');
    pager.expectBytes(vmo, 0, 1, 7);
    await write(mode, vmo, 0, 1, 8);
    pager.expectDirty(vmo, '{0,1}');
    pager.expectBytes(vmo, 0, 1, 8);
    pager.finish();
  });

  it('WB-02 S-10: an end without a beginning does nothing', async () => {
    const vmo = await grown(options, 1, 1);
    await write(mode, vmo, 0, 1, 7);
    expect(pager.writebackEnd(vmo, 0, 1)).toBe(ZX_OK);
    pager.expectDirty(vmo, '{0,1}');
    pager.finish();
  });

  it('a write through a mapping between beginning and end keeps the page dirty', async () => {
    const vmo = await grown(options, 1, 1);
    await store(mode, vmo, 0, 1n);
    expect(pager.store(vmo, 0, 2n).outcome.end).toBe('done');
    pager.writebackBegin(vmo, 0, 1);
    await store(mode, vmo, 0, 3n);
    pager.writebackEnd(vmo, 0, 1);
    pager.expectDirty(vmo, '{0,1}');
    pager.writeBack(vmo, 0, 1);
    pager.expectDirty(vmo, '');
    await store(mode, vmo, 0, 4n);
    pager.expectDirty(vmo, '{0,1}');
    pager.finish();
  });
});

describe('pages whose writes are trapped', () => {
  it('WB-02 S-10: leave that is given after the end makes them dirty; given before, the end changes nothing', async () => {
    const vmo = await grown(ZX_VMO_TRAP_DIRTY, 1, 1);
    pager.dirty(vmo, 0, 1);
    pager.writebackBegin(vmo, 0, 1);
    const late = pager.write(vmo, 0, 1, 1);
    pager.expectPackets(pager.D(vmo, 0, 1));
    expect(pager.writebackEnd(vmo, 0, 1)).toBe(ZX_OK);
    await pager.turn();
    expect(late.isBlocked).toBe(true);
    pager.expectDirty(vmo, '');
    pager.dirty(vmo, 0, 1);
    await pager.turn();
    expect(late.status).toBe(ZX_OK);
    pager.expectDirty(vmo, '{0,1}');

    pager.writebackBegin(vmo, 0, 1);
    const early = pager.write(vmo, 0, 1, 2);
    await pager.answerDirty(vmo, 0, 1);
    expect(early.status).toBe(ZX_OK);
    pager.expectDirty(vmo, '{0,1}');
    expect(pager.writebackEnd(vmo, 0, 1)).toBe(ZX_OK);
    pager.expectDirty(vmo, '{0,1}');
    pager.finish();
  });

  it('WB-03 S-09: a mapping cannot write once writeback has begun; a refusal crashes the writer', async () => {
    const vmo = await grown(ZX_VMO_TRAP_DIRTY, 1, 1);
    await store('TrapDirty', vmo, 0, 1n);
    expect(pager.store(vmo, 0, 2n).outcome.end).toBe('done');
    pager.writebackBegin(vmo, 0, 1);
    pager.expectDirty(vmo, '{0,1}');
    const refused = pager.store(vmo, 0, 3n);
    expect(refused.isBlocked).toBe(true);
    pager.expectPackets(pager.D(vmo, 0, 1));
    pager.fail(vmo, 0, 1);
    await pager.turn();
    expect(refused.outcome).toEqual({ end: 'crash', address: vmo.base, status: ZX_ERR_IO });
    pager.expectDirty(vmo, '{0,1}');
    expect(pager.words(vmo)).toEqual([2n]);
    pager.writebackEnd(vmo, 0, 1);
    pager.expectDirty(vmo, '');
    await store('TrapDirty', vmo, 0, 4n);
    pager.expectDirty(vmo, '{0,1}');
    pager.finish();
  });

  it('WB-05: writes during the writeback keep zeros and pages dirty', async () => {
    const vmo = await grown(ZX_VMO_TRAP_DIRTY, 1, 3);
    await write('TrapDirty', vmo, 2, 1, 1);
    pager.expectDirty(vmo, '{1,1}Z {2,1}');
    pager.writebackBegin(vmo, 1, 2);
    const writes = [pager.write(vmo, 1, 1, 2), pager.write(vmo, 2, 1, 3)];
    pager.expectPackets(pager.D(vmo, 1, 1), pager.D(vmo, 2, 1));
    pager.dirty(vmo, 1, 2);
    await pager.turn();
    expect(writes.map((call) => call.status)).toEqual([ZX_OK, ZX_OK]);
    pager.expectDirty(vmo, '{1,2}');
    expect(pager.writebackEnd(vmo, 1, 2)).toBe(ZX_OK);
    pager.expectDirty(vmo, '{1,2}');
    const again = pager.write(vmo, 1, 2, 4);
    await pager.turn();
    expect(again.status).toBe(ZX_OK);
    pager.finish();
  });

  it('WB-06 S-07: zeros that were written back are absent', async () => {
    const vmo = await grown(ZX_VMO_TRAP_DIRTY, 1, 3);
    await write('TrapDirty', vmo, 2, 1, 1);
    pager.writeBack(vmo, 1, 2);
    pager.expectDirty(vmo, '');
    const gap = pager.write(vmo, 1, 1, 2);
    await pager.answerRead(vmo, 1, 1);
    pager.expectPackets(pager.D(vmo, 1, 1));
    const page = pager.write(vmo, 2, 1, 3);
    pager.expectPackets(pager.D(vmo, 2, 1));
    pager.dirty(vmo, 1, 2);
    await pager.turn();
    expect([gap.status, page.status]).toEqual([ZX_OK, ZX_OK]);
    pager.expectDirty(vmo, '{1,2}');
    pager.expectBytes(vmo, 1, 1, 2);
    pager.finish();
  });
});

describe.each(DIRTY_MODES)('zeros, %s', (mode, options) => {
  it('WB-04 WB-28 S-08 S-11: are cleaned with the pages between them, and go on being seen where they were mapped', async () => {
    const vmo = await grown(options, 1, 3);
    await write(mode, vmo, 0, 1, 7);
    await write(mode, vmo, 2, 1, 7);
    pager.expectDirty(vmo, '{0,1} {1,1}Z {2,1}');
    pager.writeBack(vmo, 0, 3);
    pager.expectDirty(vmo, '');
    expectMapped(vmo, [SEVENS, 0n, SEVENS]);
    pager.finish();
  });

  it('WB-28: written-back zeros are seen where they were mapped until the pager supplies the page', async () => {
    const vmo = await grown(options, 1, 2);
    pager.writeBack(vmo, 1, 1);
    expectMapped(vmo, [first(vmo, 0), 0n]);
    // A new mapping has not seen them.
    const again = { ...vmo, base: pager.map(vmo.handle, 2) };
    const read = pager.load(again, 1);
    await pager.answerRead(vmo, 1, 1);
    expect(read.outcome).toEqual({ end: 'done', value: first(vmo, 1) });
    expectMapped(vmo, [first(vmo, 0), first(vmo, 1)]);
    pager.finish();
  });

  it('WB-07: both sides of a page that was written meanwhile are cleaned, the page is not', async () => {
    const vmo = await grown(options, 1, 4);
    pager.expectDirty(vmo, '{1,3}Z');
    pager.writebackBegin(vmo, 1, 3, true);
    await write(mode, vmo, 2, 1, 7);
    pager.expectDirty(vmo, '{1,1}Z {2,1} {3,1}Z');
    pager.writebackEnd(vmo, 1, 3);
    pager.expectDirty(vmo, '{2,1}');
    pager.writeBack(vmo, 0, 4);
    pager.expectDirty(vmo, '');
    expectMapped(vmo, [first(vmo, 0), 0n, SEVENS, 0n]);
    pager.finish();
  });

  it('WB-08: writes beside the writeback do not concern it', async () => {
    const vmo = await grown(options, 1, 4);
    pager.writebackBegin(vmo, 1, 2, true);
    await write(mode, vmo, 3, 1, 7);
    await write(mode, vmo, 0, 1, 7);
    pager.expectDirty(vmo, '{0,1} {1,2}Z {3,1}');
    pager.writebackEnd(vmo, 1, 2);
    pager.expectDirty(vmo, '{0,1} {3,1}');
    pager.writeBack(vmo, 0, 4);
    pager.expectDirty(vmo, '');
    expectMapped(vmo, [SEVENS, 0n, 0n, SEVENS]);
    pager.finish();
  });

  it('WB-11: pages after them can be cleaned without them', async () => {
    const vmo = await grown(options, 1, 3);
    await write(mode, vmo, 2, 1, 7);
    pager.expectDirty(vmo, '{1,1}Z {2,1}');
    pager.writeBack(vmo, 2, 1);
    pager.expectDirty(vmo, '{1,1}Z');
    await write(mode, vmo, 2, 1, 8);
    pager.expectDirty(vmo, '{1,1}Z {2,1}');
    pager.finish();
  });

  it('WB-12 CO-08: a write over zeros and a page in writeback asks for both at once', async () => {
    const vmo = await grown(options, 1, 6);
    await write(mode, vmo, 2, 1, 7);
    await write(mode, vmo, 4, 1, 7);
    pager.expectDirty(vmo, '{1,1}Z {2,1} {3,1}Z {4,1} {5,1}Z');
    pager.writebackBegin(vmo, 1, 5);
    await write(mode, vmo, 3, 2, 8);
    pager.writebackEnd(vmo, 1, 5);
    pager.expectDirty(vmo, '{3,2}');
    expectMapped(vmo, [first(vmo, 0), 0n, SEVENS, 0x0808_0808_0808_0808n, 0x0808_0808_0808_0808n, 0n]);
    pager.finish();
  });

  it('WB-13: each range by itself', async () => {
    const vmo = await grown(options, 1, 6);
    await write(mode, vmo, 2, 1, 7);
    await write(mode, vmo, 4, 1, 7);
    for (let page = 1; page < 6; page += 1)
      expect(pager.writebackBegin(vmo, page, 1, page % 2 === 1)).toBe(ZX_OK);
    pager.expectDirty(vmo, '{1,1}Z {2,1} {3,1}Z {4,1} {5,1}Z');
    for (let page = 1; page < 6; page += 1) expect(pager.writebackEnd(vmo, page, 1)).toBe(ZX_OK);
    pager.expectDirty(vmo, '');
    pager.finish();
  });

  it('WB-14: from their start on, part by part', async () => {
    const vmo = await grown(options, 1, 5);
    pager.expectDirty(vmo, '{1,4}Z');
    pager.writeBack(vmo, 1, 1, true);
    pager.expectDirty(vmo, '{2,3}Z');
    pager.writeBack(vmo, 2, 1, true);
    pager.expectDirty(vmo, '{3,2}Z');
    pager.writeBack(vmo, 3, 2, true);
    pager.expectDirty(vmo, '');
    pager.finish();
  });

  it('WB-15 WB-27 S-10: beginnings again, in part, past the start; ends without one', async () => {
    let vmo = await grown(options, 1, 5);
    pager.writebackBegin(vmo, 1, 4, true);
    pager.writebackBegin(vmo, 1, 2, true);
    pager.writebackEnd(vmo, 1, 4);
    pager.expectDirty(vmo, '');
    pager.supply(vmo, 1, 4);
    vmo = await regrown(vmo, 10);
    pager.expectDirty(vmo, '{5,5}Z');
    for (const [page, count] of [
      [1, 2],
      [5, 2],
    ] as const) {
      expect(pager.writebackEnd(vmo, page, count)).toBe(ZX_OK);
      pager.expectDirty(vmo, '{5,5}Z');
    }
    for (const [page, count] of [
      [5, 2],
      [5, 2],
      [7, 3],
    ] as const)
      expect(pager.writebackBegin(vmo, page, count, true)).toBe(ZX_OK);
    for (const [page, count] of [
      [5, 2],
      [7, 3],
      [5, 2],
    ] as const)
      expect(pager.writebackEnd(vmo, page, count)).toBe(ZX_OK);
    pager.expectDirty(vmo, '{7,3}Z');
    pager.writeBack(vmo, 7, 3);
    pager.expectDirty(vmo, '');
    pager.finish();
  });

  it('WB-27: an end that leaves out their start does nothing', async () => {
    const vmo = await grown(options, 1, 5);
    pager.writebackBegin(vmo, 1, 4, true);
    expect(pager.writebackEnd(vmo, 3, 2)).toBe(ZX_OK);
    pager.expectDirty(vmo, '{1,4}Z');
    pager.writebackEnd(vmo, 1, 4);
    pager.expectDirty(vmo, '');
    pager.finish();
  });

  it('WB-16: a mapping that has written faults again after the writeback', async () => {
    const vmo = await grown(options, 1, 2);
    await store(mode, vmo, 1, 1n);
    pager.expectDirty(vmo, '{1,1}');
    pager.writeBack(vmo, 0, 2);
    pager.expectDirty(vmo, '');
    await store(mode, vmo, 1, 2n);
    pager.expectDirty(vmo, '{1,1}');
    pager.finish();
  });

  it('WB-17 RZ-18 OR-06: shrinking trims the writeback; what was written back is the pager’s again', async () => {
    let vmo = await grown(options, 1, 3);
    pager.expectDirty(vmo, '{1,2}Z');
    pager.writebackBegin(vmo, 1, 2, true);
    await pager.resize(vmo, 2).done;
    pager.expectDirty(vmo, '{1,1}Z');
    expect(pager.writebackEnd(vmo, 1, 2)).toBe(ZX_ERR_OUT_OF_RANGE);
    pager.expectDirty(vmo, '{1,1}Z');
    expect(pager.writebackEnd(vmo, 1, 1)).toBe(ZX_OK);
    pager.expectDirty(vmo, '');
    await pager.resize(vmo, 3).done;
    pager.expectDirty(vmo, '{2,1}Z');
    expect(pager.supply(vmo, 1, 1)).toBe(ZX_OK);
    pager.expectPattern(vmo, 1);
    pager.writebackBegin(vmo, 2, 1, true);
    await pager.resize(vmo, 2).done;
    pager.expectDirty(vmo, '');
    expect(pager.writebackEnd(vmo, 2, 1)).toBe(ZX_ERR_OUT_OF_RANGE);
    vmo = await regrown(vmo, 3);
    pager.expectDirty(vmo, '{2,1}Z');
    expectMapped(vmo, [first(vmo, 0), first(vmo, 1), 0n]);
    pager.writebackBegin(vmo, 2, 1, true);
    await pager.resize(vmo, 1).done;
    pager.expectDirty(vmo, '');
    expect(pager.writebackEnd(vmo, 2, 1)).toBe(ZX_ERR_OUT_OF_RANGE);
    pager.finish();
  });

  it('WB-18 RZ-18: shrinking past the writeback leaves it alone', async () => {
    const vmo = await grown(options, 1, 3);
    pager.writebackBegin(vmo, 1, 1, true);
    await pager.resize(vmo, 2).done;
    pager.expectDirty(vmo, '{1,1}Z');
    expect(pager.writebackEnd(vmo, 1, 1)).toBe(ZX_OK);
    pager.expectDirty(vmo, '');
    pager.finish();
  });

  it('WB-19 S-07: mapped writes during the writeback, and one to zeros that were written back', async () => {
    const vmo = await grown(options, 1, 6);
    pager.writebackBegin(vmo, 1, 5, true);
    await store(mode, vmo, 2, 2n);
    await store(mode, vmo, 4, 4n);
    pager.expectDirty(vmo, '{1,1}Z {2,1} {3,1}Z {4,1} {5,1}Z');
    for (const page of [2, 4]) expect(pager.store(vmo, page, 9n).outcome.end).toBe('done');
    pager.writebackEnd(vmo, 1, 5);
    pager.expectDirty(vmo, '{2,1} {4,1}');
    expectMapped(vmo, [first(vmo, 0), 0n, 9n, 0n, 9n, 0n]);
    const gap = pager.store(vmo, 3, 3n);
    await pager.answerRead(vmo, 3, 1);
    if (mode === 'TrapDirty') await pager.answerDirty(vmo, 3, 1);
    expect(gap.outcome.end).toBe('done');
    pager.expectDirty(vmo, '{2,3}');
    const expected = pattern(vmo, 3);
    new DataView(expected.buffer).setBigUint64(0, 3n, true);
    expect(pager.contents(vmo, 3, 1)).toEqual(expected);
    pager.writeBack(vmo, 2, 3);
    pager.expectDirty(vmo, '');
    pager.finish();
  });

  it('WB-20 S-11: with the option for zeros, pages stay dirty', async () => {
    const vmo = await grown(options, 1, 4);
    pager.expectDirty(vmo, '{1,3}Z');
    await write(mode, vmo, 2, 1, 7);
    pager.writeBack(vmo, 1, 3, true);
    pager.expectDirty(vmo, '{2,1}');
    pager.finish();
  });

  it.each([
    ['WB-21: all at once', [[1, 9]], [[1, 9]]],
    ['WB-22: in any order', 'each', 'each'],
    ['WB-23: begun in any order, ended at once', 'each', [[1, 9]]],
    ['WB-24: begun at once, ended in any order', [[1, 9]], 'each'],
  ] as const)('%s', async (_name, begins, ends) => {
    const vmo = await grown(options, 1, 10);
    for (const page of [1, 6, 9]) await write(mode, vmo, page, 1, 7);
    pager.expectDirty(vmo, '{1,1} {2,4}Z {6,1} {7,2}Z {9,1}');
    const each = [
      [7, 2],
      [1, 1],
      [6, 1],
      [2, 4],
      [9, 1],
    ] as const;
    for (const [page, count] of begins === 'each' ? each : begins)
      expect(pager.writebackBegin(vmo, page, count)).toBe(ZX_OK);
    pager.expectDirty(vmo, '{1,1} {2,4}Z {6,1} {7,2}Z {9,1}');
    for (const [page, count] of ends === 'each' ? each : ends)
      expect(pager.writebackEnd(vmo, page, count)).toBe(ZX_OK);
    pager.expectDirty(vmo, '');
    pager.finish();
  });
});
