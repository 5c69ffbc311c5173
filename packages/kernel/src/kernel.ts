import { Machine, VirtualClock, type Clock } from '@faultline/mmu-emu';
import type { KernelEvent } from './events.js';
import { hostEnvironment } from './host/host-environment.js';
import type { HandleResult } from './host/host-caller.js';
import { HostProcess, type HostProcessOptions } from './host/host-process.js';
import { KernelError } from './kernel-error.js';
import { KernelLoop, type RunResult } from './kernel-loop.js';
import {
  DEFAULT_SLICE,
  checkOptions,
  machineOptions,
  overtimeLimits,
  type KernelOptions,
} from './kernel-options.js';
import { KernelState, reportEvictions } from './kernel-state.js';
import { DEFAULT_LIMITS, type KernelLimits } from './limits.js';
import { vdsoImage, vdsoObject, type VdsoObject } from './loader/vdso-object.js';
import { loadProgram, type ProgramOptions, type ProgramResult } from './loader/program.js';
import { Handle } from './object/handle-table.js';
import { SeededRng } from './seeded-rng.js';
import { CALL_TABLE } from './syscall/table.js';
import { GuestSteps } from './task/guest-steps.js';
import { Scheduler } from './task/scheduler.js';
import { TaskSystem } from './task/task-system.js';
import { ZX_ERR_CANCELED, ZX_ERR_NO_RESOURCES, ZX_OK, ZX_TASK_RETCODE_SYSCALL_KILL } from './abi/status.js';
import { VmSystem } from './vm/vm-system.js';
import { WallClock } from './wall-clock.js';

/** Counts since the kernel was made. */
export interface KernelStatistics {
  /** Instructions that guests retired. */
  readonly instructions: number;
  /** System calls that guests made. */
  readonly systemCalls: number;
  /** Times that a hart went from one thread to another. */
  readonly contextSwitches: number;
  /** Exceptions that ended a process. */
  readonly exceptions: number;
  /** Page faults by access, and how they ended. */
  readonly faults: {
    readonly read: FaultCounts;
    readonly write: FaultCounts;
    readonly execute: FaultCounts;
  };
  readonly pageRequests: number;
  readonly pagesSupplied: number;
  readonly pagesFailed: number;
  readonly pagesCopied: number;
  /** Pages that were given up because few frames were free: clean ones, and contents of discardable VMOs. */
  readonly pagesEvicted: number;
  /** Frames of guest RAM now. */
  readonly frames: {
    readonly total: number;
    readonly free: number;
    readonly lent: number;
  };
  /** Kernel objects alive now. */
  readonly objects: number;
  /** Processes alive now. */
  readonly processes: number;
}

/** How page faults of one kind ended. */
export interface FaultCounts {
  readonly resolved: number;
  /** Had to wait for a pager; counted again when retried. */
  readonly blocked: number;
  readonly fatal: number;
}

const VERSION = 'faultline';

/**
 * A Zircon-style kernel on a machine of its own.
 *
 * Its life: `create`; `createHostProcess` for TypeScript that makes system calls; `startProcess` for guests; `run` lets them
 * run, as often as there is something to run; `close` ends everything.
 */
export class Kernel {
  private readonly loop: KernelLoop;
  private readonly hosts: HostProcess[] = [];
  private closed = false;

  private constructor(
    private readonly state: KernelState,
    private readonly vdsoObject: VdsoObject,
    options: KernelOptions,
  ) {
    const { clock } = state;
    const hostTime = options.hostTime ?? (clock instanceof WallClock ? () => clock.now() : undefined);
    this.loop = new KernelLoop(
      state,
      hostEnvironment(hostTime === undefined ? options : { ...options, hostTime }),
    );
  }

  /**
   * @throws {MachineError} `wasm-unavailable`, `bad-option`, `out-of-memory`, as of `Machine.create`
   * @throws {KernelError} `bad-option`, with the option in `field`
   */
  static async create(options: KernelOptions = {}): Promise<Kernel> {
    checkOptions(options);
    const clock = options.clock ?? options.machine?.clock ?? new VirtualClock();
    const machine = options.machine ?? (await Machine.create(machineOptions(options, clock)));
    const limits = { ...DEFAULT_LIMITS, ...options.limits };
    const rng = options.rng ?? new SeededRng(options.seed ?? 0);
    const state = new KernelState({
      machine,
      clock,
      limits,
      rng,
      vm: new VmSystem(machine, limits, options.aslr ?? true),
      overtime: overtimeLimits(options),
      calls: CALL_TABLE,
      onLog: options.log ?? null,
    });
    state.events = options.onEvent ?? null;
    reportEvictions(state);
    const image = vdsoImage({
      ramBytes: machine.ram.bytes,
      harts: machine.harts.length,
      version: VERSION,
    });
    const schedule = options.schedule ?? 'round-robin';
    const scheduler = new Scheduler(
      machine.harts,
      new GuestSteps(state, { calls: CALL_TABLE, sites: image.sites }),
      {
        schedule,
        sliceInstructions: options.sliceInstructions ?? DEFAULT_SLICE,
        rng: schedule === 'round-robin' ? null : new SeededRng(schedule.seed),
      },
    );
    state.tasks = new TaskSystem(state, scheduler);
    return new Kernel(state, vdsoObject(state, image), options);
  }

  get machine(): Machine {
    return this.state.machine;
  }

  get clock(): Clock {
    return this.state.clock;
  }

  get limits(): KernelLimits {
    return this.state.limits;
  }

  get isRunning(): boolean {
    return this.loop.isRunning;
  }

  /** Replaces the listener of events; null: nobody listens, and events cost nothing. */
  set onEvent(listener: ((event: KernelEvent) => void) | null) {
    this.state.events = listener;
  }

  /** A process of the host, to make system calls from TypeScript. @param name for reports */
  createHostProcess(name: string, options: HostProcessOptions = {}): HostProcess {
    if (this.closed) throw new KernelError('closed', 'the kernel is closed');
    const host = new HostProcess(this.state, name, options);
    this.hosts.push(host);
    return host;
  }

  /**
   * Loads a program and starts it in a new process of the root job. It runs when `run` is called, or is under way.
   *
   * @param host whose handles are meant in `options`, and who gets the handle of the process
   */
  startProcess(host: HostProcess, options: ProgramOptions): Promise<ProgramResult> {
    if (this.closed) throw new KernelError('closed', 'the kernel is closed');
    return loadProgram({ state: this.state, host, vdso: this.vdsoObject }, options);
  }

  /**
   * The vDSO, for those who load programs themselves: to be mapped whole, its code readable and executable, everything before it readable.
   *
   * @returns a handle in `host` (ZX_ERR_NO_RESOURCES: its table is full), its size, and where its code begins, in bytes
   */
  vdso(host: HostProcess): HandleResult & { readonly bytes: number; readonly codeOffset: number } {
    const { image, handle } = this.vdsoObject;
    const size = { bytes: image.bytes.length, codeOffset: image.codeOffset };
    if (!host.handles.hasRoom(1)) return { status: ZX_ERR_NO_RESOURCES, handle: 0, ...size };
    return {
      status: ZX_OK,
      handle: host.handles.add(new Handle(handle.dispatcher, handle.rights)),
      ...size,
    };
  }

  /**
   * Lets guests run until every process has ended, every thread waits for ever, or `stop` is called. Yields to the host at least
   * every 5 ms, and whenever every thread waits.
   *
   * @throws {KernelError} `already-running`, `closed`
   */
  run(options: { readonly signal?: AbortSignal } = {}): Promise<RunResult> {
    if (this.closed) return Promise.reject(new KernelError('closed', 'the kernel is closed'));
    return this.loop.run(options.signal);
  }

  /** Ends a run; guests stay as they are, and another `run` carries on. */
  stop(): void {
    this.loop.stop();
  }

  statistics(): KernelStatistics {
    const { state } = this;
    const { counters, physical } = state.vm;
    const faults = (kind: 0 | 1 | 2): FaultCounts => ({
      resolved: counters.faultsResolved[kind],
      blocked: counters.faultsBlocked[kind],
      fatal: counters.faultsFatal[kind],
    });
    return {
      instructions: state.retired,
      systemCalls: state.tasks.systemCalls,
      contextSwitches: state.tasks.scheduler.switches,
      exceptions: state.tasks.exceptions,
      faults: { read: faults(0), write: faults(1), execute: faults(2) },
      pageRequests: counters.pageRequests,
      pagesSupplied: counters.pagesSupplied,
      pagesFailed: counters.pagesFailed,
      pagesCopied: counters.pagesCopied,
      pagesEvicted: state.vm.evictor.evicted,
      frames: {
        total: physical.frameCount,
        free: physical.freeCount,
        lent: physical.lentCount,
      },
      objects: state.liveObjects,
      processes: state.tasks.processes,
    };
  }

  /** Ends a run, kills every process, ends every waiting host call with ZX_ERR_CANCELED, and closes every handle. Idempotent. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.loop.stop();
    this.state.tasks.rootJob.kill(BigInt(ZX_TASK_RETCODE_SYSCALL_KILL));
    for (const call of [...this.state.work.waiting]) call.cancel(ZX_ERR_CANCELED);
    for (const host of this.hosts) host.close();
    this.vdsoObject.handle.release();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
