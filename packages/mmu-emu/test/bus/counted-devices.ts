/** Counts what a machine asks of its devices, for tests. */

import type { Device, DeviceHost } from '../../src/index.js';

/** Devices that pass everything on, and how often they were asked. */
export class CountedDevices {
  readonly devices: readonly Device[];
  /** Loads and stores. */
  accesses = 0;
  /** Timers of devices that fired. */
  fired = 0;

  constructor(devices: readonly Device[]) {
    this.devices = devices.map((device) => this.#counted(device));
  }

  #counted(device: Device): Device {
    const { name, base, bytes } = device;
    return {
      name,
      base,
      bytes,
      load: (offset, width) => {
        this.accesses++;
        return device.load(offset, width);
      },
      store: (offset, width, value) => {
        this.accesses++;
        device.store(offset, width, value);
      },
      attach: (host) => device.attach?.(this.#countedHost(host)),
    };
  }

  #countedHost(host: DeviceHost): DeviceHost {
    return {
      ...host,
      timer: (fire) =>
        host.timer(() => {
          this.fired++;
          fire();
        }),
    };
  }
}
