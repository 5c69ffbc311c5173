import {
  PACKET_BYTES,
  PACKET_KEY,
  PACKET_PAYLOAD,
  PACKET_PAYLOAD_BYTES,
  PACKET_STATUS,
} from '../abi/port.js';
import { ZX_RIGHT_READ } from '../abi/rights.js';
import { ZX_ERR_TIMED_OUT, ZX_OK, type Status } from '../abi/status.js';
import { PortDispatcher } from '../ipc/port.js';
import type { Operation } from '../task/waiter.js';
import type { HandleResult, StatusResult, WaitOptions } from './host-caller.js';
import { bytesOfU32s, HostObjectCalls } from './host-object-calls.js';
import { PortListener } from './port-listener.js';
import { putPacket, valueOfPacket, type PacketRoom, type PortPacketValue } from './port-packet-value.js';

/** Two handles made together; 0 when the call failed. */
export interface PairResult extends StatusResult {
  readonly handles: readonly [number, number];
}

/** A packet, or why there is none. */
export interface PacketResult extends StatusResult {
  /** Null when the call failed. */
  readonly packet: PortPacketValue | null;
}

/** A message, or why there is none. */
export interface MessageResult extends StatusResult {
  /** Empty when the call failed. */
  readonly bytes: Uint8Array;
  readonly handles: readonly number[];
}

/** Room for one message. */
export interface MessageRoom {
  /** Default 65,536, the largest message. */
  readonly bytes?: number;
  /** Default 64, the most there can be. */
  readonly handles?: number;
}

const MESSAGE_BYTES = 65_536;
const MESSAGE_HANDLES = 64;
const NO_BYTES = new Uint8Array(0);
const NO_PACKET: PacketResult = Object.freeze({ status: ZX_ERR_TIMED_OUT, packet: null });

/** Ports, channels, events, the debug log. */
export class HostIpcCalls extends HostObjectCalls {
  private readonly messageBytes = new Uint8Array(MESSAGE_BYTES);
  private readonly messageHandles = new Uint8Array(4 * MESSAGE_HANDLES);

  eventCreate(options: number): HandleResult {
    return this.handleOf(this.begin().u32(options, 'options'), 'event_create');
  }

  eventpairCreate(options: number): PairResult {
    return this.pair(options, 'eventpair_create');
  }

  channelCreate(options: number): PairResult {
    return this.pair(options, 'channel_create');
  }

  /**
   * Takes the oldest message.
   *
   * @param options 0 or ZX_CHANNEL_READ_MAY_DISCARD
   * @returns besides Zircon's statuses, with ZX_ERR_BUFFER_TOO_SMALL only when `room` is less than a message can have
   */
  channelRead(handle: number, options: number, room: MessageRoom = {}): MessageResult {
    const { bytes = MESSAGE_BYTES, handles = MESSAGE_HANDLES } = room;
    const call = this.begin()
      .u32(handle, 'handle')
      .u32(options, 'options')
      .buffer(this.messageBytes)
      .buffer(this.messageHandles)
      .u32(bytes, 'num_bytes')
      .u32(handles, 'num_handles');
    const actualBytes = call.out(4);
    const actualHandles = call.out(4);
    return this.finish(call, 'channel_read', (status) => {
      if (status !== ZX_OK) return { status, bytes: NO_BYTES, handles: [] };
      const words = new DataView(this.messageHandles.buffer);
      return {
        status,
        bytes: this.messageBytes.slice(0, call.memory.u32(actualBytes)),
        handles: Array.from({ length: call.memory.u32(actualHandles) }, (_none, index) =>
          words.getUint32(4 * index, true),
        ),
      };
    });
  }

  /** Sends a message. The handles are gone afterwards, also when this fails. */
  channelWrite(
    handle: number,
    options: number,
    bytes: Uint8Array,
    handles: readonly number[] = [],
  ): StatusResult {
    const call = this.begin()
      .u32(handle, 'handle')
      .u32(options, 'options')
      .buffer(bytes)
      .u32(bytes.length, 'num_bytes')
      .buffer(handles.length === 0 ? null : bytesOfU32s(handles))
      .u32(handles.length, 'num_handles');
    return this.statusOf(call, 'channel_write');
  }

  portCreate(options: number): HandleResult {
    return this.handleOf(this.begin().u32(options, 'options'), 'port_create');
  }

  /** Waits for a packet and takes it. */
  portWait(port: number, options: WaitOptions = {}): Promise<PacketResult> {
    let packet: PortPacketValue | null = null;
    const call = this.begin(options);
    const deadline = options.deadline ?? Infinity;
    // Not through the table's call: the packet comes as a value, without a detour through 48 bytes.
    const handler = (): Status | Operation => {
      const dispatcher = this.handles.lookup(port, PortDispatcher, ZX_RIGHT_READ);
      if (typeof dispatcher === 'number') return dispatcher;
      return dispatcher.wait(deadline, (taken) => {
        packet = valueOfPacket(taken);
      });
    };
    return this.laterBy(
      call,
      { name: 'port_wait', returns: 'zx_status_t', args: [], handler },
      options,
      (status) => ({
        status,
        packet,
      }),
    );
  }

  /** Takes a packet if there is one; ZX_ERR_TIMED_OUT otherwise. */
  portTryWait(port: number): PacketResult {
    const dispatcher = this.handles.lookup(port, PortDispatcher, ZX_RIGHT_READ);
    if (typeof dispatcher === 'number') return { status: dispatcher, packet: null };
    const packet = dispatcher.dequeue(valueOfPacket);
    return packet === undefined ? NO_PACKET : { status: ZX_OK, packet };
  }

  /**
   * As `portTryWait`, for whoever takes many page requests: what is in the packet goes to `into`, which belongs to the caller and is left as it is when
   * there is no packet.
   */
  portTryWaitInto(port: number, into: PacketRoom): Status {
    const dispatcher = this.handles.lookup(port, PortDispatcher, ZX_RIGHT_READ);
    if (typeof dispatcher === 'number') return dispatcher;
    const packet = dispatcher.first;
    if (packet === null) return ZX_ERR_TIMED_OUT;
    putPacket(packet, into);
    dispatcher.deliver(packet);
    return ZX_OK;
  }

  /**
   * Queues a user packet.
   *
   * @param payload at most 32 bytes; the rest is zero
   */
  portQueue(port: number, key: bigint, status: Status, payload: Uint8Array): StatusResult {
    if (payload.length > PACKET_PAYLOAD_BYTES)
      throw new RangeError(`a packet has ${PACKET_PAYLOAD_BYTES} bytes for its user`);
    const bytes = new Uint8Array(PACKET_BYTES);
    const view = new DataView(bytes.buffer);
    view.setBigUint64(PACKET_KEY, key, true);
    view.setInt32(PACKET_STATUS, status, true);
    bytes.set(payload, PACKET_PAYLOAD);
    return this.statusOf(this.begin().u32(port, 'port').buffer(bytes), 'port_queue');
  }

  portCancel(port: number, source: number, key: bigint): StatusResult {
    const call = this.begin().u32(port, 'port').u32(source, 'source').u64(key, 'key');
    return this.statusOf(call, 'port_cancel');
  }

  portCancelKey(port: number, options: number, key: bigint): StatusResult {
    const call = this.begin().u32(port, 'port').u32(options, 'options').u64(key, 'key');
    return this.statusOf(call, 'port_cancel_key');
  }

  /**
   * Calls back whenever packets lie on the port, at a point where system calls may be made: between the turns of guest
   * threads while the kernel runs, in a microtask otherwise. The callback takes the packets with `portTryWait` or `portTryWaitInto`; what it leaves there
   * it hears of with the next packet. A port has one such listener.
   *
   * @returns ends the listening
   * @throws {Error} the handle is no readable port, or the port is listened to already
   */
  onPortPacket(port: number, callback: () => void): () => void {
    const dispatcher = this.handles.lookup(port, PortDispatcher, ZX_RIGHT_READ);
    if (typeof dispatcher === 'number')
      throw new Error(`cannot listen to handle ${port}: status ${dispatcher}`);
    return PortListener.attach(dispatcher, this.kernel.work, callback);
  }

  debuglogCreate(resource: number, options: number): HandleResult {
    return this.handleOf(this.begin().u32(resource, 'resource').u32(options, 'options'), 'debuglog_create');
  }

  debuglogWrite(handle: number, options: number, text: Uint8Array): StatusResult {
    const call = this.begin()
      .u32(handle, 'handle')
      .u32(options, 'options')
      .buffer(text)
      .u64(text.length, 'size');
    return this.statusOf(call, 'debuglog_write');
  }

  /** The next record as a `zx_log_record_t`; null with ZX_ERR_SHOULD_WAIT when there is none. */
  debuglogRead(handle: number): StatusResult & { readonly record: Uint8Array | null } {
    const room = new Uint8Array(256);
    const call = this.begin().u32(handle, 'handle').u32(0, 'options').buffer(room).u64(room.length, 'size');
    return this.finish(call, 'debuglog_read', (result) =>
      result < 0 ? { status: result, record: null } : { status: ZX_OK, record: room.subarray(0, result) },
    );
  }

  private pair(options: number, name: string): PairResult {
    const call = this.begin().u32(options, 'options');
    const first = call.out(4);
    const second = call.out(4);
    return this.finish(call, name, (status) => ({
      status,
      handles: [call.memory.u32(first), call.memory.u32(second)] as const,
    }));
  }
}
