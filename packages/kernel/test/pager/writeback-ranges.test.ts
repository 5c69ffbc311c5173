/** Writeback with writes at random places in between, across resizing with requests outstanding, and after the pager was detached. */
import { Machine } from '@faultline/mmu-emu';
import fc from 'fast-check';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ZX_ERR_NOT_FOUND, ZX_ERR_OUT_OF_RANGE, ZX_OK } from '../../src/abi/status.js';
import { ZX_VMO_RESIZABLE, ZX_VMO_TRAP_DIRTY } from '../../src/abi/vm.js';
import { type PagedVmo } from '../support/paged-vmo.js';
import { DIRTY_MODES, UserPager, ok } from '../support/user-pager.js';
import { PAGE, VmFixture } from '../support/vm-fixture.js';

let machine: Machine;
let pager: UserPager;

beforeAll(async () => {
  machine = await Machine.create({ mode: 'hosted', ramBytes: 2 * 2 ** 20 });
});

beforeEach(async () => {
  pager = new UserPager(await VmFixture.create({ machine }));
});

async function resize(vmo: PagedVmo, pages: number): Promise<void> {
  ok(await pager.resize(vmo, pages).done);
}

/** Runs of pages out of forty, by which of them are chosen. */
const chosen = fc.array(fc.boolean(), { minLength: 40, maxLength: 40 });

function runsOf(pages: readonly boolean[]): [number, number][] {
  const runs: [number, number][] = [];
  pages.forEach((here, index) => {
    if (!here) return;
    const last = runs.at(-1);
    if (last !== undefined && last[0] + last[1] === index + 1) last[1] += 1;
    else runs.push([index + 1, 1]);
  });
  return runs;
}

const described = (runs: readonly (readonly [number, number])[]): string =>
  runs.map(([page, count]) => `{${page},${count}}`).join(' ');

/** One page, and forty that it has grown by; random runs are written after the writeback of `[1, end)` has begun. */
async function writtenDuring(options: number, pages: readonly boolean[], end: number): Promise<PagedVmo> {
  pager = new UserPager(await VmFixture.create({ machine }));
  const vmo = pager.createVmo(1, options | ZX_VMO_RESIZABLE);
  pager.supply(vmo, 0, 1);
  await resize(vmo, 41);
  pager.expectDirty(vmo, '{1,40}Z');
  expect(pager.writebackBegin(vmo, 1, end - 1, true)).toBe(ZX_OK);
  for (const [page, count] of runsOf(pages)) {
    const write = pager.write(vmo, page, count, 7);
    if (options === ZX_VMO_TRAP_DIRTY) {
      for (let done = 0; done < count; done += 16)
        await pager.answerDirty(vmo, page + done, Math.min(count - done, 16));
    } else await pager.turn();
    expect(write.status).toBe(ZX_OK);
  }
  return vmo;
}

describe.each(DIRTY_MODES)('random writes during the writeback of zeros, %s', (_mode, options) => {
  it('WB-09: exactly what was written stays dirty', async () => {
    await fc.assert(
      fc.asyncProperty(chosen, async (pages) => {
        const vmo = await writtenDuring(options, pages, 41);
        expect(pager.writebackEnd(vmo, 1, 40)).toBe(ZX_OK);
        pager.expectDirty(vmo, described(runsOf(pages)));
        pager.writeBack(vmo, 0, 41);
        pager.expectDirty(vmo, '');
        for (const [page, count] of runsOf(pages)) pager.expectBytes(vmo, page, count, 7);
        pager.finish();
      }),
      { numRuns: 25 },
    );
  });

  it('WB-10: zeros past the end of the writeback stay dirty as well', async () => {
    await fc.assert(
      fc.asyncProperty(chosen, async (pages) => {
        const vmo = await writtenDuring(options, pages, 21);
        expect(pager.writebackEnd(vmo, 1, 20)).toBe(ZX_OK);
        const zeros = runsOf(pages.map((here, index) => !here && index >= 20));
        const expected = [
          ...runsOf(pages).map(([page, count]) => [page, `{${page},${count}}`] as const),
          ...zeros.map(([page, count]) => [page, `{${page},${count}}Z`] as const),
        ].sort(([a], [b]) => a - b);
        pager.expectDirty(vmo, expected.map(([, range]) => range).join(' '));
        pager.finish();
      }),
      { numRuns: 25 },
    );
  });
});

describe('resizing', () => {
  it('RZ-09 OR-06 S-19 TH-08: shrinking ends what waits for pages and for leave to write', async () => {
    const vmo = pager.createVmo(5, ZX_VMO_TRAP_DIRTY | ZX_VMO_RESIZABLE);
    pager.supplyZero(vmo, 1, 1);
    pager.supply(vmo, 3, 1);
    await resize(vmo, 6);
    pager.expectDirty(vmo, '{5,1}Z');
    const writes = [1, 3, 5].map((page) => pager.write(vmo, page, 1, 7));
    const read = pager.read(vmo, 2, 1);
    pager.expectPackets(pager.D(vmo, 1, 1), pager.D(vmo, 3, 1), pager.D(vmo, 5, 1), pager.R(vmo, 2, 1));
    await resize(vmo, 1);
    await pager.turn();
    expect([...writes, read].map((call) => call.status)).toEqual(new Array(4).fill(ZX_ERR_OUT_OF_RANGE));
    for (const page of [1, 3, 5]) expect(pager.dirty(vmo, page, 1)).toBe(ZX_ERR_OUT_OF_RANGE);
    expect(pager.supply(vmo, 2, 1)).toBe(ZX_ERR_OUT_OF_RANGE);
    pager.expectDirty(vmo, '');
    pager.finish();
  });

  it('RZ-10 OR-06: shrinking ends writers in the middle of a writeback', async () => {
    const vmo = pager.createVmo(2, ZX_VMO_TRAP_DIRTY | ZX_VMO_RESIZABLE);
    pager.supply(vmo, 0, 2);
    await resize(vmo, 5);
    const write = pager.write(vmo, 4, 1, 7);
    await pager.answerDirty(vmo, 4, 1);
    expect(write.status).toBe(ZX_OK);
    pager.expectDirty(vmo, '{2,2}Z {4,1}');
    pager.writebackBegin(vmo, 2, 3);
    const first = pager.write(vmo, 1, 2, 8);
    pager.expectPackets(pager.D(vmo, 1, 2));
    const second = pager.write(vmo, 3, 2, 9);
    pager.expectPackets(pager.D(vmo, 3, 2));
    expect(pager.writebackEnd(vmo, 2, 1)).toBe(ZX_OK);
    await resize(vmo, 1);
    await pager.turn();
    expect([first.status, second.status]).toEqual([ZX_ERR_OUT_OF_RANGE, ZX_ERR_OUT_OF_RANGE]);
    pager.expectDirty(vmo, '');
    expect(pager.writebackEnd(vmo, 3, 2)).toBe(ZX_ERR_OUT_OF_RANGE);
    pager.expectDirty(vmo, '');
    pager.finish();
  });

  it.each(DIRTY_MODES)(
    'RZ-11 RV-07 OV-06 S-07 %s: growth is zeros that nobody is asked for',
    async (mode, options) => {
      const vmo = pager.createVmo(2, options | ZX_VMO_RESIZABLE);
      await resize(vmo, 4);
      const read = pager.read(vmo, 0, 4);
      await pager.answerRead(vmo, 0, 2);
      expect(read.status).toBe(ZX_OK);
      expect(read.bytes.subarray(2 * PAGE).every((byte) => byte === 0)).toBe(true);
      expect(pager.committed(vmo)).toBe(2);
      expect(pager.supply(vmo, 2, 2)).toBe(ZX_OK);
      expect(pager.committed(vmo)).toBe(2);
      pager.expectBytes(vmo, 2, 2, 0);
      const write = pager.write(vmo, 2, 2, 7);
      if (mode === 'TrapDirty') await pager.answerDirty(vmo, 2, 2);
      await pager.turn();
      expect([write.status, pager.committed(vmo)]).toEqual([ZX_OK, 4]);
      pager.expectDirty(vmo, '{2,2}');
      pager.expectPattern(vmo, 0, 2);
      pager.finish();
    },
  );
});

describe.each(DIRTY_MODES)('after the pager was detached, %s', (mode, options) => {
  it('DT-12 QD-07: clean pages are gone, and nothing is dirty', () => {
    const vmo = pager.createVmo(1, options);
    pager.supply(vmo, 0, 1);
    pager.detach(vmo);
    pager.expectPackets(pager.C(vmo));
    expect(pager.committed(vmo)).toBe(0);
    pager.expectDirty(vmo, '');
    pager.finish();
  });

  it('DT-13 QD-07 S-06: dirty pages stay, can be read, and be written back', async () => {
    const vmo = pager.createVmo(1, options);
    pager.supply(vmo, 0, 1);
    const write = pager.writeWord('Vmo', vmo, 0, 5n);
    if (mode === 'TrapDirty') await pager.answerDirty(vmo, 0, 1);
    await pager.turn();
    write.expectDone();
    pager.detach(vmo);
    pager.expectPackets(pager.C(vmo));
    expect(pager.committed(vmo)).toBe(1);
    pager.expectDirty(vmo, '{0,1}');
    expect(pager.load(vmo, 0).outcome).toEqual({ end: 'done', value: 5n });
    expect(pager.words(vmo)).toEqual([5n]);
    pager.writeBack(vmo, 0, 1);
    pager.expectDirty(vmo, '');
    pager.finish();
  });

  it('DT-14 QD-07 S-06: so do zeros', async () => {
    const vmo = pager.createVmo(1, options | ZX_VMO_RESIZABLE);
    await resize(vmo, 3);
    const write = pager.writeWord('Vmo', vmo, 2, 5n);
    if (mode === 'TrapDirty') await pager.answerDirty(vmo, 2, 1);
    await pager.turn();
    write.expectDone();
    const mapped = { ...vmo, base: pager.map(vmo.handle, 3) };
    const expectKept = (): void => {
      pager.expectDirty(vmo, '{1,1}Z {2,1}');
      expect(pager.committed(vmo)).toBe(1);
    };
    expectKept();
    pager.detach(vmo);
    pager.expectPackets(pager.C(vmo));
    expectKept();
    expect(pager.words(vmo, 1)).toEqual([0n, 5n]);
    expect([1, 2].map((page) => pager.load(mapped, page).outcome)).toEqual([
      { end: 'done', value: 0n },
      { end: 'done', value: 5n },
    ]);
    pager.writeBack(vmo, 1, 2);
    pager.expectDirty(vmo, '');
    pager.finish();
  });
});

it('DIRTY of a range of which a page is absent changes none of it', () => {
  const vmo = pager.createVmo(3, ZX_VMO_TRAP_DIRTY);
  pager.supply(vmo, 0, 2);
  expect(pager.dirty(vmo, 0, 3)).toBe(ZX_ERR_NOT_FOUND);
  pager.expectDirty(vmo, '');
  pager.finish();
});
