/** A driver of virtio devices, for tests: what a guest does, done from outside, between runs. */

import { Machine, Plic, RAM_BASE, VIRTIO_BASE, VirtioMmio } from '../../../src/index.js';
import type { MachineOptions, VirtioFunction, VirtioQueues } from '../../../src/index.js';

/** Part of a chain: bytes for the device to read, or how many it may write. */
export type Piece = Uint8Array | number;

const QUEUE_BYTES = 0x4000;
const BUFFERS = RAM_BASE + 0x8_0000;

export class VirtioDriver {
  readonly device: VirtioMmio;
  readonly machine: Machine;
  readonly interrupts: boolean[];
  readonly #view: DataView;
  #nextBuffer = BUFFERS;

  private constructor(machine: Machine, device: VirtioMmio, interrupts: boolean[]) {
    this.machine = machine;
    this.device = device;
    this.interrupts = interrupts;
    const ram = machine.ram.writable(0, machine.ram.frameCount);
    this.#view = new DataView(ram.buffer, ram.byteOffset, ram.byteLength);
  }

  /** A machine with just this device, set up with queues of `size` entries. */
  static async of(
    make: (queues: VirtioQueues) => VirtioFunction,
    size = 8,
    options: MachineOptions = {},
  ): Promise<VirtioDriver> {
    const interrupts: boolean[] = [];
    const line = new Plic().line(1);
    const device = new VirtioMmio(make, {
      base: VIRTIO_BASE,
      interrupt: (raised) => {
        interrupts.push(raised);
        line(raised);
      },
    });
    const machine = await Machine.create({ ramBytes: 2 ** 20, devices: [device], ...options });
    const driver = new VirtioDriver(machine, device, interrupts);
    driver.start(size);
    return driver;
  }

  start(size: number): void {
    this.set(0x70, 0);
    this.set(0x70, 3);
    for (let queue = 0; ; queue++) {
      this.set(0x30, queue);
      if (this.get(0x34) === 0) break;
      const at = RAM_BASE + queue * QUEUE_BYTES;
      this.#view.setUint32(at - RAM_BASE + 0x1000, 0, true);
      this.#view.setUint32(at - RAM_BASE + 0x2000, 0, true);
      this.set(0x38, size);
      for (const [register, address] of [
        [0x80, at],
        [0x90, at + 0x1000],
        [0xa0, at + 0x2000],
      ] as const) {
        this.set(register, address);
        this.set(register + 4, 0);
      }
      this.set(0x44, 1);
    }
    this.set(0x70, 7);
  }

  get(register: number): number {
    return Number(this.device.load(register, 4));
  }

  set(register: number, value: number): void {
    this.device.store(register, 4, BigInt(value >>> 0));
  }

  at(queue: number, offset: number): number {
    return queue * QUEUE_BYTES + offset;
  }

  get view(): DataView {
    return this.#view;
  }

  /** Writes descriptor `index` of a queue. */
  describe(queue: number, index: number, address: number, bytes: number, flags: number, next: number): void {
    const at = this.at(queue, 16 * index);
    this.#view.setBigUint64(at, BigInt(address), true);
    this.#view.setUint32(at + 8, bytes, true);
    this.#view.setUint16(at + 12, flags, true);
    this.#view.setUint16(at + 14, next, true);
  }

  /** Makes a chain that begins at a descriptor available. */
  offer(queue: number, head: number, size = 8): void {
    const at = this.at(queue, 0x1000);
    const index = this.#view.getUint16(at + 2, true);
    this.#view.setUint16(at + 4 + 2 * (index % size), head, true);
    this.#view.setUint16(at + 2, index + 1, true);
  }

  used(queue: number): number {
    return this.#view.getUint16(this.at(queue, 0x2002), true);
  }

  /** Length of a used entry. */
  usedBytes(queue: number, index: number, size = 8): number {
    return this.#view.getUint32(this.at(queue, 0x2004 + 8 * (index % size) + 4), true);
  }

  /** Puts a chain into descriptors from `head` on, makes it available, and gives where its pieces are in RAM. */
  prepare(queue: number, pieces: readonly Piece[], head = 0): readonly Uint8Array[] {
    const views = pieces.map((piece, index) => {
      const bytes = typeof piece === 'number' ? piece : piece.length;
      const address = this.#nextBuffer;
      this.#nextBuffer += Math.ceil(bytes / 8) * 8;
      const view = new Uint8Array(this.#view.buffer, this.#view.byteOffset + address - RAM_BASE, bytes);
      if (typeof piece !== 'number') view.set(piece);
      const flags = (typeof piece === 'number' ? 2 : 0) | (index < pieces.length - 1 ? 1 : 0);
      this.describe(queue, head + index, address, bytes, flags, head + index + 1);
      return view;
    });
    this.offer(queue, head);
    return views;
  }

  /** Tells the device that there is something in a queue. */
  notify(queue: number): void {
    this.set(0x50, queue);
  }

  /** The same, and tells the device. */
  send(queue: number, pieces: readonly Piece[], head = 0): readonly Uint8Array[] {
    const views = this.prepare(queue, pieces, head);
    this.notify(queue);
    return views;
  }
}
