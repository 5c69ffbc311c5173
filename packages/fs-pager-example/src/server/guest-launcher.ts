import {
  PA_FD,
  PA_HND,
  PA_USER0,
  PA_USER1,
  ZX_OK,
  ZX_PROCESS_TERMINATED,
  ZX_RIGHT_SAME_RIGHTS,
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

export interface LauncherParts {
  readonly kernel: Kernel;
  readonly host: HostProcess;
  readonly channels: ChannelServer;
  readonly files: FileTable;
  readonly namespace: Namespace;
  readonly stdin: InputSource;
  readonly stdout: OutputSink;
  readonly stderr: OutputSink;
  /** Undefined: as each program's ELF note says. */
  readonly pagerBlocking: PagerBlocking | undefined;
  /** Processes alive at a time. Default 256. */
  readonly maxProcesses?: number;
  /** Children of one guest alive at a time. Default 64. */
  readonly maxChildren?: number;
  readonly onError?: (error: unknown) => void;
}

/** What a program is started with. */
export interface Launch {
  /** As it was called; becomes the process's name and, without `args`, its only argument. */
  readonly name: string;
  readonly file: NamespaceFile;
  /** The first one is the program's own name. */
  readonly args: readonly string[];
  readonly environment: readonly string[];
  /** For PA_USER1; they belong to the launcher from now on. */
  readonly handles: readonly number[];
  /** Who is charged for the program's file. */
  readonly parent: FilesystemSession | null;
}

/**
 * Starts guests: each gets channels for its standard streams and for the filesystem, and its image from a file of the namespace, mapped and
 * read page by page. A guest may start others through its filesystem channel.
 */
export class GuestLauncher {
  private processes = 0;
  private readonly watches = new AbortController();

  constructor(private readonly parts: LauncherParts) {}

  /**
   * @param launch its file and its handles belong to the launcher, also when this fails
   * @returns a process handle that belongs to the caller
   * @throws {FaultlineError} `not-loaded`, `limit-reached`, `kernel`
   */
  async launch(launch: Launch): Promise<number> {
    const { kernel, host, files, maxProcesses = 256 } = this.parts;
    const given = [...launch.handles];
    let executable: number;
    try {
      if (this.processes >= maxProcesses) {
        throw new FaultlineError('limit-reached', `${maxProcesses} processes run already`);
      }
      executable = files.open(launch.file, launch.name, launch.parent, true).handle;
    } catch (error) {
      for (const handle of given) host.handleClose(handle);
      throw error;
    }
    this.processes += 1;
    const session = this.filesystemSession();
    try {
      const process = await kernel.startProcess(host, {
        name: lastPart(launch.name),
        executable,
        args: launch.args,
        environment: launch.environment,
        handles: [
          { info: PA_HND(PA_FD, 0), handle: this.serve(this.stdioSession(this.parts.stdin)) },
          { info: PA_HND(PA_FD, 1), handle: this.serve(this.stdioSession(this.parts.stdout)) },
          { info: PA_HND(PA_FD, 2), handle: this.serve(this.stdioSession(this.parts.stderr)) },
          { info: PA_HND(PA_USER0, 0), handle: this.serve(session) },
          ...given.map((handle, index) => ({ info: PA_HND(PA_USER1, index), handle })),
        ],
        ...(this.parts.pagerBlocking === undefined ? {} : { pagerBlocking: this.parts.pagerBlocking }),
      });
      return process;
    } catch (error) {
      this.processes -= 1;
      throw error;
    }
  }
}

function lastPart(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
