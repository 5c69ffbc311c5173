import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as excp from '../../src/abi/exceptions.js';
import {
  ZX_ERR_BAD_HANDLE,
  ZX_ERR_INVALID_ARGS,
  ZX_ERR_IO,
  ZX_ERR_SHOULD_WAIT,
  ZX_ERR_TIMED_OUT,
  ZX_OK,
  ZX_TASK_RETCODE_EXCEPTION_KILL,
  ZX_TASK_RETCODE_SYSCALL_KILL,
} from '../../src/abi/status.js';
import { ZX_PROP_PROCESS_VDSO_BASE_ADDRESS } from '../../src/abi/properties.js';
import { ZX_RIGHT_SAME_RIGHTS } from '../../src/abi/rights.js';
import { ZX_THREAD_STATE_BLOCKED_PAGER, ZX_THREAD_STATE_BLOCKED_PORT } from '../../src/abi/task.js';
import type { HostProcess } from '../../src/host/host-process.js';
import { Kernel } from '../../src/kernel.js';
import { callNumber } from '../../src/syscall/table.js';
import { HARTS } from '../support/harts.js';
import { AsmGuest, DATA, EXIT, FREE, PAGE, site, VDSO, zx } from '../support/asm-guest.js';
import { ServingPager, turn } from '../support/serving-pager.js';

const INFINITE = '0x7fffffffffffffff';

describe('system calls of guests', () => {
  let kernel: Kernel;
  let host: HostProcess;

  beforeEach(async () => {
    kernel = await Kernel.create({ ramBytes: 8 * 2 ** 20, harts: HARTS });
    host = kernel.createHostProcess('test');
  });

  afterEach(() => {
    kernel.close();
  });

  const copyOf = (handle: number): number => host.handleDuplicate(handle, ZX_RIGHT_SAME_RIGHTS).handle;

  it('wait, and go on when the host has something', async () => {
    const port = host.portCreate(0).handle;
    const guest = await AsmGuest.start(
      kernel,
      host,
      `li a0, $0\nli a1, ${INFINITE}\nli a2, ${DATA}\n${zx('port_wait')}\n${EXIT}`,
      { give: [copyOf(port)] },
    );
    const run = kernel.run();
    setImmediate(() => host.portQueue(port, 77n, -5, Uint8Array.of(9)));
    const release = host.hold();
    expect((await run).outcome).toBe('exited');
    release();
    expect(guest.returnCode).toBe(BigInt(ZX_OK));
    expect(await guest.i64(0)).toBe(77n);
    expect((await guest.data(16, 1))[0]).toBe(9);
  });

  it('sleep in virtual time, which passes at once', async () => {
    const guest = await AsmGuest.start(
      kernel,
      host,
      `
      ${zx('clock_get_monotonic')}
      mv s0, a0
      li a0, 3600000000000
      add a0, a0, s0
      ${zx('nanosleep')}
      bnez a0, done
      ${zx('clock_get_monotonic')}
      sub a0, a0, s0
    done: ${EXIT}`,
    );
    expect((await kernel.run()).outcome).toBe('exited');
    expect(Number(guest.returnCode)).toBeGreaterThanOrEqual(3.6e12);
    expect(Number(guest.returnCode)).toBeLessThan(3.6e12 + 1e6);
  });

  it('end at their deadline', async () => {
    const port = host.portCreate(0).handle;
    const source = `
      ${zx('clock_get_monotonic')}
      li a1, 1000000
      add a1, a1, a0
      li a0, $0
      li a2, ${DATA}
      ${zx('port_wait')}\n${EXIT}`;
    const guest = await AsmGuest.start(kernel, host, source, { give: [port] });
    await kernel.run();
    expect(guest.returnCode).toBe(BigInt(ZX_ERR_TIMED_OUT));
  });

  it('give a packet into a buffer that a pager has to bring first, and lose none', async () => {
    const pager = new ServingPager(host);
    const vmo = pager.createVmo(4);
    const port = host.portCreate(0).handle;
    host.portQueue(port, 1n, 0, Uint8Array.of(1));
    host.portQueue(port, 2n, 0, Uint8Array.of(2));
    const source = `
      li s0, ${FREE + PAGE - 24}
      li a0, $0\nli a1, ${INFINITE}\nmv a2, s0\n${zx('port_wait')}
      bnez a0, done
      ld s1, 0(s0)
      lbu s2, 16(s0)
      li a0, $0\nli a1, ${INFINITE}\nmv a2, s0\n${zx('port_wait')}
      bnez a0, done
      ld a0, 0(s0)
      slli a0, a0, 8
      or a0, a0, s1
      slli a0, a0, 8
      or a0, a0, s2
    done: ${EXIT}`;
    const guest = await AsmGuest.start(kernel, host, source, {
      give: [copyOf(port)],
      map: [{ address: FREE, vmo, bytes: 4 * PAGE }],
    });
    const stuck = await kernel.run();
    expect(stuck.outcome).toBe('deadlock');
    expect(stuck.waiting[0]?.on).toMatch(/page/);
    expect(host.threadInfo(guest.thread).state).toBe(ZX_THREAD_STATE_BLOCKED_PAGER);
    // The packet is 48 bytes, of which 24 are on the first page: the copy stops twice.
    for (const page of [0, 1]) {
      expect(pager.take()).toEqual([[page, 1]]);
      pager.supply(vmo, page, 1);
      await kernel.run();
    }
    expect(guest.crash).toBeNull();
    expect(guest.returnCode).toBe(0x02_01_01n);
    expect(host.portTryWait(port).status).toBe(ZX_ERR_TIMED_OUT);
  });

  it('fault in the middle of a copy, and carry on there', async () => {
    const pager = new ServingPager(host);
    const vmo = pager.createVmo(4);
    const [near, far] = host.channelCreate(0).handles;
    const message = Uint8Array.from({ length: 3 * PAGE }, (_none, index) => index % 251);
    expect(host.channelWrite(near, 0, message).status).toBe(ZX_OK);
    pager.supply(vmo, 0, 1);
    pager.supply(vmo, 2, 1);
    const source = `
      li a0, $0\nli a1, 0\nli a2, ${FREE + 100}\nli a3, 0\nli a4, ${3 * PAGE}\nli a5, 0\nli a6, ${DATA}\nli a7, 0
      ${zx('channel_read')}
      bnez a0, done
      li t0, ${FREE + 100}
      li t1, ${FREE + 100 + 3 * PAGE}
    sum:
      lbu t2, 0(t0)
      add a0, a0, t2
      addi t0, t0, 1
      bltu t0, t1, sum
    done: ${EXIT}`;
    const guest = await AsmGuest.start(kernel, host, source, {
      give: [far],
      map: [{ address: FREE, vmo, bytes: 4 * PAGE }],
    });
    for (const page of [1, 3]) {
      expect((await kernel.run()).outcome).toBe('deadlock');
      expect(pager.take()).toEqual([[page, 1]]);
      pager.supply(vmo, page, 1);
    }
    await kernel.run();
    expect(guest.returnCode).toBe(BigInt(message.reduce((sum, byte) => sum + byte, 0)));
    expect(await guest.word(0)).toBe(message.length);
  });

  it('say INVALID_ARGS when the pager fails the page of an output buffer', async () => {
    const pager = new ServingPager(host);
    const vmo = pager.createVmo(1);
    const source = `li a0, 0\nli a1, ${FREE}\n${zx('event_create')}\n${EXIT}`;
    const guest = await AsmGuest.start(kernel, host, source, { map: [{ address: FREE, vmo, bytes: PAGE }] });
    await kernel.run();
    expect(pager.take()).toEqual([[0, 1]]);
    pager.fail(vmo, 0, 1, ZX_ERR_IO);
    await kernel.run();
    expect(guest.returnCode).toBe(BigInt(ZX_ERR_INVALID_ARGS));
    expect(guest.dispatcher.handles.size).toBe(0);
  });

  it('fail with SHOULD_WAIT instead of waiting for a pager, unless the process may wait', async () => {
    const pager = new ServingPager(host);
    const vmo = pager.createVmo(1);
    const source = `li a0, $0\nli a1, ${DATA}\nli a2, 0\nli a3, 8\n${zx('vmo_read')}\n${EXIT}`;
    const refused = await AsmGuest.start(kernel, host, source, {
      give: [copyOf(vmo)],
      pagerBlocking: 'fail',
    });
    await kernel.run();
    expect(refused.returnCode).toBe(BigInt(ZX_ERR_SHOULD_WAIT));
    expect(pager.take()).toEqual([]);
    pager.serve(vmo);
    const allowed = await AsmGuest.start(kernel, host, source, {
      give: [copyOf(vmo)],
      pagerBlocking: 'allow',
    });
    await kernel.run();
    expect(allowed.returnCode).toBe(BigInt(ZX_OK));
    expect(await allowed.i64(0)).toBe(0x0101_0101_0101_0101n);
  });

  it('preserve all registers but a0', async () => {
    const keep = [1, 2, 3, 4, ...Array.from({ length: 20 }, (_none, index) => index + 12)].filter(
      (x) => x !== 2 && x !== 1,
    );
    const source = `
      ${keep.map((x) => `li x${x}, ${x * 1_000_003}`).join('\n')}
      li a0, 0\nli a1, 12345
      li t0, ${callNumber('event_create')}
      li t1, ${site('event_create')}
      jalr t1
      ${keep.map((x) => `li t1, ${x * 1_000_003}\nbne t1, x${x}, wrong`).join('\n')}
      ${EXIT}
    wrong:
      li a0, 1
      ${EXIT}`;
    const guest = await AsmGuest.start(kernel, host, source, { compress: false });
    await kernel.run();
    expect(guest.crash).toBeNull();
    // 12345 is no address of a handle.
    expect(guest.returnCode).toBe(BigInt(ZX_ERR_INVALID_ARGS));
  });

  it('are accepted from the vDSO only', async () => {
    const guest = await AsmGuest.start(kernel, host, `li t0, 1\nli a0, 0\necall\n${EXIT}`);
    await kernel.run();
    expect(guest.returnCode).toBe(BigInt(ZX_TASK_RETCODE_EXCEPTION_KILL));
    expect(guest.crash?.exception).toMatchObject({
      type: excp.ZX_EXCP_POLICY_ERROR,
      synthCode: excp.ZX_EXCP_POLICY_CODE_BAD_SYSCALL,
      synthData: 1,
      cause: 0,
      address: 0n,
    });
  });

  it('are accepted from the vDSO at the place of their number only', async () => {
    const other = callNumber('event_create')!;
    const guest = await AsmGuest.start(
      kernel,
      host,
      `li t0, ${other}\nli t1, ${site('handle_close')}\njalr t1\n${EXIT}`,
    );
    await kernel.run();
    expect(guest.crash?.exception.synthData).toBe(other);
  });

  it('with numbers that there are not are a policy exception', async () => {
    const guest = await AsmGuest.start(kernel, host, `li t0, 0xdeadbeef0\necall\n${EXIT}`);
    await kernel.run();
    expect(guest.crash?.exception.synthCode).toBe(excp.ZX_EXCP_POLICY_CODE_BAD_SYSCALL);
  });

  it('need no more than the code of the vDSO at any address, which the process can be asked for', async () => {
    const guest = await AsmGuest.start(kernel, host, `li a0, 3\n${zx('handle_close')}\n${EXIT}`);
    const base = new Uint8Array(8);
    expect(host.objectGetProperty(guest.process, ZX_PROP_PROCESS_VDSO_BASE_ADDRESS, base).status).toBe(ZX_OK);
    expect(new DataView(base.buffer).getBigUint64(0, true)).toBe(BigInt(VDSO));
    await kernel.run();
    expect(guest.returnCode).toBe(BigInt(ZX_ERR_BAD_HANDLE));
  });

  it('end when their thread is killed while it waits, and give back what they hold', async () => {
    const port = host.portCreate(0).handle;
    const waiting = `li a0, $0\nli a1, ${INFINITE}\nli a2, ${DATA}\n${zx('port_wait')}\n${EXIT}`;
    const first = await AsmGuest.start(kernel, host, waiting, { give: [copyOf(port)], name: 'first' });
    const second = await AsmGuest.start(kernel, host, waiting, { give: [copyOf(port)], name: 'second' });
    const stuck = await kernel.run();
    expect(stuck.outcome).toBe('deadlock');
    expect(
      stuck.waiting.map(({ processName, name, on }) => [processName, name, on.replace(/\d+/, 'N')]),
    ).toEqual([
      ['first', 'main', 'a packet on port N'],
      ['second', 'main', 'a packet on port N'],
    ]);
    expect(host.threadInfo(first.thread).state).toBe(ZX_THREAD_STATE_BLOCKED_PORT);
    // The first is woken for the packet, and killed before it takes it: the second gets it.
    host.portQueue(port, 5n, 0, new Uint8Array(0));
    expect(host.taskKill(first.process).status).toBe(ZX_OK);
    expect((await kernel.run()).outcome).toBe('exited');
    expect(first.returnCode).toBe(BigInt(ZX_TASK_RETCODE_SYSCALL_KILL));
    expect(second.returnCode).toBe(BigInt(ZX_OK));
    expect(await second.i64(0)).toBe(5n);
  });

  it('are withdrawn from the pager when their thread is killed', async () => {
    const pager = new ServingPager(host);
    const vmo = pager.createVmo(8);
    const guest = await AsmGuest.start(
      kernel,
      host,
      `li a0, $0\nli a1, ${DATA}\nli a2, 0\nli a3, ${4 * PAGE}\n${zx('vmo_read')}\n${EXIT}`,
      { give: [copyOf(vmo)] },
    );
    await kernel.run();
    expect(host.taskKill(guest.process).status).toBe(ZX_OK);
    expect(pager.take()).toEqual([]);
    await turn();
    expect(host.processInfo(guest.process).returnCode).toBe(BigInt(ZX_TASK_RETCODE_SYSCALL_KILL));
  });
});
