import { PAGE_SIZE } from '@faultline/mmu-emu';
import type { Status } from '../abi/status.js';
import { PageRequestPacket, SignalPacket, UserPacket, type PortPacket } from '../ipc/port-packet.js';

/** A pager is asked for something. Offset and length are in bytes, whole pages, exact. */
export interface PageRequestValue {
  /** ZX_PAGER_VMO_READ, ZX_PAGER_VMO_COMPLETE or ZX_PAGER_VMO_DIRTY. */
  readonly command: number;
  readonly offset: number;
  readonly length: number;
}

/** What an asynchronous wait saw. */
export interface SignalValue {
  /** The signals waited for. */
  readonly trigger: number;
  /** Everything that was asserted then. */
  readonly observed: number;
  /** Nanoseconds; 0 when not asked for. */
  readonly timestamp: number;
}

/** A packet, for TypeScript. The part that its type does not have is null. */
export interface PortPacketValue {
  readonly key: bigint;
  /** `ZX_PKT_TYPE_*` */
  readonly type: number;
  readonly status: Status;
  readonly pageRequest: PageRequestValue | null;
  readonly signal: SignalValue | null;
  /** 32 bytes of the caller of `portQueue`. */
  readonly user: Uint8Array | null;
}

/** Room for what matters in a page request, to be used for one packet after the other: see `portTryWaitInto`. */
export interface PacketRoom {
  key: bigint;
  /** `ZX_PKT_TYPE_*` */
  type: number;
  /** With ZX_PKT_TYPE_PAGE_REQUEST as of `PageRequestValue`, else 0. */
  command: number;
  offset: number;
  length: number;
}

/** Takes what is in a packet out of it, without anything being made for that. */
export function putPacket(packet: PortPacket, into: PacketRoom): void {
  const isRequest = packet instanceof PageRequestPacket;
  into.key = packet.key;
  into.type = packet.type;
  into.command = isRequest ? packet.command : 0;
  into.offset = isRequest ? packet.page * PAGE_SIZE : 0;
  into.length = isRequest ? packet.pages * PAGE_SIZE : 0;
}

/** Takes what is in a packet out of it. */
export function valueOfPacket(packet: PortPacket): PortPacketValue {
  const { key, type, status } = packet;
  if (packet instanceof PageRequestPacket) {
    const pageRequest = {
      command: packet.command,
      offset: packet.page * PAGE_SIZE,
      length: packet.pages * PAGE_SIZE,
    };
    return { key, type, status, pageRequest, signal: null, user: null };
  }
  if (packet instanceof SignalPacket) {
    const signal = { trigger: packet.trigger, observed: packet.observed, timestamp: packet.timestamp };
    return { key, type, status, pageRequest: null, signal, user: null };
  }
  const user = packet instanceof UserPacket ? packet.payload : null;
  return { key, type, status, pageRequest: null, signal: null, user };
}
