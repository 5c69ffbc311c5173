import type { Readable, Writable } from 'node:stream';

/** What the command is connected to. */
export interface CommandContext {
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Nanoseconds from any start, of the real world. */
  readonly time: () => number;
  /** Calls back once when the user interrupts. Returns the end of listening. */
  readonly onInterrupt: (callback: () => void) => () => void;
}

/** The process's own streams, time and signals. */
export function processContext(): CommandContext {
  return {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    environment: process.env,
    time: () => performance.now() * 1e6,
    onInterrupt: (callback) => {
      // Once: whoever interrupts a second time does not want to wait for an orderly end.
      process.once('SIGINT', callback);
      return () => process.off('SIGINT', callback);
    },
  };
}
