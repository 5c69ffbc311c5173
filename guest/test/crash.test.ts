/** Programs that end badly on purpose are reported for what they did. */
import {
  ZX_ERR_ACCESS_DENIED,
  ZX_ERR_NOT_FOUND,
  ZX_EXCP_FATAL_PAGE_FAULT,
  ZX_EXCP_POLICY_CODE_BAD_SYSCALL,
  ZX_EXCP_POLICY_ERROR,
  ZX_EXCP_SW_BREAKPOINT,
  ZX_EXCP_UNALIGNED_ACCESS,
  ZX_EXCP_UNDEFINED_INSTRUCTION,
  type ExceptionReport,
} from '@faultline/kernel';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { GuestDirectory, type GuestRun } from './guest-run.js';

let directory: GuestDirectory;

beforeAll(() => {
  directory = new GuestDirectory();
});

afterAll(() => {
  directory.remove();
});

/** The exception that ended a run. */
function exceptionOf(run: GuestRun): ExceptionReport {
  if (run.outcome.kind !== 'crashed') throw new Error(`it was ${run.outcome.kind}, not crashed`);
  return run.outcome.report.exception;
}

const pageFault = (access: string, status: number): Partial<ExceptionReport> =>
  ({ type: ZX_EXCP_FATAL_PAGE_FAULT, access, synthCode: status >>> 0 }) as Partial<ExceptionReport>;

it.each<[string[], Partial<ExceptionReport>]>([
  [['read', '0x1234'], { ...pageFault('read', ZX_ERR_NOT_FOUND), address: 0x1234n, cause: 13 }],
  [['write', '0x5678'], { ...pageFault('write', ZX_ERR_NOT_FOUND), address: 0x5678n, cause: 15 }],
  [['write-read-only'], pageFault('write', ZX_ERR_ACCESS_DENIED)],
  [['execute'], { ...pageFault('execute', ZX_ERR_ACCESS_DENIED), cause: 12 }],
  [['execute', '0x2000'], { ...pageFault('execute', ZX_ERR_NOT_FOUND), address: 0x2000n }],
  [['null'], { ...pageFault('execute', ZX_ERR_NOT_FOUND), address: 0n, pc: 0n }],
  [['overflow'], pageFault('write', ZX_ERR_NOT_FOUND)],
  [['illegal'], { type: ZX_EXCP_UNDEFINED_INSTRUCTION }],
  [['abort'], { type: ZX_EXCP_UNDEFINED_INSTRUCTION }],
  [['breakpoint'], { type: ZX_EXCP_SW_BREAKPOINT }],
  [['misaligned'], { type: ZX_EXCP_UNALIGNED_ACCESS }],
  [['ecall', '7'], { type: ZX_EXCP_POLICY_ERROR, synthCode: ZX_EXCP_POLICY_CODE_BAD_SYSCALL, synthData: 7 }],
])('crash %j', async (args, expected) => {
  const run = await directory.run('crash', args);
  expect(run.stdout).toBe(`crash: ${args[0]}\n`);
  expect(exceptionOf(run)).toMatchObject(expected);
});

it('a failed assertion says where it is', async () => {
  const run = await directory.run('crash', ['assert']);
  expect(run.stderr).toMatch(/^programs\/crash\.c:\d+: assertion failed: argc == 0\n$/);
  expect(exceptionOf(run).type).toBe(ZX_EXCP_UNDEFINED_INSTRUCTION);
});

it('exit codes have 64 bits, of which the exit status keeps 8', async () => {
  const run = await directory.run('crash', ['exit', '4294967301']);
  expect(run.outcome).toEqual({ kind: 'exited', code: 4_294_967_301n });
  expect(run.exitStatus).toBe(5);
});

it('programs that only wait are told to be deadlocked, with what each thread waits for', async () => {
  const alone = await directory.run('crash', ['wait']);
  expect(alone.outcome).toMatchObject({
    kind: 'deadlock',
    waiting: [{ processName: 'crash.elf', on: expect.stringContaining('port') as string }],
  });
  const both = await directory.run('crash', ['wait-channel']);
  expect(both.outcome.kind).toBe('deadlock');
  if (both.outcome.kind === 'deadlock') {
    expect(both.outcome.waiting.map((thread) => thread.name)).toEqual(['initial-thread', 'other']);
  }
});
