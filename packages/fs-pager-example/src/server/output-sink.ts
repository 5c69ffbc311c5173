import type { Writable } from 'node:stream';
import { ZX_ERR_IO, ZX_ERR_PEER_CLOSED, ZX_OK, type Status } from '@faultline/kernel';
import { hostErrorCode } from '../faultline-error.js';

/** Streams whose failures have a listener: without one, a reader that goes away would end this process. */
const guarded = new WeakSet<Writable>();

const CLOSED_CODES: ReadonlySet<string> = new Set([
  'EPIPE',
  'ECONNRESET',
  'ERR_STREAM_DESTROYED',
  'ERR_STREAM_WRITE_AFTER_END',
  'ERR_STREAM_PREMATURE_CLOSE',
]);

/** A stream that guests write to. A write is over when the stream has taken its bytes, so that a slow reader slows the guest. */
export class OutputSink {
  private failure: Status = ZX_OK;

  /** @param stream null: everything written is dropped */
  constructor(private readonly stream: Writable | null) {
    if (stream === null || guarded.has(stream)) return;
    guarded.add(stream);
    stream.on('error', () => undefined);
  }

  /**
   * @param bytes unchanged until the result is there
   * @returns ZX_OK when all are taken; ZX_ERR_PEER_CLOSED when nobody reads any more; ZX_ERR_IO
   */
  write(bytes: Uint8Array): Promise<Status> {
    const { stream } = this;
    if (this.failure !== ZX_OK) return Promise.resolve(this.failure);
    if (stream === null || bytes.length === 0) return Promise.resolve(ZX_OK);
    return new Promise((resolve) => {
      stream.write(bytes, (error) => {
        if (error === null || error === undefined) {
          resolve(ZX_OK);
          return;
        }
        this.failure = CLOSED_CODES.has(hostErrorCode(error)) ? ZX_ERR_PEER_CLOSED : ZX_ERR_IO;
        resolve(this.failure);
      });
    });
  }
}
