import { Kernel, ZX_ERR_SHOULD_WAIT, ZX_OK, type HostProcess } from '@faultline/kernel';
import { PagerService } from '@faultline/pager-sdk';
import { onTestFinished } from 'vitest';
import { HostDirectory } from '../../src/namespace/host-directory.js';
import type { Namespace } from '../../src/namespace/namespace.js';
import { HEADER_BYTES } from '../../src/protocol.js';
import { ChannelServer, type ChannelSession } from '../../src/server/channel-server.js';
import { FileTable, type FileTableOptions } from '../../src/server/file-table.js';
import { FilesystemSession, type SpawnRequest } from '../../src/server/filesystem-session.js';

/** A reply, taken apart. */
export interface TestReply {
  readonly transaction: number;
  readonly operation: number;
  readonly status: number;
  readonly argument: number;
  readonly body: Uint8Array;
  readonly handles: readonly number[];
}

/** A client of a served channel: a process of the host in the place of a guest. */
export class TestClient {
  private transaction = 0;

  constructor(
    readonly host: HostProcess,
    readonly channel: number,
  ) {}

  /** Sends any bytes. */
  send(message: Uint8Array, handles: readonly number[] = []): number {
    return this.host.channelWrite(this.channel, 0, message, handles).status;
  }

  /** Sends a request, and waits for its reply. */
  async ask(
    operation: number,
    argument: number,
    body: string | Uint8Array = '',
    handles: readonly number[] = [],
  ): Promise<TestReply> {
    const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body;
    const message = new Uint8Array(HEADER_BYTES + bytes.length);
    const view = new DataView(message.buffer);
    this.transaction += 1;
    view.setUint32(0, this.transaction, true);
    view.setUint32(4, operation, true);
    view.setUint32(12, argument, true);
    message.set(bytes, HEADER_BYTES);
    this.send(message, handles);
    return this.receive();
  }

  async receive(): Promise<TestReply> {
    await this.host.objectWaitOne(this.channel, 1 | 4);
    const { status, bytes, handles } = this.host.channelRead(this.channel, 0);
    if (status !== ZX_OK) throw new Error(`the channel gives status ${status}`);
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    return {
      transaction: view.getUint32(0, true),
      operation: view.getUint32(4, true),
      status: view.getInt32(8, true),
      argument: view.getUint32(12, true),
      body: bytes.slice(HEADER_BYTES),
      handles,
    };
  }

  /** Replies that lie there now. */
  countReplies(): number {
    let count = 0;
    while (this.host.channelRead(this.channel, 0).status !== ZX_ERR_SHOULD_WAIT) count += 1;
    return count;
  }
}

export interface FilesystemRig {
  readonly kernel: Kernel;
  readonly host: HostProcess;
  readonly pager: PagerService;
  readonly files: FileTable;
  readonly channels: ChannelServer;
  readonly spawned: SpawnRequest[];
  readonly errors: unknown[];
  /** A new guest's channel. */
  client(options?: { readonly maxChildren?: number }): { client: TestClient; session: FilesystemSession };
  /** Serves any session. */
  serve(session: ChannelSession): TestClient;
}

/** Everything that serves files, over a namespace, with processes of the host for guests. */
export async function filesystemRig(
  namespace: Namespace | string,
  options: FileTableOptions = {},
): Promise<FilesystemRig> {
  const kernel = await Kernel.create({ ramBytes: 8 * 2 ** 20 });
  onTestFinished(() => kernel.close());
  const host = kernel.createHostProcess('filesystem');
  const served = typeof namespace === 'string' ? new HostDirectory(namespace) : namespace;
  onTestFinished(() => served.close());
  const pager = new PagerService(host);
  const files = new FileTable(host, pager, options);
  const channels = new ChannelServer(host);
  const spawned: SpawnRequest[] = [];
  const errors: unknown[] = [];
  const serve = (session: ChannelSession): TestClient => {
    const guest = kernel.createHostProcess('guest', { pagerBlocking: 'allow' });
    const pair = guest.channelCreate(0).handles;
    const moved = guest.handles.remove(pair[1]);
    if (moved === undefined) throw new Error('the channel has no second end');
    channels.serve(host.handles.add(moved), session);
    return new TestClient(guest, pair[0]);
  };
  return {
    kernel,
    host,
    pager,
    files,
    channels,
    spawned,
    errors,
    serve,
    client({ maxChildren } = {}) {
      const session = new FilesystemSession({
        namespace: served,
        files,
        spawn: (request) => {
          spawned.push(request);
          for (const handle of request.handles) host.handleClose(handle);
          return Promise.resolve(host.eventCreate(0).handle);
        },
        closeHandle: (handle) => host.handleClose(handle),
        onError: (error) => errors.push(error),
        ...(maxChildren === undefined ? {} : { maxChildren }),
      });
      return { client: serve(session), session };
    },
  };
}
