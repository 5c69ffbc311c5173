/**
 * What lies in the queue of a port.
 *
 * A packet's owner makes it once and may queue it again and again, but only while it is in no queue. It leaves the queue by being
 * read (`onDelivered`), by cancellation or the end of the port (`onDiscarded`), or because its owner takes it back (`PortDispatcher.withdraw`, no callback).
 */
import { PAGE_SIZE } from '@faultline/mmu-emu';
import {
  PACKET_BYTES,
  PACKET_KEY,
  PACKET_PAYLOAD,
  PACKET_PAYLOAD_BYTES,
  PACKET_REQUEST_COMMAND,
  PACKET_REQUEST_LENGTH,
  PACKET_REQUEST_OFFSET,
  PACKET_SIGNAL_COUNT,
  PACKET_SIGNAL_OBSERVED,
  PACKET_SIGNAL_TIMESTAMP,
  PACKET_SIGNAL_TRIGGER,
  PACKET_STATUS,
  PACKET_TYPE,
  ZX_PKT_TYPE_PAGE_REQUEST,
  ZX_PKT_TYPE_SIGNAL_ONE,
  ZX_PKT_TYPE_USER,
} from '../abi/port.js';
import { ZX_OK, type Status } from '../abi/status.js';
import type { Dispatcher } from '../object/dispatcher.js';
import type { PortDispatcher } from './port.js';

/** A packet of any type: its place in a queue, and what all types have in common. */
export abstract class PortPacket {
  /** `ZX_PKT_TYPE_*` */
  abstract readonly type: number;
  status: Status = ZX_OK;
  /** The port in whose queue it lies. */
  port: PortDispatcher | null = null;
  /** Links of that queue; owned by the port. */
  previous: PortPacket | null = null;
  next: PortPacket | null = null;

  protected constructor(public key: bigint) {}

  /** The object that `zx_port_cancel` has to name to remove this packet; null: it cannot be removed so. */
  get source(): Dispatcher | null {
    return null;
  }

  /** Writes the 32 bytes from PACKET_PAYLOAD on into a zeroed packet. */
  abstract writePayload(view: DataView): void;

  /** It was read. It may be queued again at once. */
  onDelivered(): void {}

  /** It was cancelled, or its port was closed. */
  onDiscarded(): void {}
}

/** Writes the packet as a `zx_port_packet_t` over the first 48 bytes of `view`. */
export function encodePacket(packet: PortPacket, view: DataView): void {
  for (let position = 0; position < PACKET_BYTES; position += 4) view.setUint32(position, 0, true);
  view.setBigUint64(PACKET_KEY, packet.key, true);
  view.setUint32(PACKET_TYPE, packet.type, true);
  view.setInt32(PACKET_STATUS, packet.status, true);
  packet.writePayload(view);
}

/** Made by `zx_port_queue`; lives until it is read. */
export class UserPacket extends PortPacket {
  override readonly type = ZX_PKT_TYPE_USER;

  /** @param payload 32 bytes, owned by the packet from here on */
  constructor(
    key: bigint,
    status: Status,
    readonly payload: Uint8Array,
  ) {
    super(key);
    this.status = status;
  }

  override writePayload(view: DataView): void {
    new Uint8Array(view.buffer, view.byteOffset + PACKET_PAYLOAD, PACKET_PAYLOAD_BYTES).set(this.payload);
  }
}

/** What an asynchronous wait saw. Made with its observer, queued once. */
export abstract class SignalPacket extends PortPacket {
  override readonly type = ZX_PKT_TYPE_SIGNAL_ONE;
  /** Everything that was asserted when the wait ended. */
  observed = 0;
  /** Nanoseconds; 0 when not asked for. */
  timestamp = 0;

  /** @param trigger the signals waited for */
  protected constructor(
    key: bigint,
    readonly trigger: number,
  ) {
    super(key);
  }

  override writePayload(view: DataView): void {
    view.setUint32(PACKET_SIGNAL_TRIGGER, this.trigger, true);
    view.setUint32(PACKET_SIGNAL_OBSERVED, this.observed, true);
    view.setUint32(PACKET_SIGNAL_COUNT, 1, true);
    view.setUint32(PACKET_SIGNAL_TIMESTAMP, this.timestamp >>> 0, true);
    view.setUint32(PACKET_SIGNAL_TIMESTAMP + 4, Math.floor(this.timestamp / 0x1_0000_0000), true);
  }
}

/** A page request; the source of requests makes one and uses it for all of them, one at a time. Not counted against the port's bound. */
export abstract class PageRequestPacket extends PortPacket {
  override readonly type = ZX_PKT_TYPE_PAGE_REQUEST;
  /** ZX_PAGER_VMO_READ, ZX_PAGER_VMO_COMPLETE or ZX_PAGER_VMO_DIRTY. */
  command = 0;
  /** The first page, and how many. */
  page = 0;
  pages = 0;

  override writePayload(view: DataView): void {
    view.setUint16(PACKET_REQUEST_COMMAND, this.command, true);
    setPages(view, PACKET_REQUEST_OFFSET, this.page);
    setPages(view, PACKET_REQUEST_LENGTH, this.pages);
  }
}

function setPages(view: DataView, position: number, pages: number): void {
  view.setUint32(position, (pages % 0x10_0000) * PAGE_SIZE, true);
  view.setUint32(position + 4, Math.floor(pages / 0x10_0000), true);
}
