/** Numbers that tests leave to be printed at the end of the run. */

/** What tests have counted: numbers by name, by what they are the numbers of. */
export interface CountsMeta {
  counts?: Record<string, Readonly<Record<string, number>>>;
}

/** How many instructions a file's machines retired, and how many of them in translated code. */
export interface TranslatedMeta {
  translated?: { readonly retired: number; readonly translated: number };
}

/**
 * Has numbers printed at the end of the run, in one line with the sums of all tests of the project that count the same.
 *
 * @param task The test, from its context.
 * @param what What is counted: the beginning of the line. A test has it once.
 */
export function reportCounts(
  task: { readonly meta: object },
  what: string,
  counts: Readonly<Record<string, number>>,
): void {
  const meta: CountsMeta = task.meta;
  (meta.counts ??= {})[what] = counts;
}
