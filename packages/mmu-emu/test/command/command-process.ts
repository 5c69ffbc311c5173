/** Runs the command in a process of its own, from its sources as a build puts them together. */

import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const source = (path: string): string => fileURLToPath(new URL(`../../src/${path}`, import.meta.url));

/** How a process ended, and what it wrote. */
export interface ProcessEnd {
  readonly status: number | null;
  readonly output: Buffer;
  readonly errors: string;
}

/** The command as a file that Node runs. */
export class CommandProcess {
  readonly #launcher: string;

  private constructor(launcher: string) {
    this.#launcher = launcher;
  }

  /** @param folder where it may write files. */
  static async in(folder: string): Promise<CommandProcess> {
    const bundle = join(folder, 'command.mjs');
    await build({
      entryPoints: [source('command/main.ts')],
      outfile: bundle,
      bundle: true,
      format: 'esm',
      platform: 'node',
      logLevel: 'silent',
      alias: { '@faultline/mmu-emu': source('index.ts') },
    });
    const launcher = join(folder, 'launcher.mjs');
    writeFileSync(
      launcher,
      "import { main } from './command.mjs';\nprocess.exitCode = await main(process.argv.slice(2));\n",
    );
    return new CommandProcess(launcher);
  }

  /** Runs it to its end, without input. */
  run(args: readonly string[]): ProcessEnd {
    const { status, stdout, stderr } = spawnSync(process.execPath, [this.#launcher, ...args], { input: '' });
    return { status, output: stdout, errors: stderr.toString() };
  }
}
