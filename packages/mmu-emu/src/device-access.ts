import type { AccessWidth, Bus, Device } from './bus/bus.js';
import type { DeviceHost } from './bus/device-host.js';
import { GuestMemory } from './bus/guest-memory.js';
import type { Clock } from './clock.js';
import type { Hart } from './hart/hart.js';
import { HART_ARGUMENTS, HART_PADDR } from './hart/state.js';
import { STATUS_DONE, STATUS_END_SLICE, STATUS_TRAP } from './mmu/memory-access.js';
import type { Ram } from './ram.js';
import type { RunEnd } from './run-end.js';
import type { Timebase } from './timebase.js';
import type { Timers } from './timers.js';

/** What devices are connected with. */
export interface DeviceSurroundings {
  readonly bus: Bus;
  readonly harts: readonly Hart[];
  readonly ram: Ram;
  readonly clock: Clock;
  readonly timebase: Timebase;
  readonly timers: Timers;
  readonly end: RunEnd;
}

/** Loads and stores of harts at devices, and what devices ask of the machine meanwhile. */
export class DeviceAccess {
  readonly #of: DeviceSurroundings;
  /** Whose access a device answers. */
  #accessing: Hart | undefined;

  /** Attaches the devices of the bus. */
  constructor(surroundings: DeviceSurroundings) {
    this.#of = surroundings;
    const host = this.#host();
    for (const device of surroundings.bus.devices) device.attach?.(host);
  }

  /** A load at the address in the hart's state, which gets the value; STATUS_TRAP where no device takes it. */
  load(hart: Hart, bytes: AccessWidth): number {
    const { state } = hart;
    const paddr = addressOf(hart);
    const device = this.#deviceAt(paddr, bytes);
    if (device === undefined) return STATUS_TRAP;
    const { changes } = this.#of.timers;
    this.#accessing = hart;
    const value = BigInt.asUintN(bytes * 8, BigInt(device.load(paddr - device.base, bytes)));
    state[HART_ARGUMENTS] = Number(value & 0xffff_ffffn);
    state[HART_ARGUMENTS + 1] = Number(value >> 32n);
    return this.#done(hart, changes);
  }

  /** A store of the value in the hart's state. */
  store(hart: Hart, bytes: AccessWidth): number {
    const { state } = hart;
    const paddr = addressOf(hart);
    const device = this.#deviceAt(paddr, bytes);
    if (device === undefined) return STATUS_TRAP;
    const value = (BigInt(state[HART_ARGUMENTS + 1]) << 32n) | BigInt(state[HART_ARGUMENTS]);
    const { changes } = this.#of.timers;
    this.#accessing = hart;
    device.store(paddr - device.base, bytes, BigInt.asUintN(bytes * 8, value));
    return this.#done(hart, changes);
  }

  #deviceAt(paddr: number, bytes: AccessWidth): Device | undefined {
    const device = this.#of.bus.find(paddr);
    return device !== undefined && paddr + bytes <= device.base + device.bytes ? device : undefined;
  }

  #done(hart: Hart, changes: number): number {
    this.#accessing = undefined;
    const { end, timers } = this.#of;
    const ends = end.reason !== undefined || hart.interruptPending || timers.changes !== changes;
    return ends ? STATUS_END_SLICE : STATUS_DONE;
  }

  #host(): DeviceHost {
    const { harts, ram, clock, timebase, timers, end } = this.#of;
    const current = (): void => void this.#accessing?.time();
    return {
      hartCount: harts.length,
      memory: new GuestMemory(ram, () => {
        for (const hart of harts) hart.clearReservation();
      }),
      now: () => {
        current();
        return clock.now();
      },
      ticks: () => {
        current();
        return timebase.ticks();
      },
      setTicks: (ticks) => {
        current();
        timebase.setTicks(ticks);
        for (const hart of harts) hart.compareTime();
      },
      timeOfTick: (ticks) => timebase.timeOfTick(ticks),
      timer: (fire) => timers.add(fire),
      setInterrupts: (hart, mask, pending) => harts[hart].setInterruptPending(mask, pending),
      stop: (exitCode) => end.stop(exitCode),
      requestReset: () => end.requestReset(),
    };
  }
}

function addressOf({ state }: Hart): number {
  return state[HART_PADDR] + state[HART_PADDR + 1] * 2 ** 32;
}
