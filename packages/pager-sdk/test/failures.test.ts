import {
  ZX_ERR_BAD_STATE,
  ZX_ERR_BUFFER_TOO_SMALL,
  ZX_ERR_IO,
  ZX_ERR_IO_DATA_INTEGRITY,
  ZX_ERR_NO_SPACE,
  ZX_OK,
} from '@faultline/kernel';
import { describe, expect, it } from 'vitest';
import { PagerError, type ByteRange, type PagerErrorCode, type VmoBacking } from '../src/index.js';
import { fillTagged, heldBacking, PAGE, pagerRig, settle, TestClock, tagged } from './support/pager-rig.js';

/** Throws anything, errors or not. */
function raise(thrown: unknown): void {
  const generator = (function* () {
    yield;
  })();
  generator.throw(thrown);
}

describe('a backing that fails', () => {
  const codes: [PagerErrorCode, number][] = [
    ['io', ZX_ERR_IO],
    ['data-integrity', ZX_ERR_IO_DATA_INTEGRITY],
    ['bad-state', ZX_ERR_BAD_STATE],
    ['no-space', ZX_ERR_NO_SPACE],
    ['buffer-too-small', ZX_ERR_BUFFER_TOO_SMALL],
  ];

  it.each(codes)('with %s fails the request with status %i', async (code, status) => {
    const { service, read, failures } = await pagerRig();
    const error = new PagerError(code, 'as told');
    const now = service.createVmo(
      {
        read: () => {
          throw error;
        },
      },
      { size: PAGE },
    );
    const later = service.createVmo({ read: () => Promise.reject(error) }, { size: PAGE });
    expect((await read(now, 0, PAGE)).status).toBe(status);
    expect((await read(later, 0, PAGE)).status).toBe(status);
    expect(failures).toMatchObject([
      { key: now.key, range: { offset: 0, length: PAGE }, suppliedBytes: 0, status, error },
      { key: later.key, status, error },
    ]);
    expect(service.metrics).toMatchObject({ failures: 2, lentBytes: 0, inFlight: 0 });
  });

  it.each([
    ['an error of its own', new TypeError('a bug')],
    ['a kernel error', new PagerError('kernel', 'odd', { status: -3 })],
    ['a string', 'just so'],
    ['nothing', undefined],
  ])('with %s fails the request with ZX_ERR_IO, and the original is reported', async (_what, thrown) => {
    const { service, read, failures } = await pagerRig();
    const now = service.createVmo({ read: () => void raise(thrown) }, { size: PAGE });
    const later = service.createVmo(
      { read: async () => void raise(await Promise.resolve(thrown)) },
      { size: PAGE },
    );
    expect((await read(now, 0, PAGE)).status).toBe(ZX_ERR_IO);
    expect((await read(later, 0, PAGE)).status).toBe(ZX_ERR_IO);
    for (const { error } of failures) {
      if (thrown === undefined) expect(error).toBeInstanceOf(PagerError);
      else expect(error).toBe(thrown);
    }
  });

  it('is asked again the next time', async () => {
    let attempts = 0;
    const { service, read } = await pagerRig();
    const backing: VmoBacking = {
      read: ({ offset }, into) => {
        attempts += 1;
        if (attempts === 1) throw new Error('not yet');
        fillTagged(1, offset, into);
      },
    };
    const vmo = service.createVmo(backing, { size: PAGE });
    expect((await read(vmo, 0, PAGE)).status).toBe(ZX_ERR_IO);
    expect(await read(vmo, 0, PAGE)).toEqual({ status: ZX_OK, bytes: tagged(1, 0, PAGE) });
  });

  /** What there is of `range` in a content that ends 17 bytes into its third page. */
  const rest = ({ offset, length }: ByteRange): Uint8Array =>
    tagged(6, offset, Math.max(0, Math.min(length, 2 * PAGE + 17 - offset)));
  const short: Record<string, VmoBacking['read']> = {
    'says a smaller count': (range, into) => {
      fillTagged(6, range.offset, into);
      return rest(range).length;
    },
    'returns fewer bytes': (range) => rest(range),
    'returns fewer chunks': (range) => [rest(range).subarray(0, PAGE), rest(range).subarray(PAGE)],
    'streams fewer bytes': async function* (range) {
      yield await Promise.resolve(rest(range));
    } as VmoBacking['read'],
  };

  it.each(Object.entries(short))(
    'by reading short (%s) supplies whole pages, and the rest is ZX_ERR_IO_DATA_INTEGRITY',
    async (_way, read) => {
      const rig = await pagerRig();
      const vmo = rig.service.createVmo({ read }, { size: 5 * PAGE });
      expect((await rig.read(vmo, 0, 5 * PAGE)).status).toBe(ZX_ERR_IO_DATA_INTEGRITY);
      // What was supplied let the reader go on, and ask for the rest once more.
      expect(rig.failures).toMatchObject([
        {
          suppliedBytes: 2 * PAGE,
          status: ZX_ERR_IO_DATA_INTEGRITY,
          error: { code: 'data-integrity', filledBytes: 2 * PAGE + 17 },
        },
        { range: { offset: 2 * PAGE, length: 3 * PAGE }, suppliedBytes: 0, error: { filledBytes: 17 } },
      ]);
      expect(rig.service.metrics.pagesSupplied).toBe(2);
      expect(await rig.read(vmo, 0, 2 * PAGE)).toEqual({ status: ZX_OK, bytes: tagged(6, 0, 2 * PAGE) });
    },
  );

  it('in the middle of a stream loses nothing that came before', async () => {
    const rig = await pagerRig();
    const broken = new Error('connection lost');
    const vmo = rig.service.createVmo(
      {
        read: async function* ({ offset }) {
          if (offset < 3 * PAGE) yield await Promise.resolve(tagged(8, offset, 3 * PAGE - offset));
          throw broken;
        },
      },
      { size: 4 * PAGE },
    );
    expect((await rig.read(vmo, 0, 4 * PAGE)).status).toBe(ZX_ERR_IO);
    expect(rig.failures[0]).toMatchObject({ suppliedBytes: 3 * PAGE, error: { code: 'io', cause: broken } });
    expect((await rig.read(vmo, 0, 3 * PAGE)).bytes).toEqual(tagged(8, 0, 3 * PAGE));
  });

  it.each([
    ['a count beyond the range', () => PAGE + 1],
    ['a negative count', () => -1],
    ['more bytes than asked for', () => new Uint8Array(PAGE + 1)],
    ['more chunks than asked for', () => [new Uint8Array(PAGE), new Uint8Array(1)]],
  ])('by returning %s is ZX_ERR_IO_DATA_INTEGRITY', async (_what, read) => {
    const rig = await pagerRig();
    const vmo = rig.service.createVmo({ read }, { size: PAGE });
    expect((await rig.read(vmo, 0, PAGE)).status).toBe(ZX_ERR_IO_DATA_INTEGRITY);
  });

  it('on what was read ahead does not fail what was asked for', async () => {
    const rig = await pagerRig({ readAheadPages: 8 });
    const ranges: string[] = [];
    const vmo = rig.service.createVmo(
      {
        read: ({ offset, length }, into) => {
          ranges.push(`${offset / PAGE}+${length / PAGE}`);
          if (offset + length > 3 * PAGE) throw new Error('a bad sector');
          fillTagged(1, offset, into);
        },
      },
      { size: 16 * PAGE },
    );
    expect(await rig.read(vmo, PAGE, PAGE)).toEqual({ status: ZX_OK, bytes: tagged(1, PAGE, PAGE) });
    expect(ranges).toEqual(['1+8', '1+1']);
    expect(rig.failures).toEqual([]);
    expect((await rig.read(vmo, 5 * PAGE, PAGE)).status).toBe(ZX_ERR_IO);
  });

  it('leaves other VMOs alone', async () => {
    const rig = await pagerRig();
    const bad = rig.service.createVmo(
      {
        read: () => {
          throw new Error('bad');
        },
      },
      { size: PAGE },
    );
    const good = rig.service.createVmo(
      { read: ({ offset }, into) => fillTagged(2, offset, into) },
      { size: PAGE },
    );
    const [first, second] = await Promise.all([rig.read(bad, 0, PAGE), rig.read(good, 0, PAGE)]);
    expect(first.status).toBe(ZX_ERR_IO);
    expect(second).toEqual({ status: ZX_OK, bytes: tagged(2, 0, PAGE) });
  });
});

describe('a backing that never answers', () => {
  it('fails the request with ZX_ERR_IO when its time is over, and keeps its frames', async () => {
    const clock = new TestClock();
    const rig = await pagerRig({ timeout: 1e6, maxConcurrentReads: 1 }, { clock });
    const { held, backing } = heldBacking();
    const vmo = rig.service.createVmo(backing, { size: 4 * PAGE });
    const first = rig.read(vmo, 0, PAGE);
    await settle();
    clock.time += 2e6;
    expect((await first).status).toBe(ZX_ERR_IO);
    expect(held[0]?.signal.reason).toMatchObject({ code: 'timed-out' });
    expect(rig.failures).toMatchObject([{ error: { code: 'timed-out' }, suppliedBytes: 0 }]);
    expect(rig.service.metrics).toMatchObject({ timeouts: 1, abandoned: 1, inFlight: 0, lentBytes: PAGE });
    // One read of this VMO is still out: the next one waits for it, and its time passes as well.
    const second = rig.read(vmo, PAGE, PAGE);
    await settle();
    clock.time += 2e6;
    expect((await second).status).toBe(ZX_ERR_IO);
    expect(held).toHaveLength(1);
    // Others go on.
    const other = rig.service.createVmo(
      { read: ({ offset }, into) => fillTagged(3, offset, into) },
      { size: PAGE },
    );
    expect((await rig.read(other, 0, PAGE)).status).toBe(ZX_OK);
    held[0]?.resolve();
    await settle();
    expect(rig.service.metrics).toMatchObject({ timeouts: 2, abandoned: 0, queued: 0, lentBytes: 0 });
    const again = rig.read(vmo, 0, PAGE);
    await settle();
    fillTagged(1, 0, held[1]?.into ?? []);
    held[1]?.resolve();
    expect(await again).toEqual({ status: ZX_OK, bytes: tagged(1, 0, PAGE) });
  });

  it('has its time for each request by itself', async () => {
    const clock = new TestClock();
    const rig = await pagerRig({ timeout: 1e6 }, { clock });
    const { held, backing } = heldBacking();
    const vmo = rig.service.createVmo(backing, { size: 8 * PAGE });
    const early = rig.read(vmo, 0, PAGE);
    const answered = rig.read(vmo, 2 * PAGE, PAGE);
    await settle();
    clock.time += 0.6e6;
    const late = rig.read(vmo, 4 * PAGE, PAGE);
    await settle();
    fillTagged(1, 2 * PAGE, held[1]?.into ?? []);
    held[1]?.resolve();
    expect((await answered).status).toBe(ZX_OK);
    clock.time += 0.6e6;
    expect((await early).status).toBe(ZX_ERR_IO);
    expect(rig.service.metrics).toMatchObject({ timeouts: 1, inFlight: 1 });
    clock.time += 0.6e6;
    expect((await late).status).toBe(ZX_ERR_IO);
    expect(rig.service.metrics).toMatchObject({ timeouts: 2, inFlight: 0 });
  });
});

describe('bytes written late', () => {
  /** Everything readable afterwards is checked against what it should be. */
  async function lateWrite(end: 'timeout' | 'detach' | 'close'): Promise<void> {
    const clock = new TestClock();
    const rig = await pagerRig({ timeout: 1e6 }, { clock, ramBytes: 2 ** 21 });
    const { host, kernel } = rig;
    const { held, backing } = heldBacking();
    const vmo = rig.service.createVmo(backing, { size: 4 * PAGE });
    const reading = rig.read(vmo, 0, 4 * PAGE);
    await settle();
    if (end === 'timeout') clock.time += 2e6;
    if (end === 'detach') void vmo.detach();
    if (end === 'close') rig.service.close();
    expect((await reading).status).toBeLessThan(0);
    // The frames that the backing holds are nobody else's, though everything else in RAM is taken now.
    const free = kernel.statistics().frames.free;
    const { handle } = host.vmoCreate(free * PAGE, 0);
    const pattern = new Uint8Array(PAGE).fill(0x5a);
    let committed = 0;
    while (committed < free && (await host.vmoWrite(handle, pattern, committed * PAGE)).status === ZX_OK)
      committed += 1;
    expect(committed).toBeGreaterThan(100);
    for (const view of held[0]?.into ?? []) view.fill(0xbd);
    const seen = new Uint8Array(PAGE);
    const wrong: number[] = [];
    for (let page = 0; page < committed; page++) {
      await host.vmoRead(handle, seen, page * PAGE);
      if (Buffer.compare(seen, pattern) !== 0) wrong.push(page);
    }
    expect(wrong).toEqual([]);
    const before = kernel.statistics().frames;
    held[0]?.resolve();
    await settle();
    expect(kernel.statistics().frames.free).toBe(before.free + 4);
    expect(kernel.statistics().frames.lent).toBe(0);
  }

  it('after the time is over are never seen', () => lateWrite('timeout'));
  it('after detach are never seen', () => lateWrite('detach'));
  it('after the end of the service are never seen', () => lateWrite('close'));
});
