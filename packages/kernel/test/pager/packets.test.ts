/** The packet of a page request, byte by byte. */
import { beforeEach, describe, expect, it } from 'vitest';
import {
  PACKET_BYTES,
  ZX_PAGER_VMO_COMPLETE,
  ZX_PAGER_VMO_DIRTY,
  ZX_PAGER_VMO_READ,
  ZX_PKT_TYPE_PAGE_REQUEST,
} from '../../src/abi/port.js';
import { ZX_OK } from '../../src/abi/status.js';
import { ZX_VMO_TRAP_DIRTY } from '../../src/abi/vm.js';
import { type PagedVmo } from '../support/paged-vmo.js';
import { UserPager, ok } from '../support/user-pager.js';
import { PAGE, VmFixture } from '../support/vm-fixture.js';

let pager: UserPager;

beforeEach(async () => {
  pager = new UserPager(await VmFixture.create());
});

/** The next packet, as a caller's buffer full of other bytes gets it. */
function nextPacket(): Uint8Array {
  const bytes = new Uint8Array(PACKET_BYTES).fill(0xaa);
  expect(pager.host.call('port_wait', pager.port, 0, bytes)).toBe(ZX_OK);
  return bytes;
}

/** What a packet must be: key, type, status OK, then command, flags, reserved, offset, length, reserved. */
function expected(vmo: PagedVmo, command: number, page: number, pages: number): Uint8Array {
  const bytes = new Uint8Array(PACKET_BYTES);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, vmo.key, true);
  view.setUint32(8, ZX_PKT_TYPE_PAGE_REQUEST, true);
  view.setUint16(16, command, true);
  view.setBigUint64(24, BigInt(page * PAGE), true);
  view.setBigUint64(32, BigInt(pages * PAGE), true);
  return bytes;
}

describe('packets', () => {
  it('PK-01 PK-02: have the commands READ, DIRTY and COMPLETE, bytes for pages, and zeros elsewhere', async () => {
    expect([ZX_PAGER_VMO_READ, ZX_PAGER_VMO_COMPLETE, ZX_PAGER_VMO_DIRTY]).toEqual([0, 1, 2]);
    const vmo = pager.createVmo(5, ZX_VMO_TRAP_DIRTY);
    const read = pager.read(vmo, 1, 3);
    expect(nextPacket()).toEqual(expected(vmo, 0, 1, 3));
    pager.supply(vmo, 1, 3);
    await pager.turn();
    expect(read.status).toBe(ZX_OK);
    const write = pager.write(vmo, 2, 2, 1);
    expect(nextPacket()).toEqual(expected(vmo, 2, 2, 2));
    pager.dirty(vmo, 2, 2);
    await pager.turn();
    expect(write.status).toBe(ZX_OK);
    expect(pager.detach(vmo)).toBe(ZX_OK);
    expect(nextPacket()).toEqual(expected(vmo, 1, 0, 0));
    pager.finish();
  });

  it('PK-01 PK-04: have the key that was given with the port, all 64 bits of it', () => {
    const port = ok(pager.host.portCreate(0)).handle;
    const key = 0xfedc_ba98_7654_3210n;
    const { handle } = ok(pager.host.pagerCreateVmo(pager.pager, 0, port, key, 2 * PAGE));
    const vmo = { handle, key, first: key, base: pager.map(handle, 2), pages: 2 };
    const thread = pager.load(vmo, 1);
    pager.expectPackets();
    const bytes = new Uint8Array(PACKET_BYTES);
    expect(pager.host.call('port_wait', port, 0, bytes)).toBe(ZX_OK);
    expect(bytes).toEqual(expected(vmo, 0, 1, 1));
    thread.abandonWait();
    pager.finish();
  });
});
