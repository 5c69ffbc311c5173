import { CAUSE_LOAD_PAGE_FAULT } from '@faultline/mmu-emu';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as excp from '../../src/abi/exceptions.js';
import {
  ZX_EXCEPTION_STATE_HANDLED,
  ZX_EXCEPTION_STATE_THREAD_EXIT,
  ZX_EXCEPTION_STATE_TRY_NEXT,
  ZX_EXCEPTION_STRATEGY_SECOND_CHANCE,
} from '../../src/abi/properties.js';
import { ZX_DEFAULT_EXCEPTION_RIGHTS, ZX_RIGHT_READ, ZX_RIGHT_SAME_RIGHTS } from '../../src/abi/rights.js';
import { ZX_CHANNEL_PEER_CLOSED, ZX_CHANNEL_READABLE } from '../../src/abi/signals.js';
import {
  ZX_ERR_ACCESS_DENIED,
  ZX_ERR_ALREADY_BOUND,
  ZX_ERR_BAD_HANDLE,
  ZX_ERR_BAD_STATE,
  ZX_ERR_BAD_SYSCALL,
  ZX_ERR_INVALID_ARGS,
  ZX_ERR_NOT_FOUND,
  ZX_ERR_SHOULD_WAIT,
  ZX_ERR_WRONG_TYPE,
  ZX_OK,
  ZX_TASK_RETCODE_EXCEPTION_KILL,
  ZX_TASK_RETCODE_SYSCALL_KILL,
} from '../../src/abi/status.js';
import * as task from '../../src/abi/task.js';
import type { HostProcess } from '../../src/host/host-process.js';
import { DATA, type AsmGuest, zx } from '../support/asm-guest.js';
import { TestKernel } from '../support/test-thread.js';

const NOWHERE = 0x1230;
/** Reads where nothing is; a handler may give it another address in s0. */
const CRASH = `li s0, ${NOWHERE}\nld a0, 0(s0)`;
const KILLED = BigInt(ZX_TASK_RETCODE_EXCEPTION_KILL);
const { ZX_EXCEPTION_CHANNEL_DEBUGGER: DEBUGGER } = excp;

describe('an exception', () => {
  let test: TestKernel;
  let host: HostProcess;

  beforeEach(async () => {
    test = await TestKernel.create();
    ({ host } = test);
  });

  afterEach(() => {
    test.finish();
  });

  function channel(handle: number, options = 0): number {
    const made = host.taskCreateExceptionChannel(handle, options);
    expect(made.status).toBe(ZX_OK);
    return made.handle;
  }

  /** Takes the one exception that lies in a channel. */
  function take(from: number, type: number): number {
    const message = host.exceptionRead(from);
    expect(message).toMatchObject({ status: ZX_OK, type });
    expect(host.exceptionRead(from).status).toBe(ZX_ERR_SHOULD_WAIT);
    return message.exception;
  }

  function answer(exception: number, state: number): void {
    expect(host.exceptionSetState(exception, state).status).toBe(ZX_OK);
    expect(host.handleClose(exception).status).toBe(ZX_OK);
  }

  it('waits for its handler, who sees the report, moves the thread to an exit, and has handled it (H-12)', async () => {
    const guest = await test.start(`${CRASH}\nli a0, 1\n${zx('process_exit')}\nli a0, 7`, [], {
      compress: false,
    });
    const own = channel(guest.thread);
    expect(await test.settle()).toBe('deadlock');
    expect(await test.signals(own)).toBe(ZX_CHANNEL_READABLE | 2);
    const message = host.exceptionRead(own);
    expect(message).toMatchObject({
      status: ZX_OK,
      type: excp.ZX_EXCP_FATAL_PAGE_FAULT,
      process: host.handleBasicInfo(guest.process).koid,
      thread: host.handleBasicInfo(guest.thread).koid,
    });
    expect(host.handleBasicInfo(message.exception)).toMatchObject({
      rights: ZX_DEFAULT_EXCEPTION_RIGHTS,
      type: 29,
    });
    const thread = host.exceptionGetThread(message.exception);
    expect(thread.status).toBe(ZX_OK);
    expect(test.state(thread.handle)).toBe(task.ZX_THREAD_STATE_BLOCKED_EXCEPTION);
    expect(host.threadExceptionReport(thread.handle)).toEqual({
      status: ZX_OK,
      type: excp.ZX_EXCP_FATAL_PAGE_FAULT,
      cause: CAUSE_LOAD_PAGE_FAULT,
      address: BigInt(NOWHERE),
      synthCode: ZX_ERR_NOT_FOUND >>> 0,
      synthData: 0,
    });
    // The process is not the business of a thread's handler.
    expect(host.exceptionGetProcess(message.exception).status).toBe(ZX_ERR_ACCESS_DENIED);

    const registers = test.registers(thread.handle);
    registers[0] += 4n + 4n + 12n;
    test.setRegisters(thread.handle, registers);
    answer(message.exception, ZX_EXCEPTION_STATE_HANDLED);
    expect(await test.settle()).toBe('exited');
    expect(guest.returnCode).toBe(7n);
    expect(guest.crash).toBeNull();
    expect(host.threadExceptionReport(guest.thread).status).toBe(ZX_ERR_BAD_STATE);
  });

  it('that is handled lets the thread try again', async () => {
    const guest = await test.start(CRASH);
    const own = channel(guest.process);
    await test.settle();
    const exception = take(own, excp.ZX_EXCP_FATAL_PAGE_FAULT);
    const registers = test.registers(guest.thread);
    registers[8] = BigInt(DATA);
    test.setRegisters(guest.thread, registers);
    answer(exception, ZX_EXCEPTION_STATE_HANDLED);
    expect(await test.settle()).toBe('exited');
    expect(guest.returnCode).toBe(0n);
  });

  it('goes from handler to handler: debugger, thread, process, debugger again if it asked, jobs outwards', async () => {
    const outer = host.jobCreate(host.rootJob().handle, 0).handle;
    const inner = host.jobCreate(outer, 0).handle;
    const guest = await test.start(CRASH, [], { job: inner });
    const channels = {
      thread: channel(guest.thread),
      process: channel(guest.process),
      inner: channel(inner),
      outer: channel(outer),
      debugger: channel(guest.process, DEBUGGER),
    };
    await test.settle();
    // Before its first instruction.
    answer(take(channels.debugger, excp.ZX_EXCP_THREAD_STARTING), ZX_EXCEPTION_STATE_TRY_NEXT);
    const order = ['debugger', 'thread', 'process', 'debugger', 'inner', 'outer'] as const;
    const types = [1, 2, 3, 1, 4, 4];
    for (const [index, name] of order.entries()) {
      expect(await test.settle()).toBe('deadlock');
      const info = new Uint8Array(72);
      host.objectGetInfo(guest.thread, 10, info);
      expect(new DataView(info.buffer).getUint32(4, true)).toBe(types[index]);
      const exception = take(channels[name], excp.ZX_EXCP_FATAL_PAGE_FAULT);
      const strategy = host.exceptionSetStrategy(exception, ZX_EXCEPTION_STRATEGY_SECOND_CHANCE);
      expect(strategy.status).toBe(name === 'debugger' ? ZX_OK : ZX_ERR_BAD_STATE);
      expect(host.exceptionGetProcess(exception).status).toBe(
        name === 'thread' ? ZX_ERR_ACCESS_DENIED : ZX_OK,
      );
      answer(exception, ZX_EXCEPTION_STATE_TRY_NEXT);
    }
    expect(await test.settle()).toBe('exited');
    expect(guest.returnCode).toBe(KILLED);
    expect(guest.crash?.exception.address).toBe(BigInt(NOWHERE));
  });

  it('passes a handler whose channel is closed, also with the exception unread in it', async () => {
    const guest = await test.start(CRASH);
    const first = channel(guest.thread);
    const second = channel(guest.process);
    await test.settle();
    host.handleClose(first);
    await test.settle();
    const exception = take(second, excp.ZX_EXCP_FATAL_PAGE_FAULT);
    host.handleClose(second);
    // The exception is still with the handler, channel or not.
    expect(await test.settle()).toBe('deadlock');
    host.handleClose(exception);
    expect(await test.settle()).toBe('exited');
    expect(guest.returnCode).toBe(KILLED);
  });

  it('can end its thread alone', async () => {
    const guest = await test.start(
      `li t0, ${DATA}\nspin:\nlw t1, 0(t0)\nbeqz t1, spin\nli a0, 3\n${zx('process_exit')}\ncrash: ${CRASH}`,
    );
    const second = host.threadCreate(guest.process, 'second', 0).handle;
    const own = channel(second);
    expect(host.threadStart(second, NOWHERE, 0, 0, 0).status).toBe(ZX_OK);
    await run(guest, async () => {
      answer(await arrived(own), ZX_EXCEPTION_STATE_THREAD_EXIT);
      await ended(second);
      expect(host.call('vmo_write', guest.dataVmo, new Uint8Array([1, 0, 0, 0]), 0, 4)).toBe(ZX_OK);
    });
    expect(guest.returnCode).toBe(3n);
    expect(guest.crash).toBeNull();
    expect(await test.signals(own)).toBe(ZX_CHANNEL_PEER_CLOSED);
  });

  /** Runs the kernel, with a host that does something meanwhile. */
  async function run(guest: AsmGuest, work: () => Promise<void>): Promise<void> {
    const hold = host.hold();
    const running = test.kernel.run();
    await work();
    hold();
    expect((await running).outcome).toBe('exited');
    expect(guest.dispatcher.state).toBe('dead');
  }

  async function arrived(from: number): Promise<number> {
    await host.objectWaitOne(from, ZX_CHANNEL_READABLE);
    return take(from, excp.ZX_EXCP_FATAL_PAGE_FAULT);
  }

  async function ended(thread: number): Promise<void> {
    expect((await host.objectWaitOne(thread, 8)).status).toBe(ZX_OK);
  }

  it('is over when its process is killed, and its handle then changes nothing', async () => {
    const guest = await test.start(CRASH);
    const own = channel(guest.thread);
    await test.settle();
    const exception = take(own, excp.ZX_EXCP_FATAL_PAGE_FAULT);
    host.taskKill(guest.process);
    expect(await test.settle()).toBe('exited');
    expect(guest.returnCode).toBe(BigInt(ZX_TASK_RETCODE_SYSCALL_KILL));
    host.handleCloseMany([guest.thread, guest.process]);
    const thread = host.exceptionGetThread(exception);
    expect(test.state(thread.handle)).toBe(task.ZX_THREAD_STATE_DEAD);
    answer(exception, ZX_EXCEPTION_STATE_HANDLED);
    host.handleClose(thread.handle);
  });

  it('and a suspension know nothing of each other', async () => {
    const guest = await test.start(CRASH);
    const own = channel(guest.thread);
    await test.settle();
    const token = test.suspend(guest.thread);
    expect(test.state(guest.thread)).toBe(task.ZX_THREAD_STATE_BLOCKED_EXCEPTION);
    const exception = take(own, excp.ZX_EXCP_FATAL_PAGE_FAULT);
    const registers = test.registers(guest.thread);
    registers[8] = BigInt(DATA);
    test.setRegisters(guest.thread, registers);
    answer(exception, ZX_EXCEPTION_STATE_HANDLED);
    expect(await test.settle()).toBe('deadlock');
    expect(test.state(guest.thread)).toBe(task.ZX_THREAD_STATE_SUSPENDED);
    test.resume(token);
    expect(await test.settle()).toBe('exited');
    expect(guest.returnCode).toBe(0n);
  });

  it('of a call from outside the vDSO goes on behind it with ZX_ERR_BAD_SYSCALL', async () => {
    const guest = await test.start('li t0, 5\necall');
    const own = channel(guest.thread);
    await test.settle();
    const exception = take(own, excp.ZX_EXCP_POLICY_ERROR);
    expect(host.threadExceptionReport(guest.thread)).toMatchObject({
      cause: 0,
      synthCode: excp.ZX_EXCP_POLICY_CODE_BAD_SYSCALL,
      synthData: 5,
    });
    answer(exception, ZX_EXCEPTION_STATE_HANDLED);
    expect(await test.settle()).toBe('exited');
    expect(guest.returnCode).toBe(BigInt(ZX_ERR_BAD_SYSCALL));
  });

  it('tells debuggers of the beginnings of processes and threads, and of their exits', async () => {
    const outer = host.jobCreate(host.rootJob().handle, 0).handle;
    const inner = host.jobCreate(outer, 0).handle;
    const guest = await test.start(zx('thread_exit'), [], { job: inner });
    const jobs = [channel(inner, DEBUGGER), channel(outer, DEBUGGER)];
    const own = channel(guest.process, DEBUGGER);
    for (const job of jobs) {
      await test.settle();
      expect(test.state(guest.thread)).toBe(task.ZX_THREAD_STATE_BLOCKED_EXCEPTION);
      host.handleClose(take(job, excp.ZX_EXCP_PROCESS_STARTING));
    }
    expect(host.processInfo(guest.process).flags & task.ZX_INFO_PROCESS_FLAG_DEBUGGER_ATTACHED).not.toBe(0);
    await test.settle();
    host.handleClose(take(own, excp.ZX_EXCP_THREAD_STARTING));
    await test.settle();
    expect(test.state(guest.thread)).toBe(task.ZX_THREAD_STATE_DYING);
    const exiting = take(own, excp.ZX_EXCP_THREAD_EXITING);
    expect(host.threadExceptionReport(guest.thread)).toMatchObject({ type: excp.ZX_EXCP_THREAD_EXITING });
    host.handleClose(exiting);
    expect(await test.settle()).toBe('exited');
    expect(guest.returnCode).toBe(0n);
  });

  it('that a program raises itself goes to the debuggers of its jobs, and never ends it', async () => {
    const raise = (options: number, type: number, context: number): string =>
      `li a0, ${options}\nli a1, ${type}\nli a2, ${context}\n${zx('thread_raise_exception')}`;
    const guest = await test.start(
      `li t0, ${DATA}\nli t1, 11\nsw t1, 24(t0)\nli t1, 12\nsw t1, 28(t0)
       ${raise(1, excp.ZX_EXCP_USER, DATA)}\nmv s0, a0
       ${raise(0, excp.ZX_EXCP_USER, DATA)}\nadd s0, s0, a0
       ${raise(1, excp.ZX_EXCP_THREAD_STARTING, DATA)}\nadd s0, s0, a0
       ${raise(1, excp.ZX_EXCP_USER, 0)}\nadd a0, s0, a0`,
    );
    const own = channel(host.rootJob().handle, DEBUGGER);
    await test.settle();
    host.handleClose(take(own, excp.ZX_EXCP_PROCESS_STARTING));
    await test.settle();
    const exception = take(own, excp.ZX_EXCP_USER);
    expect(host.threadExceptionReport(guest.thread)).toMatchObject({ synthCode: 11, synthData: 12 });
    host.handleClose(exception);
    expect(await test.settle()).toBe('exited');
    expect(guest.returnCode).toBe(BigInt(3 * ZX_ERR_INVALID_ARGS));
    host.handleClose(own);
  });

  it('channels are refused twice, for the dead, without rights, for others than tasks', async () => {
    const guest = await test.start('li a0, 0');
    const first = channel(guest.process);
    expect(host.taskCreateExceptionChannel(guest.process, 0).status).toBe(ZX_ERR_ALREADY_BOUND);
    host.handleClose(first);
    const second = channel(guest.process);
    expect(host.taskCreateExceptionChannel(guest.thread, DEBUGGER).status).toBe(ZX_ERR_INVALID_ARGS);
    expect(host.taskCreateExceptionChannel(guest.process, 2).status).toBe(ZX_ERR_INVALID_ARGS);
    expect(host.taskCreateExceptionChannel(0, 0).status).toBe(ZX_ERR_BAD_HANDLE);
    expect(host.taskCreateExceptionChannel(host.eventCreate(0).handle, 0).status).toBe(ZX_ERR_WRONG_TYPE);
    const weak = host.handleDuplicate(guest.thread, ZX_RIGHT_READ).handle;
    expect(host.taskCreateExceptionChannel(weak, 0).status).toBe(ZX_ERR_ACCESS_DENIED);
    await test.settle();
    expect(await test.signals(second)).toBe(ZX_CHANNEL_PEER_CLOSED);
    expect(host.taskCreateExceptionChannel(guest.process, 0).status).toBe(ZX_ERR_BAD_STATE);
    expect(host.taskCreateExceptionChannel(guest.thread, 0).status).toBe(ZX_ERR_BAD_STATE);
    const job = host.jobCreate(host.rootJob().handle, 0).handle;
    host.taskKill(job);
    expect(host.taskCreateExceptionChannel(job, 0).status).toBe(ZX_ERR_BAD_STATE);
  });

  it('has a state that only known values fit', async () => {
    const guest = await test.start(CRASH);
    const own = channel(guest.thread);
    await test.settle();
    const exception = take(own, excp.ZX_EXCP_FATAL_PAGE_FAULT);
    expect(host.exceptionSetState(exception, 3).status).toBe(ZX_ERR_INVALID_ARGS);
    expect(host.exceptionSetStrategy(exception, 2).status).toBe(ZX_ERR_INVALID_ARGS);
    const value = new Uint8Array(4);
    expect(host.objectGetProperty(exception, 16, value).status).toBe(ZX_OK);
    expect(value[0]).toBe(ZX_EXCEPTION_STATE_TRY_NEXT);
    expect(host.handleDuplicate(exception, ZX_RIGHT_SAME_RIGHTS).status).toBe(ZX_ERR_ACCESS_DENIED);
    expect(host.exceptionGetThread(own).status).toBe(ZX_ERR_WRONG_TYPE);
    host.handleClose(exception);
    expect(await test.settle()).toBe('exited');
  });
});
