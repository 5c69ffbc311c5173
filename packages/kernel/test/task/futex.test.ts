import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  ZX_ERR_BAD_HANDLE,
  ZX_ERR_BAD_STATE,
  ZX_ERR_INVALID_ARGS,
  ZX_ERR_NOT_SUPPORTED,
  ZX_ERR_TIMED_OUT,
  ZX_ERR_WRONG_TYPE,
  ZX_OK,
} from '../../src/abi/status.js';
import { ZX_RIGHT_SAME_RIGHTS } from '../../src/abi/rights.js';
import type { HostProcess } from '../../src/host/host-process.js';
import { Kernel } from '../../src/kernel.js';
import { HARTS } from '../support/harts.js';
import { AsmGuest, DATA, EXIT, zx } from '../support/asm-guest.js';

const INFINITE = '0x7fffffffffffffff';
const FUTEX = DATA + 0x100;
const OTHER = DATA + 0x200;

/** `zx_futex_wait(address, current, owner, deadline)`. */
function wait(address: number, current: number, owner = '0', deadline = INFINITE): string {
  return `li a0, ${address}\nli a1, ${current}\nli a2, ${owner}\nli a3, ${deadline}\n${zx('futex_wait')}`;
}

describe('futexes', () => {
  let kernel: Kernel;
  let host: HostProcess;

  beforeEach(async () => {
    kernel = await Kernel.create({ ramBytes: 8 * 2 ** 20, harts: HARTS });
    host = kernel.createHostProcess('test');
  });

  afterEach(() => {
    kernel.close();
  });

  async function statusOf(source: string, give: readonly number[] = []): Promise<bigint> {
    const guest = await AsmGuest.start(kernel, host, `${source}\n${EXIT}`, { give });
    await kernel.run();
    expect(guest.crash).toBeNull();
    return guest.returnCode;
  }

  it('refuse addresses that are null, unaligned, or mapped to nothing', async () => {
    expect(await statusOf(wait(0, 0))).toBe(BigInt(ZX_ERR_INVALID_ARGS));
    expect(await statusOf(wait(FUTEX + 2, 0))).toBe(BigInt(ZX_ERR_INVALID_ARGS));
    expect(await statusOf(wait(0x3000_0000, 0))).toBe(BigInt(ZX_ERR_INVALID_ARGS));
    expect(await statusOf(`li a0, ${FUTEX + 1}\nli a1, 1\n${zx('futex_wake')}`)).toBe(
      BigInt(ZX_ERR_INVALID_ARGS),
    );
  });

  it('say BAD_STATE when the word has another value, before the owner is looked at', async () => {
    expect(await statusOf(wait(FUTEX, 1, '77'))).toBe(BigInt(ZX_ERR_BAD_STATE));
  });

  it('refuse owners that are no thread of the process that could run', async () => {
    const event = host.eventCreate(0).handle;
    expect(await statusOf(wait(FUTEX, 0, '77'))).toBe(BigInt(ZX_ERR_BAD_HANDLE));
    expect(await statusOf(wait(FUTEX, 0, '$0'), [event])).toBe(BigInt(ZX_ERR_WRONG_TYPE));
    const foreign = await AsmGuest.start(kernel, host, 'spin: j spin');
    const thread = host.handleDuplicate(foreign.thread, ZX_RIGHT_SAME_RIGHTS).handle;
    const guest = await AsmGuest.start(kernel, host, `${wait(FUTEX, 0, '$0')}\n${EXIT}`, { give: [thread] });
    const run = kernel.run();
    await host.objectWaitOne(guest.process, 8);
    kernel.stop();
    await run;
    expect(guest.returnCode).toBe(BigInt(ZX_ERR_INVALID_ARGS));
  });

  it('end at the deadline', async () => {
    expect(await statusOf(wait(FUTEX, 0, '0', '1000000'))).toBe(BigInt(ZX_ERR_TIMED_OUT));
    expect(await statusOf(wait(FUTEX, 0, '0', '0'))).toBe(BigInt(ZX_ERR_TIMED_OUT));
  });

  it('wake as many as asked for, in the order in which they began to wait', async () => {
    // Waiters add 10^n to the sum when they are woken: the order shows in when each did.
    const guest = await AsmGuest.start(
      kernel,
      host,
      `
      j main
      .balign 4
    waiter:
      mv s0, a0
      ${wait(FUTEX, 0)}
      li t0, ${DATA}
      amoadd.d t1, s0, (t0)
      slli t1, t1, 4
      or t1, t1, s0
      sd t1, 8(t0)
      ${zx('thread_exit')}
    main:
      li s1, ${DATA}
    settle:
      ld t0, 16(s1)
      beqz t0, settle
      li a0, ${FUTEX}\nli a1, 2\n${zx('futex_wake')}
      bnez a0, done
    two:
      ld t0, 0(s1)
      li t1, 3
      bne t0, t1, two
      li a0, ${FUTEX}\nli a1, 0xffffffff\n${zx('futex_wake')}
    three:
      ld a0, 0(s1)
      li t1, 7
      bne a0, t1, three
    done: ${EXIT}`,
      { compress: false },
    );
    for (const argument of [1, 2, 4]) guest.addThread(argument);
    const run = kernel.run();
    await new Promise((resolve) => setImmediate(resolve));
    expect(guest.dispatcher.futexes.size).toBe(1);
    expect(host.call('vmo_write', guest.dataVmo, Uint8Array.of(1), 16, 1)).toBe(ZX_OK);
    expect((await run).outcome).toBe('exited');
    expect(guest.returnCode).toBe(7n);
    expect(guest.dispatcher.futexes.size).toBe(0);
  });

  it('know their owner, and hand ownership to the one they wake', async () => {
    const guest = await AsmGuest.start(
      kernel,
      host,
      `
      j main
      .balign 4
    waiter:
      lwu a2, ${FUTEX - DATA + 16}(a1)
      li a0, ${FUTEX}\nli a1, 0\nli a3, ${INFINITE}
      ${zx('futex_wait')}
      ${zx('thread_exit')}
    main:
      li s1, ${DATA}
    settle:
      ld t0, 16(s1)
      beqz t0, settle
      li a0, ${FUTEX}\nli a1, ${DATA + 32}\n${zx('futex_get_owner')}
      bnez a0, done
      li a0, ${FUTEX}\n${zx('futex_wake_single_owner')}
      bnez a0, done
      li a0, ${FUTEX}\nli a1, ${DATA + 40}\n${zx('futex_get_owner')}
      bnez a0, done
      li a0, ${FUTEX}\nli a1, 9\n${zx('futex_wake')}
      li a0, ${FUTEX}\nli a1, ${DATA + 48}\n${zx('futex_get_owner')}
    done: ${EXIT}`,
      { compress: false },
    );
    const main = guest.dispatcher.handles.add(
      host.handles.remove(host.handleDuplicate(guest.thread, ZX_RIGHT_SAME_RIGHTS).handle)!,
    );
    const value = new Uint8Array(4);
    new DataView(value.buffer).setUint32(0, main, true);
    host.call('vmo_write', guest.dataVmo, value, 0x110, 4);
    const waiters = [1, 2].map((argument) => host.handleBasicInfo(guest.addThread(argument, DATA)).koid);
    const run = kernel.run();
    await new Promise((resolve) => setImmediate(resolve));
    host.call('vmo_write', guest.dataVmo, Uint8Array.of(1), 16, 1);
    expect((await run).outcome).toBe('exited');
    expect(guest.returnCode).toBe(BigInt(ZX_OK));
    expect(await guest.i64(32)).toBe(BigInt(host.handleBasicInfo(guest.thread).koid));
    expect(await guest.i64(40)).toBe(BigInt(waiters[0]));
    expect(await guest.i64(48)).toBe(0n);
  });

  it('move waiters to another address', async () => {
    const requeue = (current: number, to = OTHER): string =>
      `li a0, ${FUTEX}\nli a1, 1\nli a2, ${current}\nli a3, ${to}\nli a4, 10\nli a5, 0\n${zx('futex_requeue')}`;
    expect(await statusOf(requeue(1))).toBe(BigInt(ZX_ERR_BAD_STATE));
    expect(await statusOf(requeue(0, FUTEX))).toBe(BigInt(ZX_ERR_INVALID_ARGS));
    const guest = await AsmGuest.start(
      kernel,
      host,
      `
      j main
      .balign 4
    waiter:
      mv s0, a0
      ${wait(FUTEX, 0)}
      li t0, ${DATA}
      amoadd.d t1, s0, (t0)
      ${zx('thread_exit')}
    main:
      li s1, ${DATA}
    settle:
      ld t0, 16(s1)
      beqz t0, settle
      ${requeue(0)}
      bnez a0, done
    one:
      ld t0, 0(s1)
      beqz t0, one
      sd t0, 24(s1)
      # nobody is left at the first address
      li a0, ${FUTEX}\nli a1, 10\n${zx('futex_wake')}
      li a0, ${OTHER}\nli a1, 10\n${zx('futex_wake')}
    three:
      ld a0, 0(s1)
      li t1, 7
      bne a0, t1, three
    done: ${EXIT}`,
      { compress: false },
    );
    for (const argument of [1, 2, 4]) guest.addThread(argument);
    const run = kernel.run();
    await new Promise((resolve) => setImmediate(resolve));
    host.call('vmo_write', guest.dataVmo, Uint8Array.of(1), 16, 1);
    await run;
    expect(guest.returnCode).toBe(7n);
    expect(await guest.i64(24)).toBe(1n);
  });

  it('are for guests only', async () => {
    expect(await host.callWaiting('futex_wait', [new Uint8Array(4), 0, 0, Infinity])).toBe(
      ZX_ERR_NOT_SUPPORTED,
    );
    expect(host.call('futex_wake', new Uint8Array(4), 1)).toBe(ZX_ERR_NOT_SUPPORTED);
  });
});
