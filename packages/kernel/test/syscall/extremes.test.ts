/** The calls on memory at the ends of what 64 bits can say: every one ends at once, and the last page of the largest VMO is a page like any other. */
import { describe, expect, it } from 'vitest';
import {
  ZX_PAGER_OP_DIRTY,
  ZX_PAGER_OP_WRITEBACK_BEGIN,
  ZX_PAGER_OP_WRITEBACK_END,
} from '../../src/abi/pager.js';
import { ZX_RSRC_SYSTEM_IOMMU_BASE } from '../../src/abi/resource.js';
import { ZX_ERR_NO_MEMORY, ZX_ERR_OUT_OF_RANGE, ZX_OK } from '../../src/abi/status.js';
import {
  ZX_VMAR_OP_ALWAYS_NEED,
  ZX_VMAR_OP_COMMIT,
  ZX_VMAR_OP_DECOMMIT,
  ZX_VMAR_OP_DONT_NEED,
  ZX_VMAR_OP_MAP_RANGE,
  ZX_VMAR_OP_PREFETCH,
  ZX_VMAR_OP_ZERO,
  ZX_VMO_CHILD_RESIZABLE,
  ZX_VMO_CHILD_SLICE,
  ZX_VMO_CHILD_SNAPSHOT,
  ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE,
  ZX_VMO_MAX_PAGES,
  ZX_VMO_OP_ALWAYS_NEED,
  ZX_VMO_OP_CACHE_CLEAN,
  ZX_VMO_OP_COMMIT,
  ZX_VMO_OP_DECOMMIT,
  ZX_VMO_OP_DONT_NEED,
  ZX_VMO_OP_PREFETCH,
  ZX_VMO_OP_ZERO,
  ZX_VMO_RESIZABLE,
  ZX_VMO_TRAP_DIRTY,
  ZX_VM_ALLOW_FAULTS,
  ZX_VM_MAP_RANGE,
  ZX_VM_OFFSET_IS_UPPER_LIMIT,
  ZX_VM_PERM_READ,
  ZX_VM_PERM_WRITE,
  ZX_VM_SPECIFIC,
} from '../../src/abi/vm.js';
import { GuestCall } from '../support/guest-call.js';
import { GuestThread } from '../support/guest-thread.js';
import { UserPager, ok } from '../support/user-pager.js';
import { PAGE, VmFixture } from '../support/vm-fixture.js';

const PAGE_BITS = BigInt(PAGE);
const LARGEST = BigInt(ZX_VMO_MAX_PAGES) * PAGE_BITS;
const END = 1n << 64n;
const RW = ZX_VM_PERM_READ | ZX_VM_PERM_WRITE;
const VMO_OPS = [
  ZX_VMO_OP_COMMIT,
  ZX_VMO_OP_DECOMMIT,
  ZX_VMO_OP_ZERO,
  ZX_VMO_OP_PREFETCH,
  ZX_VMO_OP_ALWAYS_NEED,
  ZX_VMO_OP_DONT_NEED,
  ZX_VMO_OP_CACHE_CLEAN,
];

const VMAR_OPS = [
  ZX_VMAR_OP_COMMIT,
  ZX_VMAR_OP_DECOMMIT,
  ZX_VMAR_OP_MAP_RANGE,
  ZX_VMAR_OP_ZERO,
  ZX_VMAR_OP_DONT_NEED,
  ZX_VMAR_OP_ALWAYS_NEED,
  ZX_VMAR_OP_PREFETCH,
];
const PAGER_OPS = [ZX_PAGER_OP_DIRTY, ZX_PAGER_OP_WRITEBACK_BEGIN, ZX_PAGER_OP_WRITEBACK_END];

/** Where sums of two wrap, numbers stop being exact, and address spaces and VMOs end. */
const EXTREMES = [
  ...[0n, 1n, PAGE_BITS - 1n, PAGE_BITS, (1n << 32n) - 1n, 1n << 32n],
  ...[(1n << 38n) - PAGE_BITS, (1n << 38n) - 1n, 1n << 38n, (1n << 53n) - 1n, 1n << 53n, (1n << 53n) + 1n],
  ...[(1n << 63n) - 1n, 1n << 63n, LARGEST - PAGE_BITS, LARGEST - 1n, LARGEST],
  ...[END - 2n * PAGE_BITS, END - PAGE_BITS, END - PAGE_BITS + 1n, END - 2n, END - 1n],
];

interface Objects {
  readonly anonymous: number;
  readonly clone: number;
  readonly paged: number;
  readonly other: number;
  readonly pager: number;
  readonly port: number;
  readonly vmar: number;
  readonly bti: number;
  /** An address that can be written. */
  readonly memory: number;
}

/** An argument: a number, or one that takes every extreme. */
type Argument = number | 'extreme';
const X = 'extreme' as const;

/** Calls, and what their arguments are: in each, every combination of extremes is tried. */
const CALLS: Record<string, (objects: Objects) => Argument[][]> = {
  vmo_create: ({ memory }) => [
    [X, 0, memory],
    [X, ZX_VMO_RESIZABLE, memory],
    [PAGE, 0, X],
  ],
  vmo_read: ({ anonymous, clone, paged }) => [anonymous, clone, paged].map((vmo) => [vmo, X, X, X]),
  vmo_write: ({ anonymous, clone, paged }) => [anonymous, clone, paged].map((vmo) => [vmo, X, X, X]),
  vmo_set_size: ({ anonymous, clone }) => [anonymous, clone].map((vmo) => [vmo, X]),
  vmo_set_stream_size: ({ anonymous, clone, paged }) => [anonymous, clone, paged].map((vmo) => [vmo, X]),
  vmo_op_range: ({ anonymous, clone, paged, memory }) =>
    [anonymous, clone, paged].flatMap((vmo) => VMO_OPS.map((op) => [vmo, op, X, X, memory, 0])),
  vmo_create_child: ({ anonymous, paged, memory }) => [
    [anonymous, ZX_VMO_CHILD_SNAPSHOT, X, X, memory],
    [paged, ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE, X, X, memory],
    [paged, ZX_VMO_CHILD_SLICE, X, X, memory],
  ],
  vmo_transfer_data: ({ anonymous, other }) => [[anonymous, 0, X, X, other, X]],
  vmar_map: ({ vmar, anonymous, memory }) => [
    [vmar, RW, 0, anonymous, X, X, memory],
    [vmar, RW | ZX_VM_MAP_RANGE | ZX_VM_ALLOW_FAULTS | ZX_VM_SPECIFIC, X, anonymous, X, X, memory],
    [vmar, RW | ZX_VM_OFFSET_IS_UPPER_LIMIT, X, anonymous, 0, X, memory],
  ],
  vmar_unmap: ({ vmar }) => [[vmar, X, X]],
  vmar_protect: ({ vmar }) => [[vmar, ZX_VM_PERM_READ, X, X]],
  vmar_allocate: ({ vmar, memory }) => [[vmar, ZX_VM_SPECIFIC, X, X, memory, memory + 8]],
  vmar_op_range: ({ vmar }) => VMAR_OPS.map((op) => [vmar, op, X, X, 0, 0]),
  pager_create_vmo: ({ pager, port, memory }) => [[pager, 0, port, 9, X, memory]],
  pager_supply_pages: ({ pager, paged, other }) => [[pager, paged, X, X, other, X]],
  pager_op_range: ({ pager, paged }) => PAGER_OPS.map((op) => [pager, op, paged, X, X, 0]),
  pager_query_dirty_ranges: ({ pager, paged, memory }) => [
    [pager, paged, X, X, memory, 48, memory + 64, memory + 72],
    [pager, paged, 0, PAGE, X, X, memory, memory],
  ],
  bti_pin: ({ bti, anonymous, paged, memory }) =>
    [anonymous, paged].map((vmo) => [bti, 1, vmo, X, X, memory, X, memory + 8]),
  vmo_create_contiguous: ({ bti, memory }) => [[bti, X, 0, memory]],
};

/** Small RAM, so that what fills it ends soon. */
async function make(): Promise<{ pager: UserPager; objects: Objects }> {
  const fixture = await VmFixture.create({
    ramBytes: 2 ** 20,
    pagerBlocking: 'fail',
    limits: { pageListNodes: 64 },
  });
  const pager = new UserPager(fixture);
  const { host } = fixture;
  const anonymous = ok(host.vmoCreate(LARGEST, ZX_VMO_RESIZABLE)).handle;
  const clone = ok(
    host.vmoCreateChild(anonymous, ZX_VMO_CHILD_SNAPSHOT | ZX_VMO_CHILD_RESIZABLE, 0, LARGEST),
  ).handle;
  const paged = ok(host.pagerCreateVmo(pager.pager, ZX_VMO_TRAP_DIRTY, pager.port, 7n, LARGEST)).handle;
  const other = ok(host.vmoCreate(LARGEST, 0)).handle;
  const memory = pager.map(ok(host.vmoCreate(PAGE, 0)).handle, 1);
  return {
    pager,
    objects: {
      anonymous,
      clone,
      paged,
      other,
      pager: pager.pager,
      port: pager.port,
      vmar: pager.vmar,
      memory,
      bti: bti(pager),
    },
  };
}

/** Every way to put extremes into the places for them. */
function* combinations(args: readonly Argument[]): IterableIterator<(number | bigint)[]> {
  const places = args.flatMap((arg, index) => (arg === X ? [index] : []));
  for (let number = 0; number < EXTREMES.length ** places.length; number += 1) {
    const filled = args.map((arg) => (arg === X ? 0 : arg)) as (number | bigint)[];
    let rest = number;
    for (const place of places) {
      filled[place] = EXTREMES[rest % EXTREMES.length];
      rest = Math.floor(rest / EXTREMES.length);
    }
    yield filled;
  }
}

function bti({ host }: UserPager): number {
  const resource = ok(host.systemResource(ZX_RSRC_SYSTEM_IOMMU_BASE)).handle;
  const iommu = ok(host.iommuCreate(resource)).handle;
  return ok(host.btiCreate(iommu, 0, 1)).handle;
}

describe('a call on memory', () => {
  it.each(Object.keys(CALLS))('%s ends at once, whatever its positions and lengths are', async (name) => {
    const { pager, objects } = await make();
    const { host } = pager;
    for (const args of CALLS[name](objects)) {
      for (const filled of combinations(args)) {
        const call = GuestCall.start(pager.fixture, pager.space, name, ...filled);
        expect(call.status).toBeLessThanOrEqual(0);
      }
    }
    host.close();
    pager.fixture.expectNoLeaks();
  });
});

describe('the last page of the largest VMO', () => {
  const last = LARGEST - PAGE_BITS;

  async function fresh(): Promise<UserPager> {
    return new UserPager(await VmFixture.create());
  }

  /** Maps it at a fixed place. @returns its address */
  function mapLast(pager: UserPager, vmo: number): number {
    return ok(pager.host.vmarMap(pager.vmar, RW | ZX_VM_SPECIFIC, 2 ** 30, vmo, last, PAGE)).address;
  }

  it('is written and read, by calls and by threads', async () => {
    const pager = await fresh();
    const { host } = pager;
    const vmo = ok(host.vmoCreate(LARGEST, 0)).handle;
    const bytes = new Uint8Array(PAGE).fill(0x5a);
    expect((await host.vmoWrite(vmo, bytes, last)).status).toBe(ZX_OK);
    expect((await host.vmoWrite(vmo, bytes, last + 1n)).status).toBe(ZX_ERR_OUT_OF_RANGE);
    const base = mapLast(pager, vmo);
    const thread = GuestThread.start(pager.fixture, pager.space, 'read', base + PAGE - 8);
    expect(thread.outcome).toEqual({ end: 'done', value: 0x5a5a_5a5a_5a5a_5a5an });
    expect(GuestThread.start(pager.fixture, pager.space, 'write', base, 7n).outcome.end).toBe('done');
    const word = new Uint8Array(8);
    expect((await host.vmoRead(vmo, word, last)).status).toBe(ZX_OK);
    expect(word).toEqual(Uint8Array.of(7, 0, 0, 0, 0, 0, 0, 0));
    pager.finish();
  });

  it('is committed, zeroed and given up, alone and with everything before it', async () => {
    const pager = await fresh();
    const { host } = pager;
    const vmo = ok(host.vmoCreate(LARGEST, 0)).handle;
    const op = async (operation: number, offset: bigint, size: bigint): Promise<number> =>
      (await host.vmoOpRange(vmo, operation, offset, size)).status;
    const committed = (): number => pager.committed({ handle: vmo, key: 0n, first: 0n, base: 0, pages: 0 });
    expect(await op(ZX_VMO_OP_COMMIT, last - PAGE_BITS, 2n * PAGE_BITS)).toBe(ZX_OK);
    expect(await op(ZX_VMO_OP_COMMIT, last, PAGE_BITS + 1n)).toBe(ZX_ERR_OUT_OF_RANGE);
    expect(committed()).toBe(2);
    expect(await op(ZX_VMO_OP_DECOMMIT, last, PAGE_BITS)).toBe(ZX_OK);
    expect(committed()).toBe(1);
    expect(await op(ZX_VMO_OP_ZERO, 0n, LARGEST)).toBe(ZX_OK);
    expect(committed()).toBe(0);
    // As much as there are frames for.
    expect(await op(ZX_VMO_OP_COMMIT, 0n, LARGEST)).toBe(ZX_ERR_NO_MEMORY);
    expect(await op(ZX_VMO_OP_DECOMMIT, 0n, LARGEST)).toBe(ZX_OK);
    expect(committed()).toBe(0);
    pager.finish();
  });

  it('is asked for, supplied, dirty and written back', async () => {
    const pager = await fresh();
    const { host } = pager;
    const key = 77n;
    const vmo = ok(host.pagerCreateVmo(pager.pager, 0, pager.port, key, LARGEST)).handle;
    const base = mapLast(pager, vmo);
    const reader = GuestThread.start(pager.fixture, pager.space, 'read', base);
    expect(reader.isBlocked).toBe(true);
    const { packet } = host.portTryWait(pager.port);
    expect(packet?.pageRequest).toMatchObject({ offset: Number(last), length: PAGE });
    const aux = pager.memory(new Uint8Array(PAGE).fill(3));
    ok(host.pagerSupplyPages(pager.pager, vmo, last, PAGE, aux, 0));
    await pager.turn();
    expect(reader.outcome).toEqual({ end: 'done', value: 0x0303_0303_0303_0303n });
    expect(GuestThread.start(pager.fixture, pager.space, 'write', base, 1n).outcome.end).toBe('done');
    const range = new Uint8Array(24);
    const found = host.pagerQueryDirtyRanges(pager.pager, vmo, 0, LARGEST, range);
    expect(found).toEqual({ status: ZX_OK, actual: 1, available: 1 });
    const view = new DataView(range.buffer);
    expect([view.getBigUint64(0, true), view.getBigUint64(8, true)]).toEqual([last, PAGE_BITS]);
    ok(host.pagerOpRange(pager.pager, ZX_PAGER_OP_WRITEBACK_BEGIN, vmo, 0, LARGEST, 0));
    ok(host.pagerOpRange(pager.pager, ZX_PAGER_OP_WRITEBACK_END, vmo, 0, LARGEST, 0));
    expect(host.pagerQueryDirtyRanges(pager.pager, vmo, 0, LARGEST, range).available).toBe(0);
    pager.finish();
  });

  it('shows in clones of it, and in slices, and goes by shrinking', async () => {
    const pager = await fresh();
    const { host } = pager;
    const vmo = ok(host.vmoCreate(LARGEST, ZX_VMO_RESIZABLE)).handle;
    expect((await host.vmoWrite(vmo, Uint8Array.of(9), last)).status).toBe(ZX_OK);
    const child = (options: number): number => ok(host.vmoCreateChild(vmo, options, last, PAGE)).handle;
    const children = [child(ZX_VMO_CHILD_SNAPSHOT), child(ZX_VMO_CHILD_SNAPSHOT)];
    const byte = new Uint8Array(1);
    for (const each of children) {
      expect((await host.vmoRead(each, byte, 0)).status).toBe(ZX_OK);
      expect(byte[0]).toBe(9);
    }
    expect((await host.vmoSetSize(vmo, last)).status).toBe(ZX_OK);
    expect((await host.vmoSetSize(vmo, LARGEST)).status).toBe(ZX_OK);
    expect((await host.vmoRead(vmo, byte, last)).status).toBe(ZX_OK);
    expect(byte[0]).toBe(0);
    expect((await host.vmoRead(children[0], byte, 0)).status).toBe(ZX_OK);
    expect(byte[0]).toBe(9);
    pager.finish();
  });
});
