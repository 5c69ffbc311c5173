/** Calls that every object understands: waits, signals, children. Information and properties are in `object-info.ts`. */
import { ZX_WAIT_MANY_MAX_ITEMS } from '../abi/abi-limits.js';
import {
  WAIT_ITEM_BYTES,
  WAIT_ITEM_HANDLE,
  WAIT_ITEM_PENDING,
  WAIT_ITEM_WAITFOR,
  ZX_WAIT_ASYNC_BOOT_TIMESTAMP,
  ZX_WAIT_ASYNC_EDGE,
  ZX_WAIT_ASYNC_TIMESTAMP,
} from '../abi/port.js';
import {
  ZX_RIGHT_ENUMERATE,
  ZX_RIGHT_SIGNAL,
  ZX_RIGHT_SIGNAL_PEER,
  ZX_RIGHT_WAIT,
  ZX_RIGHT_WRITE,
  type Rights,
} from '../abi/rights.js';
import {
  ZX_ERR_ACCESS_DENIED,
  ZX_ERR_BAD_HANDLE,
  ZX_ERR_CANCELED,
  ZX_ERR_INVALID_ARGS,
  ZX_ERR_NOT_FOUND,
  ZX_ERR_NOT_SUPPORTED,
  ZX_ERR_NO_RESOURCES,
  ZX_ERR_OUT_OF_RANGE,
  ZX_ERR_PEER_CLOSED,
  ZX_ERR_TIMED_OUT,
  ZX_ERR_WRONG_TYPE,
  ZX_OK,
  type Status,
} from '../abi/status.js';
import { PortDispatcher } from '../ipc/port.js';
import { PortObserver } from '../ipc/port-observer.js';
import { Handle } from '../object/handle-table.js';
import { PeeredDispatcher } from '../object/peered-dispatcher.js';
import { SignalWait, SignalWatch } from '../object/signal-wait.js';
import type { Operation } from '../task/waiter.js';
import { bigintArg, deadlineArg, numberArg, type Caller, type SystemCall } from './call.js';
import { rightsForCopy } from './handle.js';
import { handleRoom, outBytes, outHandle, outOptionalU32, settle, withBytes } from './user-values.js';

const WAIT_ASYNC_TIMESTAMPS = ZX_WAIT_ASYNC_TIMESTAMP | ZX_WAIT_ASYNC_BOOT_TIMESTAMP;
const WAIT_ASYNC_OPTIONS = WAIT_ASYNC_TIMESTAMPS | ZX_WAIT_ASYNC_EDGE;

function handleWithRights(caller: Caller, value: number, rights: Rights): Handle | Status {
  const handle = caller.process.handles.get(value);
  if (handle === undefined) return ZX_ERR_BAD_HANDLE;
  return (handle.rights & rights) === rights ? handle : ZX_ERR_ACCESS_DENIED;
}

/** A handle that can be waited through: BAD_HANDLE, ACCESS_DENIED, NOT_SUPPORTED otherwise. */
function waitableHandle(caller: Caller, value: number): Handle | Status {
  const handle = handleWithRights(caller, value, ZX_RIGHT_WAIT);
  if (typeof handle === 'number') return handle;
  return (handle.dispatcher.defaultRights & ZX_RIGHT_WAIT) === 0 ? ZX_ERR_NOT_SUPPORTED : handle;
}

/** ZX_OK, ZX_ERR_TIMED_OUT and ZX_ERR_CANCELED come with results; other statuses of a wait do not. */
function comesWithResults(status: Status): boolean {
  return status === ZX_OK || status === ZX_ERR_TIMED_OUT || status === ZX_ERR_CANCELED;
}

function giveObserved(caller: Caller, address: number, observed: number, status: Status): Status | Operation {
  const given = outOptionalU32(caller, address, observed);
  if (typeof given === 'number') return given === ZX_OK ? status : given;
  return afterGiving(given, status);
}

function* afterGiving(given: Operation, status: Status): Operation {
  const outcome = yield* given;
  return outcome === ZX_OK ? status : outcome;
}

function* waitOne(caller: Caller, watch: SignalWatch, deadline: number, address: number): Operation {
  const status = yield new SignalWait('wait-one', [watch], deadline);
  if (!comesWithResults(status)) return status;
  return yield* settle(giveObserved(caller, address, watch.observed, status));
}

function giveItems(
  caller: Caller,
  address: number,
  bytes: Uint8Array,
  pending: readonly number[],
  status: Status,
): Status | Operation {
  const view = new DataView(bytes.buffer);
  pending.forEach((signals, index) =>
    view.setUint32(index * WAIT_ITEM_BYTES + WAIT_ITEM_PENDING, signals, true),
  );
  const given = outBytes(caller, address, bytes);
  if (typeof given === 'number') return given === ZX_OK ? status : given;
  return afterGiving(given, status);
}

function* waitMany(
  caller: Caller,
  watches: readonly SignalWatch[],
  deadline: number,
  address: number,
  items: Uint8Array,
): Operation {
  const status = yield new SignalWait('wait-many', watches, deadline);
  if (!comesWithResults(status) || watches.length === 0) return status;
  const pending = watches.map((watch) => watch.observed);
  return yield* settle(giveItems(caller, address, items, pending, status));
}

function startWaitMany(
  caller: Caller,
  items: Uint8Array,
  deadline: number,
  address: number,
): Status | Operation {
  const view = new DataView(items.buffer);
  const watches: SignalWatch[] = [];
  for (let position = 0; position < items.length; position += WAIT_ITEM_BYTES) {
    const handle = waitableHandle(caller, view.getUint32(position + WAIT_ITEM_HANDLE, true));
    if (typeof handle === 'number') return handle;
    watches.push(new SignalWatch(handle, view.getUint32(position + WAIT_ITEM_WAITFOR, true)));
  }
  const satisfied = watches.some((watch) => (watch.handle.dispatcher.signals & watch.signals) !== 0);
  if (satisfied || deadline <= caller.core.clock.now()) {
    const status = satisfied ? ZX_OK : ZX_ERR_TIMED_OUT;
    if (watches.length === 0) return status;
    const pending = watches.map((watch) => watch.handle.dispatcher.signals);
    return giveItems(caller, address, items, pending, status);
  }
  return waitMany(caller, watches, deadline, address, items);
}

export const OBJECT_CALLS: readonly SystemCall[] = [
  {
    name: 'object_wait_one',
    returns: 'zx_status_t',
    args: [
      'zx_handle_t handle',
      'zx_signals_t signals',
      'zx_instant_mono_t deadline',
      'zx_signals_t* observed',
    ],
    handler: (caller, args) => {
      const handle = waitableHandle(caller, args[0]);
      if (typeof handle === 'number') return handle;
      const signals = args[2];
      const deadline = deadlineArg(args, 2);
      const address = numberArg(args, 3);
      const asserted = handle.dispatcher.signals;
      if ((asserted & signals) !== 0) return giveObserved(caller, address, asserted, ZX_OK);
      if (deadline <= caller.core.clock.now())
        return giveObserved(caller, address, asserted, ZX_ERR_TIMED_OUT);
      return waitOne(caller, new SignalWatch(handle, signals), deadline, address);
    },
  },
  {
    name: 'object_wait_many',
    returns: 'zx_status_t',
    args: ['zx_wait_item_t* items', 'size_t num_items', 'zx_instant_mono_t deadline'],
    handler: (caller, args) => {
      const address = numberArg(args, 0);
      const count = numberArg(args, 1);
      const deadline = deadlineArg(args, 2);
      if (count > ZX_WAIT_MANY_MAX_ITEMS) return ZX_ERR_OUT_OF_RANGE;
      return withBytes(caller, address, count * WAIT_ITEM_BYTES, (items) =>
        startWaitMany(caller, items, deadline, address),
      );
    },
  },
  {
    name: 'object_wait_async',
    returns: 'zx_status_t',
    args: [
      'zx_handle_t handle',
      'zx_handle_t port',
      'uint64_t key',
      'zx_signals_t signals',
      'uint32_t options',
    ],
    handler: (caller, args) => {
      const options = args[8];
      if ((options & ~WAIT_ASYNC_OPTIONS) !== 0) return ZX_ERR_INVALID_ARGS;
      if ((options & WAIT_ASYNC_TIMESTAMPS) === WAIT_ASYNC_TIMESTAMPS) return ZX_ERR_INVALID_ARGS;
      const port = caller.process.handles.lookup(args[2], PortDispatcher, ZX_RIGHT_WRITE);
      if (typeof port === 'number') return port;
      const handle = waitableHandle(caller, args[0]);
      if (typeof handle === 'number') return handle;
      if (!port.hasObserverRoom) return ZX_ERR_NO_RESOURCES;
      if (handle.dispatcher.observerCount >= caller.core.limits.observersPerObject)
        return ZX_ERR_NO_RESOURCES;
      new PortObserver(port, handle, bigintArg(args, 2), args[6], options).arm();
      return ZX_OK;
    },
  },
  {
    name: 'object_signal',
    returns: 'zx_status_t',
    args: ['zx_handle_t handle', 'uint32_t clear_mask', 'uint32_t set_mask'],
    handler: (caller, args) => {
      const handle = handleWithRights(caller, args[0], ZX_RIGHT_SIGNAL);
      if (typeof handle === 'number') return handle;
      const allowed = handle.dispatcher.userSignals;
      if (allowed === 0) return ZX_ERR_NOT_SUPPORTED;
      if (((args[2] | args[4]) & ~allowed) !== 0) return ZX_ERR_INVALID_ARGS;
      handle.dispatcher.updateSignals(args[2], args[4]);
      return ZX_OK;
    },
  },
  {
    name: 'object_signal_peer',
    returns: 'zx_status_t',
    args: ['zx_handle_t handle', 'uint32_t clear_mask', 'uint32_t set_mask'],
    handler: (caller, args) => {
      const handle = handleWithRights(caller, args[0], ZX_RIGHT_SIGNAL_PEER);
      if (typeof handle === 'number') return handle;
      const { dispatcher } = handle;
      if (!(dispatcher instanceof PeeredDispatcher)) return ZX_ERR_NOT_SUPPORTED;
      if (((args[2] | args[4]) & ~dispatcher.userSignals) !== 0) return ZX_ERR_INVALID_ARGS;
      if (dispatcher.peer === null) return ZX_ERR_PEER_CLOSED;
      dispatcher.peer.updateSignals(args[2], args[4]);
      return ZX_OK;
    },
  },
  {
    // The new handle has the rights asked for, as far as the parent's handle has them.
    name: 'object_get_child',
    returns: 'zx_status_t',
    args: ['zx_handle_t handle', 'uint64_t koid', 'zx_rights_t rights', 'zx_handle_t* out'],
    handler: (caller, args) => {
      const handle = handleWithRights(caller, args[0], ZX_RIGHT_ENUMERATE);
      if (typeof handle === 'number') return handle;
      const rights = rightsForCopy(handle.rights, args[4]);
      if (rights === undefined) return ZX_ERR_ACCESS_DENIED;
      const koid = bigintArg(args, 1);
      const child = handle.dispatcher.findChild(Number(koid));
      if (child === undefined) return ZX_ERR_WRONG_TYPE;
      if (child === null || BigInt(child.koid) !== koid) return ZX_ERR_NOT_FOUND;
      const room = handleRoom(caller, 1);
      if (room !== ZX_OK) return room;
      return outHandle(caller, numberArg(args, 3), new Handle(child, rights));
    },
  },
];
