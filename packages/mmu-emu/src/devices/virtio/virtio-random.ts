import type { VirtioFunction, VirtioQueues } from './virtio-mmio.js';

const TYPE = 4;
/** Most bytes for one request. */
const REQUEST_BYTES = 4096;

/**
 * A virtio source of random bytes.
 *
 * @see Virtual I/O Device (VIRTIO) Version 1.2, "Entropy Device"
 */
export class VirtioRandom implements VirtioFunction {
  readonly name = 'virtio-random';
  readonly type = TYPE;
  readonly queues = 1;
  readonly features = 0;
  readonly configuration = new Uint8Array();
  readonly #fill: (into: Uint8Array) => void;
  readonly #queues: VirtioQueues;

  /** @param fill writes random bytes: from a seed for runs that repeat, from the host otherwise. */
  constructor(fill: (into: Uint8Array) => void, queues: VirtioQueues) {
    this.#fill = fill;
    this.#queues = queues;
  }

  notified(queue: number): void {
    for (let chain = this.#queues.next(queue); chain !== undefined; chain = this.#queues.next(queue)) {
      const bytes = new Uint8Array(Math.min(REQUEST_BYTES, chain.writableBytes));
      this.#fill(bytes);
      this.#queues.give(queue, chain, chain.write(0, bytes));
    }
  }

  reset(): void {
    // Nothing is kept.
  }

  save(): void {
    // Where the source of random bytes stands is its own affair.
  }

  restore(): void {
    // As for save.
  }
}
