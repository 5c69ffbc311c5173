import { ZX_ERR_IO, ZX_OK } from '@faultline/kernel';
import { PagerError } from '@faultline/pager-sdk';
import { FaultlineError } from '../faultline-error.js';
import type { Namespace } from '../namespace/namespace.js';
import {
  FS_LIST,
  FS_OPEN,
  FS_SPAWN,
  FS_STAT,
  listReply,
  MAX_SPAWN_HANDLES,
  OPEN_EXECUTE,
  OPEN_WRITE,
  openBody,
  readFilesystemRequest,
  readHeader,
  reply,
  statBody,
  type FilesystemRequest,
  type MessageHeader,
} from '../protocol.js';
import type { ChannelSession, Reply } from './channel-server.js';
import type { FileTable, FileUser } from './file-table.js';

/** A program that a guest wants to have started. */
export interface SpawnRequest {
  readonly path: string;
  readonly args: readonly string[];
  readonly environment: readonly string[];
  /** They belong to the receiver, which gives them to the child or closes them. */
  readonly handles: readonly number[];
}

/** What a session works with. */
export interface FilesystemSessionOptions {
  readonly namespace: Namespace;
  readonly files: FileTable;
  /** Starts a program. @returns a process handle for the guest. @throws {FaultlineError} */
  readonly spawn: (request: SpawnRequest, session: FilesystemSession) => Promise<number>;
  readonly closeHandle: (handle: number) => unknown;
  /** Children of a guest alive at a time. Default 64. */
  readonly maxChildren?: number;
  /** Hears of errors that are no fault of the guest. */
  readonly onError?: (error: unknown) => void;
}

/**
 * One guest's side of the filesystem. Requests are answered in order; whatever a guest sends, it gets a status back, and only its own
 * limits are touched. A message too short to have a header is dropped: there is nothing to address a reply to.
 */
export class FilesystemSession implements ChannelSession, FileUser {
  openFiles = 0;
  /** Children alive. */
  children = 0;
  private readonly maxChildren: number;

  constructor(private readonly options: FilesystemSessionOptions) {
    this.maxChildren = options.maxChildren ?? 64;
  }

  handle(message: Uint8Array, handles: readonly number[]): Reply | null | Promise<Reply | null> {
    const header = readHeader(message);
    let request: FilesystemRequest;
    try {
      if (header === null) throw new FaultlineError('bad-message', 'shorter than a header');
      request = readFilesystemRequest(header, message);
      if (request.operation !== FS_SPAWN && handles.length > 0) {
        throw new FaultlineError('bad-message', 'handles where none belong');
      }
    } catch (error) {
      this.closeAll(handles);
      return header === null ? null : this.failed(header, error);
    }
    return this.answer(header, request, handles).catch((error: unknown) => this.failed(header, error));
  }

  closed(): void {}

  private async answer(
    header: MessageHeader,
    request: FilesystemRequest,
    handles: readonly number[],
  ): Promise<Reply> {
    const { namespace } = this.options;
    switch (request.operation) {
      case FS_OPEN:
        return this.open(header, request.flags, request.path);
      case FS_STAT: {
        const { size, kind } = await namespace.stat(request.path);
        return { bytes: reply(header, ZX_OK, 0, statBody(size, kind)) };
      }
      case FS_LIST:
        return { bytes: listReply(header, await namespace.list(request.path), request.firstIndex) };
      case FS_SPAWN: {
        const { path, args, environment } = request;
        return this.spawn(header, { path, args, environment, handles });
      }
    }
  }

  private async open(header: MessageHeader, flags: number, path: string): Promise<Reply> {
    if ((flags & OPEN_WRITE) !== 0) throw new FaultlineError('access-denied', `${path}: files are read-only`);
    const opened = await this.options.namespace.openFile(path);
    const { handle, file } = this.options.files.open(opened, path, this, (flags & OPEN_EXECUTE) !== 0);
    return { bytes: reply(header, ZX_OK, 0, openBody(file.size)), handles: [handle] };
  }

  private async spawn(header: MessageHeader, request: SpawnRequest): Promise<Reply> {
    const refusal =
      request.handles.length > MAX_SPAWN_HANDLES
        ? new FaultlineError('limit-reached', `more than ${MAX_SPAWN_HANDLES} handles`)
        : this.children >= this.maxChildren
          ? new FaultlineError('limit-reached', `${this.maxChildren} children are alive already`)
          : null;
    if (refusal !== null) {
      this.closeAll(request.handles);
      throw refusal;
    }
    return { bytes: reply(header, ZX_OK), handles: [await this.options.spawn(request, this)] };
  }

  private closeAll(handles: readonly number[]): void {
    for (const handle of handles) this.options.closeHandle(handle);
  }

  private failed(header: MessageHeader, error: unknown): Reply {
    if (error instanceof FaultlineError) return { bytes: reply(header, error.status) };
    this.options.onError?.(error);
    return { bytes: reply(header, error instanceof PagerError ? error.status : ZX_ERR_IO) };
  }
}
