import { EVENT_SCHEMA, EVENT_SCHEMA_VERSION, WallClock, type KernelEvent } from '@faultline/kernel';
import { EXIT_TIMEOUT } from '../exit-status.js';
import type { Namespace, NamespaceFile } from '../namespace/namespace.js';
import { runProgram, type RunOutcome, type RunReport } from '../run-program.js';
import type { CommandContext } from './command-streams.js';
import type { MachineOptions } from './options.js';
import type { OutputFile } from './output-file.js';

/** What one run of a guest from the command line is made of. */
export interface GuestSession {
  readonly namespace: Namespace;
  readonly program: NamespaceFile | string;
  readonly name: string;
  readonly args: readonly string[];
  readonly options: MachineOptions;
  /** Null: none. */
  readonly trace: OutputFile | null;
}

export interface SessionReport extends RunReport {
  /** How it ended, in words. */
  readonly description: string;
}

class TimeOver extends Error {
  override readonly name = 'TimeOver';
}

/** Runs a guest with the streams, the clock and the interrupts of the command. @throws as `runProgram` */
export async function runGuest(session: GuestSession, context: CommandContext): Promise<SessionReport> {
  const { options, trace, name } = session;
  const abort = new AbortController();
  const stopListening = context.onInterrupt(() => abort.abort(new Error('interrupted')));
  const timer =
    options.timeoutSeconds === null
      ? null
      : setTimeout(() => abort.abort(new TimeOver()), Math.ceil(options.timeoutSeconds * 1e3));
  try {
    const report = await runProgram({
      namespace: session.namespace,
      program: session.program,
      name,
      args: session.args,
      environment: definedOnly(context.environment),
      stdin: context.stdin,
      stdout: context.stdout,
      stderr: context.stderr,
      memoryBytes: options.memoryBytes,
      harts: options.harts,
      clock: new WallClock(context.time),
      hostTime: context.time,
      signal: abort.signal,
      onLog: (severity, text) => {
        if (severity !== 'info') context.stderr.write(`faultline: ${text}\n`);
      },
      onRequestFailure: ({ name: file, range, error }) => {
        const reason = error instanceof Error ? error.message : String(error);
        context.stderr.write(`faultline: reading ${file} at ${range.offset}: ${reason}\n`);
      },
      onError: (error) =>
        context.stderr.write(`faultline: ${error instanceof Error ? error.message : String(error)}\n`),
      ...(options.pagerBlocking === null ? {} : { pagerBlocking: options.pagerBlocking }),
      ...(trace === null ? {} : { onEvent: (event: KernelEvent) => trace.write(eventLine(event)) }),
    });
    const timedOut = report.outcome.kind === 'interrupted' && report.outcome.reason instanceof TimeOver;
    return {
      ...report,
      exitStatus: timedOut ? EXIT_TIMEOUT : report.exitStatus,
      description: timedOut
        ? `${name} was ended after ${options.timeoutSeconds} seconds`
        : describe(report.outcome, name),
    };
  } finally {
    if (timer !== null) clearTimeout(timer);
    stopListening();
  }
}

/** The first line of a trace. */
export function traceHeader(): string {
  return `${JSON.stringify({ schema: EVENT_SCHEMA, version: EVENT_SCHEMA_VERSION })}\n`;
}

/** One line of a trace; keys of 64 bits are strings of decimal digits. */
export function eventLine(event: KernelEvent): string {
  return `${JSON.stringify(event, bigintAsText)}\n`;
}

/** How a run ended, as JSON. */
export function outcomeJson(report: SessionReport): object {
  const { outcome, exitStatus, description } = report;
  return {
    kind: exitStatus === EXIT_TIMEOUT && outcome.kind === 'interrupted' ? 'timeout' : outcome.kind,
    exitStatus,
    description,
    ...('report' in outcome ? { crash: outcome.description } : {}),
    ...('code' in outcome ? { code: String(outcome.code) } : {}),
    ...('waiting' in outcome ? { waiting: outcome.waiting } : {}),
  };
}

function bigintAsText(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}

function describe(outcome: RunOutcome, name: string): string {
  switch (outcome.kind) {
    case 'exited':
      return `${name} exited with code ${outcome.code}`;
    case 'crashed':
      // The kernel's log has said how, on a line of its own.
      return `${name} crashed`;
    case 'killed':
      return `${name} was killed (return code ${outcome.code})`;
    case 'interrupted':
      return `${name} was interrupted`;
    case 'deadlock': {
      const waiting = outcome.waiting.map(
        (thread) =>
          `\n  thread ${thread.thread} "${thread.name}" of ${thread.processName} waits for ${thread.on}`,
      );
      return `${name} can never go on: every thread waits${waiting.join('')}`;
    }
  }
}

function definedOnly(environment: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const defined: Record<string, string> = {};
  for (const [name, value] of Object.entries(environment)) if (value !== undefined) defined[name] = value;
  return defined;
}
