import { PAGE_SIZE } from '@faultline/mmu-emu';
import { guestProgram } from '../demo/demo-program.js';
import { ensureWordListFile, wordListDirectory, type WordListFile } from '../demo/word-list-file.js';
import { EXIT_NOT_LOADED } from '../exit-status.js';
import { FaultlineError } from '../faultline-error.js';
import { HostDirectory, openHostFile } from '../namespace/host-directory.js';
import { formatSummary, grouped, summaryJson, type FileSummary } from '../run-summary.js';
import type { CommandContext } from './command-streams.js';
import { outcomeJson, runGuest, traceHeader, type SessionReport } from './guest-session.js';
import type { DemoOptions } from './options.js';
import { OutputFile } from './output-file.js';

/** What the demonstration is made of; tests take less. */
export interface DemoContent {
  readonly bytes: number;
  readonly seed: number;
  /** Of the word list; null: not checked. */
  readonly sha256: string | null;
  /** A word that is in the list. */
  readonly word: string;
  /** Folder of the word list; null: the cache folder. */
  readonly directory: string | null;
}

export const DEMO_CONTENT: DemoContent = {
  bytes: 64 * 2 ** 20,
  seed: 1,
  sha256: 'd38bebd391c113b9cbba564adfb6a36dc1e472daaea297e774d41102cd6a7ff4',
  word: 'hoobrew',
  directory: null,
};

const MEBIBYTE = 2 ** 20;

/** `faultline demo`: 0 when everything agrees. @throws {UsageError} a file named on the command line cannot be written */
export async function demoCommand(
  options: DemoOptions,
  context: CommandContext,
  content: DemoContent = DEMO_CONTENT,
): Promise<number> {
  const stats = options.statsFile === null ? null : new OutputFile(options.statsFile);
  const trace = options.traceFile === null ? null : new OutputFile(options.traceFile);
  trace?.write(traceHeader());
  try {
    const list = await makeWordList(content, context);
    const demo = new Demo(options, context, list, trace);
    const search = await demo.run('by binary search', [list.name, content.word]);
    if (search.exitStatus !== 0) return search.exitStatus;
    const scan = await demo.run('by reading everything', ['--scan', list.name, content.word]);
    stats?.write(summaryJson(scan.summary, { ...outcomeJson(scan), search: search.summary }));
    if (scan.exitStatus !== 0) return scan.exitStatus;
    return demo.compare(search, scan) ? 0 : 1;
  } catch (error) {
    if (!(error instanceof FaultlineError)) throw error;
    context.stderr.write(`faultline: ${error.message}\n`);
    return EXIT_NOT_LOADED;
  } finally {
    trace?.close();
    stats?.close();
  }
}

class Demo {
  constructor(
    private readonly options: DemoOptions,
    private readonly context: CommandContext,
    private readonly list: WordListFile,
    private readonly trace: OutputFile | null,
  ) {}

  async run(how: string, args: readonly string[]): Promise<SessionReport> {
    const { context, options, trace } = this;
    const namespace = new HostDirectory(this.list.directory);
    try {
      context.stdout.write(`\n${how}: lookup.elf ${args.join(' ')}\n`);
      const program = openHostFile(guestProgram('lookup'));
      const report = await runGuest(
        { namespace, program, name: 'lookup.elf', args, options, trace },
        context,
      );
      if (report.outcome.kind !== 'exited') context.stderr.write(`faultline: ${report.description}\n`);
      context.stdout.write(formatSummary(report.summary));
      return report;
    } finally {
      namespace.close();
    }
  }

  /** Sets the two runs side by side, and checks the pages that were supplied against what the file itself has counted. */
  compare(search: SessionReport, scan: SessionReport): boolean {
    const { stdout } = this.context;
    const pages = this.list.bytes / PAGE_SIZE;
    const searched = this.file(search);
    const scanned = this.file(scan);
    stdout.write(
      `\nOf the ${grouped(pages)} pages of the list, the search read ${grouped(searched.pagesSupplied)} ` +
        `(log2 of ${grouped(pages)} is ${Math.log2(pages).toFixed(1)}), the scan ${grouped(scanned.pagesSupplied)}.\n`,
    );
    let agree = true;
    for (const [how, file] of [
      ['search', searched],
      ['scan', scanned],
    ] as const) {
      const expected = file.pagesSupplied * PAGE_SIZE;
      const right = file.bytesRead === expected;
      agree &&= right;
      const verdict = right
        ? 'as the file counted them itself'
        : `but the file counted ${grouped(file.bytesRead ?? 0)}`;
      stdout.write(
        `  ${how}: ${grouped(file.pagesSupplied)} pages are ${grouped(expected)} bytes, ${verdict}\n`,
      );
    }
    return agree;
  }

  private file(report: SessionReport): FileSummary {
    const found = report.summary.files.find(({ name }) => name === this.list.name);
    if (found === undefined) throw new FaultlineError('not-found', `${this.list.name} was never opened`);
    return found;
  }
}

async function makeWordList(content: DemoContent, context: CommandContext): Promise<WordListFile> {
  const { bytes, seed, sha256 } = content;
  let shown = -1;
  const list = await ensureWordListFile({
    directory: content.directory ?? wordListDirectory(context.environment),
    bytes,
    seed,
    ...(sha256 === null ? {} : { sha256 }),
    onProgress: (written) => {
      const step = Math.floor((10 * written) / bytes);
      if (step === shown) return;
      if (shown === -1) context.stderr.write('Making the word list, once: ');
      shown = step;
      context.stderr.write(step === 10 ? '100%\n' : `${step * 10}% `);
    },
  });
  context.stdout.write(
    `A sorted list of words, ${(bytes / MEBIBYTE).toFixed(0)} MiB, ${grouped(bytes / PAGE_SIZE)} pages: ${list.path}\n`,
  );
  return list;
}
