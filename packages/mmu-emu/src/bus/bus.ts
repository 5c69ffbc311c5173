/**
 * The bus: which device answers at a physical address.
 *
 * RAM is not on it. The machine reaches RAM directly, and comes here for every other physical address; where nothing
 * answers, the access raises an access fault.
 */

import type { StateReader } from '../snapshot/state-reader.js';
import type { StateWriter } from '../snapshot/state-writer.js';
import type { DeviceHost } from './device-host.js';

/** Width of an access to a device, in bytes. */
export type AccessWidth = 1 | 2 | 4 | 8;

/**
 * A memory-mapped device.
 *
 * Accesses are aligned to their width and lie wholly inside `[base, base + bytes)`: the machine splits or refuses the
 * others. A device does no work between accesses by itself, apart from the timers that it sets.
 */
export interface Device {
  /** For people: error messages and listings. */
  readonly name: string;
  /** First physical address; a multiple of 8. */
  readonly base: number;
  /** Size of its window in bytes; a positive multiple of 8. */
  readonly bytes: number;
  /**
   * What a read of `width` bytes at `offset` gives, unsigned. May change the device's state. A number (exact below
   * 2^53) or a bigint; bits beyond the width are ignored.
   */
  load(offset: number, width: AccessWidth): number | bigint;
  /** A write of `width` bytes at `offset`. `value` is unsigned and below 2^(8*width). */
  store(offset: number, width: AccessWidth, value: bigint): void;
  /**
   * The device becomes part of a machine, before anything runs. Only devices that use memory, time or interrupts of harts
   * have this; such a device belongs to one machine.
   */
  attach?(host: DeviceHost): void;
  /**
   * For snapshots and resets, with `restore`; a machine with a device that has not both can be neither saved nor reset.
   * Writes all that the device's future depends on, but for its timers and the interrupts that it has raised, which the
   * machine knows. Changes nothing.
   */
  save?(to: StateWriter): void;
  /**
   * Takes the values that `save` wrote, in the same order, and checks them: a snapshot may come from anywhere. Raises no
   * interrupts and sets no timers. When it throws, it is called again, with the state from before.
   * @throws {SnapshotError} `corrupted`, by the reader.
   */
  restore?(from: StateReader): void;
}

/** The devices of a machine, by address. */
export class Bus {
  /** By rising base. */
  readonly devices: readonly Device[];

  /**
   * @throws {RangeError} when windows overlap, are empty, or are not aligned to 8 bytes.
   */
  constructor(devices: readonly Device[]) {
    this.devices = [...devices].sort((a, b) => a.base - b.base);
    let end = 0;
    let before = '';
    for (const { name, base, bytes } of this.devices) {
      if (
        !isMultipleOf8(base) ||
        !isMultipleOf8(bytes) ||
        bytes === 0 ||
        !Number.isSafeInteger(base + bytes)
      ) {
        throw new RangeError(
          `device ${name}: its window must begin and end at multiples of 8 and not be empty`,
        );
      }
      if (base < end) throw new RangeError(`device ${name} overlaps device ${before}`);
      end = base + bytes;
      before = name;
    }
  }

  /** The device whose window holds this physical address. */
  find(paddr: number): Device | undefined {
    let low = 0;
    let high = this.devices.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const device = this.devices[middle];
      if (paddr < device.base) high = middle;
      else if (paddr >= device.base + device.bytes) low = middle + 1;
      else return device;
    }
    return undefined;
  }
}

function isMultipleOf8(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0 && value % 8 === 0;
}
