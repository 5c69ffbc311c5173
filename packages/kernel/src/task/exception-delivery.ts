/**
 * Who hears of an exception, and in which order.
 *
 * A fault or a violated policy goes to the process's debugger, the thread's handler, the process's handler, once more to the debugger if it has asked for a
 * second chance, then to the handlers of the jobs, from the innermost outwards. The first that says so ends it; when nobody does, the process
 * ends. Starts and ends of threads are told to debuggers only, and starts of processes, like what a program raises itself, to the debuggers of all jobs around it.
 *
 * @see Zircon "Exception handling"
 */
import * as excp from '../abi/exceptions.js';
import {
  ZX_EXCEPTION_STATE_HANDLED,
  ZX_EXCEPTION_STATE_THREAD_EXIT,
  ZX_EXCEPTION_STATE_TRY_NEXT,
  ZX_EXCEPTION_STRATEGY_SECOND_CHANCE,
} from '../abi/properties.js';
import { ZX_OK, ZX_TASK_RETCODE_EXCEPTION_KILL } from '../abi/status.js';
import { ExceptionDispatcher } from './exception-dispatcher.js';
import { generalRegisters, type ExceptionReport } from './exception-report.js';
import type { Exceptionate } from './exceptionate.js';
import type { JobDispatcher } from './job.js';
import type { Thread } from './thread.js';
import type { Operation } from './waiter.js';

/** Delivers an exception that ends the process, unless a handler says otherwise. */
export function* fatalException(thread: Thread, report: ExceptionReport): Operation {
  const exception = new ExceptionDispatcher(thread.dispatcher, report);
  const state = yield* deliver(thread, exception, handlersOf(thread, exception));
  if (state === ZX_EXCEPTION_STATE_HANDLED) return ZX_OK;
  if (state === ZX_EXCEPTION_STATE_THREAD_EXIT) {
    thread.kill();
    return ZX_OK;
  }
  thread.core.tasks.exceptions += 1;
  thread.process.crashed(thread, report, BigInt(ZX_TASK_RETCODE_EXCEPTION_KILL));
  return ZX_OK;
}

/** Whether anybody wants to hear that a thread begins. */
export function isStartWatched(thread: Thread): boolean {
  const { process } = thread;
  if (process.debuggerExceptions.isBound) return true;
  for (const job of jobsOf(thread)) if (job.debuggerExceptions.isBound) return true;
  return false;
}

/** Tells debuggers that a thread begins. @param first with it, its process does */
export function* tellStart(thread: Thread, first: boolean): Operation {
  if (first) yield* tellJobDebuggers(thread, notice(thread, excp.ZX_EXCP_PROCESS_STARTING));
  return yield* tellOne(
    thread,
    notice(thread, excp.ZX_EXCP_THREAD_STARTING),
    thread.process.debuggerExceptions,
  );
}

/** Tells the debugger that a thread ends of its own accord, then ends it. */
export function* tellExit(thread: Thread): Operation {
  yield* tellOne(thread, notice(thread, excp.ZX_EXCP_THREAD_EXITING), thread.process.debuggerExceptions);
  thread.kill();
  return ZX_OK;
}

/** Delivers what a program raises itself. @see Zircon `zx_thread_raise_exception` */
export function raiseUserException(thread: Thread, synthCode: number, synthData: number): Operation {
  return tellJobDebuggers(thread, { ...notice(thread, excp.ZX_EXCP_USER), synthCode, synthData });
}

function* tellJobDebuggers(thread: Thread, report: ExceptionReport): Operation {
  for (const job of jobsOf(thread)) yield* tellOne(thread, report, job.debuggerExceptions);
  return ZX_OK;
}

/** One handler hears of it; whatever it answers, the thread goes on, unless it is to exit. */
function* tellOne(thread: Thread, report: ExceptionReport, handler: Exceptionate): Operation {
  if (!handler.isBound) return ZX_OK;
  const exception = new ExceptionDispatcher(thread.dispatcher, report);
  const state = yield* deliver(thread, exception, [handler]);
  if (state === ZX_EXCEPTION_STATE_THREAD_EXIT) thread.kill();
  return ZX_OK;
}

/** @returns `ZX_EXCEPTION_STATE_*` of the handler that decided; TRY_NEXT: nobody did */
function* deliver(
  thread: Thread,
  exception: ExceptionDispatcher,
  handlers: Iterable<Exceptionate>,
): Operation {
  thread.exception = exception;
  try {
    for (const handler of handlers) {
      if (!exception.offer(handler)) continue;
      yield exception;
      if (exception.state !== ZX_EXCEPTION_STATE_TRY_NEXT) return exception.state;
    }
    return ZX_EXCEPTION_STATE_TRY_NEXT;
  } finally {
    thread.exception = null;
    exception.end();
  }
}

/** Read step by step: handlers may come and go while others have the exception. */
function* handlersOf(thread: Thread, exception: ExceptionDispatcher): Generator<Exceptionate> {
  const { process } = thread;
  yield process.debuggerExceptions;
  yield thread.dispatcher.exceptions;
  yield process.exceptions;
  if (exception.strategy === ZX_EXCEPTION_STRATEGY_SECOND_CHANCE) yield process.debuggerExceptions;
  for (const job of jobsOf(thread)) yield job.exceptions;
}

function* jobsOf(thread: Thread): Generator<JobDispatcher> {
  for (let job: JobDispatcher | null = thread.process.job; job !== null; job = job.parent) yield job;
}

function notice(thread: Thread, type: number): ExceptionReport {
  const registers = generalRegisters(thread.registers);
  return {
    type,
    cause: 0,
    address: 0n,
    access: null,
    synthCode: 0,
    synthData: 0,
    pc: registers[0],
    registers,
  };
}
