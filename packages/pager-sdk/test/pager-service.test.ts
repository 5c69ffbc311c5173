import { ZX_ERR_BAD_STATE, ZX_OK } from '@faultline/kernel';
import { describe, expect, it } from 'vitest';
import { PagerError, PagerService, type ByteRange, type VmoBacking } from '../src/index.js';
import { fillTagged, heldBacking, PAGE, pagerRig, settle, tagged } from './support/pager-rig.js';

/** Ways in which a backing may answer; all give the same bytes. */
const WAYS: Record<string, VmoBacking['read']> = {
  'fills the views': ({ offset }, into) => fillTagged(7, offset, into),
  'fills the views and says how many bytes': ({ offset, length }, into) => {
    fillTagged(7, offset, into);
    return length;
  },
  'returns the bytes': ({ offset, length }) => tagged(7, offset, length),
  'returns chunks of any size': ({ offset, length }) => chunks(tagged(7, offset, length)),
  'fills the views later': async ({ offset }, into) => {
    await Promise.resolve();
    fillTagged(7, offset, into);
  },
  'promises the bytes': ({ offset, length }) => Promise.resolve(tagged(7, offset, length)),
  'promises chunks': ({ offset, length }) => Promise.resolve(chunks(tagged(7, offset, length))),
  'gives a stream of chunks': ({ offset, length }) => stream(tagged(7, offset, length)),
  'promises a stream of chunks': ({ offset, length }) => Promise.resolve(stream(tagged(7, offset, length))),
};

function* chunks(bytes: Uint8Array): Iterable<Uint8Array> {
  for (let position = 0, size = 1; position < bytes.length; position += size, size = size * 3 + 1) {
    yield bytes.subarray(position, position + size);
  }
}

async function* stream(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  for (const chunk of chunks(bytes)) {
    await Promise.resolve();
    yield chunk;
  }
}

describe('a backing that', () => {
  it.each(Object.entries(WAYS))('%s is seen by readers', async (_way, read) => {
    const { service, read: readVmo, failures } = await pagerRig();
    const vmo = service.createVmo({ read }, { size: 10 * PAGE + 100 });
    const { status, bytes } = await readVmo(vmo, 2 * PAGE + 5, 6 * PAGE);
    expect(status).toBe(ZX_OK);
    expect(bytes).toEqual(tagged(7, 2 * PAGE, 7 * PAGE).subarray(5, 6 * PAGE + 5));
    expect(failures).toEqual([]);
    expect(service.metrics).toMatchObject({
      pagesSupplied: 7,
      bytesSupplied: 7 * PAGE,
      inFlight: 0,
      lentBytes: 0,
    });
  });

  it.each(Object.entries(WAYS))(
    '%s gives the last page, and zeros behind the content',
    async (_way, read) => {
      const { service, read: readVmo } = await pagerRig();
      const ranges: ByteRange[] = [];
      const watched: VmoBacking['read'] = (range, into, context) => {
        ranges.push(range);
        expect(into.reduce((sum, view) => sum + view.length, 0)).toBe(range.length);
        return read(range, into, context);
      };
      const vmo = service.createVmo({ read: watched }, { size: 3 * PAGE + 100 });
      const { status, bytes } = await readVmo(vmo, 2 * PAGE, 2 * PAGE);
      expect(status).toBe(ZX_OK);
      expect(bytes.subarray(0, PAGE + 100)).toEqual(tagged(7, 2 * PAGE, PAGE + 100));
      expect(bytes.subarray(PAGE + 100).every((byte) => byte === 0)).toBe(true);
      expect(ranges).toEqual([{ offset: 2 * PAGE, length: PAGE + 100 }]);
      expect(service.metrics.bytesSupplied).toBe(PAGE + 100);
    },
  );
});

describe('a pager service', () => {
  it('answers a synchronous backing without a turn of the event loop', async () => {
    const { host, service } = await pagerRig();
    const vmo = service.createVmo(
      { read: ({ offset }, into) => fillTagged(1, offset, into) },
      { size: PAGE },
    );
    let settled = false;
    void host.vmoRead(vmo.handle, new Uint8Array(PAGE), 0).then(() => {
      settled = true;
    });
    for (let turn = 0; turn < 20 && !settled; turn++) await Promise.resolve();
    expect(settled).toBe(true);
  });

  it('reads each page once', async () => {
    const reads: number[] = [];
    const { service, read } = await pagerRig();
    const backing: VmoBacking = {
      read: ({ offset, length }, into) => {
        for (let page = offset; page < offset + length; page += PAGE) reads.push(page / PAGE);
        fillTagged(1, offset, into);
      },
    };
    const vmo = service.createVmo(backing, { size: 4 * PAGE });
    await Promise.all([read(vmo, 0, 2 * PAGE), read(vmo, PAGE, 3 * PAGE), read(vmo, 0, 4 * PAGE)]);
    expect((await read(vmo, 0, 4 * PAGE)).bytes).toEqual(tagged(1, 0, 4 * PAGE));
    expect(reads.sort((a, b) => a - b)).toEqual([0, 1, 2, 3]);
    expect(vmo.pagesSupplied).toBe(4);
  });

  it('tells VMOs apart by key (PK-07)', async () => {
    const { service, read } = await pagerRig();
    const vmos = Array.from({ length: 8 }, (_, index) =>
      service.createVmo(
        { read: async ({ offset }, into) => fillTagged(index, offset, into) },
        { size: 2 * PAGE, ...(index % 2 === 0 ? {} : { key: 2n ** 63n + BigInt(index) }) },
      ),
    );
    expect(new Set(vmos.map(({ key }) => key)).size).toBe(8);
    const results = await Promise.all(vmos.map((vmo) => read(vmo, 0, 2 * PAGE)));
    results.forEach(({ bytes }, index) => expect(bytes).toEqual(tagged(index, 0, 2 * PAGE)));
    expect(service.vmoCount).toBe(8);
  });

  it('cuts long requests into reads of maxReadBytes, in order', async () => {
    const ranges: ByteRange[] = [];
    const { service, read } = await pagerRig({ maxReadBytes: 4 * PAGE });
    const backing: VmoBacking = {
      read: (range, into) => {
        ranges.push(range);
        fillTagged(3, range.offset, into);
      },
    };
    const vmo = service.createVmo(backing, { size: 100 * PAGE });
    const { bytes } = await read(vmo, PAGE, 10 * PAGE);
    expect(bytes).toEqual(tagged(3, PAGE, 10 * PAGE));
    expect(ranges.map(({ offset, length }) => [offset / PAGE, length / PAGE])).toEqual([
      [1, 4],
      [5, 4],
      [9, 2],
    ]);
  });

  it('has at most maxConcurrentReads of a VMO under way, and goes on when one settles', async () => {
    const { service, read } = await pagerRig({ maxReadBytes: PAGE, maxConcurrentReads: 2 });
    const { held, backing } = heldBacking();
    const vmo = service.createVmo(backing, { size: 5 * PAGE });
    const whole = read(vmo, 0, 5 * PAGE);
    await settle();
    expect(held.map(({ offset }) => offset / PAGE)).toEqual([0, 1]);
    expect(service.metrics).toMatchObject({ inFlight: 2, queued: 3, lentBytes: 2 * PAGE });
    for (let next = 0; next < 5; next++) {
      const { offset, into, resolve } = held[next];
      fillTagged(9, offset, into);
      resolve();
      await settle();
      expect(held.length).toBe(Math.min(5, next + 3));
    }
    expect((await whole).bytes).toEqual(tagged(9, 0, 5 * PAGE));
    expect(service.metrics).toMatchObject({ inFlight: 0, queued: 0, lentBytes: 0, peakLentBytes: 2 * PAGE });
    expect(service.metrics.latency.reduce((sum, count) => sum + count, 0)).toBe(5);
  });

  it('lends at most maxLentBytes to all VMOs together', async () => {
    const { service, read } = await pagerRig({ maxReadBytes: 2 * PAGE, maxLentBytes: 4 * PAGE });
    const sources = Array.from({ length: 4 }, () => heldBacking());
    const vmos = sources.map(({ backing }) => service.createVmo(backing, { size: 2 * PAGE }));
    const reads = vmos.map((vmo) => read(vmo, 0, 2 * PAGE));
    await settle();
    expect(sources.map(({ held }) => held.length)).toEqual([1, 1, 0, 0]);
    for (const { held } of sources) {
      fillTagged(2, 0, held[0]?.into ?? []);
      held[0]?.resolve();
      await settle();
    }
    for (const { bytes } of await Promise.all(reads)) expect(bytes).toEqual(tagged(2, 0, 2 * PAGE));
    expect(service.metrics.peakLentBytes).toBe(4 * PAGE);
  });

  it('reads ahead as far as it is told', async () => {
    const ranges: ByteRange[] = [];
    const { service, read } = await pagerRig({ readAheadPages: 4 });
    const backing: VmoBacking = {
      read: (range, into) => {
        ranges.push(range);
        fillTagged(1, range.offset, into);
      },
    };
    const vmo = service.createVmo(backing, { size: 10 * PAGE });
    for (let page = 0; page < 10; page++) {
      expect((await read(vmo, page * PAGE, PAGE)).bytes).toEqual(tagged(1, page * PAGE, PAGE));
    }
    expect(ranges.map(({ offset, length }) => [offset / PAGE, length / PAGE])).toEqual([
      [0, 4],
      [4, 4],
      [8, 2],
    ]);
  });

  it('joins a request that an outstanding read covers', async () => {
    const { service, read } = await pagerRig({ readAheadPages: 8 });
    const { held, backing } = heldBacking();
    const vmo = service.createVmo(backing, { size: 16 * PAGE });
    const reads = [read(vmo, 0, PAGE), read(vmo, 3 * PAGE, PAGE), read(vmo, 6 * PAGE, 4 * PAGE)];
    await settle();
    expect(held.map(({ offset, length }) => [offset / PAGE, length / PAGE])).toEqual([
      [0, 8],
      [8, 8],
    ]);
    for (const { offset, into, resolve } of held) {
      fillTagged(4, offset, into);
      resolve();
    }
    expect((await Promise.all(reads)).map(({ bytes }) => bytes[4])).toEqual([0, 0, 0]);
    expect((await read(vmo, 0, 16 * PAGE)).bytes).toEqual(tagged(4, 0, 16 * PAGE));
    expect(held).toHaveLength(2);
  });

  it('takes an empty VMO', async () => {
    const { service, read } = await pagerRig();
    const vmo = service.createVmo({ read: () => undefined }, { size: 0 });
    expect(await read(vmo, 0, 0)).toMatchObject({ status: ZX_OK });
    expect(service.metrics.requests).toBe(0);
  });

  it('gives VMOs their names', async () => {
    const { host, service } = await pagerRig();
    const vmo = service.createVmo({ read: () => undefined }, { size: PAGE, name: 'words' });
    expect(host.objectGetName(vmo.handle)).toEqual({ status: ZX_OK, name: 'words' });
  });

  it.each([
    ['maxReadBytes', { maxReadBytes: 100 }],
    ['maxReadBytes', { maxReadBytes: 0 }],
    ['maxLentBytes', { maxReadBytes: 2 * PAGE, maxLentBytes: PAGE }],
    ['maxConcurrentReads', { maxConcurrentReads: 0 }],
    ['readAheadPages', { readAheadPages: 1.5 }],
    ['timeout', { timeout: 0 }],
  ])('refuses a wrong %s', async (name, options) => {
    const { host } = await pagerRig();
    expect(() => new PagerService(host, options)).toThrow(
      expect.objectContaining({ name: 'RangeError', message: expect.stringContaining(name) }),
    );
  });

  it('refuses wrong sizes and keys in use', async () => {
    const { service } = await pagerRig();
    const backing: VmoBacking = { read: () => undefined };
    expect(() => service.createVmo(backing, { size: -1 })).toThrow(RangeError);
    expect(() => service.createVmo(backing, { size: 1.5 })).toThrow(RangeError);
    service.createVmo(backing, { size: PAGE, key: 5n });
    expect(() => service.createVmo(backing, { size: PAGE, key: 5n })).toThrow(/key 5 is in use/);
    service.close();
    expect(() => service.createVmo(backing, { size: PAGE })).toThrow(
      expect.objectContaining({ code: 'detached' }),
    );
  });
});

describe('the end', () => {
  it('of the service fails what waits, and leaves nothing behind', async () => {
    const { kernel, host, failures } = await pagerRig();
    const before = kernel.statistics();
    const service = new PagerService(host, { onError: (failure) => failures.push(failure) });
    const { held, closed, backing } = heldBacking();
    const vmo = service.createVmo(backing, { size: 8 * PAGE });
    const ready = service.createVmo(
      { read: ({ offset }, into) => fillTagged(1, offset, into) },
      { size: 8 * PAGE },
    );
    await host.vmoRead(ready.handle, new Uint8Array(8 * PAGE), 0);
    const waiting = host.vmoRead(vmo.handle, new Uint8Array(3 * PAGE), 0);
    await settle();
    const end = service.closeAndSettle();
    expect((await waiting).status).toBe(ZX_ERR_BAD_STATE);
    expect(held[0]?.signal.aborted).toBe(true);
    expect(held[0]?.signal.reason).toBeInstanceOf(PagerError);
    await settle();
    expect(closed()).toBe(false);
    expect(kernel.statistics().frames.free).toBe(before.frames.free - 3);
    held[0]?.resolve();
    await end;
    expect(closed()).toBe(true);
    const after = kernel.statistics();
    expect(after.objects).toBe(before.objects);
    expect(after.frames).toEqual(before.frames);
    expect(failures).toEqual([]);
  });

  it('comes by using', async () => {
    const { kernel, host } = await pagerRig();
    const before = kernel.statistics().objects;
    {
      using service = new PagerService(host);
      service.createVmo({ read: () => undefined }, { size: PAGE });
      expect(kernel.statistics().objects).toBeGreaterThan(before);
    }
    expect(kernel.statistics().objects).toBe(before);
    {
      await using service = new PagerService(host);
      service.createVmo({ read: () => undefined }, { size: PAGE });
    }
    expect(kernel.statistics().objects).toBe(before);
  });

  it('of a VMO fails what waits, drops its pages and closes its backing', async () => {
    const { kernel, service, read, failures } = await pagerRig();
    const before = kernel.statistics();
    const { held, closed, backing } = heldBacking();
    const vmo = service.createVmo(backing, { size: 8 * PAGE });
    const first = read(vmo, 0, PAGE);
    await settle();
    fillTagged(1, 0, held[0]?.into ?? []);
    held[0]?.resolve();
    expect((await first).status).toBe(ZX_OK);
    const second = read(vmo, PAGE, PAGE);
    await settle();
    const gone = vmo.detach();
    expect((await second).status).toBe(ZX_ERR_BAD_STATE);
    expect(held[1]?.signal.reason).toMatchObject({ code: 'detached' });
    expect(closed()).toBe(false);
    held[1]?.reject(new Error('stopped reading'));
    await gone;
    await vmo.detach();
    expect(closed()).toBe(true);
    expect(service.vmoCount).toBe(0);
    expect(failures).toEqual([]);
    expect(kernel.statistics()).toMatchObject({ objects: before.objects, frames: before.frames });
  });

  it('reports what goes wrong when a backing is closed', async () => {
    const { service, failures } = await pagerRig();
    const error = new Error('cannot close');
    const vmo = service.createVmo(
      { read: () => undefined, close: () => Promise.reject(error) },
      { size: PAGE, name: 'x' },
    );
    await vmo.detach();
    expect(failures).toMatchObject([{ name: 'x', error }]);
  });

  it('comes when the last reference is gone', async () => {
    const { kernel, host, service } = await pagerRig();
    const before = kernel.statistics().objects;
    let unused = 0;
    const vmo = service.createVmo(
      { read: ({ offset }, into) => fillTagged(1, offset, into) },
      { size: 2 * PAGE, onUnused: () => (unused += 1) },
    );
    const first = vmo.share(0x8000_0000);
    const second = vmo.share(0x8000_0000);
    const bytes = new Uint8Array(PAGE);
    expect((await host.vmoRead(first, bytes, PAGE)).status).toBe(ZX_OK);
    expect(bytes).toEqual(tagged(1, PAGE, PAGE));
    host.handleClose(first);
    await settle();
    expect(unused).toBe(0);
    host.handleClose(second);
    const third = vmo.share(0x8000_0000);
    await settle();
    expect(unused).toBe(0);
    host.handleClose(third);
    await settle();
    expect(unused).toBe(1);
    expect(vmo.isShared).toBe(false);
    await vmo.detach();
    expect(kernel.statistics().objects).toBe(before);
  });

  it('of a guest that waits leaves the service as it was', async () => {
    const { host, service } = await pagerRig();
    const { held, backing } = heldBacking();
    const vmo = service.createVmo(backing, { size: PAGE });
    const abort = new AbortController();
    const reading = host.vmoRead(vmo.handle, new Uint8Array(PAGE), 0, { signal: abort.signal });
    await settle();
    abort.abort(new Error('no longer wanted'));
    await expect(reading).rejects.toThrow('no longer wanted');
    fillTagged(5, 0, held[0]?.into ?? []);
    held[0]?.resolve();
    await settle();
    const bytes = new Uint8Array(PAGE);
    expect((await host.vmoRead(vmo.handle, bytes, 0)).status).toBe(ZX_OK);
    expect(bytes).toEqual(tagged(5, 0, PAGE));
  });
});
