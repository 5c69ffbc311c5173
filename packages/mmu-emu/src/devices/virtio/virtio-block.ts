import type { VirtioFunction, VirtioQueues } from './virtio-mmio.js';
import type { BufferChain } from './virtqueue.js';

/** A drive: sectors of 512 bytes. What its methods throw becomes an I/O error of the request. */
export interface BlockStore {
  /** Size in bytes; what is beyond the last whole sector is not seen. */
  readonly bytes: number;
  readonly readOnly: boolean;
  /** Fills `into` from the byte `offset` on; the range is inside the drive. */
  read(offset: number, into: Uint8Array): void;
  /** Keeps `from`, which is the guest's memory: copy it. */
  write(offset: number, from: Uint8Array): void;
  /** Makes durable what was written. */
  flush(): void;
}

const TYPE = 2;
const SECTOR_BYTES = 512;
const FEATURE_SEGMENTS = 1 << 2;
const FEATURE_READ_ONLY = 1 << 5;
const FEATURE_FLUSH = 1 << 9;
/** Pieces of a request's data. */
const SEGMENTS = 126;
const HEADER_BYTES = 16;
const IDENTITY_BYTES = 20;
const IDENTITY = 'faultline-drive';

const REQUEST_IN = 0;
const REQUEST_OUT = 1;
const REQUEST_FLUSH = 4;
const REQUEST_IDENTITY = 8;

const STATUS_OK = 0;
const STATUS_ERROR = 1;
const STATUS_UNSUPPORTED = 2;

/**
 * A virtio block device.
 *
 * @see Virtual I/O Device (VIRTIO) Version 1.2, "Block Device"
 */
export class VirtioBlock implements VirtioFunction {
  readonly name = 'virtio-block';
  readonly type = TYPE;
  readonly queues = 1;
  readonly features: number;
  readonly configuration = new Uint8Array(16);
  readonly #store: BlockStore;
  readonly #queues: VirtioQueues;

  constructor(store: BlockStore, queues: VirtioQueues) {
    this.#store = store;
    this.#queues = queues;
    this.features = FEATURE_SEGMENTS | FEATURE_FLUSH | (store.readOnly ? FEATURE_READ_ONLY : 0);
    const sectors = Math.floor(store.bytes / SECTOR_BYTES);
    const view = new DataView(this.configuration.buffer);
    view.setBigUint64(0, BigInt(sectors), true);
    view.setUint32(12, SEGMENTS, true);
  }

  notified(queue: number): void {
    for (let chain = this.#queues.next(queue); chain !== undefined; chain = this.#queues.next(queue)) {
      this.#serve(queue, chain);
    }
  }

  reset(): void {
    // A request is served whole when it is made: nothing is under way.
  }

  save(): void {
    // What was written is the drive's.
  }

  restore(): void {
    // As for save.
  }

  #serve(queue: number, chain: BufferChain): void {
    // The last byte that can be written takes the status; without it nobody hears of the request.
    const room = chain.writableBytes - 1;
    if (room < 0) {
      this.#queues.give(queue, chain, 0);
      return;
    }
    let status = STATUS_ERROR;
    let written = 0;
    try {
      [status, written] = this.#request(chain, room);
    } catch {
      written = 0;
    }
    chain.write(room, Uint8Array.of(status));
    this.#queues.give(queue, chain, written + 1);
  }

  /** Gives the status and how many bytes were written. */
  #request(chain: BufferChain, room: number): readonly [status: number, written: number] {
    if (chain.readableBytes < HEADER_BYTES) return [STATUS_ERROR, 0];
    const header = chain.read(0, HEADER_BYTES);
    const view = new DataView(header.buffer);
    const offset = Number(view.getBigUint64(8, true)) * SECTOR_BYTES;
    const store = this.#store;
    switch (view.getUint32(0, true)) {
      case REQUEST_IN: {
        if (!this.#isInside(offset, room)) return [STATUS_ERROR, 0];
        let at = offset;
        for (const piece of chain.writable(0, room)) {
          store.read(at, piece);
          at += piece.length;
        }
        return [STATUS_OK, room];
      }
      case REQUEST_OUT: {
        const bytes = chain.readableBytes - HEADER_BYTES;
        if (store.readOnly || !this.#isInside(offset, bytes)) return [STATUS_ERROR, 0];
        let at = offset;
        for (const piece of chain.readable(HEADER_BYTES, chain.readableBytes)) {
          store.write(at, piece);
          at += piece.length;
        }
        return [STATUS_OK, 0];
      }
      case REQUEST_FLUSH:
        store.flush();
        return [STATUS_OK, 0];
      case REQUEST_IDENTITY: {
        const identity = new Uint8Array(IDENTITY_BYTES);
        new TextEncoder().encodeInto(IDENTITY, identity);
        return [STATUS_OK, chain.write(0, identity.subarray(0, Math.min(IDENTITY_BYTES, room)))];
      }
      default:
        return [STATUS_UNSUPPORTED, 0];
    }
  }

  #isInside(offset: number, bytes: number): boolean {
    const end = Math.floor(this.#store.bytes / SECTOR_BYTES) * SECTOR_BYTES;
    return bytes % SECTOR_BYTES === 0 && offset + bytes <= end;
  }
}
