/** The options of a kernel, and what they may be. */
import type { Clock, Machine, MachineOptions } from '@faultline/mmu-emu';
import { TICKS_PER_SECOND } from './abi/time.js';
import type { KernelEvent } from './events.js';
import type { HostEnvironmentOptions } from './host/host-environment.js';
import type { Rng } from './kernel-core.js';
import { KernelError } from './kernel-error.js';
import { DEFAULT_LIMITS, type KernelLimits } from './limits.js';
import type { Schedule } from './task/scheduler.js';
import { DEFAULT_OVERTIME, type OvertimeLimits } from './vm/request-overtime.js';

/** How to make a kernel. */
export interface KernelOptions extends HostEnvironmentOptions {
  /** Bytes of guest RAM; a multiple of 4096 from 1 MiB to 3.5 GiB, default 256 MiB. */
  readonly ramBytes?: number;
  /** Harts of the machine, 1 to 8; default 1. Threads run on them in turns, one at a time, so that a seed repeats a run. */
  readonly harts?: number;
  /** Whether guest RAM is a SharedArrayBuffer; default false. */
  readonly sharedMemory?: boolean;
  /** A hosted machine that nobody else uses, with a timebase of 1 GHz and this kernel's clock; `ramBytes`, `harts` and `sharedMemory` do not apply then. */
  readonly machine?: Machine;
  /** Time; default a `VirtualClock`. With a `WallClock`, the kernel sleeps when nothing can run. */
  readonly clock?: Clock;
  /** Seed of the default random numbers; default 0. */
  readonly seed?: number;
  /** Random numbers: `zx_cprng_draw`, placement of mappings. They are not secret unless these are. */
  readonly rng?: Rng;
  /** Whether mappings without a fixed place go to random ones; default true. */
  readonly aslr?: boolean;
  /** How the next thread is chosen; default `round-robin`. */
  readonly schedule?: Schedule;
  /** Instructions that a thread runs before another has its turn; default 100,000. */
  readonly sliceInstructions?: number;
  /** Seconds after which, again and again, the log says that somebody waits for a pager; 0: never; default 20. */
  readonly pagerOvertimeSeconds?: number;
  /** Seconds after which a wait for a pager ends with ZX_ERR_TIMED_OUT; 0: never; default 300. */
  readonly pagerTimeoutSeconds?: number;
  /** Replaces single limits. */
  readonly limits?: Partial<KernelLimits>;
  /** Hears each line that the kernel itself writes to its debug log: crashes, warnings. */
  readonly log?: (severity: 'info' | 'warning' | 'error', text: string) => void;
  /** Hears every event, from inside kernel operations: it must make no system calls. */
  readonly onEvent?: (event: KernelEvent) => void;
}

export const DEFAULT_SLICE = 100_000;
const LONGEST_SLICE = 2 ** 30;
const LONGEST_OVERTIME = 1e6;

/** Ranges of limits that cannot be anything from 0 to the largest integer. */
const LIMIT_RANGES: Readonly<Partial<Record<keyof KernelLimits, readonly [number, number]>>> = {
  handlesPerProcess: [0, 2 ** 20],
  // The vDSO takes one; a slot of a node is a number of 32 bits.
  pageListNodes: [1, 2 ** 26],
  // The log keeps the latest record at least.
  logRecords: [1, 2 ** 24],
};

/** Of the machine that a kernel makes for itself. */
export function machineOptions(options: KernelOptions, clock: Clock): MachineOptions {
  return {
    mode: 'hosted',
    clock,
    timebaseHz: TICKS_PER_SECOND,
    ...(options.ramBytes === undefined ? {} : { ramBytes: options.ramBytes }),
    ...(options.harts === undefined ? {} : { harts: options.harts }),
    ...(options.sharedMemory === undefined ? {} : { sharedMemory: options.sharedMemory }),
  };
}

/** In nanoseconds. */
export function overtimeLimits(options: KernelOptions): OvertimeLimits {
  const { pagerOvertimeSeconds: warn, pagerTimeoutSeconds: fail } = options;
  return {
    warnAfter: warn === undefined ? DEFAULT_OVERTIME.warnAfter : Math.round(warn * 1e9),
    failAfter: fail === undefined ? DEFAULT_OVERTIME.failAfter : Math.round(fail * 1e9),
  };
}

/** @throws {KernelError} `bad-option`, with the option in `field`: whatever is no number, function or object where one belongs as well */
export function checkOptions(options: KernelOptions): void {
  const { clock, machine, schedule = 'round-robin' } = options;
  if (machine !== undefined && !Array.isArray((machine as Machine | null)?.harts))
    refuse('machine', 'a Machine');
  if (clock !== undefined && typeof (clock as Clock | null)?.now !== 'function') refuse('clock', 'a Clock');
  if (machine !== undefined && clock !== undefined && machine.clock !== clock)
    refuse('clock', "the machine's own clock");
  if (options.rng !== undefined && typeof (options.rng as Rng | null)?.next !== 'function')
    refuse('rng', 'a source of random numbers');
  for (const name of ['log', 'onEvent', 'hostYield', 'hostTime', 'hostSleep'] as const) {
    if (options[name] !== undefined && typeof options[name] !== 'function') refuse(name, 'a function');
  }
  if (options.aslr !== undefined && typeof options.aslr !== 'boolean') refuse('aslr', 'true or false');
  checkInteger('sliceInstructions', options.sliceInstructions ?? DEFAULT_SLICE, 1, LONGEST_SLICE);
  checkInteger('seed', options.seed ?? 0, Number.MIN_SAFE_INTEGER);
  if (schedule !== 'round-robin') {
    if (typeof schedule !== 'object' || schedule === null)
      refuse('schedule', "'round-robin', or an object with a seed");
    checkInteger('schedule.seed', schedule.seed, Number.MIN_SAFE_INTEGER);
  }
  for (const name of ['pagerOvertimeSeconds', 'pagerTimeoutSeconds'] as const) {
    const seconds = options[name];
    if (seconds === undefined) continue;
    if (typeof seconds !== 'number' || !(seconds >= 0 && seconds <= LONGEST_OVERTIME))
      refuse(name, 'from 0 to 10^6');
  }
  checkLimits(options.limits ?? {});
}

function checkLimits(limits: Partial<KernelLimits>): void {
  if (typeof limits !== 'object') refuse('limits', 'an object');
  for (const [name, value] of Object.entries(limits)) {
    if (!Object.hasOwn(DEFAULT_LIMITS, name)) refuse(`limits.${name}`, 'the name of a limit');
    const [least, most] = LIMIT_RANGES[name as keyof KernelLimits] ?? [0, Number.MAX_SAFE_INTEGER];
    checkInteger(`limits.${name}`, value, least, most);
  }
}

function checkInteger(field: string, value: number, least: number, most = Number.MAX_SAFE_INTEGER): void {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return;
  const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
  refuse(field, least === Number.MIN_SAFE_INTEGER ? 'an integer' : `an integer ${range}`, value);
}

function refuse(field: string, rule: string, value?: number): never {
  const instead = value === undefined ? '' : `, not ${String(value)}`;
  throw new KernelError('bad-option', `${field} must be ${rule}${instead}`, { field });
}
