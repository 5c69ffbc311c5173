/** What a run has cost, in numbers: for people, and as JSON. */

export interface FileSummary {
  readonly name: string;
  readonly bytes: number;
  /** Pages of the whole file. */
  readonly pages: number;
  /** Pages that were supplied. More than `pages` when some were evicted and read again. */
  readonly pagesSupplied: number;
  readonly pageRequests: number;
  /** Bytes that the backing itself counted; null when it does not count. */
  readonly bytesRead: number | null;
}

/** Page faults by what was attempted; those that waited for a page count once. */
export interface FaultCounts {
  readonly read: number;
  readonly write: number;
  readonly execute: number;
}

/** What a run has cost. */
export interface RunSummary {
  readonly pageRequests: number;
  readonly pagesSupplied: number;
  /** Bytes read from all backings, as the service counted them. */
  readonly bytesRead: number;
  /** Requests that were failed. */
  readonly failures: number;
  readonly faults: FaultCounts;
  readonly systemCalls: number;
  readonly contextSwitches: number;
  readonly instructions: number;
  readonly wallNanoseconds: number;
  /** In the order in which they were opened first. */
  readonly files: readonly FileSummary[];
}

/** Version of the JSON form. */
export const SUMMARY_SCHEMA = 'faultline-summary';
export const SUMMARY_SCHEMA_VERSION = 1;

/** Millions of instructions a second; 0 when no time has passed. */
export function mips(summary: Pick<RunSummary, 'instructions' | 'wallNanoseconds'>): number {
  return summary.wallNanoseconds === 0 ? 0 : (summary.instructions / summary.wallNanoseconds) * 1e3;
}

/** The summary as a table, each line ending in a line feed. */
export function formatSummary(summary: RunSummary): string {
  const { faults } = summary;
  const faultCount = faults.read + faults.write + faults.execute;
  const rows: [string, string, string][] = [
    [
      'page requests',
      grouped(summary.pageRequests),
      summary.failures > 0 ? `${grouped(summary.failures)} failed` : '',
    ],
    ['pages supplied', grouped(summary.pagesSupplied), ''],
    ['bytes read', grouped(summary.bytesRead), `from ${counted(summary.files.length, 'file')}`],
    [
      'page faults',
      grouped(faultCount),
      `${grouped(faults.read)} read, ${grouped(faults.write)} write, ${grouped(faults.execute)} execute`,
    ],
    ['system calls', grouped(summary.systemCalls), ''],
    ['context switches', grouped(summary.contextSwitches), ''],
    ['instructions', grouped(summary.instructions), `${mips(summary).toFixed(1)} MIPS`],
    ['wall time', `${(summary.wallNanoseconds / 1e6).toFixed(1)}`, 'ms'],
  ];
  const files = summary.files.map((file): [string, string, string] => [
    file.name,
    grouped(file.pagesSupplied),
    `of ${grouped(file.pages)} pages, ${grouped(file.pageRequests)} requests`,
  ]);
  const all = [...rows, ...files];
  const labelWidth = Math.max(...all.map(([label]) => label.length));
  const numberWidth = Math.max(...all.map(([, number]) => number.length));
  const line = ([label, number, note]: [string, string, string]): string =>
    `  ${label.padEnd(labelWidth)}  ${number.padStart(numberWidth)}  ${note}`.trimEnd() + '\n';
  const filePart = files.length === 0 ? '' : `pages supplied by file\n${files.map(line).join('')}`;
  return `paging summary\n${rows.map(line).join('')}${filePart}`;
}

/** The summary as JSON, with schema and version; `outcome` says how the run ended. */
export function summaryJson(summary: RunSummary, outcome: object): string {
  const document = {
    schema: SUMMARY_SCHEMA,
    version: SUMMARY_SCHEMA_VERSION,
    outcome,
    ...summary,
    mips: Number(mips(summary).toFixed(3)),
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** A number with its thousands apart. */
export function grouped(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',');
}

function counted(count: number, what: string): string {
  return `${grouped(count)} ${what}${count === 1 ? '' : 's'}`;
}
