/** Ports. */
import { ZX_POL_NEW_PORT } from '../abi/policy.js';
import {
  PACKET_BYTES,
  PACKET_KEY,
  PACKET_PAYLOAD,
  PACKET_STATUS,
  ZX_PORT_BIND_TO_INTERRUPT,
} from '../abi/port.js';
import { ZX_RIGHT_READ, ZX_RIGHT_WAIT, ZX_RIGHT_WRITE } from '../abi/rights.js';
import {
  ZX_ERR_ACCESS_DENIED,
  ZX_ERR_BAD_HANDLE,
  ZX_ERR_INVALID_ARGS,
  ZX_ERR_NOT_FOUND,
  ZX_ERR_NOT_SUPPORTED,
  ZX_ERR_TIMED_OUT,
  ZX_OK,
  type Status,
} from '../abi/status.js';
import { PortDispatcher } from '../ipc/port.js';
import { encodePacket, UserPacket, type PortPacket } from '../ipc/port-packet.js';
import { Handle } from '../object/handle-table.js';
import { tryCopyOut } from '../task/user-memory.js';
import type { Operation } from '../task/waiter.js';
import { bigintArg, deadlineArg, numberArg, type Caller, type SystemCall } from './call.js';
import { creationRoom, outBytes, outHandle, settle, withStruct } from './user-values.js';

/** A packet on its way out: used between two looks at user memory, never across a wait. */
const scratch = new Uint8Array(PACKET_BYTES);
const scratchView = new DataView(scratch.buffer);

function toScratch(packet: PortPacket): true {
  encodePacket(packet, scratchView);
  return true;
}

function giveScratch(caller: Caller, address: number): Status | Operation {
  const done = tryCopyOut(caller.memory, address, scratch);
  return done === PACKET_BYTES ? ZX_OK : outBytes(caller, address + done, scratch.slice(done));
}

function* waitForPacket(caller: Caller, port: PortDispatcher, deadline: number, address: number): Operation {
  const status = yield* port.wait(deadline, toScratch);
  return status === ZX_OK ? yield* settle(giveScratch(caller, address)) : status;
}

export const PORT_CALLS: readonly SystemCall[] = [
  {
    name: 'port_create',
    returns: 'zx_status_t',
    policy: ZX_POL_NEW_PORT,
    args: ['uint32_t options', 'zx_handle_t* out'],
    handler: (caller, args) => {
      // There are no interrupts to bind, but a port made for them is a port like any other.
      if (args[0] !== 0 && args[0] !== ZX_PORT_BIND_TO_INTERRUPT) return ZX_ERR_INVALID_ARGS;
      const room = creationRoom(caller, 1);
      if (room !== ZX_OK) return room;
      const port = new PortDispatcher(caller.core);
      return outHandle(caller, numberArg(args, 1), new Handle(port, port.defaultRights));
    },
  },
  {
    name: 'port_queue',
    returns: 'zx_status_t',
    args: ['zx_handle_t handle', 'const zx_port_packet_t* packet'],
    handler: (caller, args) => {
      const port = caller.process.handles.lookup(args[0], PortDispatcher, ZX_RIGHT_WRITE);
      if (typeof port === 'number') return port;
      return withStruct(caller, numberArg(args, 1), PACKET_BYTES, (view, bytes) =>
        port.queue(
          new UserPacket(
            view.getBigUint64(PACKET_KEY, true),
            view.getInt32(PACKET_STATUS, true),
            bytes.slice(PACKET_PAYLOAD),
          ),
        ),
      );
    },
  },
  {
    // A packet is taken before its buffer is looked at, as on Zircon: a bad pointer loses it. A buffer that must be paged in does not.
    name: 'port_wait',
    returns: 'zx_status_t',
    args: ['zx_handle_t handle', 'zx_instant_mono_t deadline', 'zx_port_packet_t* packet'],
    handler: (caller, args) => {
      const port = caller.process.handles.lookup(args[0], PortDispatcher, ZX_RIGHT_READ);
      if (typeof port === 'number') return port;
      const address = numberArg(args, 2);
      if (port.dequeue(toScratch) === true) return giveScratch(caller, address);
      const deadline = deadlineArg(args, 1);
      if (deadline <= caller.core.clock.now()) return ZX_ERR_TIMED_OUT;
      return waitForPacket(caller, port, deadline, address);
    },
  },
  {
    name: 'port_cancel',
    returns: 'zx_status_t',
    args: ['zx_handle_t handle', 'zx_handle_t source', 'uint64_t key'],
    handler: (caller, args) => {
      const { handles } = caller.process;
      const port = handles.lookup(args[0], PortDispatcher, ZX_RIGHT_WRITE);
      if (typeof port === 'number') return port;
      const source = handles.get(args[2]);
      if (source === undefined) return ZX_ERR_BAD_HANDLE;
      if ((source.rights & ZX_RIGHT_WAIT) === 0) return ZX_ERR_ACCESS_DENIED;
      if ((source.dispatcher.defaultRights & ZX_RIGHT_WAIT) === 0) return ZX_ERR_NOT_SUPPORTED;
      return port.cancel(source.dispatcher, bigintArg(args, 2)) ? ZX_OK : ZX_ERR_NOT_FOUND;
    },
  },
  {
    name: 'port_cancel_key',
    returns: 'zx_status_t',
    args: ['zx_handle_t handle', 'uint32_t options', 'uint64_t key'],
    handler: (caller, args) => {
      if (args[2] !== 0) return ZX_ERR_INVALID_ARGS;
      const port = caller.process.handles.lookup(args[0], PortDispatcher, ZX_RIGHT_WRITE);
      if (typeof port === 'number') return port;
      return port.cancel(null, bigintArg(args, 2)) ? ZX_OK : ZX_ERR_NOT_FOUND;
    },
  },
];
