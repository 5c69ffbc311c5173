import type { Readable, Writable } from 'node:stream';
import {
  Kernel,
  PAGE_SIZE,
  ZX_INFO_PROCESS_FLAG_EXITED,
  ZX_OK,
  ZX_PROCESS_TERMINATED,
  ZX_TASK_RETCODE_CRITICAL_PROCESS_KILL,
  ZX_TASK_RETCODE_EXCEPTION_KILL,
  ZX_TASK_RETCODE_SYSCALL_KILL,
  describeException,
  type CrashReport,
  type HostProcess,
  type KernelEvent,
  type KernelLimits,
  type PagerBlocking,
  type RunResult,
  type WaitingThread,
} from '@faultline/kernel';
import type { Clock } from '@faultline/mmu-emu';
import { PagerService, type PagerServiceOptions, type RequestFailure } from '@faultline/pager-sdk';
import { EXIT_CRASHED, EXIT_DEADLOCK, EXIT_INTERRUPTED, EXIT_KILLED } from './exit-status.js';
import { FaultlineError } from './faultline-error.js';
import { FileBacking } from './namespace/file-backing.js';
import type { Namespace, NamespaceFile } from './namespace/namespace.js';
import type { FileSummary, RunSummary } from './run-summary.js';
import { ChannelServer } from './server/channel-server.js';
import { FileTable, type TableFile } from './server/file-table.js';
import { GuestLauncher } from './server/guest-launcher.js';
import { InputSource } from './server/input-source.js';
import { OutputSink } from './server/output-sink.js';

/** What to run, over what, and connected to what. */
export interface RunProgramOptions {
  /** What guests see of files. It stays the caller's. */
  readonly namespace: Namespace;
  /** A path in the namespace, or a file opened elsewhere, which belongs to the run from now on. */
  readonly program: string | NamespaceFile;
  /** The program's own name, its first argument. Default: `program`, where that is a path. */
  readonly name?: string;
  /** Arguments after the program's own name. */
  readonly args?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Of bytes, without an encoding; read as guests ask. Default: at its end. It is not destroyed. */
  readonly stdin?: Readable | null;
  /** Default: what is written is dropped. Neither is ended. */
  readonly stdout?: Writable | null;
  readonly stderr?: Writable | null;
  /** RAM of the machine; default 256 MiB. */
  readonly memoryBytes?: number;
  /** Harts of the machine, 1 to 8; default 1. */
  readonly harts?: number;
  /** Whether guests' system calls may wait for a pager. Default: as each program's ELF note says. */
  readonly pagerBlocking?: PagerBlocking;
  /** Default: a virtual clock. */
  readonly clock?: Clock;
  /** Nanoseconds of the world outside, for the wall time in the summary and for turns of 5 ms. Default: the time of `clock`. */
  readonly hostTime?: () => number;
  readonly seed?: number;
  readonly limits?: Partial<KernelLimits>;
  readonly pager?: Omit<PagerServiceOptions, 'onError'>;
  /** Processes alive at a time, and children of one guest. Defaults 256 and 64. */
  readonly maxProcesses?: number;
  readonly maxChildren?: number;
  /** Files open at a time, and for one guest. Defaults 1024 and 256. */
  readonly maxFiles?: number;
  readonly maxFilesPerGuest?: number;
  /** Ends the run: `interrupted`. */
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: KernelEvent) => void;
  /** The kernel's log: crashes, warnings. */
  readonly onLog?: (severity: 'info' | 'warning' | 'error', text: string) => void;
  /** Page requests that were failed. */
  readonly onRequestFailure?: (failure: RequestFailure) => void;
  /** Errors of the service that no guest caused. */
  readonly onError?: (error: unknown) => void;
}

/** How the program ended. */
export type RunOutcome =
  | { readonly kind: 'exited'; readonly code: bigint }
  | { readonly kind: 'crashed'; readonly description: string; readonly report: CrashReport }
  /** `code`: the return code that the kernel gave it, below 0. */
  | { readonly kind: 'killed'; readonly code: bigint }
  | { readonly kind: 'deadlock'; readonly waiting: readonly WaitingThread[] }
  | { readonly kind: 'interrupted'; readonly reason: unknown };

/** How a run ended, and what it cost. */
export interface RunReport {
  readonly outcome: RunOutcome;
  /** 0 to 255: the program's exit code modulo 256, or one of ours. */
  readonly exitStatus: number;
  readonly summary: RunSummary;
}

/**
 * Runs a program to its end over a namespace of files. When the program has ended, the guests that it started and that still run are ended with it.
 *
 * @throws {FaultlineError} `not-loaded`, `not-found` and others of the namespace: there is no program that can be started
 * @throws {MachineError} `out-of-memory`, `bad-option`
 */
export async function runProgram(options: RunProgramOptions): Promise<RunReport> {
  const run = await ProgramRun.create(options);
  try {
    return await run.carryOut();
  } finally {
    run.close();
  }
}

class ProgramRun {
  private readonly channels: ChannelServer;
  private readonly files: FileTable;
  private readonly pager: PagerService;
  private readonly stdin: InputSource;
  private readonly launcher: GuestLauncher;
  private readonly closedFiles: FileSummary[] = [];
  private readonly time: () => number;
  private failures = 0;

  private constructor(
    private readonly kernel: Kernel,
    private readonly host: HostProcess,
    private readonly options: RunProgramOptions,
  ) {
    this.time = options.hostTime ?? (() => kernel.clock.now());
    this.pager = new PagerService(host, {
      ...options.pager,
      onError: (failure) => {
        this.failures += 1;
        options.onRequestFailure?.(failure);
      },
    });
    this.files = new FileTable(host, this.pager, {
      onClosed: (file) => this.closedFiles.push(fileSummary(file)),
      ...(options.maxFiles === undefined ? {} : { maxFiles: options.maxFiles }),
      ...(options.maxFilesPerGuest === undefined ? {} : { maxFilesPerUser: options.maxFilesPerGuest }),
    });
    this.channels = new ChannelServer(host);
    this.stdin = new InputSource(options.stdin ?? null);
    this.launcher = new GuestLauncher({
      kernel,
      host,
      channels: this.channels,
      files: this.files,
      namespace: options.namespace,
      stdin: this.stdin,
      stdout: new OutputSink(options.stdout ?? null),
      stderr: new OutputSink(options.stderr ?? null),
      pagerBlocking: options.pagerBlocking ?? null,
      ...(options.maxProcesses === undefined ? {} : { maxProcesses: options.maxProcesses }),
      ...(options.maxChildren === undefined ? {} : { maxChildren: options.maxChildren }),
      ...(options.onError === undefined ? {} : { onError: options.onError }),
    });
  }

  static async create(options: RunProgramOptions): Promise<ProgramRun> {
    const kernel = await Kernel.create({
      ...(options.memoryBytes === undefined ? {} : { ramBytes: options.memoryBytes }),
      ...(options.harts === undefined ? {} : { harts: options.harts }),
      ...(options.clock === undefined ? {} : { clock: options.clock }),
      ...(options.hostTime === undefined ? {} : { hostTime: options.hostTime }),
      ...(options.seed === undefined ? {} : { seed: options.seed }),
      ...(options.limits === undefined ? {} : { limits: options.limits }),
      ...(options.onLog === undefined ? {} : { log: options.onLog }),
      ...(options.onEvent === undefined ? {} : { onEvent: options.onEvent }),
    });
    return new ProgramRun(kernel, kernel.createHostProcess('filesystem'), options);
  }

  async carryOut(): Promise<RunReport> {
    const { options, kernel } = this;
    const begin = this.time();
    const process = await this.launch();
    const ended = this.host.objectWaitOne(process, ZX_PROCESS_TERMINATED).then(() => kernel.stop());
    const result = await kernel.run(options.signal === undefined ? {} : { signal: options.signal });
    const outcome = this.outcome(process, result);
    const wallNanoseconds = Math.max(0, this.time() - begin);
    const summary = this.summary(wallNanoseconds);
    this.host.handleClose(process);
    // Its end, or the end of the kernel, settles this; nothing may be left that does so later.
    void ended;
    return { outcome, exitStatus: exitStatus(outcome), summary };
  }

  /** A backing that never answers is not waited for: its file closes when it does. */
  close(): void {
    this.stdin.close();
    this.channels.close();
    this.pager.close();
    this.kernel.close();
  }

  private async launch(): Promise<number> {
    const { program, namespace, args = [], environment = {} } = this.options;
    const file = typeof program === 'string' ? await namespace.openFile(program) : program;
    const name = this.options.name ?? (typeof program === 'string' ? program : 'program');
    return this.launcher.launch({
      name,
      file,
      args: [name, ...args],
      environment: Object.entries(environment).map(([key, value]) => `${key}=${value}`),
      handles: [],
      parent: null,
    });
  }

  private outcome(process: number, result: RunResult): RunOutcome {
    const { status, returnCode, flags } = this.host.processInfo(process);
    if (status !== ZX_OK) throw new FaultlineError('kernel', `zx_object_get_info: ${status}`, { status });
    if ((flags & ZX_INFO_PROCESS_FLAG_EXITED) === 0) {
      return result.outcome === 'deadlock'
        ? { kind: 'deadlock', waiting: result.waiting.filter(({ thread }) => thread !== 0) }
        : { kind: 'interrupted', reason: this.options.signal?.reason };
    }
    const { crash } = this.host.processCrash(process);
    if (crash !== null)
      return { kind: 'crashed', description: describeException(crash.exception), report: crash };
    // The code of a crash without one is what the program itself gave, having it from a child perhaps.
    const killed =
      returnCode <= ZX_TASK_RETCODE_SYSCALL_KILL &&
      returnCode >= ZX_TASK_RETCODE_CRITICAL_PROCESS_KILL &&
      returnCode !== BigInt(ZX_TASK_RETCODE_EXCEPTION_KILL);
    return killed ? { kind: 'killed', code: returnCode } : { kind: 'exited', code: returnCode };
  }

  private summary(wallNanoseconds: number): RunSummary {
    const statistics = this.kernel.statistics();
    const { metrics } = this.pager;
    const { read, write, execute } = statistics.faults;
    return {
      pageRequests: metrics.requests,
      pagesSupplied: metrics.pagesSupplied,
      bytesRead: metrics.bytesSupplied,
      failures: this.failures,
      faults: {
        read: read.resolved + read.fatal,
        write: write.resolved + write.fatal,
        execute: execute.resolved + execute.fatal,
      },
      systemCalls: statistics.systemCalls,
      contextSwitches: statistics.contextSwitches,
      instructions: statistics.instructions,
      wallNanoseconds,
      files: [...this.closedFiles, ...[...this.files.files].map(fileSummary)],
    };
  }
}

function fileSummary(file: TableFile): FileSummary {
  const { backing, pagesSupplied, requests, size } = file.vmo;
  return {
    name: file.name,
    bytes: size,
    pages: Math.ceil(size / PAGE_SIZE),
    pagesSupplied,
    pageRequests: requests,
    bytesRead: backing instanceof FileBacking ? backing.bytesRead : null,
  };
}

function exitStatus(outcome: RunOutcome): number {
  switch (outcome.kind) {
    case 'exited':
      return Number(BigInt.asUintN(8, outcome.code));
    case 'crashed':
      return EXIT_CRASHED;
    case 'killed':
      return EXIT_KILLED;
    case 'deadlock':
      return EXIT_DEADLOCK;
    case 'interrupted':
      return EXIT_INTERRUPTED;
  }
}
