/**
 * Stands for `guest-thread.ts` in the project `two-harts`: the same accesses, made by threads of processes that the kernel's own scheduler runs, on all harts in turns, and whose
 * ends are seen on an exception channel.
 */
import { ZX_EXCP_SW_BREAKPOINT } from '../../src/abi/exceptions.js';
import { ZX_THREAD_STATE_BLOCKED_PAGER } from '../../src/abi/task.js';
import type { KernelState } from '../../src/kernel-state.js';
import type { Handle } from '../../src/object/handle-table.js';
import { CALL_TABLE } from '../../src/syscall/table.js';
import { GuestSteps } from '../../src/task/guest-steps.js';
import { ProcessDispatcher } from '../../src/task/process.js';
import { Scheduler } from '../../src/task/scheduler.js';
import { TaskSystem } from '../../src/task/task-system.js';
import type { Thread } from '../../src/task/thread.js';
import type { AddressSpace } from '../../src/vm/address-space.js';
import { accessCode, type Access } from './access-code.js';
import type { AccessingThread, Outcome, ThreadDriver } from './thread-driver.js';
import type { VmFixture } from './vm-fixture.js';

/** a0 among the registers of a report. */
const A0 = 10;

interface SpaceOwner {
  readonly process: ProcessDispatcher;
  /** The end of its exception channel that handlers have. */
  readonly channel: Handle;
}

const owners = new WeakMap<AddressSpace, SpaceOwner>();
const completed = new WeakSet<KernelState>();

/** The root job. */
export const OBJECTS_OF_DRIVER = 1;

/** Its tasks. */
export function completeState(state: KernelState): void {
  if (completed.has(state)) return;
  completed.add(state);
  const steps = new GuestSteps(state, { calls: CALL_TABLE, sites: new Uint32Array(CALL_TABLE.length) });
  const scheduler = new Scheduler(state.machine.harts, steps, {
    schedule: 'round-robin',
    sliceInstructions: 1_000,
    rng: null,
  });
  state.tasks = new TaskSystem(state, scheduler);
  scheduler.onRunnable = () => state.work.post({ perform: () => runThreads(state) });
}

/** Runs threads until every one waits or has ended. */
function runThreads(state: KernelState): void {
  const { scheduler } = state.tasks;
  while (scheduler.runnable > 0) scheduler.turn((retired) => void (state.retired += retired));
}

/** The address space of a process, which a thread that never runs keeps alive. */
export function createSpace(state: KernelState): AddressSpace {
  const process = ProcessDispatcher.create(state.tasks.rootJob, new TextEncoder().encode('test'), 'allow');
  if (typeof process === 'number') throw new Error(`no process: ${process}`);
  const channel = process.exceptions.bind(state, 0, 0);
  if (typeof channel === 'number') throw new Error(`no exception channel: ${channel}`);
  const keeper = process.createThread(new TextEncoder().encode('keeper'));
  keeper.thread.suspend();
  process.start(keeper, { pc: 0, sp: 0, arg1: 0, arg2: 0 });
  runThreads(state);
  owners.set(process.space, { process, channel });
  return process.space;
}

export function destroySpace(space: AddressSpace): void {
  const owner = owners.get(space);
  owner?.process.kill(0n);
  owner?.channel.release();
}

export class GuestThread implements AccessingThread {
  private ended: Outcome | null = null;

  private constructor(
    private readonly thread: Thread,
    readonly address: number,
  ) {}

  static start(
    fixture: VmFixture,
    space: AddressSpace,
    access: Access,
    address: number,
    value = 0n,
  ): GuestThread {
    const { state } = fixture;
    const { process } = owners.get(space) as SpaceOwner;
    const dispatcher = process.createThread(new TextEncoder().encode(access));
    const pc = accessCode(state, space, access, 'ebreak');
    dispatcher.start({ pc, sp: 0, arg1: value, arg2: address });
    runThreads(state);
    return new GuestThread(dispatcher.thread, address);
  }

  get isBlocked(): boolean {
    return this.thread.zxState === ZX_THREAD_STATE_BLOCKED_PAGER;
  }

  get outcome(): Outcome {
    if (this.ended !== null) return this.ended;
    const report = this.thread.exception?.report;
    if (report === undefined) return { end: 'running' };
    this.ended =
      report.type === ZX_EXCP_SW_BREAKPOINT
        ? { end: 'done', value: report.registers[A0] }
        : { end: 'crash', address: Number(report.address), status: report.synthCode | 0 };
    this.thread.kill();
    return this.ended;
  }

  abandonWait(): void {
    this.thread.kill();
  }
}

({ OBJECTS_OF_DRIVER, completeState, createSpace, destroySpace, GuestThread }) satisfies ThreadDriver;
