import type { Readable } from 'node:stream';
import { FaultlineError } from '../faultline-error.js';

interface PendingRead {
  readonly maxBytes: number;
  readonly resolve: (bytes: Uint8Array) => void;
  readonly reject: (error: FaultlineError) => void;
}

const NOTHING = new Uint8Array(0);

/**
 * A stream that guests read from, as they ask: nothing is taken from the stream before somebody wants it, and bytes go to readers in the order in which
 * they asked.
 *
 * Life: `close` gives the stream back (paused, without listeners); it is not destroyed.
 */
export class InputSource {
  private readonly queue: PendingRead[] = [];
  private listening = false;
  private closed = false;
  private failure: FaultlineError | null = null;
  /** Taken from the stream, and not given to anybody yet. */
  private rest: Uint8Array | null = null;

  /** @param stream of bytes, without an encoding; null: at its end from the start */
  constructor(private readonly stream: Readable | null) {}

  /**
   * @param maxBytes at least 1
   * @returns 1 to `maxBytes` bytes; none at the end of the stream, and after `close`
   * @throws {FaultlineError} `io` when the stream fails
   */
  read(maxBytes: number): Promise<Uint8Array> {
    if (this.stream === null || this.closed) return Promise.resolve(NOTHING);
    return new Promise((resolve, reject) => {
      this.queue.push({ maxBytes, resolve, reject });
      if (!this.listening) this.listen();
      this.serve();
    });
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    if (this.stream !== null && this.listening) {
      this.stream.off('readable', this.serve);
      this.stream.off('end', this.serve);
      this.stream.off('close', this.serve);
      this.stream.off('error', this.fail);
      this.stream.pause();
    }
    for (const read of this.queue.splice(0)) read.resolve(NOTHING);
  }

  private listen(): void {
    const stream = this.stream as Readable;
    this.listening = true;
    stream.on('readable', this.serve);
    stream.on('end', this.serve);
    stream.on('close', this.serve);
    stream.on('error', this.fail);
  }

  private readonly serve = (): void => {
    const stream = this.stream as Readable;
    while (this.queue.length > 0) {
      const { maxBytes, resolve, reject } = this.queue[0];
      // It may have failed before anybody listened.
      if (this.failure === null && stream.errored !== null) this.failure = failureOf(stream.errored);
      if (this.failure !== null) {
        this.queue.shift();
        reject(this.failure);
        continue;
      }
      const bytes = this.take(maxBytes);
      if (bytes === null && !stream.readableEnded && !stream.destroyed) return;
      this.queue.shift();
      resolve(bytes ?? NOTHING);
    }
  };

  /** Up to `maxBytes` of what is there; null when nothing is, and the stream will tell when there is. */
  private take(maxBytes: number): Uint8Array | null {
    const stream = this.stream as Readable;
    let chunk = this.rest;
    while (chunk === null || chunk.length === 0) {
      const next = stream.read() as Uint8Array | string | null;
      if (next === null) return null;
      chunk = typeof next === 'string' ? Buffer.from(next, stream.readableEncoding ?? 'utf8') : next;
    }
    this.rest = chunk.length > maxBytes ? chunk.subarray(maxBytes) : null;
    return chunk.length > maxBytes ? chunk.subarray(0, maxBytes) : chunk;
  }

  private readonly fail = (error: Error): void => {
    this.failure = failureOf(error);
    this.serve();
  };
}

function failureOf(error: Error): FaultlineError {
  return new FaultlineError('io', `reading the standard input: ${error.message}`, { cause: error });
}
