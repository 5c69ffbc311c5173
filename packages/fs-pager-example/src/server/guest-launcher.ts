import {
  PA_FD,
  PA_HND,
  PA_USER0,
  PA_USER1,
  ZX_OK,
  ZX_PROCESS_TERMINATED,
  ZX_RIGHT_SAME_RIGHTS,
  type BootstrapHandle,
  type HostProcess,
  type Kernel,
  type PagerBlocking,
} from '@faultline/kernel';
import { FaultlineError } from '../faultline-error.js';
import type { Namespace, NamespaceFile } from '../namespace/namespace.js';
import type { ChannelServer, ChannelSession } from './channel-server.js';
import type { FileTable } from './file-table.js';
import { FilesystemSession, type SpawnRequest } from './filesystem-session.js';
import type { InputSource } from './input-source.js';
import type { OutputSink } from './output-sink.js';
import { StdioSession } from './stdio-session.js';

/** What a launcher works with. */
export interface LauncherParts {
  readonly kernel: Kernel;
  readonly host: HostProcess;
  readonly channels: ChannelServer;
  readonly files: FileTable;
  readonly namespace: Namespace;
  readonly stdin: InputSource;
  readonly stdout: OutputSink;
  readonly stderr: OutputSink;
  /** Null: as each program's ELF note says. */
  readonly pagerBlocking: PagerBlocking | null;
  /** Processes alive at a time. Default 256. */
  readonly maxProcesses?: number;
  /** Children of one guest alive at a time. Default 64. */
  readonly maxChildren?: number;
  /** Hears of errors that are no fault of a guest. */
  readonly onError?: (error: unknown) => void;
}

/** What a program is started with. */
export interface Launch {
  /** As it was called, for reports. */
  readonly name: string;
  readonly file: NamespaceFile;
  /** The first one is the program's own name. */
  readonly args: readonly string[];
  readonly environment: readonly string[];
  /** They reach the program as PA_HND(PA_USER1, i), and belong to the launcher from now on. */
  readonly handles: readonly number[];
  /** The guest that asked for it; null: nobody did. */
  readonly parent: FilesystemSession | null;
}

/**
 * Starts guests: each gets channels for its standard streams and for the filesystem, and its image from a file, mapped and read page by page.
 * A guest may start others through its filesystem channel; they may do no more than it may itself.
 */
export class GuestLauncher {
  private processes = 0;
  /** What each guest's system calls may do. */
  private readonly policies = new WeakMap<FilesystemSession, PagerBlocking>();

  constructor(private readonly parts: LauncherParts) {}

  /** Processes alive. */
  get processCount(): number {
    return this.processes;
  }

  /**
   * @param launch its file and its handles belong to the launcher, also when this fails
   * @returns a process handle that belongs to the caller
   * @throws {FaultlineError} `not-loaded`, `limit-reached`, `kernel`
   */
  async launch(launch: Launch): Promise<number> {
    const { host, files, maxProcesses = 256 } = this.parts;
    let executable: number;
    try {
      if (this.processes >= maxProcesses) {
        void launch.file.backing.close?.();
        throw new FaultlineError('limit-reached', `${maxProcesses} processes run already`);
      }
      executable = files.open(launch.file, launch.name, launch.parent, true).handle;
    } catch (error) {
      for (const handle of launch.handles) host.handleClose(handle);
      throw error;
    }
    this.processes += 1;
    if (launch.parent !== null) launch.parent.children += 1;
    try {
      const process = await this.start(launch, executable);
      void this.watch(process, launch.parent);
      return process;
    } catch (error) {
      this.ended(launch.parent);
      throw error;
    } finally {
      host.handleClose(executable);
    }
  }

  private async start(launch: Launch, executable: number): Promise<number> {
    const { kernel, host, pagerBlocking } = this.parts;
    const session = new FilesystemSession({
      namespace: this.parts.namespace,
      files: this.parts.files,
      spawn: (request, parent) => this.spawn(request, parent),
      closeHandle: (handle) => host.handleClose(handle),
      ...(this.parts.maxChildren === undefined ? {} : { maxChildren: this.parts.maxChildren }),
      ...(this.parts.onError === undefined ? {} : { onError: this.parts.onError }),
    });
    const limit = launch.parent === null ? undefined : this.policies.get(launch.parent);
    const result = await kernel.startProcess(host, {
      name: lastPart(launch.name),
      executable,
      arguments: launch.args,
      environment: launch.environment,
      handles: this.bootstrapHandles(session, launch.handles),
      ...(pagerBlocking === null ? {} : { pagerBlocking }),
      ...(limit === undefined ? {} : { pagerBlockingLimit: limit }),
    });
    if (result.error !== null) {
      const { error, status } = result;
      throw new FaultlineError('not-loaded', `${launch.name}: ${error.message}`, {
        cause: error,
        ...(status === ZX_OK ? {} : { status }),
      });
    }
    this.policies.set(session, result.pagerBlocking);
    return result.process;
  }

  private bootstrapHandles(session: FilesystemSession, given: readonly number[]): BootstrapHandle[] {
    const { stdin, stdout, stderr, host } = this.parts;
    const closeHandle = (handle: number): unknown => host.handleClose(handle);
    return [
      ...[stdin, stdout, stderr].map((stream, index) => ({
        info: PA_HND(PA_FD, index),
        handle: this.serve(new StdioSession(stream, closeHandle)),
      })),
      { info: PA_HND(PA_USER0, 0), handle: this.serve(session) },
      ...given.map((handle, index) => ({ info: PA_HND(PA_USER1, index), handle })),
    ];
  }

  /** @returns the guest's end of a channel that `session` serves */
  private serve(session: ChannelSession): number {
    const { status, handles } = this.parts.host.channelCreate(0);
    if (status !== ZX_OK) throw new FaultlineError('kernel', `zx_channel_create: ${status}`, { status });
    this.parts.channels.serve(handles[0], session);
    return handles[1];
  }

  private async spawn(request: SpawnRequest, parent: FilesystemSession): Promise<number> {
    const { path, args, environment, handles } = request;
    let file: NamespaceFile;
    try {
      file = await this.parts.namespace.openFile(path);
    } catch (error) {
      for (const handle of handles) this.parts.host.handleClose(handle);
      throw error;
    }
    return this.launch({ name: path, file, args, environment, handles, parent });
  }

  private async watch(process: number, parent: FilesystemSession | null): Promise<void> {
    const { host } = this.parts;
    const { handle } = host.handleDuplicate(process, ZX_RIGHT_SAME_RIGHTS);
    await host.objectWaitOne(handle, ZX_PROCESS_TERMINATED);
    host.handleClose(handle);
    this.ended(parent);
  }

  private ended(parent: FilesystemSession | null): void {
    this.processes -= 1;
    if (parent !== null) parent.children -= 1;
  }
}

function lastPart(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
