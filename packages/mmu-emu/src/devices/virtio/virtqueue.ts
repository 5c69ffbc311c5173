/**
 * Split virtqueues, from the device's side. Everything in them was written by the guest and is checked here.
 *
 * @see Virtual I/O Device (VIRTIO) Version 1.2, "Split Virtqueues"
 */

import type { GuestMemory } from '../../bus/guest-memory.js';
import type { StateReader } from '../../snapshot/state-reader.js';
import type { StateWriter } from '../../snapshot/state-writer.js';

const DESCRIPTOR_BYTES = 16;
const FLAG_NEXT = 1;
const FLAG_WRITE = 2;
const FLAG_INDIRECT = 4;
const AVAILABLE_NO_INTERRUPT = 1;
/** Most bytes of one chain: what a guest can ask for at once. */
const CHAIN_BYTES = 8 * 2 ** 20;

/** Guest memory that a descriptor names. */
interface Segment {
  readonly address: number;
  readonly bytes: number;
}

/** Buffers that the guest made available together: some to read from, then some to write to. */
export class BufferChain {
  /** Number of the first descriptor. */
  readonly head: number;
  readonly readableBytes: number;
  readonly writableBytes: number;
  readonly #memory: GuestMemory;
  readonly #readable: readonly Segment[];
  readonly #writable: readonly Segment[];

  /** @internal Chains come from a queue. */
  constructor(memory: GuestMemory, head: number, readable: readonly Segment[], writable: readonly Segment[]) {
    this.#memory = memory;
    this.head = head;
    this.#readable = readable;
    this.#writable = writable;
    this.readableBytes = total(readable);
    this.writableBytes = total(writable);
  }

  /** Views of `[from, to)` of what the guest gave to read. */
  *readable(from: number, to: number): Generator<Uint8Array> {
    for (const { address, bytes } of slices(this.#readable, from, to)) {
      const view = this.#memory.readable(address, bytes);
      if (view !== undefined) yield view;
    }
  }

  /** Views of `[from, to)` of what the guest gave to write to; each is to be written before the next is asked for. */
  *writable(from: number, to: number): Generator<Uint8Array> {
    for (const { address, bytes } of slices(this.#writable, from, to)) {
      const view = this.#memory.writable(address, bytes);
      if (view !== undefined) yield view;
    }
  }

  /** A copy of a few bytes to read, from `from` on; shorter where there are fewer. */
  read(from: number, bytes: number): Uint8Array {
    const end = Math.min(from + bytes, this.readableBytes);
    const copy = new Uint8Array(Math.max(0, end - from));
    let at = 0;
    for (const view of this.readable(from, end)) {
      copy.set(view, at);
      at += view.length;
    }
    return copy;
  }

  /** Writes bytes at `from`, as many as there is room for; returns how many. */
  write(from: number, bytes: Uint8Array): number {
    let at = 0;
    for (const view of this.writable(from, from + bytes.length)) {
      view.set(bytes.subarray(at, at + view.length));
      at += view.length;
    }
    return at;
  }
}

function total(segments: readonly Segment[]): number {
  return segments.reduce((sum, { bytes }) => sum + bytes, 0);
}

function* slices(segments: readonly Segment[], from: number, to: number): Generator<Segment> {
  let start = 0;
  for (const { address, bytes } of segments) {
    const first = Math.max(from, start);
    const last = Math.min(to, start + bytes);
    if (first < last) yield { address: address + first - start, bytes: last - first };
    start += bytes;
  }
}

/** One queue: where its three parts are, and how far it has been served. */
export class Virtqueue {
  /** Entries, a power of two up to the device's maximum. */
  size = 0;
  ready = false;
  /** Physical addresses, as u32 words. */
  readonly descriptors = new Uint32Array(2);
  readonly driver = new Uint32Array(2);
  readonly device = new Uint32Array(2);
  #served = 0;

  /** Forgets everything. */
  reset(): void {
    this.size = 0;
    this.ready = false;
    this.#served = 0;
    for (const address of [this.descriptors, this.driver, this.device]) address.fill(0);
  }

  /** Where it is, and how far it has been served; the rest is in the guest's memory. */
  save(to: StateWriter): void {
    to.words([this.size, this.#served, ...this.descriptors, ...this.driver, ...this.device]);
    to.boolean(this.ready);
  }

  /** @param most entries that it may have. */
  restore(from: StateReader, most: number): void {
    this.size = from.u32(most);
    if ((this.size & (this.size - 1)) !== 0) from.fail('the size of a queue is no power of two');
    this.#served = from.u32(0xffff);
    for (const address of [this.descriptors, this.driver, this.device]) from.words(address);
    this.ready = from.boolean();
    if (this.ready && this.size === 0) from.fail('a queue without entries is in use');
  }

  /**
   * The next buffers that the guest made available; undefined when there are none, null when what the guest wrote makes
   * no sense (outside RAM, a loop, too many at a time, more than 8 MiB, descriptors that are not offered).
   */
  next(memory: GuestMemory): BufferChain | undefined | null {
    const driver = addressOf(this.driver);
    const available = memory.read(driver + 2, 2);
    if (available === undefined) return null;
    const waiting = (available - this.#served) & 0xffff;
    if (waiting === 0) return undefined;
    if (waiting > this.size) return null;
    const head = memory.read(driver + 4 + 2 * (this.#served % this.size), 2);
    if (head === undefined) return null;
    const chain = this.#chain(memory, head);
    if (chain !== null) this.#served = (this.#served + 1) & 0xffff;
    return chain;
  }

  /**
   * Gives buffers back, with the number of bytes written to them.
   * @returns whether the guest wants an interrupt for that; null when the queue is outside RAM.
   */
  give(memory: GuestMemory, chain: BufferChain, written: number): boolean | null {
    const device = addressOf(this.device);
    const index = memory.read(device + 2, 2);
    if (index === undefined) return null;
    const entry = device + 4 + 8 * (index % this.size);
    const done =
      memory.write(entry, 4, chain.head) &&
      memory.write(entry + 4, 4, written) &&
      memory.write(device + 2, 2, (index + 1) & 0xffff);
    const flags = memory.read(addressOf(this.driver), 2);
    return !done || flags === undefined ? null : (flags & AVAILABLE_NO_INTERRUPT) === 0;
  }

  #chain(memory: GuestMemory, head: number): BufferChain | null {
    const readable: Segment[] = [];
    const writable: Segment[] = [];
    const table = addressOf(this.descriptors);
    let index = head;
    let sum = 0;
    for (let count = 0; count < this.size; count++) {
      const at = table + DESCRIPTOR_BYTES * index;
      const address = memory.read(at, 8);
      const bytes = memory.read(at + 8, 4);
      const flags = memory.read(at + 12, 2);
      const following = memory.read(at + 14, 2);
      if (index >= this.size || address === undefined || bytes === undefined) return null;
      if (flags === undefined || following === undefined || (flags & FLAG_INDIRECT) !== 0) return null;
      sum += bytes;
      if (sum > CHAIN_BYTES || !memory.contains(address, bytes)) return null;
      const writes = (flags & FLAG_WRITE) !== 0;
      // What is to be read comes first.
      if (!writes && writable.length > 0) return null;
      (writes ? writable : readable).push({ address, bytes });
      if ((flags & FLAG_NEXT) === 0) return new BufferChain(memory, head, readable, writable);
      index = following;
    }
    return null;
  }
}

function addressOf(words: Uint32Array): number {
  return words[0] + words[1] * 2 ** 32;
}
