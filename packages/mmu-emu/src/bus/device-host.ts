import type { GuestMemory } from './guest-memory.js';

/** A one-shot timer of a device. */
export interface Timer {
  /** When it fires next: nanoseconds of the machine's clock, or Infinity for never. Takes the place of what was set. */
  set(deadline: number): void;
  /** As `set(Infinity)`. */
  cancel(): void;
}

/** What a device may ask of the machine that it is part of. */
export interface DeviceHost {
  /** Number of harts, 1 to 8. */
  readonly hartCount: number;
  /** RAM, by physical address. */
  readonly memory: GuestMemory;
  /** Nanoseconds of the machine's clock, with the instructions that have retired in the run under way. */
  now(): number;
  /** The `time` CSR: ticks of the timebase, below 2^53. */
  ticks(): number;
  /** Makes the `time` CSR go on from this number of ticks (an integer from 0 to 2^53 - 1). */
  setTicks(ticks: number): void;
  /** First moment of the clock, in nanoseconds, at which `ticks` has reached a number; Infinity for one beyond 2^53. */
  timeOfTick(ticks: number): number;
  /**
   * Adds a timer. The run stops at its deadline, on the instruction if the clock counts instructions. Snapshots know
   * timers by their order: add them when the device is attached, the same ones each time.
   */
  timer(fire: () => void): Timer;
  /** Raises or lowers interrupts of a hart: `mask` has bits of mip. */
  setInterrupts(hart: number, mask: number, pending: boolean): void;
  /** Ends the run after the instruction that is under way; see `Machine.stop`. */
  stop(exitCode: number): void;
  /** Ends the run after the instruction that is under way; see `Machine.requestReset`. */
  requestReset(): void;
}
