/** What `zx_object_get_info`, `zx_object_get_property` and `zx_object_set_property` know about exceptions. */
import * as excp from '../abi/exceptions.js';
import { ZX_INFO_THREAD_EXCEPTION_REPORT, ZX_INFO_THREAD_EXCEPTION_REPORT_V1 } from '../abi/info.js';
import {
  ZX_EXCEPTION_STATE_THREAD_EXIT,
  ZX_EXCEPTION_STRATEGY_SECOND_CHANCE,
  ZX_PROP_EXCEPTION_STATE,
  ZX_PROP_EXCEPTION_STRATEGY,
} from '../abi/properties.js';
import { ZX_RIGHT_INSPECT } from '../abi/rights.js';
import { ZX_ERR_BAD_STATE, ZX_ERR_INVALID_ARGS, ZX_OK } from '../abi/status.js';
import { oneRecord, type InfoTopic, type ObjectProperty } from '../syscall/info-topic.js';
import { ExceptionDispatcher } from './exception-dispatcher.js';
import type { ExceptionReport } from './exception-report.js';
import { ThreadDispatcher } from './thread-dispatcher.js';

/** `zx_exception_report_t`, or the beginning of it that older programs know. */
function reportBytes(report: ExceptionReport, bytes: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(excp.EXCEPTION_REPORT_BYTES));
  view.setUint32(excp.EXCEPTION_REPORT_SIZE, bytes, true);
  view.setUint32(excp.EXCEPTION_REPORT_TYPE, report.type, true);
  view.setBigUint64(excp.EXCEPTION_REPORT_CAUSE, BigInt(report.cause), true);
  view.setBigUint64(excp.EXCEPTION_REPORT_TVAL, report.address, true);
  view.setUint32(excp.EXCEPTION_REPORT_SYNTH_CODE, report.synthCode, true);
  view.setUint32(excp.EXCEPTION_REPORT_SYNTH_DATA, report.synthData, true);
  return new Uint8Array(view.buffer, 0, bytes);
}

function reportTopic(topic: number, bytes: number): InfoTopic {
  return {
    topic,
    object: ThreadDispatcher,
    rights: ZX_RIGHT_INSPECT,
    recordBytes: bytes,
    form: 'single',
    read: (_caller, dispatcher: ThreadDispatcher) => {
      const { exception } = dispatcher.thread;
      return exception === null ? ZX_ERR_BAD_STATE : oneRecord(reportBytes(exception.report, bytes));
    },
  };
}

/** ZX_ERR_BAD_STATE for a thread that is in no exception. */
export const EXCEPTION_INFO_TOPICS: readonly InfoTopic[] = [
  reportTopic(ZX_INFO_THREAD_EXCEPTION_REPORT_V1, excp.EXCEPTION_REPORT_V1_BYTES),
  reportTopic(ZX_INFO_THREAD_EXCEPTION_REPORT, excp.EXCEPTION_REPORT_BYTES),
];

function u32Bytes(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

function u32Of(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
}

/** What a handler wants; ZX_ERR_INVALID_ARGS for other values, and ZX_ERR_BAD_STATE when no debugger asks for a second chance. */
export const EXCEPTION_PROPERTIES: readonly ObjectProperty[] = [
  {
    property: ZX_PROP_EXCEPTION_STATE,
    object: ExceptionDispatcher,
    bytes: 4,
    get: (_caller, dispatcher: ExceptionDispatcher) => u32Bytes(dispatcher.state),
    set: (_caller, dispatcher: ExceptionDispatcher, value) => {
      const state = u32Of(value);
      if (state > ZX_EXCEPTION_STATE_THREAD_EXIT) return ZX_ERR_INVALID_ARGS;
      dispatcher.state = state;
      return ZX_OK;
    },
  },
  {
    property: ZX_PROP_EXCEPTION_STRATEGY,
    object: ExceptionDispatcher,
    bytes: 4,
    get: (_caller, dispatcher: ExceptionDispatcher) => u32Bytes(dispatcher.strategy),
    set: (_caller, dispatcher: ExceptionDispatcher, value) => {
      const strategy = u32Of(value);
      if (strategy > ZX_EXCEPTION_STRATEGY_SECOND_CHANCE) return ZX_ERR_INVALID_ARGS;
      if (dispatcher.handler?.type !== excp.ZX_EXCEPTION_CHANNEL_TYPE_DEBUGGER) return ZX_ERR_BAD_STATE;
      dispatcher.strategy = strategy;
      return ZX_OK;
    },
  },
];
