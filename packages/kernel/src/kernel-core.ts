/** What every kernel object needs of the kernel: identity, time, bounds, events. Owned by `Kernel`. */
import type { Clock, Machine } from '@faultline/mmu-emu';
import type { KernelEvent } from './events.js';
import type { DebugLog } from './ipc/debug-log.js';
import type { KernelLimits } from './limits.js';
import type { Totals } from './totals.js';
import type { TaskSystem } from './task/task-system.js';
import type { TimerQueue } from './task/timer-queue.js';
import type { RequestOvertime } from './vm/request-overtime.js';
import type { VmSystem } from './vm/vm-system.js';

/** Random numbers come in from outside, so that runs replay. */
export interface Rng {
  /** The next 32 random bits, u32. */
  next(): number;
}

/** What the parts of a kernel share. */
export interface KernelCore {
  readonly machine: Machine;
  readonly clock: Clock;
  readonly timers: TimerQueue;
  /** Watches over page requests that nobody answers. */
  readonly overtime: RequestOvertime;
  readonly limits: KernelLimits;
  readonly totals: Totals;
  readonly rng: Rng;
  /** Frames, page lists, address-space identifiers: `new VmSystem(machine, limits, aslr?)`. */
  readonly vm: VmSystem;
  /** Processes, threads, jobs, and who runs next. */
  readonly tasks: TaskSystem;
  /** Instructions that the machine has retired so far; every event carries it. */
  readonly retired: number;
  /** What `zx_debuglog_*` and `log` write to. */
  readonly debugLog: DebugLog;
  /** Null when nobody listens: test for null before building an event. */
  events: ((event: KernelEvent) => void) | null;
  /** Kernel objects alive, for leak checks. */
  liveObjects: number;
  nextKoid(): number;
  /** One line for the kernel's debug log. */
  log(severity: 'info' | 'warning' | 'error', text: string): void;
}
