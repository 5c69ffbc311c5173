/** IOMMUs, BTIs, pinned memory tokens, contiguous VMOs. */
import { beforeEach, describe, expect, it } from 'vitest';
import * as bti from '../../src/abi/bti.js';
import {
  INFO_VMO_BYTES,
  INFO_VMO_FLAGS,
  ZX_INFO_BTI,
  ZX_INFO_VMO,
  ZX_INFO_VMO_CONTIGUOUS,
} from '../../src/abi/info.js';
import { ZX_RSRC_SYSTEM_IOMMU_BASE, ZX_RSRC_SYSTEM_VMEX_BASE } from '../../src/abi/resource.js';
import { ZX_RIGHT_MAP, ZX_RIGHT_READ, ZX_RIGHT_WRITE } from '../../src/abi/rights.js';
import {
  ZX_ERR_ACCESS_DENIED,
  ZX_ERR_BAD_HANDLE,
  ZX_ERR_BAD_STATE,
  ZX_ERR_INVALID_ARGS,
  ZX_ERR_NOT_SUPPORTED,
  ZX_ERR_NO_MEMORY,
  ZX_ERR_NO_RESOURCES,
  ZX_ERR_OUT_OF_RANGE,
  ZX_ERR_UNAVAILABLE,
  ZX_ERR_WRONG_TYPE,
  ZX_OK,
  type Status,
} from '../../src/abi/status.js';
import {
  ZX_VMO_CHILD_REFERENCE,
  ZX_VMO_CHILD_SLICE,
  ZX_VMO_CHILD_SNAPSHOT,
  ZX_VMO_OP_DECOMMIT,
  ZX_VMO_OP_ZERO,
  ZX_VMO_RESIZABLE,
} from '../../src/abi/vm.js';
import type { BtiDispatcher } from '../../src/dma/bti.js';
import type { HostProcess } from '../../src/host/host-process.js';
import { Pinner, type Pin } from '../support/pinner.js';
import { ok } from '../support/user-pager.js';
import { PAGE, VmFixture } from '../support/vm-fixture.js';

const READ = bti.ZX_BTI_PERM_READ;

let fixture: VmFixture;
let host: HostProcess;
let pinner: Pinner;

async function make(limits = {}): Promise<void> {
  fixture = await VmFixture.create({ ramBytes: 2 ** 22, limits });
  host = fixture.host;
  pinner = new Pinner(host);
}

beforeEach(() => make());

async function settled(pin: Pin): Promise<Pin> {
  await fixture.turn();
  return pin;
}

function memory(pages: number, options = 0): number {
  return ok(host.vmoCreate(pages * PAGE, options)).handle;
}

/** A pin of a VMO's pages that ends at once, by bare arguments. */
function pinWith(options: number, vmo: number, offset: number, size: number, count: number): Status {
  return host.call(
    'bti_pin',
    pinner.bti,
    options,
    vmo,
    offset,
    size,
    new Uint8Array(64),
    count,
    new Uint8Array(4),
  );
}

function copyWith(handle: number, rights: number): number {
  return ok(host.handleDuplicate(handle, rights)).handle;
}

/** minimum_contiguity, aspace_size, pmo_count, quarantine_count. */
function infoOf(handle: number): number[] {
  const record = new Uint8Array(bti.INFO_BTI_BYTES);
  expect(host.call('object_get_info', handle, ZX_INFO_BTI, record, record.length, 0, 0)).toBe(ZX_OK);
  return Array.from(new BigUint64Array(record.buffer), Number);
}

describe('zx_iommu_create and zx_bti_create', () => {
  it('take the right resource, the type that there is, and its description', () => {
    const create = (resource: number, type: number, size: number): Status =>
      host.call('iommu_create', resource, type, new Uint8Array(8), size, new Uint8Array(4));
    const resource = ok(host.systemResource(ZX_RSRC_SYSTEM_IOMMU_BASE, 'iommu')).handle;
    expect(create(0, 0, 1)).toBe(ZX_ERR_BAD_HANDLE);
    expect(create(memory(1), 0, 1)).toBe(ZX_ERR_WRONG_TYPE);
    expect(create(ok(host.systemResource(ZX_RSRC_SYSTEM_VMEX_BASE)).handle, 0, 1)).toBe(ZX_ERR_OUT_OF_RANGE);
    expect(create(resource, 1, 1)).toBe(ZX_ERR_NOT_SUPPORTED);
    expect(create(resource, 0, 2)).toBe(ZX_ERR_INVALID_ARGS);
    expect(create(resource, 0, 1)).toBe(ZX_OK);
    const iommu = ok(host.iommuCreate(resource)).handle;
    expect(host.btiCreate(iommu, 1, 0).status).toBe(ZX_ERR_INVALID_ARGS);
    expect(host.btiCreate(resource, 0, 0).status).toBe(ZX_ERR_WRONG_TYPE);
    expect(host.btiCreate(iommu, 0, 0).status).toBe(ZX_OK);
    fixture.expectNoLeaks();
  });
});

describe('zx_bti_pin', () => {
  it('checks handles, rights, options, range and the count of addresses', async () => {
    const vmo = memory(4);
    const readOnly = copyWith(vmo, ZX_RIGHT_MAP | ZX_RIGHT_READ);
    const unmappable = copyWith(vmo, ZX_RIGHT_READ);
    const W = bti.ZX_BTI_PERM_WRITE;
    expect(pinWith(READ, 0, 0, PAGE, 1)).toBe(ZX_ERR_BAD_HANDLE);
    expect(pinWith(READ, pinner.bti, 0, PAGE, 1)).toBe(ZX_ERR_WRONG_TYPE);
    expect(pinWith(READ, unmappable, 0, PAGE, 1)).toBe(ZX_ERR_ACCESS_DENIED);
    expect(pinWith(READ | W, readOnly, 0, PAGE, 1)).toBe(ZX_ERR_ACCESS_DENIED);
    expect(pinWith(W, copyWith(vmo, ZX_RIGHT_MAP | ZX_RIGHT_WRITE), 0, PAGE, 1)).toBe(ZX_OK);
    expect(pinWith(bti.ZX_BTI_PERM_EXECUTE, copyWith(vmo, ZX_RIGHT_MAP), 0, PAGE, 1)).toBe(
      ZX_ERR_ACCESS_DENIED,
    );
    expect(pinWith(0, vmo, 0, PAGE, 1)).toBe(ZX_ERR_INVALID_ARGS);
    expect(pinWith(1 << 5, vmo, 0, PAGE, 1)).toBe(ZX_ERR_INVALID_ARGS);
    expect(pinWith(READ | bti.ZX_BTI_COMPRESS | bti.ZX_BTI_CONTIGUOUS, vmo, 0, PAGE, 1)).toBe(
      ZX_ERR_INVALID_ARGS,
    );
    expect(pinWith(READ | bti.ZX_BTI_CONTIGUOUS, vmo, 0, PAGE, 1)).toBe(ZX_ERR_INVALID_ARGS);
    expect(pinWith(READ, vmo, 8, PAGE, 1)).toBe(ZX_ERR_INVALID_ARGS);
    expect(pinWith(READ, vmo, 0, 100, 1)).toBe(ZX_ERR_INVALID_ARGS);
    expect(pinWith(READ, vmo, 0, 0, 0)).toBe(ZX_ERR_INVALID_ARGS);
    expect(pinWith(READ, vmo, PAGE, 4 * PAGE, 4)).toBe(ZX_ERR_OUT_OF_RANGE);
    expect(pinWith(READ, vmo, 0, 2 * PAGE, 1)).toBe(ZX_ERR_INVALID_ARGS);
    expect(pinWith(READ | bti.ZX_BTI_COMPRESS, vmo, 0, 2 * PAGE, 2)).toBe(ZX_OK);
    expect(host.call('bti_pin', vmo, READ, vmo, 0, PAGE, new Uint8Array(8), 1, new Uint8Array(4))).toBe(
      ZX_ERR_WRONG_TYPE,
    );
    // Where the addresses cannot be given, nothing stays pinned.
    const before = fixture.physical.pinnedCount;
    expect(host.call('bti_pin', pinner.bti, READ, vmo, 3 * PAGE, PAGE, 0, 1, new Uint8Array(4))).toBe(
      ZX_ERR_INVALID_ARGS,
    );
    expect(fixture.physical.pinnedCount).toBe(before);
    await fixture.turn();
    fixture.expectNoLeaks();
  });

  it('gives the addresses of the pages, in which their contents are', async () => {
    const vmo = memory(3);
    const bytes = new Uint8Array(3 * PAGE).map((_byte, index) => (index >>> 12) + 5);
    expect((await host.vmoWrite(vmo, bytes, 0)).status).toBe(ZX_OK);
    const pin = await settled(pinner.pinForRead({ handle: vmo }, 1, 2));
    const { ram } = fixture.physical;
    const seen = pin.addresses.map((address) => ram.readable((address - ram.base) / PAGE)[100]);
    expect(seen).toEqual([6, 7]);
    expect(pin.unpin()).toBe(ZX_OK);
    fixture.expectNoLeaks();
  });

  it('keeps anonymous pages in their place: no decommit, no shrinking, no snapshot; zeroing leaves the frames', async () => {
    const vmo = memory(4, ZX_VMO_RESIZABLE);
    expect((await host.vmoWrite(vmo, new Uint8Array(4 * PAGE).fill(9), 0)).status).toBe(ZX_OK);
    const pin = await settled(pinner.pinForWrite({ handle: vmo }, 1, 2));
    const op = async (operation: number): Promise<Status> =>
      (await host.vmoOpRange(vmo, operation, 0, 4 * PAGE)).status;
    expect(await op(ZX_VMO_OP_DECOMMIT)).toBe(ZX_ERR_BAD_STATE);
    expect((await host.vmoSetSize(vmo, 2 * PAGE)).status).toBe(ZX_ERR_BAD_STATE);
    expect((await host.vmoSetStreamSize(vmo, PAGE)).status).toBe(ZX_ERR_BAD_STATE);
    expect((await host.vmoSetSize(vmo, 3 * PAGE)).status).toBe(ZX_OK);
    expect(host.vmoCreateChild(vmo, ZX_VMO_CHILD_SNAPSHOT, 0, PAGE).status).toBe(ZX_ERR_BAD_STATE);
    expect((await host.vmoOpRange(vmo, ZX_VMO_OP_ZERO, 0, 3 * PAGE)).status).toBe(ZX_OK);
    const { ram } = fixture.physical;
    for (const address of pin.addresses) {
      const frame = (address - ram.base) / PAGE;
      expect(ram.readable(frame).every((byte) => byte === 0)).toBe(true);
      ram.writable(frame)[0] = 4;
    }
    const into = new Uint8Array(3 * PAGE);
    expect((await host.vmoRead(vmo, into, 0)).status).toBe(ZX_OK);
    expect([into[0], into[PAGE], into[2 * PAGE]]).toEqual([0, 4, 4]);
    expect(pin.unpin()).toBe(ZX_OK);
    expect((await host.vmoOpRange(vmo, ZX_VMO_OP_DECOMMIT, 0, 3 * PAGE)).status).toBe(ZX_OK);
    fixture.expectNoLeaks();
  });

  it('keeps the VMO, whose last handle may be closed', async () => {
    const vmo = memory(2);
    const pin = await settled(pinner.pinForWrite({ handle: vmo }, 0, 2));
    host.handleClose(vmo);
    expect(fixture.physical.pinnedCount).toBe(2);
    expect(pin.unpin()).toBe(ZX_OK);
    expect(fixture.physical.pinnedCount).toBe(0);
    fixture.expectNoLeaks();
  });

  it('pins a page 31 times at most, and so many pages in all', async () => {
    await make({ pinnedFrames: 3 });
    const vmo = memory(8);
    const pins: Pin[] = [];
    for (let count = 0; count < 31; count += 1) pins.push(pinner.pinForRead({ handle: vmo }, 0, 1));
    const [oneMore, others, tooMany] = [
      await settled(pinner.pinForRead({ handle: vmo }, 0, 2)),
      await settled(pinner.pinForRead({ handle: vmo }, 4, 2)),
      await settled(pinner.pinForRead({ handle: vmo }, 6, 1)),
    ];
    expect([oneMore.status, others.status, tooMany.status]).toEqual([
      ZX_ERR_UNAVAILABLE,
      ZX_OK,
      ZX_ERR_UNAVAILABLE,
    ]);
    expect(fixture.physical.pinnedCount).toBe(3);
    for (const pin of [...pins, others]) expect(pin.unpin()).toBe(ZX_OK);
    expect(fixture.physical.pinnedCount).toBe(0);
    fixture.expectNoLeaks();
  });

  it('leaves nothing pinned when memory is full', async () => {
    const { physical } = fixture;
    const vmo = memory(physical.frameCount);
    const pin = await settled(pinner.pinForRead({ handle: vmo }, 0, physical.frameCount));
    expect([pin.status, physical.pinnedCount]).toEqual([ZX_ERR_NO_MEMORY, 0]);
    fixture.expectNoLeaks();
  });
});

describe('pinned memory tokens', () => {
  it('are good for one zx_pmt_unpin', async () => {
    const pin = await settled(pinner.pinForRead({ handle: memory(1) }, 0, 1));
    expect(host.pmtUnpin(pinner.bti).status).toBe(ZX_ERR_WRONG_TYPE);
    expect(host.pmtUnpin(0).status).toBe(ZX_ERR_BAD_HANDLE);
    expect(pin.unpin()).toBe(ZX_OK);
    expect(pin.unpin()).toBe(ZX_ERR_BAD_HANDLE);
    fixture.expectNoLeaks();
  });

  it('that are closed leave their pages in quarantine, until that is released', async () => {
    const vmo = memory(2);
    const pin = await settled(pinner.pinForRead({ handle: vmo }, 0, 2));
    expect(infoOf(pinner.bti)).toEqual([PAGE, 0x8000_0000 + 2 ** 22, 1, 0]);
    pin.abandon();
    host.handleClose(vmo);
    expect(infoOf(pinner.bti).slice(2)).toEqual([1, 1]);
    expect(fixture.physical.pinnedCount).toBe(2);
    const readOnly = copyWith(pinner.bti, ZX_RIGHT_READ);
    expect(host.btiReleaseQuarantine(readOnly).status).toBe(ZX_ERR_ACCESS_DENIED);
    expect(host.btiReleaseQuarantine(pinner.bti).status).toBe(ZX_OK);
    expect(infoOf(pinner.bti).slice(2)).toEqual([0, 0]);
    expect(fixture.physical.pinnedCount).toBe(0);
    fixture.expectNoLeaks();
  });

  it('keep their BTI, and the quarantine ends with its last handle', async () => {
    const [first, second] = [
      await settled(pinner.pinForRead({ handle: memory(1) }, 0, 1)),
      await settled(pinner.pinForRead({ handle: memory(1) }, 0, 1)),
    ];
    const dispatcher = host.handles.get(pinner.bti)?.dispatcher;
    first.abandon();
    expect(fixture.physical.pinnedCount).toBe(2);
    host.handleClose(pinner.bti);
    expect(fixture.physical.pinnedCount).toBe(1);
    expect((dispatcher as BtiDispatcher).pinnedCount).toBe(1);
    second.abandon();
    expect(fixture.physical.pinnedCount).toBe(0);
    fixture.expectNoLeaks();
  });
});

describe('contiguous VMOs', () => {
  it('have adjacent frames, as aligned as asked for, that do not move', async () => {
    const { handle } = ok(host.vmoCreateContiguous(pinner.bti, 16 * PAGE, 16));
    const options = READ | bti.ZX_BTI_CONTIGUOUS;
    const { addresses, handle: pmt } = ok(await host.btiPin(pinner.bti, options, handle, 0, 16 * PAGE));
    expect([addresses.length, (addresses[0] ?? 1) % 2 ** 16]).toEqual([1, 0]);
    const each = await settled(pinner.pinForWrite({ handle }, 0, 16));
    expect(each.addresses).toEqual(
      Array.from({ length: 16 }, (_, page) => (addresses[0] ?? 0) + page * PAGE),
    );
    expect((await host.vmoWrite(handle, new Uint8Array(16 * PAGE).fill(1), 0)).status).toBe(ZX_OK);
    expect((await host.vmoOpRange(handle, ZX_VMO_OP_ZERO, 0, 16 * PAGE)).status).toBe(ZX_OK);
    const into = new Uint8Array(16 * PAGE).fill(7);
    expect((await host.vmoRead(handle, into, 0)).status).toBe(ZX_OK);
    expect(into.every((byte) => byte === 0)).toBe(true);
    host.pmtUnpin(pmt);
    each.unpin();
    const again = await settled(pinner.pinForRead({ handle }, 0, 16));
    expect(again.addresses).toEqual(each.addresses);
    again.unpin();
    host.handleClose(handle);
    expect(fixture.physical.pinnedCount).toBe(0);
    fixture.expectNoLeaks();
  });

  it('are refused without room for them, and without sense', async () => {
    const create = (size: number, alignment = 0): Status =>
      host.vmoCreateContiguous(pinner.bti, size, alignment).status;
    expect(create(0)).toBe(ZX_ERR_INVALID_ARGS);
    expect(create(PAGE, 11)).toBe(ZX_ERR_INVALID_ARGS);
    expect(create(PAGE, 64)).toBe(ZX_ERR_INVALID_ARGS);
    expect(create(2 ** 23)).toBe(ZX_ERR_NO_MEMORY);
    expect(create(PAGE, 40)).toBe(ZX_ERR_NO_MEMORY);
    expect(host.vmoCreateContiguous(memory(1), PAGE).status).toBe(ZX_ERR_WRONG_TYPE);
    expect(fixture.physical.pinnedCount).toBe(0);
    fixture.expectNoLeaks();
    await make({ pinnedFrames: 4 });
    expect(host.vmoCreateContiguous(pinner.bti, 5 * PAGE).status).toBe(ZX_ERR_UNAVAILABLE);
    expect(fixture.physical.pinnedCount).toBe(0);
    fixture.expectNoLeaks();
  });

  it('say that they are; have no stream size, and no children but slices', async () => {
    const { handle } = ok(host.vmoCreateContiguous(pinner.bti, 3 * PAGE));
    const record = new Uint8Array(INFO_VMO_BYTES);
    expect(host.call('object_get_info', handle, ZX_INFO_VMO, record, record.length, 0, 0)).toBe(ZX_OK);
    const flags = new DataView(record.buffer).getUint32(INFO_VMO_FLAGS, true);
    expect(flags & ZX_INFO_VMO_CONTIGUOUS).toBe(ZX_INFO_VMO_CONTIGUOUS);
    expect(host.vmoGetStreamSize(handle).size).toBe(0);
    expect((await host.vmoSetStreamSize(handle, PAGE)).status).toBe(ZX_ERR_NOT_SUPPORTED);
    const child = (options: number, size: number): Status =>
      host.vmoCreateChild(handle, options, 0, size).status;
    expect(child(ZX_VMO_CHILD_SNAPSHOT, PAGE)).toBe(ZX_ERR_NOT_SUPPORTED);
    expect(child(ZX_VMO_CHILD_REFERENCE, 0)).toBe(ZX_ERR_NOT_SUPPORTED);
    expect(child(ZX_VMO_CHILD_SLICE, PAGE)).toBe(ZX_OK);
    const other = memory(1);
    expect((await host.vmoTransferData(other, 0, 0, PAGE, handle, 0)).status).toBe(ZX_ERR_NOT_SUPPORTED);
    expect((await host.vmoOpRange(handle, ZX_VMO_OP_DECOMMIT, 0, PAGE)).status).toBe(ZX_ERR_NOT_SUPPORTED);
    fixture.expectNoLeaks();
  });
});

describe('resources for the host', () => {
  it('need a handle and room for an object', async () => {
    await make({ handlesPerProcess: 3 });
    expect(host.systemResource(ZX_RSRC_SYSTEM_VMEX_BASE).status).toBe(ZX_OK);
    expect(host.systemResource(ZX_RSRC_SYSTEM_VMEX_BASE).status).toBe(ZX_OK);
    expect(host.systemResource(ZX_RSRC_SYSTEM_VMEX_BASE).status).toBe(ZX_ERR_NO_RESOURCES);
  });
});
