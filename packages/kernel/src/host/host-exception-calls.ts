import * as excp from '../abi/exceptions.js';
import { ZX_INFO_THREAD_EXCEPTION_REPORT } from '../abi/info.js';
import { ZX_PROP_EXCEPTION_STATE, ZX_PROP_EXCEPTION_STRATEGY } from '../abi/properties.js';
import { ZX_OK } from '../abi/status.js';
import type { HandleResult, StatusResult } from './host-caller.js';
import { HostTaskCalls } from './host-task-calls.js';

/** A message of an exception channel; 0 and 0 when there was none. */
export interface ExceptionMessageResult extends StatusResult {
  /** Handle to the exception. */
  readonly exception: number;
  /** `ZX_EXCP_*` */
  readonly type: number;
  /** Koids of the process and of the thread. */
  readonly process: number;
  readonly thread: number;
}

/** ZX_INFO_THREAD_EXCEPTION_REPORT. */
export interface ExceptionReportResult extends StatusResult {
  /** `ZX_EXCP_*` */
  readonly type: number;
  /** scause, and stval: the address of a fault. */
  readonly cause: number;
  readonly address: bigint;
  readonly synthCode: number;
  readonly synthData: number;
}

/** Exceptions of threads: suspending is with the tasks. */
export class HostExceptionCalls extends HostTaskCalls {
  /**
   * A channel over which exceptions of a thread, process or job come. @param options 0 or ZX_EXCEPTION_CHANNEL_DEBUGGER
   */
  taskCreateExceptionChannel(task: number, options: number): HandleResult {
    return this.handleOf(
      this.begin().u32(task, 'task').u32(options, 'options'),
      'task_create_exception_channel',
    );
  }

  /** Takes an exception from its channel. ZX_ERR_SHOULD_WAIT, ZX_ERR_PEER_CLOSED, as of `channelRead`. */
  exceptionRead(channel: number): ExceptionMessageResult {
    const { status, bytes, handles } = this.channelRead(channel, 0);
    if (status !== ZX_OK || handles.length !== 1) {
      this.handleCloseMany(handles);
      return { status, exception: 0, type: 0, process: 0, thread: 0 };
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return {
      status,
      exception: handles[0],
      type: view.getUint32(excp.EXCEPTION_INFO_TYPE, true),
      process: Number(view.getBigUint64(excp.EXCEPTION_INFO_PID, true)),
      thread: Number(view.getBigUint64(excp.EXCEPTION_INFO_TID, true)),
    };
  }

  exceptionGetThread(exception: number): HandleResult {
    return this.handleOf(this.begin().u32(exception, 'exception'), 'exception_get_thread');
  }

  exceptionGetProcess(exception: number): HandleResult {
    return this.handleOf(this.begin().u32(exception, 'exception'), 'exception_get_process');
  }

  /** @param state `ZX_EXCEPTION_STATE_*`: what happens when the handle is closed */
  exceptionSetState(exception: number, state: number): StatusResult {
    return this.objectSetProperty(exception, ZX_PROP_EXCEPTION_STATE, u32Bytes(state));
  }

  /** @param strategy `ZX_EXCEPTION_STRATEGY_*`, for debuggers */
  exceptionSetStrategy(exception: number, strategy: number): StatusResult {
    return this.objectSetProperty(exception, ZX_PROP_EXCEPTION_STRATEGY, u32Bytes(strategy));
  }

  /** The exception that a thread is in; ZX_ERR_BAD_STATE when it is in none. */
  threadExceptionReport(thread: number): ExceptionReportResult {
    const { status, view } = this.record(
      thread,
      ZX_INFO_THREAD_EXCEPTION_REPORT,
      excp.EXCEPTION_REPORT_BYTES,
    );
    return {
      status,
      type: view.getUint32(excp.EXCEPTION_REPORT_TYPE, true),
      cause: Number(view.getBigUint64(excp.EXCEPTION_REPORT_CAUSE, true)),
      address: view.getBigUint64(excp.EXCEPTION_REPORT_TVAL, true),
      synthCode: view.getUint32(excp.EXCEPTION_REPORT_SYNTH_CODE, true),
      synthData: view.getUint32(excp.EXCEPTION_REPORT_SYNTH_DATA, true),
    };
  }
}

function u32Bytes(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}
