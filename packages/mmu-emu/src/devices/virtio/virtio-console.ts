import type { StateReader } from '../../snapshot/state-reader.js';
import type { StateWriter } from '../../snapshot/state-writer.js';
import type { VirtioFunction, VirtioQueues } from './virtio-mmio.js';

const TYPE = 3;
const RECEIVE = 0;
const TRANSMIT = 1;
/** Received bytes that wait for buffers of the guest. */
const WAITING_BYTES = 4096;
/** Handed over in pieces of at most this. */
const PIECE_BYTES = 4096;

/**
 * A virtio console with one port.
 *
 * @see Virtual I/O Device (VIRTIO) Version 1.2, "Console Device"
 */
export class VirtioConsole implements VirtioFunction {
  readonly name = 'virtio-console';
  readonly type = TYPE;
  readonly queues = 2;
  readonly features = 0;
  readonly configuration = new Uint8Array();
  readonly #transmit: (bytes: Uint8Array) => void;
  readonly #queues: VirtioQueues;
  readonly #waiting = new Uint8Array(WAITING_BYTES);
  #waitingBytes = 0;

  /** @param transmit takes what the guest sends; the bytes are its own. */
  constructor(transmit: (bytes: Uint8Array) => void, queues: VirtioQueues) {
    this.#transmit = transmit;
    this.#queues = queues;
  }

  /** How many bytes `receive` would take now. */
  get room(): number {
    return WAITING_BYTES - this.#waitingBytes;
  }

  /** Takes bytes for the guest, as many as there is room for, and returns how many. They are copied. */
  receive(bytes: Uint8Array): number {
    const taken = Math.min(bytes.length, this.room);
    this.#waiting.set(bytes.subarray(0, taken), this.#waitingBytes);
    this.#waitingBytes += taken;
    this.#deliver();
    return taken;
  }

  notified(queue: number): void {
    if (queue === RECEIVE) {
      this.#deliver();
      return;
    }
    for (let chain = this.#queues.next(TRANSMIT); chain !== undefined; chain = this.#queues.next(TRANSMIT)) {
      for (let at = 0; at < chain.readableBytes; at += PIECE_BYTES)
        this.#transmit(chain.read(at, PIECE_BYTES));
      this.#queues.give(TRANSMIT, chain, 0);
    }
  }

  reset(): void {
    this.#waitingBytes = 0;
  }

  save(to: StateWriter): void {
    to.bytes(this.#waiting.subarray(0, this.#waitingBytes));
  }

  restore(from: StateReader): void {
    const waiting = from.bytes(WAITING_BYTES);
    this.#waiting.set(waiting);
    this.#waitingBytes = waiting.length;
  }

  #deliver(): void {
    while (this.#waitingBytes > 0) {
      const chain = this.#queues.next(RECEIVE);
      if (chain === undefined) return;
      const written = chain.write(
        0,
        this.#waiting.subarray(0, Math.min(this.#waitingBytes, chain.writableBytes)),
      );
      this.#waiting.copyWithin(0, written, this.#waitingBytes);
      this.#waitingBytes -= written;
      this.#queues.give(RECEIVE, chain, written);
    }
  }
}
