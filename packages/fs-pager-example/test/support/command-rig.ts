import { PassThrough, Readable } from 'node:stream';
import { main } from '../../src/command/main.js';
import type { CommandContext } from '../../src/command/command-streams.js';
import { Collector } from './guest-files.js';

export interface CommandResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Standard output, byte for byte. */
  readonly output: Uint8Array;
}

export interface CommandInput {
  readonly input?: Uint8Array | string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Interrupts when standard output has shown this. */
  readonly interruptAt?: string;
}

/** The streams of a command, and what came out of them. */
export function commandContext(options: CommandInput = {}): {
  context: CommandContext;
  output: Collector;
  errors: Collector;
} {
  const errors = new Collector();
  let interrupt: () => void = () => undefined;
  const output = new (class extends Collector {
    override _write(chunk: Uint8Array, encoding: string, done: () => void): void {
      super._write(chunk, encoding, done);
      if (options.interruptAt !== undefined && this.text.includes(options.interruptAt)) interrupt();
    }
  })();
  const { input } = options;
  const context: CommandContext = {
    stdin:
      input === undefined
        ? new PassThrough().end()
        : Readable.from([Buffer.from(input)], { objectMode: false }),
    stdout: output,
    stderr: errors,
    environment: options.environment ?? {},
    time: () => performance.now() * 1e6,
    onInterrupt: (callback) => {
      interrupt = callback;
      return () => (interrupt = () => undefined);
    },
  };
  return { context, output, errors };
}

/** Runs the command in this process. */
export async function command(args: readonly string[], options: CommandInput = {}): Promise<CommandResult> {
  const { context, output, errors } = commandContext(options);
  const status = await main(args, context);
  return { status, stdout: output.text, stderr: errors.text, output: output.bytes };
}
