/**
 * Virtio devices behind memory-mapped registers.
 *
 * @see Virtual I/O Device (VIRTIO) Version 1.2, "Virtio Over MMIO"
 */

import type { AccessWidth, Device } from '../../bus/bus.js';
import type { DeviceHost } from '../../bus/device-host.js';
import type { GuestMemory } from '../../bus/guest-memory.js';
import { SnapshotError } from '../../snapshot/snapshot-error.js';
import type { StateReader } from '../../snapshot/state-reader.js';
import type { StateWriter } from '../../snapshot/state-writer.js';
import { Virtqueue } from './virtqueue.js';
import type { BufferChain } from './virtqueue.js';

/** Where QEMU's `virt` machine has its virtio devices: eight windows. */
export const VIRTIO_BASE = 0x1000_1000;
/** From one to the next. */
export const VIRTIO_STRIDE = 0x1000;

const WINDOW_BYTES = 0x1000;
const MAGIC = 0x7472_6976;
const VERSION = 2;
/** 'FLTL'. */
const VENDOR = 0x4c54_4c46;
const QUEUE_SIZE = 256;
const FEATURES_VERSION_1_HIGH = 1;

const STATUS_DRIVER_OK = 4;
const STATUS_NEEDS_RESET = 64;
const INTERRUPT_BUFFER = 1;
const INTERRUPT_CONFIGURATION = 2;

const REGISTER_CONFIGURATION = 0x100;

/** What kind of device it is, behind the registers. */
export interface VirtioFunction {
  readonly name: string;
  /** Number of the device type. */
  readonly type: number;
  readonly queues: number;
  /** Feature bits 0 to 31 that are offered; VIRTIO_F_VERSION_1 is by the transport. */
  readonly features: number;
  /** Configuration space, read only. */
  readonly configuration: Uint8Array;
  /** The guest has made buffers available in a queue. */
  notified(queue: number): void;
  /** Everything starts anew. */
  reset(): void;
  /** As those of `Device`, for what the transport and its queues do not hold. Without them the device cannot be saved. */
  save?(to: StateWriter): void;
  restore?(from: StateReader): void;
}

/** What a function has of its transport. */
export interface VirtioQueues {
  /** Buffers that the guest made available; undefined when there are none now. */
  next(queue: number): BufferChain | undefined;
  /** Gives them back, `written` bytes of them filled, and interrupts if the guest wants that. */
  give(queue: number, chain: BufferChain, written: number): void;
}

/** The registers, version 2, of one virtio device. A guest whose queues make no sense finds that the device needs a reset. */
export class VirtioMmio implements Device, VirtioQueues {
  readonly name: string;
  readonly base: number;
  readonly bytes = WINDOW_BYTES;
  readonly save?: (to: StateWriter) => void;
  readonly restore?: (from: StateReader) => void;
  readonly #function: VirtioFunction;
  readonly #interrupt: (raised: boolean) => void;
  readonly #queues: readonly Virtqueue[];
  #memory: GuestMemory | undefined;
  #status = 0;
  #interruptStatus = 0;
  #featuresSelected = 0;
  #driverFeaturesSelected = 0;
  readonly #driverFeatures = new Uint32Array(2);
  #queueSelected = 0;

  /**
   * @param make gets the queues and gives the function that serves them.
   * @param options.base physical address. @param options.interrupt its line.
   */
  constructor(
    make: (queues: VirtioQueues) => VirtioFunction,
    options: { readonly base: number; readonly interrupt: (raised: boolean) => void },
  ) {
    this.#function = make(this);
    this.name = this.#function.name;
    this.base = options.base;
    this.#interrupt = options.interrupt;
    this.#queues = Array.from({ length: this.#function.queues }, () => new Virtqueue());
    const behind = this.#function;
    if (behind.save === undefined || behind.restore === undefined) return;
    this.save = (to) => {
      this.#save(to);
      behind.save?.(to);
    };
    this.restore = (from) => {
      this.#restore(from);
      behind.restore?.(from);
    };
  }

  attach(host: DeviceHost): void {
    this.#memory = host.memory;
  }

  next(queue: number): BufferChain | undefined {
    const found = this.#usable(queue);
    if (found === undefined || this.#memory === undefined) return undefined;
    const chain = found.next(this.#memory);
    if (chain === null) this.#broken();
    return chain ?? undefined;
  }

  give(queue: number, chain: BufferChain, written: number): void {
    const found = this.#usable(queue);
    if (found === undefined || this.#memory === undefined) return;
    const interrupts = found.give(this.#memory, chain, written);
    if (interrupts === null) this.#broken();
    else if (interrupts) this.#raise(INTERRUPT_BUFFER);
  }

  load(offset: number, width: AccessWidth): number | bigint {
    if (offset >= REGISTER_CONFIGURATION) return this.#configuration(offset - REGISTER_CONFIGURATION, width);
    return width === 4 ? this.#register(offset) : 0;
  }

  store(offset: number, width: AccessWidth, value: bigint): void {
    if (width !== 4) return;
    const word = Number(value);
    const queue = this.#queues[this.#queueSelected];
    switch (offset) {
      case 0x14:
        this.#featuresSelected = word;
        break;
      case 0x20:
        if (this.#driverFeaturesSelected < 2) this.#driverFeatures[this.#driverFeaturesSelected] = word;
        break;
      case 0x24:
        this.#driverFeaturesSelected = word;
        break;
      case 0x30:
        this.#queueSelected = word;
        break;
      case 0x50:
        if (word < this.#queues.length && this.#usable(word) !== undefined) this.#function.notified(word);
        break;
      case 0x64:
        this.#interruptStatus &= ~word;
        this.#interrupt(this.#interruptStatus !== 0);
        break;
      case 0x70:
        if (word === 0) this.#reset();
        else this.#status = (word & 0xff & ~STATUS_NEEDS_RESET) | (this.#status & STATUS_NEEDS_RESET);
        break;
      default:
        if (queue !== undefined) storeQueue(queue, offset, word);
        break;
    }
  }

  #save(to: StateWriter): void {
    const { features, configuration } = this.#function;
    to.u32(features);
    to.bytes(configuration);
    to.words([this.#status, this.#interruptStatus, this.#featuresSelected, this.#driverFeaturesSelected]);
    to.words([this.#queueSelected, ...this.#driverFeatures]);
    for (const queue of this.#queues) queue.save(to);
  }

  /** What the guest has been told of the device must be so still: a drive of another size is another machine. */
  #restore(from: StateReader): void {
    const { features, configuration } = this.#function;
    const sameFeatures = from.u32() === features;
    const saved = from.bytes();
    const isSame =
      saved.length === configuration.length && saved.every((byte, at) => byte === configuration[at]);
    if (!sameFeatures || !isSame) {
      const message = `the ${this.name} at 0x${this.base.toString(16)} has another size, or may be written to or not`;
      throw new SnapshotError('other-machine', message);
    }
    this.#status = from.u32(0xff);
    this.#interruptStatus = from.u32(INTERRUPT_BUFFER | INTERRUPT_CONFIGURATION);
    this.#featuresSelected = from.u32();
    this.#driverFeaturesSelected = from.u32();
    this.#queueSelected = from.u32();
    from.words(this.#driverFeatures);
    for (const queue of this.#queues) queue.restore(from, QUEUE_SIZE);
  }

  #register(offset: number): number {
    const queue = this.#queues[this.#queueSelected];
    switch (offset) {
      case 0x00:
        return MAGIC;
      case 0x04:
        return VERSION;
      case 0x08:
        return this.#function.type;
      case 0x0c:
        return VENDOR;
      case 0x10:
        if (this.#featuresSelected === 0) return this.#function.features;
        return this.#featuresSelected === 1 ? FEATURES_VERSION_1_HIGH : 0;
      case 0x34:
        return queue === undefined ? 0 : QUEUE_SIZE;
      case 0x44:
        return queue?.ready === true ? 1 : 0;
      case 0x60:
        return this.#interruptStatus;
      case 0x70:
        return this.#status;
      default:
        return 0;
    }
  }

  #configuration(offset: number, width: AccessWidth): bigint {
    let value = 0n;
    for (let i = width - 1; i >= 0; i--) {
      value = (value << 8n) | BigInt(this.#function.configuration[offset + i] ?? 0);
    }
    return value;
  }

  /** A queue that may be served now. */
  #usable(index: number): Virtqueue | undefined {
    const works = (this.#status & (STATUS_DRIVER_OK | STATUS_NEEDS_RESET)) === STATUS_DRIVER_OK;
    const queue = this.#queues[index];
    return works && queue?.ready === true ? queue : undefined;
  }

  #broken(): void {
    this.#status |= STATUS_NEEDS_RESET;
    this.#raise(INTERRUPT_CONFIGURATION);
  }

  #raise(reason: number): void {
    this.#interruptStatus |= reason;
    this.#interrupt(true);
  }

  #reset(): void {
    this.#status = 0;
    this.#interruptStatus = 0;
    this.#driverFeatures.fill(0);
    for (const queue of this.#queues) queue.reset();
    this.#interrupt(false);
    this.#function.reset();
  }
}

function storeQueue(queue: Virtqueue, offset: number, word: number): void {
  // A queue in use is changed only by being made not ready.
  if (offset === 0x44) {
    queue.ready = word === 1 && queue.size > 0;
    return;
  }
  if (queue.ready) return;
  const isPowerOfTwo = word > 0 && (word & (word - 1)) === 0;
  switch (offset) {
    case 0x38:
      if (isPowerOfTwo && word <= QUEUE_SIZE) queue.size = word;
      break;
    case 0x80:
    case 0x84:
      queue.descriptors[(offset - 0x80) >> 2] = word;
      break;
    case 0x90:
    case 0x94:
      queue.driver[(offset - 0x90) >> 2] = word;
      break;
    case 0xa0:
    case 0xa4:
      queue.device[(offset - 0xa0) >> 2] = word;
      break;
    default:
      break;
  }
}
