import type { Reporter, TestModule } from 'vitest/node';
import type { NotRunMeta } from './needs-tool.js';
import type { ReportMeta, TranslatedMeta } from './report-line.js';

/** Prints at the end of a run what its tests report, and what they left out for want of a tool: a line each, and their number. */
export default class NotRunReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    let count = 0;
    printTranslated(modules);
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const { notRun, report } = test.meta() as NotRunMeta & ReportMeta;
        for (const line of report ?? []) process.stdout.write(`${line}\n`);
        if (notRun === undefined) continue;
        count++;
        process.stdout.write(`not run: ${notRun}\n`);
      }
    }
    if (count > 0) process.stdout.write(`not run for want of a tool: ${count}\n`);
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
