import { HART_F, HART_FCSR, HART_X } from '@faultline/mmu-emu';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ZX_PROCESS_TERMINATED, ZX_THREAD_RUNNING, ZX_THREAD_TERMINATED } from '../../src/abi/signals.js';
import { ZX_ERR_BAD_STATE, ZX_OK, ZX_TASK_RETCODE_SYSCALL_KILL } from '../../src/abi/status.js';
import { ZX_INFO_PROCESS_FLAG_EXITED, ZX_INFO_PROCESS_FLAG_STARTED } from '../../src/abi/task.js';
import type { HostProcess } from '../../src/host/host-process.js';
import { Kernel } from '../../src/kernel.js';
import { AsmGuest, DATA, EXIT, STACK_TOP, zx } from '../support/asm-guest.js';

describe('the life of guests', () => {
  let kernel: Kernel;
  let host: HostProcess;

  beforeEach(async () => {
    kernel = await Kernel.create({ ramBytes: 8 * 2 ** 20 });
    host = kernel.createHostProcess('test');
  });

  afterEach(() => {
    kernel.close();
  });

  it('runs a program until it exits, and tells its code', async () => {
    const guest = await AsmGuest.start(kernel, host, `li a0, 42\n${EXIT}`);
    expect(host.processInfo(guest.process).flags).toBe(ZX_INFO_PROCESS_FLAG_STARTED);
    const ended = host.objectWaitOne(guest.process, ZX_PROCESS_TERMINATED);
    expect(await kernel.run()).toEqual({ outcome: 'exited', waiting: [] });
    expect((await ended).status).toBe(ZX_OK);
    expect(guest.returnCode).toBe(42n);
    expect(guest.crash).toBeNull();
    expect(host.processInfo(guest.process).flags).toBe(
      ZX_INFO_PROCESS_FLAG_STARTED | ZX_INFO_PROCESS_FLAG_EXITED,
    );
  });

  it('keeps all 64 bits of an exit code', async () => {
    const guest = await AsmGuest.start(kernel, host, `li a0, -3\nslli a0, a0, 40\n${EXIT}`);
    await kernel.run();
    expect(guest.returnCode).toBe(-3n << 40n);
  });

  it('ends a process with code 0 when its last thread leaves', async () => {
    const guest = await AsmGuest.start(kernel, host, zx('thread_exit'));
    await kernel.run();
    expect(guest.returnCode).toBe(0n);
    const signals = host.objectWaitOne(guest.thread, ZX_THREAD_TERMINATED);
    expect((await signals).observed & (ZX_THREAD_RUNNING | ZX_THREAD_TERMINATED)).toBe(ZX_THREAD_TERMINATED);
  });

  it('lets processes that spin take turns', async () => {
    // Each waits, spinning, for the other to raise its number: neither would end without preemption.
    const turns = (self: number, other: number): string => `
      li s0, ${DATA}
      li s1, 0
    again:
      addi s1, s1, 1
      sd s1, ${self}(s0)
    spin:
      ld t0, ${other}(s0)
      bltu t0, s1, spin
      li t0, 20
      bltu s1, t0, again
      mv a0, s1
      ${EXIT}`;
    const first = await AsmGuest.start(kernel, host, turns(0, 8), { name: 'first' });
    const second = await AsmGuest.start(
      kernel,
      host,
      turns(8, 0).replace(`li s0, ${DATA}`, 'li s0, 0x1000000'),
      {
        name: 'second',
        map: [{ address: 0x100_0000, vmo: first.dataVmo, bytes: 4096 }],
      },
    );
    expect((await kernel.run()).outcome).toBe('exited');
    expect([first.returnCode, second.returnCode]).toEqual([20n, 20n]);
    expect(kernel.statistics().contextSwitches).toBeGreaterThan(20);
  });

  it('keeps the registers of threads apart, floating-point ones and fcsr included', async () => {
    const fill = (value: number): string => {
      const registers = Array.from({ length: 31 }, (_none, index) => index + 1);
      const load = registers.map((x) => `li x${x}, ${value * 1000 + x}`).join('\n');
      return `${load}\nspin: j spin`;
    };
    const guests = [await AsmGuest.start(kernel, host, fill(1)), await AsmGuest.start(kernel, host, fill(2))];
    const threads = guests.map(({ dispatcher }) => [...dispatcher.threads.values()][0].thread);
    threads.forEach(({ saved }, index) => saved.fill(0x1111_1111 * (index + 1), HART_F, HART_FCSR + 1));
    const run = kernel.run();
    await new Promise((resolve) => setImmediate(resolve));
    kernel.stop();
    await run;
    expect(kernel.statistics().contextSwitches).toBeGreaterThan(3);
    threads.forEach(({ registers }, index) => {
      const value = index + 1;
      expect(Array.from(registers.subarray(HART_F, HART_FCSR + 1))).toEqual(
        Array<number>(65).fill(0x1111_1111 * value),
      );
      for (let x = 1; x < 32; x += 1) expect(registers[HART_X + 2 * x]).toBe(value * 1000 + x);
    });
  });

  it('lets threads that take turns compute with floating-point registers, which are zero at first', async () => {
    const registers = Array.from({ length: 32 }, (_none, index) => index);
    // Rounds down in one and up in the other: the sum of tenths shows whose fcsr it was.
    const compute = (self: number, other: number, data: number, mode: string, step: number): string => `
      frcsr s5
      ${registers.map((f) => `fmv.x.d t0, f${f}\nor s5, s5, t0`).join('\n')}
      fsrmi ${mode === 'rdn' ? 2 : 3}
      li t0, ${step}
      ${registers.map((f) => `fcvt.d.w f${f}, t0`).join('\n')}
      li t0, 10
      fcvt.d.w f0, t0
      fdiv.d f0, f1, f0
      fcvt.d.w f2, zero
      li s0, ${data}
      li s1, 0
    again:
      fadd.d f2, f2, f0
      addi s1, s1, 1
      sd s1, ${self}(s0)
    spin:
      ld t0, ${other}(s0)
      bltu t0, s1, spin
      li t0, 20
      bltu s1, t0, again
      fsub.d f3, f31, f30
      fmv.x.d t0, f3
      slli t0, t0, 1
      or s5, s5, t0
      fmv.x.d a0, f2
      beqz s5, end
      li a0, 1
    end: ${EXIT}`;
    const first = await AsmGuest.start(kernel, host, compute(0, 8, DATA, 'rdn', 1));
    const second = await AsmGuest.start(kernel, host, compute(8, 0, 0x100_0000, 'rup', 3), {
      map: [{ address: 0x100_0000, vmo: first.dataVmo, bytes: 4096 }],
    });
    expect((await kernel.run()).outcome).toBe('exited');
    expect(kernel.statistics().contextSwitches).toBeGreaterThan(20);
    const sum = (code: bigint): number => new Float64Array(new BigInt64Array([code]).buffer)[0];
    // Twenty tenths rounded down, and twenty times three tenths rounded up, by exact arithmetic.
    expect([sum(first.returnCode), sum(second.returnCode)]).toEqual([2 - 7 * 2 ** -52, 6 + 8 * 2 ** -50]);
  });

  it('kills a process that spins', async () => {
    const guest = await AsmGuest.start(kernel, host, 'spin: j spin');
    const run = kernel.run();
    await new Promise((resolve) => setImmediate(resolve));
    expect(host.taskKill(guest.process).status).toBe(ZX_OK);
    expect((await run).outcome).toBe('exited');
    expect(guest.returnCode).toBe(BigInt(ZX_TASK_RETCODE_SYSCALL_KILL));
  });

  it('kills a whole job, and starts nothing in it any more', async () => {
    const job = host.jobCreate(host.rootJob().handle, 0).handle;
    const { process } = host.processCreate(job, 'victim', 0);
    expect(host.taskKill(job).status).toBe(ZX_OK);
    expect(host.processInfo(process).returnCode).toBe(BigInt(ZX_TASK_RETCODE_SYSCALL_KILL));
    expect(host.processCreate(job, 'late', 0).status).toBe(ZX_ERR_BAD_STATE);
    expect(host.jobCreate(job, 0).status).toBe(ZX_ERR_BAD_STATE);
  });

  it('starts a thread of the same process, which shares its memory', async () => {
    const guest = await AsmGuest.start(
      kernel,
      host,
      `
      # a1 is left as it was given: the process's own handle comes in a1
      mv a0, a1
      la a1, name
      li a2, 6
      li a3, 0
      li a4, ${DATA + 64}
      ${zx('thread_create')}
      bnez a0, fail
      li t0, ${DATA}
      lwu a0, 64(t0)
      la a1, second
      li a2, ${STACK_TOP - 4096}
      li a3, 7
      li a4, 11
      ${zx('thread_start')}
      bnez a0, fail
      li t0, ${DATA}
    spin:
      ld a0, 0(t0)
      beqz a0, spin
      ${EXIT}
    fail:
      ${EXIT}
    second:
      add a0, a0, a1
      li t0, ${DATA}
      sd a0, 0(t0)
      ${zx('thread_exit')}
    name: .ascii "second"
      .balign 4
    `,
      {},
    );
    // Its own handle, in a1.
    const self = host.handles.remove(host.handleDuplicate(guest.process, 0x8000_0000).handle)!;
    const value = guest.dispatcher.handles.add(self);
    const { thread } = [...guest.dispatcher.threads.values()][0];
    thread.saved[2 + 2 * 11] = value;
    thread.saved[2 + 2 * 11 + 1] = 0;
    expect((await kernel.run()).outcome).toBe('exited');
    expect(guest.returnCode).toBe(18n);
  });

  it('leaves nothing behind', async () => {
    const before = kernel.statistics();
    await AsmGuest.start(kernel, host, `li a0, 0\n${EXIT}`);
    await AsmGuest.start(kernel, host, 'spin: j spin');
    const run = kernel.run();
    kernel.stop();
    await run;
    kernel.close();
    const after = kernel.statistics();
    expect(after.processes).toBe(0);
    // The root job stays; the vDSO goes with the kernel.
    expect(after.objects).toBe(1);
    expect(after.frames.free).toBeGreaterThan(before.frames.free);
    expect(after.frames.free).toBe(after.frames.total - 1);
  });
});
