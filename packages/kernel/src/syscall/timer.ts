/** Timers. */
import { ZX_POL_NEW_TIMER } from '../abi/policy.js';
import {
  INFO_TIMER_BYTES,
  INFO_TIMER_CLOCK_ID,
  INFO_TIMER_DEADLINE,
  INFO_TIMER_OPTIONS,
  INFO_TIMER_SLACK,
  ZX_INFO_TIMER,
} from '../abi/info.js';
import { ZX_RIGHT_INSPECT, ZX_RIGHT_WRITE } from '../abi/rights.js';
import { ZX_ERR_INVALID_ARGS, ZX_ERR_OUT_OF_RANGE, ZX_OK } from '../abi/status.js';
import { ZX_CLOCK_BOOT, ZX_TIME_INFINITE, ZX_TIMER_SLACK_LATE } from '../abi/time.js';
import { TimerDispatcher } from '../ipc/timer.js';
import { Handle } from '../object/handle-table.js';
import { deadlineArg, numberArg, type SystemCall } from './call.js';
import { oneRecord, type InfoTopic } from './info-topic.js';
import { creationRoom, outHandle, setI64 } from './user-values.js';

export const TIMER_CALLS: readonly SystemCall[] = [
  {
    name: 'timer_create',
    returns: 'zx_status_t',
    policy: ZX_POL_NEW_TIMER,
    args: ['uint32_t options', 'zx_clock_t clock_id', 'zx_handle_t* out'],
    handler: (caller, args) => {
      if (args[0] > ZX_TIMER_SLACK_LATE || args[2] > ZX_CLOCK_BOOT) return ZX_ERR_INVALID_ARGS;
      const room = creationRoom(caller, 1);
      if (room !== ZX_OK) return room;
      const timer = new TimerDispatcher(caller.core, args[0], args[2]);
      return outHandle(caller, numberArg(args, 2), new Handle(timer, timer.defaultRights));
    },
  },
  {
    name: 'timer_set',
    returns: 'zx_status_t',
    args: ['zx_handle_t handle', 'zx_time_t deadline', 'zx_duration_t slack'],
    handler: (caller, args) => {
      const slack = deadlineArg(args, 2);
      const timer = caller.process.handles.lookup(args[0], TimerDispatcher, ZX_RIGHT_WRITE);
      if (typeof timer === 'number') return timer;
      if (slack < 0) return ZX_ERR_OUT_OF_RANGE;
      timer.set(deadlineArg(args, 1), slack);
      return ZX_OK;
    },
  },
  {
    name: 'timer_cancel',
    returns: 'zx_status_t',
    args: ['zx_handle_t handle'],
    handler: (caller, args) => {
      const timer = caller.process.handles.lookup(args[0], TimerDispatcher, ZX_RIGHT_WRITE);
      if (typeof timer === 'number') return timer;
      timer.cancel();
      return ZX_OK;
    },
  },
];

/** A time as i64. */
function setTime(view: DataView, offset: number, value: number): void {
  if (Number.isFinite(value)) setI64(view, offset, value);
  else view.setBigInt64(offset, ZX_TIME_INFINITE, true);
}

export const TIMER_INFO_TOPICS: readonly InfoTopic[] = [
  {
    topic: ZX_INFO_TIMER,
    object: TimerDispatcher,
    rights: ZX_RIGHT_INSPECT,
    recordBytes: INFO_TIMER_BYTES,
    form: 'single',
    read: (_caller, dispatcher: TimerDispatcher) => {
      const view = new DataView(new ArrayBuffer(INFO_TIMER_BYTES));
      view.setUint32(INFO_TIMER_OPTIONS, dispatcher.options, true);
      view.setUint32(INFO_TIMER_CLOCK_ID, dispatcher.clock, true);
      setTime(view, INFO_TIMER_DEADLINE, dispatcher.deadline);
      setTime(view, INFO_TIMER_SLACK, dispatcher.slack);
      return oneRecord(new Uint8Array(view.buffer));
    },
  },
];
