import { Machine, VirtualClock } from '@faultline/mmu-emu';
import { describe, expect, it } from 'vitest';
import { ZX_PAGER_VMO_READ, ZX_PKT_TYPE_PAGE_REQUEST, ZX_PKT_TYPE_USER } from '../../src/abi/port.js';
import { ZX_ERR_BAD_HANDLE, ZX_ERR_TIMED_OUT, ZX_OK } from '../../src/abi/status.js';
import { ZX_CHANNEL_READABLE } from '../../src/abi/signals.js';
import { HostProcess } from '../../src/host/host-process.js';
import type { PacketRoom } from '../../src/host/port-packet-value.js';
import { Kernel } from '../../src/kernel.js';
import { KernelState } from '../../src/kernel-state.js';
import { DEFAULT_LIMITS } from '../../src/limits.js';
import { SeededRng } from '../../src/seeded-rng.js';
import { CALL_TABLE } from '../../src/syscall/table.js';
import type { VmSystem } from '../../src/vm/vm-system.js';

const machine = await Machine.create({ mode: 'hosted', ramBytes: 2 ** 20 });

function state(): KernelState {
  return new KernelState({
    machine,
    vm: undefined as unknown as VmSystem,
    clock: new VirtualClock(),
    limits: DEFAULT_LIMITS,
    rng: new SeededRng(1),
    calls: CALL_TABLE,
    onLog: null,
  });
}

describe('host calls', () => {
  it('passes a message through a channel, at once', () => {
    const host = new HostProcess(state(), 'test');
    const { status, handles } = host.channelCreate(0);
    expect(status).toBe(ZX_OK);
    expect(host.channelWrite(handles[0], 0, Uint8Array.of(1, 2, 3)).status).toBe(ZX_OK);
    expect(host.channelRead(handles[1], 0)).toEqual({
      status: ZX_OK,
      bytes: Uint8Array.of(1, 2, 3),
      handles: [],
    });
    expect(host.handleClose(handles[0]).status).toBe(ZX_OK);
    expect(host.handleClose(handles[0]).status).toBe(ZX_ERR_BAD_HANDLE);
  });

  it('settles a waiting promise when the wait ends', async () => {
    const host = new HostProcess(state(), 'test');
    const { handles } = host.channelCreate(0);
    const wait = host.objectWaitOne(handles[1], ZX_CHANNEL_READABLE);
    host.channelWrite(handles[0], 0, Uint8Array.of(1));
    const { status, observed } = await wait;
    expect(status).toBe(ZX_OK);
    expect(observed & ZX_CHANNEL_READABLE).toBe(ZX_CHANNEL_READABLE);
  });

  it('rejects with the reason of an aborted signal, and loses nothing', async () => {
    const host = new HostProcess(state(), 'test');
    const port = host.portCreate(0).handle;
    const controller = new AbortController();
    const wait = host.portWait(port, { signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(wait).rejects.toThrow('enough');
    expect(host.portTryWait(port).status).toBe(ZX_ERR_TIMED_OUT);
    host.portQueue(port, 7n, ZX_OK, Uint8Array.of(9));
    expect(host.portTryWait(port).packet?.key).toBe(7n);
  });

  it('puts one packet after the other into the same room, which stays as it is when there is none', async () => {
    const kernel = await Kernel.create({ ramBytes: 4 * 2 ** 20 });
    const host = kernel.createHostProcess('test');
    const port = host.portCreate(0).handle;
    const room: PacketRoom = { key: 5n, type: 6, command: 7, offset: 8, length: 9 };
    expect(host.portTryWaitInto(port, room)).toBe(ZX_ERR_TIMED_OUT);
    expect(host.portTryWaitInto(0, room)).toBe(ZX_ERR_BAD_HANDLE);
    expect(room).toEqual({ key: 5n, type: 6, command: 7, offset: 8, length: 9 });
    const pager = host.pagerCreate(0).handle;
    const vmo = host.pagerCreateVmo(pager, 0, port, 2n ** 64n - 1n, 16 * 4096).handle;
    void host.vmoRead(vmo, new Uint8Array(3 * 4096), 4 * 4096, { mayWaitForPager: true });
    host.portQueue(port, 1n, ZX_OK, Uint8Array.of(1, 2, 3));
    const request = { type: ZX_PKT_TYPE_PAGE_REQUEST, command: ZX_PAGER_VMO_READ };
    expect(host.portTryWaitInto(port, room)).toBe(ZX_OK);
    expect(room).toEqual({ key: 2n ** 64n - 1n, ...request, offset: 4 * 4096, length: 3 * 4096 });
    expect(host.portTryWaitInto(port, room)).toBe(ZX_OK);
    expect(room).toEqual({ key: 1n, type: ZX_PKT_TYPE_USER, command: 0, offset: 0, length: 0 });
    expect(host.portTryWaitInto(port, room)).toBe(ZX_ERR_TIMED_OUT);
    kernel.close();
  });

  it('tells a listener of packets, and lets it take them', async () => {
    const host = new HostProcess(state(), 'test');
    const port = host.portCreate(0).handle;
    const keys: bigint[] = [];
    const stop = host.onPortPacket(port, () => {
      for (let { packet } = host.portTryWait(port); packet !== null; { packet } = host.portTryWait(port)) {
        keys.push(packet.key);
        if (packet.key === 1n) host.portQueue(port, 3n, ZX_OK, new Uint8Array(0));
      }
    });
    host.portQueue(port, 1n, ZX_OK, new Uint8Array(0));
    host.portQueue(port, 2n, ZX_OK, new Uint8Array(0));
    expect(keys).toEqual([]);
    await Promise.resolve();
    expect(keys).toEqual([1n, 2n, 3n]);
    stop();
    host.portQueue(port, 4n, ZX_OK, new Uint8Array(0));
    await Promise.resolve();
    expect(keys).toEqual([1n, 2n, 3n]);
  });

  it('refuses arguments that no system call can take', () => {
    const host = new HostProcess(state(), 'test');
    expect(() => host.eventCreate(2 ** 32)).toThrow(RangeError);
    expect(() => host.eventCreate(0.5)).toThrow(RangeError);
    expect(() => host.call('event_create', 0)).toThrow(/was given 1 arguments/);
    expect(() => host.call('no_such_call')).toThrow(/no system call/);
    expect(() => host.call('object_wait_one', host.eventCreate(0).handle, 8, Infinity, null)).toThrow(
      /waits for/,
    );
  });
});
