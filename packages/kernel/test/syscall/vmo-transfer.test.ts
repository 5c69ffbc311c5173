/** Pages that go from one VMO to another, many of them in several turns. */
import { beforeEach, expect, it } from 'vitest';
import { ZX_ERR_OUT_OF_RANGE, ZX_OK } from '../../src/abi/status.js';
import { ZX_VMO_RESIZABLE } from '../../src/abi/vm.js';
import type { HostProcess } from '../../src/host/host-process.js';
import { GuestCall } from '../support/guest-call.js';
import { ok } from '../support/user-pager.js';
import { PAGE, VmFixture } from '../support/vm-fixture.js';

const PAGES = 20_000;
/** Pages of the source that are there, and pages of the target that are, in each turn and on both sides of its ends. */
const SOURCE = [0, 1, 4_095, 4_096, 5_000, 9_999, 12_345, 19_999];
const TARGET = [1, 2, 4_095, 4_097, 8_000, 12_345, 15_000, 19_998];

let fixture: VmFixture;
let host: HostProcess;

beforeEach(async () => {
  fixture = await VmFixture.create();
  host = fixture.host;
});

/** A VMO in which the pages that are there begin with their number and `tag`. */
async function vmoWith(pages: readonly number[], tag: number): Promise<number> {
  const { handle } = ok(host.vmoCreate(PAGES * PAGE, ZX_VMO_RESIZABLE));
  for (const page of pages) ok(await host.vmoWrite(handle, firstBytes(page, tag), page * PAGE));
  return handle;
}

function firstBytes(page: number, tag: number): Uint8Array {
  return Uint8Array.of(tag, page & 0xff, page >>> 8);
}

const NOTHING = new Uint8Array(3);

async function read(vmo: number, page: number): Promise<Uint8Array> {
  const into = new Uint8Array(3);
  ok(await host.vmoRead(vmo, into, page * PAGE));
  return into;
}

function start(to: number, from: number, pages = PAGES): GuestCall {
  const args = [to, 0, 0, pages * PAGE, from, 0];
  return GuestCall.start(fixture, fixture.space().space, 'vmo_transfer_data', ...args);
}

/** It is at rest between two parts; lets it have one more turn. */
async function turn(): Promise<void> {
  fixture.state.timers.expire(fixture.state.clock.now());
  await fixture.turn();
}

it('moves very many pages in turns, and goes on although the handles are closed', async () => {
  const [from, to] = [await vmoWith(SOURCE, 1), await vmoWith(TARGET, 2)];
  const kept = ok(host.handleDuplicate(to, fixture.host.handles.get(to)?.rights ?? 0)).handle;
  const call = start(to, from);
  expect(call.isBlocked).toBe(true);
  expect(await read(from, 4_095)).toEqual(NOTHING);
  expect(await read(from, 19_999)).toEqual(firstBytes(19_999, 1));
  expect(await read(to, 19_998)).toEqual(firstBytes(19_998, 2));
  host.handleClose(from);
  host.handleClose(to);
  let turns = 1;
  for (; call.isBlocked; turns += 1) await turn();
  expect(call.status).toBe(ZX_OK);
  // Where neither has anything, nothing is to be done.
  expect(turns).toBeGreaterThan(2);
  expect(turns).toBeLessThan(8);
  for (const page of [...SOURCE, ...TARGET])
    expect([page, await read(kept, page)]).toEqual([
      page,
      SOURCE.includes(page) ? firstBytes(page, 1) : NOTHING,
    ]);
  host.handleClose(kept);
  fixture.expectNoLeaks();
});

it('stops where one of the VMOs has become smaller meanwhile; what was not moved stays where it was', async () => {
  const [from, to] = [await vmoWith(SOURCE, 1), await vmoWith(TARGET, 2)];
  const call = start(to, from);
  expect(call.isBlocked).toBe(true);
  ok(await host.vmoSetSize(to, (PAGES - 1) * PAGE));
  await turn();
  expect(call.status).toBe(ZX_ERR_OUT_OF_RANGE);
  expect(await read(to, 0)).toEqual(firstBytes(0, 1));
  expect(await read(from, 12_345)).toEqual(firstBytes(12_345, 1));
  expect(await read(to, 12_345)).toEqual(firstBytes(12_345, 2));
});

it('is refused as a whole', async () => {
  const [from, to] = [await vmoWith(SOURCE, 1), await vmoWith(TARGET, 2)];
  expect(start(to, from, PAGES + 1).status).toBe(ZX_ERR_OUT_OF_RANGE);
  expect(await read(from, 0)).toEqual(firstBytes(0, 1));
  expect(await read(to, 1)).toEqual(firstBytes(1, 2));
});

it('takes no time for what neither VMO has', () => {
  const huge = 2 ** 40;
  const [from, to] = [ok(host.vmoCreate(huge, 0)).handle, ok(host.vmoCreate(huge, 0)).handle];
  expect(host.call('vmo_transfer_data', to, 0, 0, huge, from, 0)).toBe(ZX_OK);
  expect(start(to, from, huge / PAGE).status).toBe(ZX_OK);
});
