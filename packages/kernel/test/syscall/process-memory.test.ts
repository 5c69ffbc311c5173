import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  ZX_ERR_ACCESS_DENIED,
  ZX_ERR_BAD_STATE,
  ZX_ERR_INVALID_ARGS,
  ZX_ERR_NO_MEMORY,
  ZX_ERR_SHOULD_WAIT,
  ZX_ERR_WRONG_TYPE,
  ZX_OK,
} from '../../src/abi/status.js';
import { ZX_RIGHT_WRITE } from '../../src/abi/rights.js';
import type { HostProcess } from '../../src/host/host-process.js';
import { Kernel } from '../../src/kernel.js';
import { AsmGuest, CODE, DATA, DATA_BYTES, FREE, PAGE } from '../support/asm-guest.js';
import { ServingPager } from '../support/serving-pager.js';

describe('memory of another process', () => {
  let kernel: Kernel;
  let host: HostProcess;
  let guest: AsmGuest;
  let pager: ServingPager;
  let paged: number;

  beforeEach(async () => {
    kernel = await Kernel.create({ ramBytes: 8 * 2 ** 20 });
    host = kernel.createHostProcess('test');
    pager = new ServingPager(host);
    paged = pager.createVmo(4);
    guest = await AsmGuest.start(kernel, host, 'spin: j spin', {
      map: [{ address: FREE, vmo: paged, bytes: 4 * PAGE }],
    });
  });

  afterEach(() => {
    kernel.close();
  });

  it('is written and read, across pages', async () => {
    const bytes = Uint8Array.from({ length: 2 * PAGE }, (_none, index) => index % 241);
    expect(await host.processWriteMemory(guest.process, DATA + 100, bytes)).toEqual({
      status: ZX_OK,
      actual: 2 * PAGE,
    });
    expect(await guest.data(100, bytes.length)).toEqual(bytes);
    const back = new Uint8Array(bytes.length);
    expect(await host.processReadMemory(guest.process, DATA + 100, back)).toEqual({
      status: ZX_OK,
      actual: 2 * PAGE,
    });
    expect(back).toEqual(bytes);
  });

  it('ends where its mapping ends', async () => {
    const bytes = new Uint8Array(PAGE);
    expect(await host.processReadMemory(guest.process, DATA + DATA_BYTES - 10, bytes)).toEqual({
      status: ZX_OK,
      actual: 10,
    });
    expect((await host.processReadMemory(guest.process, 0x1000, bytes)).status).toBe(ZX_ERR_NO_MEMORY);
  });

  it('is not written where the process could not write itself', async () => {
    expect((await host.processWriteMemory(guest.process, CODE, Uint8Array.of(1))).status).toBe(
      ZX_ERR_NO_MEMORY,
    );
  });

  it('is waited for only by those who may', async () => {
    const bytes = new Uint8Array(PAGE);
    expect((await host.processReadMemory(guest.process, FREE, bytes)).status).toBe(ZX_ERR_SHOULD_WAIT);
    expect(pager.take()).toEqual([]);
    pager.serve(paged);
    const read = await host.processReadMemory(guest.process, FREE + PAGE, bytes, { mayWaitForPager: true });
    expect(read).toEqual({ status: ZX_OK, actual: PAGE });
    expect(bytes).toEqual(new Uint8Array(PAGE).fill(2));
  });

  it('is gone when the process ends while it is waited for', async () => {
    const read = host.processReadMemory(guest.process, FREE, new Uint8Array(8), { mayWaitForPager: true });
    expect(pager.take()).toEqual([[0, 1]]);
    host.taskKill(guest.process);
    pager.supply(paged, 0, 1);
    expect((await read).status).toBe(ZX_ERR_BAD_STATE);
    expect((await host.processReadMemory(guest.process, FREE, new Uint8Array(8))).status).toBe(
      ZX_ERR_BAD_STATE,
    );
  });

  it('is refused without the right, and for what is no process', async () => {
    const weak = host.handleDuplicate(guest.process, ZX_RIGHT_WRITE).handle;
    expect((await host.processReadMemory(weak, DATA, new Uint8Array(8))).status).toBe(ZX_ERR_ACCESS_DENIED);
    expect((await host.processReadMemory(guest.thread, DATA, new Uint8Array(8))).status).toBe(
      ZX_ERR_WRONG_TYPE,
    );
    expect((await host.processReadMemory(guest.process, DATA, new Uint8Array(0))).status).toBe(
      ZX_ERR_INVALID_ARGS,
    );
    expect(await host.callWaiting('process_read_memory', [guest.process, DATA, 4096, 8, null])).toBe(
      ZX_ERR_INVALID_ARGS,
    );
  });

  it('ends at addresses that no memory can have', async () => {
    const bytes = new Uint8Array(2 * PAGE);
    for (const address of [
      2n ** 38n - 8n,
      2n ** 38n,
      2n ** 53n + 1n,
      2n ** 63n,
      2n ** 64n - 4096n,
      2n ** 64n - 1n,
    ]) {
      for (const call of [host.processReadMemory, host.processWriteMemory]) {
        const { status, actual } = await call.call(host, guest.process, address, bytes);
        expect([address, status, actual]).toEqual([address, ZX_ERR_NO_MEMORY, 0]);
      }
    }
  });
});
