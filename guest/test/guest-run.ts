/** Runs guest programs over a temporary directory, on the real kernel and filesystem pager. */
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import {
  HostDirectory,
  runProgram,
  type FileSummary,
  type RunOutcome,
  type RunProgramOptions,
  type RunReport,
} from '@faultline/fs-pager-example';
import { GUEST_BIN, PROGRAMS } from './guest-bin.js';

/** What a program did. */
export interface GuestRun {
  readonly stdout: string;
  readonly stderr: string;
  readonly outcome: RunOutcome;
  /** 0 to 255. */
  readonly exitStatus: number;
  readonly summary: RunReport['summary'];
}

/** How to run it. */
export interface GuestRunOptions extends Pick<
  RunProgramOptions,
  'environment' | 'memoryBytes' | 'harts' | 'pagerBlocking' | 'limits' | 'seed' | 'maxChildren'
> {
  /** What it reads from standard input; default nothing. */
  readonly input?: string | Uint8Array;
}

/** A stream that keeps what is written to it. */
class Collector extends Writable {
  private readonly chunks: Uint8Array[] = [];

  override _write(chunk: Uint8Array, _encoding: string, done: () => void): void {
    this.chunks.push(Uint8Array.from(chunk));
    done();
  }

  /** One character a byte. */
  get text(): string {
    return Buffer.concat(this.chunks).toString('latin1');
  }
}

/** A directory that guests see, with all the guest programs in it. */
export class GuestDirectory {
  readonly path = mkdtempSync(join(tmpdir(), 'faultline-guest-'));

  constructor() {
    for (const program of PROGRAMS) {
      copyFileSync(join(GUEST_BIN, `${program}.elf`), join(this.path, `${program}.elf`));
    }
  }

  /** Writes a file, and its folders. */
  write(name: string, contents: string | Uint8Array): void {
    const path = join(this.path, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, contents);
  }

  /** Runs a program to its end. */
  async run(program: string, args: readonly string[] = [], options: GuestRunOptions = {}): Promise<GuestRun> {
    const { input, ...others } = options;
    const namespace = new HostDirectory(this.path);
    const stdout = new Collector();
    const stderr = new Collector();
    try {
      const report = await runProgram({
        namespace,
        program: `${program}.elf`,
        args,
        stdin: input === undefined ? null : Readable.from([Buffer.from(input)], { objectMode: false }),
        stdout,
        stderr,
        memoryBytes: 32 * 1024 * 1024,
        ...others,
      });
      const { outcome, exitStatus, summary } = report;
      return { stdout: stdout.text, stderr: stderr.text, outcome, exitStatus, summary };
    } finally {
      namespace.close();
    }
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** What a run read of a file. */
export function fileSummary(run: GuestRun, name: string): FileSummary {
  const file = run.summary.files.find((summary) => summary.name === name);
  if (file === undefined) {
    throw new Error(
      `${name} was not opened; ${run.summary.files.map((summary) => summary.name).join(', ')} were`,
    );
  }
  return file;
}
