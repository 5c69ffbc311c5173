/** Lines that tests leave to be printed at the end of the run. */

/** What a test has to say, in one line each. */
export interface ReportMeta {
  report?: string[];
}

/**
 * Has a line printed at the end of the run, whether the test passes or not.
 *
 * @param task The test, from its context.
 */
export function reportLine(task: { readonly meta: object }, line: string): void {
  const meta: ReportMeta = task.meta;
  (meta.report ??= []).push(line);
}
