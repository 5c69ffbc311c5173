import type { Reporter, TestModule } from 'vitest/node';
import type { NotRunMeta } from './needs-tool.js';
import type { CountsMeta, TranslatedMeta } from './report-counts.js';

/** The project that has all tests. */
const FIRST_PROJECT = 'faultline';

/** Prints at the end of a run what its tests have counted, and what they left out for want of a tool: a line each, and their number. */
export default class NotRunReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    let count = 0;
    printTranslated(modules);
    printCounts(modules);
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const { notRun } = test.meta() as NotRunMeta;
        if (notRun === undefined) continue;
        count++;
        process.stdout.write(`not run: ${notRun}\n`);
      }
    }
    if (count > 0) process.stdout.write(`not run for want of a tool: ${count}\n`);
  }
}

/** What tests have counted, summed up for each project: a line for each thing that is counted. */
function printCounts(modules: readonly TestModule[]): void {
  const lines = new Map<string, Map<string, number>>();
  for (const module of modules) {
    const { name } = module.project;
    const suffix = name === FIRST_PROJECT ? '' : ` (${name})`;
    for (const test of module.children.allTests()) {
      for (const [what, counts] of Object.entries((test.meta() as CountsMeta).counts ?? {})) {
        const line = what + suffix;
        const sums = lines.get(line) ?? new Map<string, number>();
        lines.set(line, sums);
        for (const [key, count] of Object.entries(counts)) sums.set(key, (sums.get(key) ?? 0) + count);
      }
    }
  }
  for (const [what, sums] of [...lines].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const list = [...sums].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, count]) => `${name} ${count}`);
    process.stdout.write(`${what}: ${list.join(', ')}\n`);
  }
}

/** How much of what machines ran was translated, where tests run with all guest code translated. */
function printTranslated(modules: readonly TestModule[]): void {
  const files = modules.flatMap((module) => {
    const { translated: share } = module.meta() as TranslatedMeta;
    if (share === undefined || share.retired === 0) return [];
    return [{ name: module.relativeModuleId.replace(/^.*\/test\//, ''), ...share }];
  });
  if (files.length === 0) return;
  const retired = files.reduce((sum, file) => sum + file.retired, 0);
  const translated = files.reduce((sum, file) => sum + file.translated, 0);
  const list = files
    .map((file) => ({ ...file, percent: (100 * file.translated) / file.retired }))
    .sort((a, b) => a.percent - b.percent)
    .map(({ name, percent }) => `${name} ${percent.toFixed(0)}%`);
  process.stdout.write(
    `retired in translated code: ${((100 * translated) / retired).toFixed(1)}% of ${retired} instructions; ${list.join(', ')}\n`,
  );
}
