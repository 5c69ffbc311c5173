/** Address spaces: translations, kernel copies through them, what they cost and give back. */
import { beforeEach, describe, expect, it } from 'vitest';
import {
  ZX_ERR_ACCESS_DENIED,
  ZX_ERR_BAD_STATE,
  ZX_ERR_IO,
  ZX_ERR_NOT_FOUND,
  ZX_ERR_NO_RESOURCES,
  ZX_OK,
} from '../../src/abi/status.js';
import { ZX_VM_PERM_EXECUTE, ZX_VM_PERM_READ, ZX_VM_PERM_WRITE } from '../../src/abi/vm.js';
import { AddressSpace } from '../../src/vm/address-space.js';
import { FAULT_READ } from '../../src/vm/fault-kind.js';
import { VmoDispatcher } from '../../src/vm/vm-object.js';
import { GuestCall } from '../support/guest-call.js';
import { GuestThread } from '../support/guest-thread.js';
import { pattern, type PagedVmo } from '../support/paged-vmo.js';
import { UserPager, ok } from '../support/user-pager.js';
import { PAGE, VmFixture } from '../support/vm-fixture.js';

const RW = ZX_VM_PERM_READ | ZX_VM_PERM_WRITE;

let pager: UserPager;

beforeEach(async () => {
  pager = new UserPager(await VmFixture.create());
});

/** Anonymous memory, mapped. */
function memory(pages: number): PagedVmo {
  const { handle } = ok(pager.host.vmoCreate(pages * PAGE, 0));
  return { handle, key: 0n, first: 0n, base: pager.map(handle, pages), pages };
}

function call(name: string, ...args: readonly (number | bigint)[]): GuestCall {
  return GuestCall.start(pager.fixture, pager.space, name, ...args);
}

describe('translations', () => {
  it('of memory that nobody has written take no frame', () => {
    const vmo = memory(64);
    pager.load(vmo, 0);
    const free = pager.fixture.physical.freeCount;
    for (let page = 1; page < 64; page += 1)
      expect(pager.load(vmo, page).outcome).toEqual({ end: 'done', value: 0n });
    expect(pager.fixture.physical.freeCount).toBe(free);
    pager.store(vmo, 3, 1n);
    expect(pager.fixture.physical.freeCount).toBe(free - 1);
    expect([pager.load(vmo, 3).outcome, pager.load(vmo, 2).outcome]).toEqual([
      { end: 'done', value: 1n },
      { end: 'done', value: 0n },
    ]);
    pager.finish();
  });

  it('of one VMO agree in two address spaces, also for pages that read as zero before', () => {
    const vmo = memory(2);
    const other = pager.fixture.space();
    const { address } = ok(pager.host.vmarMap(other.vmar, RW, 0, vmo.handle, 0, 2 * PAGE));
    const elsewhere = (kind: 'read' | 'write', page: number, value = 0n): unknown =>
      GuestThread.start(pager.fixture, other.space, kind, address + page * PAGE, value).outcome;
    expect([pager.load(vmo, 0).outcome, elsewhere('read', 0)]).toEqual([
      { end: 'done', value: 0n },
      { end: 'done', value: 0n },
    ]);
    elsewhere('write', 0, 11n);
    expect(pager.load(vmo, 0).outcome).toEqual({ end: 'done', value: 11n });
    pager.store(vmo, 1, 12n);
    expect(elsewhere('read', 1)).toEqual({ end: 'done', value: 12n });
    pager.finish();
  });

  it('map the resident neighbours of a fault, sixteen at most', () => {
    const vmo = pager.createVmo(64);
    pager.supply(vmo, 0, 64);
    const faults = (): number => pager.fixture.state.vm.counters.faultsResolved[FAULT_READ];
    pager.load(vmo, 0);
    const before = faults();
    for (let page = 1; page < 64; page += 1) pager.load(vmo, page);
    expect(faults() - before).toBe(3);
    pager.finish();
  });

  it('are separate in each address space', () => {
    const vmo = memory(1);
    pager.store(vmo, 0, 5n);
    const other = pager.fixture.space();
    const { outcome } = GuestThread.start(pager.fixture, other.space, 'read', vmo.base);
    expect(outcome).toEqual({ end: 'crash', address: vmo.base, status: ZX_ERR_NOT_FOUND });
    expect(pager.load(vmo, 0).outcome).toEqual({ end: 'done', value: 5n });
    pager.finish();
  });

  it('run what was written to the page last', () => {
    const { host, fixture } = pager;
    const { handle } = ok(host.vmoReplaceAsExecutable(ok(host.vmoCreate(PAGE, 0)).handle));
    const { address } = ok(host.vmarMap(pager.vmar, RW | ZX_VM_PERM_EXECUTE, 0, handle, 0, PAGE));
    const run = (): bigint => {
      const thread = GuestThread.start(fixture, pager.space, 'execute', address);
      if (thread.outcome.end !== 'done') throw new Error(thread.outcome.end);
      return thread.outcome.value;
    };
    // li a0, n; ret
    const program = (n: number): Uint8Array =>
      new Uint8Array(Uint32Array.of((n << 20) | 0x513, 0x8067).buffer);
    pager.poke(handle, 0, program(5));
    expect(run()).toBe(5n);
    pager.poke(handle, 0, program(6));
    expect(run()).toBe(6n);
    pager.finish();
  });
});

describe('address spaces', () => {
  it('give back frames and ASIDs', () => {
    const { state, physical } = pager.fixture;
    const free = physical.freeCount;
    const space = AddressSpace.create(state);
    if (typeof space === 'number') throw new Error('no address space');
    const vmo = VmoDispatcher.anonymous(state, 8);
    const request = { vmo, page: 0, pages: 8, permissions: RW, most: RW, fixed: false, throughStream: false };
    for (let index = 1; index < 5; index += 1) {
      const mapping = space.rootVmar.map({ mode: 'at', offset: index * 2 ** 18, align: 1 }, request);
      if (typeof mapping === 'number') throw new Error('not mapped');
      GuestThread.start(pager.fixture, space, 'write', mapping.vpn * PAGE, 1n);
    }
    expect(physical.freeCount).toBeLessThan(free - 8);
    space.destroy();
    space.destroy();
    expect(physical.freeCount).toBe(free);
    expect(space.fault(0x40_0000, FAULT_READ)).toBe(ZX_ERR_NOT_FOUND);
    pager.finish();
  });

  it('are bounded by ASIDs, which are used again', () => {
    const { asids } = pager.fixture.state.vm;
    const taken: number[] = [];
    for (let asid = asids.allocate(); asid !== 0; asid = asids.allocate()) taken.push(asid);
    expect(new Set(taken).size).toBe(taken.length);
    expect(AddressSpace.create(pager.fixture.state)).toBe(ZX_ERR_NO_RESOURCES);
    asids.release(taken[7], []);
    expect(asids.allocate()).toBe(taken[7]);
    for (const asid of taken) asids.release(asid, []);
    pager.finish();
  });

  it('map the code of the vDSO once, whole, and for good', () => {
    const { host } = pager;
    const { handle } = ok(host.vmoReplaceAsExecutable(ok(host.vmoCreate(3 * PAGE, 0)).handle));
    const vmo = host.handles.get(handle)?.dispatcher as VmoDispatcher;
    vmo.fixedCode = { page: 1, pages: 2 };
    const RX = ZX_VM_PERM_READ | ZX_VM_PERM_EXECUTE;
    const map = (options: number, page: number, pages: number): number =>
      host.vmarMap(pager.vmar, options, 0, handle, page * PAGE, pages * PAGE).status;
    expect(map(ZX_VM_PERM_READ, 0, 1)).toBe(ZX_OK);
    expect(map(RX, 0, 3)).toBe(ZX_ERR_ACCESS_DENIED);
    expect(map(RX, 1, 1)).toBe(ZX_ERR_ACCESS_DENIED);
    expect(map(RX | ZX_VM_PERM_WRITE, 1, 2)).toBe(ZX_ERR_ACCESS_DENIED);
    const { address } = ok(host.vmarMap(pager.vmar, RX, 0, handle, PAGE, 2 * PAGE));
    expect(map(RX, 1, 2)).toBe(ZX_ERR_ACCESS_DENIED);
    expect(host.vmarUnmap(pager.vmar, address, PAGE).status).toBe(ZX_ERR_ACCESS_DENIED);
    expect(host.vmarProtect(pager.vmar, ZX_VM_PERM_READ, address, PAGE).status).toBe(ZX_ERR_ACCESS_DENIED);
    pager.finish();
  });
});

describe('copies of system calls', () => {
  it('wait for absent pages of the buffer, and lose nothing', async () => {
    const buffer = pager.createVmo(3);
    const from = pager.memory(new Uint8Array(3 * PAGE).fill(9));
    const read = call('vmo_read', from, buffer.base + 100, 0, 2 * PAGE);
    for (const page of [0, 1, 2]) {
      expect(read.isBlocked).toBe(true);
      pager.expectPackets(pager.R(buffer, page, 1));
      pager.supply(buffer, page, 1);
      await pager.turn();
    }
    expect(read.status).toBe(ZX_OK);
    const seen = pager.read(buffer, 0, 3);
    await pager.turn();
    const expected = pattern(buffer, 0, 3).fill(9, 100, 2 * PAGE + 100);
    expect(Buffer.compare(seen.bytes, expected)).toBe(0);
    pager.finish();
  });

  it('fork the pages of a clone that they write to', async () => {
    const root = pager.createVmo(1);
    pager.supply(root, 0, 1);
    const clone = pager.clone(root);
    pager.load(clone, 0);
    const from = pager.memory(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
    expect(call('vmo_read', from, clone.base, 0, 8).status).toBe(ZX_OK);
    expect([pager.load(clone, 0).outcome, pager.load(root, 0).outcome]).toEqual([
      { end: 'done', value: 0x0807_0605_0403_0201n },
      { end: 'done', value: root.first },
    ]);
    pager.finish();
  });

  it('MO-08 S-15: a write copies nothing until all of its source is there', async () => {
    const source = pager.createVmo(2);
    pager.supply(source, 0, 1);
    const target = pager.createVmo(2);
    pager.supply(target, 0, 2);
    const write = call('vmo_write', target.handle, source.base, 0, 2 * PAGE);
    pager.expectPackets(pager.R(source, 1, 1));
    pager.fail(source, 1, 1);
    await pager.turn();
    expect(write.status).toBe(ZX_ERR_IO);
    const seen = pager.read(target, 0, 2);
    await pager.turn();
    expect(Buffer.compare(seen.bytes, pattern(target, 0, 2))).toBe(0);
    expect(pager.host.pagerQueryVmoStats(pager.pager, target.handle, 0).modified).toBe(0);
    pager.finish();
  });

  it('pass on why the buffer is not accessible', () => {
    const vmo = memory(1);
    expect(call('vmo_read', vmo.handle, 0, 0, 1).status).toBe(ZX_ERR_NOT_FOUND);
    expect(call('vmo_read', vmo.handle, 2n ** 38n, 0, 1).status).toBe(ZX_ERR_NOT_FOUND);
    expect(call('vmo_read', vmo.handle, 0xffff_ffff_ffff_fff8n, 0, 1).status).toBe(ZX_ERR_NOT_FOUND);
    const readOnly = ok(pager.host.vmarMap(pager.vmar, ZX_VM_PERM_READ, 0, vmo.handle, 0, PAGE)).address;
    expect(call('vmo_read', vmo.handle, readOnly, 0, 1).status).toBe(ZX_ERR_ACCESS_DENIED);
    const gone = pager.createVmo(1);
    pager.detach(gone);
    pager.expectPackets(pager.C(gone));
    expect(call('vmo_read', vmo.handle, gone.base, 0, 1).status).toBe(ZX_ERR_BAD_STATE);
    pager.finish();
  });

  it('give back what they hold when their caller is killed, wherever they wait', async () => {
    const vmo = pager.createVmo(8);
    const buffer = pager.createVmo(8);
    const read = call('vmo_read', vmo.handle, buffer.base, 0, 8 * PAGE);
    pager.expectPackets(pager.R(vmo, 0, 8));
    pager.supply(vmo, 0, 1);
    await pager.turn();
    pager.expectPackets(pager.R(buffer, 0, 1));
    pager.host.handleClose(vmo.handle);
    ok(pager.host.vmarUnmap(pager.vmar, vmo.base, 8 * PAGE));
    expect(read.isBlocked).toBe(true);
    read.kill();
    pager.expectPackets(pager.C(vmo));
    pager.finish();
  });

  it('wait for the buffer of a result', async () => {
    const buffer = pager.createVmo(1);
    const size = call('vmo_get_size', buffer.handle, buffer.base + 16);
    pager.expectPackets(pager.R(buffer, 0, 1));
    pager.supply(buffer, 0, 1);
    await pager.turn();
    expect(size.status).toBe(ZX_OK);
    const seen = pager.read(buffer, 0, 1);
    await pager.turn();
    expect(new DataView(seen.bytes.buffer).getBigUint64(16, true)).toBe(BigInt(PAGE));
    pager.finish();
  });
});
