import { ZX_ERR_ACCESS_DENIED, ZX_OK } from '@faultline/kernel';
import { FaultlineError } from '../faultline-error.js';
import { readHeader, readStdioRequest, reply, STDIO_WRITE, type MessageHeader } from '../protocol.js';
import type { ChannelSession, Reply } from './channel-server.js';
import type { InputSource } from './input-source.js';
import type { OutputSink } from './output-sink.js';

/** A guest's end of a standard stream: either one to read from or one to write to. */
export class StdioSession implements ChannelSession {
  readonly waitsForInput: boolean;

  constructor(
    private readonly stream: InputSource | OutputSink,
    private readonly closeHandle: (handle: number) => unknown,
  ) {
    this.waitsForInput = 'read' in stream;
  }

  handle(message: Uint8Array, handles: readonly number[]): Reply | null | Promise<Reply | null> {
    // Streams carry bytes only.
    for (const handle of handles) this.closeHandle(handle);
    const header = readHeader(message);
    if (header === null) return null;
    try {
      const request = readStdioRequest(header, message);
      if (request.operation === STDIO_WRITE) return this.write(header, request.bytes);
      return request.maxBytes === 0
        ? { bytes: reply(header, ZX_OK, 0) }
        : this.read(header, request.maxBytes);
    } catch (error) {
      return failed(header, error);
    }
  }

  closed(): void {}

  private write(header: MessageHeader, bytes: Uint8Array): Reply | Promise<Reply> {
    if (!('write' in this.stream)) return { bytes: reply(header, ZX_ERR_ACCESS_DENIED) };
    return this.stream
      .write(bytes)
      .then((status) => ({ bytes: reply(header, status, status === ZX_OK ? bytes.length : 0) }));
  }

  private read(header: MessageHeader, maxBytes: number): Reply | Promise<Reply> {
    if (!('read' in this.stream)) return { bytes: reply(header, ZX_ERR_ACCESS_DENIED) };
    return this.stream.read(maxBytes).then(
      (bytes) => ({ bytes: reply(header, ZX_OK, bytes.length, bytes) }),
      (error: unknown) => failed(header, error),
    );
  }
}

function failed(header: MessageHeader, error: unknown): Reply {
  if (error instanceof FaultlineError) return { bytes: reply(header, error.status) };
  throw error;
}
