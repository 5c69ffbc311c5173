/** Events and event pairs. */
import { ZX_POL_NEW_EVENT, ZX_POL_NEW_EVENTPAIR } from '../abi/policy.js';
import { ZX_ERR_INVALID_ARGS, ZX_ERR_NOT_SUPPORTED, ZX_OK } from '../abi/status.js';
import { EventDispatcher, EventPairDispatcher } from '../ipc/event.js';
import { Handle } from '../object/handle-table.js';
import { numberArg, type SystemCall } from './call.js';
import { creationRoom, outHandle, outHandles } from './user-values.js';

export const EVENT_CALLS: readonly SystemCall[] = [
  {
    name: 'event_create',
    returns: 'zx_status_t',
    policy: ZX_POL_NEW_EVENT,
    args: ['uint32_t options', 'zx_handle_t* out'],
    handler: (caller, args) => {
      if (args[0] !== 0) return ZX_ERR_INVALID_ARGS;
      const room = creationRoom(caller, 1);
      if (room !== ZX_OK) return room;
      const event = new EventDispatcher(caller.core);
      return outHandle(caller, numberArg(args, 1), new Handle(event, event.defaultRights));
    },
  },
  {
    name: 'eventpair_create',
    returns: 'zx_status_t',
    policy: ZX_POL_NEW_EVENTPAIR,
    args: ['uint32_t options', 'zx_handle_t* out0', 'zx_handle_t* out1'],
    handler: (caller, args) => {
      if (args[0] !== 0) return ZX_ERR_NOT_SUPPORTED;
      const room = creationRoom(caller, 2);
      if (room !== ZX_OK) return room;
      const ends = EventPairDispatcher.create(caller.core);
      return outHandles(
        caller,
        [numberArg(args, 1), numberArg(args, 2)],
        ends.map((end) => new Handle(end, end.defaultRights)),
      );
    },
  },
];
