/** Reads of absent pages, through mappings and by `zx_vmo_read`: packets, batching, waking. Each row of the behaviours table runs on the real hart where it is about mappings. */
import { beforeEach, describe, expect, it } from 'vitest';
import { HANDLE_BASIC_BYTES, ZX_INFO_HANDLE_BASIC } from '../../src/abi/info.js';
import { ZX_ERR_NOT_FOUND, ZX_ERR_SHOULD_WAIT, ZX_OK } from '../../src/abi/status.js';
import {
  ZX_VM_MAP_RANGE,
  ZX_VM_PERM_READ,
  ZX_VM_PERM_WRITE,
  ZX_VM_SPECIFIC_OVERWRITE,
  ZX_VMO_RESIZABLE,
  ZX_VMO_TRAP_DIRTY,
} from '../../src/abi/vm.js';
import { GuestCall } from '../support/guest-call.js';
import { ACCESS_PATHS, PageAccess } from '../support/page-access.js';
import { pattern } from '../support/paged-vmo.js';
import { DIRTY_MODES, UserPager, ok } from '../support/user-pager.js';
import { PAGE, VmFixture } from '../support/vm-fixture.js';

let pager: UserPager;

beforeEach(async () => {
  pager = new UserPager(await VmFixture.create());
});

describe.each(ACCESS_PATHS)('reads through %s', (path) => {
  it('RM-01 RV-01: an absent page is asked for, and its data read', async () => {
    const vmo = pager.createVmo(1);
    const access = PageAccess.start(pager, path, vmo, 0);
    expect(access.isBlocked).toBe(true);
    pager.expectPackets(pager.R(vmo, 0, 1));
    pager.supply(vmo, 0, 1);
    await pager.turn();
    access.expectDone();
    pager.finish();
  });

  it('RM-06: what was supplied before is there', async () => {
    const vmo = pager.createVmo(1);
    expect(pager.supply(vmo, 0, 1)).toBe(ZX_OK);
    const access = PageAccess.start(pager, path, vmo, 0);
    await pager.turn();
    access.expectDone();
    pager.finish();
  });

  it('PK-05 RM-10 S-01: a packet that nobody has read is taken back when its page comes', async () => {
    const vmo = pager.createVmo(2);
    const first = PageAccess.start(pager, path, vmo, 0);
    pager.supply(vmo, 0, 1);
    await pager.turn();
    first.expectDone();
    const second = PageAccess.start(pager, path, vmo, 1);
    pager.expectPackets(pager.R(vmo, 1, 1));
    pager.supply(vmo, 1, 1);
    await pager.turn();
    second.expectDone();
    pager.finish();
  });

  it('PK-05 S-01: what comes before its packet is even on the port is never asked for', async () => {
    const vmo = pager.createVmo(4);
    const accesses = [0, 1, 2, 3].map((page) => PageAccess.start(pager, path, vmo, page));
    for (const page of [1, 3]) expect(pager.supply(vmo, page, 1)).toBe(ZX_OK);
    await pager.turn();
    expect(accesses.map((access) => access.isBlocked)).toEqual([true, false, true, false]);
    pager.expectPackets(pager.R(vmo, 0, 1), pager.R(vmo, 2, 1));
    for (const page of [0, 2]) expect(pager.supply(vmo, page, 1)).toBe(ZX_OK);
    await pager.turn();
    for (const access of accesses) access.expectDone();
    pager.finish();
  });

  it('RM-03 CO-07: two pages are two packets, and one supply answers both', async () => {
    const vmo = pager.createVmo(2);
    const accesses = [PageAccess.start(pager, path, vmo, 0), PageAccess.start(pager, path, vmo, 1)];
    pager.expectPackets(pager.R(vmo, 0, 1), pager.R(vmo, 1, 1));
    pager.supply(vmo, 0, 2);
    await pager.turn();
    for (const access of accesses) access.expectDone();
    pager.finish();
  });

  it('RM-04 TH-06 CO-06: 32 waiters on one page are one packet', async () => {
    const vmo = pager.createVmo(1);
    const accesses = Array.from({ length: 32 }, () => PageAccess.start(pager, path, vmo, 0));
    expect(accesses.every((access) => access.isBlocked)).toBe(true);
    pager.expectPackets(pager.R(vmo, 0, 1));
    pager.supply(vmo, 0, 1);
    await pager.turn();
    for (const access of accesses) access.expectDone();
    pager.finish();
  });

  it('RM-05 CO-07 S-03: neighbouring requests stay apart, and one supply answers all', async () => {
    const vmo = pager.createVmo(8);
    const accesses = Array.from({ length: 8 }, (_, page) => PageAccess.start(pager, path, vmo, page));
    pager.expectPackets(...accesses.map((_, page) => pager.R(vmo, page, 1)));
    pager.supply(vmo, 0, 8);
    await pager.turn();
    for (const access of accesses) access.expectDone();
    pager.finish();
  });

  it('PK-08 RM-10 TH-06: 257 waiters on 257 pages are 257 packets, each released by its page', async () => {
    const vmo = pager.createVmo(257);
    const accesses = Array.from({ length: 257 }, (_, page) => PageAccess.start(pager, path, vmo, page));
    pager.expectPackets(...accesses.map((_, page) => pager.R(vmo, page, 1)));
    for (let page = 256; page >= 0; page -= 1) {
      expect(accesses[page]?.isBlocked).toBe(true);
      pager.supply(vmo, page, 1);
      await pager.turn();
      accesses[page]?.expectDone();
    }
    pager.finish();
  });
});

describe('reads through a mapping', () => {
  it('RM-02 CO-01 S-02: ask for one page at a time (Vmar)', async () => {
    const vmo = pager.createVmo(32);
    for (let page = 0; page < 32; page += 1) {
      const access = PageAccess.start(pager, 'Vmar', vmo, page);
      pager.expectPackets(pager.R(vmo, page, 1));
      pager.supply(vmo, page, 1);
      await pager.turn();
      access.expectDone();
    }
    pager.finish();
  });

  it('RM-07: MAP_RANGE maps what is there and asks for nothing', async () => {
    const vmo = pager.createVmo(2);
    pager.supply(vmo, 0, 1);
    const base = pager.map(vmo.handle, 2, ZX_VM_PERM_READ | ZX_VM_MAP_RANGE);
    pager.expectPackets();
    expect(pager.space.tables.count(base / PAGE, base / PAGE + 2)).toBe(1);
    const again = { ...vmo, base };
    PageAccess.start(pager, 'Vmar', again, 0).expectDone();
    const access = PageAccess.start(pager, 'Vmar', again, 1);
    pager.expectPackets(pager.R(vmo, 1, 1));
    pager.supply(vmo, 1, 1);
    await pager.turn();
    access.expectDone();
    pager.finish();
  });

  it('RM-08 S-21: what is unmapped meanwhile is a crash', async () => {
    const vmo = pager.createVmo(1);
    const thread = pager.load(vmo, 0);
    ok(pager.host.vmarUnmap(pager.vmar, vmo.base, PAGE));
    pager.expectPackets(pager.R(vmo, 0, 1));
    pager.supply(vmo, 0, 1);
    await pager.turn();
    expect(thread.outcome).toEqual({ end: 'crash', address: vmo.base, status: ZX_ERR_NOT_FOUND });
    pager.finish();
  });

  it('RM-09 S-21: what is mapped over meanwhile is asked for anew, on the other VMO', async () => {
    const first = pager.createVmo(8);
    const second = pager.createVmo(8);
    const threads = Array.from({ length: 8 }, (_, page) => pager.load(first, page));
    const options = ZX_VM_PERM_READ | ZX_VM_PERM_WRITE | ZX_VM_SPECIFIC_OVERWRITE;
    const offset = first.base - pager.space.rootVmar.vpn * PAGE;
    const { address } = ok(pager.host.vmarMap(pager.vmar, options, offset, second.handle, 0, 8 * PAGE));
    expect(address).toBe(first.base);
    pager.expectPackets(...threads.map((_, page) => pager.R(first, page, 1)));
    expect(pager.supply(first, 0, 8)).toBe(ZX_OK);
    await pager.turn();
    expect(threads.every((thread) => thread.isBlocked)).toBe(true);
    pager.expectPackets(...threads.map((_, page) => pager.R(second, page, 1)));
    for (let page = 0; page < 8; page += 1) {
      pager.supply(second, page, 1);
      await pager.turn();
      const value = new DataView(pattern(second, page).buffer).getBigUint64(0, true);
      expect(threads[page]?.outcome).toEqual({ end: 'done', value });
    }
    pager.finish();
  });

  it('RM-11 OV-09: neighbours that came along need no request of their own, and reads none to write', async () => {
    const vmo = pager.createVmo(3, ZX_VMO_TRAP_DIRTY);
    const first = PageAccess.start(pager, 'Vmar', vmo, 0);
    pager.expectPackets(pager.R(vmo, 0, 1));
    pager.supply(vmo, 0, 3);
    await pager.turn();
    first.expectDone();
    for (const page of [1, 2]) PageAccess.start(pager, 'Vmar', vmo, page).expectDone();
    pager.expectPattern(vmo, 0, 3);
    pager.expectPackets();
    pager.expectDirty(vmo, '');
    pager.finish();
  });

  it('RM-12: a system call whose buffer lies there faults like any access', async () => {
    const vmo = pager.createVmo(1);
    pager.expectPackets();
    const call = GuestCall.start(
      pager.fixture,
      pager.space,
      'object_get_info',
      vmo.handle,
      ZX_INFO_HANDLE_BASIC,
      vmo.base,
      HANDLE_BASIC_BYTES,
      0,
      0,
    );
    expect(call.isBlocked).toBe(true);
    pager.expectPackets(pager.R(vmo, 0, 1));
    pager.supply(vmo, 0, 1);
    await pager.turn();
    expect(call.status).toBe(ZX_OK);
    const page = pager.contents(vmo, 0, 1);
    expect(page.subarray(0, 8)).not.toEqual(pattern(vmo, 0).subarray(0, 8));
    expect(page.subarray(HANDLE_BASIC_BYTES)).toEqual(pattern(vmo, 0).subarray(HANDLE_BASIC_BYTES));
    pager.finish();
  });
});

describe.each(DIRTY_MODES)('reads by zx_vmo_read, %s', (_mode, options) => {
  it('RV-07 OV-06 RZ-11 CO-04: ask for nothing that growth has made zero', async () => {
    const vmo = pager.createVmo(2, options | ZX_VMO_RESIZABLE);
    ok(await pager.resize(vmo, 4).done);
    const grown = { ...vmo, base: pager.map(vmo.handle, 4), pages: 4 };
    const read = pager.read(grown, 0, 4);
    await pager.answerRead(grown, 0, 2);
    const expected = new Uint8Array(4 * PAGE);
    expected.set(pattern(vmo, 0, 2));
    expect(read.status).toBe(ZX_OK);
    expect(read.bytes).toEqual(expected);
    for (const page of [2, 3]) expect(pager.load(grown, page).outcome).toEqual({ end: 'done', value: 0n });
    expect(pager.committed(vmo)).toBe(2);
    pager.expectDirty(vmo, '{2,2}Z');

    expect(pager.supply(grown, 2, 2)).toBe(ZX_OK);
    expect(pager.committed(vmo)).toBe(2);
    expect(pager.contents(vmo, 0, 4)).toEqual(expected);

    const write = pager.write(vmo, 2, 2, 9);
    if (options !== 0) await pager.answerDirty(vmo, 2, 2);
    await pager.turn();
    expect(write.status).toBe(ZX_OK);
    expect(pager.committed(vmo)).toBe(4);
    pager.expectDirty(vmo, '{2,2}');
    pager.finish();
  });
});

describe('reads by zx_vmo_read', () => {
  it('RV-02 CO-02 S-02: one request for the whole run (Vmo)', async () => {
    const vmo = pager.createVmo(32);
    const read = pager.read(vmo, 0, 32);
    pager.expectPackets(pager.R(vmo, 0, 32));
    pager.supply(vmo, 0, 32);
    await pager.turn();
    expect([read.status, read.arrived]).toEqual([ZX_OK, 32]);
    pager.finish();
  });

  it('RV-05: bytes over a border are both pages', async () => {
    const vmo = pager.createVmo(2);
    const into = new Uint8Array(8);
    const read = pager.host.vmoRead(vmo.handle, into, PAGE - 4);
    pager.expectPackets(pager.R(vmo, 0, 2));
    pager.supply(vmo, 0, 2);
    expect((await read).status).toBe(ZX_OK);
    expect(into).toEqual(pattern(vmo, 0, 2).slice(PAGE - 4, PAGE + 4));
    pager.finish();
  });

  it('RV-04 CO-04: the run stops at the first page that is there', async () => {
    const vmo = pager.createVmo(64);
    pager.supply(vmo, 40, 1);
    const read = pager.read(vmo, 0, 64);
    pager.expectPackets(pager.R(vmo, 0, 40));
    pager.supply(vmo, 0, 40);
    await pager.turn();
    expect(read.isBlocked).toBe(true);
    pager.expectPackets(pager.R(vmo, 41, 23));
    pager.supply(vmo, 41, 23);
    await pager.turn();
    expect([read.status, read.arrived]).toEqual([ZX_OK, 64]);
    pager.finish();
  });

  it('RV-03 EW-01 CO-02 S-04: takes what has come while it waits for the rest', async () => {
    const vmo = pager.createVmo(130);
    const read = pager.read(vmo, 2, 128);
    pager.expectPackets(pager.R(vmo, 2, 128));
    for (let page = 0; page < 128; page += 32) {
      expect([read.isBlocked, read.arrived]).toEqual([true, page]);
      pager.supply(vmo, 2 + page, 32);
      await pager.turn();
    }
    expect([read.status, read.arrived]).toEqual([ZX_OK, 128]);
    pager.finish();
  });

  it('EW-02 S-04: takes prefixes as they become whole', async () => {
    const vmo = pager.createVmo(128);
    const read = pager.read(vmo, 0, 128);
    pager.expectPackets(pager.R(vmo, 0, 128));
    pager.supply(vmo, 16, 16);
    pager.supply(vmo, 48, 16);
    await pager.turn();
    expect(read.isBlocked).toBe(true);
    pager.supply(vmo, 0, 16);
    await pager.turn();
    expect([read.isBlocked, read.arrived]).toEqual([true, 32]);
    pager.supply(vmo, 32, 16);
    await pager.turn();
    expect([read.isBlocked, read.arrived]).toEqual([true, 64]);
    pager.supply(vmo, 64, 64);
    await pager.turn();
    expect([read.status, read.arrived]).toEqual([ZX_OK, 128]);
    pager.finish();
  });

  it('EW-03 CO-06 S-03 S-04: readers that overlap share one request', async () => {
    const vmo = pager.createVmo(128);
    const whole = pager.read(vmo, 0, 92);
    pager.expectPackets(pager.R(vmo, 0, 92));
    const inner = pager.read(vmo, 16, 26);
    const start = pager.read(vmo, 0, 32);
    const middle = pager.read(vmo, 48, 16);
    const end = pager.read(vmo, 82, 46);
    pager.expectPackets();
    const supply = async (page: number, count: number): Promise<void> => {
      pager.supply(vmo, page, count);
      await pager.turn();
    };
    await supply(0, 8);
    expect([whole.arrived, start.arrived]).toEqual([8, 8]);
    await supply(16, 1);
    await supply(8, 8);
    expect([whole.arrived, start.arrived]).toEqual([17, 17]);
    await supply(17, 1);
    expect([whole.arrived, start.arrived, inner.arrived]).toEqual([18, 18, 2]);
    await supply(30, 2);
    await supply(18, 12);
    expect([whole.arrived, start.status, inner.arrived]).toEqual([32, ZX_OK, 16]);
    await supply(32, 18);
    expect([inner.status, middle.arrived, whole.arrived]).toEqual([ZX_OK, 2, 50]);
    await supply(50, 50);
    expect([whole.status, middle.status, end.isBlocked, end.arrived]).toEqual([ZX_OK, ZX_OK, true, 18]);
    pager.expectPackets(pager.R(vmo, 100, 28));
    await supply(100, 28);
    expect([end.status, end.arrived]).toEqual([ZX_OK, 46]);
    pager.finish();
  });

  it('fails instead of waiting for a pager unless the caller may, and before it asks for anything', async () => {
    const vmo = pager.createVmo(3);
    pager.supply(vmo, 0, 2);
    const into = new Uint8Array(3 * PAGE).fill(7);
    const never = { mayWaitForPager: false };
    expect((await pager.host.vmoRead(vmo.handle, into, 0, never)).status).toBe(ZX_ERR_SHOULD_WAIT);
    expect(into.every((byte) => byte === 7)).toBe(true);
    expect((await pager.host.vmoWrite(vmo.handle, into, 0, never)).status).toBe(ZX_ERR_SHOULD_WAIT);
    expect((await pager.host.vmoRead(vmo.handle, into.subarray(0, 2 * PAGE), 0, never)).status).toBe(ZX_OK);
    expect(into.subarray(0, 2 * PAGE)).toEqual(pattern(vmo, 0, 2));
    pager.finish();
  });
});
