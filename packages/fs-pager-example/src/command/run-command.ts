import { EXIT_NOT_LOADED } from '../exit-status.js';
import { FaultlineError } from '../faultline-error.js';
import { HostDirectory, openHostFile } from '../namespace/host-directory.js';
import type { NamespaceFile } from '../namespace/namespace.js';
import { formatSummary, summaryJson } from '../run-summary.js';
import type { CommandContext } from './command-streams.js';
import { outcomeJson, runGuest, traceHeader } from './guest-session.js';
import { UsageError, type RunOptions } from './options.js';
import { OutputFile } from './output-file.js';

/**
 * `faultline run`
 *
 * @throws {UsageError} the root is no directory, or a file named on the command line cannot be written
 */
export async function runCommand(options: RunOptions, context: CommandContext): Promise<number> {
  const namespace = openRoot(options.root);
  try {
    const stats = options.statsFile === null ? null : new OutputFile(options.statsFile);
    const trace = options.traceFile === null ? null : new OutputFile(options.traceFile);
    trace?.write(traceHeader());
    try {
      const report = await runGuest(
        {
          namespace,
          program: openProgram(options.program, namespace),
          name: options.program,
          args: options.args,
          options,
          trace,
        },
        context,
      );
      context.stderr.write(`faultline: ${report.description}\n${formatSummary(report.summary)}`);
      stats?.write(summaryJson(report.summary, outcomeJson(report)));
      return report.exitStatus;
    } catch (error) {
      if (!(error instanceof FaultlineError)) throw error;
      context.stderr.write(`faultline: ${error.message}\n`);
      stats?.write(
        `${JSON.stringify({ outcome: { kind: 'not-loaded', description: error.message } }, null, 2)}\n`,
      );
      return EXIT_NOT_LOADED;
    } finally {
      trace?.close();
      stats?.close();
    }
  } finally {
    namespace.close();
  }
}

function openRoot(path: string): HostDirectory {
  try {
    return new HostDirectory(path);
  } catch (error) {
    if (error instanceof FaultlineError) throw new UsageError(`--root ${error.message}`, { cause: error });
    throw error;
  }
}

/** A file of this machine; where there is none, one of the root. */
function openProgram(path: string, namespace: HostDirectory): NamespaceFile {
  try {
    return openHostFile(path);
  } catch (error) {
    if (!(error instanceof FaultlineError) || error.code !== 'not-found') throw error;
    try {
      return namespace.openFile(path);
    } catch (inRoot) {
      // The name on the command line is what the user typed: that there is no such file here is the better answer.
      throw inRoot instanceof FaultlineError && inRoot.code !== 'not-found' && inRoot.code !== 'access-denied'
        ? inRoot
        : error;
    }
  }
}
