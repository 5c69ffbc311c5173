/** Every limit of `KernelLimits`: what it says when it is reached, and that there is room again afterwards. One without a test here does not compile, or fails. */
import { Machine } from '@faultline/mmu-emu';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ZX_LOG_FLAG_READABLE } from '../src/abi/log.js';
import { ZX_RSRC_SYSTEM_DEBUGLOG_BASE, ZX_RSRC_SYSTEM_IOMMU_BASE } from '../src/abi/resource.js';
import { ZX_RIGHT_SAME_RIGHTS } from '../src/abi/rights.js';
import { ZX_USER_SIGNAL_0 } from '../src/abi/signals.js';
import {
  ZX_ERR_NO_MEMORY,
  ZX_ERR_NO_RESOURCES,
  ZX_ERR_SHOULD_WAIT,
  ZX_ERR_UNAVAILABLE,
  ZX_OK,
  type Status,
} from '../src/abi/status.js';
import {
  ZX_VM_CAN_MAP_READ,
  ZX_VM_CAN_MAP_SPECIFIC,
  ZX_VM_PERM_READ,
  ZX_VM_PERM_WRITE,
} from '../src/abi/vm.js';
import { ZX_VMO_CHILD_SNAPSHOT, ZX_VM_SPECIFIC, ZX_VMO_OP_ZERO } from '../src/abi/vm.js';
import type { HostProcess } from '../src/host/host-process.js';
import { Kernel } from '../src/kernel.js';
import { DEFAULT_LIMITS, type KernelLimits } from '../src/limits.js';
import { GuestThread } from './support/guest-thread.js';
import { Pinner } from './support/pinner.js';
import { UserPager, ok } from './support/user-pager.js';
import { PAGE, VmFixture } from './support/vm-fixture.js';

const RW = ZX_VM_PERM_READ | ZX_VM_PERM_WRITE;
const GIBIBYTE = 2 ** 30;

let machine: Machine;
let kernel: Kernel;

beforeAll(async () => {
  machine = await Machine.create({ mode: 'hosted', ramBytes: 2 * 2 ** 20, timebaseHz: 1e9 });
});

/** A host process over a kernel with other limits. */
async function boot(limits: Partial<KernelLimits>): Promise<HostProcess> {
  for (const hart of machine.harts) hart.sfenceVma();
  kernel = await Kernel.create({ machine, limits });
  return kernel.createHostProcess('test');
}

async function memory(limits: Partial<KernelLimits>): Promise<UserPager> {
  return new UserPager(await VmFixture.create({ machine, limits }));
}

/** How often something can be done, and what it says then. */
function growth(step: () => { readonly status: Status } | Status, most = 1_000): [number, Status] {
  for (let count = 0; count < most; count += 1) {
    const result = step();
    const status = typeof result === 'number' ? result : result.status;
    if (status !== ZX_OK) return [count, status];
  }
  return [most, ZX_OK];
}

const packet = new Uint8Array(48);

/** One test for each limit. */
const TESTS: Record<keyof KernelLimits, () => Promise<void>> = {
  handlesPerProcess: async () => {
    const host = await boot({ handlesPerProcess: 5 });
    const { handle } = host.eventCreate(0);
    expect(growth(() => host.handleDuplicate(handle, ZX_RIGHT_SAME_RIGHTS))).toEqual([
      4,
      ZX_ERR_NO_RESOURCES,
    ]);
    expect(kernel.createHostProcess('other').eventCreate(0).status).toBe(ZX_OK);
    host.handleClose(handle);
    expect(growth(() => host.eventCreate(0))).toEqual([1, ZX_ERR_NO_RESOURCES]);
  },

  handles: async () => {
    const host = await boot({ handles: 12 });
    const other = kernel.createHostProcess('other');
    const { handle } = other.eventCreate(0);
    expect(growth(() => host.eventCreate(0))).toEqual([11, ZX_ERR_NO_RESOURCES]);
    expect(other.eventCreate(0).status).toBe(ZX_ERR_NO_RESOURCES);
    other.handleClose(handle);
    expect(growth(() => other.eventCreate(0))).toEqual([1, ZX_ERR_NO_RESOURCES]);
    host.close();
    expect(growth(() => other.eventCreate(0))).toEqual([11, ZX_ERR_NO_RESOURCES]);
  },

  processes: async () => {
    const host = await boot({ processes: 3 });
    const job = host.rootJob().handle;
    const { process } = host.processCreate(job, 'first', 0);
    expect(growth(() => host.processCreate(job, 'p', 0))).toEqual([2, ZX_ERR_NO_RESOURCES]);
    expect(host.taskKill(process).status).toBe(ZX_OK);
    expect(growth(() => host.processCreate(job, 'p', 0))).toEqual([1, ZX_ERR_NO_RESOURCES]);
  },

  threadsPerProcess: async () => {
    const host = await boot({ threadsPerProcess: 4 });
    const job = host.rootJob().handle;
    const { process } = host.processCreate(job, 'p', 0);
    expect(growth(() => host.threadCreate(process, 't', 0))).toEqual([4, ZX_ERR_NO_RESOURCES]);
    const other = host.processCreate(job, 'p', 0).process;
    expect(host.threadCreate(other, 't', 0).status).toBe(ZX_OK);
  },

  objects: async () => {
    const host = await boot({ objects: 60 });
    const out = (): Uint8Array => new Uint8Array(8);
    const job = host.rootJob().handle;
    const { process, vmar } = host.processCreate(job, 'p', 0);
    const thread = host.threadCreate(process, 't', 0).handle;
    const vmo = host.vmoCreate(PAGE, 0).handle;
    const port = host.portCreate(0).handle;
    const pager = host.pagerCreate(0).handle;
    const resource = host.systemResource(ZX_RSRC_SYSTEM_IOMMU_BASE).handle;
    const iommu = host.iommuCreate(resource).handle;
    const bti = host.btiCreate(iommu, 0, 1).handle;
    const name = new Uint8Array([97]);
    // Whatever makes an object: timers, jobs, suspensions and exception channels have no limit but this.
    const makers: Record<string, () => { readonly status: Status } | Status> = {
      event: () => host.eventCreate(0),
      eventpair: () => host.eventpairCreate(0),
      channel: () => host.channelCreate(0),
      port: () => host.portCreate(0),
      timer: () => host.call('timer_create', 0, 1, out()),
      vmo: () => host.vmoCreate(PAGE, 0),
      clone: () => host.vmoCreateChild(vmo, ZX_VMO_CHILD_SNAPSHOT, 0, PAGE),
      contiguous: () => host.vmoCreateContiguous(bti, PAGE, 0),
      'pager VMO': () => host.pagerCreateVmo(pager, 0, port, 1n, PAGE),
      pager: () => host.pagerCreate(0),
      region: () => host.vmarAllocate(vmar, ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_SPECIFIC, 0, PAGE),
      job: () => host.jobCreate(job, 0),
      process: () => host.call('process_create', job, name, 1, 0, out(), out()),
      thread: () => host.threadCreate(process, 't', 0),
      suspension: () => host.taskSuspend(thread),
      'exception channel': () => host.taskCreateExceptionChannel(process, 0),
      'debug log': () => host.debuglogCreate(0, 0),
      resource: () => host.systemResource(ZX_RSRC_SYSTEM_IOMMU_BASE),
      IOMMU: () => host.iommuCreate(resource),
      BTI: () => host.btiCreate(iommu, 0, 1),
    };
    const events: number[] = [];
    expect(
      growth(() => {
        const made = host.eventCreate(0);
        events.push(made.handle);
        return made;
      })[1],
    ).toBe(ZX_ERR_NO_MEMORY);
    expect(kernel.statistics().objects).toBe(60);
    for (const [what, make] of Object.entries(makers))
      expect([what, growth(make)]).toEqual([what, [0, ZX_ERR_NO_MEMORY]]);
    expect((await host.btiPin(bti, 1, vmo, 0, PAGE)).status).toBe(ZX_ERR_NO_MEMORY);
    expect(kernel.statistics().objects).toBe(60);
    for (const event of events.slice(0, 3)) host.handleClose(event);
    expect(growth(makers['job'] as () => { readonly status: Status })).toEqual([3, ZX_ERR_NO_MEMORY]);
  },

  portPackets: async () => {
    const host = await boot({ portPackets: 3 });
    const port = host.portCreate(0).handle;
    const queue = (): Status => host.call('port_queue', port, packet);
    expect(growth(queue)).toEqual([3, ZX_ERR_SHOULD_WAIT]);
    host.portTryWait(port);
    expect(growth(queue)).toEqual([1, ZX_ERR_SHOULD_WAIT]);
  },

  packets: async () => {
    const host = await boot({ packets: 5 });
    const [first, second] = [host.portCreate(0).handle, host.portCreate(0).handle];
    expect(host.call('port_queue', first, packet)).toBe(ZX_OK);
    expect(growth(() => host.call('port_queue', second, packet))).toEqual([4, ZX_ERR_NO_MEMORY]);
    host.handleClose(first);
    expect(growth(() => host.call('port_queue', second, packet))).toEqual([1, ZX_ERR_NO_MEMORY]);
    host.portTryWait(second);
    expect(growth(() => host.call('port_queue', second, packet))).toEqual([1, ZX_ERR_NO_MEMORY]);
  },

  observersPerPort: async () => {
    const host = await boot({ observersPerPort: 3 });
    const port = host.portCreate(0).handle;
    const wait = (): { readonly status: Status } =>
      host.objectWaitAsync(host.eventCreate(0).handle, port, 7n, ZX_USER_SIGNAL_0, 0);
    expect(growth(wait)).toEqual([3, ZX_ERR_NO_RESOURCES]);
    // It counts until its packet is read.
    const event = host.eventCreate(0).handle;
    expect(host.portCancelKey(port, 0, 7n).status).toBe(ZX_OK);
    expect(host.objectWaitAsync(event, port, 8n, ZX_USER_SIGNAL_0, 0).status).toBe(ZX_OK);
    host.objectSignal(event, 0, ZX_USER_SIGNAL_0);
    expect(growth(wait)).toEqual([2, ZX_ERR_NO_RESOURCES]);
    expect(host.portTryWait(port).packet?.key).toBe(8n);
    expect(growth(wait)).toEqual([1, ZX_ERR_NO_RESOURCES]);
  },

  observersPerObject: async () => {
    const host = await boot({ observersPerObject: 4 });
    const event = host.eventCreate(0).handle;
    const wait = (): { readonly status: Status } =>
      host.objectWaitAsync(event, host.portCreate(0).handle, 7n, ZX_USER_SIGNAL_0, 0);
    expect(growth(wait)).toEqual([4, ZX_ERR_NO_RESOURCES]);
    host.objectSignal(event, 0, ZX_USER_SIGNAL_0);
    host.objectSignal(event, ZX_USER_SIGNAL_0, 0);
    expect(growth(wait)).toEqual([4, ZX_ERR_NO_RESOURCES]);
  },

  observers: async () => {
    const host = await boot({ observers: 6 });
    const [first, second] = [host.portCreate(0).handle, host.portCreate(0).handle];
    const wait = (port: number): { readonly status: Status } =>
      host.objectWaitAsync(host.eventCreate(0).handle, port, 7n, ZX_USER_SIGNAL_0, 0);
    for (let count = 0; count < 2; count += 1) expect(wait(first).status).toBe(ZX_OK);
    expect(growth(() => wait(second))).toEqual([4, ZX_ERR_NO_RESOURCES]);
    host.handleClose(first);
    expect(growth(() => wait(second))).toEqual([2, ZX_ERR_NO_RESOURCES]);
  },

  channelMessages: async () => {
    const host = await boot({ channelMessages: 3 });
    const [near, far] = host.channelCreate(0).handles;
    const write = (): { readonly status: Status } => host.channelWrite(near, 0, new Uint8Array(0), []);
    expect(growth(write)).toEqual([3, ZX_ERR_SHOULD_WAIT]);
    expect(host.channelWrite(far, 0, new Uint8Array(0), []).status).toBe(ZX_OK);
    host.channelRead(far, 0);
    expect(growth(write)).toEqual([1, ZX_ERR_SHOULD_WAIT]);
  },

  channelBytes: async () => {
    const host = await boot({ channelBytes: 1_000 });
    const [near, far] = host.channelCreate(0).handles;
    const write = (): { readonly status: Status } => host.channelWrite(near, 0, new Uint8Array(300), []);
    expect(growth(write)).toEqual([3, ZX_ERR_SHOULD_WAIT]);
    expect(host.channelWrite(near, 0, new Uint8Array(100), []).status).toBe(ZX_OK);
    host.channelRead(far, 0);
    expect(growth(write)).toEqual([1, ZX_ERR_SHOULD_WAIT]);
  },

  messageBytes: async () => {
    const host = await boot({ messageBytes: 10 * 1_000 });
    const [near, far] = host.channelCreate(0).handles;
    const [here, there] = host.channelCreate(0).handles;
    const write = (end: number): { readonly status: Status } =>
      host.channelWrite(end, 0, new Uint8Array(1_000 - 256 - 64), [host.eventCreate(0).handle]);
    for (let count = 0; count < 4; count += 1) expect(write(near).status).toBe(ZX_OK);
    expect(growth(() => write(here))).toEqual([6, ZX_ERR_NO_MEMORY]);
    host.channelRead(far, 0);
    expect(growth(() => write(here))).toEqual([1, ZX_ERR_NO_MEMORY]);
    // What nobody will read any more does not count.
    host.handleClose(far);
    expect(growth(() => write(here))).toEqual([3, ZX_ERR_NO_MEMORY]);
    host.handleClose(there);
    const [last] = host.channelCreate(0).handles;
    expect(growth(() => write(last))).toEqual([10, ZX_ERR_NO_MEMORY]);
  },

  mappingsPerProcess: async () => {
    const small = await memory({ mappingsPerProcess: 5 });
    const { host, vmar } = small;
    const { handle } = ok(host.vmoCreate(PAGE, 0));
    const map = (): { readonly status: Status } => host.vmarMap(vmar, RW, 0, handle, 0, PAGE);
    const first = ok(host.vmarMap(vmar, RW, 0, handle, 0, PAGE)).address;
    // One may be cut in two by the next.
    expect(growth(map)).toEqual([3, ZX_ERR_NO_RESOURCES]);
    ok(host.vmarUnmap(vmar, first, PAGE));
    expect(growth(map)).toEqual([1, ZX_ERR_NO_RESOURCES]);
    small.finish();
  },

  mappings: async () => {
    const small = await memory({ mappings: 7 });
    const { host, vmar } = small;
    const other = small.fixture.space();
    const { handle } = ok(host.vmoCreate(PAGE, 0));
    const map = (region: number): { readonly status: Status } => host.vmarMap(region, RW, 0, handle, 0, PAGE);
    for (let count = 0; count < 3; count += 1) expect(map(other.vmar).status).toBe(ZX_OK);
    expect(growth(() => map(vmar))).toEqual([3, ZX_ERR_NO_RESOURCES]);
    other.space.destroy();
    expect(growth(() => map(vmar))).toEqual([3, ZX_ERR_NO_RESOURCES]);
    small.finish();
  },

  pageTableFrames: async () => {
    const small = await memory({ pageTableFrames: 7 });
    const { host, vmar, space, fixture } = small;
    const { handle } = ok(host.vmoCreate(PAGE, 0));
    const touch = (index: number): unknown => {
      const { address } = ok(host.vmarMap(vmar, RW | ZX_VM_SPECIFIC, index * GIBIBYTE, handle, 0, PAGE));
      return GuestThread.start(fixture, space, 'read', address).outcome;
    };
    // The code of the threads has two of the tables, the root is one.
    expect(touch(1)).toMatchObject({ end: 'done' });
    expect(touch(2)).toMatchObject({ end: 'done' });
    expect(touch(3)).toMatchObject({ end: 'crash', status: ZX_ERR_NO_MEMORY });
    ok(host.vmarUnmap(vmar, space.rootVmar.vpn * PAGE + GIBIBYTE, PAGE));
    expect(touch(4)).toMatchObject({ end: 'done' });
    small.finish();
  },

  pageListNodes: async () => {
    const small = await memory({ pageListNodes: 100 });
    const { host, fixture } = small;
    const { nodes } = fixture.state.vm;
    const { handle } = ok(host.vmoCreate(2 ** 50, 0));
    // A page a gigabyte: each takes a leaf of its own, and now and then a node above.
    let at = 0;
    const touch = (): Status => {
      const status = host.call('vmo_write', handle, new Uint8Array([1]), at * GIBIBYTE, 1);
      at += 1;
      return status;
    };
    const [pages, status] = growth(touch);
    expect(status).toBe(ZX_ERR_NO_MEMORY);
    expect(pages).toBeGreaterThan(10);
    expect(nodes.size).toBeLessThanOrEqual(100);
    // What is there stays, and a page next to one that is there needs nothing.
    expect(host.call('vmo_write', handle, new Uint8Array([1]), PAGE, 1)).toBe(ZX_OK);
    host.handleClose(handle);
    expect(nodes.size).toBe(0);
    small.finish();
  },

  zeroRanges: async () => {
    const small = await memory({ zeroRanges: 8 });
    const vmo = small.createVmo(64);
    let page = 0;
    const zero = (): Status => {
      const status = small.host.call('vmo_op_range', vmo.handle, ZX_VMO_OP_ZERO, page * PAGE, PAGE, 0, 0);
      page += 2;
      return status;
    };
    const [ranges, status] = growth(zero);
    expect([ranges, status]).toEqual([7, ZX_ERR_NO_MEMORY]);
    small.writeBack(vmo, 0, 64);
    page = 32;
    expect(zero()).toBe(ZX_OK);
    small.finish();
  },

  logRecords: async () => {
    const host = await boot({ logRecords: 4 });
    const log = host.debuglogCreate(0, 0).handle;
    for (let line = 0; line < 10; line += 1)
      expect(host.debuglogWrite(log, 0, new Uint8Array([48 + line])).status).toBe(ZX_OK);
    const resource = host.systemResource(ZX_RSRC_SYSTEM_DEBUGLOG_BASE).handle;
    const { handle } = host.debuglogCreate(resource, ZX_LOG_FLAG_READABLE);
    let read = 0;
    for (; host.debuglogRead(handle).status === ZX_OK; read += 1);
    expect(read).toBe(4);
  },

  lentFrames: async () => {
    const small = await memory({ lentFrames: 4 });
    const { host } = small;
    const { loan } = ok(host.framesLend(3 * PAGE));
    expect(host.framesLend(2 * PAGE).status).toBe(ZX_ERR_NO_RESOURCES);
    loan?.release();
    const again = ok(host.framesLend(2 * PAGE));
    again.loan?.release();
    small.finish();
  },

  pinnedFrames: async () => {
    const small = await memory({ pinnedFrames: 4 });
    const pinner = new Pinner(small.host);
    const vmo = small.createVmo(8);
    small.supply(vmo, 0, 8);
    const pin = pinner.pinForRead(vmo, 0, 3);
    await small.turn();
    expect(pin.status).toBe(ZX_OK);
    const refused = pinner.pinForRead(vmo, 4, 2);
    await small.turn();
    expect(refused.status).toBe(ZX_ERR_UNAVAILABLE);
    pin.unpin();
    const later = pinner.pinForRead(vmo, 4, 2);
    await small.turn();
    expect([later.status, later.unpin()]).toEqual([ZX_OK, ZX_OK]);
    small.finish();
  },

  evictBelowFrames: async () => {
    const small = await memory({ evictBelowFrames: 100, evictToFrames: 120 });
    const { physical, evictor } = small.fixture.state.vm;
    const vmo = small.createVmo(physical.freeCount - 110);
    small.supply(vmo, 0, vmo.pages);
    expect([evictor.evicted, physical.freeCount]).toEqual([0, 110]);
    small.supply(small.createVmo(20), 0, 20);
    expect(evictor.evicted).toBeGreaterThan(0);
    expect(physical.freeCount).toBeGreaterThanOrEqual(99);
    small.finish();
  },

  evictToFrames: async () => {
    const small = await memory({ evictBelowFrames: 60, evictToFrames: 150 });
    const { physical, evictor } = small.fixture.state.vm;
    const vmo = small.createVmo(physical.freeCount - 60);
    small.supply(vmo, 0, vmo.pages);
    const aux = small.memory(new Uint8Array(PAGE));
    expect(physical.freeCount).toBe(59);
    evictor.makeRoom();
    expect(physical.freeCount).toBe(150);
    small.host.handleClose(aux);
    small.finish();
  },
};

describe('limits', () => {
  afterEach(() => kernel?.close());

  it('all have a test, an option and a default', () => {
    expect(Object.keys(TESTS).sort()).toEqual(Object.keys(DEFAULT_LIMITS).sort());
  });

  it.each(Object.entries(TESTS))('%s: has a status when it is reached', async (_name, test) => {
    expect.hasAssertions();
    await test();
  });
});
