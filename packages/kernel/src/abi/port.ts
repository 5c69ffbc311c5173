/**
 * Port packets and options of asynchronous waits.
 *
 * @see Zircon `<zircon/syscalls/port.h>`, `zx_port_wait`, `zx_object_wait_async`
 */
export const ZX_PORT_BIND_TO_INTERRUPT = 1;

/** Packet types. */
export const ZX_PKT_TYPE_USER = 0;
export const ZX_PKT_TYPE_SIGNAL_ONE = 1;
export const ZX_PKT_TYPE_GUEST_BELL = 3;
export const ZX_PKT_TYPE_GUEST_MEM = 4;
export const ZX_PKT_TYPE_GUEST_IO = 5;
export const ZX_PKT_TYPE_GUEST_VCPU = 6;
export const ZX_PKT_TYPE_INTERRUPT = 7;
export const ZX_PKT_TYPE_PAGE_REQUEST = 9;

/** Commands of a page-request packet. */
export const ZX_PAGER_VMO_READ = 0;
export const ZX_PAGER_VMO_COMPLETE = 1;
export const ZX_PAGER_VMO_DIRTY = 2;

/** Options of `zx_object_wait_async`. */
export const ZX_WAIT_ASYNC_TIMESTAMP = 1;
export const ZX_WAIT_ASYNC_EDGE = 2;
export const ZX_WAIT_ASYNC_BOOT_TIMESTAMP = 4;

/** `zx_port_packet_t`: byte positions. */
export const PACKET_KEY = 0; // u64
export const PACKET_TYPE = 8; // u32
export const PACKET_STATUS = 12; // i32
export const PACKET_PAYLOAD = 16; // 32 bytes
export const PACKET_BYTES = 48;
export const PACKET_PAYLOAD_BYTES = 32;

/** `zx_packet_signal_t`: byte positions in the packet. */
export const PACKET_SIGNAL_TRIGGER = 16; // u32
export const PACKET_SIGNAL_OBSERVED = 20; // u32
export const PACKET_SIGNAL_COUNT = 24; // u64
export const PACKET_SIGNAL_TIMESTAMP = 32; // i64
export const PACKET_SIGNAL_RESERVED = 40; // u64

/** `zx_packet_page_request_t`: byte positions in the packet. */
export const PACKET_REQUEST_COMMAND = 16; // u16
export const PACKET_REQUEST_FLAGS = 18; // u16, always 0
export const PACKET_REQUEST_RESERVED = 20; // u32, always 0
export const PACKET_REQUEST_OFFSET = 24; // u64
export const PACKET_REQUEST_LENGTH = 32; // u64

/** `zx_wait_item_t`: byte positions of its u32 fields. */
export const WAIT_ITEM_HANDLE = 0;
export const WAIT_ITEM_WAITFOR = 4;
export const WAIT_ITEM_PENDING = 8;
export const WAIT_ITEM_BYTES = 12;
