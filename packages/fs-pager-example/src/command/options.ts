import { PAGE_SIZE } from '@faultline/mmu-emu';
import { parseArgs } from 'node:util';

/** A command line that cannot be followed; the message is for the person who typed it. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Options that `run` and `demo` share. */
export interface MachineOptions {
  readonly memoryBytes: number;
  readonly harts: number;
  /** Null: as the program's ELF note says. */
  readonly pagerBlocking: 'allow' | 'fail' | null;
  readonly statsFile: string | null;
  readonly traceFile: string | null;
  /** Null: none. */
  readonly timeoutSeconds: number | null;
}

export interface RunOptions extends MachineOptions {
  readonly action: 'run';
  readonly root: string;
  readonly program: string;
  /** What the guest gets after its own name. */
  readonly args: readonly string[];
}

export interface DemoOptions extends MachineOptions {
  readonly action: 'demo';
}

export type CommandOptions =
  | RunOptions
  | DemoOptions
  | { readonly action: 'help'; readonly topic: 'run' | 'demo' | null }
  | { readonly action: 'version' };

const MEBIBYTE = 2 ** 20;
const DEFAULT_MEMORY_BYTES = 256 * MEBIBYTE;
const MIN_MEMORY_BYTES = MEBIBYTE;
const MAX_MEMORY_BYTES = 3.5 * 2 ** 30;
const MAX_HARTS = 8;
const MACHINE_OPTIONS = {
  memory: { type: 'string' },
  smp: { type: 'string' },
  'pager-blocking': { type: 'string' },
  'stats-json': { type: 'string' },
  'trace-events': { type: 'string' },
  timeout: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

const RUN_OPTIONS = { ...MACHINE_OPTIONS, root: { type: 'string' } } as const;

/**
 * Reads the arguments that follow the command's name. Options stand before the program; everything after it is the guest's.
 *
 * @throws {UsageError}
 */
export function parseOptions(args: readonly string[]): CommandOptions {
  const [first, ...rest] = args;
  switch (first) {
    case undefined:
      return parseDemo([]);
    case 'demo':
      return parseDemo(rest);
    case 'run':
      return parseRun(rest);
    case 'help':
    case '--help':
    case '-h':
      return { action: 'help', topic: topicOf(rest) };
    case '--version':
      if (rest.length > 0)
        throw new UsageError(`--version stands alone; ${JSON.stringify(rest[0])} is too much`);
      return { action: 'version' };
    default:
      if (first.startsWith('-'))
        throw new UsageError(`the option ${first} needs a command before it: run or demo`);
      throw new UsageError(`there is no command ${JSON.stringify(first)}: it is run or demo`);
  }
}

function topicOf(rest: readonly string[]): 'run' | 'demo' | null {
  const [topic, more] = rest;
  if (more !== undefined) throw new UsageError(`one topic is expected; ${JSON.stringify(more)} is too much`);
  if (topic === undefined || topic === 'run' || topic === 'demo') return topic ?? null;
  throw new UsageError(`there is no help on ${JSON.stringify(topic)}: it is run or demo`);
}

function parseDemo(args: readonly string[]): CommandOptions {
  const { values, positionals } = read(() =>
    parseArgs({ args: [...args], allowPositionals: true, strict: true, options: MACHINE_OPTIONS }),
  );
  if (values.help === true) return { action: 'help', topic: 'demo' };
  if (positionals.length > 0)
    throw new UsageError(`demo takes no arguments; ${JSON.stringify(positionals[0])} is too much`);
  return { action: 'demo', ...machineOptions(values) };
}

function parseRun(args: readonly string[]): CommandOptions {
  const split = programIndex(args);
  const { values } = read(() =>
    parseArgs({ args: args.slice(0, split), strict: true, options: RUN_OPTIONS }),
  );
  if (values.help === true) return { action: 'help', topic: 'run' };
  const after = args[split] === '--' ? split + 1 : split;
  const program = args[after];
  if (program === undefined || program === '') throw new UsageError('run needs the path of a program');
  if (values.root === '') throw new UsageError('--root: the path of a directory is expected');
  return {
    action: 'run',
    root: values.root ?? '.',
    program,
    args: args.slice(after + 1),
    ...machineOptions(values),
  };
}

/** Where the options end: the first argument that is neither an option nor the value of one. */
function programIndex(args: readonly string[]): number {
  let index = 0;
  while (index < args.length) {
    const arg = args[index];
    if (arg === '--' || !arg.startsWith('-') || arg === '-') return index;
    const name = arg.slice(2);
    const takesValue = name in RUN_OPTIONS && RUN_OPTIONS[name as keyof typeof RUN_OPTIONS].type === 'string';
    index += takesValue ? 2 : 1;
  }
  return args.length;
}

function read<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    // parseArgs explains itself in a sentence or more; the first says which option is wrong.
    const message = error instanceof Error ? error.message : String(error);
    throw new UsageError(message.split('. ')[0].replace(/\.$/, ''));
  }
}

interface MachineValues {
  readonly memory?: string | undefined;
  readonly smp?: string | undefined;
  readonly 'pager-blocking'?: string | undefined;
  readonly 'stats-json'?: string | undefined;
  readonly 'trace-events'?: string | undefined;
  readonly timeout?: string | undefined;
}

function machineOptions(values: MachineValues): MachineOptions {
  return {
    memoryBytes: values.memory === undefined ? DEFAULT_MEMORY_BYTES : parseSize(values.memory),
    harts: values.smp === undefined ? 1 : parseHarts(values.smp),
    pagerBlocking: values['pager-blocking'] === undefined ? null : parseBlocking(values['pager-blocking']),
    statsFile: fileName('--stats-json', values['stats-json']),
    traceFile: fileName('--trace-events', values['trace-events']),
    timeoutSeconds: values.timeout === undefined ? null : parseSeconds(values.timeout),
  };
}

const UNITS: Readonly<Record<string, number>> = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 };

function parseSize(text: string): number {
  const match = /^([0-9]+(?:\.[0-9]+)?)([KMG]?)i?B?$/i.exec(text);
  const bytes = match === null ? NaN : Number(match[1]) * UNITS[match[2].toUpperCase()];
  if (!Number.isSafeInteger(bytes))
    throw new UsageError(`--memory ${text}: a size is expected, for instance 64M or 1G`);
  if (bytes < MIN_MEMORY_BYTES || bytes > MAX_MEMORY_BYTES)
    throw new UsageError(`--memory ${text}: 1M to 3.5G is possible`);
  if (bytes % PAGE_SIZE !== 0)
    throw new UsageError(`--memory ${text}: a multiple of ${PAGE_SIZE} bytes is expected`);
  return bytes;
}

function parseHarts(text: string): number {
  const harts = /^[0-9]+$/.test(text) ? Number(text) : NaN;
  if (!(harts >= 1 && harts <= MAX_HARTS))
    throw new UsageError(`--smp ${text}: 1 to ${MAX_HARTS} is possible`);
  return harts;
}

function parseBlocking(text: string): 'allow' | 'fail' {
  if (text === 'allow' || text === 'fail') return text;
  throw new UsageError(`--pager-blocking ${text}: it is allow or fail`);
}

function parseSeconds(text: string): number {
  const seconds = /^[0-9]+(\.[0-9]+)?$/.test(text) ? Number(text) : NaN;
  if (!(seconds > 0) || seconds > 1e6)
    throw new UsageError(`--timeout ${text}: a number of seconds above 0 is expected`);
  return seconds;
}

function fileName(option: string, value: string | undefined): string | null {
  if (value === '') throw new UsageError(`${option}: the path of a file is expected`);
  return value ?? null;
}
