import { createRequire } from 'node:module';
import { KernelError } from '@faultline/kernel';
import { MachineError } from '@faultline/mmu-emu';
import { EXIT_NOT_LOADED, EXIT_USAGE } from '../exit-status.js';
import { processContext, type CommandContext } from './command-streams.js';
import { demoCommand } from './demo-command.js';
import { DEMO_HELP, HELP, RUN_HELP } from './help.js';
import { parseOptions, UsageError } from './options.js';
import { runCommand } from './run-command.js';

/**
 * The `faultline` command.
 *
 * @param args what follows the command's name
 * @returns the exit status; see `faultline run --help`
 */
export async function main(
  args: readonly string[],
  context: CommandContext = processContext(),
): Promise<number> {
  const { stdout, stderr } = context;
  try {
    const options = parseOptions(args);
    switch (options.action) {
      case 'help':
        stdout.write(options.topic === 'run' ? RUN_HELP : options.topic === 'demo' ? DEMO_HELP : HELP);
        return 0;
      case 'version':
        stdout.write(`faultline ${packageVersion()}\n`);
        return 0;
      case 'run':
        return await runCommand(options, context);
      case 'demo':
        return await demoCommand(options, context);
    }
  } catch (error) {
    if (error instanceof UsageError) {
      stderr.write(`faultline: ${error.message}\n`);
      return EXIT_USAGE;
    }
    if (error instanceof MachineError || error instanceof KernelError) {
      stderr.write(`faultline: ${error.message}\n`);
      return EXIT_NOT_LOADED;
    }
    throw error;
  }
}

function packageVersion(): string {
  const require = createRequire(import.meta.url);
  const { version } = require('@faultline/fs-pager-example/package.json') as { version: string };
  return version;
}
