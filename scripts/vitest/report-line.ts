/** Lines that tests leave to be printed at the end of the run. */

/** What a test has to say, in one line each. */
export interface ReportMeta {
  report?: string[];
}

/** How many instructions a file's machines retired, and how many of them in translated code. */
export interface TranslatedMeta {
  translated?: { readonly retired: number; readonly translated: number };
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
