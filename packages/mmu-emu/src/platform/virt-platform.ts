import type { Device } from '../bus/bus.js';
import { makeClint } from '../devices/clint.js';
import { Plic, PLIC_SOURCES } from '../devices/plic.js';
import { GoldfishRtc } from '../devices/goldfish-rtc.js';
import { TestFinisher } from '../devices/test-finisher.js';
import { Uart16550 } from '../devices/uart-16550.js';
import {
  VirtioBlock,
  VirtioConsole,
  VIRTIO_BASE,
  VIRTIO_STRIDE,
  VirtioMmio,
  VirtioRandom,
} from '../devices/virtio/index.js';
import type { BlockStore, VirtioFunction, VirtioQueues } from '../devices/virtio/index.js';
import { clintNode, deviceTree, PLIC_HANDLE, plicNode, window } from './device-tree.js';
import type { TreeNode } from './flattened-tree.js';

const UART_SOURCE = 10;
const RTC_SOURCE = 11;
/** The first of the virtio devices' eight. */
const VIRTIO_SOURCE = 1;
const VIRTIO_WINDOWS = 8;
/** Of the serial port's oscillator, as bit rates are divided from it. */
const UART_HZ = 3_686_400;
/** Handle of the finisher's node. */
const FINISHER_HANDLE = 100;
const FINISHER_PASS = 0x5555;
const FINISHER_RESET = 0x7777;

/** What a platform is connected to. */
export interface VirtPlatformOptions {
  /** Takes each byte that the serial port sends. */
  readonly transmit: (byte: number) => void;
  /** The guest ends the run; the default ends the machine's. */
  readonly stop?: (exitCode: number) => void;
  /** The guest asks for a reset; the default ends the run with EXIT_RESET. */
  readonly reset?: () => void;
  /** Virtio drives, in order; none by default. There is room for eight virtio devices in all. */
  readonly drives?: readonly BlockStore[];
  /** Fills bytes for the virtio entropy device, which is there only with this. */
  readonly random?: (into: Uint8Array) => void;
  /** Takes what the virtio console sends, which is there only with this; Linux calls it hvc0. */
  readonly console?: (bytes: Uint8Array) => void;
  /** Nanoseconds since 1970 when the machine's clock says 0: with it there is a real-time clock. */
  readonly epoch?: bigint;
}

/** What is only known when a machine boots. */
export interface TreeOptions {
  readonly harts: number;
  readonly ramBytes: number;
  readonly timebaseHz: number;
  readonly bootargs?: string;
  readonly initrd?: { readonly start: number; readonly end: number };
}

/**
 * The devices of a machine that boots operating systems, where QEMU's `virt` machine has them, and their device tree:
 * test finisher, CLINT, PLIC, a serial port; drives, entropy, a console and a real-time clock as the options say.
 */
export class VirtPlatform {
  /** For `MachineOptions.devices`. */
  readonly devices: readonly Device[];
  /** The serial port: the console of firmware, and of an operating system that is not told otherwise. */
  readonly uart: Uart16550;
  /** The virtio console; undefined when there is none. */
  readonly console: VirtioConsole | undefined;
  readonly plic: Plic;
  readonly #nodes: readonly TreeNode[];
  readonly #others: readonly TreeNode[];

  /** @throws {RangeError} when there are too many drives. */
  constructor(options: VirtPlatformOptions) {
    this.plic = new Plic();
    this.uart = new Uart16550({ transmit: options.transmit, interrupt: this.plic.line(UART_SOURCE) });
    const finisher = new TestFinisher({
      ...(options.stop === undefined ? {} : { stop: options.stop }),
      ...(options.reset === undefined ? {} : { reset: options.reset }),
    });
    const rtc =
      options.epoch === undefined
        ? []
        : [new GoldfishRtc({ epoch: options.epoch, interrupt: this.plic.line(RTC_SOURCE) })];
    const virtio = this.#virtio(options);
    this.console = virtio.console;
    this.devices = [finisher, ...makeClint(), this.plic, this.uart, ...rtc, ...virtio.devices];
    this.#nodes = [
      finisherNode(finisher),
      uartNode(this.uart),
      ...rtc.map(rtcNode),
      ...virtio.devices.map(virtioNode),
    ];
    this.#others = [switchNode('poweroff', FINISHER_PASS), switchNode('reboot', FINISHER_RESET)];
  }

  #virtio({ drives = [], random, console }: VirtPlatformOptions): {
    readonly devices: readonly VirtioMmio[];
    readonly console: VirtioConsole | undefined;
  } {
    const functions: ((queues: VirtioQueues) => VirtioFunction)[] = drives.map(
      (store) => (queues: VirtioQueues) => new VirtioBlock(store, queues),
    );
    if (random !== undefined) functions.push((queues) => new VirtioRandom(random, queues));
    let made: VirtioConsole | undefined;
    if (console !== undefined) functions.push((queues) => (made = new VirtioConsole(console, queues)));
    if (functions.length > VIRTIO_WINDOWS) {
      const room = VIRTIO_WINDOWS - (functions.length - drives.length);
      throw new RangeError(`there is room for ${room} drives beside the other virtio devices`);
    }
    const devices = functions.map(
      (make, index) =>
        new VirtioMmio(make, {
          base: VIRTIO_BASE + index * VIRTIO_STRIDE,
          interrupt: this.plic.line(VIRTIO_SOURCE + index),
        }),
    );
    return { devices, console: made };
  }

  /** The flattened device tree of a machine with these devices. */
  deviceTree(options: TreeOptions): Uint8Array {
    const { base, bytes } = this.plic;
    return deviceTree({
      ...options,
      devices: [clintNode(options.harts), plicNode(options.harts, base, bytes, PLIC_SOURCES), ...this.#nodes],
      others: this.#others,
      console: `/soc/${uartNode(this.uart).name}`,
    });
  }
}

function uartNode({ base, bytes }: Uart16550): TreeNode {
  return {
    name: `serial@${base.toString(16)}`,
    properties: {
      compatible: 'ns16550a',
      reg: window(base, bytes),
      'clock-frequency': [UART_HZ],
      interrupts: [UART_SOURCE],
      'interrupt-parent': [PLIC_HANDLE],
    },
  };
}

function rtcNode({ base, bytes }: GoldfishRtc): TreeNode {
  return {
    name: `rtc@${base.toString(16)}`,
    properties: {
      compatible: 'google,goldfish-rtc',
      reg: window(base, bytes),
      interrupts: [RTC_SOURCE],
      'interrupt-parent': [PLIC_HANDLE],
    },
  };
}

function virtioNode({ base, bytes }: VirtioMmio, index: number): TreeNode {
  return {
    name: `virtio_mmio@${base.toString(16)}`,
    properties: {
      compatible: 'virtio,mmio',
      reg: window(base, bytes),
      interrupts: [VIRTIO_SOURCE + index],
      'interrupt-parent': [PLIC_HANDLE],
    },
  };
}

function finisherNode({ base, bytes }: TestFinisher): TreeNode {
  return {
    name: `test@${base.toString(16)}`,
    properties: {
      compatible: ['sifive,test1', 'sifive,test0', 'syscon'],
      reg: window(base, bytes),
      phandle: [FINISHER_HANDLE],
    },
  };
}

/** A register of the finisher by which an operating system ends or restarts the machine. */
function switchNode(name: 'poweroff' | 'reboot', value: number): TreeNode {
  return {
    name,
    properties: { compatible: `syscon-${name}`, regmap: [FINISHER_HANDLE], offset: [0], value: [value] },
  };
}
