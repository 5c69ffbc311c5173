import type { Reporter, TestModule } from 'vitest/node';
import type { NotRunMeta } from './needs-tool.js';
import type { ReportMeta } from './report-line.js';

/** Prints at the end of a run what its tests report, and what they left out for want of a tool: a line each, and their number. */
export default class NotRunReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    let count = 0;
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
