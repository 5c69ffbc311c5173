import type { Clock, Machine } from '@faultline/mmu-emu';
import { DEBUGLOG_ERROR, DEBUGLOG_INFO, DEBUGLOG_WARNING } from './abi/log.js';
import { ZX_KOID_FIRST } from './abi/object-types.js';
import type { KernelEvent } from './events.js';
import { HostWork } from './host/host-work.js';
import { DebugLog } from './ipc/debug-log.js';
import type { KernelCore, Rng } from './kernel-core.js';
import type { KernelLimits } from './limits.js';
import type { SystemCall } from './syscall/call.js';
import type { TaskSystem } from './task/task-system.js';
import { TimerQueue } from './task/timer-queue.js';
import { DEFAULT_OVERTIME, RequestOvertime, type OvertimeLimits } from './vm/request-overtime.js';
import { Totals } from './totals.js';
import type { VmSystem } from './vm/vm-system.js';

const SEVERITIES = { info: DEBUGLOG_INFO, warning: DEBUGLOG_WARNING, error: DEBUGLOG_ERROR } as const;

/** What a `KernelState` is made of. */
export interface KernelParts {
  readonly machine: Machine;
  readonly clock: Clock;
  readonly limits: KernelLimits;
  readonly rng: Rng;
  readonly vm: VmSystem;
  /** How long page requests may take; default `DEFAULT_OVERTIME`. */
  readonly overtime?: OvertimeLimits;
  /** Every system call, in the order of their numbers. */
  readonly calls: readonly SystemCall[];
  /** Hears each line that the kernel itself writes to its debug log. */
  readonly onLog: ((severity: 'info' | 'warning' | 'error', text: string) => void) | null;
}

/** The state that all parts of one kernel share. */
export class KernelState implements KernelCore {
  readonly machine: Machine;
  readonly clock: Clock;
  readonly limits: KernelLimits;
  readonly rng: Rng;
  readonly vm: VmSystem;
  readonly totals = new Totals();
  readonly timers = new TimerQueue();
  readonly overtime: RequestOvertime;
  readonly debugLog: DebugLog;
  readonly work = new HostWork();
  /** System calls by number. */
  readonly calls: readonly SystemCall[];
  /** System calls by name, without `zx_`. */
  readonly callsByName: ReadonlyMap<string, SystemCall>;
  events: ((event: KernelEvent) => void) | null = null;
  liveObjects = 0;
  retired = 0;
  private taskSystem: TaskSystem | null = null;

  private koid = ZX_KOID_FIRST;
  private readonly onLog: KernelParts['onLog'];

  constructor(parts: KernelParts) {
    this.machine = parts.machine;
    this.clock = parts.clock;
    this.limits = parts.limits;
    this.rng = parts.rng;
    this.vm = parts.vm;
    this.calls = parts.calls;
    this.callsByName = new Map(parts.calls.map((call) => [call.name, call]));
    this.debugLog = new DebugLog(parts.clock, parts.limits.logRecords);
    this.onLog = parts.onLog;
    this.overtime = new RequestOvertime(parts.clock, parts.overtime ?? DEFAULT_OVERTIME, (severity, text) =>
      this.log(severity, text),
    );
  }

  get tasks(): TaskSystem {
    if (this.taskSystem === null) throw new Error('the kernel is not complete yet');
    return this.taskSystem;
  }

  /** Completes the kernel: tasks need it to be made. */
  set tasks(tasks: TaskSystem) {
    this.taskSystem = tasks;
  }

  nextKoid(): number {
    const koid = this.koid;
    this.koid += 1;
    return koid;
  }

  log(severity: 'info' | 'warning' | 'error', text: string): void {
    this.debugLog.write(SEVERITIES[severity], 0, 0, 0, new TextEncoder().encode(text));
    this.onLog?.(severity, text);
  }
}

/** Makes events of evictions. */
export function reportEvictions(state: KernelState): void {
  state.vm.evictor.onEvict = (vmo, page, pages) => {
    state.events?.({ type: 'evict', time: state.clock.now(), retired: state.retired, vmo, page, pages });
  };
}
