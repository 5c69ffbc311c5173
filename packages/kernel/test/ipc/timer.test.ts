import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ZX_INFO_TIMER } from '../../src/abi/info.js';
import { ZX_RIGHT_READ } from '../../src/abi/rights.js';
import { ZX_TIMER_SIGNALED } from '../../src/abi/signals.js';
import {
  ZX_ERR_ACCESS_DENIED,
  ZX_ERR_INVALID_ARGS,
  ZX_ERR_OUT_OF_RANGE,
  ZX_ERR_TIMED_OUT,
  ZX_ERR_WRONG_TYPE,
  ZX_OK,
} from '../../src/abi/status.js';
import type { HostProcess } from '../../src/host/host-process.js';
import { DATA, zx } from '../support/asm-guest.js';
import { TestKernel } from '../support/test-thread.js';

describe('a timer', () => {
  let test: TestKernel;
  let host: HostProcess;

  beforeEach(async () => {
    test = await TestKernel.create();
    ({ host } = test);
  });

  afterEach(() => {
    test.finish();
  });

  function create(): number {
    const out = new Uint8Array(4);
    expect(host.call('timer_create', 0, 0, out)).toBe(ZX_OK);
    return new DataView(out.buffer).getUint32(0, true);
  }

  const now = (): number => test.kernel.clock.now();
  const set = (timer: number, deadline: number, slack = 0): number =>
    host.call('timer_set', timer, deadline, slack);

  it('is signaled when its time has come, and not before', async () => {
    const timer = create();
    const due = now() + 5_000_000;
    expect(set(timer, due)).toBe(ZX_OK);
    expect(await test.signals(timer)).toBe(0);
    const early = await host.objectWaitOne(timer, ZX_TIMER_SIGNALED, { deadline: due - 1 });
    expect(early.status).toBe(ZX_ERR_TIMED_OUT);
    const { status, observed } = await host.objectWaitOne(timer, ZX_TIMER_SIGNALED);
    expect([status, observed]).toEqual([ZX_OK, ZX_TIMER_SIGNALED]);
    expect(now()).toBeGreaterThanOrEqual(due);
  });

  it('starts anew when it is set again, at once when the time has passed, and can be cancelled', async () => {
    const timer = create();
    expect(set(timer, 0)).toBe(ZX_OK);
    expect(await test.signals(timer)).toBe(ZX_TIMER_SIGNALED);
    const first = now() + 1_000;
    expect(set(timer, first)).toBe(ZX_OK);
    expect(await test.signals(timer)).toBe(0);
    expect(set(timer, first + 1_000_000)).toBe(ZX_OK);
    const early = await host.objectWaitOne(timer, ZX_TIMER_SIGNALED, { deadline: first + 10_000 });
    expect(early.status).toBe(ZX_ERR_TIMED_OUT);
    expect(host.call('timer_cancel', timer)).toBe(ZX_OK);
    const late = await host.objectWaitOne(timer, ZX_TIMER_SIGNALED, { deadline: first + 5_000_000 });
    expect(late.status).toBe(ZX_ERR_TIMED_OUT);
  });

  it('wakes a guest that waits for it, and its handle can be closed while it runs', async () => {
    const lost = create();
    expect(set(lost, now() + 1_000_000_000)).toBe(ZX_OK);
    host.handleClose(lost);
    const guest = await test.start(
      `li a0, 0\nli a1, 0\nli a2, ${DATA}\n${zx('timer_create')}\nli s0, ${DATA}\nlwu s1, 0(s0)
       mv a0, s1\nli a1, 50000000\nli a2, 0\n${zx('timer_set')}
       mv a0, s1\nli a1, ${ZX_TIMER_SIGNALED}\nli a2, -1\nsrli a2, a2, 1\nli a3, ${DATA + 8}\n${zx('object_wait_one')}
       bnez a0, end\n${zx('clock_get_monotonic')}\nend:`,
    );
    expect(await test.settle()).toBe('exited');
    expect(guest.returnCode).toBeGreaterThanOrEqual(50_000_000n);
    expect(guest.returnCode).toBeLessThan(1_000_000_000n);
  });

  it('tells what it is set to', async () => {
    const timer = create();
    const read = (): DataView => {
      const bytes = new Uint8Array(24);
      expect(host.objectGetInfo(timer, ZX_INFO_TIMER, bytes).status).toBe(ZX_OK);
      return new DataView(bytes.buffer);
    };
    expect(read().getBigInt64(8, true)).toBe(0n);
    expect(set(timer, 1e12, 77)).toBe(ZX_OK);
    expect([read().getBigInt64(8, true), read().getBigInt64(16, true)]).toEqual([10n ** 12n, 77n]);
    expect(set(timer, Infinity)).toBe(ZX_OK);
    expect(read().getBigInt64(8, true)).toBe(2n ** 63n - 1n);
    expect(await test.signals(timer)).toBe(0);
  });

  it('refuses what it does not know', () => {
    const out = new Uint8Array(4);
    expect(host.call('timer_create', 3, 0, out)).toBe(ZX_ERR_INVALID_ARGS);
    expect(host.call('timer_create', 0, 2, out)).toBe(ZX_ERR_INVALID_ARGS);
    const timer = create();
    expect(host.call('timer_set', timer, 0, -1)).toBe(ZX_ERR_OUT_OF_RANGE);
    const weak = host.handleDuplicate(timer, ZX_RIGHT_READ);
    expect(weak.status).toBe(ZX_ERR_INVALID_ARGS);
    const blind = host.handleDuplicate(timer, 0).handle;
    expect(set(blind, 0)).toBe(ZX_ERR_ACCESS_DENIED);
    expect(host.call('timer_cancel', blind)).toBe(ZX_ERR_ACCESS_DENIED);
    expect(set(host.eventCreate(0).handle, 0)).toBe(ZX_ERR_WRONG_TYPE);
  });
});
