import * as info from '../abi/info.js';
import { ZX_DEFAULT_JOB_RIGHTS, ZX_RIGHT_INSPECT } from '../abi/rights.js';
import { ZX_ERR_NO_RESOURCES, ZX_OK, type Status } from '../abi/status.js';
import { Handle } from '../object/handle-table.js';
import { ProcessDispatcher, type CrashReport } from '../task/process.js';
import type { HandleResult, StatusResult, WaitOptions } from './host-caller.js';
import { HostDmaCalls } from './host-dma-calls.js';

/** A process and its root address region; 0 when the call failed. */
export interface ProcessResult extends StatusResult {
  readonly process: number;
  readonly vmar: number;
}

/** ZX_INFO_PROCESS. */
export interface ProcessInfoResult extends StatusResult {
  /** What it ended with; 0 before. */
  readonly returnCode: bigint;
  /** When it was started, nanoseconds. */
  readonly startTime: number;
  /** `ZX_INFO_PROCESS_FLAG_*` */
  readonly flags: number;
}

/** Jobs, processes, threads, time. */
export class HostTaskCalls extends HostDmaCalls {
  /** A new handle to the kernel's root job, with all rights. ZX_ERR_NO_RESOURCES when the table is full. */
  rootJob(): HandleResult {
    if (!this.handles.hasRoom(1)) return { status: ZX_ERR_NO_RESOURCES, handle: 0 };
    const handle = this.handles.add(new Handle(this.kernel.tasks.rootJob, ZX_DEFAULT_JOB_RIGHTS));
    return { status: ZX_OK, handle };
  }

  jobCreate(parent: number, options: number): HandleResult {
    return this.handleOf(this.begin().u32(parent, 'parent').u32(options, 'options'), 'job_create');
  }

  /** @param name cut after 31 bytes of UTF-8 */
  processCreate(job: number, name: string, options: number): ProcessResult {
    const bytes = new TextEncoder().encode(name);
    const call = this.begin()
      .u32(job, 'job')
      .buffer(bytes)
      .u64(bytes.length, 'name_size')
      .u32(options, 'options');
    const process = call.out(4);
    const vmar = call.out(4);
    return this.finish(call, 'process_create', (status) => ({
      status,
      process: call.memory.u32(process),
      vmar: call.memory.u32(vmar),
    }));
  }

  /** @param arg1 a handle that goes to the process, also when this fails; 0 for none */
  processStart(
    process: number,
    thread: number,
    entry: number | bigint,
    stack: number | bigint,
    arg1: number,
    arg2: number | bigint,
  ): StatusResult {
    const call = this.begin()
      .u32(process, 'process')
      .u32(thread, 'thread')
      .u64(entry, 'entry')
      .u64(stack, 'stack')
      .u32(arg1, 'arg1')
      .u64(arg2, 'arg2');
    return this.statusOf(call, 'process_start');
  }

  threadCreate(process: number, name: string, options: number): HandleResult {
    const bytes = new TextEncoder().encode(name);
    const call = this.begin()
      .u32(process, 'process')
      .buffer(bytes)
      .u64(bytes.length, 'name_size')
      .u32(options, 'options');
    return this.handleOf(call, 'thread_create');
  }

  threadStart(
    thread: number,
    entry: number | bigint,
    stack: number | bigint,
    arg1: number | bigint,
    arg2: number | bigint,
  ): StatusResult {
    const call = this.begin()
      .u32(thread, 'thread')
      .u64(entry, 'entry')
      .u64(stack, 'stack')
      .u64(arg1, 'arg1')
      .u64(arg2, 'arg2');
    return this.statusOf(call, 'thread_start');
  }

  /** Kills a process, or a job with everything in it. */
  taskKill(task: number): StatusResult {
    return this.statusOf(this.begin().u32(task, 'task'), 'task_kill');
  }

  /** Keeps a thread, or all threads of a process, from running until the token is closed. */
  taskSuspend(task: number): HandleResult {
    return this.handleOf(this.begin().u32(task, 'task'), 'task_suspend_token');
  }

  /** Registers of a thread that is suspended or in an exception. @param kind `ZX_THREAD_STATE_GENERAL_REGS`, ... */
  threadReadState(thread: number, kind: number, into: Uint8Array): StatusResult {
    const call = this.begin().u32(thread, 'thread').u32(kind, 'kind');
    return this.statusOf(call.buffer(into).u64(into.length, 'buffer_size'), 'thread_read_state');
  }

  threadWriteState(thread: number, kind: number, from: Uint8Array): StatusResult {
    const call = this.begin().u32(thread, 'thread').u32(kind, 'kind');
    return this.statusOf(call.buffer(from).u64(from.length, 'buffer_size'), 'thread_write_state');
  }

  /**
   * Reads a process's memory, until its buffer is full or the memory that can be read ends.
   *
   * @returns and how many bytes were read; ZX_ERR_NO_MEMORY when there is nothing to read at the address
   */
  processReadMemory(
    process: number,
    address: number | bigint,
    into: Uint8Array,
    options: WaitOptions = {},
  ): Promise<StatusResult & { readonly actual: number }> {
    return this.processMemory('process_read_memory', process, address, into, options);
  }

  /** Writes to a process's memory where the process could, until everything is written or that ends. */
  processWriteMemory(
    process: number,
    address: number | bigint,
    from: Uint8Array,
    options: WaitOptions = {},
  ): Promise<StatusResult & { readonly actual: number }> {
    return this.processMemory('process_write_memory', process, address, from, options);
  }

  processInfo(process: number): ProcessInfoResult {
    const { status, view } = this.record(process, info.ZX_INFO_PROCESS, info.INFO_PROCESS_BYTES);
    return {
      status,
      returnCode: view.getBigInt64(info.INFO_PROCESS_RETURN_CODE, true),
      startTime: Number(view.getBigUint64(info.INFO_PROCESS_START_TIME, true)),
      flags: view.getUint32(info.INFO_PROCESS_FLAGS, true),
    };
  }

  /** `ZX_THREAD_STATE_*` */
  threadInfo(thread: number): StatusResult & { readonly state: number } {
    const { status, view } = this.record(thread, info.ZX_INFO_THREAD, info.INFO_THREAD_BYTES);
    return { status, state: view.getUint32(info.INFO_THREAD_STATE, true) };
  }

  /**
   * The exception that ended a process: kept as long as the process has handles. Zircon tells it through exception channels only.
   *
   * @returns ZX_OK, and null when no exception did; ZX_ERR_BAD_HANDLE, ZX_ERR_WRONG_TYPE, ZX_ERR_ACCESS_DENIED without INSPECT
   */
  processCrash(process: number): StatusResult & { readonly crash: CrashReport | null } {
    const dispatcher = this.handles.lookup(process, ProcessDispatcher, ZX_RIGHT_INSPECT);
    if (typeof dispatcher === 'number') return { status: dispatcher, crash: null };
    return { status: ZX_OK, crash: dispatcher.crash };
  }

  /** Sleeps until `deadline`, nanoseconds on the kernel's clock. */
  nanosleep(deadline: number, options: Omit<WaitOptions, 'deadline'> = {}): Promise<StatusResult> {
    return this.later(this.begin(options).time(deadline), 'nanosleep', options, (status: Status) => ({
      status,
    }));
  }

  /** The kernel's clock, nanoseconds. */
  clockGetMonotonic(): number {
    return this.kernel.clock.now();
  }

  private processMemory(
    name: string,
    process: number,
    address: number | bigint,
    buffer: Uint8Array,
    options: WaitOptions,
  ): Promise<StatusResult & { readonly actual: number }> {
    const call = this.begin(options)
      .u32(process, 'process')
      .u64(address, 'vaddr')
      .buffer(buffer)
      .u64(buffer.length, 'buffer_size');
    const actual = call.out(8);
    return this.later(call, name, options, (status) => ({ status, actual: call.memory.number(actual) }));
  }
}
